/*
 * closing.h - the end of a passage in its lane: out it goes, or, an entry
 * weighed by difference, it waits for its exit.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_CLOSING_H
#define SAMPAN_CLOSING_H

#include "joining.h"
#include "passage.h"

MUST_CHECK enum status closing_finish(struct joining *joining,
                                      const struct lane_config *lane,
                                      struct passage *passage);
/* An entry whose exit did not come in time; key and json: its note. */
MUST_CHECK enum status closing_end_entry(struct joining *joining,
                                         const char *key, const json_t *json);
/* A passage of a lane that is not in the settings any more. */
MUST_CHECK enum status closing_give_up(struct joining *joining,
                                       const struct passage *passage);

/* Is it the vehicle that has just gone out, triggered once more? */
MUST_CHECK enum status closing_is_echo(struct joining *joining,
                                       const struct lane_config *lane,
                                       const struct capture *capture,
                                       bool *echo);
/* Is it the truck that has just been weighed, rocking on the scale? */
MUST_CHECK enum status closing_is_rocking(struct joining *joining,
                                          const struct lane_config *lane,
                                          const struct weight *weight,
                                          bool *rocking);

#endif
