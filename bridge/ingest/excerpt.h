/*
 * excerpt.h - the beginning of hostile text, fit to stand in a reason: whole
 * UTF-8 characters, none of them a control character.
 */
#ifndef SAMPAN_EXCERPT_H
#define SAMPAN_EXCERPT_H

#include "bytes.h"

/* At most size - 1 bytes, "..." at the end when something was left out.
 * size is 16 or more. */
const char *excerpt(const char *text, char *out, size_t size);

#endif
