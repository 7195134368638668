#include "committer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define GROUP_COUNT_MAX 1024
#define GROUP_BYTES_MAX ((size_t)16 << 20)
#define KEEP_EVERY_MS (10 * SECOND_MS)
#define LINGER_MS 10
#define LINGER_COUNT 128

struct work_list {
    struct work *first;
    struct work *last;
};

struct committer {
    struct queue *queue;
    const struct clock *clock;
    struct committer_events events;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct work_list submitted; /* under lock */
    size_t eager;               /* under lock: of those, who will not wait */
    size_t lazy;                /* under lock: and who may */
    int64_t lazy_since_ms;      /* under lock, monotonic */
    bool closing;               /* under lock */
    struct work_list stalled;   /* the thread's: waits for room */
    bool is_full;               /* the thread's */
    bool tick_was_full;         /* the thread's */
    int64_t tick_at_ms;         /* the thread's, steady */
    int64_t keep_at_ms;         /* the thread's, steady */
};

static void list_append(struct work_list *list, struct work *work)
{
    work->next = NULL;
    if (list->last == NULL)
        list->first = work;
    else
        list->last->next = work;
    list->last = work;
}

static struct work *list_take(struct work_list *list)
{
    struct work *work = list->first;

    if (work != NULL) {
        list->first = work->next;
        if (list->first == NULL)
            list->last = NULL;
        work->next = NULL;
    }
    return work;
}

/* All of more goes behind list, or before it. */
static void list_join(struct work_list *list, struct work_list *more,
                      bool before)
{
    struct work_list *head = before ? more : list;
    struct work_list *tail = before ? list : more;

    if (head->first != NULL && tail->first != NULL)
        head->last->next = tail->first;
    *list = (struct work_list){
        head->first != NULL ? head->first : tail->first,
        tail->last != NULL ? tail->last : head->last,
    };
    *more = (struct work_list){NULL, NULL};
}

/* ---- one group ---------------------------------------------------------- */

static void full_tell(struct committer *committer, bool full, const char *why)
{
    if (committer->is_full == full)
        return;
    committer->is_full = full;
    committer->events.full(committer->events.arg, full, why);
}

struct group {
    struct committer *committer;
    struct work_list list;
};

static void group_durable(void *arg)
{
    struct group *group = arg;

    for (struct work *work = group->list.first; work != NULL; work = work->next)
        if (work->durable != NULL && work->result == STATUS_OK)
            work->durable(work);
    group->committer->events.durable(group->committer->events.arg);
}

/* Apply waiting work to the open group; what has to wait goes to stalled. */
static void group_fill(struct committer *committer, struct work_list *waiting,
                       struct work_list *group, bool tick, int64_t now_ms)
{
    struct work_list refused = {NULL, NULL};
    enum status why = STATUS_FULL;
    size_t bytes = 0;
    size_t count = 0;
    struct work *work;

    while (count < GROUP_COUNT_MAX && bytes < GROUP_BYTES_MAX &&
           (work = list_take(waiting)) != NULL) {
        if (work->stallable &&
            (refused.first != NULL || committer->stalled.first != NULL)) {
            list_append(&refused, work);
            continue;
        }
        work->result = work->apply(work, committer->queue, now_ms);
        if (work->stallable && status_retryable(work->result)) {
            why = work->result;
            list_append(&refused, work);
            continue;
        }
        list_append(group, work);
        bytes += work->weight_bytes;
        count++;
    }
    if (refused.first != NULL)
        full_tell(committer, true, status_text(why));
    else if ((count > 0 || tick) && committer->stalled.first == NULL &&
             !committer->tick_was_full)
        full_tell(committer, false, "");
    list_join(&committer->stalled, &refused, false);
}

/* The group could not be committed: events wait, all others are told. */
static void group_failed(struct committer *committer, struct work_list *group,
                         enum status status)
{
    struct work_list again = {NULL, NULL};
    struct work *work;

    while ((work = list_take(group)) != NULL)
        if (work->stallable)
            list_append(&again, work);
        else
            work->done(work, status);
    if (again.first != NULL)
        full_tell(committer, true, status_text(status));
    list_join(&committer->stalled, &again, true);
}

static void group_run(struct committer *committer, struct work_list *waiting,
                      bool tick)
{
    struct group group = {committer, {NULL, NULL}};
    int64_t now_ms = clock_wall_ms(committer->clock);
    enum status status = queue_begin(committer->queue, now_ms);
    enum status ticked = STATUS_OK;
    struct work *work;

    if (status == STATUS_OK) {
        if (tick) {
            ticked = committer->events.tick(committer->events.arg,
                                            committer->queue, now_ms);
            committer->tick_was_full = ticked == STATUS_FULL;
        }
        group_fill(committer, waiting, &group.list, tick, now_ms);
        status = queue_commit(committer->queue, group_durable, &group);
    } else {
        list_join(&group.list, waiting, false);
    }
    if (status != STATUS_OK) {
        group_failed(committer, &group.list, status);
        return;
    }
    if (ticked == STATUS_FULL)
        full_tell(committer, true, status_text(ticked));
    while ((work = list_take(&group.list)) != NULL)
        work->done(work, work->result);
    committer->events.committed(committer->events.arg);
}

/* ---- the thread --------------------------------------------------------- */

static void keep(struct committer *committer, int64_t steady_ms)
{
    enum queue_kept kept = KEPT_ALL;
    char month[8] = "";

    committer->keep_at_ms =
        steady_ms + (committer->is_full ? SECOND_MS : KEEP_EVERY_MS);
    if (queue_keep(committer->queue, clock_wall_ms(committer->clock), &kept,
                   month) == STATUS_OK &&
        kept != KEPT_ALL)
        committer->events.kept(committer->events.arg, kept, month);
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool work_is_ready(const struct committer *committer)
{
    return committer->closing || committer->eager > 0 ||
           committer->lazy >= LINGER_COUNT;
}

/* Wait for work, but not longer than until the next tick. */
static void wait_for_work(struct committer *committer)
{
    int64_t tick_ms = monotonic_ms() + committer->tick_at_ms -
                      clock_steady_ms(committer->clock);

    while (!work_is_ready(committer)) {
        int64_t until_ms = tick_ms;
        struct timespec until;

        if (committer->lazy > 0 &&
            committer->lazy_since_ms + LINGER_MS < until_ms)
            until_ms = committer->lazy_since_ms + LINGER_MS;
        until.tv_sec = until_ms / 1000;
        until.tv_nsec = until_ms % 1000 * 1000000;
        if (monotonic_ms() >= until_ms)
            return;
        pthread_cond_timedwait(&committer->wanted, &committer->lock, &until);
    }
}

static void stalled_end(struct committer *committer)
{
    struct work *work;

    while ((work = list_take(&committer->stalled)) != NULL)
        work->done(work, STATUS_CLOSED);
}

static void *committer_thread(void *arg)
{
    struct committer *committer = arg;
    struct work_list waiting = {NULL, NULL};
    bool closing = false;

    pthread_setname_np(pthread_self(), "committer");
    while (!closing || waiting.first != NULL) {
        int64_t steady_ms;
        bool tick;

        pthread_mutex_lock(&committer->lock);
        if (waiting.first == NULL)
            wait_for_work(committer);
        list_join(&waiting, &committer->submitted, false);
        committer->eager = 0;
        committer->lazy = 0;
        closing = committer->closing;
        pthread_mutex_unlock(&committer->lock);

        steady_ms = clock_steady_ms(committer->clock);
        tick = steady_ms >= committer->tick_at_ms;
        if (tick) {
            committer->tick_at_ms = steady_ms + SECOND_MS;
            list_join(&waiting, &committer->stalled, true);
        }
        if (tick || waiting.first != NULL)
            group_run(committer, &waiting, tick);
        if (steady_ms >= committer->keep_at_ms)
            keep(committer, steady_ms);
    }
    stalled_end(committer);
    return NULL;
}

enum status committer_open(struct queue *queue, const struct clock *clock,
                           const struct committer_events *events,
                           struct committer **committer)
{
    struct committer *fresh = calloc(1, sizeof *fresh);
    pthread_condattr_t monotonic;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->queue = queue;
    fresh->clock = clock;
    fresh->events = *events;
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&fresh->wanted, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&fresh->thread, NULL, committer_thread, fresh) != 0) {
        pthread_cond_destroy(&fresh->wanted);
        pthread_mutex_destroy(&fresh->lock);
        free(fresh);
        return STATUS_NOMEM;
    }
    *committer = fresh;
    return STATUS_OK;
}

void committer_submit(struct committer *committer, struct work *work)
{
    size_t *count = work->lazy ? &committer->lazy : &committer->eager;
    bool wake;

    pthread_mutex_lock(&committer->lock);
    list_append(&committer->submitted, work);
    ++*count;
    if (work->lazy && *count == 1)
        committer->lazy_since_ms = monotonic_ms();
    /* The first of each kind starts a wait anew or ends it. */
    wake = *count == 1 || (work->lazy && *count == LINGER_COUNT);
    if (wake)
        pthread_cond_signal(&committer->wanted);
    pthread_mutex_unlock(&committer->lock);
}

void committer_close(struct committer *committer)
{
    if (committer == NULL)
        return;
    pthread_mutex_lock(&committer->lock);
    committer->closing = true;
    pthread_cond_signal(&committer->wanted);
    pthread_mutex_unlock(&committer->lock);
    pthread_join(committer->thread, NULL);
    pthread_cond_destroy(&committer->wanted);
    pthread_mutex_destroy(&committer->lock);
    free(committer);
}

/* ---- submit and wait ---------------------------------------------------- */

struct waited {
    struct work work;
    enum status (*apply)(void *arg, struct queue *queue, int64_t now_ms);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    enum status status;
};

static enum status waited_apply(struct work *work, struct queue *queue,
                                int64_t now_ms)
{
    struct waited *waited = (struct waited *)work;

    return waited->apply(waited->arg, queue, now_ms);
}

static void waited_done(struct work *work, enum status status)
{
    struct waited *waited = (struct waited *)work;

    pthread_mutex_lock(&waited->lock);
    waited->status = status;
    waited->has_ended = true;
    pthread_cond_signal(&waited->ended);
    pthread_mutex_unlock(&waited->lock);
}

enum status committer_run(struct committer *committer,
                          enum status (*apply)(void *arg, struct queue *queue,
                                               int64_t now_ms),
                          void *arg)
{
    struct waited waited = {
        .work = {.apply = waited_apply, .done = waited_done},
        .apply = apply,
        .arg = arg,
    };

    pthread_mutex_init(&waited.lock, NULL);
    pthread_cond_init(&waited.ended, NULL);
    committer_submit(committer, &waited.work);
    pthread_mutex_lock(&waited.lock);
    while (!waited.has_ended)
        pthread_cond_wait(&waited.ended, &waited.lock);
    pthread_mutex_unlock(&waited.lock);
    pthread_cond_destroy(&waited.ended);
    pthread_mutex_destroy(&waited.lock);
    return waited.status;
}
