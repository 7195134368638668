/*
 * Environments opened and closed while the store runs: a month begun, and
 * all of it anew after a commit that failed.
 */
#include "store.h"

#define MAP_LEAST (UINT64_C(1) << 20)

uint64_t store_month_map(const struct queue *queue)
{
    uint64_t quota = queue->options.quota_bytes;

    return quota < MAP_LEAST ? MAP_LEAST : quota;
}

uint64_t store_hot_map(const struct queue *queue)
{
    uint64_t bytes = queue->options.hot_map_bytes;

    if (bytes == 0)
        bytes = queue->options.quota_bytes / 4;
    return bytes < MAP_LEAST ? MAP_LEAST : bytes;
}

struct month *store_month_of(const struct queue *queue, uint64_t seq)
{
    struct month *month = months_of(&queue->months, seq);

    if (month == NULL || month == months_newest(&queue->months) ||
        seq <= month->last_seq)
        return month;
    return NULL;
}

enum status store_month_begin(struct queue *queue, uint32_t number,
                              struct month **month)
{
    enum status status;

    pthread_rwlock_wrlock(&queue->guard);
    status = month_open(queue->folder, number, store_month_map(queue), 0,
                        queue->standing.indexed + 1, month);
    if (status == STATUS_OK &&
        (status = months_add(&queue->months, *month)) != STATUS_OK)
        month_close(*month);
    pthread_rwlock_unlock(&queue->guard);
    return status;
}

/* ---- after a failed commit -------------------------------------------- */

static enum status reopen_hot(struct queue *queue)
{
    char path[FOLDER_PATH_MAX];
    MDB_txn *txn;
    enum status status = folder_path(path, queue->folder, STORE_HOT, "");

    env_close(&queue->hot.env);
    if (status == STATUS_OK)
        status = hot_open(&queue->hot, path, store_hot_map(queue),
                          MDB_NOMETASYNC, false);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_IO : status;
    status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, MDB_RDONLY, &txn));
    if (status != STATUS_OK)
        return status;
    status = standing_read(&queue->hot, txn, &queue->standing);
    mdb_txn_abort(txn);
    return status;
}

static enum status reopen_newest(struct queue *queue)
{
    struct month *old = months_newest(&queue->months);
    struct month *month;
    uint32_t number;
    uint64_t first_seq;
    enum status status;

    if (old == NULL)
        return STATUS_OK;
    number = old->number;
    first_seq = old->first_seq;
    env_close(&old->env);
    status = month_open(queue->folder, number, store_month_map(queue), 0,
                        first_seq, &month);
    if (status != STATUS_OK)
        return status; /* the closed one keeps the place, for the next try */
    months_remove(&queue->months, old);
    month_close(old);
    return months_add(&queue->months, month);
}

enum status store_reopen(struct queue *queue)
{
    enum status status;

    pthread_rwlock_wrlock(&queue->guard);
    status = reopen_hot(queue);
    if (status == STATUS_OK)
        status = reopen_newest(queue);
    pthread_rwlock_unlock(&queue->guard);
    return status;
}
