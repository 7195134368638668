/*
 * status.h - what a call that can fail says.
 *
 * The first question here is always "again later?", so every value carries
 * the answer: a retryable status may be cured by waiting, any other needs a
 * change (of the bytes, of the settings, of the code).
 */
#ifndef SAMPAN_STATUS_H
#define SAMPAN_STATUS_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* clang-format off */
/*    name      retryable  text                                              */
#define STATUS_TABLE(X)                                                       \
    X(OK,        false,    "done")                                            \
    X(EMPTY,     true,     "there is nothing to take")                        \
    X(NOT_FOUND, false,    "there is no such thing")                          \
    X(EXISTS,    false,    "it is there already")                             \
    X(FULL,      true,     "the store is at its size limit")                  \
    X(BUSY,      true,     "it is in use")                                    \
    X(OFFLINE,   true,     "the peer did not answer in time")                 \
    X(IO,        true,     "the disk or the network failed")                  \
    X(NOMEM,     true,     "there is no memory left")                         \
    X(CLOSED,    false,    "it has been closed")                              \
    X(FORMAT,    false,    "the bytes are not of the agreed form")            \
    X(INVALID,   false,    "a value is outside what is allowed")              \
    X(MISSING,   false,    "a mandatory fact is absent")                      \
    X(DENIED,    false,    "it is not allowed")                               \
    X(CORRUPT,   false,    "stored bytes are damaged")                        \
    X(VERSION,   false,    "it was written by a newer version")               \
    X(CRYPTO,    false,    "a cryptographic operation failed")
/* clang-format on */

enum status {
#define X(name, retryable, text) STATUS_##name,
    STATUS_TABLE(X)
#undef X
};

/* A sentence fragment in English, never NULL, static. */
const char *status_text(enum status status);

/* The value's name in capitals ("FULL"), static. */
const char *status_name(enum status status);

/* Whether waiting may cure it. */
bool status_retryable(enum status status);

#endif
