#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"

#define RANGE_KEY_SIZE 5

/* Room for one more entry at the end of a list. */
static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    size_t more = *room == 0 ? 16 : *room * 2;

    if (count < *room)
        return list;
    list = realloc(list, more * size);
    if (list != NULL)
        *room = more;
    return list;
}

#define ADD_ENTRY(list, count, room, ...)                                      \
    do {                                                                       \
        void *grown = grow((list), (count), &(room), sizeof *(list));          \
        if (grown == NULL)                                                     \
            return STATUS_NOMEM;                                               \
        (list) = grown;                                                        \
        (list)[(count)++] = __VA_ARGS__;                                       \
    } while (0)

static bool same_key(const struct sum_key *a, const struct sum_key *b)
{
    return a->class == b->class && a->day == b->day && a->month == b->month &&
           a->first == b->first && a->second == b->second;
}

enum status tally_sum(struct tally *tally, struct sum_key key, int bucket,
                      int64_t add)
{
    /* The newest first: a group speaks of the same few rows again and again. */
    for (size_t i = tally->sum_count; i-- > 0;)
        if (same_key(&tally->sums[i].key, &key)) {
            tally->sums[i].add[bucket] += add;
            return STATUS_OK;
        }
    ADD_ENTRY(tally->sums, tally->sum_count, tally->sum_room,
              (struct tally_sum){.key = key});
    tally->sums[tally->sum_count - 1].add[bucket] = add;
    return STATUS_OK;
}

enum status tally_range(struct tally *tally, char class, uint32_t day,
                        uint64_t id)
{
    for (size_t i = tally->range_count; i-- > 0;) {
        struct tally_range *range = &tally->ranges[i];

        if (range->class != class || range->day != day)
            continue;
        range->low = id < range->low ? id : range->low;
        range->high = id > range->high ? id : range->high;
        return STATUS_OK;
    }
    ADD_ENTRY(tally->ranges, tally->range_count, tally->range_room,
              (struct tally_range){class, day, id, id});
    return STATUS_OK;
}

static struct tally_month *find_month(struct tally *tally, uint32_t number)
{
    for (size_t i = tally->month_count; i-- > 0;)
        if (tally->months[i].number == number)
            return &tally->months[i];
    return NULL;
}

static enum status month_entry(struct tally *tally, uint32_t number,
                               struct tally_month **month)
{
    if ((*month = find_month(tally, number)) != NULL)
        return STATUS_OK;
    ADD_ENTRY(tally->months, tally->month_count, tally->month_room,
              (struct tally_month){.number = number});
    *month = &tally->months[tally->month_count - 1];
    return STATUS_OK;
}

enum status tally_pin(struct tally *tally, uint32_t number, int64_t add)
{
    struct tally_month *month;
    enum status status = month_entry(tally, number, &month);

    if (status == STATUS_OK)
        month->pins += add;
    return status;
}

enum status tally_big(struct tally *tally, uint32_t number, uint64_t bytes)
{
    struct tally_month *month;
    enum status status = month_entry(tally, number, &month);

    if (status == STATUS_OK)
        month->big_bytes += bytes;
    return status;
}

/* ---- keys and values -------------------------------------------------- */

void sum_key_write(uint8_t to[static SUM_KEY_SIZE], struct sum_key key)
{
    to[0] = (uint8_t)key.class;
    put_u32(to + 1, key.day);
    put_u32(to + 5, key.month);
    put_u16(to + 9, key.first);
    put_u16(to + 11, key.second);
}

bool sum_key_read(struct span from, struct sum_key *key)
{
    if (from.len != SUM_KEY_SIZE)
        return false;
    key->class = (char)from.data[0];
    key->day = get_u32(from.data + 1);
    key->month = get_u32(from.data + 5);
    key->first = get_u16(from.data + 9);
    key->second = get_u16(from.data + 11);
    return true;
}

enum status sum_value_read(struct span from,
                           uint64_t counts[static SUM_BUCKETS])
{
    if (from.len != SUM_VALUE_SIZE)
        return STATUS_CORRUPT;
    for (size_t i = 0; i < SUM_BUCKETS; i++)
        counts[i] = get_u64(from.data + i * 8);
    return STATUS_OK;
}

void sum_value_write(uint8_t to[static SUM_VALUE_SIZE],
                     const uint64_t counts[static SUM_BUCKETS])
{
    for (size_t i = 0; i < SUM_BUCKETS; i++)
        put_u64(to + i * 8, counts[i]);
}

static void range_key(uint8_t to[static RANGE_KEY_SIZE], char class,
                      uint32_t day)
{
    to[0] = (uint8_t) class;
    put_u32(to + 1, day);
}

/* ---- writing ---------------------------------------------------------- */

static enum status write_sum(const struct hot *hot, MDB_txn *txn,
                             struct sum_key sum,
                             const int64_t add[static SUM_BUCKETS])
{
    uint8_t key[SUM_KEY_SIZE];
    uint8_t bytes[SUM_VALUE_SIZE];
    uint64_t counts[SUM_BUCKETS] = {0};
    struct span value;
    enum status status;

    sum_key_write(key, sum);
    status = hot_get(txn, hot->sums, span_of(key, sizeof key), &value);
    if (status == STATUS_OK)
        status = sum_value_read(value, counts);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    for (size_t i = 0; i < SUM_BUCKETS; i++)
        counts[i] += (uint64_t)add[i];
    sum_value_write(bytes, counts);
    return hot_put(txn, hot->sums, span_of(key, sizeof key),
                   span_of(bytes, sizeof bytes));
}

static enum status write_range(const struct hot *hot, MDB_txn *txn,
                               struct tally_range range)
{
    uint8_t key[RANGE_KEY_SIZE];
    uint8_t bytes[16];
    struct span value;
    enum status status;

    range_key(key, range.class, range.day);
    status = hot_get(txn, hot->sums, span_of(key, sizeof key), &value);
    if (status == STATUS_OK && value.len == sizeof bytes) {
        if (get_u64(value.data) < range.low)
            range.low = get_u64(value.data);
        if (get_u64(value.data + 8) > range.high)
            range.high = get_u64(value.data + 8);
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    put_u64(bytes, range.low);
    put_u64(bytes + 8, range.high);
    return hot_put(txn, hot->sums, span_of(key, sizeof key),
                   span_of(bytes, sizeof bytes));
}

static enum status write_month(const struct hot *hot, MDB_txn *txn,
                               const struct tally_month *month)
{
    struct month_row row;
    enum status status = month_row_read(hot, txn, month->number, &row);

    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    row.pins += (uint64_t)month->pins;
    row.big_bytes += month->big_bytes;
    return month_row_write(hot, txn, &row);
}

enum status tally_write(const struct tally *tally, const struct hot *hot,
                        MDB_txn *txn)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && i < tally->sum_count; i++) {
        struct sum_key total = tally->sums[i].key;

        total.day = 0;
        status = write_sum(hot, txn, tally->sums[i].key, tally->sums[i].add);
        if (status == STATUS_OK)
            status = write_sum(hot, txn, total, tally->sums[i].add);
    }
    for (size_t i = 0; status == STATUS_OK && i < tally->range_count; i++)
        status = write_range(hot, txn, tally->ranges[i]);
    for (size_t i = 0; status == STATUS_OK && i < tally->month_count; i++)
        status = write_month(hot, txn, &tally->months[i]);
    return status;
}

void tally_clear(struct tally *tally)
{
    tally->sum_count = 0;
    tally->range_count = 0;
    tally->month_count = 0;
}

void tally_free(struct tally *tally)
{
    free(tally->sums);
    free(tally->ranges);
    free(tally->months);
    *tally = (struct tally){0};
}

/* ---- reading ---------------------------------------------------------- */

enum status range_read(const struct hot *hot, MDB_txn *txn, char class,
                       uint32_t first, uint32_t last, uint64_t *low,
                       uint64_t *high)
{
    uint8_t start[RANGE_KEY_SIZE];
    MDB_val key = {sizeof start, start};
    MDB_val value;
    MDB_cursor *cursor;
    int answer = mdb_cursor_open(txn, hot->sums, &cursor);

    if (answer != 0)
        return env_status(answer);
    *low = UINT64_MAX;
    *high = 0;
    range_key(start, class, first);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; answer == 0;
         answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        const uint8_t *at = key.mv_data;

        if (key.mv_size != RANGE_KEY_SIZE || at[0] != (uint8_t) class ||
            get_u32(at + 1) > last || value.mv_size != 16)
            break;
        at = value.mv_data;
        *low = get_u64(at) < *low ? get_u64(at) : *low;
        *high = get_u64(at + 8) > *high ? get_u64(at + 8) : *high;
    }
    mdb_cursor_close(cursor);
    if (answer != 0 && answer != MDB_NOTFOUND)
        return env_status(answer);
    return *high == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}
