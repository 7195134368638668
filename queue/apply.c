/*
 * A record of the log becomes a change of the hot environment: live, in the
 * group that puts it, and after a crash, from the log.  Nothing here may
 * depend on anything but the record and the hot environment.
 */
#include "store.h"

#include <string.h>

#include "bits.h"
#include "clock.h"
#include "row.h"

#define FATE_ROW_SIZE 11

enum status fate_read(const struct hot *hot, MDB_txn *txn, uint64_t event,
                      struct fate_row *row)
{
    uint8_t key[8];
    struct span value;
    enum status status;

    put_u64(key, event);
    status = hot_get(txn, hot->fates, span_of(key, sizeof key), &value);
    if (status != STATUS_OK)
        return status;
    if (value.len != FATE_ROW_SIZE || value.data[0] >= QUEUE_FATES)
        return STATUS_CORRUPT;
    row->fate = (enum queue_fate)value.data[0];
    row->kind = get_u16(value.data + 1);
    row->day = get_u32(value.data + 3);
    row->month = get_u32(value.data + 7);
    return STATUS_OK;
}

enum status fate_write(const struct hot *hot, MDB_txn *txn, uint64_t event,
                       const struct fate_row *row)
{
    uint8_t key[8];
    uint8_t value[FATE_ROW_SIZE];

    put_u64(key, event);
    value[0] = (uint8_t)row->fate;
    put_u16(value + 1, row->kind);
    put_u32(value + 3, row->day);
    put_u32(value + 7, row->month);
    return hot_put(txn, hot->fates, span_of(key, sizeof key),
                   span_of(value, sizeof value));
}

/* ---- events ----------------------------------------------------------- */

static enum status count_event(const struct applying *at, struct fate_row row,
                               enum queue_fate fate, int64_t add)
{
    struct sum_key key = {'E', row.day, row.month, row.kind, 0};

    return tally_sum(&at->queue->tally, key, (int)fate, add);
}

static enum status remember_event(const struct applying *at,
                                  const struct record_event *event)
{
    struct dedup_key key = {event->device, event->event_id, event->event_at_ms,
                            event->received_at_ms};
    struct dedup_entry entry = {at->seq, event->revision, event->body_hash};

    if (event->event_id.len == 0)
        return STATUS_OK;
    return dedup_add(at->queue, at->txn, &key, &entry);
}

static enum status apply_event(const struct applying *at,
                               const struct record_event *event)
{
    struct tally *tally = &at->queue->tally;
    struct fate_row row = {event->fate, 0, china_day(event->received_at_ms),
                           at->month};
    enum status status;

    if ((status = names_number(&at->queue->names, event->kind, &row.kind)) !=
            STATUS_OK ||
        (status = count_event(at, row, event->fate, 1)) != STATUS_OK ||
        (status = tally_range(tally, 'e', row.day, at->seq)) != STATUS_OK ||
        (status = remember_event(at, event)) != STATUS_OK)
        return status;
    if (event->body.len > BIG_BODY_BYTES)
        status = tally_big(tally, at->month, event->body.len);
    if (status == STATUS_OK && event->fate == FATE_JOINING) {
        status = fate_write(&at->queue->hot, at->txn, at->seq, &row);
        if (status == STATUS_OK)
            status = tally_pin(tally, at->month, 1);
    }
    return status;
}

static enum status apply_repeat(const struct applying *at,
                                const struct record_repeat *repeat)
{
    struct fate_row row = {FATE_REPEAT, 0, china_day(repeat->received_at_ms),
                           at->month};
    enum status status =
        names_number(&at->queue->names, repeat->kind, &row.kind);

    return status == STATUS_OK ? count_event(at, row, FATE_REPEAT, 1) : status;
}

/* What is known of an event before its fate changes.  NOT_FOUND: its month
 * is gone. */
static enum status fate_before(const struct applying *at,
                               const struct record_fate *fate,
                               struct fate_row *row)
{
    enum status status = fate_read(&at->queue->hot, at->txn, fate->event, row);
    struct month *month;

    if (status != STATUS_NOT_FOUND)
        return status;
    month = store_month_of(at->queue, fate->event);
    if (month == NULL)
        return STATUS_NOT_FOUND;
    row->fate = fate->from;
    row->day = fate->day;
    row->month = month->number;
    return names_number(&at->queue->names, fate->kind, &row->kind);
}

static enum status apply_fate(const struct applying *at,
                              const struct record_fate *fate)
{
    struct fate_row row;
    enum queue_fate from;
    int pins;
    enum status status = fate_before(at, fate, &row);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    from = row.fate;
    row.fate = fate->fate;
    pins = (row.fate == FATE_JOINING) - (from == FATE_JOINING);
    if ((status = count_event(at, row, from, -1)) != STATUS_OK ||
        (status = count_event(at, row, row.fate, 1)) != STATUS_OK ||
        (status = fate_write(&at->queue->hot, at->txn, fate->event, &row)) !=
            STATUS_OK)
        return status;
    return pins == 0 ? STATUS_OK
                     : tally_pin(&at->queue->tally, row.month, pins);
}

/* ---- deliveries ------------------------------------------------------- */

static enum status count_delivery(const struct applying *at,
                                  const struct row *row, int64_t add)
{
    struct sum_key key = {'D', china_day(row->made_at_ms), row->month,
                          row->destination, row->interface};

    return tally_sum(&at->queue->tally, key, (int)row->state, add);
}

/* Keep (or let go) the months an unsettled delivery needs. */
static enum status pin_months(const struct applying *at, const struct row *row,
                              int64_t add)
{
    enum status status = STATUS_OK;

    if (!row_unsettled(row))
        return STATUS_OK;
    status = tally_pin(&at->queue->tally, row->month, add);
    for (size_t i = 0; status == STATUS_OK && i < row->pin_count; i++)
        status = tally_pin(&at->queue->tally, row->pins[i], add);
    return status;
}

static void note_pin(const struct applying *at, struct row *row, uint64_t seq)
{
    const struct month *month =
        seq == 0 ? NULL : store_month_of(at->queue, seq);

    if (month != NULL && month->number != row->month)
        (void)row_pin(row, month->number); /* put.c saw that there is room */
}

static void copy_text(char *to, size_t size, struct span from)
{
    size_t len = from.len < size ? from.len : size - 1;

    if (len > 0)
        memcpy(to, from.data, len);
    to[len] = 0;
}

static enum status row_make(const struct applying *at,
                            const struct record_delivery *made, struct row *row)
{
    const uint64_t *events =
        made->events != NULL ? made->events : made->event_list;
    enum status status;

    *row = (struct row){
        .state = made->state,
        .reasoned = made->reason.len > 0,
        .month = at->month,
        .changed_at_ms = made->made_at_ms,
        .facts_seq = at->seq,
        .after = made->after,
        .follows = made->follows,
        .order_key = made->order_key,
        .made_at_ms = made->made_at_ms,
    };
    copy_text(row->number, sizeof row->number, made->number);
    copy_text(row->subject, sizeof row->subject, made->subject);
    for (size_t i = 0; i < made->event_count; i++)
        note_pin(at, row, events[i]);
    note_pin(at, row, made->follows);
    status =
        names_number(&at->queue->names, made->destination, &row->destination);
    if (status == STATUS_OK)
        status =
            names_number(&at->queue->names, made->interface, &row->interface);
    return status;
}

/* Of a live group; what comes from the log is found in the lanes. */
static void note_fresh(const struct applying *at, const struct row *row)
{
    struct queue *queue = at->queue;
    struct group *group = &queue->group;

    if (!group->open || row->lane != LANE_FRESH || group->fresh_until != 0)
        return;
    if (group->fresh_count == FRESH_MAX) {
        group->fresh_until = at->seq;
        return;
    }
    queue->fresh[group->fresh_count++] = (struct queue_fresh){
        at->seq, row->order_key, names_text(&queue->names, row->destination)};
}

static enum status apply_delivery(const struct applying *at,
                                  const struct record_delivery *made)
{
    const struct hot *hot = &at->queue->hot;
    struct tally *tally = &at->queue->tally;
    struct row row;
    enum status status = row_make(at, made, &row);

    if (status != STATUS_OK ||
        (status = lane_enter(hot, at->txn, at->seq, &row, false)) !=
            STATUS_OK ||
        (status = row_add(hot, at->txn, at->seq, &row)) != STATUS_OK ||
        (status = subject_add(hot, at->txn, row.subject, at->seq)) !=
            STATUS_OK ||
        (status = count_delivery(at, &row, 1)) != STATUS_OK ||
        (status = pin_months(at, &row, 1)) != STATUS_OK)
        return status;
    note_fresh(at, &row);
    return tally_range(tally, 'd', china_day(row.made_at_ms), at->seq);
}

/* The row after an outcome; its lane is not yet chosen. */
static void row_change(const struct applying *at,
                       const struct record_outcome *outcome, struct row *row)
{
    row->state = outcome->state;
    row->attempts += outcome->attempts;
    row->rounds += outcome->state == STATE_PARKED;
    row->changed_at_ms = outcome->at_ms;
    row->outcome_seq = at->seq;
    if (outcome->facts.len > 0) {
        row->facts_seq = at->seq;
        note_pin(at, row, at->seq);
    }
}

static enum status change_row(const struct applying *at,
                              const struct record_outcome *outcome,
                              const struct row *before, struct row *after)
{
    const struct hot *hot = &at->queue->hot;
    enum status status = lane_leave(hot, at->txn, outcome->delivery, before);

    row_change(at, outcome, after);
    if (status == STATUS_OK)
        status =
            lane_enter(hot, at->txn, outcome->delivery, after, outcome->replay);
    if (status == STATUS_OK)
        status = row_write(hot, at->txn, outcome->delivery, after);
    return status;
}

static enum status apply_outcome(const struct applying *at,
                                 const struct record_outcome *outcome)
{
    struct row before;
    struct row after;
    enum status status =
        row_read(&at->queue->hot, at->txn, outcome->delivery, &before);

    memcpy(at->standing->head, outcome->hash, QUEUE_DIGEST_SIZE);
    if (status != STATUS_OK) /* of a month that was dropped */
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    after = before;
    if ((status = change_row(at, outcome, &before, &after)) != STATUS_OK ||
        (status = count_delivery(at, &before, -1)) != STATUS_OK ||
        (status = count_delivery(at, &after, 1)) != STATUS_OK ||
        (status = pin_months(at, &before, -1)) != STATUS_OK ||
        (status = pin_months(at, &after, 1)) != STATUS_OK)
        return status;
    return lane_free_followers(&at->queue->hot, at->txn, outcome->delivery,
                               after.state);
}

/* ---- notes ------------------------------------------------------------ */

static bool of_store(struct span key)
{
    const char prefix[] = STORE_SPACE "/";

    return key.len >= sizeof prefix - 1 &&
           memcmp(key.data, prefix, sizeof prefix - 1) == 0;
}

static enum status apply_note(const struct applying *at,
                              const struct record_note *note)
{
    const struct hot *hot = &at->queue->hot;
    MDB_val key = span_value(note->key);
    MDB_val value = {8 + note->value.len, NULL};
    enum status status;

    if (note->value.len == 0)
        return hot_remove(at->txn, hot->notes, note->key);
    status =
        env_status(mdb_put(at->txn, hot->notes, &key, &value, MDB_RESERVE));
    if (status != STATUS_OK)
        return status;
    put_u64(value.mv_data, at->seq);
    memcpy((uint8_t *)value.mv_data + 8, note->value.data, note->value.len);
    return of_store(note->key) ? drop_apply(at, note->value) : STATUS_OK;
}

/* ---- all -------------------------------------------------------------- */

static enum status apply_kind(const struct applying *at,
                              const struct record *record)
{
    switch (record->kind) {
    case RECORD_EVENT:
        return apply_event(at, &record->event);
    case RECORD_DELIVERY:
        return apply_delivery(at, &record->delivery);
    case RECORD_OUTCOME:
        return apply_outcome(at, &record->outcome);
    case RECORD_FATE:
        return apply_fate(at, &record->fate);
    case RECORD_REPEAT:
        return apply_repeat(at, &record->repeat);
    case RECORD_NOTE:
        return apply_note(at, &record->note);
    }
    return STATUS_CORRUPT;
}

enum status apply_record(const struct applying *at, const struct record *record)
{
    enum status status = apply_kind(at, record);

    if (status == STATUS_OK)
        at->standing->indexed = at->seq;
    return status;
}

enum status apply_finish(struct queue *queue, MDB_txn *txn,
                         const struct standing *standing, uint32_t month)
{
    struct month_row row;
    enum status status = hot_names_write(&queue->hot, txn, &queue->names);

    if (status == STATUS_OK)
        status = tally_write(&queue->tally, &queue->hot, txn);
    if (status != STATUS_OK)
        return status;
    status = month_row_read(&queue->hot, txn, month, &row);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    memcpy(row.chain_end, standing->head, QUEUE_DIGEST_SIZE);
    status = month_row_write(&queue->hot, txn, &row);
    if (status == STATUS_OK)
        status = standing_write(&queue->hot, txn, standing);
    return status;
}
