/*
 * What operators did that is not on the record of a delivery: one note each,
 * in the order of time, the newest AUDIT_MAX of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "text.h"

#define SPACE "audit"
#define AUDIT_MAX 2000
#define SHOWN 100
#define WORDS_MAX 4000

struct entry {
    char key[96]; /* instant in ms, then the user: notes are sorted by key */
    char *value;
};

struct oldest {
    size_t count;
    char key[256];
    size_t key_len;
};

static bool oldest_visit(void *arg, struct span key, struct span value)
{
    struct oldest *oldest = arg;

    (void)value;
    if (oldest->count++ == 0 && key.len <= sizeof oldest->key) {
        memcpy(oldest->key, key.data, key.len);
        oldest->key_len = key.len;
    }
    return true;
}

static enum status entry_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    const struct entry *entry = arg;
    struct oldest oldest = {0};
    enum status status = queue_put_note(queue, SPACE, span_text(entry->key),
                                        span_text(entry->value));

    (void)now_ms;
    if (status == STATUS_OK)
        status = queue_note_each(queue, SPACE, oldest_visit, &oldest);
    if (status == STATUS_OK && oldest.count > AUDIT_MAX)
        status = queue_put_note(
            queue, SPACE, span_of(oldest.key, oldest.key_len), span_text(""));
    return status;
}

/* The request without what is long or only of the moment. */
static json_t *request_words(const json_t *request)
{
    static const char *const dropped[] = {"id", "token", "ledger", "ids",
                                          "fields"};
    json_t *words = json_copy((json_t *)request);

    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        json_object_del(words, dropped[i]);
    return words;
}

bool audit_put(struct call_context *context)
{
    struct entry entry = {.value = NULL};
    json_t *words = request_words(context->request);
    int64_t now_ms = clock_wall_ms(context->admin->options.clock);
    enum status status = STATUS_NOMEM;

    text_print(entry.key, sizeof entry.key, "%013" PRId64 " %s", now_ms,
               context->user);
    entry.value = words == NULL ? NULL : json_dumps(words, JSON_COMPACT);
    if (entry.value != NULL && strlen(entry.value) <= WORDS_MAX)
        status = committer_run(context->admin->options.committer, entry_apply,
                               &entry);
    else if (entry.value != NULL)
        status = STATUS_INVALID;
    free(entry.value);
    json_decref(words);
    if (status == STATUS_OK)
        return true;
    request_fail(context,
                 "nothing was done, because it could not be put on record: %s",
                 status_text(status));
    return false;
}

static bool list_visit(void *arg, struct span key, struct span value)
{
    json_t *entries = arg;
    json_t *entry = json_loadb((const char *)value.data, value.len, 0, NULL);
    char text[96] = "";
    int64_t at_ms;
    char *user;

    snprintf(text, sizeof text, "%.*s", (int)key.len, (const char *)key.data);
    at_ms = strtoll(text, &user, 10);
    if (entry == NULL)
        entry = json_object();
    json_object_set_new(entry, "at", instant_json(at_ms));
    json_object_set_new(entry, "user",
                        json_string(*user == ' ' ? user + 1 : user));
    json_array_append_new(entries, entry);
    if (json_array_size(entries) > SHOWN)
        json_array_remove(entries, 0);
    return true;
}

json_t *verb_audit(struct call_context *context)
{
    json_t *entries = json_array();
    enum status status = queue_note_each(context->admin->options.queue, SPACE,
                                         list_visit, entries);

    if (status == STATUS_OK)
        return json_pack("{s:o}", "entries", entries);
    json_decref(entries);
    return request_fail(context, "%s", status_text(status));
}
