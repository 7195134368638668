/*
 * state.h - what the bridge says of itself.
 *
 *   sampan/v1/SITE/bridge/state   retained JSON, each second when it changed
 *   STATE_FOLDER/health.json      the same, for --health and for a look when
 *                                 the broker is gone
 *
 * Adapters read "full" in it and hold; operators read "troubles": one
 * sentence for each.  One thread: the bridge's own.
 */
#ifndef SAMPAN_STATE_H
#define SAMPAN_STATE_H

#include "clock.h"
#include "config.h"
#include "queue.h"
#include "uplink.h"

/* What the rest of the bridge knows at this moment. */
struct state_facts {
    const struct config *config;
    struct queue *queue;
    struct uplink *const *uplinks; /* NULL where disabled */
    int64_t now_ms;
    int64_t started_ms;
    bool broker_up;
    bool full;
    const char *full_why;
    uint64_t broker_dropped;  /* messages the broker says it dropped */
    uint64_t used_then_bytes; /* the store's size at used_then_ms */
    int64_t used_then_ms;
};

/* Append the JSON to text.  NOMEM, IO. */
MUST_CHECK enum status state_write(const struct state_facts *facts,
                                   struct bytes *text);

/*
 * Read health.json back: OK, or OFFLINE when it is older than 30 s, the broker
 * is not there, the store is full, or nothing was accepted for 15 minutes
 * though something waits. words gets one sentence.
 */
MUST_CHECK enum status state_health(struct span json, int64_t now_ms,
                                    struct bytes *words);

#endif
