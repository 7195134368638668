/*
 * Slimming a month: a copy beside it without the pictures takes its place.
 *
 *   1  NAME.slim is written and synced
 *   2  NAME is renamed to NAME.old
 *   3  NAME.slim is renamed to NAME
 *   4  NAME.old is removed
 *
 * slim_recover finishes it from step 2 on and undoes it before.
 */
#include "store.h"

#include <stdio.h>
#include <string.h>

#define CHUNK_RECORDS 2048
#define CHUNK_BYTES (UINT64_C(16) << 20)

/* ---- 1: the copy ------------------------------------------------------ */

static enum status copy_without_body(struct month *to, MDB_txn *txn,
                                     uint64_t seq, struct record *record)
{
    struct bytes fields = BYTES_EMPTY;
    enum status status;

    record->event.shed = true;
    record->event.body = (struct span){NULL, 0};
    status = record_encode(record, &fields);
    if (status == STATUS_OK)
        status = month_append(to, txn, seq, record, bytes_view(&fields));
    bytes_free(&fields);
    return status;
}

/* A picture is dropped without being read; a damaged record is copied as it
 * is, to be found by the next verify. */
static enum status copy_record(struct month *to, MDB_txn *txn, uint64_t seq,
                               struct span stored, uint64_t *bytes)
{
    struct record record;

    if (record_peek(stored, &record) == STATUS_OK &&
        record.kind == RECORD_EVENT && record.event.body.len > BIG_BODY_BYTES)
        return copy_without_body(to, txn, seq, &record);
    *bytes += stored.len;
    return month_append_stored(to, txn, seq, stored);
}

/* NOT_FOUND: that was the rest. */
static enum status copy_chunk(struct month_walk *walk, struct month *to)
{
    uint64_t bytes = 0;
    MDB_txn *txn;
    enum status done = STATUS_OK;
    enum status status = env_status(mdb_txn_begin(to->env.mdb, NULL, 0, &txn));

    if (status != STATUS_OK)
        return status;
    for (int i = 0; done == STATUS_OK && i < CHUNK_RECORDS &&
                    bytes < CHUNK_BYTES && status == STATUS_OK;
         i++) {
        status = copy_record(to, txn, walk->seq, walk->stored, &bytes);
        if (status == STATUS_OK)
            done = month_walk_next(walk);
    }
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    status = env_status(mdb_txn_commit(txn));
    return status == STATUS_OK ? done : status;
}

static enum status copy_all(struct month *from, struct month *to)
{
    struct month_walk walk;
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(from->env.mdb, NULL, MDB_RDONLY, &txn));

    if (status != STATUS_OK)
        return status;
    status = month_walk_start(&walk, from, txn, 0);
    if (status == STATUS_OK) {
        while ((status = copy_chunk(&walk, to)) == STATUS_OK)
            env_trim(&from->env);
        month_walk_end(&walk);
    }
    mdb_txn_abort(txn);
    if (status == STATUS_NOT_FOUND)
        status = env_status(mdb_env_sync(to->env.mdb, 1));
    return status;
}

static enum status write_copy(struct queue *queue, struct month *month)
{
    char path[FOLDER_PATH_MAX];
    struct month *copy;
    enum status status = folder_path(path, queue->folder, month->name, "slim");

    if (status == STATUS_OK)
        status = folder_remove(path);
    if (status == STATUS_OK)
        status = month_open_copy(queue->folder, month->number, "slim",
                                 store_month_map(queue), MDB_NOSYNC,
                                 month->first_seq, &copy);
    if (status != STATUS_OK)
        return status;
    status = copy_all(month, copy);
    month_close(copy);
    if (status == STATUS_OK)
        status = folder_sync(path);
    if (status != STATUS_OK && folder_remove(path) != STATUS_OK)
        return status; /* the next open removes it */
    return status;
}

/* ---- 2 and 3: the exchange -------------------------------------------- */

static enum status rename_both(const char *folder, const char *name)
{
    char path[FOLDER_PATH_MAX];
    char slim[FOLDER_PATH_MAX];
    char old[FOLDER_PATH_MAX];
    enum status status = folder_path(path, folder, name, "");

    if (status == STATUS_OK)
        status = folder_path(slim, folder, name, "slim");
    if (status == STATUS_OK)
        status = folder_path(old, folder, name, "old");
    if (status == STATUS_OK)
        status = folder_remove(old);
    if (status == STATUS_OK)
        status = folder_rename(folder, path, old);
    if (status == STATUS_OK)
        status = folder_rename(folder, slim, path);
    return status;
}

static enum status exchange(struct queue *queue, struct month *month)
{
    char old[FOLDER_PATH_MAX] = "";
    struct month *slim;
    enum status status;

    pthread_rwlock_wrlock(&queue->guard);
    env_close(&month->env);
    status = rename_both(queue->folder, month->name);
    if (status == STATUS_OK)
        status = folder_path(old, queue->folder, month->name, "old");
    if (month_open(queue->folder, month->number, store_month_map(queue), 0, 0,
                   &slim) == STATUS_OK) {
        months_remove(&queue->months, month);
        month_close(month);
        if (months_add(&queue->months, slim) != STATUS_OK)
            month_close(slim); /* cannot be: one was taken out */
    } else {
        status = STATUS_IO; /* its place is kept; the next open finds it */
    }
    pthread_rwlock_unlock(&queue->guard);
    return status == STATUS_OK ? folder_remove(old) : status;
}

static enum status forget_pictures(struct queue *queue, uint32_t number)
{
    struct month_row row;
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, 0, &txn));

    if (status != STATUS_OK)
        return status;
    status = month_row_read(&queue->hot, txn, number, &row);
    if (status == STATUS_OK) {
        row.big_bytes = 0;
        status = month_row_write(&queue->hot, txn, &row);
    }
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return env_status(mdb_txn_commit(txn));
}

enum status slim_month(struct queue *queue, struct month *month)
{
    uint32_t number = month->number;
    enum status status = write_copy(queue, month);

    if (status == STATUS_OK)
        status = exchange(queue, month);
    return status == STATUS_OK ? forget_pictures(queue, number) : status;
}

/* ---- after a crash ---------------------------------------------------- */

static enum status recover_exchange(const char *folder, const char *month)
{
    char path[FOLDER_PATH_MAX];
    char slim[FOLDER_PATH_MAX];
    char old[FOLDER_PATH_MAX];
    enum status status = folder_path(path, folder, month, "");

    if (status == STATUS_OK)
        status = folder_path(slim, folder, month, "slim");
    if (status == STATUS_OK)
        status = folder_path(old, folder, month, "old");
    if (status == STATUS_OK && !folder_there(path)) {
        if (folder_there(slim) && folder_there(old))
            status = folder_rename(folder, slim, path);
        else if (folder_there(old))
            status = folder_rename(folder, old, path);
    }
    if (status == STATUS_OK)
        status = folder_remove(slim);
    return status == STATUS_OK ? folder_remove(old) : status;
}

enum status slim_recover(const char *folder, const char *name)
{
    char month[MONTH_NAME_SIZE];
    char path[FOLDER_PATH_MAX];
    const char *suffix = strchr(name, '.');
    uint32_t number;
    enum status status;

    if (suffix == NULL || (size_t)(suffix - name) != sizeof month - 1)
        return STATUS_OK;
    memcpy(month, name, sizeof month - 1);
    month[sizeof month - 1] = 0;
    if (!month_name_read(month, &number))
        return STATUS_OK;
    if (strcmp(suffix, ".slim") == 0 || strcmp(suffix, ".old") == 0)
        return recover_exchange(folder, month);
    if (strcmp(suffix, ".dropped") != 0)
        return STATUS_OK;
    status = folder_path(path, folder, name, "");
    return status == STATUS_OK ? folder_remove(path) : status;
}
