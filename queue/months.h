/*
 * months.h - the log: one environment a month, its records by sequence
 * number.
 *
 * A month holds the database "log" (sequence number -> record, record.h) and
 * "meta" ("format", "first": the sequence number that was next when it was
 * begun).
 */
#ifndef SAMPAN_QUEUE_MONTHS_H
#define SAMPAN_QUEUE_MONTHS_H

#include "env.h"
#include "record.h"

#define MONTH_FORMAT 1
#define MONTHS_MAX 1200   /* a hundred years */
#define MONTH_NAME_SIZE 8 /* "2026-11" */

struct month {
    uint32_t number; /* year * 12 + month - 1 */
    char name[MONTH_NAME_SIZE];
    uint64_t first_seq; /* no record of it is below */
    uint64_t last_seq;  /* the committer's; 0: it has none */
    struct env env;
    MDB_dbi log;
    MDB_dbi meta;
};

/* In order of number, and so of sequence numbers. */
struct months {
    struct month *list[MONTHS_MAX];
    size_t count;
};

uint32_t month_number(int64_t at_ms);
void month_name(uint32_t number, char name[static MONTH_NAME_SIZE]);
/* False when name is no month's. */
bool month_name_read(const char *name, uint32_t *number);

/*
 * Open the month below folder; with first_seq not 0 make it when it is not
 * there.  VERSION; CORRUPT; NOT_FOUND: blank (it was never begun).
 */
MUST_CHECK enum status month_open(const char *folder, uint32_t number,
                                  uint64_t map_bytes, unsigned flags,
                                  uint64_t first_seq, struct month **month);
/* The same of a copy beside it, in NAME.SUFFIX. */
MUST_CHECK enum status month_open_copy(const char *folder, uint32_t number,
                                       const char *suffix, uint64_t map_bytes,
                                       unsigned flags, uint64_t first_seq,
                                       struct month **month);
void month_close(struct month *month);

/* The months take it over.  FULL. */
MUST_CHECK enum status months_add(struct months *months, struct month *month);
/* Out of the list; the caller closes it. */
void months_remove(struct months *months, struct month *month);
struct month *months_newest(const struct months *months);
struct month *months_find(const struct months *months, uint32_t number);
/* Whose record this would be; NULL: older than all. */
struct month *months_of(const struct months *months, uint64_t seq);

/* txn is of the month's environment. */
MUST_CHECK enum status month_append(struct month *month, MDB_txn *txn,
                                    uint64_t seq, const struct record *record,
                                    struct span fields);
/* A record as it was stored elsewhere. */
MUST_CHECK enum status month_append_stored(struct month *month, MDB_txn *txn,
                                           uint64_t seq, struct span stored);
/* The record as stored, good as long as txn.  NOT_FOUND. */
MUST_CHECK enum status month_get(const struct month *month, MDB_txn *txn,
                                 uint64_t seq, struct span *stored);
MUST_CHECK enum status month_last(const struct month *month, MDB_txn *txn,
                                  uint64_t *seq);

/* Going through a month's records in order. */
struct month_walk {
    MDB_cursor *cursor;
    uint64_t seq;
    struct span stored;
};
/* At the first record from seq on; NOT_FOUND: none, and nothing to end. */
MUST_CHECK enum status month_walk_start(struct month_walk *walk,
                                        const struct month *month, MDB_txn *txn,
                                        uint64_t seq);
/* NOT_FOUND: that was the last. */
MUST_CHECK enum status month_walk_next(struct month_walk *walk);
void month_walk_end(struct month_walk *walk);

#endif
