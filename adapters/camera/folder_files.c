#include "folder_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

struct scan {
    struct found_files *files;
    int64_t steady_ms;
    int64_t wall_ms;
};

enum status files_make(struct found_files *files)
{
    files->count = 0;
    files->all = calloc(FILES_MAX, sizeof *files->all);
    return files->all == NULL ? STATUS_NOMEM : STATUS_OK;
}

void files_free(struct found_files *files)
{
    free(files->all);
    *files = (struct found_files){NULL, 0};
}

struct found_file *files_find(struct found_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->all[i].path, path) == 0)
            return &files->all[i];
    return NULL;
}

static int64_t date_of(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

static void note_file(struct scan *scan, const char *path,
                      const struct stat *info)
{
    struct found_file *file = files_find(scan->files, path);

    if (file == NULL) {
        if (scan->files->count == FILES_MAX)
            return;
        file = &scan->files->all[scan->files->count++];
        *file = (struct found_file){.inode = 0};
        memcpy(file->path, path, strlen(path) + 1); /* it fits: see walk */
    }
    file->found = true;
    if (file->inode == info->st_ino && file->size == info->st_size &&
        file->changed_ns == date_of(info))
        return;
    file->inode = info->st_ino;
    file->size = info->st_size;
    file->changed_ns = date_of(info);
    file->regular = S_ISREG(info->st_mode);
    file->closed = false;
    file->since_ms = scan->steady_ms;
    file->state = FILE_NEW;
}

static bool passed_over(const char *name, unsigned depth)
{
    return name[0] == '.' || (depth == 0 && (strcmp(name, "bad") == 0 ||
                                             strcmp(name, "done") == 0));
}

/* What a camera makes anew each day or hour: "20261120", "2026-11-20", "08".
 * Any other folder may have been made by a person for a camera that cannot. */
static bool names_a_date(const char *name)
{
    return strspn(name, "0123456789-_") == strlen(name);
}

static void walk(struct scan *scan, int fd, const char *below, unsigned depth);

static void walk_into(struct scan *scan, int parent, const char *name,
                      const char *path, unsigned depth)
{
    int fd =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0)
        walk(scan, fd, path, depth);
}

/* fd is used up. */
static void walk(struct scan *scan, int fd, const char *below, unsigned depth)
{
    DIR *folder = fdopendir(fd);
    struct dirent *entry;

    if (folder == NULL) {
        close(fd);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        char path[FILE_PATH_MAX];
        struct stat info;

        if (passed_over(entry->d_name, depth) ||
            (size_t)snprintf(path, sizeof path, "%s%s%s", below,
                             below[0] == 0 ? "" : "/",
                             entry->d_name) >= sizeof path ||
            fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!S_ISDIR(info.st_mode)) {
            note_file(scan, path, &info);
            continue;
        }
        if (depth < FILES_DEPTH_MAX)
            walk_into(scan, fd, entry->d_name, path, depth + 1);
        /* Does nothing while there is something in it. */
        if (names_a_date(entry->d_name) &&
            scan->wall_ms - info.st_mtim.tv_sec * SECOND_MS > DAY_MS)
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(folder);
}

enum status files_scan(struct found_files *files, const char *top,
                       int64_t steady_ms, int64_t wall_ms)
{
    struct scan scan = {files, steady_ms, wall_ms};
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t kept = 0;

    if (fd < 0)
        return STATUS_IO;
    for (size_t i = 0; i < files->count; i++)
        files->all[i].found = false;
    walk(&scan, fd, "", 0);
    for (size_t i = 0; i < files->count; i++)
        if (files->all[i].found) {
            if (kept != i)
                files->all[kept] = files->all[i];
            kept++;
        }
    files->count = kept;
    return STATUS_OK;
}
