#include "admin.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "requests.h"
#include "text.h"

#define WAITING_MAX 64
#define REQUEST_MAX_BYTES ((size_t)4 << 20) /* a ledger fits */
#define FILTER "destination interface state plate from until "

struct waiting {
    struct waiting *next;
    char user[65];
    struct bytes json;
};

/* clang-format off */
static const struct verb {
    const char *name;
    json_t *(*run)(struct call_context *context);
    const char *arguments; /* what is allowed beside id, verb and token */
    bool audited; /* changes something: who and when is put on record first */
} verbs[] = {
    { "stats",    verb_stats,    "", false },
    { "list",     verb_list,     FILTER "after limit", false },
    { "show",     verb_show,     "entry", false },
    { "report",   verb_report,   "day", false },
    { "verify",   verb_verify,   "", false },
    { "test",     verb_test,     "destination", false },
    { "audit",    verb_audit,    "", false },
    { "hold",     verb_hold,     FILTER "ids reason", true },
    { "release",  verb_release,  FILTER "ids reason", true },
    { "retry",    verb_retry,    FILTER "ids reason", true },
    { "replay",   verb_replay,   FILTER "ids reason", true },
    { "discard",  verb_discard,  FILTER "ids reason", true },
    { "complete", verb_complete, FILTER "ids entry fields", true },
    { "pause",    verb_pause,    "destination reason", true },
    { "resume",   verb_resume,   "destination", true },
    { "round",    verb_round,    "destination", true },
    { "import",   verb_import,   "ledger", true },
    { "backup",   verb_backup,   "", true },
};
/* clang-format on */
#define VERB_COUNT (sizeof verbs / sizeof *verbs)

/* ---- replies ---------------------------------------------------------- */

json_t *request_fail(struct call_context *context, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(context->error, sizeof context->error, format, arguments);
    va_end(arguments);
    text_mend(context->error); /* it may quote and cut what was asked */
    return NULL;
}

static void reply_send(struct admin *admin, const char *user, json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);

    if (text != NULL)
        admin->options.reply(admin->options.arg, user, span_text(text));
    free(text);
    json_decref(reply);
}

static void reply_error(struct admin *admin, const char *user, const json_t *id,
                        const char *error)
{
    json_t *reply = json_pack("{s:b, s:s}", "ok", 0, "error", error);

    if (id != NULL)
        json_object_set(reply, "id", (json_t *)id);
    reply_send(admin, user, reply);
}

/* ---- arguments -------------------------------------------------------- */

static bool is_among(const char *words, const char *name)
{
    size_t len = strlen(name);

    while (*words != 0) {
        size_t word = strcspn(words, " ");

        if (word == len && strncmp(words, name, len) == 0)
            return true;
        words += word;
        words += strspn(words, " ");
    }
    return false;
}

static bool arguments_known(struct call_context *context,
                            const struct verb *verb)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)context->request, key, value)
    {
        if (!is_among("id verb token", key) &&
            !is_among(verb->arguments, key)) {
            request_fail(context, "\"%.40s\" is no argument of %s; allowed: %s",
                         key, verb->name,
                         *verb->arguments == 0 ? "none" : verb->arguments);
            return false;
        }
    }
    return true;
}

static bool text_argument(struct call_context *context, const char *name,
                          const char **text)
{
    const json_t *value = json_object_get(context->request, name);

    if (value == NULL)
        return true;
    if (!json_is_string(value)) {
        request_fail(context, "\"%s\" must be a text", name);
        return false;
    }
    *text = json_string_value(value);
    return true;
}

static bool time_argument(struct call_context *context, const char *name,
                          int64_t *wall_ms)
{
    const char *text = NULL;

    if (!text_argument(context, name, &text))
        return false;
    if (text == NULL || clock_read(span_text(text), wall_ms) == STATUS_OK)
        return true;
    request_fail(context,
                 "\"%s\" is not a time; allowed: 2026-11-20T08:30:00+08:00 or "
                 "\"2026-11-20 08:30:00\"",
                 name);
    return false;
}

bool request_filter(struct call_context *context, struct queue_filter *filter)
{
    const char *state = NULL;
    enum queue_state found;
    const json_t *after = json_object_get(context->request, "after");

    *filter = (struct queue_filter){.state = -1};
    if (!text_argument(context, "destination", &filter->destination) ||
        !text_argument(context, "interface", &filter->interface) ||
        !text_argument(context, "plate", &filter->subject) ||
        !text_argument(context, "state", &state) ||
        !time_argument(context, "from", &filter->from_ms) ||
        !time_argument(context, "until", &filter->until_ms))
        return false;
    if (state != NULL && queue_state_find(state, &found) != STATUS_OK) {
        request_fail(context,
                     "there is no state \"%.40s\"; allowed: waiting parked "
                     "held delivered rejected discarded",
                     state);
        return false;
    }
    if (state != NULL)
        filter->state = (int)found;
    if (after != NULL && !json_is_integer(after)) {
        request_fail(context, "\"after\" must be an entry's number");
        return false;
    }
    filter->after = (uint64_t)json_integer_value(after);
    return true;
}

bool request_id(struct call_context *context, const char *name, uint64_t *id)
{
    const json_t *value = json_object_get(context->request, name);

    if (!json_is_integer(value) || json_integer_value(value) <= 0) {
        request_fail(context, "\"%s\" must be an entry's number", name);
        return false;
    }
    *id = (uint64_t)json_integer_value(value);
    return true;
}

struct uplink *request_uplink(struct call_context *context, size_t *at)
{
    const struct config *config = context->admin->options.config;
    const char *name = NULL;

    if (!text_argument(context, "destination", &name))
        return NULL;
    for (unsigned i = 0; i < config->destination_count && name != NULL; i++)
        if (strcmp(config->destinations[i].name, name) == 0 &&
            context->admin->options.uplinks[i] != NULL) {
            *at = i;
            return context->admin->options.uplinks[i];
        }
    request_fail(context, "there is no enabled destination \"%.40s\"",
                 name == NULL ? "" : name);
    return NULL;
}

/* ---- one request ------------------------------------------------------ */

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static void unknown_verb(struct call_context *context, const char *name)
{
    char list[256] = "";
    size_t len = 0;

    for (size_t i = 0; i < VERB_COUNT && len < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, " %s",
                                verbs[i].name);
    request_fail(context, "there is no verb \"%.40s\"; allowed:%s", name, list);
}

static json_t *verb_run(struct call_context *context)
{
    const char *name =
        json_string_value(json_object_get(context->request, "verb"));
    const struct verb *verb = name == NULL ? NULL : verb_find(name);

    if (verb == NULL) {
        unknown_verb(context, name == NULL ? "" : name);
        return NULL;
    }
    if (!arguments_known(context, verb) ||
        (verb->audited && !audit_put(context)))
        return NULL;
    return verb->run(context);
}

static void request_run(struct admin *admin, const char *user, struct span text)
{
    struct call_context context = {.admin = admin, .user = user};
    json_error_t where;
    json_t *request = json_loadb((const char *)text.data, text.len,
                                 JSON_REJECT_DUPLICATES, &where);
    json_t *reply;
    char error[256];

    if (!json_is_object(request)) {
        text_print(error, sizeof error,
                   "the request is not a JSON object: %s (byte %d); expected "
                   "{\"id\": \"...\", \"verb\": \"...\"}",
                   request == NULL ? where.text : "another type",
                   request == NULL ? where.position : 0);
        reply_error(admin, user, NULL, error);
        json_decref(request);
        return;
    }
    context.request = request;
    reply = verb_run(&context);
    if (reply == NULL && context.error[0] == 0)
        request_fail(&context, "%s", status_text(STATUS_NOMEM));
    log_at(LOG_INFO, "admin", LOG_TEXT("user", user),
           LOG_TEXT("verb",
                    json_is_string(json_object_get(request, "verb"))
                        ? json_string_value(json_object_get(request, "verb"))
                        : ""),
           LOG_TEXT("result", reply == NULL ? context.error : "ok"));
    if (reply == NULL) {
        reply_error(admin, user, json_object_get(request, "id"), context.error);
    } else {
        json_object_set_new(reply, "ok", json_true());
        if (json_object_get(request, "id") != NULL)
            json_object_set(reply, "id", json_object_get(request, "id"));
        reply_send(admin, user, reply);
    }
    json_decref(request);
}

/* ---- the thread ------------------------------------------------------- */

static struct waiting *waiting_take(struct admin *admin)
{
    struct waiting *waiting;

    pthread_mutex_lock(&admin->lock);
    while (admin->first == NULL && !admin->closing)
        pthread_cond_wait(&admin->wanted, &admin->lock);
    waiting = admin->closing ? NULL : admin->first;
    if (waiting != NULL) {
        admin->first = waiting->next;
        if (admin->first == NULL)
            admin->last = &admin->first;
        admin->waiting--;
    }
    pthread_mutex_unlock(&admin->lock);
    return waiting;
}

static void waiting_free(struct waiting *waiting)
{
    bytes_free(&waiting->json);
    free(waiting);
}

static void *admin_thread(void *arg)
{
    struct admin *admin = arg;
    struct waiting *waiting;

    pthread_setname_np(pthread_self(), "admin");
    while ((waiting = waiting_take(admin)) != NULL) {
        request_run(admin, waiting->user, bytes_view(&waiting->json));
        waiting_free(waiting);
    }
    return NULL;
}

enum status admin_open(const struct admin_options *options,
                       struct admin **admin)
{
    struct admin *fresh = calloc(1, sizeof *fresh);

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->options = *options;
    fresh->last = &fresh->first;
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_cond_init(&fresh->wanted, NULL);
    if (pthread_create(&fresh->thread, NULL, admin_thread, fresh) != 0) {
        pthread_cond_destroy(&fresh->wanted);
        pthread_mutex_destroy(&fresh->lock);
        free(fresh);
        return STATUS_NOMEM;
    }
    *admin = fresh;
    return STATUS_OK;
}

static bool waiting_add(struct admin *admin, struct waiting *waiting)
{
    bool room;

    pthread_mutex_lock(&admin->lock);
    room = admin->waiting < WAITING_MAX;
    if (room) {
        *admin->last = waiting;
        admin->last = &waiting->next;
        admin->waiting++;
        pthread_cond_signal(&admin->wanted);
    }
    pthread_mutex_unlock(&admin->lock);
    return room;
}

void admin_request(struct admin *admin, const char *user, struct span json)
{
    struct waiting *waiting;

    if (json.len > REQUEST_MAX_BYTES) {
        reply_error(admin, user, NULL, "the request is larger than 4 MiB");
        return;
    }
    waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL)
        return;
    snprintf(waiting->user, sizeof waiting->user, "%s", user);
    if (bytes_copy(&waiting->json, json) != STATUS_OK ||
        !waiting_add(admin, waiting)) {
        reply_error(admin, user, NULL,
                    "busy: too many requests wait; ask again later");
        waiting_free(waiting);
    }
}

void admin_close(struct admin *admin)
{
    if (admin == NULL)
        return;
    pthread_mutex_lock(&admin->lock);
    admin->closing = true;
    pthread_cond_signal(&admin->wanted);
    pthread_mutex_unlock(&admin->lock);
    pthread_join(admin->thread, NULL);
    while (admin->first != NULL) {
        struct waiting *waiting = admin->first;

        admin->first = waiting->next;
        waiting_free(waiting);
    }
    for (size_t i = 0; i < TOKENS_MAX; i++)
        pending_free(&admin->pendings[i]);
    pthread_cond_destroy(&admin->wanted);
    pthread_mutex_destroy(&admin->lock);
    free(admin);
}
