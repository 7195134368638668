#include "idmap.h"

#include <assert.h>
#include <stdlib.h>

struct idmap_slot {
    uint64_t key; /* 0: free */
    uint32_t value;
};

static size_t home_of(const struct idmap *map, uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) &
           (map->slot_count - 1);
}

/* The slot of key, or the free one where it would go. */
static size_t slot_of(const struct idmap *map, uint64_t key)
{
    size_t at = home_of(map, key);

    while (map->slots[at].key != 0 && map->slots[at].key != key)
        at = (at + 1) & (map->slot_count - 1);
    return at;
}

uint32_t idmap_find(const struct idmap *map, uint64_t key)
{
    size_t at;

    assert(key != 0);
    if (map->slot_count == 0)
        return IDMAP_NONE;
    at = slot_of(map, key);
    return map->slots[at].key == key ? map->slots[at].value : IDMAP_NONE;
}

static enum status grow(struct idmap *map)
{
    struct idmap bigger = {
        .slot_count = map->slot_count == 0 ? 64 : map->slot_count * 2,
        .used = map->used,
    };

    bigger.slots = calloc(bigger.slot_count, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < map->slot_count; i++)
        if (map->slots[i].key != 0)
            bigger.slots[slot_of(&bigger, map->slots[i].key)] = map->slots[i];
    free(map->slots);
    *map = bigger;
    return STATUS_OK;
}

enum status idmap_set(struct idmap *map, uint64_t key, uint32_t value)
{
    enum status status;
    size_t at;

    assert(key != 0);
    if ((map->used + 1) * 2 > map->slot_count) {
        status = grow(map);
        if (status != STATUS_OK)
            return status;
    }
    at = slot_of(map, key);
    if (map->slots[at].key == 0)
        map->used++;
    map->slots[at] = (struct idmap_slot){key, value};
    return STATUS_OK;
}

void idmap_remove(struct idmap *map, uint64_t key)
{
    size_t hole;
    size_t next;
    size_t mask = map->slot_count - 1;

    if (idmap_find(map, key) == IDMAP_NONE)
        return;
    hole = slot_of(map, key);
    map->used--;
    /* Close the gap: whoever stands behind it and would be missed moves in. */
    for (next = (hole + 1) & mask; map->slots[next].key != 0;
         next = (next + 1) & mask) {
        size_t home = home_of(map, map->slots[next].key);

        if (((next - home) & mask) >= ((next - hole) & mask)) {
            map->slots[hole] = map->slots[next];
            hole = next;
        }
    }
    map->slots[hole].key = 0;
}

void idmap_free(struct idmap *map)
{
    free(map->slots);
    *map = (struct idmap){0};
}
