#include "intake.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "receipts.h"

#define TICKETS_MAX 512

/* One message on its way: raw from Paho, then read, then work. */
struct arrival {
    struct work work; /* first */
    struct intake *intake;
    struct message message;
    struct ingest_result result;
    uint64_t ticket;
    int64_t received_at_ms;
    struct arrival *next;
    size_t topic_len;
    size_t payload_len;
    char *raw; /* topic, NUL, payload; until it is read */
};

struct intake {
    struct intake_options options;
    struct committer *committer;
    struct mqtt_source *source;
    struct receipts *receipts;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct arrival *first;         /* under lock */
    struct arrival **last;         /* under lock */
    bool closing;                  /* under lock */
    uint64_t tickets[TICKETS_MAX]; /* the committer's thread */
    size_t ticket_count;
};

/* ---- in Paho's thread --------------------------------------------------- */

void intake_arrived(struct intake *intake, const struct mqtt_message *message)
{
    size_t topic_len = strlen(message->topic);
    struct arrival *arrival = calloc(1, sizeof *arrival);
    char *raw = malloc(topic_len + 1 + message->payload.len);

    if (arrival == NULL || raw == NULL) {
        free(arrival);
        free(raw);
        return; /* not settled: the broker sends it again */
    }
    arrival->raw = raw;
    arrival->intake = intake;
    arrival->ticket = message->ticket;
    arrival->received_at_ms = clock_wall_ms(intake->options.clock);
    arrival->topic_len = topic_len;
    arrival->payload_len = message->payload.len;
    memcpy(raw, message->topic, topic_len + 1);
    if (message->payload.len > 0)
        memcpy(raw + topic_len + 1, message->payload.data,
               message->payload.len);
    pthread_mutex_lock(&intake->lock);
    if (intake->first == NULL)
        pthread_cond_signal(&intake->wanted);
    *intake->last = arrival;
    intake->last = &arrival->next;
    pthread_mutex_unlock(&intake->lock);
}

/* ---- in the committer's thread ------------------------------------------ */

static enum status arrival_apply(struct work *work, struct queue *queue,
                                 int64_t now_ms)
{
    struct arrival *arrival = (struct arrival *)work;
    struct message *message = &arrival->message;
    enum status status = ingest_store(arrival->intake->options.ingest, queue,
                                      message, now_ms, &arrival->result);

    if (status == STATUS_OK || status_retryable(status) || !message->valid)
        return status;
    /* What the rules could not digest is kept as an invalid event. */
    message->valid = false;
    snprintf(message->reason, sizeof message->reason,
             "it could not be taken apart: %s", status_text(status));
    return ingest_store(arrival->intake->options.ingest, queue, message, now_ms,
                        &arrival->result);
}

void intake_durable(struct intake *intake)
{
    if (intake->ticket_count > 0)
        mqtt_source_settle(intake->source, intake->tickets,
                           intake->ticket_count);
    intake->ticket_count = 0;
}

static void ticket_settle(struct intake *intake, uint64_t ticket)
{
    if (ticket == 0)
        return;
    intake->tickets[intake->ticket_count++] = ticket;
    if (intake->ticket_count == TICKETS_MAX)
        intake_durable(intake);
}

static void arrival_durable(struct work *work)
{
    struct arrival *arrival = (struct arrival *)work;

    ticket_settle(arrival->intake, arrival->ticket);
}

static void arrival_free(struct arrival *arrival)
{
    message_free(&arrival->message);
    free(arrival->raw);
    free(arrival);
}

static void arrival_done(struct work *work, enum status status)
{
    struct arrival *arrival = (struct arrival *)work;
    const struct message *message = &arrival->message;

    if (status == STATUS_OK) {
        if (!arrival->result.stored)
            log_at(LOG_WARN, "invalid", LOG_TEXT("kind", message->kind),
                   LOG_TEXT("device", message->device),
                   LOG_TEXT("event_id", message->event_id),
                   LOG_TEXT("reason", arrival->result.reason));
        receipts_add(arrival->intake->receipts, message, &arrival->result);
    } else if (status != STATUS_CLOSED) {
        log_at(LOG_ERROR, "not_stored", LOG_TEXT("kind", message->kind),
               LOG_TEXT("device", message->device),
               LOG_TEXT("reason", status_text(status)));
    }
    arrival_free(arrival);
}

void intake_committed(struct intake *intake)
{
    receipts_send(intake->receipts);
}

/* ---- in the reader's thread --------------------------------------------- */

static void arrival_submit(struct arrival *arrival)
{
    struct intake *intake = arrival->intake;
    struct span payload =
        span_of(arrival->raw + arrival->topic_len + 1, arrival->payload_len);

    if (message_read(intake->options.config, arrival->raw, payload,
                     arrival->received_at_ms, &arrival->message) != STATUS_OK) {
        arrival_free(arrival); /* no memory: not settled, it comes again */
        return;
    }
    if (arrival->message.class == MESSAGE_STATUS && arrival->message.valid) {
        if (arrival->ticket != 0)
            mqtt_source_settle(intake->source, &arrival->ticket, 1);
        arrival_free(arrival);
        return;
    }
    arrival->work = (struct work){
        .apply = arrival_apply,
        .durable = arrival_durable,
        .done = arrival_done,
        .stallable = true,
        .weight_bytes = 256 + arrival->payload_len,
    };
    committer_submit(intake->committer, &arrival->work);
}

static void *reader_thread(void *arg)
{
    struct intake *intake = arg;
    bool closing = false;

    pthread_setname_np(pthread_self(), "intake");
    while (!closing) {
        struct arrival *arrival;

        pthread_mutex_lock(&intake->lock);
        while (intake->first == NULL && !intake->closing)
            pthread_cond_wait(&intake->wanted, &intake->lock);
        closing = intake->closing;
        arrival = intake->first;
        intake->first = NULL;
        intake->last = &intake->first;
        pthread_mutex_unlock(&intake->lock);
        while (arrival != NULL) {
            struct arrival *next = arrival->next;

            arrival_submit(arrival);
            arrival = next;
        }
    }
    return NULL;
}

/* ---- opening and closing ------------------------------------------------ */

enum status intake_open(const struct intake_options *options,
                        struct intake **intake)
{
    struct intake *fresh = calloc(1, sizeof *fresh);
    enum status status;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->options = *options;
    fresh->last = &fresh->first;
    status = receipts_open(options->config->site, options->publish,
                           options->arg, &fresh->receipts);
    if (status != STATUS_OK) {
        free(fresh);
        return status;
    }
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_cond_init(&fresh->wanted, NULL);
    *intake = fresh;
    return STATUS_OK;
}

enum status intake_start(struct intake *intake, struct committer *committer,
                         struct mqtt_source *source)
{
    intake->committer = committer;
    intake->source = source;
    intake->started =
        pthread_create(&intake->thread, NULL, reader_thread, intake) == 0;
    return intake->started ? STATUS_OK : STATUS_NOMEM;
}

void intake_stop(struct intake *intake)
{
    if (intake == NULL || !intake->started)
        return;
    pthread_mutex_lock(&intake->lock);
    intake->closing = true;
    pthread_cond_signal(&intake->wanted);
    pthread_mutex_unlock(&intake->lock);
    pthread_join(intake->thread, NULL);
}

void intake_close(struct intake *intake)
{
    if (intake == NULL)
        return;
    while (intake->first != NULL) { /* came after the stop: they come again */
        struct arrival *arrival = intake->first;

        intake->first = arrival->next;
        arrival_free(arrival);
    }
    receipts_close(intake->receipts);
    pthread_cond_destroy(&intake->wanted);
    pthread_mutex_destroy(&intake->lock);
    free(intake);
}
