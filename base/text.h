/*
 * text.h - words in buffers of a fixed size, always whole UTF-8.
 *
 * What a platform, an operator or a library says ends in JSON, on a topic and
 * in the store.  A buffer that cuts a Chinese character in two makes text that
 * no JSON writer takes, and then the whole message is missing.  So whoever
 * copies words into a buffer does it here: a character that does not fit is
 * left out, and a byte that belongs to none becomes '?'.
 */
#ifndef SAMPAN_TEXT_H
#define SAMPAN_TEXT_H

#include "bytes.h"

/* The length of the UTF-8 character at the start of text: 1 to 4; 0: there is
 * none (RFC 3629: no overlong forms, no surrogates). */
size_t text_character(struct span text);

/* Make text good, in place: it never gets longer. */
void text_mend(char *text);

/* Copy from; size counts the NUL and is at least 1. */
void text_put(char *to, size_t size, const char *from);
/* As snprintf. */
void text_print(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
