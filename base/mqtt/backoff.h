/*
 * backoff.h - when to try again.  Pure: times and chance are passed in.
 *
 * At once, then after 100 ms, doubling up to 10 s; each time between half of
 * that and all of it, so that many clients of one broker do not come back
 * together.  A connection that held for 10 s starts the row anew; one that
 * is taken and dropped at once does not.
 */
#ifndef SAMPAN_MQTT_BACKOFF_H
#define SAMPAN_MQTT_BACKOFF_H

#include <stdint.h>

/* All zero: try at once. */
struct backoff {
    int64_t delay_ms;
    int64_t retry_at_ms;
    int64_t up_at_ms; /* 0: not up */
};

void backoff_up(struct backoff *backoff, int64_t now_ms);
/* It failed, or ended. */
void backoff_down(struct backoff *backoff, int64_t now_ms, uint32_t chance);

#endif
