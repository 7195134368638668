#include "deadlines.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct deadline {
    int fd; /* -1: free */
    int64_t due_ms;
};

struct deadlines {
    pthread_mutex_t mutex;
    size_t max;
    struct deadline slots[];
};

enum status deadlines_make(size_t max, struct deadlines **deadlines)
{
    struct deadlines *made =
        calloc(1, sizeof *made + max * sizeof made->slots[0]);

    if (made == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&made->mutex, NULL);
    made->max = max;
    for (size_t i = 0; i < max; i++)
        made->slots[i].fd = -1;
    *deadlines = made;
    return STATUS_OK;
}

void deadlines_free(struct deadlines *deadlines)
{
    if (deadlines == NULL)
        return;
    pthread_mutex_destroy(&deadlines->mutex);
    free(deadlines);
}

struct deadline *deadlines_add(struct deadlines *deadlines, int fd,
                               int64_t due_ms)
{
    struct deadline *slot = NULL;

    pthread_mutex_lock(&deadlines->mutex);
    for (size_t i = 0; i < deadlines->max && slot == NULL; i++)
        if (deadlines->slots[i].fd < 0)
            slot = &deadlines->slots[i];
    if (slot != NULL)
        *slot = (struct deadline){fd, due_ms};
    pthread_mutex_unlock(&deadlines->mutex);
    return slot;
}

void deadlines_remove(struct deadlines *deadlines, struct deadline *slot)
{
    pthread_mutex_lock(&deadlines->mutex);
    if (slot != NULL)
        slot->fd = -1;
    pthread_mutex_unlock(&deadlines->mutex);
}

void deadlines_due(struct deadlines *deadlines, struct deadline *slot,
                   int64_t due_ms)
{
    pthread_mutex_lock(&deadlines->mutex);
    if (slot != NULL)
        slot->due_ms = due_ms;
    pthread_mutex_unlock(&deadlines->mutex);
}

size_t deadlines_cut(struct deadlines *deadlines, int64_t now_ms)
{
    size_t count = 0;

    pthread_mutex_lock(&deadlines->mutex);
    for (size_t i = 0; i < deadlines->max; i++) {
        struct deadline *slot = &deadlines->slots[i];

        if (slot->fd >= 0 && slot->due_ms <= now_ms) {
            shutdown(slot->fd, SHUT_RDWR);
            slot->due_ms = INT64_MAX;
            count++;
        }
    }
    pthread_mutex_unlock(&deadlines->mutex);
    return count;
}
