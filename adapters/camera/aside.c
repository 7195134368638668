#include "aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

struct aside {
    pthread_mutex_t mutex;
    unsigned number; /* of the next file: two of one millisecond differ */
    char folder[];
};

static int is_kept(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void aside_trim(int folder, size_t keep)
{
    struct dirent **entries;
    int count = scandirat(folder, ".", &entries, is_kept, alphasort);

    for (int i = 0; i < count; i++) {
        if ((size_t)(count - i) > keep)
            unlinkat(folder, entries[i]->d_name, 0);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void trim(const struct aside *aside)
{
    int fd = open(aside->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    aside_trim(fd, ASIDE_FILES_MAX);
    close(fd);
}

enum status aside_open(const char *folder, struct aside **aside)
{
    size_t size = strlen(folder) + 1;
    struct aside *made;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return STATUS_IO;
    made = calloc(1, sizeof *made + size);
    if (made == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&made->mutex, NULL);
    memcpy(made->folder, folder, size);
    trim(made);
    *aside = made;
    return STATUS_OK;
}

void aside_close(struct aside *aside)
{
    if (aside == NULL)
        return;
    pthread_mutex_destroy(&aside->mutex);
    free(aside);
}

/* "20261120T083045.123": sorts as text, and stays in order over midnight. */
static void stamp_print(int64_t now_ms, char *text, size_t size)
{
    struct china_time at = china_time_of(now_ms);

    snprintf(text, size, "%04d%02d%02dT%02d%02d%02d.%03d", at.year, at.month,
             at.day, at.hour, at.minute, at.second, at.millisecond);
}

enum status aside_put(struct aside *aside, int64_t now_ms, const char *who,
                      const char *extension, struct span content,
                      char name[static ASIDE_NAME_MAX])
{
    char path[PATH_MAX];
    char stamp[64];
    enum status status = STATUS_IO;

    if (content.len > ASIDE_FILE_MAX)
        content.len = ASIDE_FILE_MAX;
    stamp_print(now_ms, stamp, sizeof stamp);
    pthread_mutex_lock(&aside->mutex);
    snprintf(name, ASIDE_NAME_MAX, "%.20s-%06u-%.60s.%.16s", stamp,
             aside->number++ % 1000000, who, extension);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", aside->folder, name) <
        sizeof path)
        status = bytes_write_file(path, content, 0600);
    trim(aside);
    pthread_mutex_unlock(&aside->mutex);
    return status;
}
