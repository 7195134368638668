#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "requests.h"
#include "text.h"

#define CHUNK 500       /* deliveries changed in one group */
#define IDS_MAX 1000000 /* in one request */
#define BIT(state) (1u << (state))

/* clang-format off */
static const struct change {
    const char *verb;
    unsigned from;          /* states it applies to, as bits */
    enum queue_state to;
    bool replay;
    bool needs_reason;
    bool checks;    /* only what lacks nothing */
    bool completes; /* by ingest, with the request's fields */
} changes[] = {
    { "hold",    BIT(STATE_WAITING) | BIT(STATE_PARKED), STATE_HELD,
      .checks = false },
    { "release", BIT(STATE_HELD), STATE_WAITING, .checks = true },
    { "retry",   BIT(STATE_PARKED) | BIT(STATE_REJECTED), STATE_WAITING,
      .checks = false },
    { "replay",  BIT(STATE_DELIVERED), STATE_WAITING, .replay = true },
    { "discard", BIT(STATE_WAITING) | BIT(STATE_PARKED) | BIT(STATE_HELD) |
                 BIT(STATE_REJECTED), STATE_DISCARDED, .needs_reason = true },
    { "complete", BIT(STATE_HELD) | BIT(STATE_REJECTED), STATE_WAITING,
      .completes = true },
};
/* clang-format on */

/* ---- which deliveries ------------------------------------------------- */

struct gathering {
    const struct change *change;
    uint64_t *ids;
    size_t count;
    size_t capacity;
    bool failed;
};

static bool id_keep(struct gathering *gathering, uint64_t id)
{
    if (gathering->count == gathering->capacity) {
        size_t capacity = gathering->capacity * 2 + 64;
        uint64_t *ids = capacity > 2 * IDS_MAX
                            ? NULL
                            : realloc(gathering->ids, capacity * sizeof *ids);

        if (ids == NULL) {
            gathering->failed = true;
            return false;
        }
        gathering->ids = ids;
        gathering->capacity = capacity;
    }
    gathering->ids[gathering->count++] = id;
    return true;
}

static bool gather_visit(void *arg, const struct queue_delivery *delivery)
{
    struct gathering *gathering = arg;

    if ((gathering->change->from & BIT(delivery->state)) == 0)
        return true;
    return gathering->count < IDS_MAX && id_keep(gathering, delivery->id);
}

static bool gather_ids(struct call_context *context,
                       struct gathering *gathering, const json_t *ids)
{
    const json_t *one;
    size_t i;

    json_array_foreach(ids, i, one)
    {
        if (!json_is_integer(one) || json_integer_value(one) <= 0) {
            request_fail(context, "\"ids\" must be entries' numbers");
            return false;
        }
        if (!id_keep(gathering, (uint64_t)json_integer_value(one)))
            return false;
    }
    return true;
}

static bool gather(struct call_context *context, struct gathering *gathering)
{
    const json_t *ids = json_object_get(context->request, "ids");
    struct queue_filter filter;
    uint64_t entry;

    if (json_object_get(context->request, "entry") != NULL)
        return request_id(context, "entry", &entry) &&
               id_keep(gathering, entry);

    if (ids != NULL)
        return json_is_array(ids)
                   ? gather_ids(context, gathering, ids)
                   : request_fail(context, "\"ids\" must be a list") != NULL;
    if (!request_filter(context, &filter))
        return false;
    if (filter.destination == NULL && filter.subject == NULL &&
        filter.from_ms == 0 && filter.state < 0) {
        request_fail(context, "say which: ids, or destination, plate, state, "
                              "from and until");
        return false;
    }
    if (queue_list(context->admin->options.queue, &filter, gather_visit,
                   gathering) != STATUS_OK ||
        gathering->failed) {
        request_fail(context, "the entries cannot be read now; try fewer");
        return false;
    }
    return true;
}

/* ---- doing it --------------------------------------------------------- */

struct doing {
    const struct change *change;
    struct call_context *context;
    const char *reason;
    const uint64_t *ids;
    size_t count;
    size_t changed; /* counted anew when a group is tried again */
    char first_refusal[512];
};

static enum status doing_one(struct doing *doing, struct queue *queue,
                             uint64_t id, int64_t now_ms, struct bytes *words)
{
    struct ingest *ingest = doing->context->admin->options.ingest;
    struct queue_outcome outcome = {
        .delivery = id,
        .state = doing->change->to,
        .replay = doing->change->replay,
        .cause = CAUSE_OPERATOR,
        .at_ms = now_ms,
        .actor = doing->context->user,
        .verb = doing->change->verb,
        .reason = doing->reason,
    };
    enum status status = STATUS_OK;

    if (doing->change->completes)
        return ingest_complete(
            ingest, queue, id,
            json_object_get(doing->context->request, "fields"),
            doing->context->user, now_ms, words);
    if (doing->change->checks)
        status = ingest_check(ingest, queue, id, now_ms, words);
    return status == STATUS_OK ? queue_put_outcome(queue, &outcome) : status;
}

static void refusal_note(struct doing *doing, uint64_t id, enum status status,
                         const struct bytes *words)
{
    if (doing->first_refusal[0] != 0)
        return;
    text_print(doing->first_refusal, sizeof doing->first_refusal,
               "entry %" PRIu64 ": %s%s%s", id,
               status == STATUS_DENIED && words->len == 0
                   ? "its state does not allow it"
                   : status_text(status),
               words->len > 0 ? ": " : "", bytes_text(words));
}

static enum status doing_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    struct doing *doing = arg;
    struct bytes words = BYTES_EMPTY;
    enum status status = STATUS_OK;

    doing->changed = 0;
    for (size_t i = 0; i < doing->count; i++) {
        bytes_clear(&words);
        status = doing_one(doing, queue, doing->ids[i], now_ms, &words);
        if (status_retryable(status))
            break;
        if (status == STATUS_OK)
            doing->changed++;
        else
            refusal_note(doing, doing->ids[i], status, &words);
        status = STATUS_OK;
    }
    bytes_free(&words);
    return status;
}

static void uplinks_wake(struct admin *admin, uint64_t from)
{
    for (unsigned i = 0; i < admin->options.config->destination_count; i++)
        if (admin->options.uplinks[i] != NULL)
            uplink_wake(admin->options.uplinks[i], from);
}

static uint64_t lowest(const uint64_t *ids, size_t count)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < count; i++)
        if (ids[i] < least)
            least = ids[i];
    return least;
}

static json_t *change_do(struct call_context *context,
                         const struct change *change, const uint64_t *ids,
                         size_t count)
{
    const char *reason =
        json_string_value(json_object_get(context->request, "reason"));
    size_t changed = 0;
    char refusal[512] = "";
    json_t *reply;

    for (size_t at = 0; at < count; at += CHUNK) {
        struct doing doing = {
            .change = change,
            .context = context,
            .reason = reason == NULL ? "" : reason,
            .ids = ids + at,
            .count = count - at < CHUNK ? count - at : CHUNK,
        };
        enum status status = committer_run(context->admin->options.committer,
                                           doing_apply, &doing);

        if (status != STATUS_OK)
            return request_fail(context,
                                "%zu of %zu were changed, then the store "
                                "said: %s",
                                changed, count, status_text(status));
        changed += doing.changed;
        if (refusal[0] == 0)
            memcpy(refusal, doing.first_refusal, sizeof refusal);
    }
    uplinks_wake(context->admin, lowest(ids, count));
    if (count == 1 && changed == 0)
        return request_fail(context, "%s", refusal);
    reply = json_pack("{s:I, s:I}", "changed", (json_int_t)changed, "skipped",
                      (json_int_t)(count - changed));
    if (refusal[0] != 0)
        json_object_set_new(reply, "first_skipped", json_string(refusal));
    return reply;
}

/* ---- tokens ----------------------------------------------------------- */

void pending_free(struct pending *pending)
{
    free(pending->request);
    free(pending->ids);
    *pending = (struct pending){0};
}

/* The request without what differs between asking and confirming. */
static char *canonical(const json_t *request)
{
    json_t *copy = json_copy((json_t *)request);
    char *text;

    json_object_del(copy, "id");
    json_object_del(copy, "token");
    text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(copy);
    return text;
}

static struct pending *pending_slot(struct admin *admin)
{
    struct pending *oldest = &admin->pendings[0];
    int64_t now_ms = clock_steady_ms(admin->options.clock);

    for (size_t i = 0; i < TOKENS_MAX; i++) /* they may be millions of ids */
        if (admin->pendings[i].until_ms < now_ms)
            pending_free(&admin->pendings[i]);
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        if (admin->pendings[i].request == NULL)
            return &admin->pendings[i];
        if (admin->pendings[i].until_ms < oldest->until_ms)
            oldest = &admin->pendings[i];
    }
    pending_free(oldest);
    return oldest;
}

/* Keeps the gathered ids, which are moved in. */
static json_t *change_ask(struct call_context *context,
                          struct gathering *gathering)
{
    struct pending *pending = pending_slot(context->admin);
    uint8_t random[16];

    pending->request = canonical(context->request);
    if (pending->request == NULL ||
        crypto_random(random, sizeof random) != STATUS_OK) {
        pending_free(pending);
        return request_fail(context, "%s", status_text(STATUS_NOMEM));
    }
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(pending->token + 2 * i, 3, "%02x", random[i]);
    snprintf(pending->user, sizeof pending->user, "%s", context->user);
    pending->ids = gathering->ids;
    pending->count = gathering->count;
    pending->until_ms =
        clock_steady_ms(context->admin->options.clock) + TOKEN_LIFE_MS;
    gathering->ids = NULL;
    return json_pack("{s:I, s:s, s:s}", "count", (json_int_t)pending->count,
                     "token", pending->token, "confirm",
                     "send the same request with this token to do it; it "
                     "holds for 5 minutes");
}

static json_t *change_confirm(struct call_context *context,
                              const struct change *change, const char *token)
{
    struct admin *admin = context->admin;
    char *text = canonical(context->request);
    int64_t now_ms = clock_steady_ms(admin->options.clock);
    json_t *reply = NULL;

    for (size_t i = 0; i < TOKENS_MAX && text != NULL; i++) {
        struct pending *pending = &admin->pendings[i];

        if (pending->request == NULL || strcmp(pending->token, token) != 0 ||
            strcmp(pending->user, context->user) != 0 ||
            strcmp(pending->request, text) != 0 || pending->until_ms < now_ms)
            continue;
        free(text);
        reply = change_do(context, change, pending->ids, pending->count);
        pending_free(pending);
        return reply;
    }
    free(text);
    return request_fail(context, "the token is not (or no longer) good for "
                                 "this request; ask again without it");
}

static json_t *change_run(struct call_context *context, size_t which)
{
    const struct change *change = &changes[which];
    const char *token =
        json_string_value(json_object_get(context->request, "token"));
    const json_t *reason = json_object_get(context->request, "reason");
    struct gathering gathering = {.change = change};
    json_t *reply = NULL;

    if (change->needs_reason &&
        (!json_is_string(reason) || json_string_length(reason) == 0))
        return request_fail(context, "%s needs a \"reason\"", change->verb);
    if (token != NULL)
        return change_confirm(context, change, token);
    if (gather(context, &gathering)) {
        if (gathering.count == 0)
            reply = json_pack("{s:i, s:i}", "changed", 0, "skipped", 0);
        else if (gathering.count == 1)
            reply = change_do(context, change, gathering.ids, 1);
        else
            reply = change_ask(context, &gathering);
    }
    free(gathering.ids);
    return reply;
}

json_t *verb_hold(struct call_context *context)
{
    return change_run(context, 0);
}

json_t *verb_release(struct call_context *context)
{
    return change_run(context, 1);
}

json_t *verb_retry(struct call_context *context)
{
    return change_run(context, 2);
}

json_t *verb_replay(struct call_context *context)
{
    return change_run(context, 3);
}

json_t *verb_discard(struct call_context *context)
{
    return change_run(context, 4);
}

json_t *verb_complete(struct call_context *context)
{
    if (!json_is_object(json_object_get(context->request, "fields")))
        return request_fail(context, "\"fields\" must be an object in the "
                                     "interface's own field names");
    return change_run(context, 5);
}
