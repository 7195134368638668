#include "record.h"

#include <limits.h>
#include <string.h>

#include <libdeflate.h>

#include "bits.h"
#include "pack.h"

#define CRC_SIZE 4
#define HEAD_SIZE 5 /* the CRC and the kind */
#define TEXT_MAX 2048

/* ---- writing ---------------------------------------------------------- */

static void encode_event(struct packing *to, const struct record_event *event)
{
    pack_text(to, event->kind);
    pack_text(to, event->device);
    pack_text(to, event->topic);
    pack_text(to, event->event_id);
    pack_text(to, event->reason);
    pack_signed(to, event->event_at_ms);
    pack_signed(to, event->received_at_ms);
    pack_number(to, event->revision);
    pack_number(to, event->fate);
    pack_number(to, event->shed);
    pack_number(to, event->body_len);
    pack_number(to, event->body_hash);
}

static void encode_delivery(struct packing *to,
                            const struct record_delivery *delivery)
{
    pack_text(to, delivery->destination);
    pack_text(to, delivery->interface);
    pack_text(to, delivery->reason);
    pack_text(to, delivery->number);
    pack_text(to, delivery->subject);
    pack_number(to, delivery->state);
    pack_number(to, delivery->order_key);
    pack_number(to, delivery->follows);
    pack_number(to, delivery->after);
    pack_signed(to, delivery->made_at_ms);
    msgpack_pack_array(&to->packer, delivery->event_count);
    for (size_t i = 0; i < delivery->event_count; i++)
        pack_number(to, delivery->events[i]);
}

static void encode_outcome(struct packing *to,
                           const struct record_outcome *outcome)
{
    pack_number(to, outcome->delivery);
    pack_number(to, outcome->from);
    pack_number(to, outcome->state);
    pack_number(to, outcome->replay);
    pack_number(to, outcome->attempts);
    pack_number(to, outcome->cause);
    pack_signed(to, outcome->at_ms);
    pack_text(to, outcome->actor);
    pack_text(to, outcome->verb);
    pack_text(to, outcome->reason);
    pack_raw(to, outcome->answer);
    pack_number(to, outcome->previous);
    pack_text(to, outcome->destination);
    pack_text(to, outcome->interface);
    pack_number(to, outcome->made_day);
}

static void encode_fate(struct packing *to, const struct record_fate *fate)
{
    pack_number(to, fate->event);
    pack_number(to, fate->from);
    pack_number(to, fate->fate);
    pack_text(to, fate->kind);
    pack_number(to, fate->day);
}

/* The number of fields of each kind, in the order of enum record_kind. */
static const size_t field_count[] = {0, 12, 11, 15, 5, 2, 1};

enum status record_encode(const struct record *record, struct bytes *fields)
{
    struct packing to;

    packing_start(&to, fields, field_count[record->kind]);
    switch (record->kind) {
    case RECORD_EVENT:
        encode_event(&to, &record->event);
        break;
    case RECORD_DELIVERY:
        encode_delivery(&to, &record->delivery);
        break;
    case RECORD_OUTCOME:
        encode_outcome(&to, &record->outcome);
        break;
    case RECORD_FATE:
        encode_fate(&to, &record->fate);
        break;
    case RECORD_REPEAT:
        pack_text(&to, record->repeat.kind);
        pack_signed(&to, record->repeat.received_at_ms);
        break;
    case RECORD_NOTE:
        pack_raw(&to, record->note.key);
        break;
    }
    return to.failed ? STATUS_NOMEM : STATUS_OK;
}

static struct span body_of(const struct record *record)
{
    switch (record->kind) {
    case RECORD_EVENT:
        return record->event.body;
    case RECORD_DELIVERY:
        return record->delivery.facts;
    case RECORD_OUTCOME:
        return record->outcome.facts;
    case RECORD_NOTE:
        return record->note.value;
    case RECORD_FATE:
    case RECORD_REPEAT:
        break;
    }
    return (struct span){NULL, 0};
}

static size_t hash_size(const struct record *record)
{
    return record->kind == RECORD_OUTCOME ? QUEUE_DIGEST_SIZE : 0;
}

size_t record_size(const struct record *record, size_t fields_len)
{
    return HEAD_SIZE + fields_len + hash_size(record) + body_of(record).len;
}

static uint8_t *write_span(uint8_t *to, struct span from)
{
    if (from.len > 0)
        memcpy(to, from.data, from.len);
    return to + from.len;
}

static uint32_t crc_of(struct span bytes)
{
    return libdeflate_crc32(0, bytes.data, bytes.len);
}

void record_write(const struct record *record, struct span fields, uint8_t *to)
{
    uint8_t *at = to + HEAD_SIZE;

    to[CRC_SIZE] = (uint8_t)record->kind;
    at = write_span(at, fields);
    if (hash_size(record) > 0)
        at = write_span(at, span_of(record->outcome.hash, QUEUE_DIGEST_SIZE));
    at = write_span(at, body_of(record));
    put_u32(to, crc_of(span_of(to + CRC_SIZE, (size_t)(at - to) - CRC_SIZE)));
}

/* ---- reading ---------------------------------------------------------- */

static void decode_event(struct fields *from, struct record_event *event)
{
    event->kind = next_span(from, 63);
    event->device = next_span(from, 63);
    event->topic = next_span(from, 1023);
    event->event_id = next_span(from, 127);
    event->reason = next_span(from, 511);
    event->event_at_ms = next_signed(from);
    event->received_at_ms = next_signed(from);
    event->revision = (uint32_t)next_number(from, UINT32_MAX);
    event->fate = (enum queue_fate)next_number(from, QUEUE_FATES - 1);
    event->shed = next_number(from, 1) != 0;
    event->body_len = next_number(from, UINT64_MAX);
    event->body_hash = next_number(from, UINT64_MAX);
}

static void decode_event_list(struct fields *from,
                              struct record_delivery *delivery)
{
    struct fields list = fields_of(next_field(from));

    delivery->events = NULL;
    delivery->event_count = 0;
    while (!list.failed && list.at != list.end &&
           delivery->event_count < RECORD_EVENTS_MAX)
        delivery->event_list[delivery->event_count++] =
            next_number(&list, UINT64_MAX);
    if (list.failed || list.at != list.end)
        from->failed = true;
}

static void decode_delivery(struct fields *from,
                            struct record_delivery *delivery)
{
    delivery->destination = next_span(from, 63);
    delivery->interface = next_span(from, 63);
    delivery->reason = next_span(from, 511);
    delivery->number = next_span(from, 127);
    delivery->subject = next_span(from, 63);
    delivery->state = (enum queue_state)next_number(from, QUEUE_STATES - 1);
    delivery->order_key = next_number(from, UINT64_MAX);
    delivery->follows = next_number(from, UINT64_MAX);
    delivery->after = (enum queue_after)next_number(from, AFTER_SETTLED);
    delivery->made_at_ms = next_signed(from);
    decode_event_list(from, delivery);
}

static void decode_outcome(struct fields *from, struct record_outcome *outcome)
{
    outcome->delivery = next_number(from, UINT64_MAX);
    outcome->from = (enum queue_state)next_number(from, QUEUE_STATES - 1);
    outcome->state = (enum queue_state)next_number(from, QUEUE_STATES - 1);
    outcome->replay = next_number(from, 1) != 0;
    outcome->attempts = (uint32_t)next_number(from, UINT32_MAX);
    outcome->cause = (enum queue_cause)next_number(from, CAUSE_BRIDGE);
    outcome->at_ms = next_signed(from);
    outcome->actor = next_span(from, 63);
    outcome->verb = next_span(from, 63);
    outcome->reason = next_span(from, 511);
    outcome->answer = next_span(from, TEXT_MAX);
    outcome->previous = next_number(from, UINT64_MAX);
    outcome->destination = next_span(from, 63);
    outcome->interface = next_span(from, 63);
    outcome->made_day = (uint32_t)next_number(from, UINT32_MAX);
}

static void decode_fate(struct fields *from, struct record_fate *fate)
{
    fate->event = next_number(from, UINT64_MAX);
    fate->from = (enum queue_fate)next_number(from, QUEUE_FATES - 1);
    fate->fate = (enum queue_fate)next_number(from, QUEUE_FATES - 1);
    fate->kind = next_span(from, 63);
    fate->day = (uint32_t)next_number(from, UINT32_MAX);
}

static bool decode_fields(struct fields *from, struct record *record,
                          struct span body)
{
    switch (record->kind) {
    case RECORD_EVENT:
        decode_event(from, &record->event);
        record->event.body = body;
        break;
    case RECORD_DELIVERY:
        decode_delivery(from, &record->delivery);
        record->delivery.facts = body;
        break;
    case RECORD_OUTCOME:
        if (body.len < QUEUE_DIGEST_SIZE)
            return false;
        decode_outcome(from, &record->outcome);
        record->outcome.hash = body.data;
        record->outcome.facts = span_of(body.data + QUEUE_DIGEST_SIZE,
                                        body.len - QUEUE_DIGEST_SIZE);
        break;
    case RECORD_FATE:
        decode_fate(from, &record->fate);
        break;
    case RECORD_REPEAT:
        record->repeat.kind = next_span(from, 63);
        record->repeat.received_at_ms = next_signed(from);
        break;
    case RECORD_NOTE:
        record->note.key = next_span(from, 255);
        record->note.value = body;
        break;
    }
    return !from->failed;
}

/* Where the fields end and the body begins; the array itself into object. */
static bool split(struct span stored, msgpack_zone *zone,
                  msgpack_object *object, struct span *fields,
                  struct span *body)
{
    struct span rest;
    size_t used;

    /* All our arrays are of msgpack's short form; anything else would make
     * the library reserve room for up to 2^32 fields. */
    if (stored.len <= HEAD_SIZE || stored.data[HEAD_SIZE] >> 4 != 0x9)
        return false;
    rest = span_of(stored.data + HEAD_SIZE, stored.len - HEAD_SIZE);
    if (!unpack(rest, zone, object, &used))
        return false;
    *fields = span_of(rest.data, used);
    *body = span_of(rest.data + used, rest.len - used);
    return true;
}

enum status record_peek(struct span stored, struct record *record)
{
    msgpack_zone zone;
    msgpack_object object;
    struct span fields;
    struct span body;
    struct fields from;
    bool good;

    if (stored.len < HEAD_SIZE || stored.data[CRC_SIZE] < RECORD_EVENT ||
        stored.data[CRC_SIZE] > RECORD_NOTE)
        return STATUS_CORRUPT;
    if (!split(stored, &zone, &object, &fields, &body))
        return STATUS_CORRUPT;
    record->kind = (enum record_kind)stored.data[CRC_SIZE];
    from = fields_of(&object);
    good = decode_fields(&from, record, body);
    msgpack_zone_destroy(&zone);
    return good ? STATUS_OK : STATUS_CORRUPT;
}

bool record_intact(struct span stored)
{
    return stored.len >= HEAD_SIZE &&
           get_u32(stored.data) ==
               crc_of(span_of(stored.data + CRC_SIZE, stored.len - CRC_SIZE));
}

enum status record_read(struct span stored, struct record *record)
{
    return record_intact(stored) ? record_peek(stored, record) : STATUS_CORRUPT;
}

enum status record_chained(struct span stored, struct span *fields,
                           struct span *facts)
{
    msgpack_zone zone;
    msgpack_object object;

    if (!split(stored, &zone, &object, fields, facts))
        return STATUS_CORRUPT;
    msgpack_zone_destroy(&zone);
    if (facts->len < QUEUE_DIGEST_SIZE)
        return STATUS_CORRUPT;
    facts->data += QUEUE_DIGEST_SIZE;
    facts->len -= QUEUE_DIGEST_SIZE;
    return STATUS_OK;
}
