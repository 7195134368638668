/*
 * outbox_parts.h - what the files of the outbox share, and nobody else sees.
 *
 *   outbox.c        opening, turns, reading, ending
 *   outbox_put.c    putting: what is known, what fits
 *   outbox_aside.c  the rejected
 *   outbox_rows.c   rows as bytes
 */
#ifndef SAMPAN_OUTBOX_PARTS_H
#define SAMPAN_OUTBOX_PARTS_H

#include <pthread.h>

#include "env.h"
#include "outbox.h"
#include "outbox_rows.h"

#define OUTBOX_KNOWN_COST 256 /* bytes on disk of a known event, about */

struct outbox_put;

struct outbox {
    char folder[ENV_PATH_MAX];
    char path[ENV_PATH_MAX];
    struct outbox_options options;
    int lock_fd;
    struct env env;
    MDB_dbi events, known, seen, rejected, meta;
    /* Held for reading by who is in a transaction, for writing while the
     * environment is opened anew or its map grows. */
    pthread_rwlock_t guard;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool taken;  /* somebody has the turn to write */
    bool broken; /* a commit failed: open anew before the next */
    struct outbox_put *waiting, **waiting_end;
    struct outbox_standing standing; /* as committed */
    uint64_t oldest_seq;             /* whose time oldest_at_ms is */
    int64_t oldest_at_ms;

    /* Of whoever has the turn. */
    uint64_t allocated_bytes; /* of the file: a write below cannot find the
                                 disk full */
    struct bytes fields, record;
    _Atomic uint64_t read_bytes; /* through the map, since it was trimmed */
};

/* A write transaction and what it makes of the counts. */
struct outbox_writing {
    struct outbox *outbox;
    MDB_txn *txn;
    struct outbox_standing standing;
};

/* With the turn: open anew what broke. */
MUST_CHECK enum status outbox_ready(struct outbox *outbox);
/* With the turn: begin; and end, with the counts.  A commit that fails leaves
 * the outbox to be opened anew.  FULL: the map or the disk. */
MUST_CHECK enum status outbox_writing_begin(struct outbox *outbox,
                                            struct outbox_writing *writing);
MUST_CHECK enum status outbox_writing_commit(struct outbox_writing *writing);
void outbox_writing_abort(struct outbox_writing *writing);

/* Wait for the turn; give it back. */
void outbox_turn_take(struct outbox *outbox);
void outbox_turn_give(struct outbox *outbox);

/* Bytes on disk that a record takes: whole pages, and its way there. */
uint64_t outbox_cost(size_t record_bytes);
uint64_t outbox_used(const struct outbox_standing *standing);
/* Have more bytes of the file's end allocated, beside a reserve for endings.
 * FULL: the disk. */
MUST_CHECK enum status outbox_allocate(struct outbox *outbox, uint64_t more);

/* Store kept under key; keys only grow. */
MUST_CHECK enum status outbox_store(struct outbox_writing *writing, MDB_dbi dbi,
                                    uint64_t number, const struct kept *kept,
                                    size_t *record_bytes);
/* Forget a few of what was not seen for dedup_days, or is too many. */
MUST_CHECK enum status outbox_expire(struct outbox_writing *writing,
                                     int64_t now_ms);

/* Keep the record of a rejected event aside, and let go of the oldest. */
MUST_CHECK enum status outbox_aside(struct outbox_writing *writing,
                                    struct span stored, const char *reason);
/* Let go of the oldest kept aside; NOT_FOUND: there is none. */
MUST_CHECK enum status outbox_aside_drop(struct outbox_writing *writing);

/* The number at the first or last key.  NOT_FOUND. */
MUST_CHECK enum status outbox_edge(MDB_txn *txn, MDB_dbi dbi, MDB_cursor_op op,
                                   uint64_t *number, struct span *stored);

#endif
