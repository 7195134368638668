#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aside.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The folder at name in the folder fd, which is closed. */
static int step_into(int fd, const char *name)
{
    int inner = openat(fd, name, FOLDER);
    int why = errno;

    close(fd);
    errno = why;
    return inner;
}

/* The folder that path lies in, and *name its last part; -1: none. */
static int parent_open(const char *top, const char *path, const char **name)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash;

    for (*name = path; fd >= 0 && (slash = strchr(*name, '/')) != NULL;
         *name = slash + 1) {
        char part[NAME_MAX + 1];
        size_t len = (size_t)(slash - *name);

        if (len >= sizeof part) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, *name, len);
        part[len] = 0;
        fd = step_into(fd, part);
    }
    return fd;
}

int beneath_open(const char *top, const char *path)
{
    const char *name;
    int parent = parent_open(top, path, &name);
    int fd;

    if (parent < 0)
        return -1;
    fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    close(parent);
    return fd;
}

bool beneath_remove(const char *top, const char *path)
{
    const char *name;
    int parent = parent_open(top, path, &name);
    bool gone;

    if (parent < 0)
        return errno == ENOENT;
    gone = unlinkat(parent, name, 0) == 0 || errno == ENOENT;
    close(parent);
    return gone;
}

static int below_open(const char *top, const char *below)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (mkdirat(fd, below, 0700) != 0 && errno != EEXIST) {
        close(fd);
        return -1;
    }
    return step_into(fd, below);
}

bool beneath_move(const char *top, const char *path, const char *below,
                  const char *name)
{
    const char *last;
    int from = parent_open(top, path, &last);
    int to = from < 0 ? -1 : below_open(top, below);
    bool moved = to >= 0 && renameat(from, last, to, name) == 0;

    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    return moved;
}

void beneath_trim(const char *top, const char *below, size_t keep)
{
    int fd = below_open(top, below);

    if (fd < 0)
        return;
    aside_trim(fd, keep);
    close(fd);
}
