/*
 * outgoing.h - a passage goes out: the records of every destination of its
 * lane, and what is remembered of those that had to be held.
 *
 * A passage that went out with something absent is kept as a note for 40
 * days.  What comes late (the picture of a camera that was offline, a later
 * edition of an event) completes the deliveries that are still held.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_OUTGOING_H
#define SAMPAN_OUTGOING_H

#include "joining.h"
#include "passage.h"

#define OUTGOING_KEEP_DAYS 40

MUST_CHECK enum status outgoing_send(struct joining *joining,
                                     const struct lane_config *lane,
                                     const struct passage *passage);

/* Something new for a passage that went out: exactly one of capture (of a
 * known plate), weight (likewise) or an edition of the event known. */
struct outgoing_news {
    const struct capture *capture;
    const struct weight *weight;
    uint64_t known; /* with capture: it is a later edition of this event */
};
/* *found: a passage of the lane was waiting for it, and has it now. */
MUST_CHECK enum status outgoing_late(struct joining *joining,
                                     const struct lane_config *lane,
                                     const struct outgoing_news *news,
                                     bool *found);
/* Forget the passages of one day (20261120). */
MUST_CHECK enum status
outgoing_sweep(struct queue *queue, const struct config *config, uint32_t day);

#endif
