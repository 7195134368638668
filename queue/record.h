/*
 * record.h - the log's records as bytes.
 *
 *   [u32 CRC-32 of the rest][u8 kind][msgpack array][raw body]
 *
 * The array holds the fields in the order of the structs below; a reader
 * ignores fields behind those it knows.  The body is not msgpack: a picture
 * is written once, straight into its page.  Bodies: the payload (EVENT), the
 * facts (DELIVERY), the chain's hash and then the new facts (OUTCOME), the
 * value (NOTE).
 *
 * The hash of an OUTCOME is digest(hash of the outcome before || msgpack array
 * || new facts); the first one follows 32 bytes of zero.
 *
 * Pure; any thread.  Spans of a record that was read point into what it was
 * read from.
 */
#ifndef SAMPAN_QUEUE_RECORD_H
#define SAMPAN_QUEUE_RECORD_H

#include "queue.h"

enum record_kind {
    RECORD_EVENT = 1,
    RECORD_DELIVERY,
    RECORD_OUTCOME,
    RECORD_FATE,
    RECORD_REPEAT,
    RECORD_NOTE,
};

#define RECORD_EVENTS_MAX 256

struct record_event {
    struct span kind, device, topic, event_id, reason;
    int64_t event_at_ms, received_at_ms;
    uint32_t revision;
    enum queue_fate fate;
    bool shed;          /* the body was given up to make room */
    uint64_t body_len;  /* as it came, also when shed */
    uint64_t body_hash; /* likewise */
    struct span body;
};

struct record_delivery {
    struct span destination, interface, reason, number, subject;
    enum queue_state state;
    uint64_t order_key;
    uint64_t follows;
    enum queue_after after;
    int64_t made_at_ms;
    const uint64_t *events; /* NULL when read: see event_list */
    size_t event_count;
    uint64_t event_list[RECORD_EVENTS_MAX];
    struct span facts;
};

struct record_outcome {
    uint64_t delivery;
    enum queue_state from, state;
    bool replay;
    uint32_t attempts;
    enum queue_cause cause;
    int64_t at_ms;
    struct span actor, verb, reason, answer;
    uint64_t previous; /* this delivery's outcome before, 0: the first */
    /* Whose it is, so that the log alone can be recounted. */
    struct span destination, interface;
    uint32_t made_day;
    const uint8_t *hash; /* 32 bytes */
    struct span facts;
};

struct record_fate {
    uint64_t event;
    enum queue_fate from, fate;
    struct span kind; /* of the event, as its day of receipt */
    uint32_t day;
};

struct record_repeat {
    struct span kind;
    int64_t received_at_ms;
};

struct record_note {
    struct span key;   /* space/name */
    struct span value; /* empty: removed */
};

struct record {
    enum record_kind kind;
    union {
        struct record_event event;
        struct record_delivery delivery;
        struct record_outcome outcome;
        struct record_fate fate;
        struct record_repeat repeat;
        struct record_note note;
    };
};

/* The msgpack array of a record, appended to fields.  NOMEM. */
MUST_CHECK enum status record_encode(const struct record *record,
                                     struct bytes *fields);
/* How large the whole record is, and the writing of it into that many bytes. */
size_t record_size(const struct record *record, size_t fields_len);
void record_write(const struct record *record, struct span fields, uint8_t *to);

/* CORRUPT: the CRC does not fit, or the fields are not what they should be. */
MUST_CHECK enum status record_read(struct span stored, struct record *record);
/* Without the CRC: for passing over records without touching their bodies. */
MUST_CHECK enum status record_peek(struct span stored, struct record *record);
bool record_intact(struct span stored);
/* What of an OUTCOME is hashed beside the hash before: fields, then facts. */
MUST_CHECK enum status record_chained(struct span stored, struct span *fields,
                                      struct span *facts);

#endif
