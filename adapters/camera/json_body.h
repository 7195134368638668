/*
 * json_body.h - a camera's JSON, read with suspicion.
 *
 * UTF-8 or GBK, also with bare line breaks in a string (wrapped Base64) or NULs
 * behind the text, which firmware writes and JSON has not; a nesting of at most
 * 32, at most 20000 values, no name twice, no NUL, no number that does not fit.
 * Pictures are not copied: in the tree a long string is {"$large": n}, and
 * json_body_text gives the text itself.
 *
 * The readers of members are for use one after the other without a look at
 * each: absent (or null) leaves *to as it was and returns false, and so does
 * a member of the wrong kind or range, which sets *body->fault; once that is
 * set all of them return false.  A parent may be NULL: nothing is in it.
 *
 * With body->doubts a member of the wrong kind or range is no fault but a line
 * of "doubts" there: a camera that was answered does not say it again, so a
 * confidence of 255 must not cost the passage.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_JSON_BODY_H
#define SAMPAN_JSON_BODY_H

#include "decode.h"
#include "json_scan.h"
#include "notes.h"

struct json_body {
    struct span text;  /* as it came */
    struct bytes utf8; /* of it, when it came in GBK or with line breaks */
    struct bytes slim; /* without its long strings, when it has any */
    struct json_scan scan;
    json_t *root;
    bool worded;          /* made of XML: numbers are texts */
    struct notes *doubts; /* NULL: doubt is a fault; set after the reading */
    struct decode_fault *fault;
};

/* False: *fault tells why; the body must be freed in any case. */
bool json_body_read(struct json_body *body, struct span text,
                    struct decode_fault *fault);
void json_body_free(struct json_body *body);

const json_t *json_body_object(const struct json_body *body,
                               const json_t *parent, const char *name);
/* Borrowed; good as long as the text that was read and body are. */
bool json_body_text(const struct json_body *body, const json_t *parent,
                    const char *name, struct span *to);
/* Into a buffer: LIMIT when it does not fit.  Control characters become
 * '?'. */
bool json_body_word(const struct json_body *body, const json_t *parent,
                    const char *name, char *to, size_t size);
bool json_body_integer(const struct json_body *body, const json_t *parent,
                       const char *name, int64_t min, int64_t max, int64_t *to);
bool json_body_number(const struct json_body *body, const json_t *parent,
                      const char *name, double min, double max, double *to);
/* true, false, 0, 1.  As of all numbers: also in quotes. */
bool json_body_flag(const struct json_body *body, const json_t *parent,
                    const char *name, bool *to);
/* Base64, with line breaks, with or without "data:image/jpeg;base64,": appended
 * to raw.  False and *why: it is none ("" when it is absent or empty); that is
 * no fault. */
bool json_body_base64(const struct json_body *body, const json_t *parent,
                      const char *name, struct bytes *raw, const char **why);

/* Fault MISSING, at parent; returns false. */
bool json_body_missing(const struct json_body *body, const json_t *parent,
                       const char *what);
/* A fault at a member that is there. */
bool json_body_wrong(const struct json_body *body, const json_t *parent,
                     const char *name, enum decode_fault_kind kind,
                     const char *what);

#endif
