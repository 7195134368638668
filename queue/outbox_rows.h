/*
 * outbox_rows.h - the outbox's rows as bytes.  Pure; any thread.
 *
 *   events    seq u64 -> [u32 CRC-32 of the rest][msgpack array][content]
 *   rejected  number u64 -> the same, with its reason; damaged: content is
 *             the record as it was found
 *   known     hash of device and id u64, time u64 -> see struct known
 *   seen      day u32, a key of known -> nothing: what expires first
 *   meta      "format", "standing"
 */
#ifndef SAMPAN_OUTBOX_ROWS_H
#define SAMPAN_OUTBOX_ROWS_H

#include "outbox.h"

#define KNOWN_KEY_SIZE 16
#define SEEN_KEY_SIZE (4 + KNOWN_KEY_SIZE)
#define KNOWN_CONTENTS_MAX 8
#define STANDING_SIZE (6 * 8)

struct kept {
    struct span device, leaf, event_id, reason;
    int64_t at_ms, kept_at_ms;
    uint32_t revision;
    bool renamed; /* its published id carries its time */
    bool damaged; /* only content is of use */
    struct span content;
};

/* The record without content, and how large both are.  NOMEM. */
MUST_CHECK enum status kept_fields(const struct kept *kept,
                                   struct bytes *fields);
size_t kept_size(const struct kept *kept, struct span fields);
void kept_write(const struct kept *kept, struct span fields, uint8_t *to);
/* Spans point into stored.  CORRUPT. */
MUST_CHECK enum status kept_read(struct span stored, struct kept *kept);
/* Texts are copied, content is borrowed. */
void kept_entry(const struct kept *kept, uint64_t seq,
                struct outbox_entry *entry);

struct known {
    uint32_t day; /* of China, when it was last seen: days since 1970 */
    uint32_t revision;
    bool renamed;
    uint8_t count; /* of contents, newest last */
    uint64_t contents[KNOWN_CONTENTS_MAX];
};

#define KNOWN_SIZE_MAX (4 + 4 + 1 + 8 * KNOWN_CONTENTS_MAX)

void known_key(const struct outbox_event *event,
               uint8_t key[static KNOWN_KEY_SIZE]);
void seen_key(uint32_t day, const uint8_t known[static KNOWN_KEY_SIZE],
              uint8_t key[static SEEN_KEY_SIZE]);
uint32_t seen_day(int64_t now_ms);
size_t known_write(const struct known *known,
                   uint8_t to[static KNOWN_SIZE_MAX]);
MUST_CHECK enum status known_read(struct span stored, struct known *known);
bool known_has(const struct known *known, uint64_t content);
/* The oldest of eight makes way. */
void known_add(struct known *known, uint64_t content);

/* What is counted, in the transaction that changes it. */
struct outbox_standing {
    uint64_t last_seq;
    uint64_t kept, kept_bytes;
    uint64_t known;
    uint64_t rejected, rejected_bytes;
};

void outbox_standing_write(const struct outbox_standing *standing,
                           uint8_t to[static STANDING_SIZE]);
MUST_CHECK enum status outbox_standing_read(struct span stored,
                                            struct outbox_standing *standing);

#endif
