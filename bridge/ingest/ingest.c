#include "ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "delivery.h"
#include "joining.h"
#include "json_pointer.h"
#include "json_scan.h"
#include "ledger.h"
#include "metering.h"
#include "mqtt.h"
#include "notes.h"
#include "outgoing.h"

#define LEDGER_LIMIT_BYTES ((size_t)32 << 20)
#define KEEP_DAYS OUTGOING_KEEP_DAYS /* of numbers and held records */
#define TOPIC_SIZE 1024              /* what the store keeps of a topic */
#define SWEEP_DAYS_MAX 400           /* a day each, after a long pause */

struct ingest {
    const struct config *config;
    struct bytes ledger; /* the file's content, until it is applied */
    char ledger_digest[40];
};

/* One message on its way through the store. */
struct storing {
    const struct config *config;
    struct queue *queue;
    const struct message *message;
    int64_t now_ms;
    struct queue_event event;
    struct ingest_result *result;
    uint64_t known; /* an earlier edition; 0: none */
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

/* ---- records ------------------------------------------------------------ */

/* Names of the platform's interfaces that take records, for a reason. */
static void list_interfaces(const struct platform *platform, char *text,
                            size_t size)
{
    size_t len = 0;

    text[0] = 0;
    for (size_t i = 0; i < platform->interface_count && len < size; i++)
        if (platform->interfaces[i].role == ROLE_RECORD)
            len += (size_t)snprintf(text + len, size - len, "%s%s",
                                    len > 0 ? " " : "",
                                    platform->interfaces[i].name);
}

/* Where a record goes.  NOT_FOUND: reason[512] says what is allowed. */
static enum status find_interface(const struct storing *storing,
                                  struct target *target,
                                  const struct interface **interface,
                                  char reason[static 512])
{
    const struct message *message = storing->message;
    char names[320];

    if (delivery_target(storing->config, message->device, target) !=
        STATUS_OK) {
        snprintf(reason, 512, "topic: destination \"%s\" is switched off",
                 message->device);
        return STATUS_NOT_FOUND;
    }
    *interface = platform_interface(target->platform, message->interface);
    if (*interface != NULL && (*interface)->role == ROLE_RECORD)
        return STATUS_OK;
    list_interfaces(target->platform, names, sizeof(names));
    snprintf(reason, 512, "topic: %s has no interface \"%s\"; allowed are %s",
             message->device, message->interface, names);
    return STATUS_NOT_FOUND;
}

/* Is it a string that is better left where it is stored?  Small ones are part
 * of the record. */
static bool is_large(const json_t *value)
{
    return json_object_get(value, "$large") != NULL ||
           json_string_length(value) > JSON_LARGE_BYTES;
}

static json_t *reference(uint64_t event, const struct bytes *pointer)
{
    return json_pack("{sIss}", "$event", (json_int_t)event, "pointer",
                     bytes_text(pointer));
}

static enum status copy_value(const json_t *value, uint64_t event,
                              struct bytes *pointer, json_t **copy);

/* Set or append what copy_value made of one member or element. */
static enum status copy_member(const char *name, const json_t *value,
                               uint64_t event, struct bytes *pointer,
                               json_t *into)
{
    size_t len = pointer->len;
    json_t *copy = NULL;
    enum status status = json_pointer_append(pointer, name);

    if (status == STATUS_OK)
        status = copy_value(value, event, pointer, &copy);
    pointer->len = len;
    if (pointer->data != NULL)
        pointer->data[len] = 0;
    if (status != STATUS_OK)
        return status;
    if (json_is_array(into) ? json_array_append_new(into, copy)
                            : json_object_set_new(into, name, copy))
        return STATUS_NOMEM;
    return STATUS_OK;
}

/* A deep copy with references in the place of large strings; as deep as a
 * payload may be nested. */
static enum status copy_value(const json_t *value, uint64_t event,
                              struct bytes *pointer, json_t **copy)
{
    enum status status = STATUS_OK;
    const char *name;
    json_t *member;
    char index[24];
    size_t i;

    if (is_large(value))
        *copy = reference(event, pointer);
    else if (json_is_object(value))
        *copy = json_object();
    else if (json_is_array(value))
        *copy = json_array();
    else
        *copy = json_deep_copy(value);
    if (*copy == NULL)
        return STATUS_NOMEM;
    if (is_large(value))
        return STATUS_OK;
    json_object_foreach((json_t *)value, name, member)
    {
        if (status == STATUS_OK)
            status = copy_member(name, member, event, pointer, *copy);
    }
    json_array_foreach((json_t *)value, i, member)
    {
        snprintf(index, sizeof(index), "%zu", i);
        if (status == STATUS_OK)
            status = copy_member(index, member, event, pointer, *copy);
    }
    if (status != STATUS_OK) {
        json_decref(*copy);
        *copy = NULL;
    }
    return status;
}

static enum status record_of(const struct storing *storing, json_t **record)
{
    struct bytes pointer = BYTES_EMPTY;
    enum status status = bytes_append_text(&pointer, "/record");

    if (status == STATUS_OK)
        status = copy_value(json_object_get(storing->message->json, "record"),
                            storing->event.id, &pointer, record);
    bytes_free(&pointer);
    return status;
}

static void record_key(const struct message *message, char key[static 200])
{
    snprintf(key, 200, "%.63s/%.127s", message->device, message->event_id);
}

/* A record that is held can be completed by a later edition of its event. */
static enum status note_held(const struct storing *storing, uint64_t delivery)
{
    char key[200];
    char text[64];

    record_key(storing->message, key);
    snprintf(text, sizeof(text), "%013lld %" PRIu64, (long long)storing->now_ms,
             delivery);
    return note_put_text(storing->queue, "record", key, text);
}

static enum status deliver_record(struct storing *storing)
{
    struct order order = {
        .events = &storing->event.id, .event_count = 1, .why = ""};
    struct delivered delivered;
    json_t *record = NULL;
    enum status status;

    status = find_interface(storing, &order.target, &order.interface,
                            storing->result->reason);
    if (status != STATUS_OK)
        return status;
    if ((status = record_of(storing, &record)) != STATUS_OK)
        return status;
    order.record = record;
    status = delivery_make(storing->queue, &order, storing->now_ms, &delivered);
    if (status == STATUS_OK && delivered.state != STATE_WAITING)
        status = note_held(storing, delivered.id);
    if (status == STATUS_OK)
        storing->result->deliveries++;
    json_decref(record);
    return status;
}

/* A later edition of a record: it completes the one that is held. */
static enum status revise_record(struct storing *storing, bool *used)
{
    struct completion completion = {
        .cause = CAUSE_BRIDGE, .actor = "", .now_ms = storing->now_ms};
    struct bytes words = BYTES_EMPTY;
    json_t *record = NULL;
    char key[200];
    char text[64];
    enum status status;

    *used = false;
    record_key(storing->message, key);
    status = note_read_text(storing->queue, "record", key, text, sizeof(text));
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if ((status = record_of(storing, &record)) != STATUS_OK)
        return status;
    completion.fields = record;
    status =
        delivery_complete(storing->queue, storing->config,
                          strtoull(text + 14, NULL, 10), &completion, &words);
    json_decref(record);
    bytes_free(&words);
    *used = status == STATUS_OK || status == STATUS_MISSING;
    if (status == STATUS_OK)
        return note_put_text(storing->queue, "record", key, "");
    return status == STATUS_MISSING || status == STATUS_INVALID ||
                   status == STATUS_DENIED || status == STATUS_NOT_FOUND
               ? STATUS_OK
               : status;
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
    bool wanted = joining_wants(storing->config, message);
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
    bool used = false;
    enum status status = metering_reading(storing->queue, storing->config,
                                          storing->message, &used);

    if (status != STATUS_OK)
        return status;
    return put_event(storing,
                     used || has_route(storing) ? FATE_USED : FATE_UNROUTED);
}

static enum status store_record(struct storing *storing)
{
    const struct interface *interface = NULL;
    struct target target;
    bool used = false;
    enum status status;

    status =
        find_interface(storing, &target, &interface, storing->result->reason);
    if (status != STATUS_OK)
        return put_invalid(storing, storing->result->reason);
    if (storing->known == 0) {
        status = put_event(storing, FATE_USED);
        return status == STATUS_OK ? deliver_record(storing) : status;
    }
    if ((status = put_event(storing, FATE_UNROUTED)) != STATUS_OK ||
        (status = revise_record(storing, &used)) != STATUS_OK || !used)
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

/* ---- time --------------------------------------------------------------- */

static enum status apply_ledger(struct ingest *ingest, struct queue *queue)
{
    struct bytes words = BYTES_EMPTY; /* ingest_open has told them */
    char applied[40] = "";
    unsigned count;
    enum status status;

    status = note_read_text(queue, "ledger_file", "digest", applied,
                            sizeof(applied));
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (strcmp(applied, ingest->ledger_digest) == 0)
        return STATUS_OK;
    status = ledger_import(queue, bytes_view(&ingest->ledger), &count, &words);
    if (status == STATUS_OK)
        status = note_put_text(queue, "ledger_file", "digest",
                               ingest->ledger_digest);
    bytes_free(&words);
    return status;
}

static bool is_old(void *arg, struct span key, struct span value)
{
    char text[16] = "";

    (void)key;
    memcpy(text, value.data, value.len < 15 ? value.len : 15);
    return strtoll(text, NULL, 10) < *(const int64_t *)arg;
}

/* Once a day: what is of no use after 40 days. */
static enum status sweep_day(const struct ingest *ingest, struct queue *queue,
                             int64_t before_ms)
{
    enum status status =
        outgoing_sweep(queue, ingest->config, china_day(before_ms));

    if (status == STATUS_OK)
        status = note_sweep(queue, "number", 20000, is_old, &before_ms);
    if (status == STATUS_OK)
        status = note_sweep(queue, "record", 20000, is_old, &before_ms);
    if (status == STATUS_OK)
        status = metering_sweep(queue, before_ms);
    return status;
}

static enum status sweep(const struct ingest *ingest, struct queue *queue,
                         int64_t now_ms)
{
    int64_t before_ms = now_ms - KEEP_DAYS * DAY_MS;
    int64_t swept_ms = 0;
    char text[32] = "";
    enum status status;

    status = note_read_text(queue, "swept", "day", text, sizeof(text));
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (before_ms <= 0 ||
        (uint32_t)strtoul(text, NULL, 10) >= china_day(before_ms))
        return STATUS_OK;
    if (china_day_start_ms((uint32_t)strtoul(text, NULL, 10), &swept_ms) !=
            STATUS_OK ||
        before_ms - swept_ms > SWEEP_DAYS_MAX * DAY_MS)
        swept_ms = before_ms - DAY_MS;
    swept_ms += DAY_MS;
    snprintf(text, sizeof(text), "%u", china_day(swept_ms));
    status = note_put_text(queue, "swept", "day", text);
    return status == STATUS_OK ? sweep_day(ingest, queue, swept_ms) : status;
}

enum status ingest_tick(struct ingest *ingest, struct queue *queue,
                        int64_t now_ms)
{
    struct joining joining = {
        .config = ingest->config, .queue = queue, .now_ms = now_ms};
    enum status status = STATUS_OK;

    if (ingest->ledger_digest[0] != 0)
        status = apply_ledger(ingest, queue);
    if (status == STATUS_OK)
        status = joining_tick(&joining);
    if (status == STATUS_OK)
        status = metering_tick(queue, ingest->config, now_ms);
    if (status == STATUS_OK)
        status = sweep(ingest, queue, now_ms);
    return status;
}

/* ---- for operators ------------------------------------------------------ */

enum status ingest_complete(struct ingest *ingest, struct queue *queue,
                            uint64_t delivery, const json_t *fields,
                            const char *actor, int64_t now_ms,
                            struct bytes *words)
{
    struct completion completion = {fields, CAUSE_OPERATOR, actor, now_ms, ""};

    return delivery_complete(queue, ingest->config, delivery, &completion,
                             words);
}

enum status ingest_ledger(struct ingest *ingest, struct queue *queue,
                          struct span csv, unsigned *count, struct bytes *words)
{
    (void)ingest;
    return ledger_import(queue, csv, count, words);
}
