#include "ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "delivery.h"
#include "joining.h"
#include "lanes.h"
#include "ledger.h"
#include "metering.h"
#include "mqtt.h"
#include "notes.h"
#include "late.h"
#include "storing.h"
#include "upkeep.h"

#define LEDGER_LIMIT_BYTES ((size_t)32 << 20)
#define TOPIC_SIZE 1024 /* what the store keeps of a topic */

struct ingest {
    const struct config *config;
    struct bytes ledger; /* the file's content, until it is applied */
    char ledger_digest[40];
};

/* ---- opening ------------------------------------------------------------ */

/* Tells one file from another: 64 bits of FNV-1a and the size. */
static void digest(struct span content, char text[static 40])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < content.len; i++)
        hash = (hash ^ content.data[i]) * UINT64_C(0x100000001b3);
    snprintf(text, 40, "%016" PRIx64 "-%zu", hash, content.len);
}

static enum status read_ledger(struct ingest *ingest, struct bytes *words)
{
    const char *path = ingest->config->ledger_file;
    unsigned count;
    enum status status;

    if (path == NULL || *path == 0)
        return STATUS_OK;
    status = bytes_read_file(&ingest->ledger, path, LEDGER_LIMIT_BYTES);
    if (status != STATUS_OK) {
        if (bytes_print(words, "%s: %s\n", path, status_text(status)) !=
            STATUS_OK)
            return STATUS_NOMEM;
        return status;
    }
    digest(bytes_view(&ingest->ledger), ingest->ledger_digest);
    return ledger_import(NULL, bytes_view(&ingest->ledger), &count, words);
}

enum status ingest_open(const struct config *config, struct bytes *words,
                        struct ingest **ingest)
{
    struct ingest *fresh = calloc(1, sizeof(*fresh));
    enum status status;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->config = config;
    status = read_ledger(fresh, words);
    if (status != STATUS_OK)
        ingest_close(fresh);
    else
        *ingest = fresh;
    return status;
}

void ingest_close(struct ingest *ingest)
{
    if (ingest == NULL)
        return;
    bytes_free(&ingest->ledger);
    free(ingest);
}

/* ---- routes ------------------------------------------------------------- */

static const struct route_config *next_route(const struct storing *storing,
                                             unsigned *at)
{
    const struct config *config = storing->config;

    while (*at < config->route_count) {
        const struct route_config *route = &config->routes[(*at)++];

        if (mqtt_topic_matches(route->filter,
                               bytes_text(&storing->message->topic)))
            return route;
    }
    return NULL;
}

/* The record of a generic destination is the whole event.  Its number counts
 * on with the event's, so no counter need be stored. */
static enum status deliver_routed(struct storing *storing,
                                  const struct route_config *route)
{
    struct order order = {.events = &storing->event.id,
                          .event_count = 1,
                          .why = "",
                          .serial = storing->event.id};
    struct delivered delivered;
    json_t *record;
    enum status status;

    if (delivery_target(storing->config, route->destination, &order.target) !=
        STATUS_OK)
        return STATUS_OK; /* switched off */
    for (size_t i = 0; i < order.target.platform->interface_count; i++)
        if (order.target.platform->interfaces[i].role == ROLE_RECORD &&
            order.interface == NULL)
            order.interface = &order.target.platform->interfaces[i];
    if (order.interface == NULL)
        return STATUS_OK;
    record = json_pack("{sI}", "event", (json_int_t)storing->event.id);
    if (record == NULL)
        return STATUS_NOMEM;
    order.record = record;
    status = delivery_make(storing->queue, &order, storing->now_ms, &delivered);
    json_decref(record);
    if (status == STATUS_OK)
        storing->result->deliveries++;
    return status;
}

static bool has_route(const struct storing *storing)
{
    const struct route_config *route;
    struct target target;
    unsigned at = 0;

    while ((route = next_route(storing, &at)) != NULL)
        if (delivery_target(storing->config, route->destination, &target) ==
            STATUS_OK)
            return true;
    return false;
}

static enum status deliver_routes(struct storing *storing)
{
    const struct route_config *route;
    enum status status = STATUS_OK;
    unsigned at = 0;

    while (status == STATUS_OK && (route = next_route(storing, &at)) != NULL)
        status = deliver_routed(storing, route);
    return status;
}

/* ---- storing ------------------------------------------------------------ */

static enum status put_event(struct storing *storing, enum queue_fate fate)
{
    storing->event.fate = fate;
    storing->result->fate = fate;
    storing->result->stored = fate != FATE_INVALID;
    return queue_put_event(storing->queue, &storing->event);
}

static enum status put_invalid(struct storing *storing, const char *reason)
{
    if (reason != storing->result->reason)
        snprintf(storing->result->reason, sizeof(storing->result->reason), "%s",
                 reason);
    storing->event.reason = storing->result->reason;
    return put_event(storing, FATE_INVALID);
}

static enum status put_repeat(struct storing *storing)
{
    const struct message *message = storing->message;

    storing->result->fate = FATE_REPEAT;
    storing->result->stored = message->valid;
    if (!message->valid)
        snprintf(storing->result->reason, sizeof(storing->result->reason), "%s",
                 message->reason);
    return queue_put_repeat(storing->queue, message->kind,
                            message->received_at_ms);
}

/* Captures and weights: what joining makes of them is in their fate. */
static enum status store_joining(struct storing *storing)
{
    const struct message *message = storing->message;
    struct joining joining = {.config = storing->config,
                              .queue = storing->queue,
                              .now_ms = storing->now_ms,
                              .fate = FATE_JOINING};
    bool wanted = lane_wants(storing->config, message);
    bool capture = message->class == MESSAGE_CAPTURE;
    enum queue_fate fate = wanted               ? FATE_JOINING
                           : has_route(storing) ? FATE_USED
                                                : FATE_UNROUTED;
    enum status status;

    if (storing->known != 0 && !capture)
        fate = FATE_UNROUTED; /* a weight said twice: kept and shown */
    if ((status = put_event(storing, fate)) != STATUS_OK ||
        fate != FATE_JOINING)
        return status;
    joining.event = storing->event.id;
    if (storing->known != 0)
        status = joining_revision(&joining, message, storing->event.id,
                                  storing->known);
    else if (capture)
        status = joining_capture(&joining, message, storing->event.id);
    else
        status = joining_weight(&joining, message, storing->event.id);
    storing->result->fate = joining.fate;
    storing->result->deliveries += joining.deliveries;
    return status;
}

static enum status store_reading(struct storing *storing)
{
    bool wanted = false;
    enum status status = metering_wants(storing->queue, storing->config,
                                        storing->message, &wanted);

    if (status == STATUS_OK)
        status = put_event(
            storing, wanted || has_route(storing) ? FATE_USED : FATE_UNROUTED);
    if (status != STATUS_OK || !wanted)
        return status;
    return metering_reading(storing->queue, storing->config, storing->message);
}

static enum status store_record(struct storing *storing)
{
    bool used = false;
    enum status status;

    if (recording_check(storing) != STATUS_OK)
        return put_invalid(storing, storing->result->reason);
    if (storing->known == 0) {
        status = put_event(storing, FATE_USED);
        return status == STATUS_OK ? recording_deliver(storing) : status;
    }
    if ((status = put_event(storing, FATE_UNROUTED)) != STATUS_OK ||
        (status = recording_revise(storing, &used)) != STATUS_OK || !used)
        return status;
    storing->result->fate = FATE_USED;
    return queue_put_fate(storing->queue, storing->event.id, FATE_USED);
}

static enum status store_valid(struct storing *storing)
{
    switch (storing->message->class) {
    case MESSAGE_CAPTURE:
    case MESSAGE_WEIGHT:
        return store_joining(storing);
    case MESSAGE_READING:
        return store_reading(storing);
    case MESSAGE_RECORD:
        return store_record(storing);
    default:
        return put_event(storing,
                         has_route(storing) ? FATE_USED : FATE_UNROUTED);
    }
}

/* An event that was refused leaves its key to the one that is right. */
static enum status was_invalid(const struct storing *storing, bool *invalid)
{
    struct bytes buffer = BYTES_EMPTY;
    struct queue_event event;
    enum status status =
        queue_event_read(storing->queue, storing->known, &event, &buffer);

    *invalid = status == STATUS_OK && event.fate == FATE_INVALID;
    bytes_free(&buffer);
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK
                                                                  : status;
}

/*
 * Repeat, later edition or new?  The same bytes are a repeat, and so is an
 * older edition; any other bytes under the same key are a later edition.
 * Only routed messages are always new then: their ids are strangers' ids.
 */
static enum status recognise(struct storing *storing, bool *repeat)
{
    uint64_t known = 0;
    uint32_t revision = 0;
    bool same_body = false;
    bool invalid = false;
    enum status status = queue_find_event(storing->queue, &storing->event,
                                          &known, &revision, &same_body);

    *repeat = false;
    if (status != STATUS_OK || known == 0)
        return status;
    *repeat = same_body || (storing->message->revision < revision &&
                            storing->message->class != MESSAGE_ROUTED);
    if (*repeat || storing->message->class == MESSAGE_ROUTED)
        return STATUS_OK;
    storing->known = known;
    status = was_invalid(storing, &invalid);
    if (invalid)
        storing->known = 0;
    return status;
}

enum status ingest_store(struct ingest *ingest, struct queue *queue,
                         const struct message *message, int64_t now_ms,
                         struct ingest_result *result)
{
    struct storing storing = {.config = ingest->config,
                              .queue = queue,
                              .message = message,
                              .now_ms = now_ms,
                              .result = result};
    char topic[TOPIC_SIZE];
    bool repeat = false;
    enum status status;

    *result = (struct ingest_result){.stored = true};
    if (message->class == MESSAGE_STATUS && message->valid)
        return STATUS_OK; /* a state, not an event */
    snprintf(topic, sizeof(topic), "%s", bytes_text(&message->topic));
    storing.event = (struct queue_event){
        .kind = message->kind,
        .device = message->device,
        .topic = topic,
        .event_id = message->event_id,
        .event_at_ms = message->event_at_ms,
        .received_at_ms = message->received_at_ms,
        .revision = message->revision,
        .reason = "",
        .body = bytes_view(&message->payload),
    };
    if ((status = recognise(&storing, &repeat)) != STATUS_OK)
        return status;
    if (repeat)
        return put_repeat(&storing);
    if (!message->valid)
        return put_invalid(&storing, message->reason);
    if ((status = store_valid(&storing)) != STATUS_OK ||
        result->fate == FATE_INVALID || storing.known != 0)
        return status;
    return deliver_routes(&storing);
}

/* ---- time ------------------------------------------------------------- */

enum status ingest_tick(struct ingest *ingest, struct queue *queue,
                        int64_t now_ms)
{
    struct joining joining = {
        .config = ingest->config, .queue = queue, .now_ms = now_ms};
    enum status status = STATUS_OK;

    if (ingest->ledger_digest[0] != 0)
        status = upkeep_ledger(queue, bytes_view(&ingest->ledger),
                               ingest->ledger_digest);
    if (status == STATUS_OK)
        status = joining_tick(&joining);
    if (status == STATUS_OK)
        status = metering_tick(queue, ingest->config, now_ms);
    if (status == STATUS_OK)
        status = upkeep_sweep(queue, ingest->config, now_ms);
    return status;
}

/* ---- for operators ------------------------------------------------------ */

/* Nothing is said: what is known by now, of the vehicle above all, counts. */
static enum status refresh(struct ingest *ingest, struct queue *queue,
                           uint64_t id, const char *actor, int64_t now_ms,
                           bool *found)
{
    struct joining joining = {.config = ingest->config,
                              .queue = queue,
                              .now_ms = now_ms,
                              .actor = actor};
    struct queue_delivery delivery;
    enum status status = queue_delivery_read(queue, id, &delivery);

    *found = false;
    if (status != STATUS_OK || delivery.state == STATE_WAITING)
        return status;
    status = late_refresh(&joining, id, delivery.made_at_ms, found);
    if (status == STATUS_OK && *found)
        status = queue_delivery_read(queue, id, &delivery);
    *found &= delivery.state == STATE_WAITING;
    return status;
}

enum status ingest_complete(struct ingest *ingest, struct queue *queue,
                            uint64_t delivery, const json_t *fields,
                            const char *actor, int64_t now_ms,
                            struct bytes *words)
{
    struct completion completion = {fields, CAUSE_OPERATOR, actor, now_ms, ""};
    bool completed = false;
    enum status status = STATUS_OK;

    if (json_is_object(fields) && json_object_size(fields) == 0)
        status = refresh(ingest, queue, delivery, actor, now_ms, &completed);
    if (status != STATUS_OK || completed)
        return status;
    return delivery_complete(queue, ingest->config, delivery, &completion,
                             words);
}

enum status ingest_check(struct ingest *ingest, struct queue *queue,
                         uint64_t delivery, int64_t now_ms, struct bytes *words)
{
    return delivery_check(queue, ingest->config, delivery, now_ms, words);
}

enum status ingest_ledger(struct ingest *ingest, struct queue *queue,
                          struct span csv, unsigned *count, struct bytes *words)
{
    (void)ingest;
    return ledger_import(queue, csv, count, words);
}
