#include "hash.h"

#include <endian.h>
#include <string.h>

/* 2^64 divided by the golden ratio, and a prime of MurmurHash's kind: both
 * odd with well spread bits. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)
#define MIX UINT64_C(0xff51afd7ed558ccd)

static uint64_t stir(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * MIX;
    return hash ^ (hash >> 32);
}

static uint64_t load(const uint8_t *from, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, from, len);
    return le64toh(word);
}

uint64_t hash_span(uint64_t seed, struct span bytes)
{
    uint64_t hash = stir(seed + STEP, bytes.len);
    size_t at;

    for (at = 0; at + 8 <= bytes.len; at += 8)
        hash = stir(hash, load(bytes.data + at, 8));
    if (at < bytes.len)
        hash = stir(hash, load(bytes.data + at, bytes.len - at));
    return stir(stir(hash, STEP), hash);
}
