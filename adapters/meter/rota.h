/*
 * rota.h - which meter of a bus is asked next, and for which mark.
 *
 *            a mark begins
 *   READ ---------------------> DUE --rota_answered--> READ
 *     ^                        |   ^
 *     |                rota_silent |  after its delay, behind those
 *     |                        v   |  that have not been asked yet
 *     |                        LATER
 *     +--- the next mark begins: this one is missed, and is counted
 *
 * A mark is a moment of the wall clock in UTC+8 that is a multiple of the
 * meter's interval; a round begins spread_ms after it.  A meter that was
 * silent ROTA_OFFLINE_AFTER times in a row is offline: from then on it is
 * asked behind all others, without repeats, after delays that grow from half a
 * minute to its interval and at most a quarter of an hour.  So an offline
 * meter costs the others one wait for an answer now and then, and is found
 * again when it is back, not at the next mark.
 *
 * The wall clock may jump.  Whatever it does, the mark that it comes to is
 * read, marks that it leapt over are counted as missed, and two readings of a
 * meter are at least a quarter of its interval apart.  Set back by less than
 * an interval, it comes to a mark that was read already: that is not read
 * again.
 *
 * Pure: no clock, no line, no thread.  wall_ms says which mark it is,
 * steady_ms measures delays.
 */
#ifndef SAMPAN_METER_ROTA_H
#define SAMPAN_METER_ROTA_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define ROTA_OFFLINE_AFTER 3

struct rota;

struct rota_turn {
    size_t meter;    /* its number, as in every_ms */
    int64_t mark_ms; /* the mark it is read for */
    bool brief;      /* it is offline: ask one question, once */
};

/* every_ms: the interval of each meter, copied.  NOMEM. */
MUST_CHECK enum status rota_open(const int64_t *every_ms, size_t count,
                                 int64_t spread_ms, struct rota **rota);
void rota_close(struct rota *rota);

/* What was read before this start: nothing is due for that mark again. */
void rota_known(struct rota *rota, size_t meter, int64_t mark_ms);

/*
 * True: ask turn->meter now and tell what came of it.  False: nobody is to be
 * asked; look again after *wait_ms (1 .. ROTA_WAIT_MAX_MS, so that a jump of
 * the clock is noticed).
 */
#define ROTA_WAIT_MAX_MS 5000
bool rota_next(struct rota *rota, int64_t wall_ms, int64_t steady_ms,
               struct rota_turn *turn, int64_t *wait_ms);

enum rota_news {
    ROTA_SAME,
    ROTA_ONLINE,  /* it answered, after it was offline or for the first time */
    ROTA_OFFLINE, /* it was silent too often */
};
enum rota_news rota_answered(struct rota *rota, size_t meter,
                             int64_t steady_ms);
enum rota_news rota_silent(struct rota *rota, size_t meter, int64_t steady_ms);

/* Marks of the meter that went by unread since the last call. */
uint64_t rota_take_missed(struct rota *rota, size_t meter);

/* The mark that wall_ms lies in. */
int64_t rota_mark_of(int64_t every_ms, int64_t wall_ms);

#endif
