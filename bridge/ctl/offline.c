#include "offline.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "clock.h"
#include "crypto.h"
#include "queue.h"

#define BACKUP_MAX ((size_t)16 << 20)
#define JUMP_AHEAD 1000

/* ---- dump ------------------------------------------------------------- */

static void line_print(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    if (text != NULL)
        puts(text);
    free(text);
    json_decref(line);
}

static json_t *instant(int64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];

    clock_print_iso(wall_ms, text);
    return json_string(text);
}

static json_t *words_of(const char *text)
{
    json_t *words = json_string(text);

    return words != NULL ? words : json_string("(not UTF-8)");
}

static bool delivery_dump(void *arg, const struct queue_delivery *delivery)
{
    struct queue *queue = arg;
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t count = 0;
    json_t *line = json_pack(
        "{s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:i, s:o}", "record",
        "delivery", "entry", (json_int_t)delivery->id, "destination",
        delivery->destination, "interface", delivery->interface, "state",
        queue_state_name(delivery->state), "number", words_of(delivery->number),
        "plate", words_of(delivery->subject), "made",
        instant(delivery->made_at_ms), "attempts", (int)delivery->attempts,
        "rounds", (int)delivery->rounds, "reason", words_of(delivery->reason));

    if (queue_facts_read(queue, delivery->id, &facts, events, &count) ==
        STATUS_OK) {
        json_t *json = json_loadb((const char *)facts.data, facts.len, 0, NULL);

        json_object_set_new(line, "facts", json == NULL ? json_null() : json);
    }
    bytes_free(&facts);
    line_print(line);
    return true;
}

static bool event_dump(void *arg, const struct queue_event *event)
{
    static const char *const fates[] = {"used", "joining", "unrouted",
                                        "invalid", "repeat"};

    (void)arg;
    line_print(json_pack(
        "{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:I}", "record", "event",
        "event", (json_int_t)event->id, "kind", event->kind, "device",
        words_of(event->device), "topic", words_of(event->topic), "event_id",
        words_of(event->event_id), "received", instant(event->received_at_ms),
        "fate", fates[event->fate], "reason", words_of(event->reason), "bytes",
        (json_int_t)event->body.len));
    return true;
}

int offline_dump(const char *store)
{
    const struct queue_options options = {
        .folder = store,
        .now_ms = clock_wall_ms(clock_system()),
        .digest = crypto_sha256,
    };
    const struct queue_filter all = {.state = -1};
    struct queue *queue = NULL;
    enum status status = queue_open_reader(&options, &queue);

    if (status != STATUS_OK) {
        fprintf(stderr, "sampanctl: %s: %s%s\n", store, status_text(status),
                status == STATUS_BUSY ? " (stop the bridge first)" : "");
        return EXIT_FAILURE;
    }
    status = queue_list(queue, &all, delivery_dump, queue);
    if (status == STATUS_OK)
        status = queue_events_each(queue, 0, INT64_MAX, event_dump, NULL);
    queue_close(queue);
    if (status != STATUS_OK)
        fprintf(stderr, "sampanctl: %s: %s\n", store, status_text(status));
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- restore ---------------------------------------------------------- */

static bool name_is_plain(const char *name)
{
    return *name != 0 && *name != '.' && strchr(name, '/') == NULL &&
           strlen(name) < 128;
}

static bool file_restore(const char *folder, const char *name,
                         const json_t *content, bool force)
{
    char path[PATH_MAX];
    struct bytes raw = BYTES_EMPTY;
    enum status status;

    if (!name_is_plain(name) || !json_is_string(content)) {
        fprintf(stderr, "sampanctl: \"%s\" is no file of a backup\n", name);
        return false;
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!force && access(path, F_OK) == 0) {
        fprintf(stderr, "sampanctl: %s is there already; --force replaces it\n",
                path);
        return false;
    }
    status = base64_decode(span_text(json_string_value(content)), false, &raw);
    if (status == STATUS_OK)
        status = bytes_write_file(path, bytes_view(&raw), 0600);
    bytes_wipe(&raw);
    if (status != STATUS_OK)
        fprintf(stderr, "sampanctl: %s: %s\n", path, status_text(status));
    else
        printf("restored %s\n", path);
    return status == STATUS_OK;
}

static bool counters_restore(const char *folder, const json_t *counters)
{
    char path[PATH_MAX];
    json_t *ahead = json_object();
    const char *name;
    json_t *value;
    char *text;
    enum status status;

    json_object_foreach((json_t *)counters, name, value)
    {
        unsigned long long count = strtoull(
            json_is_string(value) ? json_string_value(value) : "0", NULL, 10);

        json_object_set_new(ahead, name,
                            json_integer((json_int_t)(count + JUMP_AHEAD)));
    }
    text = json_dumps(ahead, 0);
    json_decref(ahead);
    snprintf(path, sizeof path, "%s/counters.json", folder);
    status = text == NULL ? STATUS_NOMEM
                          : bytes_write_file(path, span_text(text), 0600);
    free(text);
    if (status != STATUS_OK)
        fprintf(stderr, "sampanctl: %s: %s\n", path, status_text(status));
    else
        printf("restored the counters, %d ahead\n", JUMP_AHEAD);
    return status == STATUS_OK;
}

int offline_restore(const char *backup, const char *state_folder, bool force)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = bytes_read_file(&text, backup, BACKUP_MAX);
    json_t *json = NULL;
    const json_t *files;
    bool good = true;
    const char *name;
    json_t *content;

    if (status == STATUS_OK)
        json = json_loadb((const char *)text.data, text.len, 0, NULL);
    bytes_wipe(&text);
    files = json_object_get(json, "files");
    if (json_integer_value(json_object_get(json, "version")) != 1 ||
        !json_is_object(files)) {
        fprintf(stderr, "sampanctl: %s: %s\n", backup,
                status != STATUS_OK ? status_text(status)
                                    : "this is no backup of version 1");
        json_decref(json);
        return EXIT_FAILURE;
    }
    json_object_foreach((json_t *)files, name, content) good =
        file_restore(state_folder, name, content, force) && good;
    good = good &&
           counters_restore(state_folder, json_object_get(json, "counters"));
    json_decref(json);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
