#include "memory.h"

#include <string.h>

#include "json_text.h"

#define FILE_LIMIT_BYTES (256 * 1024)

/* ---- reading ------------------------------------------------------------ */

static bool is_event(const json_t *event)
{
    const char *id = json_string_value(json_object_get(event, "event_id"));

    return id != NULL && id[0] != 0 && strlen(id) < MEMORY_ID_MAX &&
           json_is_integer(json_object_get(event, "at_ms")) &&
           json_is_object(json_object_get(event, "content"));
}

/* False: it is not what was written. */
static bool take(struct memory *memory, const json_t *file)
{
    const json_t *weighed = json_object_get(file, "weighed");
    const json_t *events = json_object_get(file, "events");
    const json_t *event;
    size_t index;

    if (!json_is_array(events) || json_array_size(events) > MEMORY_EVENTS_MAX)
        return false;
    json_array_foreach(events, index, event)
    {
        if (!is_event(event) ||
            json_array_append(memory->events, (json_t *)event) != 0)
            return false;
    }
    if (weighed == NULL)
        return true;
    memory->weighed = json_is_number(json_object_get(weighed, "gross")) &&
                      json_is_integer(json_object_get(weighed, "at_ms"));
    memory->gross = json_number_value(json_object_get(weighed, "gross"));
    memory->weighed_at_ms =
        json_integer_value(json_object_get(weighed, "at_ms"));
    return memory->weighed;
}

static void file_read(struct memory *memory, bool *damaged)
{
    struct bytes text = BYTES_EMPTY;
    const enum status status =
        bytes_read_file(&text, bytes_text(&memory->path), FILE_LIMIT_BYTES);
    json_t *file = NULL;

    if (status == STATUS_OK)
        file = json_loadb((const char *)text.data, text.len,
                          JSON_REJECT_DUPLICATES, NULL);
    *damaged =
        status != STATUS_NOT_FOUND && (file == NULL || !take(memory, file));
    json_decref(file);
    bytes_free(&text);
}

enum status memory_open(struct memory *memory, const char *folder,
                        const char *scale, bool *damaged)
{
    *memory = (struct memory){.events = json_array()};
    *damaged = false;
    if (memory->events == NULL || bytes_print(&memory->path, "%s/scale-%s.json",
                                              folder, scale) != STATUS_OK) {
        memory_close(memory);
        return STATUS_NOMEM;
    }
    file_read(memory, damaged);
    return STATUS_OK;
}

void memory_close(struct memory *memory)
{
    json_decref(memory->events);
    bytes_free(&memory->path);
    *memory = (struct memory){.events = NULL};
}

/* ---- writing ------------------------------------------------------------ */

static enum status file_write(const struct memory *memory)
{
    struct bytes text = BYTES_EMPTY;
    json_t *file = json_pack("{s:O}", "events", memory->events);
    enum status status = STATUS_NOMEM;

    if (file != NULL && memory->weighed &&
        json_object_set_new(file, "weighed",
                            json_pack("{s:f, s:I}", "gross", memory->gross,
                                      "at_ms",
                                      (json_int_t)memory->weighed_at_ms)) != 0)
        goto out;
    if (file != NULL)
        status = json_text(file, &text);
    if (status == STATUS_OK)
        status = bytes_write_file(bytes_text(&memory->path), bytes_view(&text),
                                  0600);
out:
    bytes_free(&text);
    json_decref(file);
    return status;
}

enum status memory_weighed(struct memory *memory, double gross,
                           const char *event_id, int64_t at_ms,
                           const json_t *content)
{
    json_t *event;

    memory->weighed = true;
    memory->gross = gross;
    memory->weighed_at_ms = at_ms;
    if (json_array_size(memory->events) == MEMORY_EVENTS_MAX)
        return STATUS_FULL;
    event = json_pack("{s:s, s:I, s:O}", "event_id", event_id, "at_ms",
                      (json_int_t)at_ms, "content", (json_t *)content);
    if (event == NULL || json_array_append_new(memory->events, event) != 0)
        return STATUS_NOMEM;
    return file_write(memory);
}

bool memory_oldest(const struct memory *memory, const char **event_id,
                   int64_t *at_ms, const json_t **content)
{
    const json_t *event = json_array_get(memory->events, 0);

    if (event == NULL)
        return false;
    *event_id = json_string_value(json_object_get(event, "event_id"));
    *at_ms = json_integer_value(json_object_get(event, "at_ms"));
    *content = json_object_get(event, "content");
    return true;
}

void memory_taken(struct memory *memory)
{
    json_array_remove(memory->events, 0);
}

enum status memory_left(struct memory *memory)
{
    memory->weighed = false;
    return file_write(memory);
}
