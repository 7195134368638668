#include "loading.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that a row names. */
struct named {
    struct settings *settings;
    const struct settings_row *row;
    const char *group; /* path of the group */
    const char *path;  /* of the file, joined */
};

static void wrong(const struct named *named, enum status kind, const char *why)
{
    settings_mistake(named->settings, kind, named->group, named->row->key,
                     "%s: %s", named->path, why);
}

static const char *join(struct settings *settings, const char *file)
{
    char folder[PATH_MAX];

    if (file[0] == '/')
        return file;
    if (strchr(settings_file_path(settings), '/') == NULL)
        return file;
    snprintf(folder, sizeof folder, "%s", settings_file_path(settings));
    return settings_print(settings, "%s/%s", dirname(folder), file);
}

/* Private means: no bit of group or others, whoever they are. */
static bool is_fit(const struct named *named, int fd)
{
    bool private =
        (named->row->file & SETTINGS_FILE_PRIVATE) == SETTINGS_FILE_PRIVATE;
    struct stat stat;

    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        wrong(named, STATUS_INVALID,
              "is not a regular file; allowed: the path of one");
        return false;
    }
    if (private && (stat.st_mode & 077) != 0) {
        settings_mistake(
            named->settings, STATUS_DENIED, named->group, named->row->key,
            "%s: its mode is %03o, so others can read this "
            "secret; allowed: 600 or 400 (chmod 600 %s)",
            named->path, (unsigned)(stat.st_mode & 0777), named->path);
        return false;
    }
    return true;
}

static enum status content_read(int fd, struct bytes *content)
{
    for (;;) {
        enum status status = bytes_reserve(content, 4096);
        ssize_t got;

        if (status != STATUS_OK)
            return status;
        got = read(fd, content->data + content->len, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return STATUS_IO;
        content->len += (size_t)got;
        content->data[content->len] = 0;
        if (got == 0)
            return STATUS_OK;
        if (content->len > SETTINGS_SECRET_LIMIT_BYTES)
            return STATUS_INVALID;
    }
}

/* A file that an editor wrote ends with a line break; the secret does not. */
static void drop_line_break(struct bytes *content)
{
    if (content->len > 0 && content->data[content->len - 1] == '\n')
        content->data[--content->len] = 0;
    if (content->len > 0 && content->data[content->len - 1] == '\r')
        content->data[--content->len] = 0;
}

static void load(const struct named *named, int fd, void *into)
{
    struct bytes content = BYTES_EMPTY;
    struct bytes shared;
    enum status status =
        bytes_reserve(&content, SETTINGS_SECRET_LIMIT_BYTES + 8192);

    /* reserved at once: growing would leave parts of the secret behind */
    if (status == STATUS_OK)
        status = content_read(fd, &content);
    if (status == STATUS_INVALID)
        wrong(named, STATUS_INVALID, "is too large; allowed: 64 KiB");
    else if (status == STATUS_IO)
        wrong(named, STATUS_MISSING, "cannot be read");
    else if (status == STATUS_NOMEM)
        settings_no_memory(named->settings);
    drop_line_break(&content);
    if (status == STATUS_OK && content.len == 0) {
        wrong(named, STATUS_INVALID, "is empty; allowed: 1 byte to 64 KiB");
        status = STATUS_INVALID;
    }
    shared = content;
    if (status == STATUS_OK)
        status = settings_hold_secret(named->settings, &content);
    if (status == STATUS_OK)
        memcpy((char *)into + named->row->second, &shared, sizeof shared);
    bytes_wipe(&content);
}

void file_read(struct settings *settings, const struct settings_row *row,
               const char *path, const char *file, void *into)
{
    struct named named = {settings, row, path, join(settings, file)};
    int fd;

    if (named.path == NULL)
        return;
    memcpy((char *)into + row->offset, &named.path, sizeof named.path);
    if (row->file == SETTINGS_FILE_ANY)
        return;
    fd = open(named.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        wrong(&named, STATUS_MISSING,
              errno == ENOENT || errno == ENOTDIR
                  ? "there is no such file"
                  : "cannot be opened; is its owner this program's user?");
        return;
    }
    if (is_fit(&named, fd) && (row->file & SETTINGS_FILE_LOADED) != 0)
        load(&named, fd, into);
    close(fd);
}
