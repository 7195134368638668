/*
 * json_scan.h - is this run of bytes a JSON text, and where are its large
 * strings?
 *
 * One pass, no tree, no allocation: RFC 8259 grammar, UTF-8, nesting of at
 * most JSON_DEPTH_MAX.  It stands in front of the parser, so that a hostile
 * payload never reaches it, and it finds the pictures, so that the parser
 * need not copy them byte by byte.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_JSON_SCAN_H
#define SAMPAN_JSON_SCAN_H

#include "bytes.h"

#define JSON_DEPTH_MAX 32
#define JSON_LARGE_BYTES 2048 /* a longer string is large */
#define JSON_LARGE_MAX 32     /* further ones stay where they are */

struct json_scan {
    /* Content of large strings, without quotes, in order: printable ASCII
     * without escapes (Base64 is).  Views of the text. */
    struct span large[JSON_LARGE_MAX];
    size_t large_count;
    size_t values;     /* containers and what lies in them */
    bool deep;         /* the fault is too deep a nesting */
    size_t fault_at;   /* offset, when it is no JSON text */
    const char *fault; /* and what was expected there */
};

bool json_scan(struct span text, struct json_scan *scan);

/* The length of the UTF-8 sequence at the start of text; 0: not UTF-8. */
size_t json_scan_utf8(struct span text);

/* From the opening quote of a string in a scanned text: one past the closing
 * one (or the end of the text).  *plain: it holds no escape. */
size_t json_scan_string_end(struct span text, size_t quote, bool *plain);

#endif
