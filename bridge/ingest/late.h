/*
 * late.h - what comes late for a passage that went out.
 *
 * A passage that went out with something absent is kept as a note for 40
 * days.  What comes late (the picture of a camera that was offline, a later
 * edition of an event, a vehicle in the ledger) completes the deliveries that
 * are still held.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_LATE_H
#define SAMPAN_LATE_H

#include "outgoing.h"

#define LATE_KEEP_DAYS 40

/* Keep what went out and waits for something. */
MUST_CHECK enum status late_keep(struct queue *queue, const struct sent *sent);

/* Something new for a passage that went out: exactly one of capture (of a
 * known plate), weight (likewise), an edition of the event known, or that a
 * delivery of it is to be made anew of what is known by now. */
struct late_news {
    const struct capture *capture;
    const struct weight *weight;
    uint64_t known; /* with capture: it is a later edition of this event */
    uint64_t delivery;
};
/* *found: a passage of the lane around at_ms was waiting for it, and has it
 * now. */
MUST_CHECK enum status late_offer(struct joining *joining,
                                  const struct lane_config *lane,
                                  const struct late_news *news, int64_t at_ms,
                                  bool *found);
/* Make the passage of a delivery made at made_at_ms anew. */
MUST_CHECK enum status late_refresh(struct joining *joining, uint64_t delivery,
                                    int64_t made_at_ms, bool *found);
/* Forget the passages of one day (20261120). */
MUST_CHECK enum status late_sweep(struct queue *queue,
                                  const struct config *config, uint32_t day);

#endif
