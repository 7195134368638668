/*
 * state.h - which changes of a delivery's state there are.
 */
#ifndef SAMPAN_QUEUE_STATE_H
#define SAMPAN_QUEUE_STATE_H

#include "queue.h"

/* Whether queue.h's drawing has this arrow. */
bool state_may_become(enum queue_state from,
                      const struct queue_outcome *outcome);
/* Whether a delivery in this state lets the one behind it go. */
bool state_frees(enum queue_state state, enum queue_after after);

#endif
