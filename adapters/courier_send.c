#include "courier_parts.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "json_text.h"
#include "log.h"

#define FLIGHT_BYTES ((size_t)8 << 20) /* out and not receipted, in all */
#define BUFFER_KEPT ((size_t)1 << 20)  /* of memory, between two events */
#define AGAIN_MS SECOND_MS             /* after a fault of the disk */

/* ---- ending -------------------------------------------------- */

static void ended_tell(struct courier *courier, const struct flight *ended)
{
    bool rejected = ended->reason[0] != 0;

    if (rejected)
        log_at(LOG_WARN, "rejected", LOG_TEXT("device", ended->device),
               LOG_TEXT("event_id", ended->published_id),
               LOG_TEXT("reason", ended->reason));
    else
        log_at(LOG_DEBUG, "stored", LOG_TEXT("device", ended->device),
               LOG_TEXT("event_id", ended->published_id));
    if (courier->options.receipted != NULL)
        courier->options.receipted(courier->options.arg, ended->device,
                                   ended->published_id,
                                   rejected ? ended->reason : NULL);
}

/* What could not be ended on disk waits for a better moment.  Sending it again
 * would bring the next receipt at once, and so on as fast as both can. */
static void settle_later(struct courier *courier, const struct flight *ended)
{
    pthread_mutex_lock(&courier->lock);
    flights_put_back(&courier->flights, ended);
    pthread_mutex_unlock(&courier->lock);
}

static void flights_settle(struct courier *courier)
{
    struct flight ended;
    bool any;

    for (;;) {
        struct outbox_ending ending;

        pthread_mutex_lock(&courier->lock);
        any = flights_take(&courier->flights, &ended);
        pthread_mutex_unlock(&courier->lock);
        if (!any)
            return;
        ending = (struct outbox_ending){
            ended.seq, ended.reason[0] != 0 ? ended.reason : NULL};
        if (outbox_end(courier->outbox, &ending, 1, courier_wall_ms(courier)) !=
            STATUS_OK) {
            settle_later(courier, &ended);
            return;
        }
        pthread_mutex_lock(&courier->lock);
        if (ended.reason[0] != 0)
            courier->stats.rejected++;
        else
            courier->stats.receipted++;
        pthread_mutex_unlock(&courier->lock);
        ended_tell(courier, &ended);
    }
}

/* Its bytes are of no use to the bridge; they are kept for a person. */
static void damaged_end(struct courier *courier, uint64_t seq)
{
    const struct outbox_ending ending = {seq, "its stored bytes are damaged"};

    log_at(LOG_ERROR, "event_damaged", LOG_NUMBER("entry", seq),
           LOG_TEXT("reason", ending.reason));
    if (outbox_end(courier->outbox, &ending, 1, courier_wall_ms(courier)) !=
        STATUS_OK)
        log_at(LOG_WARN, "not_set_aside", LOG_NUMBER("entry", seq));
}

/* ---- sending ------------------------------------------------- */

/* The same bytes each time: what identifies the event, then its content. */
static enum status message_write(const struct outbox_entry *entry,
                                 struct bytes *message)
{
    char time[CLOCK_TEXT_MAX];
    json_t *head;
    enum status status = STATUS_NOMEM;

    clock_print_iso(entry->at_ms, time);
    head =
        json_pack("{s:s, s:s}", "event_id", entry->published_id, "time", time);
    if (head != NULL && entry->revision > 0)
        json_object_set_new(head, "revision", json_integer(entry->revision));
    bytes_clear(message);
    if (head != NULL)
        status = json_text(head, message);
    json_decref(head);
    if (status != STATUS_OK || entry->content.len <= 2) /* "{}" */
        return status;
    message->data[message->len - 1] = ',';
    return bytes_append(
        message, span_of(entry->content.data + 1, entry->content.len - 1));
}

static enum status entry_publish(struct courier *courier,
                                 const struct outbox_entry *entry)
{
    char topic[COURIER_TOPIC_MAX];
    enum status status = message_write(entry, &courier->message);

    if (status != STATUS_OK)
        return status;
    snprintf(topic, sizeof topic, "%s%s/%s", courier->prefix, entry->device,
             entry->leaf);
    return mqtt_control_publish(courier->control, topic,
                                bytes_view(&courier->message), 1, false);
}

/* The lock is held. */
static bool may_send(const struct courier *courier)
{
    return courier->linked && courier->state.online && !courier->state.full &&
           !courier->closing;
}

/* The place behind which to read, or false: nothing may go now. */
static bool next_place(struct courier *courier, uint64_t *after)
{
    bool may;

    pthread_mutex_lock(&courier->lock);
    may =
        may_send(courier) && flights_have_room(&courier->flights, FLIGHT_BYTES);
    *after = courier->cursor;
    pthread_mutex_unlock(&courier->lock);
    return may;
}

enum leave { LEAVE, LEAVE_OUT, LEAVE_LATER };

/* Out before it is published, since its receipt may be the quicker. */
static enum leave entry_leaves(struct courier *courier, uint64_t after,
                               const struct outbox_entry *entry)
{
    enum leave leave = LEAVE_LATER;

    pthread_mutex_lock(&courier->lock);
    if (courier->cursor == after && flights_have(&courier->flights, entry->seq))
        leave = LEAVE_OUT;
    else if (courier->cursor == after && may_send(courier) &&
             !flights_bar(&courier->flights, entry))
        leave = LEAVE;
    if (leave != LEAVE_LATER)
        courier->cursor = entry->seq;
    if (leave == LEAVE)
        flights_add(&courier->flights, entry, entry->content.len,
                    courier_steady_ms(courier));
    pthread_mutex_unlock(&courier->lock);
    return leave;
}

static void cursor_move(struct courier *courier, uint64_t from, uint64_t to)
{
    pthread_mutex_lock(&courier->lock);
    if (courier->cursor == from)
        courier->cursor = to;
    pthread_mutex_unlock(&courier->lock);
}

/* Not connected any more, or no memory: all that is out goes anew. */
static void recall(struct courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    flights_recall(&courier->flights);
    courier->cursor = 0;
    pthread_mutex_unlock(&courier->lock);
}

/* One that is kept and not out; false: no more for now. */
static bool next_send(struct courier *courier)
{
    struct outbox_entry entry;
    uint64_t after;
    enum status status;
    enum leave leave;

    if (!next_place(courier, &after))
        return false;
    status = outbox_read(courier->outbox, after, &entry, &courier->content);
    if (status == STATUS_CORRUPT) {
        damaged_end(courier, entry.seq);
        cursor_move(courier, after, entry.seq);
        return true;
    }
    if (status != STATUS_OK)
        return false;
    leave = entry_leaves(courier, after, &entry);
    if (leave == LEAVE && entry_publish(courier, &entry) != STATUS_OK) {
        recall(courier);
        return false;
    }
    return leave != LEAVE_LATER;
}

/* One of which nothing was heard in time; false: there is none. */
static bool due_send(struct courier *courier)
{
    int64_t now_ms = courier_steady_ms(courier);
    int64_t wait_ms =
        (int64_t)courier->options.config->outbox.resend_s * SECOND_MS;
    struct outbox_entry entry;
    struct flight *flight = NULL;
    uint64_t seq = 0;

    pthread_mutex_lock(&courier->lock);
    if (may_send(courier))
        flight = flights_due(&courier->flights, now_ms - wait_ms);
    if (flight != NULL) {
        flight->sent_at_ms = now_ms;
        seq = flight->seq;
    }
    pthread_mutex_unlock(&courier->lock);
    if (seq == 0)
        return false;
    if (outbox_read(courier->outbox, seq - 1, &entry, &courier->content) ==
            STATUS_OK &&
        entry.seq == seq) {
        log_at(LOG_WARN, "no_receipt", LOG_TEXT("device", entry.device),
               LOG_TEXT("event_id", entry.published_id),
               LOG_TEXT("reason", "sent again"));
        if (entry_publish(courier, &entry) != STATUS_OK)
            return false;
    }
    return true;
}

static void buffers_shrink(struct courier *courier)
{
    if (courier->content.capacity > BUFFER_KEPT)
        bytes_free(&courier->content);
    if (courier->message.capacity > BUFFER_KEPT)
        bytes_free(&courier->message);
}

/* ---- the thread ---------------------------------------------------------- */

/* Until there is news, a receipt is overdue, or a second has gone: a disk
 * that failed is tried again. */
static void wait_for_news(struct courier *courier)
{
    struct timespec until;
    int64_t wait_ms = AGAIN_MS;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / SECOND_MS;
    while (!courier->news && !courier->closing)
        if (pthread_cond_timedwait(&courier->changed, &courier->lock, &until) ==
            ETIMEDOUT)
            break;
    courier->news = false;
}

void *courier_send(void *arg)
{
    struct courier *courier = arg;
    bool closing = false;

    pthread_setname_np(pthread_self(), "courier");
    while (!closing) {
        flights_settle(courier);
        while (due_send(courier))
            ;
        while (next_send(courier))
            ;
        buffers_shrink(courier);
        pthread_mutex_lock(&courier->lock);
        wait_for_news(courier);
        closing = courier->closing;
        pthread_mutex_unlock(&courier->lock);
    }
    flights_settle(courier);
    return NULL;
}
