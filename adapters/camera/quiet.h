/*
 * quiet.h - a log line of one kind at most every ten seconds, with how many
 * were kept back: hostile or broken peers must not fill the log.
 *
 * Starting value: all zero.  Any thread.
 */
#ifndef SAMPAN_QUIET_H
#define SAMPAN_QUIET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QUIET_MS 10000

struct quiet {
    _Atomic int64_t open_at_ms;
    atomic_uint held;
};

/* True: log now, and say that *held others were not. */
bool quiet_pass(struct quiet *quiet, int64_t steady_ms, unsigned *held);

#endif
