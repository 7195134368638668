/*
 * jpeg.h - is this text the Base64 of a JPEG, and how large is it?
 *
 * One pass over the text, nothing is decoded but the first three bytes.
 * RFC 4648 section 4: the standard alphabet, padded, no line breaks; unused
 * bits of the last character must be zero.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_JPEG_H
#define SAMPAN_JPEG_H

#include "bytes.h"

/* NULL when it is a JPEG of at most limit_bytes; else what is wrong, static.
 * *decoded: its size in bytes, as far as the text is Base64. */
const char *jpeg_fault(struct span text, size_t limit_bytes, size_t *decoded);

#endif
