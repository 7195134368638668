/*
 * Visiting many: the notes of a space, the events of a time range.
 *
 * What is visited is copied first and the look ended, so a visit may call the
 * store, also to put.
 */
#include "store.h"

#include <string.h>

#include "bits.h"
#include "clock.h"

#define BATCH_ITEMS 64
#define BATCH_BYTES (1 << 20)
#define EXAMINED_MAX 4096

/* Copies of what was found: each item two runs of bytes. */
struct batch {
    struct {
        uint64_t id;
        size_t at, first_len, second_len;
    } items[BATCH_ITEMS];
    size_t count;
    struct bytes bytes;
};

static bool batch_full(const struct batch *batch)
{
    return batch->count == BATCH_ITEMS || batch->bytes.len >= BATCH_BYTES;
}

static enum status batch_add(struct batch *batch, uint64_t id,
                             struct span first, struct span second)
{
    size_t at = batch->bytes.len;
    enum status status = bytes_append(&batch->bytes, first);

    if (status == STATUS_OK)
        status = bytes_append(&batch->bytes, second);
    if (status != STATUS_OK)
        return status;
    batch->items[batch->count].id = id;
    batch->items[batch->count].at = at;
    batch->items[batch->count].first_len = first.len;
    batch->items[batch->count].second_len = second.len;
    batch->count++;
    return STATUS_OK;
}

static struct span batch_first(const struct batch *batch, size_t i)
{
    return span_of(batch->bytes.data + batch->items[i].at,
                   batch->items[i].first_len);
}

static struct span batch_second(const struct batch *batch, size_t i)
{
    return span_of(batch->bytes.data + batch->items[i].at +
                       batch->items[i].first_len,
                   batch->items[i].second_len);
}

static void batch_clear(struct batch *batch)
{
    batch->count = 0;
    bytes_clear(&batch->bytes);
}

/* ---- notes ------------------------------------------------------------ */

/* Notes of the space (prefix ends with '/') behind the key in start. */
static enum status gather_notes(const struct hot *hot, MDB_txn *txn,
                                struct span prefix, const struct bytes *start,
                                struct batch *batch)
{
    MDB_val key = span_value(bytes_view(start));
    MDB_val value;
    MDB_cursor *cursor;
    int answer = mdb_cursor_open(txn, hot->notes, &cursor);
    enum status status = STATUS_OK;

    if (answer != 0)
        return env_status(answer);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (answer == 0 && start->len > prefix.len &&
        span_equal(value_span(key), bytes_view(start)))
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    while (answer == 0 && status == STATUS_OK && !batch_full(batch)) {
        if (key.mv_size < prefix.len || value.mv_size < 8 ||
            memcmp(key.mv_data, prefix.data, prefix.len) != 0)
            break;
        status = batch_add(
            batch, 0, value_span(key),
            span_of((const uint8_t *)value.mv_data + 8, value.mv_size - 8));
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && answer != 0 && answer != MDB_NOTFOUND)
        status = env_status(answer);
    return status;
}

static enum status next_notes(struct queue *queue, struct span prefix,
                              struct bytes *start, struct batch *batch)
{
    struct look look;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    batch_clear(batch);
    status = gather_notes(&queue->hot, look.hot, prefix, start, batch);
    look_end(&look);
    if (status == STATUS_OK && batch->count > 0)
        status = bytes_copy(start, batch_first(batch, batch->count - 1));
    return status;
}

enum status queue_note_each(struct queue *queue, const char *space,
                            bool (*visit)(void *arg, struct span key,
                                          struct span value),
                            void *arg)
{
    struct bytes prefix = BYTES_EMPTY;
    struct bytes start = BYTES_EMPTY;
    struct batch batch = {.count = 0};
    bool going = true;
    enum status status = bytes_print(&prefix, "%s/", space);

    if (status == STATUS_OK)
        status = bytes_copy(&start, bytes_view(&prefix));
    while (status == STATUS_OK && going) {
        status = next_notes(queue, bytes_view(&prefix), &start, &batch);
        going = status == STATUS_OK && batch.count > 0;
        for (size_t i = 0; going && i < batch.count; i++) {
            struct span key = batch_first(&batch, i);

            going =
                visit(arg, span_of(key.data + prefix.len, key.len - prefix.len),
                      batch_second(&batch, i));
        }
    }
    bytes_free(&batch.bytes);
    bytes_free(&start);
    bytes_free(&prefix);
    return status;
}

/* ---- events ----------------------------------------------------------- */

struct search {
    struct queue *queue;
    int64_t from_ms;
    int64_t until_ms;
    uint64_t next; /* sequence number */
    uint64_t high;
    struct batch batch;
};

/* The header alone decides; only what is wanted has its CRC checked. */
static enum status take_event(struct search *search, uint64_t seq,
                              struct span stored)
{
    struct record record;

    if (record_peek(stored, &record) != STATUS_OK)
        return record_intact(stored) ? STATUS_OK : STATUS_CORRUPT;
    if (record.kind != RECORD_EVENT || record.event.shed ||
        record.event.received_at_ms < search->from_ms ||
        record.event.received_at_ms >= search->until_ms)
        return STATUS_OK;
    if (!record_intact(stored))
        return STATUS_CORRUPT;
    return batch_add(&search->batch, seq, stored, (struct span){NULL, 0});
}

static enum status search_month(struct search *search, struct look *look,
                                struct month *month)
{
    struct month_walk walk;
    enum status status = look_month(look, month);

    if (status == STATUS_OK)
        status = month_walk_start(&walk, month, look->log, search->next);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < EXAMINED_MAX && !batch_full(&search->batch); i++) {
        search->next = walk.seq + 1;
        if (walk.seq > search->high)
            break;
        if ((status = take_event(search, walk.seq, walk.stored)) != STATUS_OK ||
            (status = month_walk_next(&walk)) != STATUS_OK)
            break;
    }
    month_walk_end(&walk);
    return status;
}

/* The month to look into for the next sequence number. */
static struct month *month_from(const struct queue *queue, uint64_t next)
{
    struct month *month = months_of(&queue->months, next);

    if (month == NULL && queue->months.count > 0)
        return queue->months.list[0];
    return month;
}

static struct month *month_behind(const struct queue *queue,
                                  const struct month *month)
{
    for (size_t i = 0; i + 1 < queue->months.count; i++)
        if (queue->months.list[i] == month)
            return queue->months.list[i + 1];
    return NULL;
}

static enum status search_some(struct search *search, struct look *look)
{
    struct month *month = month_from(search->queue, search->next);
    enum status status;

    if (month == NULL)
        return STATUS_NOT_FOUND;
    status = search_month(search, look, month);
    if (status != STATUS_NOT_FOUND)
        return status;
    month = month_behind(search->queue, month);
    if (month == NULL) {
        search->next = search->high + 1;
        return STATUS_OK;
    }
    search->next = month->first_seq;
    return STATUS_OK;
}

static enum status next_events(struct search *search)
{
    struct look look;
    enum status status = look_start(&look, search->queue);

    if (status != STATUS_OK)
        return status;
    batch_clear(&search->batch);
    status = search_some(search, &look);
    look_end(&look);
    store_moved(search->queue, search->batch.bytes.len);
    return status;
}

/* A reader does not apply what a crash left in the log: it looks there. */
static enum status search_beyond_hot(struct search *search, bool nothing)
{
    const struct queue *queue = search->queue;
    const struct month *newest = months_newest(&queue->months);
    uint64_t last = newest == NULL ? 0 : newest->last_seq;

    if (last <= queue->standing.indexed)
        return nothing ? STATUS_NOT_FOUND : STATUS_OK;
    if (nothing)
        search->next = queue->standing.indexed + 1;
    search->high = last;
    return STATUS_OK;
}

static enum status search_start(struct search *search)
{
    struct look look;
    uint32_t last = search->until_ms == INT64_MAX ? UINT32_MAX
                                                  : china_day(search->until_ms);
    enum status status = look_start(&look, search->queue);

    if (status != STATUS_OK)
        return status;
    status = range_read(&search->queue->hot, look.hot, 'e',
                        search->from_ms <= 0 ? 0 : china_day(search->from_ms),
                        last, &search->next, &search->high);
    if (search->queue->reader &&
        (status == STATUS_OK || status == STATUS_NOT_FOUND))
        status = search_beyond_hot(search, status == STATUS_NOT_FOUND);
    look_end(&look);
    return status;
}

static enum status
visit_event(struct search *search, size_t i, struct bytes *buffer,
            bool (*visit)(void *arg, const struct queue_event *event),
            void *arg, bool *going)
{
    struct look look;
    struct record record;
    struct queue_event event;
    uint64_t id = search->batch.items[i].id;
    enum status status = record_peek(batch_first(&search->batch, i), &record);

    if (status == STATUS_OK)
        status = event_copy(&record.event, id, buffer, &event);
    if (status == STATUS_OK)
        status = look_start(&look, search->queue);
    if (status != STATUS_OK)
        return status;
    status = look_fate(&look, id, &event.fate);
    look_end(&look);
    if (status == STATUS_OK)
        *going = visit(arg, &event);
    return status;
}

enum status
queue_events_each(struct queue *queue, int64_t from_ms, int64_t until_ms,
                  bool (*visit)(void *arg, const struct queue_event *event),
                  void *arg)
{
    struct search search = {.queue = queue,
                            .from_ms = from_ms,
                            .until_ms = until_ms == 0 ? INT64_MAX : until_ms};
    struct bytes buffer = BYTES_EMPTY;
    bool going = true;
    enum status status = search_start(&search);

    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    while (status == STATUS_OK && going && search.next <= search.high) {
        status = next_events(&search);
        for (size_t i = 0;
             status == STATUS_OK && going && i < search.batch.count; i++)
            status = visit_event(&search, i, &buffer, visit, arg, &going);
    }
    bytes_free(&buffer);
    bytes_free(&search.batch.bytes);
    return status;
}
