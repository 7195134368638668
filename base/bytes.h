/*
 * bytes.h - runs of bytes: borrowed (span) and owned (bytes).
 *
 * A span is a view that somebody else frees.  A bytes owns what it points to
 * and always keeps a NUL behind its last byte that is not counted in len, so
 * that text in it can be given to a C string function.  Starting value of
 * both: {0}, or BYTES_EMPTY.  No function here is safe for two threads on the
 * same bytes.
 */
#ifndef SAMPAN_BYTES_H
#define SAMPAN_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

struct span {
    const uint8_t *data;
    size_t len;
};

struct bytes {
    uint8_t *data; /* NULL when nothing was ever stored */
    size_t len;
    size_t capacity;
};

#define BYTES_EMPTY                                                            \
    (struct bytes)                                                             \
    {                                                                          \
        NULL, 0, 0                                                             \
    }

/* A view of a C string without its NUL; of NULL, an empty one. */
struct span span_text(const char *text);
struct span span_of(const void *data, size_t len);
/* A view of bytes, good until they change. */
struct span bytes_view(const struct bytes *bytes);
bool span_equal(struct span a, struct span b);
bool span_equal_text(struct span a, const char *text);

/* NOMEM: bytes is as it was. */
MUST_CHECK enum status bytes_reserve(struct bytes *bytes, size_t more);
MUST_CHECK enum status bytes_append(struct bytes *bytes, struct span more);
MUST_CHECK enum status bytes_append_text(struct bytes *bytes, const char *text);
MUST_CHECK enum status bytes_print(struct bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Replace what *to holds by a copy of from. */
MUST_CHECK enum status bytes_copy(struct bytes *to, struct span from);

/* The bytes as a C string ("" when nothing was stored). */
const char *bytes_text(const struct bytes *bytes);

/* *to is freed and gets what *from had; *from is left empty. */
void bytes_move(struct bytes *to, struct bytes *from);
/* Keep the storage, forget the content. */
void bytes_clear(struct bytes *bytes);
void bytes_free(struct bytes *bytes);
/* Overwrite with zeros, then free: for keys, tokens and passwords. */
void bytes_wipe(struct bytes *bytes);

/*
 * The whole of a file.  NOT_FOUND, INVALID when it is larger than limit_bytes,
 * IO, NOMEM.
 */
MUST_CHECK enum status bytes_read_file(struct bytes *bytes, const char *path,
                                       size_t limit_bytes);

/*
 * Replace the file at path in one step and make it durable: written beside
 * it, fdatasync-ed, renamed, and the folder synced.  mode as for open(2).  IO.
 */
MUST_CHECK enum status bytes_write_file(const char *path, struct span content,
                                        unsigned mode);

#endif
