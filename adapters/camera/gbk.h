/*
 * gbk.h - texts of devices as UTF-8.
 *
 * Chinese cameras and display boards write GBK (read here as GB 18030, which
 * holds it) or UTF-8 and seldom say which.  What is valid UTF-8 is taken as
 * that, and so is what is but for a few stray bytes: firmware cuts a name in
 * the middle of a character, which must not turn the plate beside it into
 * another.  Anything else is GBK.  What comes out is always whole UTF-8: a
 * byte or pair that no table knows becomes '?'.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_GBK_H
#define SAMPAN_GBK_H

#include "bytes.h"

bool utf8_valid(struct span text);

/* Appends text, converted when it is not UTF-8, stray bytes as '?'.  NOMEM. */
MUST_CHECK enum status gbk_append(struct bytes *utf8, struct span text);
/* The same, of text that is known to be GBK (valid UTF-8 or not). */
MUST_CHECK enum status gbk_append_strict(struct bytes *utf8, struct span text);

/* gbk_append into a buffer of size bytes, cut at a character (text.h); control
 * characters become '?'. */
void gbk_put(char *to, size_t size, struct span text);

/* Where in text the byte at offset of its conversion came from. */
size_t gbk_offset(struct span text, size_t offset);

#endif
