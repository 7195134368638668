/*
 * slow_flush.c - a disk as slow as a test wants it.  For LD_PRELOAD.
 *
 *   SLOW_FLUSH_MS     each flush of the store takes this much longer
 *   SLOW_FLUSH_WHILE  flushes of the store wait while this file is there
 *
 * A flush is fdatasync, fsync, msync, and pwrite to a file that was opened with
 * O_DSYNC (LMDB's second page of meta data).  Of the store are files below a
 * folder named /store/; nothing else is slowed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void linger(void)
{
    const char *ms = getenv("SLOW_FLUSH_MS");
    const char *file = getenv("SLOW_FLUSH_WHILE");

    if (ms != NULL)
        sleep_ms(atol(ms));
    while (file != NULL && access(file, F_OK) == 0)
        sleep_ms(5);
}

static bool of_store(int fd)
{
    char link[64];
    char path[4096];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    if (len < 0)
        return false;
    path[len] = 0;
    return strstr(path, "/store/") != NULL;
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    if (of_store(fd))
        linger();
    return real(fd);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

    if (of_store(fd))
        linger();
    return real(fd);
}

int msync(void *from, size_t len, int flags)
{
    int (*real)(void *, size_t, int) =
        (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync");

    linger();
    return real(from, len, flags);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT,
                                                            "pwrite");
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && (flags & O_DSYNC) != 0 && of_store(fd))
        linger();
    return real(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    return pwrite(fd, data, len, at);
}
