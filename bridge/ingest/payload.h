/*
 * payload.h - what a device may say, as tables: one row a member.
 *
 * docs/schema holds the same as JSON Schemas, docs/topics.md in words.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_PAYLOAD_H
#define SAMPAN_PAYLOAD_H

#include <jansson.h>

#include "bytes.h"
#include "json_scan.h"

enum payload_form {
    PAYLOAD_CAPTURE,
    PAYLOAD_WEIGHT,
    PAYLOAD_READING,
    PAYLOAD_RECORD,
    PAYLOAD_STATUS,
    PAYLOAD_LIVE,
};

/*
 * A payload after parsing: in tree every large string of the text (see
 * json_scan.h) is {"$large": its number}, so that pictures are not copied.
 */
struct payload {
    const json_t *tree;
    const struct json_scan *scan;
    size_t picture_limit_bytes;
};

/*
 * Check it.  false: reason says which member, what is wrong, what is allowed.
 * Unknown members pass.
 */
bool payload_check(const struct payload *payload, enum payload_form form,
                   char reason[static 512]);

#endif
