#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

#define AGAIN_MS SECOND_MS
#define RESCAN_MS SECOND_MS
#define READS_MAX 50 /* of a lane in one refill: more than are known */
#define HORIZON_MS MINUTE_MS
#define RENEWALS_MAX 3

static const enum queue_lane lane_of[SOURCES] = {
    [SOURCE_FRESH] = LANE_FRESH,
    [SOURCE_BACKLOG] = LANE_FRESH,
    [SOURCE_PARKED] = LANE_PARKED,
    [SOURCE_REPLAY] = LANE_REPLAY,
};

/* ---- from the store's lanes to candidates ------------------------------- */

/* Where the reading of a lane begins. */
static uint64_t lane_start(const struct uplink *uplink, enum source source)
{
    return source == SOURCE_FRESH ? uplink->horizon : 0;
}

void deliver_wake(struct uplink *uplink, uint64_t from)
{
    static const enum source renewed[] = {SOURCE_FRESH, SOURCE_BACKLOG,
                                          SOURCE_REPLAY};

    for (size_t i = 0; i < sizeof renewed / sizeof *renewed; i++) {
        struct lane_state *lane = &uplink->lanes[renewed[i]];
        uint64_t start = lane_start(uplink, renewed[i]);

        if (from <= lane->cursor)
            lane->cursor = from > start ? from - 1 : start;
        lane->maybe_more = true;
    }
}

/* Records that wait since an outage of a week must not stand before those of
 * today: the store's fresh lane is read from two places. */
void deliver_horizon(struct uplink *uplink)
{
    struct queue_space space;

    if (queue_space_read(uplink->options.queue, &space) != STATUS_OK)
        return;
    uplink->horizon = space.newest_seq;
    uplink->horizon_next_ms = engine_steady_ms(uplink) + HORIZON_MS;
    uplink->lanes[SOURCE_FRESH] = (struct lane_state){uplink->horizon, true, 0};
    uplink->lanes[SOURCE_BACKLOG] = (struct lane_state){0, true, 0};
}

/* Whether the delivery still stands where its lane was read. */
static bool row_fits(const struct queue_delivery *row, enum source source)
{
    return row->lane == lane_of[source] &&
           row->state ==
               (source == SOURCE_PARKED ? STATE_PARKED : STATE_WAITING);
}

static void candidate_add(struct uplink *uplink, enum source source,
                          uint64_t id)
{
    struct queue_delivery row;
    enum status status;

    if (schedule_knows(uplink->schedule, id) ||
        queue_delivery_read(uplink->options.queue, id, &row) != STATUS_OK ||
        !row_fits(&row, source))
        return;
    if (source == SOURCE_PARKED && row.rounds > uplink->rounds.highest)
        uplink->rounds.highest = row.rounds;
    status = schedule_add(uplink->schedule, source, id, row.order_key);
    if (status == STATUS_NOMEM)
        uplink->lanes[source].cursor = id - 1; /* looked at again later */
}

/* What came back into a lane (completed, released by ingest) has an old id:
 * an exhausted lane is read from its start again once a second. */
static void lane_rescan(struct uplink *uplink, enum source source)
{
    struct lane_state *lane = &uplink->lanes[source];
    int64_t now_ms = engine_steady_ms(uplink);

    if (lane->maybe_more || source == SOURCE_PARKED ||
        now_ms < lane->rescan_at_ms)
        return;
    lane->rescan_at_ms = now_ms + RESCAN_MS;
    lane->cursor = lane_start(uplink, source);
    lane->maybe_more = true;
}

/* The last id a source may have. */
static uint64_t lane_end(const struct uplink *uplink, enum source source)
{
    if (source == SOURCE_PARKED)
        return uplink->rounds.until;
    return source == SOURCE_BACKLOG ? uplink->horizon : UINT64_MAX;
}

/* One read of a lane; false: it is exhausted, or there is no room. */
static bool lane_read(struct uplink *uplink, enum source source)
{
    struct lane_state *lane = &uplink->lanes[source];
    uint64_t ids[REFILL_COUNT];
    size_t count = schedule_room(uplink->schedule, source);

    if (!lane->maybe_more || count == 0)
        return false;
    if (count > sizeof ids / sizeof *ids)
        count = sizeof ids / sizeof *ids;
    if (queue_lane_read(uplink->options.queue,
                        uplink->options.destination->name, lane_of[source],
                        lane->cursor, ids, &count) != STATUS_OK)
        return false;
    lane->maybe_more = count > 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] > lane_end(uplink, source)) {
            lane->maybe_more = false;
            return false;
        }
        lane->cursor = ids[i];
        candidate_add(uplink, source, ids[i]);
    }
    return count > 0;
}

/* Most of what a rescan reads is known already, so a few reads may be needed
 * before something new is found. */
static void lane_refill(struct uplink *uplink, enum source source)
{
    int reads = READS_MAX;

    lane_rescan(uplink, source);
    while (reads-- > 0 && lane_read(uplink, source))
        ;
}

void deliver_refill(struct uplink *uplink)
{
    struct schedule_counts counts = schedule_counts(uplink->schedule);

    /* More may come than goes: then what is fresh becomes a backlog too. */
    if (!uplink->lanes[SOURCE_BACKLOG].maybe_more &&
        counts.candidates[SOURCE_BACKLOG] == 0 &&
        engine_steady_ms(uplink) >= uplink->horizon_next_ms)
        deliver_horizon(uplink);
    for (int source = 0; source < SOURCES; source++)
        if (counts.candidates[source] + REFILL_COUNT <= CANDIDATES_MAX)
            lane_refill(uplink, (enum source)source);
    if (!uplink->lanes[SOURCE_PARKED].maybe_more)
        rounds_drained(uplink);
}

/* ---- outcomes ----------------------------------------------------------- */

static enum status outcome_apply(struct work *work, struct queue *queue,
                                 int64_t now_ms)
{
    struct outcome *outcome = (struct outcome *)work;

    outcome->change.at_ms = now_ms;
    return queue_put_outcome(queue, &outcome->change);
}

static void outcome_done(struct work *work, enum status status)
{
    struct outcome *outcome = (struct outcome *)work;
    struct uplink *uplink = outcome->uplink;
    bool first;

    outcome->status = status;
    pthread_mutex_lock(&uplink->lock);
    first = uplink->inbox.committed == NULL;
    outcome->next = uplink->inbox.committed;
    uplink->inbox.committed = outcome;
    if (first) /* under the lock: without it a stopping uplink may be gone */
        curl_multi_wakeup(uplink->multi);
    pthread_mutex_unlock(&uplink->lock);
}

static const char *verb_of(enum queue_state state)
{
    static const char *const verbs[QUEUE_STATES] = {
        [STATE_PARKED] = "park",
        [STATE_HELD] = "hold",
        [STATE_DELIVERED] = "deliver",
        [STATE_REJECTED] = "reject",
    };

    return verbs[state];
}

/* The outcome of a delivery that schedule_settle has already been told of. */
static void outcome_submit(struct uplink *uplink, uint64_t id,
                           enum queue_state state, enum queue_cause cause,
                           const char *reason, struct span answer)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);

    if (outcome == NULL ||
        bytes_copy(
            &outcome->answer,
            span_of(answer.data, answer.len > 2048 ? 2048 : answer.len)) !=
            STATUS_OK) {
        free(outcome);
        schedule_forget(uplink->schedule, id); /* it is sent once more */
        deliver_wake(uplink, id);
        return;
    }
    outcome->work = (struct work){.apply = outcome_apply,
                                  .done = outcome_done,
                                  .lazy = true,
                                  .weight_bytes = 512 + answer.len};
    outcome->uplink = uplink;
    text_put(outcome->reason, sizeof outcome->reason, reason);
    outcome->change = (struct queue_outcome){
        .delivery = id,
        .state = state,
        .attempts = schedule_attempts(uplink->schedule, id),
        .cause = cause,
        .actor = "",
        .verb = verb_of(state),
        .reason = outcome->reason,
        .answer = bytes_view(&outcome->answer),
    };
    committer_submit(uplink->options.committer, &outcome->work);
}

static void outcome_free(struct outcome *outcome)
{
    bytes_free(&outcome->answer);
    free(outcome);
}

void deliver_committed(struct uplink *uplink, struct outcome *outcome)
{
    uint64_t id = outcome->change.delivery;

    if (status_retryable(outcome->status)) {
        outcome->again_at_ms = engine_steady_ms(uplink) + AGAIN_MS;
        outcome->next = uplink->uncommitted;
        uplink->uncommitted = outcome;
        return;
    }
    if (outcome->status != STATUS_OK) /* an operator was quicker */
        log_at(LOG_WARN, "outcome_dropped",
               LOG_TEXT("uplink", uplink->now.destination),
               LOG_NUMBER("entry", id), LOG_TEXT("verb", outcome->change.verb),
               LOG_TEXT("reason", status_text(outcome->status)));
    schedule_forget(uplink->schedule, id);
    /* What stood behind it may be fresh now, and it has a higher id. */
    if (uplink->has_followers && outcome->change.state != STATE_PARKED)
        deliver_wake(uplink, id);
    outcome_free(outcome);
}

void deliver_commit_again(struct uplink *uplink)
{
    struct outcome **at = &uplink->uncommitted;
    int64_t now_ms = engine_steady_ms(uplink);

    while (*at != NULL) {
        struct outcome *outcome = *at;

        if (outcome->again_at_ms > now_ms && !uplink->stopping) {
            at = &outcome->next;
            continue;
        }
        *at = outcome->next;
        if (uplink->stopping && outcome->again_at_ms > now_ms) {
            schedule_forget(uplink->schedule, outcome->change.delivery);
            outcome_free(outcome);
        } else {
            committer_submit(uplink->options.committer, &outcome->work);
        }
    }
}

/* ---- verdicts ----------------------------------------------------------- */

static void settle(struct uplink *uplink, const struct attempt *attempt,
                   enum queue_state state, enum queue_cause cause,
                   const char *reason, struct span answer)
{
    log_at(state == STATE_DELIVERED ? LOG_DEBUG : LOG_INFO, verb_of(state),
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
    if (queue_delivery_read(attempt->queue, id, &attempt->row) != STATUS_OK ||
        !row_fits(&attempt->row, source)) {
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
