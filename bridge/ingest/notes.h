/*
 * notes.h - the store's notes as text and JSON.
 *
 * What ingest must not forget, by space:
 *   serial        DESTINATION           last serial number given
 *   number        DESTINATION/NUMBER    when it was given, ms
 *   chain         DESTINATION/INTERFACE its last delivery (days in order)
 *   record        DESTINATION/EVENT ID  "ms id" of a delivery that is held
 *   join          LANE                  the passage that is being joined
 *   last          LANE                  the passage that was joined before
 *   weight        plate/P, scale/ID     a weight that no passage has taken
 *   entry         PLATE                 an entry that waits for its exit
 *   late-LANE-DAY passage               what was held for want of a fact
 *   ledger        PLATE/COLOR           a vehicle
 *   ledger_file   digest                of the file that was applied
 *   energy        DESTINATION/CODE      an item's last reported mark
 *   reading       DESTINATION/CODE/MARK first and last reading before a mark
 *   upload_time   DESTINATION           HH:MM:SS, written by the uplink
 *   batch         DESTINATION           upload time in force, last batch
 *   swept         day                   old notes have been removed up to it
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_NOTES_H
#define SAMPAN_NOTES_H

#include <jansson.h>
#include <stdint.h>

#include "queue.h"

/* NOT_FOUND, also when it is no JSON. *value is the caller's. */
MUST_CHECK enum status note_read_json(struct queue *queue, const char *space,
                                      const char *key, json_t **value);
/* NOT_FOUND; INVALID when it does not fit. */
MUST_CHECK enum status note_read_text(struct queue *queue, const char *space,
                                      const char *key, char *text, size_t size);
/* NULL removes the note. */
MUST_CHECK enum status note_put_json(struct queue *queue, const char *space,
                                     const char *key, const json_t *value);
MUST_CHECK enum status note_put_text(struct queue *queue, const char *space,
                                     const char *key, const char *text);

/*
 * Notes that wait for an instant: "OPENED DEADLINE {json}", both Unix ms, 13
 * digits each, so that a look at them need not parse the rest.
 */
MUST_CHECK enum status note_put_due(struct queue *queue, const char *space,
                                    const char *key, int64_t opened_ms,
                                    int64_t deadline_ms, const json_t *value);
MUST_CHECK enum status note_read_due(struct queue *queue, const char *space,
                                     const char *key, json_t **value);
/*
 * The first note of the space that is due, also when the clock has gone back
 * by more than its waiting time.  NOT_FOUND: none is.  *key is the caller's.
 */
MUST_CHECK enum status note_find_due(struct queue *queue, const char *space,
                                     int64_t now_ms, struct bytes *key,
                                     json_t **value);

/* Remove up to limit notes of the space for which old says so. */
MUST_CHECK enum status
note_sweep(struct queue *queue, const char *space, unsigned limit,
           bool (*old)(void *arg, struct span key, struct span value),
           void *arg);

#endif
