#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "requests.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MOST 1000
#define HEALTH_MAX ((size_t)1 << 20)

json_t *instant_json(int64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];

    if (wall_ms == 0)
        return json_null();
    clock_print_iso(wall_ms, text);
    return json_string(text);
}

/* Stored words may hold any bytes; what is not UTF-8 is shown as hex. */
static json_t *words_json(struct span words)
{
    json_t *text = json_stringn((const char *)words.data, words.len);
    struct bytes hex = BYTES_EMPTY;

    if (text != NULL || words.len == 0)
        return text != NULL ? text : json_string("");
    for (size_t i = 0; i < words.len; i++)
        if (bytes_print(&hex, "%02x", words.data[i]) != STATUS_OK)
            break;
    text = json_string(bytes_text(&hex));
    bytes_free(&hex);
    return text;
}

json_t *delivery_json(const struct queue_delivery *delivery)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:i, s:I, s:o}", "entry",
        (json_int_t)delivery->id, "destination", delivery->destination,
        "interface", delivery->interface, "state",
        queue_state_name(delivery->state), "number",
        words_json(span_text(delivery->number)), "plate",
        words_json(span_text(delivery->subject)), "made",
        instant_json(delivery->made_at_ms), "changed",
        instant_json(delivery->changed_at_ms), "attempts",
        (int)delivery->attempts, "rounds", (int)delivery->rounds, "follows",
        (json_int_t)delivery->follows, "reason",
        words_json(span_text(delivery->reason)));
}

/* ---- stats ------------------------------------------------------------ */

static json_t *uplink_json(struct uplink *uplink)
{
    struct uplink_status status;

    uplink_status(uplink, &status);
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:o, s:o, s:s, s:o, s:o}",
        "destination", status.destination, "condition",
        uplink_condition_name(status.condition), "reason", status.reason,
        "in_flight", (int)status.in_flight, "resending", (int)status.resending,
        "requests", (json_int_t)status.requests, "accepted",
        (json_int_t)status.accepted, "failed", (json_int_t)status.failed,
        "last_accepted", instant_json(status.last_accepted_ms),
        "last_answer_at", instant_json(status.last_answer_ms), "last_answer",
        status.last_answer, "heartbeat", instant_json(status.heartbeat_ms),
        "next_round", instant_json(status.next_round_ms));
}

static void event_row(void *arg, const char *kind,
                      const struct queue_event_sums *sums)
{
    static const char *const names[QUEUE_FATES] = {
        "used", "joining", "unrouted", "invalid", "repeats"};
    json_t *row = json_pack("{s:s, s:I}", "kind", kind, "received",
                            (json_int_t)sums->received);

    for (int i = 0; i < QUEUE_FATES; i++)
        json_object_set_new(row, names[i],
                            json_integer((json_int_t)sums->fates[i]));
    json_array_append_new(arg, row);
}

static void delivery_row(void *arg, const char *destination,
                         const char *interface,
                         const struct queue_delivery_sums *sums)
{
    json_t *row =
        json_pack("{s:s, s:s, s:I}", "destination", destination, "interface",
                  interface, "made", (json_int_t)sums->made);

    for (int i = 0; i < QUEUE_STATES; i++)
        json_object_set_new(row, queue_state_name((enum queue_state)i),
                            json_integer((json_int_t)sums->states[i]));
    json_array_append_new(arg, row);
}

static json_t *books_json(struct call_context *context, uint32_t day)
{
    struct queue *queue = context->admin->options.queue;
    json_t *events = json_array();
    json_t *deliveries = json_array();
    enum status status = queue_day_events(queue, day, event_row, events);

    if (status == STATUS_OK)
        status = queue_day_deliveries(queue, day, delivery_row, deliveries);
    if (status != STATUS_OK) {
        json_decref(events);
        json_decref(deliveries);
        return request_fail(context, "%s", status_text(status));
    }
    return json_pack("{s:o, s:o}", "events", events, "deliveries", deliveries);
}

/* The sentences of bridge/state, as they were written within the second. */
static json_t *troubles_json(const struct admin_options *options)
{
    struct bytes text = BYTES_EMPTY;
    char path[PATH_MAX];
    json_t *state = NULL;
    json_t *troubles;

    snprintf(path, sizeof path, "%s/health.json", options->state_folder);
    if (bytes_read_file(&text, path, HEALTH_MAX) == STATUS_OK)
        state = json_loadb((const char *)text.data, text.len, 0, NULL);
    troubles = json_incref(json_object_get(state, "troubles"));
    json_decref(state);
    bytes_free(&text);
    return troubles != NULL ? troubles : json_array();
}

json_t *verb_stats(struct call_context *context)
{
    const struct admin_options *options = &context->admin->options;
    json_t *reply = books_json(context, 0);
    json_t *uplinks;
    struct queue_space space;

    if (reply == NULL)
        return NULL;
    uplinks = json_array();
    for (unsigned i = 0; i < options->config->destination_count; i++)
        if (options->uplinks[i] != NULL)
            json_array_append_new(uplinks, uplink_json(options->uplinks[i]));
    json_object_set_new(reply, "uplinks", uplinks);
    json_object_set_new(reply, "troubles", troubles_json(options));
    if (queue_space_read(options->queue, &space) == STATUS_OK)
        json_object_set_new(
            reply, "store",
            json_pack("{s:I, s:I, s:I, s:b, s:i, s:s}", "used_bytes",
                      (json_int_t)space.used_bytes, "quota_bytes",
                      (json_int_t)space.quota_bytes, "free_bytes",
                      (json_int_t)space.fs_free_bytes, "full", (int)space.full,
                      "months", space.months, "oldest_month",
                      space.oldest_month));
    return reply;
}

json_t *verb_report(struct call_context *context)
{
    const json_t *day = json_object_get(context->request, "day");
    const char *text = json_string_value(day);
    unsigned year;
    unsigned month;
    unsigned date;
    int end = 0;
    int64_t start_ms;
    json_t *reply;

    if (text == NULL ||
        sscanf(text, "%4u-%2u-%2u%n", &year, &month, &date, &end) != 3 ||
        text[end] != 0 ||
        china_day_start_ms(year * 10000 + month * 100 + date, &start_ms) !=
            STATUS_OK)
        return request_fail(context,
                            "\"day\" must be a day, such as 2026-11-20");
    reply = books_json(context, year * 10000 + month * 100 + date);
    if (reply != NULL)
        json_object_set(reply, "day", (json_t *)day);
    return reply;
}

/* ---- list ------------------------------------------------------------- */

struct listing {
    json_t *rows;
    size_t limit;
    uint64_t last;
    bool more;
};

static bool list_visit(void *arg, const struct queue_delivery *delivery)
{
    struct listing *listing = arg;

    if (json_array_size(listing->rows) == listing->limit) {
        listing->more = true;
        return false;
    }
    json_array_append_new(listing->rows, delivery_json(delivery));
    listing->last = delivery->id;
    return true;
}

json_t *verb_list(struct call_context *context)
{
    const json_t *limit = json_object_get(context->request, "limit");
    struct listing listing = {.limit = LIMIT_DEFAULT};
    struct queue_filter filter;
    enum status status;
    json_t *reply;

    if (!request_filter(context, &filter))
        return NULL;
    if (limit != NULL &&
        (!json_is_integer(limit) || json_integer_value(limit) < 1 ||
         json_integer_value(limit) > LIMIT_MOST))
        return request_fail(context, "\"limit\" must be 1 to %d", LIMIT_MOST);
    if (limit != NULL)
        listing.limit = (size_t)json_integer_value(limit);
    listing.rows = json_array();
    status = queue_list(context->admin->options.queue, &filter, list_visit,
                        &listing);
    if (status != STATUS_OK) {
        json_decref(listing.rows);
        return request_fail(context, "%s", status_text(status));
    }
    reply = json_pack("{s:o}", "entries", listing.rows);
    if (listing.more)
        json_object_set_new(reply, "next",
                            json_integer((json_int_t)listing.last));
    return reply;
}

/* ---- show ------------------------------------------------------------- */

static void history_visit(void *arg, const struct queue_outcome *outcome)
{
    static const char *const causes[] = {"answer", "operator", "bridge"};

    json_array_append_new(
        arg, json_pack("{s:o, s:s, s:s, s:s, s:o, s:i, s:o, s:o}", "at",
                       instant_json(outcome->at_ms), "verb", outcome->verb,
                       "state", queue_state_name(outcome->state), "cause",
                       causes[outcome->cause], "actor",
                       words_json(span_text(outcome->actor)), "attempts",
                       (int)outcome->attempts, "reason",
                       words_json(span_text(outcome->reason)), "answer",
                       words_json(outcome->answer)));
}

static json_t *event_json(struct queue *queue, uint64_t id)
{
    struct bytes buffer = BYTES_EMPTY;
    struct queue_event event;
    json_t *json;
    enum status status = queue_event_read(queue, id, &event, &buffer);

    json = status != STATUS_OK
               ? json_pack("{s:I, s:s}", "event", (json_int_t)id, "error",
                           status_text(status))
               : json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:I}", "event",
                           (json_int_t)id, "kind", event.kind, "device",
                           words_json(span_text(event.device)), "event_id",
                           words_json(span_text(event.event_id)), "at",
                           instant_json(event.event_at_ms), "received",
                           instant_json(event.received_at_ms), "bytes",
                           (json_int_t)event.body.len);
    bytes_free(&buffer);
    return json;
}

static json_t *facts_json(struct queue *queue, uint64_t id, json_t *events)
{
    struct bytes text = BYTES_EMPTY;
    uint64_t ids[256];
    size_t count = 0;
    json_t *facts = NULL;

    if (queue_facts_read(queue, id, &text, ids, &count) == STATUS_OK)
        facts = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY,
                           NULL);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(events, event_json(queue, ids[i]));
    bytes_free(&text);
    return facts == NULL ? json_null() : facts;
}

json_t *verb_show(struct call_context *context)
{
    struct queue *queue = context->admin->options.queue;
    struct queue_delivery delivery;
    json_t *history;
    json_t *events;
    json_t *reply;
    uint64_t id;
    enum status status;

    if (!request_id(context, "entry", &id))
        return NULL;
    status = queue_delivery_read(queue, id, &delivery);
    if (status != STATUS_OK)
        return request_fail(context, "entry %" PRIu64 ": %s", id,
                            status_text(status));
    reply = delivery_json(&delivery);
    history = json_array();
    events = json_array();
    json_object_set_new(reply, "facts", facts_json(queue, id, events));
    json_object_set_new(reply, "events", events);
    if (queue_history(queue, id, history_visit, history) != STATUS_OK)
        json_object_set_new(reply, "history_error",
                            json_string("the history cannot be read whole"));
    json_object_set_new(reply, "history", history);
    return reply;
}

/* ---- verify, test ----------------------------------------------------- */

json_t *verb_verify(struct call_context *context)
{
    struct queue_verdict verdict;
    enum status status = queue_verify(context->admin->options.queue, &verdict);
    char head[2 * QUEUE_DIGEST_SIZE + 1];

    if (status != STATUS_OK && status != STATUS_CORRUPT)
        return request_fail(context, "%s", status_text(status));
    for (size_t i = 0; i < QUEUE_DIGEST_SIZE; i++)
        snprintf(head + 2 * i, 3, "%02x", verdict.head[i]);
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "good",
                     (int)(verdict.bad_crc == 0 && verdict.bad_links == 0 &&
                           verdict.bad_sums == 0 && status == STATUS_OK),
                     "records", (json_int_t)verdict.records, "outcomes",
                     (json_int_t)verdict.outcomes, "bad_crc",
                     (json_int_t)verdict.bad_crc, "bad_links",
                     (json_int_t)verdict.bad_links, "bad_sums",
                     (json_int_t)verdict.bad_sums, "first_bad",
                     (json_int_t)verdict.first_bad_seq, "head", head);
}

json_t *verb_test(struct call_context *context)
{
    const struct admin_options *options = &context->admin->options;
    struct bytes words = BYTES_EMPTY;
    struct uplink_options uplink;
    enum status status;
    json_t *reply;
    size_t at;

    if (request_uplink(context, &at) == NULL)
        return NULL;
    uplink = (struct uplink_options){
        .config = options->config,
        .destination = &options->config->destinations[at],
        .state_folder = options->state_folder,
        .clock = options->clock,
    };
    status = uplink_test(&uplink, &words);
    reply = json_pack("{s:b, s:o}", "passed", (int)(status == STATUS_OK),
                      "steps", words_json(bytes_view(&words)));
    bytes_free(&words);
    return reply;
}
