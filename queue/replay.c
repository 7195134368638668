/*
 * The log into the hot environment, after a crash or from the start.
 */
#include "store.h"

#define CHUNK_RECORDS 4096
#define CHUNK_BYTES (UINT64_C(16) << 20)

struct replay {
    struct queue *queue;
    struct month *month;
    struct standing standing;
    uint64_t applied;
    uint64_t damaged;
};

/* A damaged record is passed over: what it said is lost, what others say is
 * not. */
static enum status apply_stored(struct replay *replay, MDB_txn *txn,
                                uint64_t seq, struct span stored)
{
    struct applying at = {replay->queue, txn, replay->month->number, seq,
                          &replay->standing};
    struct record record;

    replay->applied++;
    if (record_read(stored, &record) != STATUS_OK) {
        replay->damaged++;
        replay->standing.indexed = seq;
        return STATUS_OK;
    }
    return apply_record(&at, &record);
}

/* One transaction of the hot environment. */
static enum status apply_some(struct replay *replay, MDB_txn *hot, MDB_txn *log)
{
    struct month_walk walk;
    uint64_t bytes = 0;
    enum status status = month_walk_start(&walk, replay->month, log,
                                          replay->standing.indexed + 1);

    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < CHUNK_RECORDS && bytes < CHUNK_BYTES; i++) {
        bytes += walk.stored.len;
        status = apply_stored(replay, hot, walk.seq, walk.stored);
        if (status != STATUS_OK ||
            (status = month_walk_next(&walk)) != STATUS_OK)
            break;
    }
    month_walk_end(&walk);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return apply_finish(replay->queue, hot, &replay->standing,
                        replay->month->number);
}

static enum status apply_chunk(struct replay *replay)
{
    struct queue *queue = replay->queue;
    uint32_t names;
    MDB_txn *hot;
    MDB_txn *log;
    enum status status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, 0, &hot));

    if (status != STATUS_OK)
        return status;
    status = env_status(
        mdb_txn_begin(replay->month->env.mdb, NULL, MDB_RDONLY, &log));
    if (status != STATUS_OK) {
        mdb_txn_abort(hot);
        return status;
    }
    status = apply_some(replay, hot, log);
    names = atomic_load(&queue->names.count);
    mdb_txn_abort(log);
    tally_clear(&queue->tally);
    if (status != STATUS_OK) {
        mdb_txn_abort(hot);
        return status;
    }
    status = env_status(mdb_txn_commit(hot));
    if (status == STATUS_OK) {
        queue->standing = replay->standing;
        queue->names.stored = names;
    }
    return status;
}

/* A chunk that did not fit the map is tried again with a larger one. */
static enum status replay_month(struct replay *replay)
{
    struct queue *queue = replay->queue;
    enum status status = STATUS_OK;
    int growths = 0;

    while (status == STATUS_OK &&
           replay->standing.indexed < replay->month->last_seq) {
        status = apply_chunk(replay);
        if (status == STATUS_FULL && growths++ < 8) {
            replay->standing = queue->standing;
            pthread_rwlock_wrlock(&queue->guard);
            status = env_make_room(&queue->hot.env, queue->room_bytes);
            pthread_rwlock_unlock(&queue->guard);
            queue->room_bytes *= 2;
        }
        store_moved(queue, CHUNK_BYTES / 4);
    }
    return status;
}

enum status store_replay(struct queue *queue, uint64_t *applied,
                         uint64_t *damaged)
{
    struct replay replay = {.queue = queue, .standing = queue->standing};
    enum status status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && i < queue->months.count; i++) {
        replay.month = queue->months.list[i];
        status = replay_month(&replay);
    }
    *applied = replay.applied;
    *damaged = replay.damaged;
    return status;
}
