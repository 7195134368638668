#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto.h"
#include "requests.h"
#include "text.h"

#define STATE_FILE_MAX 65536

/* ---- pause, resume, round --------------------------------------------- */

struct pausing {
    const char *destination;
    struct span reason; /* empty: resumed */
};

static enum status pausing_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    const struct pausing *pausing = arg;

    (void)now_ms;
    return queue_put_note(queue, "paused", span_text(pausing->destination),
                          pausing->reason);
}

static bool pause_keep(struct call_context *context, size_t at,
                       const char *reason)
{
    struct pausing pausing = {
        context->admin->options.config->destinations[at].name,
        span_text(reason)};
    enum status status = committer_run(context->admin->options.committer,
                                       pausing_apply, &pausing);

    if (status == STATUS_OK)
        return true;
    request_fail(context, "%s", status_text(status));
    return false;
}

json_t *verb_pause(struct call_context *context)
{
    const char *reason =
        json_string_value(json_object_get(context->request, "reason"));
    size_t at;
    struct uplink *uplink = request_uplink(context, &at);
    char words[256];

    if (uplink == NULL)
        return NULL;
    text_print(words, sizeof words, "paused by %s%s%s", context->user,
               reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    if (!pause_keep(context, at, words))
        return NULL;
    uplink_pause(uplink, words);
    return json_pack("{s:s}", "condition", words);
}

json_t *verb_resume(struct call_context *context)
{
    size_t at;
    struct uplink *uplink = request_uplink(context, &at);

    if (uplink == NULL || !pause_keep(context, at, ""))
        return NULL;
    uplink_resume(uplink);
    return json_object();
}

json_t *verb_round(struct call_context *context)
{
    size_t at;
    struct uplink *uplink = request_uplink(context, &at);

    if (uplink == NULL)
        return NULL;
    uplink_round(uplink);
    return json_object();
}

/* ---- the vehicle ledger ----------------------------------------------- */

struct importing {
    struct ingest *ingest;
    struct span csv;
    unsigned count;
    struct bytes words;
};

static enum status importing_apply(void *arg, struct queue *queue,
                                   int64_t now_ms)
{
    struct importing *importing = arg;

    (void)now_ms;
    bytes_clear(&importing->words);
    return ingest_ledger(importing->ingest, queue, importing->csv,
                         &importing->count, &importing->words);
}

json_t *verb_import(struct call_context *context)
{
    const json_t *ledger = json_object_get(context->request, "ledger");
    struct importing importing = {.ingest = context->admin->options.ingest};
    enum status status;
    json_t *reply;

    if (!json_is_string(ledger))
        return request_fail(context,
                            "\"ledger\" must be CSV text with the header "
                            "plate,color,vehicleId,vin,tare_t");
    importing.csv =
        span_of(json_string_value(ledger), json_string_length(ledger));
    status = committer_run(context->admin->options.committer, importing_apply,
                           &importing);
    reply = status == STATUS_OK
                ? json_pack("{s:i, s:s}", "accepted", (int)importing.count,
                            "refused", bytes_text(&importing.words))
                : request_fail(context, "%s: %.400s", status_text(status),
                               bytes_text(&importing.words));
    bytes_free(&importing.words);
    return reply;
}

/* ---- backup ----------------------------------------------------------- */

static bool is_kept(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL && strcmp(name, "health.json") != 0 &&
           strcmp(name, "backup.json") != 0 &&
           (strcmp(dot, ".json") == 0 || strcmp(dot, ".pem") == 0);
}

static enum status file_keep(const char *folder, const char *name,
                             json_t *files)
{
    struct bytes content = BYTES_EMPTY;
    struct bytes text = BYTES_EMPTY;
    char path[PATH_MAX];
    enum status status;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >=
        sizeof path)
        return STATUS_INVALID;
    if ((status = bytes_read_file(&content, path, STATE_FILE_MAX)) != STATUS_OK)
        goto out;
    if ((status = base64_encode(bytes_view(&content), &text)) != STATUS_OK)
        goto out;
    json_object_set_new(files, name, json_string(bytes_text(&text)));
out:
    bytes_wipe(&content);
    bytes_wipe(&text);
    return status;
}

static enum status files_keep(const char *folder, json_t *files)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    enum status status = STATUS_OK;

    if (listing == NULL)
        return STATUS_IO;
    while ((entry = readdir(listing)) != NULL && status == STATUS_OK)
        if (is_kept(entry->d_name))
            status = file_keep(folder, entry->d_name, files);
    closedir(listing);
    return status;
}

static bool counter_keep(void *arg, struct span key, struct span value)
{
    char name[256];

    snprintf(name, sizeof name, "%.*s", (int)key.len, (const char *)key.data);
    json_object_set_new(arg, name,
                        json_stringn((const char *)value.data, value.len));
    return true;
}

static enum status backup_write(struct admin *admin, json_t *backup,
                                char path[static PATH_MAX])
{
    char *text = json_dumps(backup, JSON_INDENT(2));
    enum status status;

    if (text == NULL)
        return STATUS_NOMEM;
    snprintf(path, PATH_MAX, "%s/backup.json", admin->options.state_folder);
    status = bytes_write_file(path, span_text(text), 0600);
    explicit_bzero(text, strlen(text));
    free(text);
    return status;
}

/* Keys never travel over the broker: the file stays on the box, for root. */
json_t *verb_backup(struct call_context *context)
{
    struct admin *admin = context->admin;
    json_t *files = json_object();
    json_t *counters = json_object();
    json_t *backup = json_pack(
        "{s:i, s:o, s:s, s:o, s:o}", "version", 1, "made",
        instant_json(clock_wall_ms(admin->options.clock)), "site",
        admin->options.config->site, "files", files, "counters", counters);
    char path[PATH_MAX];
    enum status status = files_keep(admin->options.state_folder, files);

    if (status == STATUS_OK)
        status = queue_note_each(admin->options.queue, "serial", counter_keep,
                                 counters);
    if (status == STATUS_OK)
        status = backup_write(admin, backup, path);
    json_decref(backup);
    if (status != STATUS_OK)
        return request_fail(context, "no backup was made: %s",
                            status_text(status));
    return json_pack("{s:s}", "file", path);
}
