/*
 * weights.h - weights that wait for their vehicle: one a plate, or one a
 * scale that does not know plates.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_WEIGHTS_H
#define SAMPAN_WEIGHTS_H

#include "joining.h"
#include "passage.h"

/* What a message of a scale says, in tonnes. */
struct weight weights_read(const struct message *message, uint64_t event);
/* Nobody takes it yet: it waits; the one of the same plate or scale that
 * waited before it has missed its vehicle. */
MUST_CHECK enum status weights_keep(struct joining *joining,
                                    const struct message *message,
                                    const struct weight *weight,
                                    int64_t wait_ms);
/* A weight that came before its vehicle was seen, for the passage. */
MUST_CHECK enum status weights_look(struct joining *joining,
                                    const struct lane_config *lane,
                                    struct passage *passage);
/* Its vehicle did not come; key and json: its note. */
MUST_CHECK enum status weights_end(struct joining *joining, const char *key,
                                   const json_t *json);

#endif
