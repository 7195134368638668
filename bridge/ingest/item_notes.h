/*
 * item_notes.h - what is stored of an energy item: its state, and the readings
 * that have not been reported.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_ITEM_NOTES_H
#define SAMPAN_ITEM_NOTES_H

#include "energy.h"
#include "queue.h"

#define CODE_SIZE 24

/* The item's identity: the seven parts of its code. */
void item_code(const struct energy_item_config *item,
               char code[static CODE_SIZE]);

/* key: DESTINATION/CODE.  Absent: a state of nothing. */
MUST_CHECK enum status item_read_state(struct queue *queue, const char *key,
                                       struct energy_state *state);
MUST_CHECK enum status item_put_state(struct queue *queue, const char *key,
                                      const struct energy_state *state);

/* First and last reading of an interval, as a note "T V T V". */
struct pair {
    struct energy_reading first, last;
};
bool item_read_pair(const char *text, struct pair *pair);
/* key: DESTINATION/CODE/MARK. */
MUST_CHECK enum status item_put_pair(struct queue *queue, const char *key,
                                     const struct pair *pair);

#endif
