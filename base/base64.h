/*
 * base64.h - bytes as text and back: pictures, keys, frames of a serial port.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_BASE64_H
#define SAMPAN_BASE64_H

#include "bytes.h"

/* Standard alphabet with padding, no line breaks; appended to text.
 * NOMEM. */
MUST_CHECK enum status base64_encode(struct span raw, struct bytes *text);
/* Strict (RFC 4648): FORMAT for any other character, wrong padding, or bits
 * left over.  Line breaks are refused unless lenient. */
MUST_CHECK enum status base64_decode(struct span text, bool lenient,
                                     struct bytes *raw);

#endif
