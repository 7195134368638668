/*
 * memory.h - what one scale must still know after a restart.
 *
 * A weight is written here before the courier gets it, so a crash at any
 * moment loses nothing and reports nothing twice:
 *
 *   memory_weighed --(on disk)--> courier_put --> (taken) ... memory_left
 *        |                             |
 *        | crash: after the restart    | crash: put again; the courier knows
 *        | the event is put            | device, time and id: a repeat
 *
 * Events that the courier has no room for wait here, 64 at most.  The vehicle
 * that was weighed is remembered until it has left the scale.
 *
 * One small JSON file a scale, replaced in one step.  One thread.
 */
#ifndef SAMPAN_SCALE_MEMORY_H
#define SAMPAN_SCALE_MEMORY_H

#include <jansson.h>

#include "bytes.h"

#define MEMORY_EVENTS_MAX 64
#define MEMORY_ID_MAX 128

struct memory {
    struct bytes path;
    bool weighed; /* a vehicle that was reported may stand on the scale */
    double gross;
    int64_t weighed_at_ms;
    json_t *events; /* array of {event_id, at_ms, content}; oldest first */
};

/* What the file says; none, or one that cannot be read, is an empty memory,
 * and *damaged tells which.  NOMEM. */
MUST_CHECK enum status memory_open(struct memory *memory, const char *folder,
                                   const char *scale, bool *damaged);
/* The file stays. */
void memory_close(struct memory *memory);

/* Remember a report.  content is borrowed.  FULL: 64 wait already, and this
 * one is lost.  IO: it is remembered, but not on disk.  NOMEM. */
MUST_CHECK enum status memory_weighed(struct memory *memory, double gross,
                                      const char *event_id, int64_t at_ms,
                                      const json_t *content);
/* The oldest event that the courier has not taken; false: none.  Borrowed
 * until memory_taken. */
bool memory_oldest(const struct memory *memory, const char **event_id,
                   int64_t *at_ms, const json_t **content);
/* The courier has it.  The file may say otherwise until it is next written:
 * to put it again then is harmless. */
void memory_taken(struct memory *memory);
/* The scale is empty.  IO: not on disk. */
MUST_CHECK enum status memory_left(struct memory *memory);

#endif
