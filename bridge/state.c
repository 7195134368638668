#include "state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define SILENT_MS (15 * MINUTE_MS)
#define STALE_MS (30 * SECOND_MS)
#define OFFSET_NOTED_MS (60 * SECOND_MS)

struct writing {
    const struct state_facts *facts;
    uint64_t invalid_today;
    json_t *troubles;
    json_t *depths; /* destination -> object of sums */
    uint64_t received;
};

static json_t *instant(int64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];

    if (wall_ms == 0)
        return json_null();
    clock_print_iso(wall_ms, text);
    return json_string(text);
}

static void trouble(struct writing *writing, const char *who, const char *what)
{
    char sentence[640];

    text_print(sentence, sizeof sentence, "%s%s%s", who, *who == 0 ? "" : ": ",
               what);
    json_array_append_new(writing->troubles, json_string(sentence));
}

static void depth_add(json_t *depths, const char *key, uint64_t more)
{
    json_int_t have = json_integer_value(json_object_get(depths, key));

    json_object_set_new(depths, key, json_integer(have + (json_int_t)more));
}

static void sums_visit(void *arg, const char *destination,
                       const char *interface,
                       const struct queue_delivery_sums *sums)
{
    struct writing *writing = arg;
    json_t *depths = json_object_get(writing->depths, destination);

    (void)interface;
    if (depths == NULL) {
        depths = json_object();
        json_object_set_new(writing->depths, destination, depths);
    }
    depth_add(depths, "made", sums->made);
    for (int state = 0; state < QUEUE_STATES; state++)
        depth_add(depths, queue_state_name((enum queue_state)state),
                  sums->states[state]);
}

static void events_visit(void *arg, const char *kind,
                         const struct queue_event_sums *sums)
{
    (void)kind;
    ((struct writing *)arg)->received += sums->received;
}

static void today_visit(void *arg, const char *kind,
                        const struct queue_event_sums *sums)
{
    (void)kind;
    ((struct writing *)arg)->invalid_today += sums->fates[FATE_INVALID];
}

static void uplink_troubles(struct writing *writing,
                            const struct uplink_status *status,
                            const json_t *depths)
{
    json_int_t rejected =
        json_integer_value(json_object_get(depths, "rejected"));
    json_int_t held = json_integer_value(json_object_get(depths, "held"));
    char text[160];

    if (status->condition != UPLINK_UP && status->condition != UPLINK_STARTING)
        trouble(writing, status->destination,
                status->reason[0] != 0
                    ? status->reason
                    : uplink_condition_name(status->condition));
    if (status->needs_operator)
        trouble(writing, status->destination,
                "records were refused in many rounds; an operator should look "
                "at the parked ones");
    if (rejected > 0 || held > 0) {
        snprintf(text, sizeof text,
                 "%lld rejected and %lld held records wait for an operator",
                 (long long)rejected, (long long)held);
        trouble(writing, status->destination, text);
    }
    if (status->clock_offset_ms != INT64_MIN &&
        llabs(status->clock_offset_ms) > OFFSET_NOTED_MS) {
        snprintf(text, sizeof text,
                 "the platform's clock and ours differ by %lld s",
                 (long long)(status->clock_offset_ms / 1000));
        trouble(writing, status->destination, text);
    }
}

static json_t *uplink_json(struct writing *writing, struct uplink *uplink)
{
    struct uplink_status status;
    json_t *depths;
    json_t *json;

    uplink_status(uplink, &status);
    depths = json_object_get(writing->depths, status.destination);
    uplink_troubles(writing, &status, depths);
    json = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:o, s:s, s:o, s:o, s:b}",
        "name", status.destination, "condition",
        uplink_condition_name(status.condition), "reason", status.reason,
        "in_flight", (int)status.in_flight, "resending", (int)status.resending,
        "requests", (json_int_t)status.requests, "accepted",
        (json_int_t)status.accepted, "failed", (json_int_t)status.failed,
        "last_accepted", instant(status.last_accepted_ms), "last_answer",
        status.last_answer, "heartbeat", instant(status.heartbeat_ms),
        "next_round", instant(status.next_round_ms), "needs_operator",
        (int)status.needs_operator);
    json_object_set_new(json, "clock_offset_ms",
                        status.clock_offset_ms == INT64_MIN
                            ? json_null()
                            : json_integer(status.clock_offset_ms));
    if (depths != NULL)
        json_object_update(json, depths);
    return json;
}

/* Seconds until the quota is reached at the pace since the last sample. */
static json_t *time_to_full(const struct state_facts *facts,
                            const struct queue_space *space)
{
    int64_t span_ms = facts->now_ms - facts->used_then_ms;
    double rate;

    if (span_ms < MINUTE_MS || space->used_bytes <= facts->used_then_bytes ||
        space->used_bytes >= space->quota_bytes)
        return json_null();
    rate =
        (double)(space->used_bytes - facts->used_then_bytes) / (double)span_ms;
    return json_integer(
        (json_int_t)((double)(space->quota_bytes - space->used_bytes) / rate /
                     1000));
}

static json_t *store_json(const struct state_facts *facts)
{
    struct queue_space space;

    if (queue_space_read(facts->queue, &space) != STATUS_OK)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:i, s:s, s:o}", "used_bytes",
                     (json_int_t)space.used_bytes, "quota_bytes",
                     (json_int_t)space.quota_bytes, "free_bytes",
                     (json_int_t)space.fs_free_bytes, "months", space.months,
                     "oldest_month", space.oldest_month, "full_in_s",
                     time_to_full(facts, &space));
}

static void bridge_troubles(struct writing *writing)
{
    const struct state_facts *facts = writing->facts;
    char text[160];

    if (!facts->broker_up)
        trouble(writing, "", "there is no connection to the broker");
    if (facts->full) {
        trouble(writing, "store", facts->full_why);
        trouble(writing, "",
                "nothing more is acknowledged until there is "
                "room; deliveries go on");
    }
    if (writing->invalid_today > 0) {
        snprintf(text, sizeof text,
                 "%llu messages of today could not be used; their senders were "
                 "told why, and so was the log",
                 (unsigned long long)writing->invalid_today);
        trouble(writing, "devices", text);
    }
    if (facts->broker_dropped > 0) {
        snprintf(text, sizeof text,
                 "it dropped %llu messages that it had acknowledged to their "
                 "senders",
                 (unsigned long long)facts->broker_dropped);
        trouble(writing, "broker", text);
    }
}

static json_t *state_json(struct writing *writing)
{
    const struct state_facts *facts = writing->facts;
    json_t *destinations = json_array();

    bridge_troubles(writing);
    for (unsigned i = 0; i < facts->config->destination_count; i++)
        if (facts->uplinks[i] != NULL)
            json_array_append_new(destinations,
                                  uplink_json(writing, facts->uplinks[i]));
    return json_pack(
        "{s:b, s:o, s:o, s:s, s:s, s:b, s:b, s:I, s:o, s:o, s:O}", "online", 1,
        "time", instant(facts->now_ms), "started", instant(facts->started_ms),
        "site", facts->config->site, "version", SAMPAN_VERSION, "broker",
        (int)facts->broker_up, "full", (int)facts->full, "received",
        (json_int_t)writing->received, "destinations", destinations, "store",
        store_json(facts), "troubles", writing->troubles);
}

enum status state_write(const struct state_facts *facts, struct bytes *text)
{
    struct writing writing = {
        .facts = facts, .troubles = json_array(), .depths = json_object()};
    enum status status =
        queue_day_deliveries(facts->queue, 0, sums_visit, &writing);
    json_t *json = NULL;
    char *dumped = NULL;

    if (status == STATUS_OK)
        status = queue_day_events(facts->queue, 0, events_visit, &writing);
    if (status == STATUS_OK)
        status = queue_day_events(facts->queue, china_day(facts->now_ms),
                                  today_visit, &writing);
    if (status == STATUS_OK) {
        json = state_json(&writing);
        dumped = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
        status =
            dumped == NULL ? STATUS_NOMEM : bytes_append_text(text, dumped);
    }
    free(dumped);
    json_decref(json);
    json_decref(writing.troubles);
    json_decref(writing.depths);
    return status;
}

/* ---- health -------------------------------------------------------------- */

static int64_t instant_of(const json_t *json)
{
    int64_t ms = 0;

    if (!json_is_string(json) ||
        clock_read(span_text(json_string_value(json)), &ms) != STATUS_OK)
        return 0;
    return ms;
}

static enum status destination_health(const json_t *destination,
                                      int64_t started_ms, int64_t now_ms,
                                      struct bytes *words)
{
    int64_t since_ms =
        instant_of(json_object_get(destination, "last_accepted"));
    json_int_t waits =
        json_integer_value(json_object_get(destination, "waiting")) +
        json_integer_value(json_object_get(destination, "parked"));

    if (since_ms == 0)
        since_ms = started_ms;
    if (waits == 0 || now_ms - since_ms < SILENT_MS)
        return STATUS_OK;
    if (bytes_print(words,
                    "unhealthy: %s accepted nothing for %lld minutes and %lld "
                    "records wait; ",
                    json_string_value(json_object_get(destination, "name")),
                    (long long)((now_ms - since_ms) / MINUTE_MS),
                    (long long)waits) != STATUS_OK)
        return STATUS_NOMEM;
    return STATUS_OFFLINE;
}

static enum status health_of(const json_t *json, int64_t now_ms,
                             struct bytes *words)
{
    int64_t written_ms = instant_of(json_object_get(json, "time"));
    int64_t started_ms = instant_of(json_object_get(json, "started"));
    enum status status = STATUS_OK;
    const json_t *destination;
    size_t i;

    if (now_ms - written_ms > STALE_MS)
        return bytes_append_text(words,
                                 "unhealthy: the bridge has not written "
                                 "its state for 30 seconds; ") == STATUS_OK
                   ? STATUS_OFFLINE
                   : STATUS_NOMEM;
    if (json_is_false(json_object_get(json, "broker")))
        return bytes_append_text(words, "unhealthy: there is no connection to "
                                        "the broker; ") == STATUS_OK
                   ? STATUS_OFFLINE
                   : STATUS_NOMEM;
    if (json_is_true(json_object_get(json, "full")))
        return bytes_append_text(words, "unhealthy: the store is full; ") ==
                       STATUS_OK
                   ? STATUS_OFFLINE
                   : STATUS_NOMEM;
    json_array_foreach(json_object_get(json, "destinations"), i, destination)
    {
        enum status one =
            destination_health(destination, started_ms, now_ms, words);

        if (one != STATUS_OK)
            status = one;
    }
    return status;
}

enum status state_health(struct span json, int64_t now_ms, struct bytes *words)
{
    json_t *state = json_loadb((const char *)json.data, json.len, 0, NULL);
    enum status status;

    if (!json_is_object(state)) {
        json_decref(state);
        return bytes_append_text(words, "unhealthy: its state file is not "
                                        "readable") == STATUS_OK
                   ? STATUS_OFFLINE
                   : STATUS_NOMEM;
    }
    status = health_of(state, now_ms, words);
    if (status == STATUS_OK)
        status = bytes_append_text(words, "healthy");
    json_decref(state);
    return status;
}
