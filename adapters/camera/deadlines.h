/*
 * deadlines.h - the open connections, each with the time when it is cut off.
 *
 * The HTTP library knows silence only: a peer that sends a byte now and then
 * would stay for ever.  So a connection whose time has come is shut down, and
 * the library finds it ended.
 *
 * Any thread.  Times are of the steady clock.
 */
#ifndef SAMPAN_DEADLINES_H
#define SAMPAN_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

struct deadlines;
struct deadline;

MUST_CHECK enum status deadlines_make(size_t max, struct deadlines **deadlines);
void deadlines_free(struct deadlines *deadlines);

/* NULL: there are max already. */
struct deadline *deadlines_add(struct deadlines *deadlines, int fd,
                               int64_t due_ms);
/* Before fd is closed.  slot may be NULL here and below. */
void deadlines_remove(struct deadlines *deadlines, struct deadline *slot);
/* INT64_MAX: never. */
void deadlines_due(struct deadlines *deadlines, struct deadline *slot,
                   int64_t due_ms);
/* Shut down those whose time has come; how many. */
size_t deadlines_cut(struct deadlines *deadlines, int64_t now_ms);

#endif
