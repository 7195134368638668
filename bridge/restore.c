#include "restore.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "log.h"

#define COUNTERS_MAX 65536

static enum status counter_raise(struct queue *queue, const char *destination,
                                 uint64_t least)
{
    struct bytes present = BYTES_EMPTY;
    char text[24];
    enum status status =
        queue_note_read(queue, "serial", span_text(destination), &present);
    uint64_t count =
        status == STATUS_OK ? strtoull(bytes_text(&present), NULL, 10) : 0;

    bytes_free(&present);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (count >= least)
        return STATUS_OK;
    snprintf(text, sizeof text, "%" PRIu64, least);
    log_at(LOG_INFO, "counter_restored", LOG_TEXT("uplink", destination),
           LOG_NUMBER("serial", least));
    return queue_put_note(queue, "serial", span_text(destination),
                          span_text(text));
}

static enum status counters_raise(struct queue *queue, const json_t *counters)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)counters, name, value)
    {
        enum status status;

        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return STATUS_FORMAT;
        status =
            counter_raise(queue, name, (uint64_t)json_integer_value(value));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status counters_commit(struct queue *queue, const json_t *counters,
                                   int64_t now_ms)
{
    enum status status = queue_begin(queue, now_ms);

    if (status != STATUS_OK)
        return status;
    status = counters_raise(queue, counters);
    if (status != STATUS_OK) {
        queue_abort(queue);
        return status;
    }
    return queue_commit(queue, NULL, NULL);
}

enum status restore_counters(struct queue *queue, const char *state_folder,
                             int64_t now_ms)
{
    struct bytes text = BYTES_EMPTY;
    char path[PATH_MAX];
    json_t *counters = NULL;
    enum status status;

    snprintf(path, sizeof path, "%s/counters.json", state_folder);
    status = bytes_read_file(&text, path, COUNTERS_MAX);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK) {
        counters = json_loadb((const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES, NULL);
        status = json_is_object(counters)
                     ? counters_commit(queue, counters, now_ms)
                     : STATUS_FORMAT;
    }
    if (status == STATUS_OK && unlink(path) != 0)
        status = STATUS_IO;
    if (status != STATUS_OK)
        log_at(LOG_ERROR, "counters_not_restored", LOG_TEXT("file", path),
               LOG_TEXT("reason", status_text(status)));
    json_decref(counters);
    bytes_free(&text);
    return status;
}
