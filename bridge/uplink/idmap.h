/*
 * idmap.h - from a 64-bit number to a 32-bit one, in memory: open addressing,
 * grows by itself.  Key 0 is not allowed.  Not for two threads.
 */
#ifndef SAMPAN_IDMAP_H
#define SAMPAN_IDMAP_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

struct idmap {
    struct idmap_slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t used;
};

#define IDMAP_NONE UINT32_MAX

/* The value, or IDMAP_NONE. */
uint32_t idmap_find(const struct idmap *map, uint64_t key);
/* Set or replace.  NOMEM: nothing changed. */
MUST_CHECK enum status idmap_set(struct idmap *map, uint64_t key,
                                 uint32_t value);
void idmap_remove(struct idmap *map, uint64_t key);
void idmap_free(struct idmap *map);

#endif
