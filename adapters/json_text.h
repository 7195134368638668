/*
 * json_text.h - JSON as one line of text, for topics and for people.
 *
 * Members keep their order, text stays UTF-8, and a number has as few digits
 * as bring back the same double (15 to 17): 100.1, not 100.09999999999999.
 */
#ifndef SAMPAN_JSON_TEXT_H
#define SAMPAN_JSON_TEXT_H

#include <jansson.h>

#include "bytes.h"

/* Append json.  NOMEM: text is as it was. */
MUST_CHECK enum status json_text(const json_t *json, struct bytes *text);

#endif
