/*
 * roster.h - who posts, when each camera was last heard, and what was counted.
 *
 *   online   from the first word heard
 *   offline  nothing heard for its silent_after_s, told with the last time
 *
 * Any thread.
 */
#ifndef SAMPAN_ROSTER_H
#define SAMPAN_ROSTER_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "camera_config.h"
#include "courier.h"

struct roster;

/* All are borrowed until the free.  NOMEM. */
MUST_CHECK enum status roster_make(const struct cameras_config *config,
                                   struct courier *courier,
                                   const struct clock *clock,
                                   struct roster **roster);
void roster_free(struct roster *roster);

/* The cameras of a maker that may post from peer; up to max of them. */
size_t roster_at(const struct roster *roster, const struct sockaddr *peer,
                 int maker, const struct camera_config **cameras, size_t max);
/* Whether any camera may. */
bool roster_knows(const struct roster *roster, const struct sockaddr *peer);

/* It said something. */
void roster_heard(struct roster *roster, const struct camera_config *camera);
/* Tell who has fallen silent; called every second. */
void roster_tick(struct roster *roster);

/* clang-format off */
#define TALLY_TABLE(X)                                                       \
    X(EVENTS,    "events")    /* stored for the first time */                \
    X(EDITIONS,  "editions")  /* stored with more content */                 \
    X(REPEATS,   "repeats")                                                  \
    X(NOTES,     "notes")     /* heartbeats, registrations, other messages */ \
    X(SMALLER,   "smaller")   /* pictures made smaller */                    \
    X(LEFT_OUT,  "left_out")  /* pictures left out */                        \
    X(BAD,       "bad")       /* could not be decoded */                     \
    X(REFUSED,   "refused")   /* strangers, wrong passwords, wrong paths */  \
    X(TORN,      "torn")      /* requests that ended before they were whole */ \
    X(LATER,     "later")     /* told to come again */                       \
    X(BYTES,     "bytes")
/* clang-format on */

enum tally {
#define X(name, word) TALLY_##name,
    TALLY_TABLE(X)
#undef X
        TALLY_COUNT
};

void roster_count(struct roster *roster, enum tally tally, uint64_t more);
uint64_t roster_tally(const struct roster *roster, enum tally tally);

#endif
