/*
 * decode.h - what a decoder says of bytes: values, or why it has none.
 *
 * Every device protocol is a row of struct decode_protocol, and the row is what
 *
 *     sampan-meter --decode dlt645-2007        (hex text on standard input)
 *     sampan-camera --decode isapi-anpr --raw --content-type T
 *     sampan-weighbridge --list-protocols
 *
 * run.  One JSON object a frame or event goes to standard output, a line
 * each; after a fault one {"error": {"kind", "offset", "text"}} and exit 1.
 * Frames in front of the fault are printed first.
 *
 * The same decoders serve the running adapters; they are pure: bytes in,
 * values out, no clock, no I/O, no state that outlives the call.
 */
#ifndef SAMPAN_DECODE_H
#define SAMPAN_DECODE_H

#include <jansson.h>

#include "bytes.h"

/* clang-format off */
/*    name       word         what it means                                   */
#define DECODE_FAULT_TABLE(X)                                                  \
    X(NONE,      "none",      "nothing is wrong")                              \
    X(EMPTY,     "empty",     "there are no bytes")                            \
    X(START,     "start",     "no frame begins here")                          \
    X(TRUNCATED, "truncated", "it ends before it is whole")                    \
    X(LENGTH,    "length",    "its length does not fit what it is")            \
    X(CHECKSUM,  "checksum",  "the check does not fit the bytes")              \
    X(VALUE,     "value",     "a digit, flag or number is impossible")         \
    X(SYNTAX,    "syntax",    "it is not hex, JSON, XML or multipart as told") \
    X(MISSING,   "missing",   "a member that must be there is absent")         \
    X(UNKNOWN,   "unknown",   "well formed, but nothing that is known here")   \
    X(LIMIT,     "limit",     "larger or deeper than is taken")                \
    X(MEMORY,    "memory",    "there is no memory left")
/* clang-format on */

enum decode_fault_kind {
#define X(name, word, text) DECODE_##name,
    DECODE_FAULT_TABLE(X)
#undef X
};

#define DECODE_TEXT_MAX 200

struct decode_fault {
    enum decode_fault_kind kind;
    size_t offset; /* of the first byte that is wrong, from the input's start */
    char text[DECODE_TEXT_MAX]; /* one sentence: what, and what is allowed */
};

/* "checksum"; static. */
const char *decode_fault_word(enum decode_fault_kind kind);

/* Sets all three and returns false, so that a decoder can end with it. */
bool decode_fail(struct decode_fault *fault, enum decode_fault_kind kind,
                 size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

struct decode_protocol {
    const char *name;  /* as in tests/vectors/devices.json: "dlt645-2007" */
    const char *about; /* one line for --list-protocols */
    bool text;         /* the input is text, not hex (--raw changes nothing) */
    /*
     * Append one JSON object a frame or event of input to the array frames.
     * content_type is NULL or what --content-type said.  False: *fault tells
     * why; what was appended before it stands.
     */
    bool (*decode)(struct span input, const char *content_type, json_t *frames,
                   struct decode_fault *fault);
};

/* Hex text ("68 AA" or "68aa", any white space, case) to bytes.  False: a
 * fault of kind SYNTAX, its offset counted in text. */
bool decode_hex(struct span text, struct bytes *bytes,
                struct decode_fault *fault);

/* Frames in one call: a day of a line in one piece would be gigabytes. */
#define DECODE_FRAMES_MAX 100000

/* Whether frames may have one more, which begins at offset; False: LIMIT. */
bool decode_room(const json_t *frames, size_t offset,
                 struct decode_fault *fault);

/* Bytes as "68 AA 16", as the vectors print them; NULL: no memory. */
json_t *decode_json_hex(struct span bytes);

/* Reads standard input and prints; the exit code. */
int decode_main(const struct decode_protocol *protocols, size_t count,
                const char *name, const char *content_type, bool raw);

#endif
