#include "attempt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_pointer.h"

#define EVENTS_OPEN_MAX 8

/* The stored events whose texts a rendering asked for; closed with it. */
struct opened {
    uint64_t id;
    json_t *json;
};

struct shelf {
    struct queue *queue;
    struct opened events[EVENTS_OPEN_MAX];
    size_t count;
};

static enum status shelf_open(struct shelf *shelf, uint64_t id,
                              const struct opened **opened)
{
    struct opened *fresh = &shelf->events[shelf->count];
    struct bytes body = BYTES_EMPTY;
    enum status status;

    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->events[i].id == id) {
            *opened = &shelf->events[i];
            return STATUS_OK;
        }
    if (shelf->count == EVENTS_OPEN_MAX)
        return STATUS_INVALID;
    status = queue_body_read(shelf->queue, id, &body);
    if (status == STATUS_OK) {
        fresh->id = id;
        fresh->json = json_loadb((const char *)body.data, body.len, 0, NULL);
        shelf->count++;
        *opened = fresh;
    }
    bytes_free(&body);
    return status;
}

static void shelf_close(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        json_decref(shelf->events[i].json);
}

static enum status shelf_text(void *self, uint64_t event, const char *pointer,
                              struct span *text)
{
    const struct opened *opened;
    const json_t *found;
    enum status status = shelf_open(self, event, &opened);

    if (status != STATUS_OK)
        return status;
    found =
        opened->json == NULL ? NULL : json_pointer_get(opened->json, pointer);
    if (!json_is_string(found))
        return STATUS_FORMAT;
    *text = span_of(json_string_value(found), json_string_length(found));
    return STATUS_OK;
}

static enum status shelf_body(void *self, uint64_t event, struct bytes *body)
{
    const struct shelf *shelf = self;

    return queue_body_read(shelf->queue, event, body);
}

static enum status render(struct attempt *attempt)
{
    struct shelf shelf = {.queue = attempt->queue};
    const struct lookup lookup = {shelf_text, shelf_body, &shelf};
    enum status status = attempt->status;

    if (status != STATUS_OK) {
        snprintf(attempt->words, sizeof attempt->words,
                 "the stored facts cannot be read: %s", status_text(status));
        return status;
    }
    pthread_rwlock_rdlock(attempt->session_lock);
    attempt->token_made_at_ms = attempt->session->token_made_at_ms;
    status =
        attempt->platform->render(attempt->destination, attempt->interface,
                                  attempt->session, bytes_view(&attempt->facts),
                                  &lookup, attempt->now_ms, &attempt->request);
    pthread_rwlock_unlock(attempt->session_lock);
    if (status != STATUS_OK)
        snprintf(attempt->words, sizeof attempt->words, "%s",
                 attempt->request.words[0] != 0 ? attempt->request.words
                                                : status_text(status));
    shelf_close(&shelf);
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
    bytes_free(&attempt->facts);
    free(attempt);
}
