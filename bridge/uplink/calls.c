#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "credentials.h"
#include "log.h"

#define DELAY_FIRST_MS SECOND_MS
#define DELAY_MOST_MS (5 * SECOND_MS)
#define INTENT_SPACE "intent"
#define INTENT_LOST                                                            \
    "the once-only registration was sent and its answer never arrived; ask "   \
    "the platform for the issued credentials, put them into the settings "     \
    "(*_file keys) or `sampanctl restore`, then resume"

/* ---- notes of a call: intents and the upload time ----------------------- */

struct note {
    const char *space;
    struct span key;
    struct span value;
};

static enum status note_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    const struct note *note = arg;

    (void)now_ms;
    return queue_put_note(queue, note->space, note->key, note->value);
}

static enum status note_put(struct uplink *uplink, const char *space,
                            const char *value)
{
    struct note note = {space, span_text(uplink->options.destination->name),
                        span_text(value)};

    return committer_run(uplink->options.committer, note_apply, &note);
}

static bool intent_is_open(struct uplink *uplink)
{
    struct bytes value = BYTES_EMPTY;
    enum status status =
        queue_note_read(uplink->options.queue, INTENT_SPACE,
                        span_text(uplink->options.destination->name), &value);

    bytes_free(&value);
    return status == STATUS_OK;
}

void calls_resume(struct uplink *uplink)
{
    uplink->session_call.next_ms = 0;
    uplink->beat_call.next_ms = 0;
    /* The operator has dealt with a lost registration, or wants it sent again:
     * the platform itself refuses a second one. */
    if (intent_is_open(uplink) &&
        note_put(uplink, INTENT_SPACE, "") != STATUS_OK)
        log_at(LOG_WARN, "intent_not_closed",
               LOG_TEXT("uplink", uplink->now.destination));
}

/* ---- the session -------------------------------------------------------- */

static void session_prepare(struct uplink *uplink)
{
    char words[256] = "";
    enum status status;

    if (uplink->platform->prepare == NULL)
        return;
    pthread_rwlock_wrlock(&uplink->session_lock);
    if (uplink->platform->release != NULL)
        uplink->platform->release(&uplink->session);
    status = uplink->platform->prepare(uplink->options.destination,
                                       &uplink->session, words);
    pthread_rwlock_unlock(&uplink->session_lock);
    if (status != STATUS_OK && status != STATUS_MISSING)
        condition_fault(uplink, words);
}

static bool has_once_only(const struct platform *platform)
{
    for (size_t i = 0; i < platform->interface_count; i++)
        if (platform->interfaces[i].once_only)
            return true;
    return false;
}

enum status calls_open(struct uplink *uplink)
{
    const char *folder = uplink->options.state_folder;
    const char *name = uplink->options.destination->name;
    enum status status = credentials_load(folder, name, &uplink->session);

    if (status == STATUS_OK && has_once_only(uplink->platform) &&
        uplink->options.destination->yunnan.own_key.len == 0)
        status = credentials_key_make(folder, name, &uplink->session);
    if (status != STATUS_OK) {
        log_at(LOG_ERROR, "credentials", LOG_TEXT("uplink", name),
               LOG_TEXT("folder", folder),
               LOG_TEXT("reason", status_text(status)));
        return status;
    }
    session_prepare(uplink);
    return STATUS_OK;
}

void calls_token_drop(struct uplink *uplink)
{
    pthread_rwlock_wrlock(&uplink->session_lock);
    bytes_wipe(&uplink->session.token);
    uplink->session.token_expires_at_ms = 0;
    pthread_rwlock_unlock(&uplink->session_lock);
}

static void credentials_keep(struct uplink *uplink)
{
    const json_t *upload_time;
    enum status status =
        credentials_save(uplink->options.state_folder,
                         uplink->options.destination->name, &uplink->session);

    if (status != STATUS_OK) {
        log_at(LOG_ERROR, "credentials_not_saved",
               LOG_TEXT("uplink", uplink->now.destination),
               LOG_TEXT("reason", status_text(status)));
        return; /* still marked as changed: tried again with the next answer */
    }
    uplink->session.credentials_changed = false;
    upload_time = json_object_get(uplink->session.credentials, "uploadTime");
    if (json_is_string(upload_time) &&
        note_put(uplink, "upload_time", json_string_value(upload_time)) !=
            STATUS_OK)
        uplink->session.credentials_changed = true;
    session_prepare(uplink);
}

/* ---- making a call ------------------------------------------------------ */

static void call_later(struct uplink *uplink, struct call *call)
{
    call->delay_ms = call->delay_ms == 0 ? DELAY_FIRST_MS : call->delay_ms * 2;
    if (call->delay_ms > DELAY_MOST_MS)
        call->delay_ms = DELAY_MOST_MS;
    call->next_ms = engine_steady_ms(uplink) + call->delay_ms;
}

static bool call_render(struct uplink *uplink, struct call *call,
                        struct request *request)
{
    enum status status;

    pthread_rwlock_rdlock(&uplink->session_lock);
    call->token_made_at_ms = uplink->session.token_made_at_ms;
    status = uplink->platform->render(
        uplink->options.destination, call->interface, &uplink->session,
        span_text(""), NULL, engine_wall_ms(uplink), request);
    pthread_rwlock_unlock(&uplink->session_lock);
    if (status == STATUS_OK)
        return true;
    log_at(LOG_ERROR, "call_not_made",
           LOG_TEXT("uplink", uplink->now.destination),
           LOG_TEXT("interface", call->interface->name),
           LOG_TEXT("reason", request->words[0] != 0 ? request->words
                                                     : status_text(status)));
    condition_fault(uplink, request->words[0] != 0 ? request->words
                                                   : status_text(status));
    return false;
}

static void call_start(struct uplink *uplink, struct call *call,
                       const struct interface *interface)
{
    struct request request = {0};
    struct transfer *transfer = NULL;
    bool loaded = false;

    call->interface = interface;
    if (interface != NULL && interface->once_only &&
        note_put(uplink, INTENT_SPACE, interface->name) != STATUS_OK)
        goto out; /* without a durable intent it must not be sent */
    if (interface != NULL && !call_render(uplink, call, &request))
        goto out;
    transfer = engine_transfer(uplink);
    if (transfer == NULL)
        goto out;
    loaded = (interface != NULL
                  ? transfer_load(transfer, &request)
                  : transfer_load_connect(
                        transfer, uplink->options.destination->base_url)) ==
             STATUS_OK;
    if (!loaded) {
        engine_transfer_done(uplink, transfer);
    } else {
        transfer->owner = NULL; /* no record */
        if (engine_send(uplink, transfer))
            call->transfer = transfer;
    }
out:
    request_free(&request);
    if (call->transfer == NULL)
        call_later(uplink, call);
}

static bool call_is_due(const struct uplink *uplink, const struct call *call)
{
    return call->transfer == NULL && engine_steady_ms(uplink) >= call->next_ms;
}

/* true: records may go as far as the session is concerned. */
static bool session_due(struct uplink *uplink)
{
    bool blocks = false;
    const struct interface *due =
        uplink->platform->due == NULL
            ? NULL
            : uplink->platform->due(uplink->options.destination,
                                    &uplink->session, engine_wall_ms(uplink),
                                    &blocks);

    if (due == NULL)
        return true;
    if (due->once_only && uplink->session_call.transfer == NULL) {
        if (uplink->paused)
            return false; /* it cannot be taken back */
        if (intent_is_open(uplink)) {
            condition_fault(uplink, INTENT_LOST);
            return false;
        }
    }
    if (call_is_due(uplink, &uplink->session_call) &&
        uplink->now.condition != UPLINK_FAULT)
        call_start(uplink, &uplink->session_call, due);
    return !blocks;
}

static int64_t heartbeat_period_ms(const struct uplink *uplink)
{
    uint32_t seconds = uplink->options.destination->heartbeat_s;

    return seconds > 0 ? (int64_t)seconds * SECOND_MS
                       : uplink->heartbeat->every_ms;
}

void calls_due(struct uplink *uplink)
{
    struct uplink_status *now = &uplink->now;
    bool open;

    condition_review(uplink);
    if (uplink->stopping || now->condition == UPLINK_NO_CLOCK)
        return;
    open = session_due(uplink);
    if (!open && now->condition == UPLINK_UP)
        condition_set(uplink, UPLINK_NO_SESSION, "");
    if (open && (now->condition == UPLINK_NO_SESSION ||
                 now->condition == UPLINK_STARTING))
        condition_set(uplink, UPLINK_UP, "");
    if (open && uplink->heartbeat != NULL &&
        call_is_due(uplink, &uplink->beat_call))
        call_start(uplink, &uplink->beat_call, uplink->heartbeat);
    if (open && uplink->heartbeat == NULL &&
        now->condition == UPLINK_UNREACHABLE &&
        call_is_due(uplink, &uplink->probe_call))
        call_start(uplink, &uplink->probe_call, NULL);
}

/* A call that is due and was not made waits for something else: not a reason
 * to look again at once. */
int64_t calls_next_ms(const struct uplink *uplink)
{
    const struct call *calls[] = {&uplink->session_call, &uplink->beat_call};
    int64_t now_ms = engine_steady_ms(uplink);
    int64_t next_ms = now_ms + SECOND_MS;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i]->transfer == NULL && calls[i]->next_ms > now_ms &&
            calls[i]->next_ms < next_ms)
            next_ms = calls[i]->next_ms;
    return next_ms;
}

bool calls_once_only_out(const struct uplink *uplink)
{
    const struct call *call = &uplink->session_call;

    return call->transfer != NULL && call->interface != NULL &&
           call->interface->once_only;
}

void calls_probe_soon(struct uplink *uplink)
{
    struct call *calls[] = {&uplink->session_call, &uplink->beat_call,
                            &uplink->probe_call};

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        calls[i]->delay_ms = 0;
        if (calls[i]->transfer == NULL)
            call_later(uplink, calls[i]);
    }
}

/* ---- the end of a call -------------------------------------------------- */

static void call_accepted(struct uplink *uplink, struct call *call)
{
    bool is_beat = call == &uplink->beat_call;

    call->delay_ms = 0;
    call->renewals = 0;
    call->next_ms = engine_steady_ms(uplink);
    if (call->interface->once_only) {
        if (uplink->session.credentials_changed)
            credentials_keep(uplink); /* before anything else */
        if (!uplink->session.credentials_changed &&
            note_put(uplink, INTENT_SPACE, "") != STATUS_OK)
            log_at(LOG_WARN, "intent_not_closed",
                   LOG_TEXT("uplink", uplink->now.destination));
    }
    if (is_beat) {
        call->next_ms += heartbeat_period_ms(uplink);
        uplink->now.heartbeat_ms = engine_wall_ms(uplink);
        if (uplink->now.condition == UPLINK_FAULT)
            condition_set(uplink, UPLINK_NO_SESSION, "");
    }
}

/* Renew once, then leave the token to the records: it is good for them, or
 * they will tell. */
static void call_renew(struct uplink *uplink, struct call *call)
{
    if (call->token_made_at_ms == uplink->session.token_made_at_ms)
        calls_token_drop(uplink);
    if (++call->renewals == 1)
        call->next_ms = engine_steady_ms(uplink) + DELAY_FIRST_MS;
    else if (call == &uplink->beat_call)
        call->next_ms = engine_steady_ms(uplink) + heartbeat_period_ms(uplink);
}

static void call_refused(struct uplink *uplink, struct call *call,
                         const struct judgement *judgement)
{
    call_later(uplink, call);
    log_at(LOG_WARN, "call_refused",
           LOG_TEXT("uplink", uplink->now.destination),
           LOG_TEXT("interface", call->interface->name),
           LOG_TEXT("verdict", verdict_name(judgement->verdict)),
           LOG_TEXT("reason", judgement->words));
    /* A definite no: the once-only call did not succeed. */
    if (call->interface->once_only &&
        note_put(uplink, INTENT_SPACE, "") != STATUS_OK)
        return;
    switch (judgement->verdict) {
    case VERDICT_RENEW:
        call_renew(uplink, call);
        break;
    case VERDICT_FAULT:
        condition_fault(uplink, judgement->words);
        break;
    default:
        if (call == &uplink->session_call &&
            uplink->now.condition == UPLINK_NO_SESSION)
            condition_set(uplink, UPLINK_NO_SESSION, judgement->words);
        break;
    }
}

static void call_answered(struct uplink *uplink, struct call *call,
                          const struct answer *answer)
{
    struct judgement judgement = {0};
    char text[128];

    condition_reached(uplink);
    if (call->interface == NULL) {
        call->delay_ms = 0;
        return;
    }
    pthread_rwlock_wrlock(&uplink->session_lock);
    uplink->platform->judge(uplink->options.destination, call->interface,
                            &uplink->session, answer, engine_wall_ms(uplink),
                            &judgement);
    pthread_rwlock_unlock(&uplink->session_lock);
    snprintf(text, sizeof text, "%s %s %s", call->interface->name,
             judgement.code, verdict_name(judgement.verdict));
    engine_answer_seen(uplink, answer, text);
    if (judgement.verdict == VERDICT_ACCEPTED ||
        judgement.verdict == VERDICT_DUPLICATE)
        call_accepted(uplink, call);
    else
        call_refused(uplink, call, &judgement);
    if (uplink->session.credentials_changed)
        credentials_keep(uplink);
    json_decref(judgement.value);
}

static void call_failed(struct uplink *uplink, struct call *call,
                        enum reach reach, const char *words)
{
    bool once_only = call->interface != NULL && call->interface->once_only;

    call_later(uplink, call);
    log_at(LOG_WARN, "call_failed", LOG_TEXT("uplink", uplink->now.destination),
           LOG_TEXT("interface", call->interface == NULL
                                     ? "connect"
                                     : call->interface->name),
           LOG_TEXT("reason", words));
    if (reach == REACH_UNREACHABLE) {
        condition_unreachable(uplink, words);
        if (once_only && note_put(uplink, INTENT_SPACE, "") != STATUS_OK)
            log_at(LOG_WARN, "intent_not_closed",
                   LOG_TEXT("uplink", uplink->now.destination));
    } else if (once_only) {
        condition_fault(uplink, INTENT_LOST);
    }
}

static struct call *call_of(struct uplink *uplink,
                            const struct transfer *transfer)
{
    struct call *calls[] = {&uplink->session_call, &uplink->beat_call,
                            &uplink->probe_call};

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i]->transfer == transfer)
            return calls[i];
    return NULL;
}

bool calls_ended(struct uplink *uplink, struct transfer *transfer,
                 CURLcode code)
{
    struct call *call = call_of(uplink, transfer);
    struct answer answer;
    char words[256];
    enum reach reach;

    if (call == NULL)
        return false;
    call->transfer = NULL;
    reach = transfer_end(transfer, code, &answer, words);
    if (reach == REACH_ANSWERED)
        call_answered(uplink, call, &answer);
    else
        call_failed(uplink, call, reach, words);
    /* A connection that was only probed cannot be used again. */
    if (call->interface == NULL)
        transfer_close(transfer);
    else
        engine_transfer_done(uplink, transfer);
    return true;
}
