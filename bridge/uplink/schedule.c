#include "schedule.h"

#include <assert.h>
#include <stdlib.h>

#include "idmap.h"

enum stage { STAGE_CANDIDATE, STAGE_FLIGHT, STAGE_RESEND, STAGE_COMMITTING };

#define NOBODY UINT32_MAX

struct item {
    uint64_t id; /* 0: the item is free */
    uint64_t key;
    int64_t due_ms;
    uint32_t next; /* of its lane's list, or of the free list */
    uint32_t attempts;
    enum source source;
    enum stage stage;
    bool excused;
    uint64_t excused_at; /* the progress then */
};

struct lane {
    uint32_t first, last;
};

struct schedule {
    struct schedule_options options;
    struct item *items;
    uint32_t item_count;
    uint32_t free;
    struct idmap by_id;
    struct idmap holders; /* key -> item that holds it */
    struct lane lanes[SOURCES];
    uint32_t *resends; /* a heap by due_ms */
    size_t resend_count;
    size_t resend_capacity;
    struct schedule_counts counts;
    enum source turn; /* the source whose turn it is */
    uint64_t random;
};

enum status schedule_open(const struct schedule_options *options,
                          struct schedule **schedule)
{
    struct schedule *fresh = calloc(1, sizeof *fresh);

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->options = *options;
    fresh->free = NOBODY;
    for (int i = 0; i < SOURCES; i++)
        fresh->lanes[i] = (struct lane){NOBODY, NOBODY};
    fresh->random = options->seed | 1;
    *schedule = fresh;
    return STATUS_OK;
}

void schedule_close(struct schedule *schedule)
{
    if (schedule == NULL)
        return;
    idmap_free(&schedule->by_id);
    idmap_free(&schedule->holders);
    free(schedule->resends);
    free(schedule->items);
    free(schedule);
}

size_t schedule_room(const struct schedule *schedule, enum source source)
{
    size_t have = schedule->counts.candidates[source];

    if (schedule->counts.resending >= schedule->options.resends_max ||
        have >= schedule->options.candidates_max)
        return 0;
    return schedule->options.candidates_max - have;
}

bool schedule_knows(const struct schedule *schedule, uint64_t id)
{
    return idmap_find(&schedule->by_id, id) != IDMAP_NONE;
}

static struct item *item_of(const struct schedule *schedule, uint64_t id)
{
    uint32_t at = idmap_find(&schedule->by_id, id);

    assert(at != IDMAP_NONE);
    return &schedule->items[at];
}

static uint32_t index_of(const struct schedule *schedule,
                         const struct item *item)
{
    return (uint32_t)(item - schedule->items);
}

static enum status items_grow(struct schedule *schedule)
{
    uint32_t count = schedule->item_count == 0 ? 64 : schedule->item_count * 2;
    struct item *items = realloc(schedule->items, count * sizeof *items);

    if (items == NULL)
        return STATUS_NOMEM;
    schedule->items = items;
    for (uint32_t i = count; i-- > schedule->item_count;) {
        items[i] = (struct item){.next = schedule->free};
        schedule->free = i;
    }
    schedule->item_count = count;
    return STATUS_OK;
}

static void lane_append(struct schedule *schedule, uint32_t at)
{
    struct lane *lane = &schedule->lanes[schedule->items[at].source];

    schedule->items[at].next = NOBODY;
    if (lane->last == NOBODY)
        lane->first = at;
    else
        schedule->items[lane->last].next = at;
    lane->last = at;
}

enum status schedule_add(struct schedule *schedule, enum source source,
                         uint64_t id, uint64_t key)
{
    enum status status;
    uint32_t at;

    if (schedule_knows(schedule, id))
        return STATUS_EXISTS;
    if (schedule->free == NOBODY &&
        (status = items_grow(schedule)) != STATUS_OK)
        return status;
    at = schedule->free;
    status = idmap_set(&schedule->by_id, id, at);
    if (status != STATUS_OK)
        return status;
    schedule->free = schedule->items[at].next;
    schedule->items[at] = (struct item){
        .id = id, .key = key, .source = source, .stage = STAGE_CANDIDATE};
    lane_append(schedule, at);
    schedule->counts.candidates[source]++;
    return STATUS_OK;
}

/* ---- the heap of resends ------------------------------------------------ */

static bool earlier(const struct schedule *schedule, size_t a, size_t b)
{
    const struct item *left = &schedule->items[schedule->resends[a]];
    const struct item *right = &schedule->items[schedule->resends[b]];

    return left->due_ms < right->due_ms ||
           (left->due_ms == right->due_ms && left->id < right->id);
}

static void heap_swap(struct schedule *schedule, size_t a, size_t b)
{
    uint32_t kept = schedule->resends[a];

    schedule->resends[a] = schedule->resends[b];
    schedule->resends[b] = kept;
}

static void heap_down(struct schedule *schedule, size_t at)
{
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < schedule->resend_count &&
                earlier(schedule, child, least))
                least = child;
        if (least == at)
            return;
        heap_swap(schedule, at, least);
        at = least;
    }
}

static void heap_up(struct schedule *schedule, size_t at)
{
    for (; at > 0 && earlier(schedule, at, (at - 1) / 2); at = (at - 1) / 2)
        heap_swap(schedule, at, (at - 1) / 2);
}

static bool heap_push(struct schedule *schedule, uint32_t item)
{
    if (schedule->resend_count == schedule->resend_capacity) {
        size_t capacity = schedule->resend_capacity * 2 + 64;
        uint32_t *resends =
            realloc(schedule->resends, capacity * sizeof *resends);

        if (resends == NULL)
            return false;
        schedule->resends = resends;
        schedule->resend_capacity = capacity;
    }
    schedule->resends[schedule->resend_count++] = item;
    heap_up(schedule, schedule->resend_count - 1);
    return true;
}

static void heap_remove(struct schedule *schedule, size_t at)
{
    schedule->resends[at] = schedule->resends[--schedule->resend_count];
    if (at < schedule->resend_count) {
        heap_down(schedule, at);
        heap_up(schedule, at);
    }
}

/* ---- taking ------------------------------------------------------------- */

static bool key_is_free(const struct schedule *schedule,
                        const struct item *item)
{
    return item->key == 0 ||
           idmap_find(&schedule->holders, item->key) == IDMAP_NONE;
}

/* The first candidate of a lane whose key nobody holds, taken out. */
static uint32_t lane_take(struct schedule *schedule, enum source source)
{
    struct lane *lane = &schedule->lanes[source];
    uint32_t before = NOBODY;

    for (uint32_t at = lane->first; at != NOBODY;
         before = at, at = schedule->items[at].next) {
        if (!key_is_free(schedule, &schedule->items[at]))
            continue;
        if (before == NOBODY)
            lane->first = schedule->items[at].next;
        else
            schedule->items[before].next = schedule->items[at].next;
        if (lane->last == at)
            lane->last = before;
        schedule->counts.candidates[source]--;
        return at;
    }
    return NOBODY;
}

static uint32_t candidate_take(struct schedule *schedule)
{
    for (int tries = 0; tries < SOURCE_REPLAY; tries++) {
        enum source source = schedule->turn;
        uint32_t at = lane_take(schedule, source);

        schedule->turn = (source + 1) % SOURCE_REPLAY; /* the last is apart */
        if (at != NOBODY)
            return at;
    }
    return lane_take(schedule, SOURCE_REPLAY);
}

static bool launch(struct schedule *schedule, uint32_t at, uint64_t *id)
{
    struct item *item = &schedule->items[at];

    if (item->key != 0 &&
        idmap_set(&schedule->holders, item->key, at) != STATUS_OK) {
        lane_append(schedule, at);
        schedule->counts.candidates[item->source]++;
        return false;
    }
    item->stage = STAGE_FLIGHT;
    item->attempts++;
    schedule->counts.in_flight++;
    *id = item->id;
    return true;
}

bool schedule_take(struct schedule *schedule, int64_t now_ms, uint64_t *id)
{
    uint32_t at;

    if (schedule->resend_count > 0 &&
        schedule->items[schedule->resends[0]].due_ms <= now_ms) {
        at = schedule->resends[0];
        heap_remove(schedule, 0);
        schedule->counts.resending--;
        schedule->items[at].stage = STAGE_FLIGHT;
        schedule->items[at].attempts++;
        schedule->counts.in_flight++;
        *id = schedule->items[at].id;
        return true;
    }
    if (schedule->counts.resending >= schedule->options.resends_max)
        return false;
    at = candidate_take(schedule);
    return at != NOBODY && launch(schedule, at, id);
}

static void key_release(struct schedule *schedule, const struct item *item)
{
    if (item->key != 0 &&
        idmap_find(&schedule->holders, item->key) == index_of(schedule, item))
        idmap_remove(&schedule->holders, item->key);
}

static void lane_prepend(struct schedule *schedule, uint32_t at)
{
    struct lane *lane = &schedule->lanes[schedule->items[at].source];

    schedule->items[at].next = lane->first;
    lane->first = at;
    if (lane->last == NOBODY)
        lane->last = at;
}

/* Out of flight, as if it had not been sent. */
static void unsend(struct schedule *schedule, struct item *item)
{
    assert(item->stage == STAGE_FLIGHT);
    schedule->counts.in_flight--;
    item->attempts--;
    key_release(schedule, item);
    item->stage = STAGE_CANDIDATE;
    schedule->counts.candidates[item->source]++;
}

void schedule_give_back(struct schedule *schedule, uint64_t id)
{
    struct item *item = item_of(schedule, id);

    unsend(schedule, item);
    lane_prepend(schedule, index_of(schedule, item));
}

bool schedule_excuse(struct schedule *schedule, uint64_t id, uint64_t progress)
{
    struct item *item = item_of(schedule, id);

    if (item->excused && progress > item->excused_at)
        return false;
    item->excused = true;
    item->excused_at = progress;
    unsend(schedule, item);
    if (item->key == 0)
        lane_append(schedule, index_of(schedule, item));
    else /* its order among those of its key stays */
        lane_prepend(schedule, index_of(schedule, item));
    return true;
}

/* xorshift64: good enough to keep resends apart. */
static int64_t jittered(struct schedule *schedule, int64_t delay_ms)
{
    int64_t most = delay_ms * schedule->options.jitter_percent / 100;

    schedule->random ^= schedule->random << 13;
    schedule->random ^= schedule->random >> 7;
    schedule->random ^= schedule->random << 17;
    return most == 0
               ? delay_ms
               : delay_ms + (int64_t)(schedule->random % (uint64_t)(most + 1));
}

bool schedule_fail(struct schedule *schedule, uint64_t id, int64_t now_ms,
                   int64_t *due_ms)
{
    struct item *item = item_of(schedule, id);

    assert(item->stage == STAGE_FLIGHT);
    if (item->attempts > SCHEDULE_RESENDS) {
        schedule_settle(schedule, id);
        return false;
    }
    item->due_ms =
        now_ms +
        jittered(schedule,
                 schedule->options.resend_after_ms[item->attempts - 1]);
    if (!heap_push(schedule, index_of(schedule, item))) {
        schedule_settle(schedule, id); /* no memory: the disk remembers it */
        return false;
    }
    item->stage = STAGE_RESEND;
    schedule->counts.in_flight--;
    schedule->counts.resending++;
    *due_ms = item->due_ms;
    return true;
}

void schedule_settle(struct schedule *schedule, uint64_t id)
{
    struct item *item = item_of(schedule, id);

    assert(item->stage == STAGE_FLIGHT);
    schedule->counts.in_flight--;
    schedule->counts.committing++;
    item->stage = STAGE_COMMITTING;
    key_release(schedule, item);
}

static void resend_drop(struct schedule *schedule, uint32_t at)
{
    for (size_t i = 0; i < schedule->resend_count; i++)
        if (schedule->resends[i] == at) {
            heap_remove(schedule, i);
            return;
        }
}

static void candidate_drop(struct schedule *schedule, uint32_t wanted)
{
    struct lane *lane = &schedule->lanes[schedule->items[wanted].source];
    uint32_t before = NOBODY;

    for (uint32_t at = lane->first; at != wanted; at = schedule->items[at].next)
        before = at;
    if (before == NOBODY)
        lane->first = schedule->items[wanted].next;
    else
        schedule->items[before].next = schedule->items[wanted].next;
    if (lane->last == wanted)
        lane->last = before;
}

void schedule_forget(struct schedule *schedule, uint64_t id)
{
    struct item *item = item_of(schedule, id);
    uint32_t at = index_of(schedule, item);

    key_release(schedule, item);
    switch (item->stage) {
    case STAGE_CANDIDATE:
        candidate_drop(schedule, at);
        schedule->counts.candidates[item->source]--;
        break;
    case STAGE_FLIGHT:
        schedule->counts.in_flight--;
        break;
    case STAGE_RESEND:
        resend_drop(schedule, at);
        schedule->counts.resending--;
        break;
    case STAGE_COMMITTING:
        schedule->counts.committing--;
        break;
    }
    idmap_remove(&schedule->by_id, id);
    *item = (struct item){.next = schedule->free};
    schedule->free = at;
}

unsigned schedule_attempts(const struct schedule *schedule, uint64_t id)
{
    return item_of(schedule, id)->attempts;
}

enum source schedule_source(const struct schedule *schedule, uint64_t id)
{
    return item_of(schedule, id)->source;
}

int64_t schedule_due(const struct schedule *schedule)
{
    return schedule->resend_count == 0
               ? INT64_MAX
               : schedule->items[schedule->resends[0]].due_ms;
}

struct schedule_counts schedule_counts(const struct schedule *schedule)
{
    return schedule->counts;
}
