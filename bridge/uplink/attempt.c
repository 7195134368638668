#include "attempt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_pointer.h"

#define EVENTS_OPEN_MAX 8

/* The stored events a rendering has opened; closed with it. */
struct opened {
    uint64_t id;
    struct bytes buffer;
    struct queue_event event;
    json_t *json; /* parsed when a pointer asked for it */
};

struct shelf {
    struct queue *queue;
    struct opened events[EVENTS_OPEN_MAX];
    size_t count;
};

static enum status shelf_open(struct shelf *shelf, uint64_t id,
                              struct opened **opened)
{
    struct opened *fresh;
    enum status status;

    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->events[i].id == id) {
            *opened = &shelf->events[i];
            return STATUS_OK;
        }
    if (shelf->count == EVENTS_OPEN_MAX)
        return STATUS_INVALID;
    fresh = &shelf->events[shelf->count];
    status = queue_event_read(shelf->queue, id, &fresh->event, &fresh->buffer);
    if (status != STATUS_OK) {
        bytes_free(&fresh->buffer);
        return status;
    }
    fresh->id = id;
    shelf->count++;
    *opened = fresh;
    return STATUS_OK;
}

static void shelf_close(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        bytes_free(&shelf->events[i].buffer);
        json_decref(shelf->events[i].json);
    }
}

static enum status shelf_body(void *self, uint64_t event, struct span *body)
{
    struct opened *opened;
    enum status status = shelf_open(self, event, &opened);

    if (status == STATUS_OK)
        *body = opened->event.body;
    return status;
}

static enum status shelf_text(void *self, uint64_t event, const char *pointer,
                              struct span *text)
{
    struct opened *opened;
    const json_t *found;
    enum status status = shelf_open(self, event, &opened);

    if (status != STATUS_OK)
        return status;
    if (opened->json == NULL)
        opened->json = json_loadb((const char *)opened->event.body.data,
                                  opened->event.body.len, 0, NULL);
    found =
        opened->json == NULL ? NULL : json_pointer_get(opened->json, pointer);
    if (!json_is_string(found))
        return STATUS_FORMAT;
    *text = span_of(json_string_value(found), json_string_length(found));
    return STATUS_OK;
}

static enum status render(struct attempt *attempt)
{
    struct shelf shelf = {.queue = attempt->queue};
    const struct lookup lookup = {shelf_text, shelf_body, &shelf};
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t event_count;
    enum status status = queue_facts_read(attempt->queue, attempt->id, &facts,
                                          events, &event_count);

    if (status != STATUS_OK) {
        snprintf(attempt->words, sizeof attempt->words,
                 "the stored facts cannot be read: %s", status_text(status));
        bytes_free(&facts);
        return status;
    }
    pthread_rwlock_rdlock(attempt->session_lock);
    attempt->token_made_at_ms = attempt->session->token_made_at_ms;
    status = attempt->platform->render(
        attempt->destination, attempt->interface, attempt->session,
        bytes_view(&facts), &lookup, attempt->now_ms, &attempt->request);
    pthread_rwlock_unlock(attempt->session_lock);
    if (status != STATUS_OK)
        snprintf(attempt->words, sizeof attempt->words, "%s",
                 attempt->request.words[0] != 0 ? attempt->request.words
                                                : status_text(status));
    shelf_close(&shelf);
    bytes_free(&facts);
    return status;
}

void attempt_render(struct attempt *attempt)
{
    attempt->status = render(attempt);
    if (attempt->rendered != NULL)
        attempt->rendered(attempt);
}

void attempt_free(struct attempt *attempt)
{
    if (attempt == NULL)
        return;
    request_free(&attempt->request);
    free(attempt);
}
