#include "storing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery.h"
#include "json_pointer.h"
#include "json_scan.h"
#include "notes.h"

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

/* Where a record goes.  INVALID: the reason says what is allowed. */
static enum status find_interface(struct storing *storing,
                                  struct target *target,
                                  const struct interface **interface)
{
    const struct message *message = storing->message;
    char *reason = storing->result->reason; /* of 512 bytes */
    char names[320];

    if (delivery_target(storing->config, message->device, target) !=
        STATUS_OK) {
        snprintf(reason, 512, "topic: destination \"%s\" is switched off",
                 message->device);
        return STATUS_INVALID;
    }
    *interface = platform_interface(target->platform, message->interface);
    if (*interface != NULL && (*interface)->role == ROLE_RECORD)
        return STATUS_OK;
    list_interfaces(target->platform, names, sizeof(names));
    snprintf(reason, 512, "topic: %s has no interface \"%s\"; allowed are %s",
             message->device, message->interface, names);
    return STATUS_INVALID;
}

enum status recording_check(struct storing *storing)
{
    const struct interface *interface;
    struct target target;

    return find_interface(storing, &target, &interface);
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

enum status recording_deliver(struct storing *storing)
{
    struct order order = {
        .events = &storing->event.id, .event_count = 1, .why = ""};
    struct delivered delivered;
    json_t *record = NULL;
    enum status status;

    status = find_interface(storing, &order.target, &order.interface);
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

enum status recording_revise(struct storing *storing, bool *used)
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
