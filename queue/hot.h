/*
 * hot.h - the hot environment: its databases and the few rows that say how
 * far it is.
 *
 *   deliveries  id                                  -> row (row.h)
 *   lanes       destination u16, lane u8, id        -> nothing
 *   followers   predecessor id, id                  -> nothing
 *   subjects    id / 1024, hash u32, id % 1024 u16  -> nothing
 *   dedup       time u64, hash u64                  -> id, revision, body hash
 *   fates       event id                            -> fate, kind, day
 *   notes       space/name                          -> seq, value
 *   sums        class, day, month, names            -> counts (tally.h)
 *   meta        "format", "standing", "m" month, "n" number of a name
 *
 * Keys begin with what grows, so that new rows land on few pages: the
 * subjects are sorted within blocks of 1024 sequence numbers for that reason,
 * and a search goes from block to block.
 */
#ifndef SAMPAN_QUEUE_HOT_H
#define SAMPAN_QUEUE_HOT_H

#include "env.h"
#include "names.h"
#include "queue.h"

#define HOT_FORMAT 1

struct hot {
    struct env env;
    MDB_dbi deliveries, lanes, followers, subjects, dedup, fates, notes, sums,
        meta;
};

/* How far the hot environment is; a group makes the next one. */
struct standing {
    uint64_t indexed;                /* the last record that was applied */
    uint8_t head[QUEUE_DIGEST_SIZE]; /* of the outcome chain */
};

/* What is known of a month, also after it was dropped. */
struct month_row {
    uint32_t number; /* year * 12 + month - 1 */
    uint64_t first_seq;
    uint64_t pins;      /* what is unsettled and needs this month */
    uint64_t big_bytes; /* of bodies that slimming would free */
    bool dropped;
    bool purged;                          /* and its rows are gone as well */
    uint64_t last_seq;                    /* of a dropped month */
    uint8_t chain_end[QUEUE_DIGEST_SIZE]; /* the head when it ended */
};

/* An LMDB value as a span and back. */
static inline struct span value_span(MDB_val value)
{
    return span_of(value.mv_data, value.mv_size);
}

static inline MDB_val span_value(struct span span)
{
    return (MDB_val){span.len, (void *)(uintptr_t)span.data};
}

/* Open what is at path, or make it when make.  VERSION; CORRUPT; NOT_FOUND:
 * not there or blank, and not make. */
MUST_CHECK enum status hot_open(struct hot *hot, const char *path,
                                uint64_t map_bytes, unsigned flags, bool make);

MUST_CHECK enum status hot_get(MDB_txn *txn, MDB_dbi dbi, struct span key,
                               struct span *value);
MUST_CHECK enum status hot_put(MDB_txn *txn, MDB_dbi dbi, struct span key,
                               struct span value);
/* The same of a key that is likely the highest: pages are filled whole. */
MUST_CHECK enum status hot_put_last(MDB_txn *txn, MDB_dbi dbi, struct span key,
                                    struct span value);
/* Nothing there is OK. */
MUST_CHECK enum status hot_remove(MDB_txn *txn, MDB_dbi dbi, struct span key);

/* A hot environment that never applied anything has a standing of zeros. */
MUST_CHECK enum status standing_read(const struct hot *hot, MDB_txn *txn,
                                     struct standing *standing);
MUST_CHECK enum status standing_write(const struct hot *hot, MDB_txn *txn,
                                      const struct standing *standing);

/* NOT_FOUND: *row is zero but for its number. */
MUST_CHECK enum status month_row_read(const struct hot *hot, MDB_txn *txn,
                                      uint32_t number, struct month_row *row);
MUST_CHECK enum status month_row_write(const struct hot *hot, MDB_txn *txn,
                                       const struct month_row *row);
/* The first month after number; NOT_FOUND. */
MUST_CHECK enum status month_row_next(const struct hot *hot, MDB_txn *txn,
                                      uint32_t number, struct month_row *row);
/* The newest before number; NOT_FOUND. */
MUST_CHECK enum status month_row_before(const struct hot *hot, MDB_txn *txn,
                                        uint32_t number, struct month_row *row);

MUST_CHECK enum status hot_names_read(const struct hot *hot, MDB_txn *txn,
                                      struct names *names);
/* Write those not stored yet; the caller counts them as stored once that is
 * committed. */
MUST_CHECK enum status hot_names_write(const struct hot *hot, MDB_txn *txn,
                                       const struct names *names);

#endif
