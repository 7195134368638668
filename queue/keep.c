/*
 * Staying within bounds: retention, expiry, and shedding near the quota.
 */
#include "store.h"

#include <assert.h>
#include <string.h>

#include "clock.h"

/* Shedding starts before full (nine tenths), so that taking in does not stop
 * while there is something to shed. */
#define NEAR_NUMERATOR 17
#define NEAR_DENOMINATOR 20
#define SLIM_LEAST_BYTES (UINT64_C(1) << 20) /* below, it is not worth it */

static enum status read_row(struct queue *queue, const struct month *month,
                            struct month_row *row)
{
    struct look look;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = month_row_read(&queue->hot, look.hot, month->number, row);
    look_end(&look);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The oldest month, but the running one, that nothing needs any more and
 * that has at least so many bytes of pictures. */
static enum status oldest_settled(struct queue *queue, uint64_t big_bytes,
                                  struct month **month)
{
    struct month_row row;
    enum status status = STATUS_OK;

    *month = NULL;
    for (size_t i = 0; i + 1 < queue->months.count; i++) {
        status = read_row(queue, queue->months.list[i], &row);
        if (status != STATUS_OK)
            return status;
        if (row.pins == 0 && row.big_bytes >= big_bytes) {
            *month = queue->months.list[i];
            break;
        }
    }
    return status;
}

static enum status oldest_outdated(struct queue *queue, int64_t now_ms,
                                   struct month **month)
{
    uint32_t keep = (uint32_t)queue->options.keep_months;
    struct month_row row;
    enum status status;

    *month = NULL;
    for (size_t i = 0; i + keep < queue->months.count; i++) {
        if (queue->months.list[i]->number + keep > month_number(now_ms))
            break;
        status = read_row(queue, queue->months.list[i], &row);
        if (status != STATUS_OK)
            return status;
        if (row.pins == 0) {
            *month = queue->months.list[i];
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

static bool near_full(const struct queue *queue)
{
    uint64_t used_bytes;
    uint64_t fs_free_bytes;
    uint64_t reserve = queue->options.reserve_bytes;

    space_measure(queue, &used_bytes, &fs_free_bytes);
    return used_bytes >=
               queue->options.quota_bytes / NEAR_DENOMINATOR * NEAR_NUMERATOR ||
           fs_free_bytes < reserve + reserve / 8;
}

static enum status expire(struct queue *queue, int64_t now_ms)
{
    int64_t cutoff_ms = now_ms - queue->options.dedup_days * DAY_MS;
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, 0, &txn));

    if (status != STATUS_OK)
        return status;
    status = dedup_expire(queue, txn, cutoff_ms);
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return env_status(mdb_txn_commit(txn));
}

static enum status drop(struct queue *queue, struct month *month,
                        enum queue_kept *kept,
                        char name[static MONTH_NAME_SIZE])
{
    enum status status;

    memcpy(name, month->name, MONTH_NAME_SIZE);
    status = drop_month(queue, month);
    if (status == STATUS_OK)
        *kept = KEPT_NOT_A_MONTH;
    return status;
}

/* The copy did not fit: then a month has to go as it is.  LMDB calls a write
 * that was cut short an I/O error. */
static bool no_room_to_slim(const struct queue *queue, enum status status)
{
    uint64_t used_bytes;
    uint64_t fs_free_bytes;

    space_measure(queue, &used_bytes, &fs_free_bytes);
    return status == STATUS_FULL ||
           (status == STATUS_IO && fs_free_bytes < SLIM_LEAST_BYTES);
}

static enum status shed(struct queue *queue, enum queue_kept *kept,
                        char name[static MONTH_NAME_SIZE])
{
    struct month *month;
    enum status status = oldest_settled(queue, SLIM_LEAST_BYTES, &month);

    if (status == STATUS_OK && month != NULL) {
        memcpy(name, month->name, MONTH_NAME_SIZE);
        status = slim_month(queue, month);
        if (status == STATUS_OK)
            *kept = KEPT_NO_PICTURES;
        if (!no_room_to_slim(queue, status))
            return status;
        status = STATUS_OK;
    }
    if (status == STATUS_OK)
        status = oldest_settled(queue, 0, &month);
    if (status == STATUS_OK && month != NULL)
        status = drop(queue, month, kept, name);
    return status;
}

/* What a call does besides: dead readers, rows of dropped months, old keys. */
static enum status tidy(struct queue *queue, int64_t now_ms)
{
    int dead;
    enum status status;

    (void)mdb_reader_check(queue->hot.env.mdb, &dead);
    if ((status = drop_recover(queue)) != STATUS_OK ||
        (status = drop_purge(queue)) != STATUS_OK)
        return status;
    return expire(queue, now_ms);
}

enum status queue_keep(struct queue *queue, int64_t now_ms,
                       enum queue_kept *kept, char month[static 8])
{
    struct month *outdated;
    enum status status;

    assert(!queue->group.open && !queue->reader);
    *kept = KEPT_ALL;
    month[0] = 0;
    if (queue->hot_behind)
        return STATUS_OK; /* the next group repairs that first */
    if ((status = tidy(queue, now_ms)) != STATUS_OK ||
        (status = oldest_outdated(queue, now_ms, &outdated)) != STATUS_OK)
        return status;
    if (outdated != NULL)
        return drop(queue, outdated, kept, month);
    if (queue->options.when_full == QUEUE_SHED_DELIVERED && near_full(queue))
        return shed(queue, kept, month);
    return STATUS_OK;
}
