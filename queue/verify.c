/*
 * Everything read again: CRCs, the outcome chain, and the day sums against a
 * recount from the log.
 *
 * It covers the log up to where hot stood at the start, in short looks.  A
 * recount starts from minus what is stored, so that in the end all is zero.
 */
#include "store.h"

#include <string.h>

#include "bits.h"
#include "clock.h"

#define LOOK_RECORDS 1024
#define LOOK_BYTES (UINT64_C(8) << 20)

struct check {
    struct queue *queue;
    struct queue_verdict *verdict;
    struct standing end;             /* as hot was at the start */
    uint8_t head[QUEUE_DIGEST_SIZE]; /* of the chain so far */
    uint32_t month;                  /* being read */
    bool month_done;
    uint64_t next;
    struct tally recount;
    struct bytes chained;
};

static void found_bad(struct check *check, uint64_t *count, uint64_t seq)
{
    ++*count;
    if (check->verdict->first_bad_seq == 0)
        check->verdict->first_bad_seq = seq;
}

/* ---- sums ------------------------------------------------------------- */

static enum status take_sum(struct check *check, struct sum_key key,
                            struct span value)
{
    uint64_t counts[SUM_BUCKETS];
    enum status status = sum_value_read(value, counts);

    if (key.day == 0 || months_find(&check->queue->months, key.month) == NULL)
        return status;
    for (int i = 0; status == STATUS_OK && i < SUM_BUCKETS; i++)
        status = tally_sum(&check->recount, key, i, -(int64_t)counts[i]);
    return status;
}

static enum status take_sums(struct check *check, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    struct sum_key sum;
    enum status status = STATUS_OK;
    int answer = mdb_cursor_open(txn, check->queue->hot.sums, &cursor);

    if (answer != 0)
        return env_status(answer);
    while (status == STATUS_OK &&
           (answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        if (sum_key_read(value_span(key), &sum))
            status = take_sum(check, sum, value_span(value));
    mdb_cursor_close(cursor);
    return status;
}

static enum status count(struct check *check, char class, uint32_t day,
                         uint32_t month, struct span first, struct span second,
                         int bucket, int add)
{
    struct sum_key key = {class, day, month, 0, 0};
    const struct names *names = &check->queue->names;

    /* A name the store never heard of leaves a sum that is not zero. */
    if (names_find(names, first, &key.first) != STATUS_OK ||
        (class == 'D' && names_find(names, second, &key.second) != STATUS_OK))
        key.first = UINT16_MAX;
    return tally_sum(&check->recount, key, bucket, add);
}

static enum status count_outcome(struct check *check,
                                 const struct record_outcome *outcome)
{
    const struct month *month = store_month_of(check->queue, outcome->delivery);
    enum status status;

    if (month == NULL)
        return STATUS_OK;
    status =
        count(check, 'D', outcome->made_day, month->number,
              outcome->destination, outcome->interface, (int)outcome->from, -1);
    if (status == STATUS_OK)
        status = count(check, 'D', outcome->made_day, month->number,
                       outcome->destination, outcome->interface,
                       (int)outcome->state, 1);
    return status;
}

static enum status count_fate(struct check *check,
                              const struct record_fate *fate)
{
    const struct span none = {NULL, 0};
    const struct month *month = store_month_of(check->queue, fate->event);
    enum status status;

    if (month == NULL)
        return STATUS_OK;
    status = count(check, 'E', fate->day, month->number, fate->kind, none,
                   (int)fate->from, -1);
    if (status == STATUS_OK)
        status = count(check, 'E', fate->day, month->number, fate->kind, none,
                       (int)fate->fate, 1);
    return status;
}

static enum status count_record(struct check *check,
                                const struct record *record)
{
    const struct span none = {NULL, 0};

    switch (record->kind) {
    case RECORD_EVENT:
        return count(check, 'E', china_day(record->event.received_at_ms),
                     check->month, record->event.kind, none,
                     (int)record->event.fate, 1);
    case RECORD_REPEAT:
        return count(check, 'E', china_day(record->repeat.received_at_ms),
                     check->month, record->repeat.kind, none, FATE_REPEAT, 1);
    case RECORD_DELIVERY:
        return count(check, 'D', china_day(record->delivery.made_at_ms),
                     check->month, record->delivery.destination,
                     record->delivery.interface, (int)record->delivery.state,
                     1);
    case RECORD_OUTCOME:
        return count_outcome(check, &record->outcome);
    case RECORD_FATE:
        return count_fate(check, &record->fate);
    case RECORD_NOTE:
        break;
    }
    return STATUS_OK;
}

static void compare_sums(struct check *check)
{
    const struct tally *recount = &check->recount;
    struct queue *queue = check->queue;

    if (check->verdict->bad_crc > 0)
        return; /* what cannot be read cannot be recounted */
    pthread_rwlock_rdlock(&queue->guard);
    for (size_t i = 0; i < recount->sum_count; i++) {
        const struct tally_sum *sum = &recount->sums[i];
        bool zero = true;

        for (size_t b = 0; b < SUM_BUCKETS; b++)
            zero = zero && sum->add[b] == 0;
        /* A month that was dropped meanwhile was not read to its end. */
        if (!zero && months_find(&queue->months, sum->key.month) != NULL)
            check->verdict->bad_sums++;
    }
    pthread_rwlock_unlock(&queue->guard);
}

/* ---- the chain -------------------------------------------------------- */

static enum status check_link(struct check *check, uint64_t seq,
                              struct span stored,
                              const struct record_outcome *outcome)
{
    uint8_t hash[QUEUE_DIGEST_SIZE];
    struct span fields;
    struct span facts;
    enum status status = record_chained(stored, &fields, &facts);

    check->verdict->outcomes++;
    if (status != STATUS_OK || check->queue->options.digest == NULL)
        return status;
    bytes_clear(&check->chained);
    status =
        bytes_append(&check->chained, span_of(check->head, QUEUE_DIGEST_SIZE));
    if (status == STATUS_OK)
        status = bytes_append(&check->chained, fields);
    if (status == STATUS_OK)
        status = bytes_append(&check->chained, facts);
    if (status == STATUS_OK)
        status =
            check->queue->options.digest(bytes_view(&check->chained), hash);
    if (status != STATUS_OK)
        return status;
    if (memcmp(hash, outcome->hash, QUEUE_DIGEST_SIZE) != 0)
        found_bad(check, &check->verdict->bad_links, seq);
    memcpy(check->head, outcome->hash, QUEUE_DIGEST_SIZE);
    return STATUS_OK;
}

/* A month's chain starts where the one before ended, also when that one is
 * gone. */
static enum status enter_month(struct check *check, struct look *look,
                               const struct month *month)
{
    struct month_row row = {0};
    enum status status;

    if (check->month == month->number)
        return STATUS_OK;
    check->month = month->number;
    check->month_done = false;
    status =
        month_row_before(&check->queue->hot, look->hot, month->number, &row);
    memcpy(check->head, row.chain_end, QUEUE_DIGEST_SIZE);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- records ---------------------------------------------------------- */

static enum status check_record(struct check *check, uint64_t seq,
                                struct span stored)
{
    struct record record;
    enum status status = record_read(stored, &record);

    check->verdict->records++;
    if (status != STATUS_OK) {
        found_bad(check, &check->verdict->bad_crc, seq);
        return STATUS_OK;
    }
    status = count_record(check, &record);
    if (status == STATUS_OK && record.kind == RECORD_OUTCOME)
        status = check_link(check, seq, stored, &record.outcome);
    return status;
}

/* NOT_FOUND: the month has no more. */
static enum status check_some(struct check *check, struct look *look,
                              struct month *month)
{
    struct month_walk walk;
    uint64_t bytes = 0;
    enum status status = look_month(look, month);

    if (status == STATUS_OK)
        status = enter_month(check, look, month);
    if (status == STATUS_OK)
        status = month_walk_start(&walk, month, look->log, check->next);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < LOOK_RECORDS && bytes < LOOK_BYTES; i++) {
        if (walk.seq > check->end.indexed) {
            status = STATUS_NOT_FOUND;
            break;
        }
        bytes += walk.stored.len;
        check->next = walk.seq + 1;
        if ((status = check_record(check, walk.seq, walk.stored)) !=
                STATUS_OK ||
            (status = month_walk_next(&walk)) != STATUS_OK)
            break;
    }
    month_walk_end(&walk);
    atomic_fetch_add_explicit(&check->queue->moved_bytes, bytes,
                              memory_order_relaxed);
    return status;
}

/* The month being read, or the one behind it; it may have been dropped in
 * between. */
static struct month *month_to_check(const struct check *check)
{
    const struct months *months = &check->queue->months;

    for (size_t i = 0; i < months->count; i++)
        if (months->list[i]->number > check->month ||
            (months->list[i]->number == check->month && !check->month_done))
            return months->list[i];
    return NULL;
}

static enum status check_month(struct check *check, bool *more)
{
    struct look look;
    struct month *month;
    enum status status = look_start(&look, check->queue);

    if (status != STATUS_OK)
        return status;
    month = month_to_check(check);
    *more = month != NULL;
    if (month != NULL)
        status = check_some(check, &look, month);
    if (status == STATUS_NOT_FOUND) {
        check->month_done = true;
        status = STATUS_OK;
    }
    look_end(&look);
    store_moved(check->queue, 0);
    return status;
}

static enum status check_start(struct check *check)
{
    struct look look;
    enum status status = look_start(&look, check->queue);

    if (status != STATUS_OK)
        return status;
    status = standing_read(&check->queue->hot, look.hot, &check->end);
    if (status == STATUS_OK)
        status = take_sums(check, look.hot);
    look_end(&look);
    return status;
}

enum status queue_verify(struct queue *queue, struct queue_verdict *verdict)
{
    struct check check = {.queue = queue, .verdict = verdict};
    bool more = true;
    enum status status;

    *verdict = (struct queue_verdict){0};
    status = check_start(&check);
    while (status == STATUS_OK && more)
        status = check_month(&check, &more);
    if (status == STATUS_OK) {
        compare_sums(&check);
        if (queue->options.digest != NULL &&
            memcmp(check.head, check.end.head, QUEUE_DIGEST_SIZE) != 0)
            found_bad(&check, &verdict->bad_links, check.end.indexed);
        memcpy(verdict->head, check.head, QUEUE_DIGEST_SIZE);
    }
    tally_free(&check.recount);
    bytes_free(&check.chained);
    return status;
}
