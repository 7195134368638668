#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "excerpt.h"
#include "json_pointer.h"
#include "json_scan.h"
#include "mqtt.h"
#include "payload.h"

#define PREFIX "sampan/v1/"

/* clang-format off */
static const struct own_topic {
    const char *device_class;
    const char *name;
    enum message_class class;
    enum payload_form form;
} own_topics[] = {
    { "camera",      "capture", MESSAGE_CAPTURE, PAYLOAD_CAPTURE },
    { "weighbridge", "weight",  MESSAGE_WEIGHT,  PAYLOAD_WEIGHT },
    { "meter",       "reading", MESSAGE_READING, PAYLOAD_READING },
    { "camera",      "status",  MESSAGE_STATUS,  PAYLOAD_STATUS },
    { "weighbridge", "status",  MESSAGE_STATUS,  PAYLOAD_STATUS },
    { "weighbridge", "live",    MESSAGE_STATUS,  PAYLOAD_LIVE },
    { "meter",       "status",  MESSAGE_STATUS,  PAYLOAD_STATUS },
};
/* clang-format on */

/* What message_read works on beside the message itself. */
struct reading {
    const struct config *config;
    struct message *message;
    const char *topic;
    struct json_scan scan;
    enum payload_form form;
};

#define refuse(message, ...)                                                   \
    snprintf((message)->reason, sizeof((message)->reason), __VA_ARGS__)

/* ---- the topic --------------------------------------------------------- */

/* Cut the next segment of at off into segment[64]; false when there is none
 * or it is empty or too long. */
static bool next_segment(const char **at, char segment[static 64])
{
    size_t len = strcspn(*at, "/");

    if (len == 0 || len > 63)
        return false;
    memcpy(segment, *at, len);
    segment[len] = 0;
    *at += len;
    if (**at == '/')
        ++*at;
    return true;
}

static bool is_destination(const struct config *config, const char *name)
{
    for (unsigned i = 0; i < config->destination_count; i++)
        if (strcmp(config->destinations[i].name, name) == 0)
            return true;
    return false;
}

/* What is not in the settings gets no kind of its own: kinds are counted. */
static void take_record_topic(struct reading *reading, const char *destination,
                              const char *interface)
{
    struct message *message = reading->message;

    message->class = MESSAGE_RECORD;
    reading->form = PAYLOAD_RECORD;
    snprintf(message->interface, sizeof(message->interface), "%s", interface);
    if (is_destination(reading->config, destination)) {
        snprintf(message->kind, sizeof(message->kind), "up/%.60s", destination);
        return;
    }
    snprintf(message->kind, sizeof(message->kind), "up/unknown");
    refuse(message, "topic: there is no destination \"%s\"", destination);
}

static void take_own_topic(struct reading *reading, const char *device_class,
                           const char *device, const char *name)
{
    struct message *message = reading->message;

    snprintf(message->device, sizeof(message->device), "%s", device);
    if (strcmp(device_class, "up") == 0)
        take_record_topic(reading, device, name);
    for (size_t i = 0; i < sizeof(own_topics) / sizeof(own_topics)[0]; i++)
        if (strcmp(own_topics[i].device_class, device_class) == 0 &&
            strcmp(own_topics[i].name, name) == 0) {
            message->class = own_topics[i].class;
            reading->form = own_topics[i].form;
            snprintf(message->kind, sizeof(message->kind), "%.31s/%.31s",
                     device_class, name);
        }
}

/* sampan/v1/SITE/CLASS/ID/NAME, or up/DESTINATION/INTERFACE: the same form. */
static void read_own_topic(struct reading *reading)
{
    const char *at = reading->topic;
    char site[64], device_class[64], device[64], name[64];

    if (strncmp(at, PREFIX, strlen(PREFIX)) != 0)
        return;
    at += strlen(PREFIX);
    if (!next_segment(&at, site) || !next_segment(&at, device_class) ||
        !next_segment(&at, device) || !next_segment(&at, name) || *at != 0)
        return;
    if (strcmp(site, reading->config->site) == 0)
        take_own_topic(reading, device_class, device, name);
}

/* 64 bits of FNV-1a: tells topics apart, protects nothing. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != 0; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* The device of a routed message is its topic: two sensors may count their
 * messages alike. */
static void name_topic(struct message *message, const char *topic)
{
    if (strlen(topic) < sizeof(message->device))
        snprintf(message->device, sizeof(message->device), "%s", topic);
    else
        snprintf(message->device, sizeof(message->device), "%016" PRIx64,
                 hash_of(topic));
}

static const struct route_config *next_route(const struct reading *reading,
                                             unsigned *at)
{
    const struct config *config = reading->config;

    while (*at < config->route_count) {
        const struct route_config *route = &config->routes[(*at)++];

        if (mqtt_topic_matches(route->filter, reading->topic))
            return route;
    }
    return NULL;
}

static void read_topic(struct reading *reading)
{
    struct message *message = reading->message;
    char cut[200];
    unsigned at = 0;

    message->class = MESSAGE_ALIEN;
    read_own_topic(reading);
    if (message->class != MESSAGE_ALIEN)
        return;
    name_topic(message, reading->topic);
    if (next_route(reading, &at) != NULL) {
        message->class = MESSAGE_ROUTED;
        snprintf(message->kind, sizeof(message->kind), "route");
        return;
    }
    snprintf(message->kind, sizeof(message->kind), "alien");
    refuse(message,
           "topic: \"%s\" is not one of ours; allowed are %s%.63s/"
           "CLASS/ID/NAME, up/DESTINATION/INTERFACE and what a route names",
           excerpt(reading->topic, cut, sizeof(cut)), PREFIX,
           reading->config->site);
}

/* ---- a JSON payload ----------------------------------------------------- */

/* The payload with {"$large": n} for its large strings, so that the parser
 * does not walk through pictures. */
static enum status reduce(const struct json_scan *scan, struct span text,
                          struct bytes *reduced)
{
    const uint8_t *at = text.data;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < scan->large_count && status == STATUS_OK; i++) {
        const uint8_t *quote = scan->large[i].data - 1;

        status = bytes_append(reduced, span_of(at, (size_t)(quote - at)));
        if (status == STATUS_OK)
            status = bytes_print(reduced, "{\"$large\":%zu}", i);
        at = scan->large[i].data + scan->large[i].len + 1;
    }
    if (status == STATUS_OK)
        status = bytes_append(reduced,
                              span_of(at, (size_t)(text.data + text.len - at)));
    return status;
}

/* Each of ours stands in the tree once; a "$large" that a device wrote itself
 * stands there beside it. */
static bool large_are_ours(const json_t *value, size_t count, uint64_t *seen)
{
    const json_t *number = json_object_get(value, "$large");
    const char *name;
    json_t *member;
    size_t i;

    if (number != NULL) {
        json_int_t at = json_integer_value(number);

        if (json_object_size(value) != 1 || !json_is_integer(number) ||
            at < 0 || at >= (json_int_t)count || (*seen >> at & 1) != 0)
            return false;
        *seen |= UINT64_C(1) << at;
        return true;
    }
    json_array_foreach((json_t *)value, i, member)
    {
        if (!large_are_ours(member, count, seen))
            return false;
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (!large_are_ours(member, count, seen))
            return false;
    }
    return true;
}

static enum status parse(struct reading *reading)
{
    struct message *message = reading->message;
    struct bytes reduced = BYTES_EMPTY;
    json_error_t error;
    char cut[160];
    uint64_t seen = 0;
    enum status status;

    status = reduce(&reading->scan, bytes_view(&message->payload), &reduced);
    if (status != STATUS_OK)
        goto out;
    message->json = json_loadb(bytes_text(&reduced), reduced.len,
                               JSON_REJECT_DUPLICATES, &error);
    if (message->reason[0] != 0)
        goto out; /* refused already; only its identity is wanted */
    if (message->json == NULL)
        refuse(message, "the payload is not allowed JSON: %s",
               excerpt(error.text, cut, sizeof(cut)));
    else if (!json_is_object(message->json))
        refuse(message, "the payload is not a JSON object; allowed is one");
    else if (!large_are_ours(message->json, reading->scan.large_count, &seen))
        refuse(message, "$large: names that begin with $ are reserved");
out:
    bytes_free(&reduced);
    return status;
}

/* Who and when, as far as it can be read: a receipt names an invalid message
 * by its id too. */
static void read_identity(struct message *message)
{
    const char *id =
        json_string_value(json_object_get(message->json, "event_id"));
    const char *time =
        json_string_value(json_object_get(message->json, "time"));
    json_int_t revision =
        json_integer_value(json_object_get(message->json, "revision"));

    if (id != NULL && strlen(id) < sizeof(message->event_id))
        snprintf(message->event_id, sizeof(message->event_id), "%s", id);
    if (time == NULL ||
        clock_read(span_text(time), &message->event_at_ms) != STATUS_OK ||
        message->event_at_ms < 0)
        message->event_at_ms = 0;
    if (revision > 0 && revision <= 1000000)
        message->revision = (uint32_t)revision;
}

static enum status read_own(struct reading *reading)
{
    struct message *message = reading->message;
    struct payload payload;
    enum status status;

    if (!json_scan(bytes_view(&message->payload), &reading->scan)) {
        if (message->reason[0] != 0)
            return STATUS_OK;
        refuse(message, "the payload is not JSON: byte %zu: expected is %s",
               reading->scan.fault_at, reading->scan.fault);
        return STATUS_OK;
    }
    status = parse(reading);
    if (status != STATUS_OK || message->json == NULL)
        return status;
    read_identity(message);
    payload = (struct payload){
        message->json,
        &reading->scan,
        (size_t)reading->config->picture_limit_kb * 1024,
    };
    if (message->reason[0] == 0 &&
        payload_check(&payload, reading->form, message->reason))
        message->valid = true;
    return STATUS_OK;
}

/* ---- a routed payload --------------------------------------------------- */

/* A string's content, or a number as it is written. */
static bool read_scalar(struct span payload, const char *pointer, char *text,
                        size_t size)
{
    struct span value;

    if (*pointer == 0 ||
        json_pointer_raw(payload, pointer, &value) != STATUS_OK)
        return false;
    if (value.len >= 2 && value.data[0] == '"')
        value = span_of(value.data + 1, value.len - 2);
    else if (value.len > 0 && (value.data[0] == '{' || value.data[0] == '[' ||
                               value.data[0] == 'n'))
        return false;
    if (value.len == 0 || value.len >= size)
        return false;
    memcpy(text, value.data, value.len);
    text[value.len] = 0;
    return true;
}

/* value times 10^shift (negative: divided), rounded down; 0 when it is none.
 * In whole numbers: nanoseconds of today do not fit a double. */
static int64_t scaled(const char *text, int shift)
{
    char *end;
    int64_t value = strtoll(text, &end, 10);

    if (end == text || value <= 0 || strlen(text) > 19)
        return 0;
    for (; shift < 0; shift++)
        value /= 10;
    if (*end == '.' && shift > 0) /* seconds with a fraction */
        end++;
    for (; shift > 0 && value < INT64_MAX / 10 - 9; shift--)
        value = value * 10 + (*end >= '0' && *end <= '9' ? *end++ - '0' : 0);
    return value;
}

static int64_t instant_of(const char *text, int unit)
{
    int64_t at_ms = 0;

    switch (unit) {
    case EVENT_TIME_S:
        return scaled(text, 3);
    case EVENT_TIME_MS:
        return scaled(text, 0);
    case EVENT_TIME_NS:
        return scaled(text, -6);
    default:
        return clock_read(span_text(text), &at_ms) == STATUS_OK && at_ms > 0
                   ? at_ms
                   : 0;
    }
}

/* Id and time come from the first route that knows where they are. */
static void read_routed(struct reading *reading)
{
    struct message *message = reading->message;
    struct span payload = bytes_view(&message->payload);
    const struct route_config *route;
    bool scanned = false;
    char time[64];
    unsigned at = 0;

    while ((route = next_route(reading, &at)) != NULL) {
        if (!route->json)
            continue;
        if (!scanned && !json_scan(payload, &reading->scan)) {
            refuse(message, "the payload is not JSON: byte %zu: expected is %s",
                   reading->scan.fault_at, reading->scan.fault);
            return;
        }
        scanned = true;
        if (message->event_id[0] == 0)
            read_scalar(payload, route->event_id, message->event_id,
                        sizeof(message->event_id));
        if (message->event_at_ms == 0 &&
            read_scalar(payload, route->event_time, time, sizeof(time)))
            message->event_at_ms = instant_of(time, route->event_time_unit);
    }
    message->valid = true;
}

/* ---- the whole ---------------------------------------------------------- */

static enum status read_payload(struct reading *reading, struct span payload)
{
    struct message *message = reading->message;
    size_t limit = (size_t)reading->config->payload_limit_kb * 1024;
    bool large = payload.len > limit;
    enum status status;

    /* Of what is too large the beginning is kept, to be looked at. */
    status = bytes_copy(&message->payload,
                        span_of(payload.data, large ? 4096 : payload.len));
    if (status != STATUS_OK)
        return status;
    if (message->reason[0] != 0) {
        if (message->class == MESSAGE_RECORD && !large)
            return read_own(reading); /* for its receipt: who sent it */
        return STATUS_OK;
    }
    if (payload.len == 0)
        refuse(message, "the payload is empty");
    else if (large)
        refuse(message, "the payload is %zu bytes; allowed are %zu",
               payload.len, limit);
    else if (message->class == MESSAGE_ROUTED)
        read_routed(reading);
    else
        return read_own(reading);
    return STATUS_OK;
}

enum status message_read(const struct config *config, const char *topic,
                         struct span payload, int64_t received_at_ms,
                         struct message *message)
{
    struct reading reading = {
        .config = config, .message = message, .topic = topic};
    enum status status;

    *message = (struct message){.received_at_ms = received_at_ms};
    status = bytes_append_text(&message->topic, topic);
    if (status == STATUS_OK) {
        read_topic(&reading);
        status = read_payload(&reading, payload);
    }
    if (status == STATUS_OK && !message->valid && message->json != NULL) {
        json_decref(message->json);
        message->json = NULL;
    }
    if (status != STATUS_OK)
        message_free(message);
    return status;
}

void message_free(struct message *message)
{
    json_decref(message->json);
    bytes_free(&message->topic);
    bytes_free(&message->payload);
    *message = (struct message){0};
}
