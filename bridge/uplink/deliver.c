#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

#define RENEWALS_MAX 3

/* ---- verdicts ----------------------------------------------------------- */

static void settle(struct uplink *uplink, const struct attempt *attempt,
                   enum queue_state state, enum queue_cause cause,
                   const char *reason, struct span answer)
{
    log_at(state == STATE_DELIVERED ? LOG_DEBUG : LOG_INFO, outcome_verb(state),
           LOG_TEXT("uplink", uplink->now.destination),
           LOG_NUMBER("entry", attempt->id),
           LOG_TEXT("interface", attempt->row.interface),
           LOG_NUMBER("attempts",
                      schedule_attempts(uplink->schedule, attempt->id)),
           LOG_TEXT("reason", reason));
    schedule_settle(uplink->schedule, attempt->id);
    outcome_submit(uplink, attempt->id, state, cause, reason, answer);
}

static void accepted(struct uplink *uplink, const struct attempt *attempt,
                     const struct judgement *judgement,
                     const struct answer *answer)
{
    bool first = uplink->failing;

    uplink->failing = false;
    uplink->renewals = 0;
    uplink->now.accepted++;
    uplink->now.last_accepted_ms = engine_wall_ms(uplink);
    if (schedule_source(uplink->schedule, attempt->id) == SOURCE_PARKED)
        rounds_accepted(uplink);
    settle(uplink, attempt, STATE_DELIVERED, CAUSE_ANSWER, judgement->words,
           answer->body);
    if (first)
        rounds_success(uplink);
}

/* An attempt was spent: again later, or parked. */
static void failed(struct uplink *uplink, const struct attempt *attempt,
                   const char *words, struct span answer)
{
    int64_t now_ms = engine_steady_ms(uplink);
    int64_t due_ms;

    uplink->failing = true;
    uplink->now.failed++;
    if (schedule_fail(uplink->schedule, attempt->id, now_ms, &due_ms)) {
        log_at(LOG_INFO, "resend_later",
               LOG_TEXT("uplink", uplink->now.destination),
               LOG_NUMBER("entry", attempt->id),
               LOG_NUMBER("attempts",
                          schedule_attempts(uplink->schedule, attempt->id)),
               LOG_NUMBER("in_ms", due_ms - now_ms), LOG_TEXT("reason", words));
        return;
    }
    log_at(LOG_WARN, "park", LOG_TEXT("uplink", uplink->now.destination),
           LOG_NUMBER("entry", attempt->id), LOG_TEXT("reason", words));
    outcome_submit(uplink, attempt->id, STATE_PARKED, CAUSE_ANSWER, words,
                   answer);
}

/* The answer blames the destination or our credentials.  true: it costs the
 * record nothing.  A record that is answered so while others pass is to blame
 * itself: it must not stop them for ever. */
static bool excused(struct uplink *uplink, const struct attempt *attempt,
                    const struct judgement *judgement,
                    const struct answer *answer)
{
    if (schedule_excuse(uplink->schedule, attempt->id, uplink->now.accepted))
        return true;
    failed(uplink, attempt, judgement->words, answer->body);
    return false;
}

/* The token was refused: renew it, once for all who were sent with it; but a
 * platform that refuses every fresh token is at fault itself. */
static void renew(struct uplink *uplink, const struct attempt *attempt,
                  const char *words)
{
    const struct session *session = &uplink->session;
    bool has_tokens = session->token_made_at_ms != 0;

    if (has_tokens && (attempt->token_made_at_ms != session->token_made_at_ms ||
                       session->token.len == 0))
        return; /* another did it */
    if (++uplink->renewals >
        (has_tokens ? RENEWALS_MAX
                    : 2 * uplink->options.destination->uplink.concurrency + 2))
        condition_fault(uplink, words);
    else
        calls_token_drop(uplink);
}

static void judged(struct uplink *uplink, const struct attempt *attempt,
                   const struct judgement *judgement,
                   const struct answer *answer)
{
    switch (judgement->verdict) {
    case VERDICT_ACCEPTED:
    case VERDICT_DUPLICATE:
        accepted(uplink, attempt, judgement, answer);
        break;
    case VERDICT_RENEW:
        if (excused(uplink, attempt, judgement, answer))
            renew(uplink, attempt, judgement->words);
        break;
    case VERDICT_BUSY:
        failed(uplink, attempt, judgement->words, answer->body);
        break;
    case VERDICT_REFUSED:
        uplink->now.failed++;
        settle(uplink, attempt, STATE_REJECTED, CAUSE_ANSWER, judgement->words,
               answer->body);
        break;
    case VERDICT_FAULT:
        if (excused(uplink, attempt, judgement, answer))
            condition_fault(uplink, judgement->words);
        break;
    case VERDICT_UNKNOWN:
        uplink->now.failed++;
        uplink->failing = true;
        settle(uplink, attempt, STATE_PARKED, CAUSE_ANSWER, judgement->words,
               answer->body);
        break;
    }
}

static void answered(struct uplink *uplink, struct attempt *attempt,
                     const struct answer *answer)
{
    struct judgement judgement = {0};
    char text[128];

    condition_reached(uplink);
    uplink->platform->judge(uplink->options.destination, attempt->interface,
                            &uplink->session, answer, engine_wall_ms(uplink),
                            &judgement);
    snprintf(text, sizeof text, "%s %s %s", attempt->interface->name,
             judgement.code, verdict_name(judgement.verdict));
    engine_answer_seen(uplink, answer, text);
    judged(uplink, attempt, &judgement, answer);
    json_decref(judgement.value);
}

void deliver_ended(struct uplink *uplink, struct transfer *transfer,
                   CURLcode code)
{
    struct attempt *attempt = transfer->owner;
    struct answer answer;
    char words[256];

    switch (transfer_end(transfer, code, &answer, words)) {
    case REACH_ANSWERED:
        answered(uplink, attempt, &answer);
        break;
    case REACH_LOST:
        failed(uplink, attempt, words, span_text(""));
        break;
    case REACH_UNREACHABLE:
        schedule_give_back(uplink->schedule, attempt->id);
        condition_unreachable(uplink, words);
        break;
    }
    engine_transfer_done(uplink, transfer);
    attempt_free(attempt);
}

/* ---- attempts ----------------------------------------------------------- */

static void rendered_in_pool(struct attempt *attempt)
{
    struct uplink *uplink = attempt->owner;

    pthread_mutex_lock(&uplink->lock);
    attempt->next = uplink->inbox.rendered;
    uplink->inbox.rendered = attempt;
    curl_multi_wakeup(uplink->multi); /* under the lock, as in outcome_done */
    pthread_mutex_unlock(&uplink->lock);
}

static void task_run(struct crypto_task *task)
{
    attempt_render((struct attempt *)task);
}

/* What could not be rendered: our own fault, the record's, or passing. */
static void unrendered(struct uplink *uplink, const struct attempt *attempt)
{
    switch (attempt->status) {
    case STATUS_CRYPTO: /* the keys do not fit: no record can be sent */
        schedule_give_back(uplink->schedule, attempt->id);
        condition_fault(uplink, attempt->words);
        break;
    case STATUS_MISSING: /* the token was dropped while this was rendered */
        schedule_give_back(uplink->schedule, attempt->id);
        if (uplink->platform->due == NULL) /* nothing would bring it */
            condition_fault(uplink, attempt->words);
        break;
    default:
        if (status_retryable(attempt->status)) {
            failed(uplink, attempt, attempt->words, span_text(""));
            break;
        }
        settle(uplink, attempt, STATE_REJECTED, CAUSE_BRIDGE, attempt->words,
               span_text(""));
        break;
    }
}

bool deliver_rendered(struct uplink *uplink, struct attempt *attempt)
{
    struct transfer *transfer = NULL;

    if (attempt->status != STATUS_OK) {
        unrendered(uplink, attempt);
        attempt_free(attempt);
        return true;
    }
    if (condition_sends(uplink))
        transfer = engine_transfer(uplink);
    if (transfer != NULL &&
        transfer_load(transfer, &attempt->request) == STATUS_OK) {
        transfer->owner = attempt;
        uplink->now.requests++;
        if (engine_send(uplink, transfer))
            return true;
    } else if (transfer != NULL) {
        engine_transfer_done(uplink, transfer);
    }
    schedule_give_back(uplink->schedule, attempt->id);
    attempt_free(attempt);
    return false;
}

static struct attempt *attempt_make(struct uplink *uplink, uint64_t id)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);

    if (attempt == NULL)
        return NULL;
    attempt->task.run = task_run;
    attempt->id = id;
    attempt->queue = uplink->options.queue;
    attempt->destination = uplink->options.destination;
    attempt->platform = uplink->platform;
    attempt->session = &uplink->session;
    attempt->session_lock = &uplink->session_lock;
    attempt->now_ms = engine_wall_ms(uplink);
    attempt->owner = uplink;
    return attempt;
}

/* false: memory is short, stop for now. */
static bool attempt_start(struct uplink *uplink, uint64_t id)
{
    struct attempt *attempt = attempt_make(uplink, id);
    enum source source = schedule_source(uplink->schedule, id);

    if (attempt == NULL) {
        schedule_give_back(uplink->schedule, id);
        return false;
    }
    if (queue_delivery_load(attempt->queue, id, &attempt->row, &attempt->facts,
                            &attempt->status) != STATUS_OK ||
        !lanes_row_fits(&attempt->row, source)) {
        schedule_forget(uplink->schedule, id); /* held, discarded, dropped */
        attempt_free(attempt);
        return true;
    }
    attempt->interface =
        platform_interface(uplink->platform, attempt->row.interface);
    if (attempt->interface == NULL) {
        settle(uplink, attempt, STATE_REJECTED, CAUSE_BRIDGE,
               "the platform has no such interface any more", span_text(""));
        attempt_free(attempt);
        return true;
    }
    if (uplink->sealed) {
        attempt->rendered = rendered_in_pool;
        uplink->rendering++;
        crypto_pool_add(uplink->options.pool, &attempt->task);
    } else {
        attempt_render(attempt);
        return deliver_rendered(uplink, attempt);
    }
    return true;
}

bool deliver_has_room(const struct uplink *uplink)
{
    struct schedule_counts counts = schedule_counts(uplink->schedule);

    return counts.in_flight < uplink->options.destination->uplink.concurrency &&
           counts.committing < COMMITTING_MAX;
}

void deliver_launch(struct uplink *uplink)
{
    int64_t now_ms = engine_steady_ms(uplink);
    uint64_t id;

    while (condition_sends(uplink) && deliver_has_room(uplink))
        if (!schedule_take(uplink->schedule, now_ms, &id) ||
            !attempt_start(uplink, id))
            return;
}
