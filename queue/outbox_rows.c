#include "outbox_rows.h"

#include <stdio.h>
#include <string.h>

#include <libdeflate.h>

#include "bits.h"
#include "clock.h"
#include "hash.h"
#include "pack.h"
#include "text.h"

#define CRC_SIZE 4
#define FIELDS_MOST 4096 /* bytes of a record before its content */

/* ---- events ------------------------------------------------------------- */

enum status kept_fields(const struct kept *kept, struct bytes *fields)
{
    struct packing packing;

    bytes_clear(fields);
    packing_start(&packing, fields, 9);
    pack_text(&packing, kept->device);
    pack_text(&packing, kept->leaf);
    pack_text(&packing, kept->event_id);
    pack_text(&packing, kept->reason);
    pack_signed(&packing, kept->at_ms);
    pack_signed(&packing, kept->kept_at_ms);
    pack_number(&packing, kept->revision);
    pack_number(&packing, kept->renamed);
    pack_number(&packing, kept->damaged);
    return packing.failed ? STATUS_NOMEM : STATUS_OK;
}

size_t kept_size(const struct kept *kept, struct span fields)
{
    return CRC_SIZE + fields.len + kept->content.len;
}

static uint32_t crc_of(struct span stored)
{
    return libdeflate_crc32(0, stored.data + CRC_SIZE, stored.len - CRC_SIZE);
}

void kept_write(const struct kept *kept, struct span fields, uint8_t *to)
{
    memcpy(to + CRC_SIZE, fields.data, fields.len);
    if (kept->content.len > 0)
        memcpy(to + CRC_SIZE + fields.len, kept->content.data,
               kept->content.len);
    put_u32(to, crc_of(span_of(to, kept_size(kept, fields))));
}

static void take_fields(struct fields *from, struct kept *kept)
{
    kept->device = next_span(from, OUTBOX_DEVICE_MAX);
    kept->leaf = next_span(from, OUTBOX_LEAF_MAX);
    kept->event_id = next_span(from, OUTBOX_ID_MAX);
    kept->reason = next_span(from, OUTBOX_REASON_MAX);
    kept->at_ms = next_signed(from);
    kept->kept_at_ms = next_signed(from);
    kept->revision = (uint32_t)next_number(from, UINT32_MAX);
    kept->renamed = next_number(from, 1) != 0;
    kept->damaged = next_number(from, 1) != 0;
}

static enum status split(struct span stored, struct kept *kept)
{
    msgpack_zone zone;
    msgpack_object object;
    struct fields fields;
    struct span rest;
    size_t used;

    rest = span_of(stored.data + CRC_SIZE, stored.len - CRC_SIZE);
    /* The content is not msgpack, and none of the parser's business. */
    if (!unpack(
            span_of(rest.data, rest.len < FIELDS_MOST ? rest.len : FIELDS_MOST),
            &zone, &object, &used))
        return STATUS_CORRUPT;
    fields = fields_of(&object);
    take_fields(&fields, kept);
    kept->content = span_of(rest.data + used, rest.len - used);
    msgpack_zone_destroy(&zone);
    return fields.failed ? STATUS_CORRUPT : STATUS_OK;
}

enum status kept_read(struct span stored, struct kept *kept)
{
    if (stored.len <= CRC_SIZE || get_u32(stored.data) != crc_of(stored))
        return STATUS_CORRUPT;
    return split(stored, kept);
}

static void copy_text(char *to, size_t size, struct span from)
{
    snprintf(to, size, "%.*s", (int)from.len, (const char *)from.data);
}

/* "17" used again: "17-1795147245250".  Of a long id the end makes way: the
 * time tells it from the others of that device. */
static void publish_id(struct outbox_entry *entry, bool renamed)
{
    char time[24] = "";
    size_t len;

    if (renamed)
        snprintf(time, sizeof time, "-%lld", (long long)entry->at_ms);
    text_put(entry->published_id, sizeof entry->published_id - strlen(time),
             entry->event_id);
    len = strlen(entry->published_id);
    text_put(entry->published_id + len, sizeof entry->published_id - len, time);
}

void kept_entry(const struct kept *kept, uint64_t seq,
                struct outbox_entry *entry)
{
    entry->seq = seq;
    copy_text(entry->device, sizeof entry->device, kept->device);
    copy_text(entry->leaf, sizeof entry->leaf, kept->leaf);
    copy_text(entry->event_id, sizeof entry->event_id, kept->event_id);
    entry->at_ms = kept->at_ms;
    entry->kept_at_ms = kept->kept_at_ms;
    entry->revision = kept->revision;
    entry->content = kept->content;
    publish_id(entry, kept->renamed);
}

/* ---- what is known ------------------------------------------------------ */

void known_key(const struct outbox_event *event,
               uint8_t key[static KNOWN_KEY_SIZE])
{
    uint64_t who = hash_span(0, span_text(event->device));

    put_u64(key, hash_span(who, span_text(event->event_id)));
    put_u64(key + 8, (uint64_t)event->at_ms);
}

void seen_key(uint32_t day, const uint8_t known[static KNOWN_KEY_SIZE],
              uint8_t key[static SEEN_KEY_SIZE])
{
    put_u32(key, day);
    memcpy(key + 4, known, KNOWN_KEY_SIZE);
}

uint32_t seen_day(int64_t now_ms)
{
    return now_ms < 0 ? 0 : (uint32_t)((now_ms + 8 * HOUR_MS) / DAY_MS);
}

size_t known_write(const struct known *known, uint8_t to[static KNOWN_SIZE_MAX])
{
    put_u32(to, known->day);
    put_u32(to + 4, known->revision);
    to[8] = known->renamed;
    for (size_t i = 0; i < known->count; i++)
        put_u64(to + 9 + 8 * i, known->contents[i]);
    return 9 + (size_t)8 * known->count;
}

enum status known_read(struct span stored, struct known *known)
{
    if (stored.len < 9 || stored.len > KNOWN_SIZE_MAX ||
        (stored.len - 9) % 8 != 0)
        return STATUS_CORRUPT;
    known->day = get_u32(stored.data);
    known->revision = get_u32(stored.data + 4);
    known->renamed = stored.data[8] != 0;
    known->count = (uint8_t)((stored.len - 9) / 8);
    for (size_t i = 0; i < known->count; i++)
        known->contents[i] = get_u64(stored.data + 9 + 8 * i);
    return STATUS_OK;
}

bool known_has(const struct known *known, uint64_t content)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->contents[i] == content)
            return true;
    return false;
}

void known_add(struct known *known, uint64_t content)
{
    if (known->count == KNOWN_CONTENTS_MAX)
        memmove(known->contents, known->contents + 1,
                (size_t)--known->count * sizeof known->contents[0]);
    known->contents[known->count++] = content;
}

/* ---- what is counted ---------------------------------------------------- */

void outbox_standing_write(const struct outbox_standing *standing,
                           uint8_t to[static STANDING_SIZE])
{
    put_u64(to, standing->last_seq);
    put_u64(to + 8, standing->kept);
    put_u64(to + 16, standing->kept_bytes);
    put_u64(to + 24, standing->known);
    put_u64(to + 32, standing->rejected);
    put_u64(to + 40, standing->rejected_bytes);
}

enum status outbox_standing_read(struct span stored,
                                 struct outbox_standing *standing)
{
    if (stored.len != STANDING_SIZE)
        return STATUS_CORRUPT;
    standing->last_seq = get_u64(stored.data);
    standing->kept = get_u64(stored.data + 8);
    standing->kept_bytes = get_u64(stored.data + 16);
    standing->known = get_u64(stored.data + 24);
    standing->rejected = get_u64(stored.data + 32);
    standing->rejected_bytes = get_u64(stored.data + 40);
    return STATUS_OK;
}
