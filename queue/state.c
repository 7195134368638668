#include "state.h"

#include <string.h>

/* clang-format off */
/* Rows: from; columns: to.  R: only as a replay.  A: only by the platform's
 * answer, which came while an operator changed what was in flight.
 *                      waiting parked held delivered rejected discarded */
static const char arrows[QUEUE_STATES][QUEUE_STATES + 1] = {
    [STATE_WAITING]   = "-"  "x"  "x"  "x"  "x"  "x",
    [STATE_PARKED]    = "x"  "x"  "x"  "x"  "x"  "x",
    [STATE_HELD]      = "x"  "-"  "x"  "A"  "x"  "x",
    [STATE_DELIVERED] = "R"  "-"  "-"  "-"  "-"  "-",
    [STATE_REJECTED]  = "x"  "-"  "x"  "-"  "-"  "x",
    [STATE_DISCARDED] = "-"  "-"  "-"  "A"  "-"  "-",
};
/* clang-format on */

static const char *const names[QUEUE_STATES] = {
    [STATE_WAITING] = "waiting",   [STATE_PARKED] = "parked",
    [STATE_HELD] = "held",         [STATE_DELIVERED] = "delivered",
    [STATE_REJECTED] = "rejected", [STATE_DISCARDED] = "discarded",
};

bool state_may_become(enum queue_state from,
                      const struct queue_outcome *outcome)
{
    switch (arrows[from][outcome->state]) {
    case 'x':
        return true;
    case 'R':
        return outcome->replay;
    case 'A':
        return outcome->cause == CAUSE_ANSWER;
    default:
        return false;
    }
}

bool state_frees(enum queue_state state, enum queue_after after)
{
    if (after == AFTER_DELIVERED)
        return state == STATE_DELIVERED;
    return state != STATE_WAITING && state != STATE_PARKED;
}

const char *queue_state_name(enum queue_state state)
{
    return names[state];
}

enum status queue_state_find(const char *name, enum queue_state *state)
{
    for (int i = 0; i < QUEUE_STATES; i++)
        if (strcmp(names[i], name) == 0) {
            *state = (enum queue_state)i;
            return STATUS_OK;
        }
    return STATUS_NOT_FOUND;
}
