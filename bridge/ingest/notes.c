#include "notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUE_HEAD 28 /* two numbers of 13 digits, a blank behind each */

static enum status parse(struct span text, json_t **value)
{
    *value =
        json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
    return *value != NULL ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status note_read_json(struct queue *queue, const char *space,
                           const char *key, json_t **value)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = queue_note_read(queue, space, span_text(key), &text);

    if (status == STATUS_OK)
        status = parse(bytes_view(&text), value);
    bytes_free(&text);
    return status;
}

enum status note_read_text(struct queue *queue, const char *space,
                           const char *key, char *text, size_t size)
{
    struct bytes value = BYTES_EMPTY;
    enum status status = queue_note_read(queue, space, span_text(key), &value);

    if (status == STATUS_OK && value.len >= size)
        status = STATUS_INVALID;
    if (status == STATUS_OK)
        memcpy(text, bytes_text(&value), value.len + 1);
    bytes_free(&value);
    return status;
}

enum status note_put_text(struct queue *queue, const char *space,
                          const char *key, const char *text)
{
    return queue_put_note(queue, space, span_text(key), span_text(text));
}

/* Append value as compact JSON. */
static enum status dump(const json_t *value, struct bytes *to)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    enum status status =
        text == NULL ? STATUS_NOMEM : bytes_append_text(to, text);

    free(text);
    return status;
}

enum status note_put_json(struct queue *queue, const char *space,
                          const char *key, const json_t *value)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = value == NULL ? STATUS_OK : dump(value, &text);

    if (status == STATUS_OK)
        status =
            queue_put_note(queue, space, span_text(key), bytes_view(&text));
    bytes_free(&text);
    return status;
}

enum status note_put_due(struct queue *queue, const char *space,
                         const char *key, int64_t opened_ms,
                         int64_t deadline_ms, const json_t *value)
{
    struct bytes text = BYTES_EMPTY;
    enum status status;

    status = bytes_print(&text, "%013lld %013lld ", (long long)opened_ms,
                         (long long)deadline_ms);
    if (status == STATUS_OK)
        status = dump(value, &text);
    if (status == STATUS_OK)
        status =
            queue_put_note(queue, space, span_text(key), bytes_view(&text));
    bytes_free(&text);
    return status;
}

enum status note_read_due(struct queue *queue, const char *space,
                          const char *key, json_t **value)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = queue_note_read(queue, space, span_text(key), &text);

    if (status == STATUS_OK && text.len <= DUE_HEAD)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status =
            parse(span_of(text.data + DUE_HEAD, text.len - DUE_HEAD), value);
    bytes_free(&text);
    return status;
}

struct due_search {
    int64_t now_ms;
    struct bytes *key;
    json_t **value;
    enum status status;
};

static bool is_due(struct span value, int64_t now_ms)
{
    char head[DUE_HEAD + 1] = "";
    int64_t opened_ms;
    int64_t deadline_ms;
    char *end;

    if (value.len <= DUE_HEAD)
        return false;
    memcpy(head, value.data, DUE_HEAD);
    opened_ms = strtoll(head, &end, 10);
    deadline_ms = strtoll(end, NULL, 10);
    return now_ms >= deadline_ms ||
           now_ms < opened_ms - (deadline_ms - opened_ms);
}

static bool visit_due(void *arg, struct span key, struct span value)
{
    struct due_search *search = arg;

    if (!is_due(value, search->now_ms))
        return true;
    search->status = bytes_copy(search->key, key);
    if (search->status == STATUS_OK)
        search->status =
            parse(span_of(value.data + DUE_HEAD, value.len - DUE_HEAD),
                  search->value);
    return false;
}

enum status note_find_due(struct queue *queue, const char *space,
                          int64_t now_ms, struct bytes *key, json_t **value)
{
    struct due_search search = {now_ms, key, value, STATUS_NOT_FOUND};
    enum status status = queue_note_each(queue, space, visit_due, &search);

    return status == STATUS_OK ? search.status : status;
}

struct sweep {
    struct bytes keys; /* each with its NUL */
    unsigned left;
    bool (*old)(void *arg, struct span key, struct span value);
    void *arg;
    enum status status;
};

static bool visit_old(void *arg, struct span key, struct span value)
{
    struct sweep *sweep = arg;

    if (!sweep->old(sweep->arg, key, value))
        return true;
    sweep->status = bytes_append(&sweep->keys, key);
    if (sweep->status == STATUS_OK)
        sweep->status = bytes_append(&sweep->keys, span_of("", 1));
    return sweep->status == STATUS_OK && --sweep->left > 0;
}

enum status note_sweep(struct queue *queue, const char *space, unsigned limit,
                       bool (*old)(void *arg, struct span key,
                                   struct span value),
                       void *arg)
{
    struct sweep sweep = {.left = limit, .old = old, .arg = arg};
    enum status status = queue_note_each(queue, space, visit_old, &sweep);

    if (status == STATUS_OK)
        status = sweep.status;
    for (size_t at = 0; status == STATUS_OK && at < sweep.keys.len;) {
        const char *key = (const char *)sweep.keys.data + at;

        status = note_put_text(queue, space, key, "");
        at += strlen(key) + 1;
    }
    bytes_free(&sweep.keys);
    return status;
}
