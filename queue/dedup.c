/*
 * Has a device said this before?
 *
 * The key starts with the event's own time, so new keys lie together and old
 * ones are expired from the front.  An event without a time, or with one that
 * cannot be (a device's clock at 1970 or 2099: it would expire at once, or
 * never), is filed under the day of its receipt instead, and looked for there
 * and on the day before.
 */
#include "store.h"

#include "bits.h"
#include "clock.h"
#include "hash.h"

#define KEY_SIZE 16
#define VALUE_SIZE 20
#define EXPIRE_MAX 512
/* A clock may be ahead by this much before the time is not believed.  A
 * repeat may come a day after, when it would be believed: hence the second. */
#define AHEAD_MAX_MS (3 * DAY_MS)
#define AHEAD_SURE_MS (1 * DAY_MS)

uint64_t body_hash(struct span body)
{
    return hash_span(0, body);
}

static bool believed(const struct queue *queue, const struct dedup_key *key,
                     int64_t ahead_ms)
{
    int64_t age_ms;

    if (key->event_at_ms <= 0 || key->received_at_ms < 0)
        return false; /* and the difference cannot overflow */
    age_ms = key->received_at_ms - key->event_at_ms;
    return age_ms >= -ahead_ms && age_ms <= queue->options.dedup_days * DAY_MS;
}

static uint64_t identity(const struct dedup_key *key, uint64_t seed)
{
    return hash_span(hash_span(seed, key->device), key->event_id);
}

static void key_by_time(uint8_t to[static KEY_SIZE],
                        const struct dedup_key *key)
{
    put_u64(to, (uint64_t)key->event_at_ms);
    put_u64(to + 8, identity(key, 0));
}

static void key_by_receipt(uint8_t to[static KEY_SIZE],
                           const struct dedup_key *key, int days_before)
{
    int64_t day = (key->received_at_ms + 8 * HOUR_MS) / DAY_MS - days_before;

    put_u64(to, day < 0 ? 0 : (uint64_t)(day * DAY_MS));
    put_u64(to + 8, identity(key, 1 + (uint64_t)key->event_at_ms));
}

static enum status look_up(const struct queue *queue, MDB_txn *txn,
                           const uint8_t key[static KEY_SIZE],
                           struct dedup_entry *entry)
{
    struct span value;
    enum status status =
        hot_get(txn, queue->hot.dedup, span_of(key, KEY_SIZE), &value);

    if (status != STATUS_OK)
        return status;
    if (value.len != VALUE_SIZE)
        return STATUS_CORRUPT;
    entry->id = get_u64(value.data);
    entry->revision = get_u32(value.data + 8);
    entry->body_hash = get_u64(value.data + 12);
    return STATUS_OK;
}

/* The entry's key as it is stored. */
static enum status find_key(const struct queue *queue, MDB_txn *txn,
                            const struct dedup_key *key,
                            uint8_t found[static KEY_SIZE],
                            struct dedup_entry *entry)
{
    enum status status = STATUS_NOT_FOUND;

    if (key->event_at_ms > 0) {
        key_by_time(found, key);
        status = look_up(queue, txn, found, entry);
    }
    if (status != STATUS_NOT_FOUND || believed(queue, key, AHEAD_SURE_MS))
        return status;
    for (int before = 0; before <= 1 && status == STATUS_NOT_FOUND; before++) {
        key_by_receipt(found, key, before);
        status = look_up(queue, txn, found, entry);
    }
    return status;
}

enum status dedup_find(const struct queue *queue, MDB_txn *txn,
                       const struct dedup_key *key, struct dedup_entry *entry)
{
    uint8_t found[KEY_SIZE];

    return find_key(queue, txn, key, found, entry);
}

enum status dedup_add(const struct queue *queue, MDB_txn *txn,
                      const struct dedup_key *key,
                      const struct dedup_entry *entry)
{
    uint8_t at[KEY_SIZE];
    uint8_t value[VALUE_SIZE];
    struct dedup_entry known;
    enum status status = find_key(queue, txn, key, at, &known);

    if (status == STATUS_OK && known.revision > entry->revision)
        return STATUS_OK; /* the highest edition stays */
    if (status == STATUS_NOT_FOUND && believed(queue, key, AHEAD_MAX_MS))
        key_by_time(at, key);
    else if (status == STATUS_NOT_FOUND)
        key_by_receipt(at, key, 0);
    else if (status != STATUS_OK)
        return status;
    put_u64(value, entry->id);
    put_u32(value + 8, entry->revision);
    put_u64(value + 12, entry->body_hash);
    return hot_put_last(txn, queue->hot.dedup, span_of(at, KEY_SIZE),
                        span_of(value, VALUE_SIZE));
}

enum status dedup_expire(const struct queue *queue, MDB_txn *txn,
                         int64_t cutoff_ms)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int answer = mdb_cursor_open(txn, queue->hot.dedup, &cursor);

    if (answer != 0)
        return env_status(answer);
    for (int i = 0; answer == 0 && i < EXPIRE_MAX; i++) {
        answer = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
        if (answer != 0 || key.mv_size != KEY_SIZE || cutoff_ms <= 0 ||
            get_u64(key.mv_data) >= (uint64_t)cutoff_ms)
            break;
        answer = mdb_cursor_del(cursor, 0);
    }
    mdb_cursor_close(cursor);
    return answer == MDB_NOTFOUND ? STATUS_OK : env_status(answer);
}
