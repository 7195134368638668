/*
 * metering.h - readings are kept until their batch, batches are made at
 * uploadTime.
 *
 * Of each interval the first and the last reading are kept (a note each
 * item and interval), in any order of arrival: a meter that was offline and
 * sends what it buffered fills its marks as long as they have not been
 * reported.  What has been reported is not reported again.
 *
 * A batch holds all marks complete since the one before, and the days and
 * months they end.  It is made at the destination's upload time, or at the
 * first tick after it when the box was off; once a day; a change of the time
 * takes effect the next day.  A batch of more than METERING_BATCH_MAX items
 * is followed by another at once.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_METERING_H
#define SAMPAN_METERING_H

#include "config.h"
#include "message.h"
#include "queue.h"

#define METERING_BATCH_MAX 10000

/* *wanted: an item takes the reading.  Nothing is put. */
MUST_CHECK enum status metering_wants(struct queue *queue,
                                      const struct config *config,
                                      const struct message *message,
                                      bool *wanted);
/* Keep it. */
MUST_CHECK enum status metering_reading(struct queue *queue,
                                        const struct config *config,
                                        const struct message *message);
MUST_CHECK enum status
metering_tick(struct queue *queue, const struct config *config, int64_t now_ms);
/* Forget readings before an instant that nobody reported. */
MUST_CHECK enum status metering_sweep(struct queue *queue, int64_t before_ms);

#endif
