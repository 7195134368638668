/*
 * sightings.h - when an event was first received whose camera told no time
 * that can be (none, before 2024, more than a day ahead).
 *
 * Such an event is given its time of receipt, and the time is part of its
 * identity: when the camera sends it again it must get the same one.  So the
 * last 4096 are remembered, on disk before the event is, also across a kill.
 *
 * Any thread.  Times are Unix milliseconds.
 */
#ifndef SAMPAN_SIGHTINGS_H
#define SAMPAN_SIGHTINGS_H

#include <stdint.h>

#include "bytes.h"

struct sightings;

/* The file at path, made when absent; what is damaged in it is forgotten.
 * IO, NOMEM. */
MUST_CHECK enum status sightings_open(const char *path,
                                      struct sightings **sightings);
void sightings_close(struct sightings *sightings);

/*
 * *at_ms: when hash was first seen, if it was seen within window_ms of now_ms
 * (each time counts anew; this machine's clock may have been set back in
 * between); else now_ms, and that is on disk.  IO.
 */
MUST_CHECK enum status sightings_time(struct sightings *sightings,
                                      uint64_t hash, int64_t now_ms,
                                      int64_t window_ms, int64_t *at_ms);

/* FNV-1a over text and a NUL behind it: hashes of several texts are chained,
 * the first with HASH_START. */
#define HASH_START UINT64_C(14695981039346656037)
uint64_t hash_text(uint64_t hash, struct span text);

#endif
