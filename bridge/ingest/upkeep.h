/*
 * upkeep.h - what is done now and then: the ledger's file is applied when it
 * has changed, notes that are of no use after 40 days are removed.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_UPKEEP_H
#define SAMPAN_UPKEEP_H

#include "config.h"
#include "queue.h"

/* content was checked when it was read; digest tells it from another. */
MUST_CHECK enum status upkeep_ledger(struct queue *queue, struct span content,
                                     const char *digest);
/* One day's notes a call; cheap when the day has been swept. */
MUST_CHECK enum status
upkeep_sweep(struct queue *queue, const struct config *config, int64_t now_ms);

#endif
