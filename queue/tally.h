/*
 * tally.h - what a group adds to the sums, gathered in memory and written
 * once, when the group ends.
 *
 * Sums are kept per class ('E' events, 'D' deliveries), day, month the
 * records lie in, and names; day 0 holds all time.  The month is part of the
 * key so that a dropped month's share can be told apart from the rest of a
 * day.  Beside them, for each day, the lowest and highest id of what was
 * received ('e') or made ('d') on it, so that a time range is a range of ids.
 */
#ifndef SAMPAN_QUEUE_TALLY_H
#define SAMPAN_QUEUE_TALLY_H

#include "hot.h"

#define SUM_BUCKETS 6
#define SUM_KEY_SIZE 13
#define SUM_VALUE_SIZE (SUM_BUCKETS * 8)

struct sum_key {
    char class;
    uint32_t day;
    uint32_t month;
    uint16_t first;  /* kind, or destination */
    uint16_t second; /* 0, or interface */
};

struct tally_sum {
    struct sum_key key;
    int64_t add[SUM_BUCKETS];
};

struct tally_range {
    char class;
    uint32_t day;
    uint64_t low;
    uint64_t high;
};

struct tally_month {
    uint32_t number;
    int64_t pins;
    uint64_t big_bytes;
};

struct tally {
    struct tally_sum *sums;
    size_t sum_count, sum_room;
    struct tally_range *ranges;
    size_t range_count, range_room;
    struct tally_month *months;
    size_t month_count, month_room;
};

MUST_CHECK enum status tally_sum(struct tally *tally, struct sum_key key,
                                 int bucket, int64_t add);
MUST_CHECK enum status tally_range(struct tally *tally, char class,
                                   uint32_t day, uint64_t id);
MUST_CHECK enum status tally_pin(struct tally *tally, uint32_t month,
                                 int64_t add);
MUST_CHECK enum status tally_big(struct tally *tally, uint32_t month,
                                 uint64_t bytes);
MUST_CHECK enum status tally_write(const struct tally *tally,
                                   const struct hot *hot, MDB_txn *txn);
void tally_clear(struct tally *tally);
void tally_free(struct tally *tally);

void sum_key_write(uint8_t to[static SUM_KEY_SIZE], struct sum_key key);
/* False when these bytes are no sum's key. */
bool sum_key_read(struct span from, struct sum_key *key);
/* CORRUPT. */
MUST_CHECK enum status sum_value_read(struct span from,
                                      uint64_t counts[static SUM_BUCKETS]);
void sum_value_write(uint8_t to[static SUM_VALUE_SIZE],
                     const uint64_t counts[static SUM_BUCKETS]);

/* The ids that can have been received ('e') or made ('d') from day first to
 * day last, both counted.  NOT_FOUND: none. */
MUST_CHECK enum status range_read(const struct hot *hot, MDB_txn *txn,
                                  char class, uint32_t first, uint32_t last,
                                  uint64_t *low, uint64_t *high);

#endif
