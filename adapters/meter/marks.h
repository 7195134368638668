/*
 * marks.h - which mark of each meter was read last, over a restart.
 *
 * A small file beside the outbox, written after each round: one line a meter,
 * "MILLISECONDS ID".  Without it a restart would read the running mark again,
 * which does no harm (a reading is a point on a curve, and its event has a
 * time of its own), but costs the bus and the store.  So a file that is absent
 * or damaged is no error: what cannot be read is not known.
 *
 * Any thread may call any function.
 */
#ifndef SAMPAN_METER_MARKS_H
#define SAMPAN_METER_MARKS_H

#include <stdint.h>

#include "status.h"

struct marks;

/* The file at path, which need not be there.  NOMEM. */
MUST_CHECK enum status marks_open(const char *path, struct marks **marks);
void marks_close(struct marks *marks);

/* False: it is not known. */
bool marks_find(struct marks *marks, const char *meter, int64_t *mark_ms);
/* FULL: more meters than there can be in the settings; NOMEM. */
MUST_CHECK enum status marks_set(struct marks *marks, const char *meter,
                                 int64_t mark_ms);
/* Write the file when anything was set since it was written.  IO, NOMEM. */
MUST_CHECK enum status marks_save(struct marks *marks);

#endif
