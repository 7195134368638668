#include "row.h"

#include <string.h>

#include "pack.h"

#define ROW_FIELDS 18
#define ROW_SIZE 192 /* of most rows: one allocation, not one a field */

static void pack_u32(struct packing *to, uint32_t number)
{
    msgpack_pack_fix_uint32(&to->packer, number);
}

static void pack_u64(struct packing *to, uint64_t number)
{
    msgpack_pack_fix_uint64(&to->packer, number);
}

enum status row_encode(const struct row *row, struct bytes *to)
{
    struct packing packing;
    enum status status = bytes_reserve(to, ROW_SIZE);

    if (status != STATUS_OK)
        return status;
    msgpack_packer_init(&packing.packer, &packing, packing_append);
    packing.to = to;
    packing.failed = false;
    msgpack_pack_array(&packing.packer, ROW_FIELDS);
    pack_number(&packing, row->state);
    msgpack_pack_fix_uint8(&packing.packer, row->lane);
    pack_number(&packing, row->reasoned);
    pack_number(&packing, row->month);
    pack_number(&packing, row->destination);
    pack_number(&packing, row->interface);
    pack_u32(&packing, row->attempts);
    pack_u32(&packing, row->rounds);
    pack_u64(&packing, (uint64_t)row->changed_at_ms);
    pack_u64(&packing, row->outcome_seq);
    pack_u64(&packing, row->facts_seq);
    pack_number(&packing, row->after);
    pack_number(&packing, row->follows);
    pack_number(&packing, row->order_key);
    pack_signed(&packing, row->made_at_ms);
    pack_text(&packing, span_text(row->number));
    pack_text(&packing, span_text(row->subject));
    msgpack_pack_array(&packing.packer, row->pin_count);
    for (size_t i = 0; i < row->pin_count; i++)
        pack_number(&packing, row->pins[i]);
    return packing.failed ? STATUS_NOMEM : STATUS_OK;
}

static void decode_text(struct fields *from, char *to, size_t size)
{
    struct span text = next_span(from, size - 1);

    if (text.len > 0)
        memcpy(to, text.data, text.len);
    to[text.len] = 0;
}

static void decode_pins(struct fields *from, struct row *row)
{
    struct fields list = fields_of(next_field(from));

    row->pin_count = 0;
    while (!list.failed && list.at != list.end && row->pin_count < ROW_PINS_MAX)
        row->pins[row->pin_count++] = (uint32_t)next_number(&list, UINT32_MAX);
    if (list.failed)
        from->failed = true;
}

static void decode_fields(struct fields *from, struct row *row)
{
    row->state = (enum queue_state)next_number(from, QUEUE_STATES - 1);
    row->lane = (uint8_t)next_number(from, ROW_LANE_NONE);
    row->reasoned = next_number(from, 1) != 0;
    row->month = (uint32_t)next_number(from, UINT32_MAX);
    row->destination = (uint16_t)next_number(from, UINT16_MAX);
    row->interface = (uint16_t)next_number(from, UINT16_MAX);
    row->attempts = (uint32_t)next_number(from, UINT32_MAX);
    row->rounds = (uint32_t)next_number(from, UINT32_MAX);
    row->changed_at_ms = (int64_t)next_number(from, UINT64_MAX);
    row->outcome_seq = next_number(from, UINT64_MAX);
    row->facts_seq = next_number(from, UINT64_MAX);
    row->after = (enum queue_after)next_number(from, AFTER_SETTLED);
    row->follows = next_number(from, UINT64_MAX);
    row->order_key = next_number(from, UINT64_MAX);
    row->made_at_ms = next_signed(from);
    decode_text(from, row->number, sizeof row->number);
    decode_text(from, row->subject, sizeof row->subject);
    decode_pins(from, row);
}

enum status row_decode(struct span from, struct row *row)
{
    msgpack_zone zone;
    msgpack_object object;
    struct fields fields;
    size_t used;

    if (!unpack(from, &zone, &object, &used))
        return STATUS_CORRUPT;
    fields = fields_of(&object);
    decode_fields(&fields, row);
    msgpack_zone_destroy(&zone);
    return fields.failed ? STATUS_CORRUPT : STATUS_OK;
}

bool row_unsettled(const struct row *row)
{
    return row->state != STATE_DELIVERED && row->state != STATE_DISCARDED;
}

bool row_pin(struct row *row, uint32_t month)
{
    for (size_t i = 0; i < row->pin_count; i++)
        if (row->pins[i] == month)
            return true;
    if (row->pin_count == ROW_PINS_MAX)
        return false;
    row->pins[row->pin_count++] = month;
    return true;
}
