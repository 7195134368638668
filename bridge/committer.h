/*
 * committer.h - the one thread that writes the store, in groups that form by
 * themselves.
 *
 * Whoever wants a change submits a struct work.  The committer takes all that
 * waits, opens one group, calls apply of each in the order submitted, and
 * commits: durable of each when the log is on disk, done of each when the hot
 * environment is written too (or the group failed).  While it syncs, the next
 * group gathers.  An event is never kept waiting; a group of outcomes alone
 * lingers for 10 ms or 128 of them, because each group costs the same pages
 * whether it holds one outcome or a hundred.
 *
 * apply changes nothing but the open group (queue_put_...), because a group
 * that cannot be committed is undone and tried again.  When apply of a
 * stallable work (ingest) answers FULL or anything else that waiting may cure,
 * that work and all stallable work behind it wait; the rest goes on.  Any other
 * failure of apply must leave nothing half put; it goes to done and the group
 * goes on.  When a whole group cannot be committed its stallable work waits too
 * and is tried again every second; all other work is told the status.
 */
#ifndef SAMPAN_COMMITTER_H
#define SAMPAN_COMMITTER_H

#include "clock.h"
#include "queue.h"

struct committer;

struct work {
    /* In the committer's thread, inside a group. */
    enum status (*apply)(struct work *work, struct queue *queue,
                         int64_t now_ms);
    /* Log on disk; may be NULL; must not block.  Only after apply said OK. */
    void (*durable)(struct work *work);
    /* The end of it: the work belongs to the callee from here. */
    void (*done)(struct work *work, enum status status);
    bool stallable;
    bool lazy; /* nobody waits for it: 10 ms for company are allowed */
    size_t weight_bytes; /* about what it will write; ends a group early */
    struct work *next;   /* the committer's */
    enum status result;  /* the committer's */
};

struct committer_events {
    /* Once a second, in the committer's thread with a group open: deadlines,
     * upload times. */
    enum status (*tick)(void *arg, struct queue *queue, int64_t now_ms);
    /* After the durable of every work of a group. */
    void (*durable)(void *arg);
    /* After each group. */
    void (*committed)(void *arg);
    /* The store cannot take more (true) or can again (false). */
    void (*full)(void *arg, bool full, const char *why);
    /* A settled month was shed or dropped. */
    void (*kept)(void *arg, enum queue_kept kept, const char *month);
    void *arg;
};

MUST_CHECK enum status committer_open(struct queue *queue,
                                      const struct clock *clock,
                                      const struct committer_events *events,
                                      struct committer **committer);
/* Any thread; never blocks; takes the work. */
void committer_submit(struct committer *committer, struct work *work);
/*
 * Submit and wait for done: for admin and tests, never from the committer's
 * thread.  apply is called with arg.
 */
MUST_CHECK enum status committer_run(struct committer *committer,
                                     enum status (*apply)(void *arg,
                                                          struct queue *queue,
                                                          int64_t now_ms),
                                     void *arg);
/* Commits what was submitted (stalled work ends with CLOSED), then joins. */
void committer_close(struct committer *committer);

#endif
