/*
 * json_pointer.h - RFC 6901: "/pictures/0/jpeg" names a value in a JSON text.
 *
 * On a tree, and on the text itself: a picture of 300 KB is found there in
 * some microseconds, without parsing it.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_JSON_POINTER_H
#define SAMPAN_JSON_POINTER_H

#include <jansson.h>

#include "bytes.h"

/* Borrowed from root; NULL when there is no such value.  "" is root. */
json_t *json_pointer_get(const json_t *root, const char *pointer);

/*
 * The value's own text (a string with its quotes), a view of text, which must
 * be a JSON text (a stored event's body is).  A member whose name is written
 * with an escape is not found.  NOT_FOUND.
 */
MUST_CHECK enum status json_pointer_raw(struct span text, const char *pointer,
                                        struct span *value);
/*
 * The content of a string, a view of text.  NOT_FOUND; FORMAT when it is no
 * string, or one with escapes (then use json_pointer_get).
 */
MUST_CHECK enum status json_pointer_string(struct span text,
                                           const char *pointer,
                                           struct span *content);

/* Append "/" and token, "~" and "/" in it escaped. */
MUST_CHECK enum status json_pointer_append(struct bytes *pointer,
                                           const char *token);

#endif
