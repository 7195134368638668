#include "months.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "clock.h"
#include "folder.h"
#include "hot.h"

uint32_t month_number(int64_t at_ms)
{
    struct china_time time = china_time_of(at_ms);
    int year = time.year < 1970 ? 1970 : time.year > 9999 ? 9999 : time.year;

    return (uint32_t)(year * 12 + time.month - 1);
}

void month_name(uint32_t number, char name[static MONTH_NAME_SIZE])
{
    unsigned year = number / 12 % 10000;
    unsigned month = number % 12 + 1;

    snprintf(name, MONTH_NAME_SIZE, "%04u-%02u", year, month);
}

bool month_name_read(const char *name, uint32_t *number)
{
    char again[MONTH_NAME_SIZE];
    unsigned year;
    unsigned month;

    if (strlen(name) != MONTH_NAME_SIZE - 1 ||
        sscanf(name, "%4u-%2u", &year, &month) != 2 || month < 1 || month > 12)
        return false;
    *number = year * 12 + month - 1;
    month_name(*number, again);
    return strcmp(name, again) == 0;
}

/* ---- opening ---------------------------------------------------------- */

static enum status read_meta(struct month *month, MDB_txn *txn)
{
    struct span format;
    struct span first;
    enum status status;

    status = env_status(mdb_dbi_open(txn, "meta", 0, &month->meta));
    if (status != STATUS_OK)
        return status;
    if (hot_get(txn, month->meta, span_text("format"), &format) != STATUS_OK ||
        format.len != 4)
        return STATUS_CORRUPT;
    if (get_u32(format.data) > MONTH_FORMAT)
        return STATUS_VERSION;
    if (hot_get(txn, month->meta, span_text("first"), &first) != STATUS_OK ||
        first.len != 8)
        return STATUS_CORRUPT;
    month->first_seq = get_u64(first.data);
    if (mdb_dbi_open(txn, "log", 0, &month->log) != 0)
        return STATUS_CORRUPT;
    return month_last(month, txn, &month->last_seq);
}

static enum status open_existing(struct month *month)
{
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(month->env.mdb, NULL, MDB_RDONLY, &txn));

    if (status != STATUS_OK)
        return status;
    if ((status = read_meta(month, txn)) != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return env_status(mdb_txn_commit(txn));
}

static enum status write_meta(struct month *month, MDB_txn *txn)
{
    uint8_t number[8];
    enum status status;

    status = env_status(mdb_dbi_open(txn, "log", MDB_CREATE, &month->log));
    if (status == STATUS_OK)
        status =
            env_status(mdb_dbi_open(txn, "meta", MDB_CREATE, &month->meta));
    put_u64(number, month->first_seq);
    if (status == STATUS_OK)
        status =
            hot_put(txn, month->meta, span_text("first"), span_of(number, 8));
    put_u32(number, MONTH_FORMAT);
    if (status == STATUS_OK)
        status =
            hot_put(txn, month->meta, span_text("format"), span_of(number, 4));
    return status;
}

static enum status begin_month(struct month *month, uint64_t first_seq)
{
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(month->env.mdb, NULL, 0, &txn));

    if (status != STATUS_OK)
        return status;
    month->first_seq = first_seq;
    if ((status = write_meta(month, txn)) != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return env_status(mdb_txn_commit(txn));
}

static enum status open_env(struct month *month, const char *folder,
                            const char *suffix, uint64_t map_bytes,
                            unsigned flags, bool make)
{
    char path[FOLDER_PATH_MAX];
    enum status status = folder_path(path, folder, month->name, suffix);

    if (status == STATUS_OK && make)
        status = folder_make(path);
    if (status == STATUS_OK && make)
        status = folder_sync(folder);
    if (status == STATUS_OK)
        status = env_open(&month->env, path, map_bytes, flags);
    return status;
}

enum status month_open_copy(const char *folder, uint32_t number,
                            const char *suffix, uint64_t map_bytes,
                            unsigned flags, uint64_t first_seq,
                            struct month **month)
{
    struct month *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->number = number;
    month_name(number, made->name);
    status = open_env(made, folder, suffix, map_bytes, flags, first_seq != 0);
    if (status == STATUS_OK)
        status = open_existing(made);
    if (status == STATUS_NOT_FOUND && first_seq != 0) {
        status = begin_month(made, first_seq);
        if (status == STATUS_OK)
            status = folder_sync(made->env.path);
    }
    if (status != STATUS_OK) {
        month_close(made);
        return status;
    }
    *month = made;
    return STATUS_OK;
}

enum status month_open(const char *folder, uint32_t number, uint64_t map_bytes,
                       unsigned flags, uint64_t first_seq, struct month **month)
{
    return month_open_copy(folder, number, "", map_bytes, flags, first_seq,
                           month);
}

void month_close(struct month *month)
{
    if (month == NULL)
        return;
    env_close(&month->env);
    free(month);
}

/* ---- the list --------------------------------------------------------- */

enum status months_add(struct months *months, struct month *month)
{
    size_t at = months->count;

    if (months->count == MONTHS_MAX)
        return STATUS_FULL;
    for (; at > 0 && months->list[at - 1]->number > month->number; at--)
        months->list[at] = months->list[at - 1];
    months->list[at] = month;
    months->count++;
    return STATUS_OK;
}

void months_remove(struct months *months, struct month *month)
{
    size_t kept = 0;

    for (size_t i = 0; i < months->count; i++)
        if (months->list[i] != month)
            months->list[kept++] = months->list[i];
    months->count = kept;
}

struct month *months_newest(const struct months *months)
{
    return months->count == 0 ? NULL : months->list[months->count - 1];
}

struct month *months_find(const struct months *months, uint32_t number)
{
    for (size_t i = months->count; i-- > 0;)
        if (months->list[i]->number == number)
            return months->list[i];
    return NULL;
}

struct month *months_of(const struct months *months, uint64_t seq)
{
    size_t low = 0;
    size_t high = months->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (months->list[middle]->first_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : months->list[low - 1];
}

/* ---- records ---------------------------------------------------------- */

enum status month_append(struct month *month, MDB_txn *txn, uint64_t seq,
                         const struct record *record, struct span fields)
{
    uint8_t bytes[8];
    MDB_val key = {sizeof bytes, bytes};
    MDB_val value = {record_size(record, fields.len), NULL};
    int answer;

    put_u64(bytes, seq);
    answer = mdb_put(txn, month->log, &key, &value, MDB_APPEND | MDB_RESERVE);
    if (answer == 0)
        record_write(record, fields, value.mv_data);
    return env_status(answer);
}

enum status month_append_stored(struct month *month, MDB_txn *txn, uint64_t seq,
                                struct span stored)
{
    uint8_t bytes[8];
    MDB_val key = {sizeof bytes, bytes};
    MDB_val value = span_value(stored);

    put_u64(bytes, seq);
    return env_status(mdb_put(txn, month->log, &key, &value, MDB_APPEND));
}

enum status month_get(const struct month *month, MDB_txn *txn, uint64_t seq,
                      struct span *stored)
{
    uint8_t key[8];

    put_u64(key, seq);
    return hot_get(txn, month->log, span_of(key, sizeof key), stored);
}

enum status month_last(const struct month *month, MDB_txn *txn, uint64_t *seq)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int answer = mdb_cursor_open(txn, month->log, &cursor);

    *seq = 0;
    if (answer != 0)
        return env_status(answer);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (answer == 0 && key.mv_size == 8)
        *seq = get_u64(key.mv_data);
    mdb_cursor_close(cursor);
    return answer == MDB_NOTFOUND ? STATUS_OK : env_status(answer);
}

static enum status walk_to(struct month_walk *walk, MDB_val *key,
                           MDB_cursor_op move)
{
    MDB_val value;
    int answer = mdb_cursor_get(walk->cursor, key, &value, move);

    if (answer != 0)
        return env_status(answer);
    if (key->mv_size != 8)
        return STATUS_CORRUPT;
    walk->seq = get_u64(key->mv_data);
    walk->stored = value_span(value);
    return STATUS_OK;
}

enum status month_walk_start(struct month_walk *walk, const struct month *month,
                             MDB_txn *txn, uint64_t seq)
{
    uint8_t bytes[8];
    MDB_val key = {sizeof bytes, bytes};
    enum status status =
        env_status(mdb_cursor_open(txn, month->log, &walk->cursor));

    if (status != STATUS_OK)
        return status;
    put_u64(bytes, seq);
    status = walk_to(walk, &key, MDB_SET_RANGE);
    if (status != STATUS_OK)
        month_walk_end(walk);
    return status;
}

enum status month_walk_next(struct month_walk *walk)
{
    MDB_val key;

    return walk_to(walk, &key, MDB_NEXT);
}

void month_walk_end(struct month_walk *walk)
{
    mdb_cursor_close(walk->cursor);
}
