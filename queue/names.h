/*
 * names.h - kinds, destinations and interfaces as small numbers.
 *
 * A name keeps its number for ever.  One thread adds (the committer's); any
 * thread reads.  A name whose group was undone stays known here and is stored
 * by the next group.
 */
#ifndef SAMPAN_QUEUE_NAMES_H
#define SAMPAN_QUEUE_NAMES_H

#include <stdatomic.h>
#include <stdint.h>

#include "bytes.h"

#define NAMES_MAX 4096
#define NAME_MAX_LEN 63

struct names {
    char *list[NAMES_MAX];
    _Atomic uint32_t count;
    uint32_t stored; /* those below are in the hot environment */
};

/* Its number; a new one when needed.  FULL: there are NAMES_MAX; NOMEM. */
MUST_CHECK enum status names_number(struct names *names, struct span name,
                                    uint16_t *number);
/* NOT_FOUND. */
MUST_CHECK enum status names_find(const struct names *names, struct span name,
                                  uint16_t *number);
/* "" for a number that was never given. */
const char *names_text(const struct names *names, uint16_t number);
void names_free(struct names *names);

#endif
