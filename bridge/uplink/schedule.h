/*
 * schedule.h - which delivery of a destination goes next, and when again.
 *
 *   add --> CANDIDATE --take--> FLIGHT --settle--> COMMITTING --forget--> gone
 *              ^                  |  |                ^
 *              +---- give_back ---+  +-- fail: RESEND |  (after its delay taken
 *                                    |     or         |   before any candidate)
 *                                    +-- fail: parked-+
 *
 * A candidate comes from one of four sources.  Resends that are due go first;
 * then fresh, backlog and parked are taken in turn; replays go when none of
 * them has one.  Deliveries with the same key go one by one: the holder
 * keeps its key through its resends and gives it up when it is settled.
 *
 * Pure: no clock, no store, no thread.  Times are steady milliseconds.
 * Memory is bounded by the limits given: schedule_room is 0 when full.
 */
#ifndef SAMPAN_SCHEDULE_H
#define SAMPAN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* FRESH: what came since the destination was last reached, or lately; BACKLOG:
 * what has waited since before. */
enum source {
    SOURCE_FRESH,
    SOURCE_BACKLOG,
    SOURCE_PARKED,
    SOURCE_REPLAY,
    SOURCES,
};

#define SCHEDULE_RESENDS                                                       \
    3 /* Liaoning 6.2.5, Nantong 8.8: three, then queue                        \
       */

struct schedule_options {
    int64_t resend_after_ms[SCHEDULE_RESENDS];
    unsigned jitter_percent; /* a delay is lengthened by up to this much */
    uint64_t seed;           /* of the jitter */
    size_t candidates_max;   /* waiting here, per lane */
    size_t resends_max;      /* between attempts, in all */
};

struct schedule;

MUST_CHECK enum status schedule_open(const struct schedule_options *options,
                                     struct schedule **schedule);
void schedule_close(struct schedule *schedule);

/* How many more candidates of a lane it would take. */
size_t schedule_room(const struct schedule *schedule, enum source source);
/* Whether an id is known here, in whatever stage. */
bool schedule_knows(const struct schedule *schedule, uint64_t id);
/* EXISTS: known already; NOMEM.  key 0: none. */
MUST_CHECK enum status schedule_add(struct schedule *schedule,
                                    enum source source, uint64_t id,
                                    uint64_t key);

/* The next to send now; it is in flight from here.  false: nothing. */
bool schedule_take(struct schedule *schedule, int64_t now_ms, uint64_t *id);
/* It was not sent, or its answer says nothing about it: no attempt is spent
 * and it is the first candidate of its lane again. */
void schedule_give_back(struct schedule *schedule, uint64_t id);
/*
 * Its answer blames the destination (token, signature): as give_back, but
 * behind the other candidates when it has no key, so that they are tried
 * first.  progress counts what the destination has accepted.  false: it was
 * excused before, and others were accepted since; so it is the record after
 * all, nothing was changed, and the attempt counts.
 */
bool schedule_excuse(struct schedule *schedule, uint64_t id, uint64_t progress);
/* An attempt failed.  true: it will be taken again at *due_ms; false: its
 * resends are used up and it is committing (as parked). */
bool schedule_fail(struct schedule *schedule, uint64_t id, int64_t now_ms,
                   int64_t *due_ms);
/* Its outcome is known and being committed; its key is free. */
void schedule_settle(struct schedule *schedule, uint64_t id);
/* The store knows its outcome, or it is no longer ours to send. */
void schedule_forget(struct schedule *schedule, uint64_t id);

/* Attempts made since it was added (in flight counts). */
unsigned schedule_attempts(const struct schedule *schedule, uint64_t id);
enum source schedule_source(const struct schedule *schedule, uint64_t id);

/* When the next resend is due; INT64_MAX: none waits. */
int64_t schedule_due(const struct schedule *schedule);

struct schedule_counts {
    size_t candidates[SOURCES];
    size_t in_flight;
    size_t resending;
    size_t committing;
};
struct schedule_counts schedule_counts(const struct schedule *schedule);

#endif
