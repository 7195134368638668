/*
 * Looks: the transactions of a read, and giving pages back after many.
 */
#include "store.h"

#define TRIM_BYTES (UINT64_C(16) << 20)

static bool writing_here(struct queue *queue)
{
    return atomic_load(&queue->writer) == (uintptr_t)pthread_self();
}

void look_start_log(struct look *look, struct queue *queue)
{
    *look = (struct look){.queue = queue, .own = writing_here(queue)};
    if (!look->own)
        pthread_rwlock_rdlock(&queue->guard);
}

enum status look_start(struct look *look, struct queue *queue)
{
    enum status status = STATUS_IO;

    look_start_log(look, queue);
    if (look->own) {
        look->hot = queue->group.hot_txn;
        return STATUS_OK;
    }
    if (queue->hot.env.mdb != NULL)
        status = env_status(
            mdb_txn_begin(queue->hot.env.mdb, NULL, MDB_RDONLY, &look->hot));
    if (status != STATUS_OK)
        pthread_rwlock_unlock(&queue->guard);
    return status;
}

static bool groups_month(const struct look *look)
{
    return look->own && look->month == look->queue->group.month;
}

static void leave_month(struct look *look)
{
    if (look->log != NULL && !groups_month(look))
        mdb_txn_abort(look->log);
    look->log = NULL;
    look->month = NULL;
}

enum status look_month(struct look *look, struct month *month)
{
    enum status status;

    if (look->month == month)
        return STATUS_OK;
    leave_month(look);
    if (month->env.mdb == NULL)
        return STATUS_IO;
    look->month = month;
    if (groups_month(look)) {
        look->log = look->queue->group.log_txn;
        return STATUS_OK;
    }
    status =
        env_status(mdb_txn_begin(month->env.mdb, NULL, MDB_RDONLY, &look->log));
    if (status != STATUS_OK)
        look->month = NULL;
    return status;
}

void look_end(struct look *look)
{
    leave_month(look);
    if (look->own)
        return;
    if (look->hot != NULL)
        mdb_txn_abort(look->hot);
    pthread_rwlock_unlock(&look->queue->guard);
}

enum status look_record(struct look *look, uint64_t seq, struct record *record)
{
    struct month *month = months_of(&look->queue->months, seq);
    struct span stored;
    enum status status;

    if (month == NULL)
        return STATUS_NOT_FOUND;
    if ((status = look_month(look, month)) != STATUS_OK ||
        (status = month_get(month, look->log, seq, &stored)) != STATUS_OK)
        return status;
    atomic_fetch_add_explicit(&look->queue->moved_bytes, stored.len,
                              memory_order_relaxed);
    return record_read(stored, record);
}

void store_moved(struct queue *queue, uint64_t bytes)
{
    uint64_t moved = atomic_fetch_add_explicit(&queue->moved_bytes, bytes,
                                               memory_order_relaxed);

    if (moved + bytes >= TRIM_BYTES)
        queue_trim(queue);
}

void queue_trim(struct queue *queue)
{
    pthread_rwlock_rdlock(&queue->guard);
    atomic_store_explicit(&queue->moved_bytes, 0, memory_order_relaxed);
    env_trim(&queue->hot.env);
    for (size_t i = 0; i < queue->months.count; i++)
        env_trim(&queue->months.list[i]->env);
    pthread_rwlock_unlock(&queue->guard);
}
