/*
 * Dropping a month.
 *
 *   1  notes whose newest record lies in it are put again, into the running
 *      month, so that a hot environment made anew still finds them
 *   2  what is left of it (its day sums, its share of the outcome chain) is
 *      put as a note "store/2026-01"; applying that note marks it dropped
 *   3  its folder is renamed to NAME.dropped and removed
 *   4  the rows of its deliveries and events leave hot, some at a time
 *
 * A crash after 2 is finished by drop_recover, after 3 by slim_recover.
 */
#include "store.h"

#include <stdio.h>
#include <string.h>

#include "bits.h"
#include "pack.h"

#define CARRY_MAX 256 /* notes a group */
#define SUM_FIELDS (4 + SUM_BUCKETS)

/* ---- 1: notes --------------------------------------------------------- */

struct carry {
    struct queue *queue;
    const struct month *month;
    struct bytes key; /* the last one looked at */
    struct bytes value;
    bool done;
};

static bool lies_in(const struct month *month, uint64_t seq)
{
    return seq >= month->first_seq && seq <= month->last_seq;
}

/* The next note that lies in the month; done when there is none. */
static enum status carry_find(struct carry *carry, MDB_cursor *cursor)
{
    MDB_val key = span_value(bytes_view(&carry->key));
    MDB_val value;
    enum status status = STATUS_OK;
    int answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    if (answer == 0 && span_equal(value_span(key), bytes_view(&carry->key)))
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    while (answer == 0 && (value.mv_size < 8 ||
                           !lies_in(carry->month, get_u64(value.mv_data))))
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    carry->done = answer == MDB_NOTFOUND;
    if (answer != 0)
        return carry->done ? STATUS_OK : env_status(answer);
    status = bytes_copy(&carry->key, value_span(key));
    if (status == STATUS_OK)
        status = bytes_copy(
            &carry->value,
            span_of((const uint8_t *)value.mv_data + 8, value.mv_size - 8));
    return status;
}

static enum status carry_one(struct carry *carry)
{
    struct queue *queue = carry->queue;
    MDB_cursor *cursor;
    enum status status = env_status(
        mdb_cursor_open(queue->group.hot_txn, queue->hot.notes, &cursor));

    if (status != STATUS_OK)
        return status;
    status = carry_find(carry, cursor);
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && !carry->done)
        status =
            put_note(queue, bytes_view(&carry->key), bytes_view(&carry->value));
    return status;
}

/* Dropping a month must not begin one, whatever the clock says: that would
 * make the next one old enough. */
static enum status begin_in_newest(struct queue *queue)
{
    return queue_begin(queue, 0);
}

static enum status carry_some(struct carry *carry)
{
    enum status status = begin_in_newest(carry->queue);

    if (status != STATUS_OK)
        return status;
    for (int i = 0; status == STATUS_OK && !carry->done && i < CARRY_MAX; i++)
        status = carry_one(carry);
    if (status != STATUS_OK) {
        queue_abort(carry->queue);
        return status;
    }
    return queue_commit(carry->queue, NULL, NULL);
}

static enum status carry_notes(struct queue *queue, const struct month *month)
{
    struct carry carry = {.queue = queue, .month = month};
    enum status status = bytes_append_text(&carry.key, " ");

    while (status == STATUS_OK && !carry.done)
        status = carry_some(&carry);
    bytes_free(&carry.key);
    bytes_free(&carry.value);
    return status;
}

/* ---- 2: what is left -------------------------------------------------- */

static void pack_sum(struct packing *to, const struct names *names,
                     struct sum_key key,
                     const uint64_t counts[static SUM_BUCKETS])
{
    msgpack_pack_array(&to->packer, SUM_FIELDS);
    pack_number(to, (uint64_t)key.class);
    pack_number(to, key.day);
    pack_text(to, span_text(names_text(names, key.first)));
    pack_text(to, span_text(names_text(names, key.second)));
    for (size_t i = 0; i < SUM_BUCKETS; i++)
        pack_number(to, counts[i]);
}

/* The month's sums; packs them too when to is not NULL. */
static enum status each_sum(struct queue *queue, const struct month *month,
                            struct packing *to, size_t *count)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    struct sum_key at;
    uint64_t counts[SUM_BUCKETS];
    enum status status = STATUS_OK;
    int answer =
        mdb_cursor_open(queue->group.hot_txn, queue->hot.sums, &cursor);

    if (answer != 0)
        return env_status(answer);
    *count = 0;
    while (status == STATUS_OK &&
           (answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (!sum_key_read(value_span(key), &at) || at.month != month->number)
            continue;
        status = sum_value_read(value_span(value), counts);
        if (status == STATUS_OK && to != NULL)
            pack_sum(to, &queue->names, at, counts);
        ++*count;
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && answer != MDB_NOTFOUND)
        status = env_status(answer);
    return status;
}

static enum status pack_left(struct queue *queue, const struct month *month,
                             struct bytes *value)
{
    struct packing to;
    struct month_row row;
    size_t count;
    enum status status =
        month_row_read(&queue->hot, queue->group.hot_txn, month->number, &row);

    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if ((status = each_sum(queue, month, NULL, &count)) != STATUS_OK)
        return status;
    packing_start(&to, value, 5);
    pack_number(&to, month->number);
    pack_number(&to, month->first_seq);
    pack_number(&to, month->last_seq);
    pack_raw(&to, span_of(row.chain_end, QUEUE_DIGEST_SIZE));
    msgpack_pack_array(&to.packer, count);
    status = each_sum(queue, month, &to, &count);
    return status == STATUS_OK && to.failed ? STATUS_NOMEM : status;
}

static enum status put_left(struct queue *queue, const struct month *month)
{
    struct bytes value = BYTES_EMPTY;
    char key[sizeof STORE_SPACE + MONTH_NAME_SIZE];
    enum status status = begin_in_newest(queue);

    if (status != STATUS_OK)
        return status;
    snprintf(key, sizeof key, "%s/%s", STORE_SPACE, month->name);
    status = pack_left(queue, month, &value);
    if (status == STATUS_OK)
        status = put_note(queue, span_text(key), bytes_view(&value));
    bytes_free(&value);
    if (status != STATUS_OK) {
        queue_abort(queue);
        return status;
    }
    return queue_commit(queue, NULL, NULL);
}

static enum status apply_sum(const struct applying *at, uint32_t month,
                             const msgpack_object *object)
{
    struct names *names = &at->queue->names;
    struct fields from = fields_of(object);
    struct sum_key sum = {.month = month};
    uint64_t counts[SUM_BUCKETS];
    uint8_t key[SUM_KEY_SIZE];
    uint8_t value[SUM_VALUE_SIZE];
    struct span first;
    struct span second;
    enum status status;

    sum.class = (char)next_number(&from, 'z');
    sum.day = (uint32_t)next_number(&from, UINT32_MAX);
    first = next_span(&from, NAME_MAX_LEN);
    second = next_span(&from, NAME_MAX_LEN);
    for (size_t i = 0; i < SUM_BUCKETS; i++)
        counts[i] = next_number(&from, UINT64_MAX);
    if (from.failed)
        return STATUS_CORRUPT;
    status = names_number(names, first, &sum.first);
    if (status == STATUS_OK && sum.class == 'D')
        status = names_number(names, second, &sum.second);
    if (status != STATUS_OK)
        return status;
    sum_key_write(key, sum);
    sum_value_write(value, counts);
    return hot_put(at->txn, at->queue->hot.sums, span_of(key, sizeof key),
                   span_of(value, sizeof value));
}

static enum status apply_left(const struct applying *at, struct fields from)
{
    struct month_row row = {.dropped = true};
    struct span chain_end;
    struct fields sums;
    enum status status = STATUS_OK;

    row.number = (uint32_t)next_number(&from, UINT32_MAX);
    row.first_seq = next_number(&from, UINT64_MAX);
    row.last_seq = next_number(&from, UINT64_MAX);
    chain_end = next_span(&from, QUEUE_DIGEST_SIZE);
    sums = fields_of(next_field(&from));
    if (from.failed || sums.failed || chain_end.len != QUEUE_DIGEST_SIZE)
        return STATUS_CORRUPT;
    memcpy(row.chain_end, chain_end.data, QUEUE_DIGEST_SIZE);
    while (status == STATUS_OK && sums.at != sums.end)
        status = apply_sum(at, row.number, sums.at++);
    return status == STATUS_OK ? month_row_write(&at->queue->hot, at->txn, &row)
                               : status;
}

enum status drop_apply(const struct applying *at, struct span value)
{
    msgpack_zone zone;
    msgpack_object object;
    size_t used;
    enum status status;

    if (!unpack(value, &zone, &object, &used))
        return STATUS_CORRUPT;
    status = apply_left(at, fields_of(&object));
    msgpack_zone_destroy(&zone);
    return status;
}

/* ---- 3: the folder ---------------------------------------------------- */

static enum status retire(struct queue *queue, struct month *month)
{
    char path[FOLDER_PATH_MAX];
    char dropped[FOLDER_PATH_MAX];
    enum status status = folder_path(path, queue->folder, month->name, "");

    if (status == STATUS_OK)
        status = folder_path(dropped, queue->folder, month->name, "dropped");
    if (status == STATUS_OK)
        status = folder_remove(dropped);
    if (status != STATUS_OK)
        return status;
    pthread_rwlock_wrlock(&queue->guard);
    status = folder_rename(queue->folder, path, dropped);
    if (status == STATUS_OK) {
        months_remove(&queue->months, month);
        month_close(month);
    }
    pthread_rwlock_unlock(&queue->guard);
    return status == STATUS_OK ? folder_remove(dropped) : status;
}

enum status drop_month(struct queue *queue, struct month *month)
{
    enum status status = carry_notes(queue, month);

    if (status == STATUS_OK)
        status = put_left(queue, month);
    if (status == STATUS_OK && queue->hot_behind)
        status = STATUS_IO; /* hot does not know yet: the next call goes on */
    return status == STATUS_OK ? retire(queue, month) : status;
}

static enum status month_is_dropped(struct queue *queue, uint32_t number,
                                    bool *dropped)
{
    struct look look;
    struct month_row row;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = month_row_read(&queue->hot, look.hot, number, &row);
    look_end(&look);
    *dropped = status == STATUS_OK && row.dropped;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status drop_recover(struct queue *queue)
{
    enum status status = STATUS_OK;
    bool dropped;

    for (size_t i = queue->months.count; status == STATUS_OK && i-- > 0;) {
        struct month *month = queue->months.list[i];

        status = month_is_dropped(queue, month->number, &dropped);
        if (status == STATUS_OK && dropped &&
            month != months_newest(&queue->months))
            status = retire(queue, month);
    }
    return status;
}
