/*
 * The rows of a dropped month leave hot, some at a time (drop.c, step 4).
 */
#include "store.h"

#include "bits.h"
#include "row.h"

#define PURGE_MAX 512 /* rows a call */

/* The first key from first to last, and its removal from dbi. */
static enum status next_row(MDB_txn *txn, MDB_dbi dbi,
                            const struct month_row *month, uint64_t *id)
{
    uint8_t start[8];
    MDB_val key = {sizeof start, start};
    MDB_val value;
    MDB_cursor *cursor;
    int answer = mdb_cursor_open(txn, dbi, &cursor);

    if (answer != 0)
        return env_status(answer);
    put_u64(start, month->first_seq);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (answer == 0)
        *id = get_u64(key.mv_data);
    mdb_cursor_close(cursor);
    if (answer == 0 && *id > month->last_seq)
        return STATUS_NOT_FOUND;
    return env_status(answer);
}

static enum status remove_row(const struct hot *hot, MDB_txn *txn, MDB_dbi dbi,
                              uint64_t id)
{
    uint8_t key[8];
    struct row row;
    enum status status = STATUS_OK;

    put_u64(key, id);
    if (dbi == hot->deliveries &&
        (status = row_read(hot, txn, id, &row)) == STATUS_OK) {
        status = subject_remove(hot, txn, row.subject, id);
        if (status == STATUS_OK)
            status = lane_leave(hot, txn, id, &row);
    }
    return status == STATUS_OK ? hot_remove(txn, dbi, span_of(key, sizeof key))
                               : status;
}

static enum status purge_some(const struct hot *hot, MDB_txn *txn,
                              struct month_row *month)
{
    MDB_dbi dbis[] = {hot->deliveries, hot->fates};
    int left = PURGE_MAX;
    uint64_t id = 0; /* gcc -O2 cannot see that next_row sets it */
    enum status status = STATUS_OK;

    for (size_t i = 0; i < 2; i++) {
        while ((status = next_row(txn, dbis[i], month, &id)) == STATUS_OK) {
            if (left-- == 0)
                return STATUS_OK;
            if ((status = remove_row(hot, txn, dbis[i], id)) != STATUS_OK)
                return status;
        }
        if (status != STATUS_NOT_FOUND)
            return status;
    }
    month->purged = true;
    return month_row_write(hot, txn, month);
}

static enum status find_unpurged(const struct hot *hot, MDB_txn *txn,
                                 struct month_row *row)
{
    enum status status;

    row->number = 0;
    do {
        status = month_row_next(hot, txn, row->number, row);
    } while (status == STATUS_OK && (!row->dropped || row->purged));
    return status;
}

enum status drop_purge(struct queue *queue)
{
    struct month_row row;
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, 0, &txn));

    if (status != STATUS_OK)
        return status;
    status = find_unpurged(&queue->hot, txn, &row);
    if (status == STATUS_OK)
        status = purge_some(&queue->hot, txn, &row);
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return env_status(mdb_txn_commit(txn));
}
