/*
 * scale.h - one weighing indicator: from its line to the courier.
 *
 *            line opens             a weight a vehicle, live weights
 *   DOWN ----------------> UP ------------------------------------> UP
 *    ^                      |
 *    +---- it broke --------+   opened again after 1, 2, 4 .. 30 s, and after
 *                               1 s when a weight had come
 *
 * A report is in memory.h, on disk, before the courier gets it, and waits
 * there while the courier takes nothing.  The scale is told offline when its
 * line does not open or no weight has come for silent_after_s, and online by
 * the next one.
 */
#ifndef SAMPAN_SCALE_H
#define SAMPAN_SCALE_H

#include "config.h"
#include "courier.h"

#define SCALE_LIVE_MS 200          /* between two live weights, at least */
#define SCALE_LIVE_ANYWAY_MS 10000 /* though nothing has changed */

struct scale;

struct scale_world {
    const struct scale_config *config; /* borrowed until the close, as all */
    const char *folder;                /* of its memory */
    struct courier *courier;
    const struct clock *clock;
    int stop_fd;
};

/* NOMEM. */
MUST_CHECK enum status scale_open(const struct scale_world *world,
                                  struct scale **scale);
/* Until stop_fd is readable; a thread of its own. */
void scale_run(struct scale *scale);
void scale_close(struct scale *scale);

#endif
