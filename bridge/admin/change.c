#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "requests.h"

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
} changes[] = {
    { "hold",    BIT(STATE_WAITING) | BIT(STATE_PARKED), STATE_HELD, false, false },
    { "release", BIT(STATE_HELD), STATE_WAITING, false, false },
    { "retry",   BIT(STATE_PARKED) | BIT(STATE_REJECTED), STATE_WAITING, false, false },
    { "replay",  BIT(STATE_DELIVERED), STATE_WAITING, true, false },
    { "discard", BIT(STATE_WAITING) | BIT(STATE_PARKED) | BIT(STATE_HELD) |
                 BIT(STATE_REJECTED), STATE_DISCARDED, false, true },
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
    const char *user;
    const char *reason;
    const uint64_t *ids;
    size_t count;
    size_t changed; /* counted anew when a group is tried again */
    char first_refusal[256];
};

static enum status doing_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    struct doing *doing = arg;

    doing->changed = 0;
    for (size_t i = 0; i < doing->count; i++) {
        struct queue_outcome outcome = {
            .delivery = doing->ids[i],
            .state = doing->change->to,
            .replay = doing->change->replay,
            .cause = CAUSE_OPERATOR,
            .at_ms = now_ms,
            .actor = doing->user,
            .verb = doing->change->verb,
            .reason = doing->reason,
        };
        enum status status = queue_put_outcome(queue, &outcome);

        if (status_retryable(status))
            return status;
        if (status == STATUS_OK)
            doing->changed++;
        else if (doing->first_refusal[0] == 0)
            snprintf(doing->first_refusal, sizeof doing->first_refusal,
                     "entry %" PRIu64 ": %s", doing->ids[i],
                     status == STATUS_DENIED ? "its state does not allow it"
                                             : status_text(status));
    }
    return STATUS_OK;
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
    char refusal[256] = "";
    json_t *reply;

    for (size_t at = 0; at < count; at += CHUNK) {
        struct doing doing = {
            .change = change,
            .user = context->user,
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

/* ---- complete --------------------------------------------------------- */

struct completing {
    struct call_context *context;
    uint64_t id;
    const json_t *fields;
    struct bytes words;
};

static enum status completing_apply(void *arg, struct queue *queue,
                                    int64_t now_ms)
{
    struct completing *completing = arg;

    bytes_clear(&completing->words);
    return ingest_complete(completing->context->admin->options.ingest, queue,
                           completing->id, completing->fields,
                           completing->context->user, now_ms,
                           &completing->words);
}

json_t *verb_complete(struct call_context *context)
{
    struct completing completing = {
        .context = context,
        .fields = json_object_get(context->request, "fields"),
    };
    json_t *reply;
    enum status status;

    if (!request_id(context, "entry", &completing.id))
        return NULL;
    if (!json_is_object(completing.fields))
        return request_fail(context, "\"fields\" must be an object in the "
                                     "interface's own field names");
    status = committer_run(context->admin->options.committer, completing_apply,
                           &completing);
    if (status == STATUS_OK) {
        uplinks_wake(context->admin, completing.id);
        reply = json_pack("{s:i}", "changed", 1);
    } else {
        reply = request_fail(context, "entry %" PRIu64 ": %s%s%s",
                             completing.id, status_text(status),
                             completing.words.len > 0 ? ": " : "",
                             bytes_text(&completing.words));
    }
    bytes_free(&completing.words);
    return reply;
}
