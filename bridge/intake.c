#include "intake.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "receipts.h"

#define TICKETS_MAX 512

/* One message on its way through the committer. */
struct arrival {
    struct work work; /* first */
    struct intake *intake;
    struct message message;
    struct ingest_result result;
    uint64_t ticket;
    struct arrival *next; /* of those that came too early or too late */
};

struct intake {
    struct intake_options options;
    struct committer *committer;
    struct mqtt_source *source;
    struct receipts *receipts;
    pthread_mutex_t lock;
    bool running;                  /* under lock: from start to stop */
    struct arrival *first;         /* under lock: came before or after */
    struct arrival **last;         /* under lock */
    uint64_t tickets[TICKETS_MAX]; /* the committer's thread */
    size_t ticket_count;
};

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
    /* What the rules could not digest is kept as an invalid event.  When the
     * event was stored before they failed (a damaged record it is joined to),
     * no record was made of it, and only this line says so. */
    log_at(LOG_ERROR, "no_record_made", LOG_TEXT("kind", message->kind),
           LOG_TEXT("device", message->device),
           LOG_TEXT("event_id", message->event_id),
           LOG_TEXT("reason", status_text(status)));
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

/* ---- in Paho's thread --------------------------------------------------- */

/* Nobody waits for a status: it is kept in memory only. */
static void arrival_submit(struct arrival *arrival)
{
    struct intake *intake = arrival->intake;
    const struct message *message = &arrival->message;

    if (message->class == MESSAGE_STATUS && message->valid) {
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
        .weight_bytes = 256 + message->payload.len,
    };
    committer_submit(intake->committer, &arrival->work);
}

/* NULL: no memory. */
static struct arrival *arrival_read(struct intake *intake,
                                    const struct mqtt_message *message)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);

    if (arrival == NULL)
        return NULL;
    if (message_read(intake->options.config, message->topic, message->payload,
                     clock_wall_ms(intake->options.clock),
                     &arrival->message) != STATUS_OK) {
        free(arrival);
        return NULL;
    }
    arrival->intake = intake;
    arrival->ticket = message->ticket;
    return arrival;
}

void intake_arrived(struct intake *intake, const struct mqtt_message *message)
{
    struct arrival *arrival = arrival_read(intake, message);

    if (arrival == NULL)
        return; /* not settled: the broker sends it again */
    pthread_mutex_lock(&intake->lock);
    if (intake->running) {
        arrival_submit(arrival);
    } else {
        *intake->last = arrival;
        intake->last = &arrival->next;
    }
    pthread_mutex_unlock(&intake->lock);
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
    *intake = fresh;
    return STATUS_OK;
}

/* What came early goes first. */
void intake_start(struct intake *intake, struct committer *committer,
                  struct mqtt_source *source)
{
    struct arrival *arrival;

    pthread_mutex_lock(&intake->lock);
    intake->committer = committer;
    intake->source = source;
    while ((arrival = intake->first) != NULL) {
        intake->first = arrival->next;
        arrival_submit(arrival);
    }
    intake->last = &intake->first;
    intake->running = true;
    pthread_mutex_unlock(&intake->lock);
}

void intake_stop(struct intake *intake)
{
    if (intake == NULL)
        return;
    pthread_mutex_lock(&intake->lock);
    intake->running = false;
    pthread_mutex_unlock(&intake->lock);
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
    pthread_mutex_destroy(&intake->lock);
    free(intake);
}
