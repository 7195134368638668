#include "sightings.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define SIGHTINGS_MAX 4096

/* As in the file, in this machine's order; 32 bytes lie in one sector. */
struct sighting {
    uint64_t hash;
    int64_t first_ms; /* 0: free */
    int64_t last_ms;
    uint64_t check;
};

struct sightings {
    pthread_mutex_t mutex;
    int fd;
    struct sighting all[SIGHTINGS_MAX];
};

uint64_t hash_text(uint64_t hash, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.data[i]) * UINT64_C(1099511628211);
    return hash * UINT64_C(1099511628211);
}

static uint64_t check_of(const struct sighting *one)
{
    return hash_text(HASH_START,
                     span_of(one, offsetof(struct sighting, check)));
}

static enum status file_read(struct sightings *sightings)
{
    ssize_t got =
        pread(sightings->fd, sightings->all, sizeof sightings->all, 0);

    if (got < 0)
        return STATUS_IO;
    for (size_t i = 0; i < SIGHTINGS_MAX; i++) {
        struct sighting *one = &sightings->all[i];

        if ((i + 1) * sizeof *one > (size_t)got || one->check != check_of(one))
            *one = (struct sighting){0, 0, 0, 0};
    }
    return STATUS_OK;
}

enum status sightings_open(const char *path, struct sightings **sightings)
{
    struct sightings *made = calloc(1, sizeof *made);
    enum status status = STATUS_IO;

    if (made == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&made->mutex, NULL);
    made->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made->fd >= 0)
        status = file_read(made);
    if (status == STATUS_OK)
        *sightings = made;
    else
        sightings_close(made);
    return status;
}

void sightings_close(struct sightings *sightings)
{
    if (sightings == NULL)
        return;
    if (sightings->fd >= 0)
        close(sightings->fd);
    pthread_mutex_destroy(&sightings->mutex);
    free(sightings);
}

/* The one of hash, or the one to be overwritten: free, or not seen longest. */
static struct sighting *place_of(struct sightings *sightings, uint64_t hash)
{
    struct sighting *oldest = &sightings->all[0];

    for (size_t i = 0; i < SIGHTINGS_MAX; i++) {
        struct sighting *one = &sightings->all[i];

        if (one->first_ms != 0 && one->hash == hash)
            return one;
        if (one->last_ms < oldest->last_ms)
            oldest = one;
    }
    return oldest;
}

static enum status place_write(struct sightings *sightings,
                               struct sighting *one, bool sync)
{
    off_t at = (off_t)((one - sightings->all) * (ptrdiff_t)sizeof *one);

    one->check = check_of(one);
    if (pwrite(sightings->fd, one, sizeof *one, at) != (ssize_t)sizeof *one)
        return STATUS_IO;
    return sync && fdatasync(sightings->fd) != 0 ? STATUS_IO : STATUS_OK;
}

enum status sightings_time(struct sightings *sightings, uint64_t hash,
                           int64_t now_ms, int64_t window_ms, int64_t *at_ms)
{
    struct sighting *one;
    enum status status;
    bool known;

    pthread_mutex_lock(&sightings->mutex);
    one = place_of(sightings, hash);
    known = one->first_ms != 0 && one->hash == hash &&
            llabs(now_ms - one->last_ms) <= window_ms;
    *one = (struct sighting){hash, known ? one->first_ms : now_ms, now_ms, 0};
    *at_ms = one->first_ms;
    status = place_write(sightings, one, !known);
    pthread_mutex_unlock(&sightings->mutex);
    return status;
}
