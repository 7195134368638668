/*
 * A change of a delivery's state: whether it may be, and its link of the
 * chain.
 */
#include "store.h"

#include <assert.h>

#include "clock.h"
#include "row.h"
#include "state.h"

#define ANSWER_MAX 2048

/* hash = digest(head || fields || facts); head is of the outcome before. */
static enum status chain(struct queue *queue, const struct record *record,
                         uint8_t hash[static QUEUE_DIGEST_SIZE])
{
    struct bytes *all = &queue->chained;
    enum status status;

    if (queue->options.digest == NULL)
        return STATUS_OK;
    bytes_clear(all);
    status = bytes_append(
        all, span_of(queue->group.standing.head, QUEUE_DIGEST_SIZE));
    if (status == STATUS_OK)
        status = bytes_append(all, bytes_view(&queue->fields));
    if (status == STATUS_OK)
        status = bytes_append(all, record->outcome.facts);
    if (status == STATUS_OK)
        status = queue->options.digest(bytes_view(all), hash);
    return status;
}

static enum status outcome_allowed(const struct queue *queue,
                                   const struct queue_outcome *outcome,
                                   const struct row *row)
{
    if (!state_may_become(row->state, outcome))
        return STATUS_DENIED;
    /* Facts are fixed while somebody may be sending them. */
    if (outcome->facts.len > 0 && row->state != STATE_HELD &&
        row->state != STATE_REJECTED)
        return STATUS_DENIED;
    if (outcome->state == STATE_WAITING && outcome->facts.len == 0 &&
        store_month_of(queue, row->facts_seq) == NULL)
        return STATUS_NOT_FOUND; /* there is nothing left to send */
    return STATUS_OK;
}

static struct record_outcome outcome_record(const struct queue *queue,
                                            const struct queue_outcome *outcome,
                                            const struct row *row)
{
    return (struct record_outcome){
        .delivery = outcome->delivery,
        .from = row->state,
        .state = outcome->state,
        .replay = outcome->replay && outcome->state == STATE_WAITING,
        .attempts = outcome->attempts,
        .cause = outcome->cause,
        .at_ms = outcome->at_ms,
        .actor = span_text(outcome->actor),
        .verb = span_text(outcome->verb),
        .reason = text_cut(span_text(outcome->reason), REASON_MAX),
        .answer = text_cut(outcome->answer, ANSWER_MAX),
        .previous = row->outcome_seq,
        .destination = span_text(names_text(&queue->names, row->destination)),
        .interface = span_text(names_text(&queue->names, row->interface)),
        .made_day = china_day(row->made_at_ms),
        .facts = outcome->facts,
    };
}

enum status queue_put_outcome(struct queue *queue,
                              struct queue_outcome *outcome)
{
    struct record record = {.kind = RECORD_OUTCOME};
    uint8_t hash[QUEUE_DIGEST_SIZE] = {0};
    struct row row;
    enum status status;

    assert(queue->group.open);
    if (!text_fits(outcome->actor, 63) || !text_fits(outcome->verb, 63) ||
        outcome->facts.len > BODY_MAX)
        return STATUS_INVALID;
    status =
        row_read(&queue->hot, queue->group.hot_txn, outcome->delivery, &row);
    if (status == STATUS_OK)
        status = outcome_allowed(queue, outcome, &row);
    if (status != STATUS_OK)
        return status;
    record.outcome = outcome_record(queue, outcome, &row);
    record.outcome.hash = hash;
    if ((status = put_fields(queue, &record)) != STATUS_OK ||
        (status = chain(queue, &record, hash)) != STATUS_OK)
        return status;
    return put_with_fields(queue, &record, &outcome->seq);
}
