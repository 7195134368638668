/*
 * multipart.h - the parts of a multipart body, as views of it.
 *
 * For multipart/form-data, multipart/mixed and any other that RFC 2046 and
 * 7578 describe.  Nothing is copied and no byte of a part is touched: pictures
 * stay pictures.  A boundary may begin with dashes of its own.  Lines end with
 * CR LF or LF.  A last part without the closing delimiter is given with
 * closed = false: some cameras never write it.
 *
 *     struct multipart multipart;
 *     struct multipart_part part;
 *
 *     if (!multipart_open(&multipart, body, content_type, fault))
 *         return false;
 *     while (multipart_next(&multipart, &part, fault))
 *         ...
 *     return fault->kind == DECODE_NONE;
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_MULTIPART_H
#define SAMPAN_MULTIPART_H

#include "decode.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 */
#define MULTIPART_PARTS_MAX 64
#define MULTIPART_HEADERS_MAX 4096 /* bytes, of one part */

struct multipart_part {
    struct span name;     /* of Content-Disposition, without quotes; or empty */
    struct span filename; /* of it, or empty */
    struct span type;     /* of Content-Type, without parameters; or empty */
    struct span body;
    size_t offset; /* of body, from the start of the whole */
    bool closed;   /* a delimiter stands behind it */
};

struct multipart {
    struct span whole;
    size_t at;
    unsigned count;
    char delimiter[MULTIPART_BOUNDARY_MAX + 3]; /* "--" and the boundary */
};

/* Whether a Content-Type (may be NULL) is multipart/anything. */
bool multipart_is(const char *content_type);

/* Whether a body begins as one does, whatever its type says. */
bool multipart_begins(struct span whole);

/* A type without a boundary: the body's first line tells it.  False: no
 * boundary, or none of it in the body (SYNTAX), nothing (EMPTY). */
bool multipart_open(struct multipart *multipart, struct span whole,
                    const char *content_type, struct decode_fault *fault);
/* False: there is none left (fault->kind is NONE), or it is broken: LIMIT,
 * SYNTAX. */
bool multipart_next(struct multipart *multipart, struct multipart_part *part,
                    struct decode_fault *fault);

#endif
