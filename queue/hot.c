#include "hot.h"

#include <string.h>

#include "bits.h"

#define MONTH_KEY_SIZE 5
#define MONTH_ROW_SIZE (8 + 8 + 8 + 8 + 1 + QUEUE_DIGEST_SIZE)
#define STANDING_SIZE (8 + QUEUE_DIGEST_SIZE)

enum { MONTH_DROPPED = 1, MONTH_PURGED = 2 };

enum status hot_get(MDB_txn *txn, MDB_dbi dbi, struct span key,
                    struct span *value)
{
    MDB_val k = span_value(key);
    MDB_val v;
    int answer = mdb_get(txn, dbi, &k, &v);

    if (answer == 0)
        *value = value_span(v);
    return env_status(answer);
}

enum status hot_put(MDB_txn *txn, MDB_dbi dbi, struct span key,
                    struct span value)
{
    MDB_val k = span_value(key);
    MDB_val v = span_value(value);

    return env_status(mdb_put(txn, dbi, &k, &v, 0));
}

enum status hot_put_last(MDB_txn *txn, MDB_dbi dbi, struct span key,
                         struct span value)
{
    MDB_val k = span_value(key);
    MDB_val v = span_value(value);
    int answer = mdb_put(txn, dbi, &k, &v, MDB_APPEND);

    return answer == MDB_KEYEXIST ? hot_put(txn, dbi, key, value)
                                  : env_status(answer);
}

enum status hot_remove(MDB_txn *txn, MDB_dbi dbi, struct span key)
{
    MDB_val k = span_value(key);
    int answer = mdb_del(txn, dbi, &k, NULL);

    return answer == MDB_NOTFOUND ? STATUS_OK : env_status(answer);
}

/* ---- opening ---------------------------------------------------------- */

static enum status open_databases(struct hot *hot, MDB_txn *txn, bool make)
{
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } databases[] = {
        {"deliveries", &hot->deliveries},
        {"lanes", &hot->lanes},
        {"followers", &hot->followers},
        {"subjects", &hot->subjects},
        {"dedup", &hot->dedup},
        {"fates", &hot->fates},
        {"notes", &hot->notes},
        {"sums", &hot->sums},
        {"meta", &hot->meta},
    };
    int answer = 0;

    for (size_t i = 0; i < sizeof databases / sizeof databases[0]; i++)
        if (answer == 0)
            answer = mdb_dbi_open(txn, databases[i].name, make ? MDB_CREATE : 0,
                                  databases[i].dbi);
    return env_status(answer);
}

static enum status check_format(const struct hot *hot, MDB_txn *txn)
{
    struct span value;
    enum status status = hot_get(txn, hot->meta, span_text("format"), &value);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    if (value.len != 4)
        return STATUS_CORRUPT;
    return get_u32(value.data) > HOT_FORMAT ? STATUS_VERSION : STATUS_OK;
}

static enum status write_format(const struct hot *hot, MDB_txn *txn)
{
    uint8_t format[4];

    put_u32(format, HOT_FORMAT);
    return hot_put(txn, hot->meta, span_text("format"), span_of(format, 4));
}

/* A newer format may have other databases: meta is looked at first. */
static enum status open_existing(struct hot *hot)
{
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(hot->env.mdb, NULL, MDB_RDONLY, &txn));

    if (status != STATUS_OK)
        return status;
    status = env_status(mdb_dbi_open(txn, "meta", 0, &hot->meta));
    if (status == STATUS_OK)
        status = check_format(hot, txn);
    if (status == STATUS_OK &&
        (status = open_databases(hot, txn, false)) == STATUS_NOT_FOUND)
        status = STATUS_CORRUPT;
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return env_status(mdb_txn_commit(txn));
}

static enum status make_databases(struct hot *hot)
{
    MDB_txn *txn;
    enum status status = env_status(mdb_txn_begin(hot->env.mdb, NULL, 0, &txn));

    if (status != STATUS_OK)
        return status;
    if ((status = open_databases(hot, txn, true)) == STATUS_OK)
        status = write_format(hot, txn);
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return env_status(mdb_txn_commit(txn));
}

enum status hot_open(struct hot *hot, const char *path, uint64_t map_bytes,
                     unsigned flags, bool make)
{
    enum status status = env_open(&hot->env, path, map_bytes, flags);

    if (status != STATUS_OK)
        return status;
    status = open_existing(hot);
    if (status == STATUS_NOT_FOUND && make)
        status = make_databases(hot);
    if (status != STATUS_OK)
        env_close(&hot->env);
    return status;
}

/* ---- rows of meta ----------------------------------------------------- */

enum status standing_read(const struct hot *hot, MDB_txn *txn,
                          struct standing *standing)
{
    struct span value;
    enum status status = hot_get(txn, hot->meta, span_text("standing"), &value);

    *standing = (struct standing){0};
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (value.len != STANDING_SIZE)
        return STATUS_CORRUPT;
    standing->indexed = get_u64(value.data);
    memcpy(standing->head, value.data + 8, QUEUE_DIGEST_SIZE);
    return STATUS_OK;
}

enum status standing_write(const struct hot *hot, MDB_txn *txn,
                           const struct standing *standing)
{
    uint8_t value[STANDING_SIZE];

    put_u64(value, standing->indexed);
    memcpy(value + 8, standing->head, QUEUE_DIGEST_SIZE);
    return hot_put(txn, hot->meta, span_text("standing"),
                   span_of(value, sizeof value));
}

static void month_key(uint8_t key[static MONTH_KEY_SIZE], uint32_t number)
{
    key[0] = 'm';
    put_u32(key + 1, number);
}

static enum status month_row_decode(struct span value, struct month_row *row)
{
    if (value.len != MONTH_ROW_SIZE)
        return STATUS_CORRUPT;
    row->first_seq = get_u64(value.data);
    row->last_seq = get_u64(value.data + 8);
    row->pins = get_u64(value.data + 16);
    row->big_bytes = get_u64(value.data + 24);
    row->dropped = (value.data[32] & MONTH_DROPPED) != 0;
    row->purged = (value.data[32] & MONTH_PURGED) != 0;
    memcpy(row->chain_end, value.data + 33, QUEUE_DIGEST_SIZE);
    return STATUS_OK;
}

enum status month_row_read(const struct hot *hot, MDB_txn *txn, uint32_t number,
                           struct month_row *row)
{
    uint8_t key[MONTH_KEY_SIZE];
    struct span value;
    enum status status;

    *row = (struct month_row){.number = number};
    month_key(key, number);
    status = hot_get(txn, hot->meta, span_of(key, sizeof key), &value);
    return status == STATUS_OK ? month_row_decode(value, row) : status;
}

enum status month_row_write(const struct hot *hot, MDB_txn *txn,
                            const struct month_row *row)
{
    uint8_t key[MONTH_KEY_SIZE];
    uint8_t value[MONTH_ROW_SIZE];

    month_key(key, row->number);
    put_u64(value, row->first_seq);
    put_u64(value + 8, row->last_seq);
    put_u64(value + 16, row->pins);
    put_u64(value + 24, row->big_bytes);
    value[32] = (uint8_t)((row->dropped ? MONTH_DROPPED : 0) |
                          (row->purged ? MONTH_PURGED : 0));
    memcpy(value + 33, row->chain_end, QUEUE_DIGEST_SIZE);
    return hot_put(txn, hot->meta, span_of(key, sizeof key),
                   span_of(value, sizeof value));
}

/* The row the cursor stands on, when it is a month's. */
static enum status month_row_here(MDB_val key, MDB_val value,
                                  struct month_row *row)
{
    const uint8_t *bytes = key.mv_data;

    if (key.mv_size != MONTH_KEY_SIZE || bytes[0] != 'm')
        return STATUS_NOT_FOUND;
    *row = (struct month_row){.number = get_u32(bytes + 1)};
    return month_row_decode(value_span(value), row);
}

static enum status month_row_beside(const struct hot *hot, MDB_txn *txn,
                                    uint32_t number, bool before,
                                    struct month_row *row)
{
    uint8_t bytes[MONTH_KEY_SIZE];
    MDB_val key = {sizeof bytes, bytes};
    MDB_val value;
    MDB_cursor *cursor;
    int answer = mdb_cursor_open(txn, hot->meta, &cursor);
    enum status status;

    if (answer != 0)
        return env_status(answer);
    month_key(bytes, before ? number : number + 1);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (before)
        answer = mdb_cursor_get(cursor, &key, &value,
                                answer == 0 ? MDB_PREV : MDB_LAST);
    status = answer != 0 ? env_status(answer) : month_row_here(key, value, row);
    mdb_cursor_close(cursor);
    return status;
}

enum status month_row_next(const struct hot *hot, MDB_txn *txn, uint32_t number,
                           struct month_row *row)
{
    return month_row_beside(hot, txn, number, false, row);
}

enum status month_row_before(const struct hot *hot, MDB_txn *txn,
                             uint32_t number, struct month_row *row)
{
    return month_row_beside(hot, txn, number, true, row);
}

/* ---- names ------------------------------------------------------------ */

enum status hot_names_read(const struct hot *hot, MDB_txn *txn,
                           struct names *names)
{
    enum status status = STATUS_OK;
    uint8_t key[3] = {'n'};
    struct span value;
    uint16_t number;

    for (uint32_t i = 0; status == STATUS_OK && i < NAMES_MAX; i++) {
        put_u16(key + 1, (uint16_t)i);
        status = hot_get(txn, hot->meta, span_of(key, sizeof key), &value);
        if (status == STATUS_OK)
            status = names_number(names, value, &number);
    }
    names->stored = atomic_load(&names->count);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status hot_names_write(const struct hot *hot, MDB_txn *txn,
                            const struct names *names)
{
    enum status status = STATUS_OK;
    uint32_t count = atomic_load(&names->count);
    uint8_t key[3] = {'n'};

    for (uint32_t i = names->stored; status == STATUS_OK && i < count; i++) {
        put_u16(key + 1, (uint16_t)i);
        status = hot_put(txn, hot->meta, span_of(key, sizeof key),
                         span_text(names->list[i]));
    }
    return status;
}
