#include "letters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct letters {
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

static void chain_free(struct letter *first)
{
    while (first != NULL) {
        struct letter *next = first->next;

        letter_free(first);
        first = next;
    }
}

enum status letters_make(struct letters **letters)
{
    struct letters *made = calloc(1, sizeof *made);

    if (made == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&made->mutex, NULL);
    made->end = &made->first;
    *letters = made;
    return STATUS_OK;
}

void letters_free(struct letters *letters)
{
    if (letters == NULL)
        return;
    chain_free(letters->first);
    chain_free(letters->retained);
    pthread_mutex_destroy(&letters->mutex);
    free(letters);
}

/* ---- with the mutex held ------------------------------------------------- */

static enum status enqueue(struct letters *letters, const char *topic,
                           struct span payload, int qos, bool retained)
{
    struct letter *letter;

    if (letters->waiting >= LETTERS_WAITING_MAX)
        return STATUS_NOMEM;
    letter = letter_make(topic, payload, qos, retained);
    if (letter == NULL)
        return STATUS_NOMEM;
    *letters->end = letter;
    letters->end = &letter->next;
    letters->waiting++;
    return STATUS_OK;
}

static void empty(struct letters *letters)
{
    chain_free(letters->first);
    letters->first = NULL;
    letters->end = &letters->first;
    letters->waiting = 0;
}

static struct letter **place_of(struct letters *letters, const char *topic)
{
    struct letter **place = &letters->retained;

    while (*place != NULL && strcmp((*place)->topic, topic) != 0)
        place = &(*place)->next;
    return place;
}

/* A new topic goes to the end, a known one keeps its place. */
static enum status remember(struct letters *letters, const char *topic,
                            struct span payload, int qos)
{
    struct letter **place = place_of(letters, topic);
    struct letter *letter;

    if (*place == NULL && letters->topics >= LETTERS_RETAINED_MAX)
        return STATUS_NOMEM;
    letter = letter_make(topic, payload, qos, true);
    if (letter == NULL)
        return STATUS_NOMEM;
    if (*place == NULL) {
        letters->topics++;
    } else {
        letter->next = (*place)->next;
        letter_free(*place);
    }
    *place = letter;
    return STATUS_OK;
}

static enum status put(struct letters *letters, const char *topic,
                       struct span payload, int qos, bool retained)
{
    enum status status = STATUS_OFFLINE;

    if (retained &&
        (status = remember(letters, topic, payload, qos)) != STATUS_OK)
        return status;
    return letters->linked ? enqueue(letters, topic, payload, qos, retained)
                           : status;
}

static enum status enqueue_retained(struct letters *letters)
{
    enum status status = STATUS_OK;

    empty(letters);
    for (struct letter *letter = letters->retained;
         letter != NULL && status == STATUS_OK; letter = letter->next)
        status = enqueue(letters, letter->topic, bytes_view(&letter->payload),
                         letter->qos, true);
    return status;
}

/* ---- public -------------------------------------------------------------- */

enum status letters_put(struct letters *letters, const char *topic,
                        struct span payload, int qos, bool retained)
{
    enum status status;

    pthread_mutex_lock(&letters->mutex);
    status = put(letters, topic, payload, qos, retained);
    pthread_mutex_unlock(&letters->mutex);
    return status;
}

enum status letters_link(struct letters *letters)
{
    enum status status;

    pthread_mutex_lock(&letters->mutex);
    letters->linked = true;
    status = enqueue_retained(letters);
    pthread_mutex_unlock(&letters->mutex);
    return status;
}

void letters_unlink(struct letters *letters)
{
    pthread_mutex_lock(&letters->mutex);
    letters->linked = false;
    empty(letters);
    pthread_mutex_unlock(&letters->mutex);
}

struct letter *letters_take(struct letters *letters)
{
    struct letter *letter;

    pthread_mutex_lock(&letters->mutex);
    letter = letters->first;
    if (letter != NULL) {
        letters->first = letter->next;
        if (letters->first == NULL)
            letters->end = &letters->first;
        letters->waiting--;
        letter->next = NULL;
    }
    pthread_mutex_unlock(&letters->mutex);
    return letter;
}
