/*
 * restore.h - counters that `sampanctl restore` left for the next start.
 *
 * STATE_FOLDER/counters.json is {"DESTINATION": number, ...}.  Each serial
 * counter is set to at least its number, so that no record number comes twice
 * after a restore; then the file is removed.
 */
#ifndef SAMPAN_RESTORE_H
#define SAMPAN_RESTORE_H

#include "queue.h"

/* Before the committer starts.  OK when there is no such file.  FORMAT: it is
 * kept, and nothing was changed. */
MUST_CHECK enum status
restore_counters(struct queue *queue, const char *state_folder, int64_t now_ms);

#endif
