/*
 * The indexes of deliveries: rows, the lanes they stand in, who waits behind
 * whom, and subjects.
 */
#include "store.h"

#include <string.h>

#include "bits.h"
#include "hash.h"
#include "row.h"
#include "state.h"

#define LANE_KEY_SIZE 11
#define FOLLOWER_KEY_SIZE 16
#define SUBJECT_KEY_SIZE 14
#define BLOCK_BITS 10 /* ids a block of subjects */

static const struct span nothing = {(const uint8_t *)"", 0};

enum status row_read(const struct hot *hot, MDB_txn *txn, uint64_t id,
                     struct row *row)
{
    uint8_t key[8];
    struct span value;
    enum status status;

    put_u64(key, id);
    status = hot_get(txn, hot->deliveries, span_of(key, sizeof key), &value);
    return status == STATUS_OK ? row_decode(value, row) : status;
}

static enum status
row_put(const struct hot *hot, MDB_txn *txn, uint64_t id, const struct row *row,
        enum status (*put)(MDB_txn *txn, MDB_dbi dbi, struct span key,
                           struct span value))
{
    uint8_t key[8];
    struct bytes value = BYTES_EMPTY;
    enum status status = row_encode(row, &value);

    put_u64(key, id);
    if (status == STATUS_OK)
        status = put(txn, hot->deliveries, span_of(key, sizeof key),
                     bytes_view(&value));
    bytes_free(&value);
    return status;
}

enum status row_add(const struct hot *hot, MDB_txn *txn, uint64_t id,
                    const struct row *row)
{
    return row_put(hot, txn, id, row, hot_put_last);
}

enum status row_write(const struct hot *hot, MDB_txn *txn, uint64_t id,
                      const struct row *row)
{
    return row_put(hot, txn, id, row, hot_put);
}

/* ---- lanes ------------------------------------------------------------ */

static struct span lane_key(uint8_t key[static LANE_KEY_SIZE],
                            uint16_t destination, uint8_t lane, uint64_t id)
{
    put_u16(key, destination);
    key[2] = lane;
    put_u64(key + 3, id);
    return span_of(key, LANE_KEY_SIZE);
}

static struct span follower_key(uint8_t key[static FOLLOWER_KEY_SIZE],
                                uint64_t predecessor, uint64_t id)
{
    put_u64(key, predecessor);
    put_u64(key + 8, id);
    return span_of(key, FOLLOWER_KEY_SIZE);
}

/* A predecessor that is no longer known was settled long ago. */
static enum status blocked(const struct hot *hot, MDB_txn *txn,
                           const struct row *row, bool *answer)
{
    struct row before;
    enum status status;

    *answer = false;
    if (row->follows == 0)
        return STATUS_OK;
    status = row_read(hot, txn, row->follows, &before);
    if (status == STATUS_OK)
        *answer = !state_frees(before.state, row->after);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status choose_lane(const struct hot *hot, MDB_txn *txn,
                               struct row *row, bool replay)
{
    static const uint8_t lanes[QUEUE_STATES] = {
        [STATE_WAITING] = LANE_FRESH,      [STATE_PARKED] = LANE_PARKED,
        [STATE_HELD] = LANE_HELD,          [STATE_REJECTED] = LANE_REJECTED,
        [STATE_DELIVERED] = ROW_LANE_NONE, [STATE_DISCARDED] = ROW_LANE_NONE,
    };
    enum status status = STATUS_OK;
    bool behind = false;

    row->lane = lanes[row->state];
    if (row->state != STATE_WAITING)
        return STATUS_OK;
    if (replay) {
        row->lane = LANE_REPLAY;
        return STATUS_OK;
    }
    status = blocked(hot, txn, row, &behind);
    if (behind)
        row->lane = LANE_BLOCKED;
    return status;
}

enum status lane_enter(const struct hot *hot, MDB_txn *txn, uint64_t id,
                       struct row *row, bool replay)
{
    uint8_t key[LANE_KEY_SIZE];
    uint8_t follower[FOLLOWER_KEY_SIZE];
    enum status status = choose_lane(hot, txn, row, replay);

    if (status != STATUS_OK || row->lane == ROW_LANE_NONE)
        return status;
    status = hot_put(txn, hot->lanes,
                     lane_key(key, row->destination, row->lane, id), nothing);
    if (status == STATUS_OK && row->lane == LANE_BLOCKED)
        status = hot_put(txn, hot->followers,
                         follower_key(follower, row->follows, id), nothing);
    return status;
}

enum status lane_leave(const struct hot *hot, MDB_txn *txn, uint64_t id,
                       const struct row *row)
{
    uint8_t key[LANE_KEY_SIZE];
    uint8_t follower[FOLLOWER_KEY_SIZE];
    enum status status;

    if (row->lane == ROW_LANE_NONE)
        return STATUS_OK;
    status = hot_remove(txn, hot->lanes,
                        lane_key(key, row->destination, row->lane, id));
    if (status == STATUS_OK && row->lane == LANE_BLOCKED)
        status = hot_remove(txn, hot->followers,
                            follower_key(follower, row->follows, id));
    return status;
}

/* The first key from start on; NOT_FOUND. */
static enum status first_key(MDB_txn *txn, MDB_dbi dbi, struct span start,
                             uint8_t *key, size_t size)
{
    MDB_cursor *cursor;
    MDB_val found = span_value(start);
    MDB_val value;
    enum status status = env_status(mdb_cursor_open(txn, dbi, &cursor));

    if (status != STATUS_OK)
        return status;
    status = env_status(mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE));
    if (status == STATUS_OK && found.mv_size != size)
        status = STATUS_CORRUPT;
    if (status == STATUS_OK)
        memcpy(key, found.mv_data, size);
    mdb_cursor_close(cursor);
    return status;
}

static enum status let_go(const struct hot *hot, MDB_txn *txn, uint64_t id,
                          enum queue_state state)
{
    struct row row;
    enum status status = row_read(hot, txn, id, &row);

    if (status != STATUS_OK || !state_frees(state, row.after))
        return status;
    if ((status = lane_leave(hot, txn, id, &row)) == STATUS_OK)
        status = lane_enter(hot, txn, id, &row, false);
    return status == STATUS_OK ? row_write(hot, txn, id, &row) : status;
}

enum status lane_free_followers(const struct hot *hot, MDB_txn *txn,
                                uint64_t id, enum queue_state state)
{
    uint8_t start[FOLLOWER_KEY_SIZE];
    uint8_t key[FOLLOWER_KEY_SIZE];
    uint64_t from = 0;
    enum status status;

    for (;;) {
        status = first_key(txn, hot->followers, follower_key(start, id, from),
                           key, sizeof key);
        if (status != STATUS_OK || get_u64(key) != id)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        if ((status = let_go(hot, txn, get_u64(key + 8), state)) != STATUS_OK)
            return status;
        from = get_u64(key + 8) + 1;
    }
}

enum status lane_ids(const struct hot *hot, MDB_txn *txn, uint16_t destination,
                     enum queue_lane lane, uint64_t after, uint64_t *ids,
                     size_t *count)
{
    uint8_t start[LANE_KEY_SIZE];
    MDB_val key =
        span_value(lane_key(start, destination, (uint8_t)lane, after + 1));
    MDB_val value;
    MDB_cursor *cursor;
    size_t found = 0;
    int answer = mdb_cursor_open(txn, hot->lanes, &cursor);

    if (answer != 0)
        return env_status(answer);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (answer == 0 && found < *count) {
        if (key.mv_size != LANE_KEY_SIZE || memcmp(key.mv_data, start, 3) != 0)
            break;
        ids[found++] = get_u64((const uint8_t *)key.mv_data + 3);
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    *count = found;
    return answer == MDB_NOTFOUND ? STATUS_OK : env_status(answer);
}

enum status lane_destination(const struct hot *hot, MDB_txn *txn,
                             uint32_t number, uint16_t *found)
{
    uint8_t start[LANE_KEY_SIZE];
    uint8_t key[LANE_KEY_SIZE];
    enum status status;

    if (number > UINT16_MAX)
        return STATUS_NOT_FOUND;
    status = first_key(txn, hot->lanes, lane_key(start, (uint16_t)number, 0, 0),
                       key, sizeof key);
    if (status == STATUS_OK)
        *found = get_u16(key);
    return status;
}

/* ---- subjects --------------------------------------------------------- */

static uint32_t subject_hash(const char *subject)
{
    return (uint32_t)hash_span(0, span_text(subject));
}

static struct span subject_key(uint8_t key[static SUBJECT_KEY_SIZE],
                               uint32_t hash, uint64_t id)
{
    put_u64(key, id >> BLOCK_BITS);
    put_u32(key + 8, hash);
    put_u16(key + 12, (uint16_t)(id & ((1u << BLOCK_BITS) - 1)));
    return span_of(key, SUBJECT_KEY_SIZE);
}

enum status subject_add(const struct hot *hot, MDB_txn *txn,
                        const char *subject, uint64_t id)
{
    uint8_t key[SUBJECT_KEY_SIZE];

    if (subject[0] == 0)
        return STATUS_OK;
    return hot_put(txn, hot->subjects,
                   subject_key(key, subject_hash(subject), id), nothing);
}

enum status subject_remove(const struct hot *hot, MDB_txn *txn,
                           const char *subject, uint64_t id)
{
    uint8_t key[SUBJECT_KEY_SIZE];

    if (subject[0] == 0)
        return STATUS_OK;
    return hot_remove(txn, hot->subjects,
                      subject_key(key, subject_hash(subject), id));
}

enum status subject_ids(const struct hot *hot, MDB_txn *txn,
                        const char *subject, uint64_t after, uint64_t *ids,
                        size_t *count)
{
    uint32_t hash = subject_hash(subject);
    uint64_t from = after + 1; /* the least id that will do */
    size_t found = 0;
    enum status status = STATUS_OK;
    uint8_t start[SUBJECT_KEY_SIZE];
    uint8_t key[SUBJECT_KEY_SIZE];

    while (found < *count) {
        status = first_key(txn, hot->subjects, subject_key(start, hash, from),
                           key, sizeof key);
        if (status != STATUS_OK)
            break;
        if (memcmp(key, start, 12) == 0) {
            ids[found] = (get_u64(key) << BLOCK_BITS) | get_u16(key + 12);
            from = ids[found++] + 1;
        } else if (get_u64(key) > from >> BLOCK_BITS) {
            from = get_u64(key) << BLOCK_BITS;
        } else {
            from = ((from >> BLOCK_BITS) + 1) << BLOCK_BITS;
        }
    }
    *count = found;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
