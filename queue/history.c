/*
 * The outcomes of a delivery: each record names the one before.
 */
#include "store.h"

#include <stdlib.h>

#include "row.h"

struct history {
    uint64_t *seqs; /* newest first */
    size_t count;
    size_t room;
};

static enum status history_add(struct history *history, uint64_t seq)
{
    size_t room = history->room == 0 ? 16 : history->room * 2;
    uint64_t *seqs = history->seqs;

    if (history->count == history->room) {
        seqs = realloc(seqs, room * sizeof *seqs);
        if (seqs == NULL)
            return STATUS_NOMEM;
        history->seqs = seqs;
        history->room = room;
    }
    seqs[history->count++] = seq;
    return STATUS_OK;
}

/* Each outcome names the one before; the walk ends where a month is gone. */
static enum status history_gather(struct queue *queue, uint64_t id,
                                  struct history *history)
{
    struct look look;
    struct row row;
    struct record record;
    uint64_t seq;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = row_read(&queue->hot, look.hot, id, &row);
    seq = status == STATUS_OK ? row.outcome_seq : 0;
    while (seq != 0) {
        status = look_record(&look, seq, &record);
        if (status != STATUS_OK || record.kind != RECORD_OUTCOME ||
            (status = history_add(history, seq)) != STATUS_OK)
            break;
        /* Only ever backwards, whatever the bytes say. */
        seq = record.outcome.previous < seq ? record.outcome.previous : 0;
    }
    look_end(&look);
    return status == STATUS_NOT_FOUND && history->count > 0 ? STATUS_OK
                                                            : status;
}

static enum status outcome_copy(const struct record_outcome *record,
                                uint64_t seq, struct bytes *buffer,
                                struct queue_outcome *outcome)
{
    enum status status;

    bytes_clear(buffer);
    status = bytes_reserve(buffer, record->actor.len + record->verb.len +
                                       record->reason.len + 4 +
                                       record->answer.len + record->facts.len);
    if (status != STATUS_OK)
        return status;
    *outcome = (struct queue_outcome){
        .seq = seq,
        .delivery = record->delivery,
        .state = record->state,
        .replay = record->replay,
        .attempts = record->attempts,
        .cause = record->cause,
        .at_ms = record->at_ms,
        .actor = keep_text(buffer, record->actor),
        .verb = keep_text(buffer, record->verb),
        .reason = keep_text(buffer, record->reason),
    };
    outcome->answer = span_of(buffer->data + buffer->len, record->answer.len);
    status = bytes_append(buffer, record->answer);
    outcome->facts = span_of(buffer->data + buffer->len, record->facts.len);
    return status == STATUS_OK ? bytes_append(buffer, record->facts) : status;
}

static enum status outcome_read(struct queue *queue, uint64_t seq,
                                struct bytes *buffer,
                                struct queue_outcome *outcome)
{
    struct look look;
    struct record record;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = look_record(&look, seq, &record);
    if (status == STATUS_OK && record.kind != RECORD_OUTCOME)
        status = STATUS_CORRUPT;
    if (status == STATUS_OK)
        status = outcome_copy(&record.outcome, seq, buffer, outcome);
    look_end(&look);
    return status;
}

enum status queue_history(struct queue *queue, uint64_t id,
                          void (*visit)(void *arg,
                                        const struct queue_outcome *outcome),
                          void *arg)
{
    struct history history = {0};
    struct bytes buffer = BYTES_EMPTY;
    struct queue_outcome outcome;
    enum status status = history_gather(queue, id, &history);

    for (size_t i = history.count; status == STATUS_OK && i-- > 0;) {
        status = outcome_read(queue, history.seqs[i], &buffer, &outcome);
        if (status == STATUS_OK)
            visit(arg, &outcome);
        else if (status == STATUS_NOT_FOUND) /* dropped meanwhile */
            status = STATUS_OK;
    }
    bytes_free(&buffer);
    free(history.seqs);
    return status;
}
