#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define SAME_SECOND_MAX 100 /* folders set aside within one second */

static enum status of_errno(void)
{
    if (errno == ENOENT)
        return STATUS_NOT_FOUND;
    if (errno == ENOSPC || errno == EDQUOT)
        return STATUS_FULL;
    return errno == ENOMEM ? STATUS_NOMEM : STATUS_IO;
}

enum status folder_path(char path[static FOLDER_PATH_MAX], const char *folder,
                        const char *name, const char *suffix)
{
    int len = snprintf(path, FOLDER_PATH_MAX, "%s/%s%s%s", folder, name,
                       suffix[0] == 0 ? "" : ".", suffix);

    return len >= 0 && len < FOLDER_PATH_MAX ? STATUS_OK : STATUS_INVALID;
}

bool folder_there(const char *path)
{
    struct stat found;

    return lstat(path, &found) == 0;
}

enum status folder_make(const char *path)
{
    char part[FOLDER_PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof part)
        return STATUS_INVALID;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, FOLDER_MODE) != 0 && errno != EEXIST)
            return of_errno();
    }
    return STATUS_OK;
}

enum status folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status;

    if (fd < 0)
        return of_errno();
    status = fsync(fd) == 0 ? STATUS_OK : of_errno();
    close(fd);
    return status;
}

enum status folder_remove(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (folder == NULL)
        return errno == ENOENT ? STATUS_OK : of_errno();
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return rmdir(path) == 0 ? STATUS_OK : of_errno();
}

enum status folder_rename(const char *folder, const char *from, const char *to)
{
    if (rename(from, to) != 0)
        return of_errno();
    return folder_sync(folder);
}

enum status folder_set_aside(const char *folder, const char *path,
                             int64_t now_ms, char aside[static FOLDER_PATH_MAX])
{
    struct china_time t = china_time_of(now_ms);
    int len = 0;

    for (int copy = 1; copy < SAME_SECOND_MAX; copy++) {
        len = snprintf(aside, FOLDER_PATH_MAX,
                       "%s.set-aside-%04d%02d%02d%02d%02d%02d", path, t.year,
                       t.month, t.day, t.hour, t.minute, t.second);
        if (copy > 1 && len > 0 && len < FOLDER_PATH_MAX)
            len += snprintf(aside + len, (size_t)(FOLDER_PATH_MAX - len), "-%d",
                            copy);
        if (len < 0 || len >= FOLDER_PATH_MAX)
            return STATUS_INVALID;
        if (!folder_there(aside))
            return folder_rename(folder, path, aside);
    }
    return STATUS_IO;
}

enum status folder_lock(const char *folder, bool shared, int *fd)
{
    char path[FOLDER_PATH_MAX];
    enum status status = folder_path(path, folder, "lock", "");

    if (status != STATUS_OK)
        return status;
    *fd = shared ? open(path, O_RDONLY | O_CLOEXEC)
                 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (*fd < 0)
        return of_errno();
    if (flock(*fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return STATUS_OK;
    status = errno == EWOULDBLOCK ? STATUS_BUSY : STATUS_IO;
    close(*fd);
    *fd = -1;
    return status;
}
