#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "text.h"

#define POLL_LEAST_MS 5

int64_t engine_steady_ms(const struct uplink *uplink)
{
    return clock_steady_ms(uplink->options.clock);
}

int64_t engine_wall_ms(const struct uplink *uplink)
{
    return clock_wall_ms(uplink->options.clock);
}

struct transfer *engine_transfer(struct uplink *uplink)
{
    struct transfer *transfer = uplink->idle_transfers;

    if (transfer != NULL) {
        uplink->idle_transfers = transfer->next;
        transfer->next = NULL;
        return transfer;
    }
    return transfer_open(uplink->options.destination, &transfer) == STATUS_OK
               ? transfer
               : NULL;
}

void engine_transfer_done(struct uplink *uplink, struct transfer *transfer)
{
    transfer_clear(transfer);
    transfer->next = uplink->idle_transfers;
    uplink->idle_transfers = transfer;
}

bool engine_send(struct uplink *uplink, struct transfer *transfer)
{
    if (curl_multi_add_handle(uplink->multi, transfer->easy) != CURLM_OK) {
        engine_transfer_done(uplink, transfer);
        return false;
    }
    transfer->next = uplink->sent;
    transfer->before = &uplink->sent;
    if (uplink->sent != NULL)
        uplink->sent->before = &transfer->next;
    uplink->sent = transfer;
    return true;
}

static void sent_remove(struct uplink *uplink, struct transfer *transfer)
{
    curl_multi_remove_handle(uplink->multi, transfer->easy);
    *transfer->before = transfer->next;
    if (transfer->next != NULL)
        transfer->next->before = transfer->before;
    transfer->next = NULL;
    transfer->before = NULL;
}

void engine_answer_seen(struct uplink *uplink, const struct answer *answer,
                        const char *text)
{
    struct uplink_status *now = &uplink->now;

    now->last_answer_ms = engine_wall_ms(uplink);
    text_put(now->last_answer, sizeof now->last_answer, text);
    if (answer->date_ms > 0)
        now->clock_offset_ms = answer->date_ms - now->last_answer_ms;
}

/* ---- the inbox ---------------------------------------------------------- */

static void inbox_settings(struct uplink *uplink, const struct inbox *inbox)
{
    if (inbox->stop && !uplink->stopping) {
        uplink->stopping = true;
        uplink->stop_by_ms = inbox->stop_by_ms;
    }
    if (inbox->pause) {
        uplink->paused = true;
        text_put(uplink->pause_reason, sizeof uplink->pause_reason,
                 inbox->reason);
    }
    if (inbox->resume) {
        uplink->paused = false;
        uplink->fault_until_ms = 0;
        uplink->renewals = 0;
        calls_resume(uplink);
    }
    if (inbox->wake)
        lanes_wake(uplink, inbox->wake_from);
    if (inbox->round)
        rounds_begin(uplink);
}

/* Under lock. */
static void handed_take(struct uplink *uplink)
{
    struct handed *handed = &uplink->handed;
    struct handed *taken = &uplink->taken;

    taken->after = handed->after;
    taken->until = handed->until;
    taken->count = handed->count;
    memcpy(taken->list, handed->list, handed->count * sizeof *handed->list);
    handed->until = 0;
    handed->count = 0;
    uplink->durable = uplink->told;
}

static void inbox_take(struct uplink *uplink)
{
    struct inbox inbox;

    pthread_mutex_lock(&uplink->lock);
    inbox = uplink->inbox;
    uplink->inbox = (struct inbox){.wake_from = UINT64_MAX};
    handed_take(uplink);
    pthread_mutex_unlock(&uplink->lock);
    lanes_take_over(uplink); /* then a wake may have nothing more to tell */
    inbox_settings(uplink, &inbox);
    while (inbox.rendered != NULL) {
        struct attempt *attempt = inbox.rendered;

        inbox.rendered = attempt->next;
        uplink->rendering--;
        deliver_rendered(uplink, attempt);
    }
    while (inbox.committed != NULL) {
        struct outcome *outcome = inbox.committed;

        inbox.committed = outcome->next;
        outcome_committed(uplink, outcome);
    }
    if (uplink->uncommitted != NULL)
        outcomes_again(uplink);
}

/* ---- the loop ----------------------------------------------------------- */

static void transfers_step(struct uplink *uplink)
{
    struct transfer *transfer = NULL;
    CURLMsg *message;
    int running;
    int left;

    curl_multi_perform(uplink->multi, &running);
    while ((message = curl_multi_info_read(uplink->multi, &left)) != NULL) {
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        sent_remove(uplink, transfer);
        if (!calls_ended(uplink, transfer, code))
            deliver_ended(uplink, transfer, code);
    }
}

static void status_publish(struct uplink *uplink)
{
    struct schedule_counts counts = schedule_counts(uplink->schedule);

    uplink->now.in_flight = (uint32_t)counts.in_flight;
    uplink->now.resending = (uint32_t)counts.resending;
    pthread_mutex_lock(&uplink->lock);
    uplink->status = uplink->now;
    pthread_mutex_unlock(&uplink->lock);
}

/* How long nothing can happen that curl or a wakeup does not tell.  Never 0:
 * what is due and cannot be done now must not keep the processor busy. */
static int poll_ms(const struct uplink *uplink)
{
    int64_t until_ms = calls_next_ms(uplink);
    int64_t resend_ms = schedule_due(uplink->schedule);
    int64_t now_ms = engine_steady_ms(uplink);

    if (resend_ms < until_ms && condition_sends(uplink) &&
        deliver_has_room(uplink))
        until_ms = resend_ms;
    if (uplink->stopping && uplink->stop_by_ms < until_ms)
        until_ms = uplink->stop_by_ms;
    return until_ms <= now_ms + POLL_LEAST_MS ? POLL_LEAST_MS
                                              : (int)(until_ms - now_ms);
}

/* Stopping ends when nothing is rendered, sent or being committed, or when
 * the grace is over; renderings and commits are always waited for, because
 * they point into this uplink. */
static bool has_ended(const struct uplink *uplink)
{
    struct schedule_counts counts = schedule_counts(uplink->schedule);

    if (!uplink->stopping || uplink->rendering > 0 || counts.committing > 0)
        return false;
    return (counts.in_flight == 0 && !calls_once_only_out(uplink)) ||
           engine_steady_ms(uplink) >= uplink->stop_by_ms;
}

static void *uplink_thread(void *arg)
{
    struct uplink *uplink = arg;

    pthread_setname_np(pthread_self(), "uplink");
    rounds_open(uplink);
    lanes_wake(uplink, 0);
    while (!has_ended(uplink)) {
        inbox_take(uplink);
        calls_due(uplink);
        rounds_due(uplink);
        if (condition_sends(uplink)) {
            lanes_refill(uplink);
            lanes_take_over(uplink);
            deliver_launch(uplink);
        }
        transfers_step(uplink);
        if (condition_sends(uplink))
            deliver_launch(uplink);
        status_publish(uplink);
        curl_multi_poll(uplink->multi, NULL, 0, poll_ms(uplink), NULL);
    }
    return NULL;
}

/* ---- opening and closing ------------------------------------------------ */

static void interfaces_look(struct uplink *uplink)
{
    for (size_t i = 0; i < uplink->platform->interface_count; i++) {
        const struct interface *one = &uplink->platform->interfaces[i];

        if (one->role == ROLE_HEARTBEAT)
            uplink->heartbeat = one;
        if (one->order == ORDER_AFTER_DELIVERED ||
            one->order == ORDER_AFTER_SETTLED)
            uplink->has_followers = true;
    }
}

static enum status schedule_make(struct uplink *uplink)
{
    const struct uplink_config *limits = &uplink->options.destination->uplink;
    struct schedule_options options = {
        .jitter_percent = 10,
        .seed = (uint64_t)engine_steady_ms(uplink) ^ (uintptr_t)uplink,
        .candidates_max = CANDIDATES_MAX,
        .resends_max = RESENDS_MAX,
    };

    for (unsigned i = 0; i < SCHEDULE_RESENDS; i++)
        options.resend_after_ms[i] =
            (int64_t)limits->resend_after_s[i] * SECOND_MS;
    return schedule_open(&options, &uplink->schedule);
}

/* An operator's pause outlives a restart, and holds before the first record
 * is looked at. */
static void pause_restore(struct uplink *uplink)
{
    struct bytes reason = BYTES_EMPTY;

    if (queue_note_read(uplink->options.queue, "paused",
                        span_text(uplink->options.destination->name),
                        &reason) == STATUS_OK) {
        uplink->inbox.pause = true;
        snprintf(uplink->inbox.reason, sizeof uplink->inbox.reason, "%s",
                 bytes_text(&reason));
    }
    bytes_free(&reason);
}

static void uplink_free(struct uplink *uplink)
{
    if (uplink->platform->release != NULL)
        uplink->platform->release(&uplink->session);
    credentials_forget(&uplink->session);
    while (uplink->idle_transfers != NULL) {
        struct transfer *transfer = uplink->idle_transfers;

        uplink->idle_transfers = transfer->next;
        transfer_close(transfer);
    }
    schedule_close(uplink->schedule);
    if (uplink->multi != NULL)
        curl_multi_cleanup(uplink->multi);
    pthread_mutex_destroy(&uplink->lock);
    pthread_rwlock_destroy(&uplink->session_lock);
    free(uplink);
}

enum status uplink_open(const struct uplink_options *options,
                        struct uplink **uplink)
{
    struct uplink *fresh = calloc(1, sizeof *fresh);
    enum status status;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->options = *options;
    fresh->platform = platform_find(options->destination->platform);
    fresh->sealed = strcmp(fresh->platform->name, "generic") != 0 ||
                    options->destination->generic.sealed;
    fresh->inbox.wake_from = UINT64_MAX;
    fresh->told = UINT64_MAX; /* nothing yet: any wake may bring something */
    fresh->now.clock_offset_ms = INT64_MIN;
    snprintf(fresh->now.destination, sizeof fresh->now.destination, "%s",
             options->destination->name);
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_rwlock_init(&fresh->session_lock, NULL);
    interfaces_look(fresh);
    fresh->multi = curl_multi_init();
    status = fresh->multi == NULL ? STATUS_NOMEM : schedule_make(fresh);
    if (status == STATUS_OK)
        status = calls_open(fresh);
    fresh->status = fresh->now;
    if (status == STATUS_OK)
        pause_restore(fresh);
    if (status == STATUS_OK &&
        pthread_create(&fresh->thread, NULL, uplink_thread, fresh) != 0)
        status = STATUS_NOMEM;
    if (status != STATUS_OK) {
        uplink_free(fresh);
        return status;
    }
    *uplink = fresh;
    return STATUS_OK;
}

/* What is still on its way when the grace is over: unknown, so it is waiting
 * again after a restart. */
static void transfers_abandon(struct uplink *uplink)
{
    while (uplink->sent != NULL) {
        struct transfer *transfer = uplink->sent;

        sent_remove(uplink, transfer);
        attempt_free(transfer->owner);
        transfer_close(transfer);
    }
}

void uplink_close(struct uplink *uplink, int64_t grace_ms)
{
    if (uplink == NULL)
        return;
    uplink_stop(uplink, grace_ms);
    pthread_join(uplink->thread, NULL);
    transfers_abandon(uplink);
    uplink_free(uplink);
}

/* ---- from other threads -------------------------------------------------- */

void uplink_stop(struct uplink *uplink, int64_t grace_ms)
{
    pthread_mutex_lock(&uplink->lock);
    uplink->inbox.stop = true;
    uplink->inbox.stop_by_ms = engine_steady_ms(uplink) + grace_ms;
    pthread_mutex_unlock(&uplink->lock);
    curl_multi_wakeup(uplink->multi);
}

void uplink_wake(struct uplink *uplink, uint64_t from)
{
    bool first;

    pthread_mutex_lock(&uplink->lock);
    first = !uplink->inbox.wake;
    uplink->inbox.wake = true;
    if (from < uplink->inbox.wake_from)
        uplink->inbox.wake_from = from;
    pthread_mutex_unlock(&uplink->lock);
    if (first)
        curl_multi_wakeup(uplink->multi);
}

/* Under lock.  Behind what is there already, or not at all. */
static void handed_add(struct uplink *uplink, const struct queue_made *made)
{
    struct handed *handed = &uplink->handed;

    if (handed->until == 0)
        handed->after = made->after;
    else if (handed->until != made->after)
        return;
    handed->until = made->until;
    for (size_t i = 0; i < made->count; i++) {
        const struct queue_fresh *fresh = &made->list[i];

        if (strcmp(fresh->destination, uplink->options.destination->name) != 0)
            continue;
        if (handed->count == HANDED_MAX) {
            handed->until = fresh->id - 1;
            return;
        }
        handed->list[handed->count++] = *fresh;
    }
}

void uplink_hand_over(struct uplink *uplink, const struct queue_made *made)
{
    size_t count;

    pthread_mutex_lock(&uplink->lock);
    count = uplink->handed.count;
    handed_add(uplink, made);
    uplink->told = made->until;
    if (count == 0 && uplink->handed.count > 0)
        curl_multi_wakeup(uplink->multi);
    pthread_mutex_unlock(&uplink->lock);
}

void uplink_pause(struct uplink *uplink, const char *reason)
{
    pthread_mutex_lock(&uplink->lock);
    uplink->inbox.pause = true;
    uplink->inbox.resume = false;
    text_put(uplink->inbox.reason, sizeof uplink->inbox.reason, reason);
    pthread_mutex_unlock(&uplink->lock);
    curl_multi_wakeup(uplink->multi);
}

void uplink_resume(struct uplink *uplink)
{
    pthread_mutex_lock(&uplink->lock);
    uplink->inbox.pause = false;
    uplink->inbox.resume = true;
    pthread_mutex_unlock(&uplink->lock);
    curl_multi_wakeup(uplink->multi);
}

void uplink_round(struct uplink *uplink)
{
    pthread_mutex_lock(&uplink->lock);
    uplink->inbox.round = true;
    pthread_mutex_unlock(&uplink->lock);
    curl_multi_wakeup(uplink->multi);
}

void uplink_status(struct uplink *uplink, struct uplink_status *status)
{
    pthread_mutex_lock(&uplink->lock);
    *status = uplink->status;
    pthread_mutex_unlock(&uplink->lock);
}
