/*
 * batching.h - a destination's batch is made when it is due.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_BATCHING_H
#define SAMPAN_BATCHING_H

#include "delivery.h"

#define ENERGY_INTERFACE "uploadEnergyData"

MUST_CHECK enum status
batching_tick(struct queue *queue, const struct target *target, int64_t now_ms);

#endif
