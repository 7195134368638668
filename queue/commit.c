/*
 * A group: its begin, its commit in two environments, its undoing.
 */
#include "store.h"

#include <assert.h>

#define ROOM_MAX (UINT64_C(1) << 30)

/* ---- begin ------------------------------------------------------------ */

/* The month that now_ms falls in, or the newest when the clock went back. */
static enum status choose_month(struct queue *queue, int64_t now_ms,
                                struct month **month)
{
    uint32_t number = month_number(now_ms);
    struct month *newest = months_newest(&queue->months);
    enum status status;

    *month = newest;
    if (newest != NULL && newest->number >= number)
        return STATUS_OK;
    status = store_month_begin(queue, number, month);
    /* No room for a new one must not end what the old one still takes. */
    if (status != STATUS_OK && newest != NULL) {
        *month = newest;
        return STATUS_OK;
    }
    return status;
}

static enum status make_room(struct queue *queue, struct env *env)
{
    enum status status;

    if (env_has_room(env, queue->room_bytes))
        return STATUS_OK;
    pthread_rwlock_wrlock(&queue->guard);
    status = env_make_room(env, queue->room_bytes);
    pthread_rwlock_unlock(&queue->guard);
    return status;
}

/* After a commit that failed: what is on disk decides. */
static enum status catch_up(struct queue *queue)
{
    uint64_t applied;
    uint64_t damaged;
    enum status status = store_reopen(queue);

    if (status == STATUS_OK)
        status = make_room(queue, &queue->hot.env);
    if (status == STATUS_OK)
        status = store_replay(queue, &applied, &damaged);
    if (status == STATUS_OK)
        queue->hot_behind = false;
    return status;
}

static enum status open_transactions(struct queue *queue, struct group *group)
{
    enum status status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, 0, &group->hot_txn));

    if (status != STATUS_OK)
        return status;
    status = env_status(
        mdb_txn_begin(group->month->env.mdb, NULL, 0, &group->log_txn));
    if (status != STATUS_OK)
        mdb_txn_abort(group->hot_txn);
    return status;
}

enum status queue_begin(struct queue *queue, int64_t now_ms)
{
    struct group group = {.open = true};
    enum status status = STATUS_OK;

    assert(!queue->group.open && !queue->reader);
    if (queue->hot_behind && (status = catch_up(queue)) != STATUS_OK)
        return status;
    if ((status = choose_month(queue, now_ms, &group.month)) != STATUS_OK ||
        (status = make_room(queue, &queue->hot.env)) != STATUS_OK ||
        (status = make_room(queue, &group.month->env)) != STATUS_OK)
        return status;
    if ((status = open_transactions(queue, &group)) != STATUS_OK) {
        queue->hot_behind = true; /* they are opened anew next time */
        return status;
    }
    space_measure(queue, &queue->used_bytes, &queue->fs_free_bytes);
    group.standing = queue->standing;
    queue->group = group;
    atomic_store(&queue->writer, (uintptr_t)pthread_self());
    return STATUS_OK;
}

/* ---- end -------------------------------------------------------------- */

/* The group is over, however it ended. */
static void close_group(struct queue *queue)
{
    atomic_store(&queue->writer, 0);
    tally_clear(&queue->tally);
    queue->group = (struct group){0};
}

void queue_abort(struct queue *queue)
{
    assert(queue->group.open);
    mdb_txn_abort(queue->group.hot_txn);
    mdb_txn_abort(queue->group.log_txn);
    close_group(queue);
}

/* Undone because a map was full: the next group finds a larger one. */
static enum status undo(struct queue *queue, enum status status)
{
    if (status == STATUS_FULL && queue->room_bytes < ROOM_MAX)
        queue->room_bytes *= 4;
    queue_abort(queue);
    return status;
}

/* The log is on disk; what becomes of hot does not undo the group. */
static void commit_hot(struct queue *queue)
{
    struct group *group = &queue->group;
    uint32_t names = atomic_load(&queue->names.count);

    if (mdb_txn_commit(group->hot_txn) != 0) {
        queue->hot_behind = true;
        return;
    }
    queue->standing = group->standing;
    queue->names.stored = names;
}

struct queue_made queue_borrow_made(const struct queue *queue)
{
    const struct group *group = &queue->group;
    uint64_t after = queue->standing.indexed;

    return (struct queue_made){
        .after = after,
        .until = !group->open              ? after
                 : group->fresh_until != 0 ? group->fresh_until - 1
                                           : group->standing.indexed,
        .list = queue->fresh,
        .count = group->fresh_count,
    };
}

static enum status commit_records(struct queue *queue,
                                  void (*durable)(void *arg), void *arg)
{
    struct group *group = &queue->group;
    uint64_t bytes = group->bytes;
    enum status status = env_status(mdb_txn_commit(group->log_txn));

    if (status != STATUS_OK) {
        mdb_txn_abort(group->hot_txn);
        close_group(queue);
        queue->hot_behind = true; /* whether it is on disk is not known */
        return status;
    }
    group->month->last_seq = group->standing.indexed;
    if (durable != NULL)
        durable(arg);
    commit_hot(queue);
    close_group(queue);
    store_moved(queue, bytes);
    return STATUS_OK;
}

enum status queue_commit(struct queue *queue, void (*durable)(void *arg),
                         void *arg)
{
    struct group *group = &queue->group;
    enum status status;

    assert(group->open);
    if (group->broken != STATUS_OK)
        return undo(queue, group->broken);
    if (group->records == 0) {
        queue_abort(queue);
        if (durable != NULL)
            durable(arg);
        return STATUS_OK;
    }
    status = apply_finish(queue, group->hot_txn, &group->standing,
                          group->month->number);
    if (status != STATUS_OK)
        return undo(queue, status);
    return commit_records(queue, durable, arg);
}
