#include "outbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct outbox {
    pthread_mutex_t mutex;
    bool linked;
    struct letter *first; /* that waits */
    struct letter **end;
    size_t waiting;
    struct letter *retained; /* one of each topic */
    size_t topics;
};

static struct letter *letter_make(const char *topic, struct span payload,
                                  int qos, bool retained)
{
    struct letter *made = calloc(1, sizeof *made);

    if (made == NULL)
        return NULL;
    made->topic = strdup(topic);
    if (made->topic == NULL ||
        bytes_append(&made->payload, payload) != STATUS_OK) {
        letter_free(made);
        return NULL;
    }
    made->qos = qos;
    made->retained = retained;
    return made;
}

void letter_free(struct letter *letter)
{
    if (letter == NULL)
        return;
    free(letter->topic);
    bytes_free(&letter->payload);
    free(letter);
}

static void letters_free(struct letter *first)
{
    while (first != NULL) {
        struct letter *next = first->next;

        letter_free(first);
        first = next;
    }
}

enum status outbox_make(struct outbox **outbox)
{
    struct outbox *made = calloc(1, sizeof *made);

    if (made == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&made->mutex, NULL);
    made->end = &made->first;
    *outbox = made;
    return STATUS_OK;
}

void outbox_free(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    letters_free(outbox->first);
    letters_free(outbox->retained);
    pthread_mutex_destroy(&outbox->mutex);
    free(outbox);
}

/* ---- with the mutex held ------------------------------------------------- */

static enum status enqueue(struct outbox *outbox, const char *topic,
                           struct span payload, int qos, bool retained)
{
    struct letter *letter;

    if (outbox->waiting >= OUTBOX_WAITING_MAX)
        return STATUS_NOMEM;
    letter = letter_make(topic, payload, qos, retained);
    if (letter == NULL)
        return STATUS_NOMEM;
    *outbox->end = letter;
    outbox->end = &letter->next;
    outbox->waiting++;
    return STATUS_OK;
}

static void empty(struct outbox *outbox)
{
    letters_free(outbox->first);
    outbox->first = NULL;
    outbox->end = &outbox->first;
    outbox->waiting = 0;
}

static struct letter **place_of(struct outbox *outbox, const char *topic)
{
    struct letter **place = &outbox->retained;

    while (*place != NULL && strcmp((*place)->topic, topic) != 0)
        place = &(*place)->next;
    return place;
}

/* A new topic goes to the end, a known one keeps its place. */
static enum status remember(struct outbox *outbox, const char *topic,
                            struct span payload, int qos)
{
    struct letter **place = place_of(outbox, topic);
    struct letter *letter;

    if (*place == NULL && outbox->topics >= OUTBOX_RETAINED_MAX)
        return STATUS_NOMEM;
    letter = letter_make(topic, payload, qos, true);
    if (letter == NULL)
        return STATUS_NOMEM;
    if (*place == NULL) {
        outbox->topics++;
    } else {
        letter->next = (*place)->next;
        letter_free(*place);
    }
    *place = letter;
    return STATUS_OK;
}

static enum status put(struct outbox *outbox, const char *topic,
                       struct span payload, int qos, bool retained)
{
    enum status status = STATUS_OFFLINE;

    if (retained &&
        (status = remember(outbox, topic, payload, qos)) != STATUS_OK)
        return status;
    return outbox->linked ? enqueue(outbox, topic, payload, qos, retained)
                          : status;
}

static enum status enqueue_retained(struct outbox *outbox)
{
    enum status status = STATUS_OK;

    empty(outbox);
    for (struct letter *letter = outbox->retained;
         letter != NULL && status == STATUS_OK; letter = letter->next)
        status = enqueue(outbox, letter->topic, bytes_view(&letter->payload),
                         letter->qos, true);
    return status;
}

/* ---- public -------------------------------------------------------------- */

enum status outbox_put(struct outbox *outbox, const char *topic,
                       struct span payload, int qos, bool retained)
{
    enum status status;

    pthread_mutex_lock(&outbox->mutex);
    status = put(outbox, topic, payload, qos, retained);
    pthread_mutex_unlock(&outbox->mutex);
    return status;
}

enum status outbox_link(struct outbox *outbox)
{
    enum status status;

    pthread_mutex_lock(&outbox->mutex);
    outbox->linked = true;
    status = enqueue_retained(outbox);
    pthread_mutex_unlock(&outbox->mutex);
    return status;
}

void outbox_unlink(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->linked = false;
    empty(outbox);
    pthread_mutex_unlock(&outbox->mutex);
}

struct letter *outbox_take(struct outbox *outbox)
{
    struct letter *letter;

    pthread_mutex_lock(&outbox->mutex);
    letter = outbox->first;
    if (letter != NULL) {
        outbox->first = letter->next;
        if (outbox->first == NULL)
            outbox->end = &outbox->first;
        outbox->waiting--;
        letter->next = NULL;
    }
    pthread_mutex_unlock(&outbox->mutex);
    return letter;
}
