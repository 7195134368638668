#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINTED_LEN 80 /* of most: printed once, not measured before */

struct span span_text(const char *text)
{
    return span_of(text, text == NULL ? 0 : strlen(text));
}

struct span span_of(const void *data, size_t len)
{
    return (struct span){data, len};
}

struct span bytes_view(const struct bytes *bytes)
{
    return span_of(bytes->data, bytes->len);
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool span_equal_text(struct span a, const char *text)
{
    return span_equal(a, span_text(text));
}

enum status bytes_reserve(struct bytes *bytes, size_t more)
{
    size_t need;
    size_t capacity;
    uint8_t *data;

    if (more >= SIZE_MAX / 2 - bytes->len)
        return STATUS_NOMEM;
    need = bytes->len + more + 1; /* the NUL behind the last byte */
    if (need <= bytes->capacity)
        return STATUS_OK;
    capacity = bytes->capacity + bytes->capacity / 2;
    if (capacity < need)
        capacity = need;
    data = realloc(bytes->data, capacity);
    if (data == NULL)
        return STATUS_NOMEM;
    data[bytes->len] = 0;
    bytes->data = data;
    bytes->capacity = capacity;
    return STATUS_OK;
}

enum status bytes_append(struct bytes *bytes, struct span more)
{
    enum status status = bytes_reserve(bytes, more.len);

    if (status != STATUS_OK)
        return status;
    if (more.len > 0)
        memcpy(bytes->data + bytes->len, more.data, more.len);
    bytes->len += more.len;
    bytes->data[bytes->len] = 0;
    return STATUS_OK;
}

enum status bytes_append_text(struct bytes *bytes, const char *text)
{
    return bytes_append(bytes, span_text(text));
}

/* Into the room there is; its length, whether it fits or not. */
static int print(const struct bytes *bytes, const char *format,
                 va_list arguments)
{
    size_t room = bytes->capacity - bytes->len;
    int len =
        vsnprintf((char *)bytes->data + bytes->len, room, format, arguments);

    if (len < 0 || (size_t)len >= room)
        bytes->data[bytes->len] = 0;
    return len;
}

enum status bytes_print(struct bytes *bytes, const char *format, ...)
{
    va_list arguments;
    enum status status = bytes_reserve(bytes, PRINTED_LEN);
    int len;

    if (status != STATUS_OK)
        return status;
    va_start(arguments, format);
    len = print(bytes, format, arguments);
    va_end(arguments);
    if (len < 0)
        return STATUS_INVALID;
    if ((size_t)len >= bytes->capacity - bytes->len) {
        if ((status = bytes_reserve(bytes, (size_t)len)) != STATUS_OK)
            return status;
        va_start(arguments, format);
        print(bytes, format, arguments);
        va_end(arguments);
    }
    bytes->len += (size_t)len;
    return STATUS_OK;
}

enum status bytes_copy(struct bytes *to, struct span from)
{
    struct bytes fresh = BYTES_EMPTY;
    enum status status = bytes_append(&fresh, from);

    if (status == STATUS_OK)
        bytes_move(to, &fresh);
    return status;
}

const char *bytes_text(const struct bytes *bytes)
{
    return bytes->data == NULL ? "" : (const char *)bytes->data;
}

void bytes_move(struct bytes *to, struct bytes *from)
{
    free(to->data);
    *to = *from;
    *from = BYTES_EMPTY;
}

void bytes_clear(struct bytes *bytes)
{
    bytes->len = 0;
    if (bytes->data != NULL)
        bytes->data[0] = 0;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = BYTES_EMPTY;
}

void bytes_wipe(struct bytes *bytes)
{
    if (bytes->data != NULL)
        explicit_bzero(bytes->data, bytes->capacity);
    bytes_free(bytes);
}

static enum status read_all(int fd, struct bytes *content, size_t limit_bytes)
{
    enum status status;
    ssize_t got;

    for (;;) {
        status = bytes_reserve(content, 4096);
        if (status != STATUS_OK)
            return status;
        got = read(fd, content->data + content->len, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return STATUS_IO;
        if (got == 0)
            return STATUS_OK;
        content->len += (size_t)got;
        content->data[content->len] = 0;
        if (content->len > limit_bytes)
            return STATUS_INVALID;
    }
}

enum status bytes_read_file(struct bytes *bytes, const char *path,
                            size_t limit_bytes)
{
    struct bytes content = BYTES_EMPTY;
    enum status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    status = read_all(fd, &content, limit_bytes);
    close(fd);
    if (status == STATUS_OK)
        bytes_move(bytes, &content);
    bytes_wipe(&content);
    return status;
}

static enum status write_all(int fd, struct span content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.data, content.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return STATUS_IO;
        content.data += put;
        content.len -= (size_t)put;
    }
    return fdatasync(fd) == 0 ? STATUS_OK : STATUS_IO;
}

static enum status folder_sync(const char *path)
{
    char copy[PATH_MAX];
    int fd;
    int failed;

    snprintf(copy, sizeof copy, "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return STATUS_IO;
    failed = fsync(fd);
    close(fd);
    return failed == 0 ? STATUS_OK : STATUS_IO;
}

enum status bytes_write_file(const char *path, struct span content,
                             unsigned mode)
{
    char beside[PATH_MAX];
    enum status status;
    int fd;

    if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >=
        sizeof beside)
        return STATUS_INVALID;
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return STATUS_IO;
    status = write_all(fd, content);
    if (close(fd) != 0)
        status = STATUS_IO;
    if (status == STATUS_OK && rename(beside, path) != 0)
        status = STATUS_IO;
    if (status != STATUS_OK) {
        unlink(beside);
        return status;
    }
    return folder_sync(path);
}
