/*
 * The books: day sums, and how much room there is.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "bits.h"

/* Full at nine tenths: the rest is for outcomes, notes and what LMDB needs to
 * write anew when it removes. */
#define FULL_NUMERATOR 9
#define FULL_DENOMINATOR 10

/* ---- sums ------------------------------------------------------------- */

struct sum {
    struct sum_key key; /* its month is of no account here */
    uint64_t counts[SUM_BUCKETS];
};

struct sums {
    struct sum *list;
    size_t count;
    size_t room;
};

static enum status sums_add(struct sums *sums, struct sum_key key,
                            const uint64_t counts[static SUM_BUCKETS])
{
    size_t room = sums->room == 0 ? 16 : sums->room * 2;
    struct sum *list = sums->list;

    for (size_t i = 0; i < sums->count; i++) {
        if (list[i].key.first != key.first || list[i].key.second != key.second)
            continue;
        for (size_t b = 0; b < SUM_BUCKETS; b++)
            list[i].counts[b] += counts[b];
        return STATUS_OK;
    }
    if (sums->count == sums->room) {
        list = realloc(list, room * sizeof *list);
        if (list == NULL)
            return STATUS_NOMEM;
        sums->list = list;
        sums->room = room;
    }
    list[sums->count] = (struct sum){.key = key};
    memcpy(list[sums->count].counts, counts, sizeof list->counts);
    sums->count++;
    return STATUS_OK;
}

/* The rows of a day lie together, one a month and name. */
static enum status walk_sums(MDB_cursor *cursor, char class, uint32_t day,
                             struct sums *sums)
{
    uint8_t start[SUM_KEY_SIZE];
    MDB_val key = {sizeof start, start};
    MDB_val value;
    struct sum_key at;
    uint64_t counts[SUM_BUCKETS];
    enum status status = STATUS_OK;
    int answer;

    sum_key_write(start, (struct sum_key){class, day, 0, 0, 0});
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (answer == 0 && status == STATUS_OK) {
        if (!sum_key_read(value_span(key), &at) || at.class != class ||
            at.day != day)
            break;
        status = sum_value_read(value_span(value), counts);
        if (status == STATUS_OK)
            status = sums_add(sums, at, counts);
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (status == STATUS_OK && answer != 0 && answer != MDB_NOTFOUND)
        status = env_status(answer);
    return status;
}

static enum status read_sums(struct queue *queue, char class, uint32_t day,
                             struct sums *sums)
{
    struct look look;
    MDB_cursor *cursor;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = env_status(mdb_cursor_open(look.hot, queue->hot.sums, &cursor));
    if (status == STATUS_OK) {
        status = walk_sums(cursor, class, day, sums);
        mdb_cursor_close(cursor);
    }
    look_end(&look);
    return status;
}

static uint64_t total(const uint64_t *counts, size_t buckets)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < buckets; i++)
        sum += counts[i];
    return sum;
}

enum status queue_day_events(struct queue *queue, uint32_t day,
                             void (*visit)(void *arg, const char *kind,
                                           const struct queue_event_sums *sums),
                             void *arg)
{
    struct sums sums = {0};
    enum status status = read_sums(queue, 'E', day, &sums);

    for (size_t i = 0; status == STATUS_OK && i < sums.count; i++) {
        const struct sum *sum = &sums.list[i];
        struct queue_event_sums out = {total(sum->counts, QUEUE_FATES), {0}};

        memcpy(out.fates, sum->counts, sizeof out.fates);
        visit(arg, names_text(&queue->names, sum->key.first), &out);
    }
    free(sums.list);
    return status;
}

enum status queue_day_deliveries(
    struct queue *queue, uint32_t day,
    void (*visit)(void *arg, const char *destination, const char *interface,
                  const struct queue_delivery_sums *sums),
    void *arg)
{
    struct sums sums = {0};
    enum status status = read_sums(queue, 'D', day, &sums);

    for (size_t i = 0; status == STATUS_OK && i < sums.count; i++) {
        const struct sum *sum = &sums.list[i];
        struct queue_delivery_sums out = {total(sum->counts, QUEUE_STATES),
                                          {0}};

        memcpy(out.states, sum->counts, sizeof out.states);
        visit(arg, names_text(&queue->names, sum->key.first),
              names_text(&queue->names, sum->key.second), &out);
    }
    free(sums.list);
    return status;
}

/* ---- space ------------------------------------------------------------ */

void space_measure(const struct queue *queue, uint64_t *used_bytes,
                   uint64_t *fs_free_bytes)
{
    struct statvfs file_system;

    *used_bytes = env_used_bytes(&queue->hot.env);
    for (size_t i = 0; i < queue->months.count; i++)
        *used_bytes += env_used_bytes(&queue->months.list[i]->env);
    /* A file system that does not tell is taken for one with room. */
    *fs_free_bytes = statvfs(queue->folder, &file_system) == 0
                         ? (uint64_t)file_system.f_bavail * file_system.f_frsize
                         : UINT64_MAX;
}

bool space_full(const struct queue *queue, uint64_t used_bytes,
                uint64_t fs_free_bytes, uint64_t more)
{
    uint64_t quota = queue->options.quota_bytes;
    uint64_t limit = quota / FULL_DENOMINATOR * FULL_NUMERATOR;
    uint64_t reserve = queue->options.reserve_bytes;

    return used_bytes + more >= limit || fs_free_bytes < reserve ||
           fs_free_bytes - reserve < more;
}

enum status queue_space_read(struct queue *queue, struct queue_space *space)
{
    struct look look;
    struct standing standing;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    *space = (struct queue_space){
        .quota_bytes = queue->options.quota_bytes,
        .reserve_bytes = queue->options.reserve_bytes,
        .months = (int)queue->months.count,
    };
    space_measure(queue, &space->used_bytes, &space->fs_free_bytes);
    space->full = space_full(queue, space->used_bytes, space->fs_free_bytes, 0);
    if (queue->months.count > 0)
        memcpy(space->oldest_month, queue->months.list[0]->name,
               sizeof space->oldest_month);
    status = standing_read(&queue->hot, look.hot, &standing);
    space->newest_seq = standing.indexed;
    look_end(&look);
    return status;
}
