/*
 * store.h - the queue from inside: what its files share.
 *
 *   open.c    opening, set aside, closing     replay.c  the log into hot
 *   reopen.c  environments opened while it runs
 *   commit.c  a group's begin and end         put.c     a group's records
 *   outcome.c a change of state, checked and chained
 *   apply.c   a record into hot, live and in recovery alike
 *   look.c, read.c, history.c, list.c, each.c, books.c
 *                                              any thread's reading
 *   keep.c, drop.c, purge.c, slim.c            staying within bounds
 *   verify.c  everything checked again
 *
 * Locks: guard is held for reading around every transaction of a reader, and
 * for writing while environments are opened, closed or mapped anew.  Only the
 * committer's thread takes it for writing, and it reads the months without.
 */
#ifndef SAMPAN_QUEUE_STORE_H
#define SAMPAN_QUEUE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "folder.h"
#include "hot.h"
#include "months.h"
#include "tally.h"

#define REASON_MAX 511
#define BODY_MAX (UINT32_C(1) << 30) /* LMDB takes less than 4 GB */
#define BIG_BODY_BYTES 16384         /* above this, a body is a picture */
#define FRESH_MAX 1024 /* of a group that are told when it is durable */

/* The group between queue_begin and queue_commit. */
struct group {
    bool open;
    bool event_taken;   /* an event of it was accepted */
    enum status broken; /* a put failed half-way: the group must be undone */
    MDB_txn *hot_txn;
    MDB_txn *log_txn;
    struct month *month;
    struct standing standing; /* what the commit will make valid */
    uint64_t records;
    uint64_t bytes; /* appended, estimated */
    size_t fresh_count;
    uint64_t fresh_until; /* the first that found no place; 0: none */
};

struct queue {
    struct queue_options options;
    char folder[FOLDER_PATH_MAX]; /* options.folder points here */
    bool reader;
    int lock_fd;
    pthread_rwlock_t guard;
    struct hot hot;
    struct months months;
    struct names names;
    struct standing standing; /* of the last commit */
    struct group group;
    struct queue_fresh fresh[FRESH_MAX]; /* of the group */
    struct tally tally;
    struct bytes fields;  /* of the record being put */
    struct bytes chained; /* what is hashed of an outcome */
    bool hot_behind;      /* a commit failed: the log may have more */
    uint64_t room_bytes;  /* to have free in the maps at queue_begin */
    uint64_t used_bytes;  /* at queue_begin */
    uint64_t fs_free_bytes;
    _Atomic uintptr_t writer;     /* the thread with an open group, 0: none */
    _Atomic uint64_t moved_bytes; /* read or written since the last trim */
};

/* ---- reopen.c --------------------------------------------------------- */

#define STORE_HOT "hot"
/* The month that holds this record, NULL when it is gone; for the
 * committer's thread. */
struct month *store_month_of(const struct queue *queue, uint64_t seq);
/* Begin a month. */
MUST_CHECK enum status store_month_begin(struct queue *queue, uint32_t number,
                                         struct month **month);
/* How much address space a month, and hot, get. */
uint64_t store_month_map(const struct queue *queue);
uint64_t store_hot_map(const struct queue *queue);
/* After a failed commit: LMDB may have given the environments up. */
MUST_CHECK enum status store_reopen(struct queue *queue);

/* ---- replay.c --------------------------------------------------------- */

/* Apply what the log has beyond the hot environment. */
MUST_CHECK enum status store_replay(struct queue *queue, uint64_t *applied,
                                    uint64_t *damaged);

/* ---- apply.c ---------------------------------------------------------- */

/* A record in a transaction of the hot environment. */
struct applying {
    struct queue *queue;
    MDB_txn *txn;
    uint32_t month; /* the record's */
    uint64_t seq;
    struct standing *standing;
};
MUST_CHECK enum status apply_record(const struct applying *at,
                                    const struct record *record);
/* Write what the applied records add up to; the transaction's last step. */
MUST_CHECK enum status apply_finish(struct queue *queue, MDB_txn *txn,
                                    const struct standing *standing,
                                    uint32_t month);

/* ---- lanes.c ---------------------------------------------------------- */

struct row;
MUST_CHECK enum status row_read(const struct hot *hot, MDB_txn *txn,
                                uint64_t id, struct row *row);
/* A new one: its id is above all others. */
MUST_CHECK enum status row_add(const struct hot *hot, MDB_txn *txn, uint64_t id,
                               const struct row *row);
MUST_CHECK enum status row_write(const struct hot *hot, MDB_txn *txn,
                                 uint64_t id, const struct row *row);
/* Put the row in the lane of its state / take it out. */
MUST_CHECK enum status lane_enter(const struct hot *hot, MDB_txn *txn,
                                  uint64_t id, struct row *row, bool replay);
MUST_CHECK enum status lane_leave(const struct hot *hot, MDB_txn *txn,
                                  uint64_t id, const struct row *row);
/* Let go those behind id that its new state frees. */
MUST_CHECK enum status lane_free_followers(const struct hot *hot, MDB_txn *txn,
                                           uint64_t id, enum queue_state state);
/* Up to *count ids above after. */
MUST_CHECK enum status lane_ids(const struct hot *hot, MDB_txn *txn,
                                uint16_t destination, enum queue_lane lane,
                                uint64_t after, uint64_t *ids, size_t *count);
/* The first destination from number on with anything in a lane. */
MUST_CHECK enum status lane_destination(const struct hot *hot, MDB_txn *txn,
                                        uint32_t number, uint16_t *found);
MUST_CHECK enum status subject_add(const struct hot *hot, MDB_txn *txn,
                                   const char *subject, uint64_t id);
MUST_CHECK enum status subject_remove(const struct hot *hot, MDB_txn *txn,
                                      const char *subject, uint64_t id);
/* Up to *count ids above after that may be of this subject. */
MUST_CHECK enum status subject_ids(const struct hot *hot, MDB_txn *txn,
                                   const char *subject, uint64_t after,
                                   uint64_t *ids, size_t *count);

/* ---- dedup.c ---------------------------------------------------------- */

struct dedup_entry {
    uint64_t id;
    uint32_t revision;
    uint64_t body_hash;
};
/* What dedup needs of an event. */
struct dedup_key {
    struct span device;
    struct span event_id;
    int64_t event_at_ms;
    int64_t received_at_ms;
};
uint64_t body_hash(struct span body);
/* NOT_FOUND. */
MUST_CHECK enum status dedup_find(const struct queue *queue, MDB_txn *txn,
                                  const struct dedup_key *key,
                                  struct dedup_entry *entry);
MUST_CHECK enum status dedup_add(const struct queue *queue, MDB_txn *txn,
                                 const struct dedup_key *key,
                                 const struct dedup_entry *entry);
/* Remove what is older than cutoff_ms; at most some hundreds a call. */
MUST_CHECK enum status dedup_expire(const struct queue *queue, MDB_txn *txn,
                                    int64_t cutoff_ms);

/* ---- books.c ---------------------------------------------------------- */

/* Refresh used_bytes and fs_free_bytes. */
void space_measure(const struct queue *queue, uint64_t *used_bytes,
                   uint64_t *fs_free_bytes);
/* Whether more bytes of events are too many. */
bool space_full(const struct queue *queue, uint64_t used_bytes,
                uint64_t fs_free_bytes, uint64_t more);

/* ---- put.c ------------------------------------------------------------ */

/* The store's own notes: what is left of a dropped month. */
#define STORE_SPACE "store"
#define NOTE_KEY_MAX 255
MUST_CHECK enum status put_note(struct queue *queue, struct span key,
                                struct span value);
/* The one way into the log.  What fails from the append on breaks the group;
 * before it, nothing was changed. */
MUST_CHECK enum status put_record(struct queue *queue,
                                  const struct record *record, uint64_t *seq);
/* Its two halves, for what has to see the fields between: encode them into
 * queue->fields; append and apply. */
MUST_CHECK enum status put_fields(struct queue *queue,
                                  const struct record *record);
MUST_CHECK enum status put_with_fields(struct queue *queue,
                                       const struct record *record,
                                       uint64_t *seq);
bool text_fits(const char *text, size_t most);
/* At most so many bytes, and no torn UTF-8 character at the end. */
struct span text_cut(struct span text, size_t most);

/* ---- look.c, read.c
 * ----------------------------------------------------------- */

/* A look at the store: a transaction of the hot environment and, when asked
 * for, one of a month.  In the committer's thread with a group open, the
 * group's own. */
struct look {
    struct queue *queue;
    bool own; /* the group's transactions: not ours to end */
    MDB_txn *hot;
    struct month *month;
    MDB_txn *log;
};
MUST_CHECK enum status look_start(struct look *look, struct queue *queue);
/* Without hot: for what the log alone tells. */
void look_start_log(struct look *look, struct queue *queue);
/* A transaction of this month in look->log. */
MUST_CHECK enum status look_month(struct look *look, struct month *month);
void look_end(struct look *look);
/* The record, its CRC checked; good until the look's month changes. */
MUST_CHECK enum status look_record(struct look *look, uint64_t seq,
                                   struct record *record);
MUST_CHECK enum status look_delivery(struct look *look, uint64_t id,
                                     const struct row *row,
                                     struct queue_delivery *delivery);
/* The present fate; what was recorded when nothing changed it. */
MUST_CHECK enum status look_fate(struct look *look, uint64_t event,
                                 enum queue_fate *fate);
/* The record as the caller sees it; its texts and body go to buffer. */
MUST_CHECK enum status event_copy(const struct record_event *record,
                                  uint64_t id, struct bytes *buffer,
                                  struct queue_event *event);
/* A text copied behind what buffer holds, with its NUL; room for it must have
 * been reserved, so that what was kept before stays where it is. */
const char *keep_text(struct bytes *buffer, struct span text);
/* Count bytes moved through the maps and trim now and then. */
void store_moved(struct queue *queue, uint64_t bytes);

/* ---- fates, drop.c, slim.c --------------------------------------------- */

struct fate_row {
    enum queue_fate fate;
    uint16_t kind;
    uint32_t day;   /* of receipt */
    uint32_t month; /* the event lies in */
};
MUST_CHECK enum status fate_read(const struct hot *hot, MDB_txn *txn,
                                 uint64_t event, struct fate_row *row);
MUST_CHECK enum status fate_write(const struct hot *hot, MDB_txn *txn,
                                  uint64_t event, const struct fate_row *row);

/* Put what must outlive the month into the running one, then remove it. */
MUST_CHECK enum status drop_month(struct queue *queue, struct month *month);
/* A note of the store's own: what was left of a month. */
MUST_CHECK enum status drop_apply(const struct applying *at, struct span value);
/* Remove months that are known to be dropped and are still there: a crash
 * came between. */
MUST_CHECK enum status drop_recover(struct queue *queue);
/* Remove some rows of dropped months. */
MUST_CHECK enum status drop_purge(struct queue *queue);
/* Write a month anew without its pictures. */
MUST_CHECK enum status slim_month(struct queue *queue, struct month *month);
/* Finish or undo what a crash left of slimming and dropping: name is of any
 * entry of the folder. */
MUST_CHECK enum status slim_recover(const char *folder, const char *name);

#endif
