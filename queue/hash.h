/*
 * hash.h - a 64-bit hash for looking up and for telling bodies apart.
 *
 * Not a cryptographic one: whoever can publish as a device can forge that
 * device's events anyway.  It is stored, so it must never change.
 */
#ifndef SAMPAN_QUEUE_HASH_H
#define SAMPAN_QUEUE_HASH_H

#include <stdint.h>

#include "bytes.h"

/* The hash of one run of bytes; seed chains several. */
uint64_t hash_span(uint64_t seed, struct span bytes);

#endif
