/*
 * listener.h - the HTTP port that cameras push to.
 *
 *   head --admission--> refused: the body is read away, then the answer
 *          |
 *          +--> body, counted against its limit and that of all bodies
 *                 |
 *                 +--> intake_take (on disk) --> the answer its maker wants
 *
 * A request must be whole within request_s, however slowly it trickles, and a
 * connection is closed after idle_s without one.  An answer of 200 leaves only
 * after the event is on disk.
 *
 * listener_tick is called every second; the rest happens in its own threads.
 */
#ifndef SAMPAN_LISTENER_H
#define SAMPAN_LISTENER_H

#include "intake.h"

struct listener;

struct listener_options {
    const struct cameras_config *config;
    const struct clock *clock;
    struct roster *roster;
    struct intake *intake;
};

#define LISTENER_WHY_MAX 160

/* Borrows what options name until the close.  IO, INVALID (a certificate that
 * cannot be used), NOMEM: why tells. */
MUST_CHECK enum status listener_open(const struct listener_options *options,
                                     char why[static LISTENER_WHY_MAX],
                                     struct listener **listener);
/* Cut off what takes too long. */
void listener_tick(struct listener *listener);
void listener_close(struct listener *listener);

#endif
