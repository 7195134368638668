/*
 * Reading by id: deliveries, facts, events, notes.
 */
#include "store.h"

#include <string.h>

#include "bits.h"
#include "row.h"

#define LOST_REASON "(the record of it is damaged or gone)"

/* ---- deliveries ------------------------------------------------------- */

/* How far a lane was read that gave count of most ids. */
static enum status read_until(const struct look *look, const uint64_t *ids,
                              size_t count, size_t most, uint64_t *until)
{
    struct standing standing;
    enum status status;

    if (count > 0 && count == most) {
        *until = ids[count - 1];
        return STATUS_OK;
    }
    status = standing_read(&look->queue->hot, look->hot, &standing);
    *until = standing.indexed;
    return status;
}

enum status queue_lane_read(struct queue *queue, const char *destination,
                            enum queue_lane lane, uint64_t after, uint64_t *ids,
                            size_t *count, uint64_t *until)
{
    struct look look;
    size_t most = *count;
    uint16_t number;
    enum status status = look_start(&look, queue);

    *count = 0;
    if (status != STATUS_OK)
        return status;
    if (after < UINT64_MAX &&
        names_find(&queue->names, span_text(destination), &number) ==
            STATUS_OK) { /* else nothing was ever made for it */
        *count = most;
        status =
            lane_ids(&queue->hot, look.hot, number, lane, after, ids, count);
    }
    if (status == STATUS_OK)
        status = read_until(&look, ids, *count, most, until);
    look_end(&look);
    return status;
}

static void copy_text(char *to, size_t size, struct span from)
{
    size_t len = from.len < size ? from.len : size - 1;

    if (len > 0)
        memcpy(to, from.data, len);
    to[len] = 0;
}

/* The words of the present state, from the record that brought it about. */
static enum status read_reason(struct look *look, uint64_t id,
                               const struct row *row, char reason[static 512])
{
    uint64_t seq = row->outcome_seq != 0 ? row->outcome_seq
                   : row->reasoned       ? id
                                         : 0;
    struct record record;
    enum status status;

    reason[0] = 0;
    if (seq == 0)
        return STATUS_OK;
    status = look_record(look, seq, &record);
    if (status == STATUS_OK && record.kind == RECORD_OUTCOME)
        copy_text(reason, 512, record.outcome.reason);
    else if (status == STATUS_OK && record.kind == RECORD_DELIVERY)
        copy_text(reason, 512, record.delivery.reason);
    else if (status == STATUS_CORRUPT || status == STATUS_NOT_FOUND)
        copy_text(reason, 512, span_text(LOST_REASON));
    else
        return status;
    return STATUS_OK;
}

enum status look_delivery(struct look *look, uint64_t id, const struct row *row,
                          struct queue_delivery *delivery)
{
    const struct names *names = &look->queue->names;

    delivery->id = id;
    delivery->state = row->state;
    delivery->lane =
        row->lane == ROW_LANE_NONE ? LANE_FRESH : (enum queue_lane)row->lane;
    copy_text(delivery->destination, sizeof delivery->destination,
              span_text(names_text(names, row->destination)));
    copy_text(delivery->interface, sizeof delivery->interface,
              span_text(names_text(names, row->interface)));
    memcpy(delivery->number, row->number, sizeof delivery->number);
    memcpy(delivery->subject, row->subject, sizeof delivery->subject);
    delivery->order_key = row->order_key;
    delivery->follows = row->follows;
    delivery->made_at_ms = row->made_at_ms;
    delivery->changed_at_ms = row->changed_at_ms;
    delivery->attempts = row->attempts;
    delivery->rounds = row->rounds;
    return read_reason(look, id, row, delivery->reason);
}

enum status queue_delivery_read(struct queue *queue, uint64_t id,
                                struct queue_delivery *delivery)
{
    struct look look;
    struct row row;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = row_read(&queue->hot, look.hot, id, &row);
    if (status == STATUS_OK)
        status = look_delivery(&look, id, &row, delivery);
    look_end(&look);
    store_moved(queue, 0);
    return status;
}

/* The record that made it, in a lane or not yet. */
static enum status read_made(struct look *look, uint64_t id,
                             struct record *record)
{
    enum status status = look_record(look, id, record);

    return status == STATUS_OK && record->kind != RECORD_DELIVERY
               ? STATUS_CORRUPT
               : status;
}

static enum status read_events(struct look *look, uint64_t id,
                               uint64_t events[static RECORD_EVENTS_MAX],
                               size_t *event_count, struct record *record)
{
    enum status status = read_made(look, id, record);

    if (status != STATUS_OK)
        return status;
    *event_count = record->delivery.event_count;
    memcpy(events, record->delivery.event_list, *event_count * sizeof *events);
    return STATUS_OK;
}

static enum status copy_facts(struct look *look, const struct row *row,
                              struct record *record, struct bytes *facts)
{
    enum status status = STATUS_OK;

    if (record->kind == RECORD_DELIVERY && row->outcome_seq == 0)
        return bytes_copy(facts, record->delivery.facts);
    status = look_record(look, row->facts_seq, record);
    if (status != STATUS_OK)
        return status;
    if (record->kind == RECORD_DELIVERY)
        return bytes_copy(facts, record->delivery.facts);
    if (record->kind == RECORD_OUTCOME)
        return bytes_copy(facts, record->outcome.facts);
    return STATUS_CORRUPT;
}

static enum status read_facts(struct look *look, uint64_t id,
                              const struct row *row, struct bytes *facts)
{
    struct record record;
    enum status status = read_made(look, id, &record);

    return status == STATUS_OK ? copy_facts(look, row, &record, facts) : status;
}

enum status queue_facts_read(struct queue *queue, uint64_t id,
                             struct bytes *facts,
                             uint64_t events[static RECORD_EVENTS_MAX],
                             size_t *event_count)
{
    struct look look;
    struct row row;
    struct record record;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = row_read(&queue->hot, look.hot, id, &row);
    if (status == STATUS_OK)
        status = read_events(&look, id, events, event_count, &record);
    if (status == STATUS_OK)
        status = copy_facts(&look, &row, &record, facts);
    look_end(&look);
    store_moved(queue, 0);
    return status;
}

/* As the log has it.  Only queue_borrow_made told of it: it is fresh. */
static enum status load_made(struct look *look, uint64_t id,
                             struct queue_delivery *delivery,
                             struct bytes *facts)
{
    struct record record;
    const struct record_delivery *made = &record.delivery;
    enum status status = look_record(look, id, &record);

    if (status == STATUS_OK && record.kind != RECORD_DELIVERY)
        status = STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        return status;
    *delivery = (struct queue_delivery){
        .id = id,
        .state = made->state,
        .lane = LANE_FRESH,
        .order_key = made->order_key,
        .follows = made->follows,
        .made_at_ms = made->made_at_ms,
        .changed_at_ms = made->made_at_ms,
    };
    copy_text(delivery->destination, sizeof delivery->destination,
              made->destination);
    copy_text(delivery->interface, sizeof delivery->interface, made->interface);
    copy_text(delivery->number, sizeof delivery->number, made->number);
    copy_text(delivery->subject, sizeof delivery->subject, made->subject);
    copy_text(delivery->reason, sizeof delivery->reason, made->reason);
    return bytes_copy(facts, made->facts);
}

enum status queue_delivery_load(struct queue *queue, uint64_t id,
                                struct queue_delivery *delivery,
                                struct bytes *facts, enum status *facts_status)
{
    struct look look;
    struct row row;
    enum status status = look_start(&look, queue);

    *facts_status = STATUS_OK;
    if (status != STATUS_OK)
        return status;
    status = row_read(&queue->hot, look.hot, id, &row);
    if (status == STATUS_NOT_FOUND) {
        status = load_made(&look, id, delivery, facts);
    } else if (status == STATUS_OK) {
        status = look_delivery(&look, id, &row, delivery);
        *facts_status = read_facts(&look, id, &row, facts);
    }
    look_end(&look);
    store_moved(queue, 0);
    return status;
}

/* ---- events ----------------------------------------------------------- */

enum status look_fate(struct look *look, uint64_t event, enum queue_fate *fate)
{
    struct fate_row row;
    enum status status = fate_read(&look->queue->hot, look->hot, event, &row);

    if (status == STATUS_OK)
        *fate = row.fate;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Room for it was reserved: the text stays where it is put. */
const char *keep_text(struct bytes *buffer, struct span text)
{
    char *at = (char *)buffer->data + buffer->len;

    if (text.len > 0)
        memcpy(at, text.data, text.len);
    at[text.len] = 0;
    buffer->len += text.len + 1;
    return at;
}

enum status event_copy(const struct record_event *record, uint64_t id,
                       struct bytes *buffer, struct queue_event *event)
{
    enum status status;

    bytes_clear(buffer);
    status =
        bytes_reserve(buffer, record->kind.len + record->device.len +
                                  record->topic.len + record->event_id.len +
                                  record->reason.len + 5 + record->body.len);
    if (status != STATUS_OK)
        return status;
    *event = (struct queue_event){
        .id = id,
        .kind = keep_text(buffer, record->kind),
        .device = keep_text(buffer, record->device),
        .topic = keep_text(buffer, record->topic),
        .event_id = keep_text(buffer, record->event_id),
        .event_at_ms = record->event_at_ms,
        .received_at_ms = record->received_at_ms,
        .revision = record->revision,
        .fate = record->fate,
        .reason = keep_text(buffer, record->reason),
    };
    event->body = span_of(buffer->data + buffer->len, record->body.len);
    return bytes_append(buffer, record->body);
}

static enum status read_event(struct look *look, uint64_t id,
                              struct record *record)
{
    enum status status = look_record(look, id, record);

    return status == STATUS_OK &&
                   (record->kind != RECORD_EVENT || record->event.shed)
               ? STATUS_NOT_FOUND
               : status;
}

enum status queue_body_read(struct queue *queue, uint64_t id,
                            struct bytes *body)
{
    struct look look;
    struct record record;
    enum status status;

    look_start_log(&look, queue);
    status = read_event(&look, id, &record);
    if (status == STATUS_OK)
        status = bytes_copy(body, record.event.body);
    look_end(&look);
    store_moved(queue, 0);
    return status;
}

enum status queue_event_read(struct queue *queue, uint64_t id,
                             struct queue_event *event, struct bytes *buffer)
{
    struct look look;
    struct record record;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = read_event(&look, id, &record);
    if (status == STATUS_OK)
        status = event_copy(&record.event, id, buffer, event);
    if (status == STATUS_OK)
        status = look_fate(&look, id, &event->fate);
    look_end(&look);
    store_moved(queue, 0);
    return status;
}

/* ---- notes ------------------------------------------------------------ */

enum status queue_note_read(struct queue *queue, const char *space,
                            struct span key, struct bytes *value)
{
    struct look look;
    struct bytes whole = BYTES_EMPTY;
    struct span found;
    enum status status = bytes_print(&whole, "%s/", space);

    if (status == STATUS_OK)
        status = bytes_append(&whole, key);
    if (status == STATUS_OK && whole.len > NOTE_KEY_MAX)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK &&
        (status = look_start(&look, queue)) == STATUS_OK) {
        status =
            hot_get(look.hot, queue->hot.notes, bytes_view(&whole), &found);
        if (status == STATUS_OK && found.len < 8)
            status = STATUS_CORRUPT;
        if (status == STATUS_OK)
            status = bytes_copy(value, span_of(found.data + 8, found.len - 8));
        look_end(&look);
    }
    bytes_free(&whole);
    return status;
}
