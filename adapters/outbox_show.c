#include "outbox_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "decode.h"
#include "json_text.h"
#include "outbox.h"

static enum status line_print(const json_t *json)
{
    struct bytes line = BYTES_EMPTY;
    enum status status = json == NULL ? STATUS_NOMEM : json_text(json, &line);

    if (status == STATUS_OK)
        status = bytes_append_text(&line, "\n");
    if (status == STATUS_OK && fwrite(line.data, line.len, 1, stdout) != 1)
        status = STATUS_IO;
    bytes_free(&line);
    return status;
}

/* What was put is JSON, and what is damaged anything. */
static json_t *content_of(struct span content)
{
    json_t *json = json_loadb((const char *)content.data, content.len, 0, NULL);

    return json != NULL ? json : decode_json_hex(content);
}

static enum status entry_print(const struct outbox_entry *entry,
                               const struct outbox_rejected *rejected,
                               bool content)
{
    bool damaged = rejected != NULL && rejected->damaged;
    json_t *json =
        json_pack("{s:s}", "state", rejected != NULL ? "rejected" : "kept");
    char time[CLOCK_TEXT_MAX];
    char kept_at[CLOCK_TEXT_MAX];
    enum status status;

    clock_print_iso(entry->at_ms, time);
    clock_print_iso(entry->kept_at_ms, kept_at);
    if (!damaged)
        json_object_update_new(
            json, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "device",
                            entry->device, "leaf", entry->leaf, "event_id",
                            entry->published_id, "time", time, "revision",
                            (json_int_t)entry->revision, "kept_at", kept_at));
    json_object_set_new(json, "bytes",
                        json_integer((json_int_t)entry->content.len));
    if (rejected != NULL)
        json_object_set_new(json, "reason", json_string(rejected->reason));
    if (damaged)
        json_object_set_new(json, "damaged", json_true());
    if (content)
        json_object_set_new(json, "content", content_of(entry->content));
    status = line_print(json);
    json_decref(json);
    return status;
}

static enum status kept_print(struct outbox *outbox, struct bytes *buffer,
                              bool content)
{
    struct outbox_entry entry = {.seq = 0};
    enum status status;

    for (;;) {
        status = outbox_read(outbox, entry.seq, &entry, buffer);
        if (status == STATUS_CORRUPT)
            fprintf(stderr, "entry %" PRIu64 " is damaged\n", entry.seq);
        else if (status != STATUS_OK ||
                 (status = entry_print(&entry, NULL, content)) != STATUS_OK)
            return status == STATUS_EMPTY ? STATUS_OK : status;
    }
}

static enum status rejected_print(struct outbox *outbox, struct bytes *buffer,
                                  bool content)
{
    struct outbox_rejected rejected = {.entry = {.seq = 0}};
    enum status status;

    do {
        status =
            outbox_read_rejected(outbox, rejected.entry.seq, &rejected, buffer);
        if (status == STATUS_OK)
            status = entry_print(&rejected.entry, &rejected, content);
    } while (status == STATUS_OK);
    return status == STATUS_EMPTY ? STATUS_OK : status;
}

int outbox_show(const char *folder, bool content)
{
    struct bytes buffer = BYTES_EMPTY;
    struct outbox *outbox = NULL;
    enum status status = outbox_look(folder, &outbox);

    if (status == STATUS_NOT_FOUND) {
        fprintf(stderr, "%s: nothing was ever kept here\n", folder);
        return EXIT_SUCCESS;
    }
    if (status == STATUS_OK)
        status = kept_print(outbox, &buffer, content);
    if (status == STATUS_OK)
        status = rejected_print(outbox, &buffer, content);
    if (status == STATUS_OK && fflush(stdout) != 0)
        status = STATUS_IO;
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", folder, status_text(status));
    outbox_close(outbox);
    bytes_free(&buffer);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
