#include "engine.h"

#include <stdlib.h>

#include "log.h"
#include "text.h"

#define AGAIN_MS SECOND_MS

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

const char *outcome_verb(enum queue_state state)
{
    static const char *const verbs[QUEUE_STATES] = {
        [STATE_PARKED] = "park",
        [STATE_HELD] = "hold",
        [STATE_DELIVERED] = "deliver",
        [STATE_REJECTED] = "reject",
    };

    return verbs[state];
}

void outcome_submit(struct uplink *uplink, uint64_t id, enum queue_state state,
                    enum queue_cause cause, const char *reason,
                    struct span answer)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);

    if (outcome == NULL ||
        bytes_copy(
            &outcome->answer,
            span_of(answer.data, answer.len > 2048 ? 2048 : answer.len)) !=
            STATUS_OK) {
        free(outcome);
        schedule_forget(uplink->schedule, id); /* it is sent once more */
        lanes_wake(uplink, id);
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
        .verb = outcome_verb(state),
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

void outcome_committed(struct uplink *uplink, struct outcome *outcome)
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
        lanes_wake(uplink, id);
    outcome_free(outcome);
}

void outcomes_again(struct uplink *uplink)
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
