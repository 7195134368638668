/* Putting: threads that come together share one commit. */
#include "outbox_parts.h"

#include <string.h>

#include "bits.h"
#include "hash.h"
#include "hot.h"

#define GROUP_BYTES ((size_t)4 << 20) /* of a commit, beyond its first */
#define EXPIRE_MAX 64                 /* forgotten by a commit */
#define KNOWN_SHARE 4 /* of the quota may tell what is known: one of these */

/* One thread's wish, on its stack until done. */
struct outbox_put {
    const struct outbox_event *event;
    struct outbox_put *next;
    uint8_t key[KNOWN_KEY_SIZE];
    uint64_t content; /* its hash */
    int64_t now_ms;
    enum outbox_news news;
    enum status status;
    bool done;
};

/* ---- what is known ------------------------------------------------------ */

static enum status known_find(const struct outbox_writing *writing,
                              const uint8_t key[static KNOWN_KEY_SIZE],
                              struct known *known)
{
    struct span value;
    enum status status = hot_get(writing->txn, writing->outbox->known,
                                 span_of(key, KNOWN_KEY_SIZE), &value);

    return status == STATUS_OK ? known_read(value, known) : status;
}

/* Has the device used this id for another time? */
static enum status known_elsewhere(const struct outbox_writing *writing,
                                   const uint8_t key[static KNOWN_KEY_SIZE],
                                   bool *elsewhere)
{
    uint8_t from[KNOWN_KEY_SIZE] = {0};
    MDB_val found = {sizeof from, from};
    MDB_val value;
    MDB_cursor *cursor;
    int answer = mdb_cursor_open(writing->txn, writing->outbox->known, &cursor);

    *elsewhere = false;
    if (answer != 0)
        return env_status(answer);
    memcpy(from, key, 8);
    answer = mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE);
    if (answer == 0 && found.mv_size == KNOWN_KEY_SIZE)
        *elsewhere = memcmp(found.mv_data, key, 8) == 0;
    mdb_cursor_close(cursor);
    return answer == MDB_NOTFOUND ? STATUS_OK : env_status(answer);
}

static enum status known_store(struct outbox_writing *writing,
                               const uint8_t key[static KNOWN_KEY_SIZE],
                               const struct known *known)
{
    uint8_t row[KNOWN_SIZE_MAX];
    uint8_t seen[SEEN_KEY_SIZE];
    enum status status = hot_put(writing->txn, writing->outbox->known,
                                 span_of(key, KNOWN_KEY_SIZE),
                                 span_of(row, known_write(known, row)));

    seen_key(known->day, key, seen);
    if (status == STATUS_OK)
        status = hot_put(writing->txn, writing->outbox->seen,
                         span_of(seen, sizeof seen), span_text(""));
    return status;
}

/* Seen again on another day: it is kept for longer. */
static enum status seen_move(struct outbox_writing *writing,
                             const uint8_t key[static KNOWN_KEY_SIZE],
                             uint32_t from_day)
{
    uint8_t seen[SEEN_KEY_SIZE];

    seen_key(from_day, key, seen);
    return hot_remove(writing->txn, writing->outbox->seen,
                      span_of(seen, sizeof seen));
}

static bool must_go(const struct outbox_writing *writing, const uint8_t *seen,
                    int64_t now_ms)
{
    const struct outbox_options *options = &writing->outbox->options;

    return (int64_t)get_u32(seen) + options->dedup_days <
               (int64_t)seen_day(now_ms) ||
           writing->standing.known >
               options->quota_bytes / KNOWN_SHARE / OUTBOX_KNOWN_COST;
}

enum status outbox_expire(struct outbox_writing *writing, int64_t now_ms)
{
    struct outbox *outbox = writing->outbox;
    uint8_t seen[SEEN_KEY_SIZE];
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    enum status status =
        env_status(mdb_cursor_open(writing->txn, outbox->seen, &cursor));

    for (int i = 0; status == STATUS_OK && i < EXPIRE_MAX; i++) {
        status = env_status(mdb_cursor_get(cursor, &key, &value, MDB_FIRST));
        if (status != STATUS_OK)
            break;
        if (key.mv_size != SEEN_KEY_SIZE) {
            status = STATUS_CORRUPT;
            break;
        }
        memcpy(seen, key.mv_data, sizeof seen);
        if (!must_go(writing, seen, now_ms))
            break;
        status = env_status(mdb_cursor_del(cursor, 0));
        if (status == STATUS_OK)
            status = hot_remove(writing->txn, outbox->known,
                                span_of(seen + 4, KNOWN_KEY_SIZE));
        if (status == STATUS_OK && writing->standing.known > 0)
            writing->standing.known--;
    }
    mdb_cursor_close(cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- one put ------------------------------------------------------------ */

/* Within the quota?  What was rejected makes way. */
static enum status fit(struct outbox_writing *writing, uint64_t more,
                       bool *fits)
{
    const struct outbox *outbox = writing->outbox;
    enum status status = STATUS_OK;

    *fits = false;
    while (status == STATUS_OK &&
           !(*fits = outbox_used(&writing->standing) + more <=
                     outbox->options.quota_bytes))
        status = outbox_aside_drop(writing);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status store(struct outbox_writing *writing,
                         const struct outbox_put *put,
                         const struct known *known)
{
    const struct outbox_event *event = put->event;
    const struct kept kept = {
        .device = span_text(event->device),
        .leaf = span_text(event->leaf),
        .event_id = span_text(event->event_id),
        .at_ms = event->at_ms,
        .kept_at_ms = put->now_ms,
        .revision = known->revision,
        .renamed = known->renamed,
        .content = event->content,
    };
    struct outbox_standing *standing = &writing->standing;
    size_t record_bytes;
    enum status status =
        outbox_store(writing, writing->outbox->events, standing->last_seq + 1,
                     &kept, &record_bytes);

    if (status != STATUS_OK)
        return status;
    standing->last_seq++;
    standing->kept++;
    standing->kept_bytes += outbox_cost(record_bytes);
    return STATUS_OK;
}

static enum status put_again(struct outbox_writing *writing,
                             struct outbox_put *put, struct known *known)
{
    uint32_t day = seen_day(put->now_ms);
    enum status status = STATUS_OK;

    put->news = OUTBOX_REPEAT;
    if (known->day == day)
        return STATUS_OK;
    status = seen_move(writing, put->key, known->day);
    known->day = day;
    return status == STATUS_OK ? known_store(writing, put->key, known) : status;
}

static enum status put_new(struct outbox_writing *writing,
                           struct outbox_put *put, struct known *known,
                           bool is_known)
{
    uint32_t day = seen_day(put->now_ms);
    enum status status = STATUS_OK;

    put->news = is_known ? OUTBOX_EDITION : OUTBOX_NEW;
    if (is_known) {
        known->revision++;
        if (known->day != day)
            status = seen_move(writing, put->key, known->day);
    } else {
        status = known_elsewhere(writing, put->key, &known->renamed);
        writing->standing.known++;
    }
    known->day = day;
    known_add(known, put->content);
    if (status == STATUS_OK)
        status = known_store(writing, put->key, known);
    return status == STATUS_OK ? store(writing, put, known) : status;
}

/* put->status says what became of it; a failure is one of the transaction. */
static enum status put_one(struct outbox_writing *writing,
                           struct outbox_put *put, bool disk_full)
{
    struct known known = {.count = 0};
    enum status status = known_find(writing, put->key, &known);
    bool is_known = status == STATUS_OK;
    bool fits = false;

    put->status = STATUS_OK;
    if (!is_known && status != STATUS_NOT_FOUND)
        return status;
    if (is_known && known_has(&known, put->content))
        return put_again(writing, put, &known);
    status = disk_full
                 ? STATUS_OK
                 : fit(writing,
                       outbox_cost(put->event->content.len) + OUTBOX_KNOWN_COST,
                       &fits);
    if (status == STATUS_OK && fits)
        return put_new(writing, put, &known, is_known);
    put->status = STATUS_FULL;
    return status;
}

/* ---- a group ------------------------------------------------------------ */

static enum status group_write(struct outbox *outbox, struct outbox_put *first,
                               bool disk_full)
{
    struct outbox_writing writing;
    enum status status = outbox_writing_begin(outbox, &writing);

    if (status != STATUS_OK)
        return status;
    for (struct outbox_put *put = first; status == STATUS_OK && put != NULL;
         put = put->next)
        status = put_one(&writing, put, disk_full);
    if (status == STATUS_OK)
        status = outbox_expire(&writing, first->now_ms);
    if (status == STATUS_OK)
        return outbox_writing_commit(&writing);
    outbox_writing_abort(&writing);
    return status;
}

static enum status group_try(struct outbox *outbox, struct outbox_put *first)
{
    uint64_t bytes = 0;
    enum status status = outbox_ready(outbox);

    if (status != STATUS_OK)
        return status;
    for (const struct outbox_put *put = first; put != NULL; put = put->next)
        bytes += outbox_cost(put->event->content.len);
    status = outbox_allocate(outbox, bytes);
    if (status == STATUS_OK || status == STATUS_FULL)
        status = group_write(outbox, first, status == STATUS_FULL);
    return status;
}

/* What one put breaks must not fail the others: they are tried alone. */
static void group_commit(struct outbox *outbox, struct outbox_put *first)
{
    enum status status = group_try(outbox, first);
    struct outbox_put *next;

    if (status == STATUS_OK)
        return;
    if (first->next == NULL) {
        first->status = status;
        return;
    }
    for (struct outbox_put *put = first; put != NULL; put = next) {
        next = put->next;
        put->next = NULL;
        if ((status = group_try(outbox, put)) != STATUS_OK)
            put->status = status;
        put->next = next;
    }
}

/* With the mutex: the first that wait, and leave the rest. */
static struct outbox_put *group_take(struct outbox *outbox)
{
    struct outbox_put *first = outbox->waiting;
    struct outbox_put *last = first;
    size_t bytes = first->event->content.len;

    while (last->next != NULL &&
           (bytes += last->next->event->content.len) <= GROUP_BYTES)
        last = last->next;
    outbox->waiting = last->next;
    if (outbox->waiting == NULL)
        outbox->waiting_end = &outbox->waiting;
    last->next = NULL;
    return first;
}

static void group_done(struct outbox_put *first)
{
    while (first != NULL) {
        struct outbox_put *next = first->next;

        first->done = true; /* its thread may return from now on */
        first = next;
    }
}

/* ---- public ------------------------------------------------------------- */

static bool fits_in(const char *text, size_t most)
{
    size_t len = strlen(text);

    return len >= 1 && len <= most;
}

/* Whoever finds nobody writing writes for all that wait. */
static void put_and_wait(struct outbox *outbox, struct outbox_put *put)
{
    struct outbox_put *first;

    pthread_mutex_lock(&outbox->mutex);
    *outbox->waiting_end = put;
    outbox->waiting_end = &put->next;
    while (!put->done) {
        if (outbox->taken) {
            pthread_cond_wait(&outbox->changed, &outbox->mutex);
            continue;
        }
        outbox->taken = true;
        first = group_take(outbox);
        pthread_mutex_unlock(&outbox->mutex);
        group_commit(outbox, first);
        pthread_mutex_lock(&outbox->mutex);
        group_done(first);
        outbox->taken = false;
        pthread_cond_broadcast(&outbox->changed);
    }
    pthread_mutex_unlock(&outbox->mutex);
}

enum status outbox_put(struct outbox *outbox, const struct outbox_event *event,
                       int64_t now_ms, enum outbox_news *news)
{
    struct outbox_put put = {.event = event, .now_ms = now_ms};

    if (!fits_in(event->device, OUTBOX_DEVICE_MAX) ||
        !fits_in(event->leaf, OUTBOX_LEAF_MAX) ||
        !fits_in(event->event_id, OUTBOX_ID_MAX) ||
        event->content.len > OUTBOX_CONTENT_MAX)
        return STATUS_INVALID;
    known_key(event, put.key);
    put.content =
        hash_span(0, event->telling.len > 0 ? event->telling : event->content);
    put_and_wait(outbox, &put);
    *news = put.news;
    return put.status;
}
