/*
 * env.h - one LMDB environment: opening, size, room, and giving pages back.
 */
#ifndef SAMPAN_QUEUE_ENV_H
#define SAMPAN_QUEUE_ENV_H

#include <lmdb.h>

#include "bytes.h"

#define ENV_PATH_MAX 512

struct env {
    MDB_env *mdb; /* NULL: not open */
    unsigned flags;
    uint8_t *map; /* where the file is mapped; NULL when not known */
    size_t map_bytes;
    char path[ENV_PATH_MAX];
};

/* What an answer of LMDB means here. */
enum status env_status(int answer);

/*
 * Open (or make, in a folder that is there) the environment at path.  flags
 * are LMDB's; map_bytes is address space, not disk.
 *
 * CORRUPT: it is no environment, or cut short.  IO, NOMEM, FULL.
 */
MUST_CHECK enum status env_open(struct env *env, const char *path,
                                uint64_t map_bytes, unsigned flags);
void env_close(struct env *env);

/* Disk taken, as LMDB counts it. */
uint64_t env_used_bytes(const struct env *env);
bool env_has_room(const struct env *env, uint64_t more);
/* Make the map larger so that more bytes fit; no transaction may be open. */
MUST_CHECK enum status env_make_room(struct env *env, uint64_t more);
/* Give what was read through the map back to the system. */
void env_trim(const struct env *env);

#endif
