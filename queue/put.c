/*
 * The records of a group: each is checked in full, then appended to the log
 * and applied.
 */
#include "store.h"

#include <assert.h>
#include <string.h>

#include "clock.h"
#include "hash.h"
#include "row.h"

#define HOT_COST 512 /* what a record takes in hot, roughly */
#define PAGE_BYTES 4096

static struct span text(const char *string)
{
    return span_text(string);
}

bool text_fits(const char *string, size_t most)
{
    return string == NULL || strlen(string) <= most;
}

struct span text_cut(struct span from, size_t most)
{
    if (from.len <= most)
        return from;
    from.len = most;
    while (from.len > 0 && (from.data[from.len] & 0xc0) == 0x80)
        from.len--;
    return from;
}

/* Large values have pages of their own; small ones share a page, three
 * quarters full on average. */
static uint64_t cost(size_t len)
{
    return HOT_COST + (len > PAGE_BYTES / 2 ? len + PAGE_BYTES : len + len / 3);
}

static enum status append_and_apply(struct queue *queue, uint64_t seq,
                                    const struct record *record)
{
    struct group *group = &queue->group;
    struct applying at = {queue, group->hot_txn, group->month->number, seq,
                          &group->standing};
    enum status status = month_append(group->month, group->log_txn, seq, record,
                                      bytes_view(&queue->fields));

    if (status == STATUS_OK)
        status = apply_record(&at, record);
    if (status != STATUS_OK)
        group->broken = status;
    return status;
}

enum status put_fields(struct queue *queue, const struct record *record)
{
    assert(queue->group.open);
    if (queue->group.broken != STATUS_OK)
        return queue->group.broken;
    bytes_clear(&queue->fields);
    return record_encode(record, &queue->fields);
}

enum status put_record(struct queue *queue, const struct record *record,
                       uint64_t *seq)
{
    enum status status = put_fields(queue, record);

    return status == STATUS_OK ? put_with_fields(queue, record, seq) : status;
}

enum status put_with_fields(struct queue *queue, const struct record *record,
                            uint64_t *seq)
{
    struct group *group = &queue->group;
    uint64_t next = group->standing.indexed + 1;
    enum status status = append_and_apply(queue, next, record);

    if (status != STATUS_OK)
        return status;
    group->records++;
    group->bytes += cost(record_size(record, queue->fields.len));
    *seq = next;
    return STATUS_OK;
}

/* ---- events ----------------------------------------------------------- */

static struct dedup_key dedup_key_of(const struct queue_event *event)
{
    return (struct dedup_key){text(event->device), text(event->event_id),
                              event->event_at_ms, event->received_at_ms};
}

enum status queue_find_event(struct queue *queue,
                             const struct queue_event *event, uint64_t *known,
                             uint32_t *revision, bool *same_body)
{
    struct dedup_key key = dedup_key_of(event);
    struct dedup_entry entry;
    enum status status;

    assert(queue->group.open);
    *known = 0;
    *revision = 0;
    *same_body = false;
    if (key.event_id.len == 0)
        return STATUS_OK;
    status = dedup_find(queue, queue->group.hot_txn, &key, &entry);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    *known = entry.id;
    *revision = entry.revision;
    *same_body = entry.body_hash == body_hash(event->body);
    return STATUS_OK;
}

static bool event_fits(const struct queue_event *event)
{
    return event->kind != NULL && text_fits(event->kind, NAME_MAX_LEN) &&
           text_fits(event->device, 63) && text_fits(event->topic, 1023) &&
           text_fits(event->event_id, 127) &&
           text_fits(event->reason, REASON_MAX) && event->fate != FATE_REPEAT &&
           event->body.len <= BODY_MAX;
}

static bool no_room(const struct queue *queue, uint64_t more)
{
    return space_full(queue, queue->used_bytes, queue->fs_free_bytes,
                      queue->group.bytes + more);
}

enum status queue_put_event(struct queue *queue, struct queue_event *event)
{
    struct record record = {.kind = RECORD_EVENT};
    uint16_t number;
    enum status status;

    if (!event_fits(event))
        return STATUS_INVALID;
    if (no_room(queue, cost(event->body.len)))
        return STATUS_FULL;
    status = names_number(&queue->names, text(event->kind), &number);
    if (status != STATUS_OK)
        return status == STATUS_FULL ? STATUS_INVALID : status;
    record.event = (struct record_event){
        .kind = text(event->kind),
        .device = text(event->device),
        .topic = text(event->topic),
        .event_id = text(event->event_id),
        .reason = text(event->reason),
        .event_at_ms = event->event_at_ms,
        .received_at_ms = event->received_at_ms,
        .revision = event->revision,
        .fate = event->fate,
        .body_len = event->body.len,
        .body_hash = body_hash(event->body),
        .body = event->body,
    };
    status = put_record(queue, &record, &event->id);
    if (status == STATUS_OK)
        queue->group.event_taken = true;
    return status;
}

enum status queue_put_repeat(struct queue *queue, const char *kind,
                             int64_t received_at_ms)
{
    struct record record = {
        .kind = RECORD_REPEAT,
        .repeat = {text(kind), received_at_ms},
    };
    uint16_t number;
    uint64_t seq;
    enum status status;

    if (!text_fits(kind, NAME_MAX_LEN))
        return STATUS_INVALID;
    status = names_number(&queue->names, text(kind), &number);
    if (status != STATUS_OK)
        return status == STATUS_FULL ? STATUS_INVALID : status;
    return put_record(queue, &record, &seq);
}

/* The event's fate, kind and day as they stand; of one that was never joining
 * its own record tells. */
static enum status fate_from_log(struct queue *queue, uint64_t event,
                                 struct record_fate *fate)
{
    struct look look;
    struct record record;
    uint16_t kind = 0;
    enum status status = look_start(&look, queue);

    if (status != STATUS_OK)
        return status;
    status = look_record(&look, event, &record);
    if (status == STATUS_OK && record.kind != RECORD_EVENT)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        fate->from = record.event.fate;
        fate->day = china_day(record.event.received_at_ms);
        status = names_number(&queue->names, record.event.kind, &kind);
        fate->kind = text(names_text(&queue->names, kind));
    }
    look_end(&look);
    return status;
}

enum status queue_put_fate(struct queue *queue, uint64_t event,
                           enum queue_fate fate)
{
    struct record record = {.kind = RECORD_FATE,
                            .fate = {.event = event, .fate = fate}};
    struct fate_row row;
    uint64_t seq;
    enum status status;

    assert(queue->group.open);
    if (fate == FATE_REPEAT)
        return STATUS_INVALID;
    if (store_month_of(queue, event) == NULL)
        return STATUS_NOT_FOUND;
    status = fate_read(&queue->hot, queue->group.hot_txn, event, &row);
    if (status == STATUS_OK) {
        record.fate.from = row.fate;
        record.fate.day = row.day;
        record.fate.kind = text(names_text(&queue->names, row.kind));
    } else if (status == STATUS_NOT_FOUND) {
        status = fate_from_log(queue, event, &record.fate);
    }
    if (status != STATUS_OK || record.fate.from == fate)
        return status;
    return put_record(queue, &record, &seq);
}

/* ---- deliveries ------------------------------------------------------- */

static bool delivery_fits(const struct queue_delivery_new *made)
{
    return made->destination != NULL && made->interface != NULL &&
           text_fits(made->destination, NAME_MAX_LEN) &&
           text_fits(made->interface, NAME_MAX_LEN) &&
           text_fits(made->number, 127) && text_fits(made->subject, 63) &&
           made->event_count <= RECORD_EVENTS_MAX &&
           made->facts.len <= BODY_MAX &&
           (made->state == STATE_WAITING || made->state == STATE_HELD ||
            made->state == STATE_REJECTED);
}

/* It is made of what exists, out of no more months than a row can name. */
static bool sources_exist(const struct queue *queue,
                          const struct queue_delivery_new *made)
{
    uint64_t newest = queue->group.standing.indexed;
    struct row row = {.month = queue->group.month->number};
    const struct month *month;

    if (made->follows > newest)
        return false;
    for (size_t i = 0; i < made->event_count; i++) {
        if (made->events[i] == 0 || made->events[i] > newest)
            return false;
        month = store_month_of(queue, made->events[i]);
        if (month != NULL && !row_pin(&row, month->number))
            return false;
    }
    return row.pin_count + 2 <= ROW_PINS_MAX; /* follows, later facts */
}

static enum status intern(struct queue *queue,
                          const struct queue_delivery_new *made)
{
    uint16_t number;
    enum status status =
        names_number(&queue->names, text(made->destination), &number);

    if (status == STATUS_OK)
        status = names_number(&queue->names, text(made->interface), &number);
    return status == STATUS_FULL ? STATUS_INVALID : status;
}

static uint64_t order_hash(const char *order_key)
{
    if (order_key == NULL || order_key[0] == 0)
        return 0;
    return hash_span(0, text(order_key)) | 1; /* never 0: that is none */
}

enum status queue_put_delivery(struct queue *queue,
                               const struct queue_delivery_new *made,
                               uint64_t *id)
{
    struct record record = {.kind = RECORD_DELIVERY};
    enum status status;

    assert(queue->group.open);
    if (!delivery_fits(made) || !sources_exist(queue, made))
        return STATUS_INVALID;
    if (!queue->group.event_taken && no_room(queue, cost(made->facts.len)))
        return STATUS_FULL;
    if ((status = intern(queue, made)) != STATUS_OK)
        return status;
    record.delivery.destination = text(made->destination);
    record.delivery.interface = text(made->interface);
    record.delivery.reason = text_cut(text(made->reason), REASON_MAX);
    record.delivery.number = text(made->number);
    record.delivery.subject = text(made->subject);
    record.delivery.state = made->state;
    record.delivery.order_key = order_hash(made->order_key);
    record.delivery.follows = made->follows;
    record.delivery.after = made->after;
    record.delivery.made_at_ms = made->made_at_ms;
    record.delivery.events = made->events;
    record.delivery.event_count = made->event_count;
    record.delivery.facts = made->facts;
    return put_record(queue, &record, id);
}

/* ---- notes ------------------------------------------------------------ */

enum status put_note(struct queue *queue, struct span key, struct span value)
{
    struct record record = {.kind = RECORD_NOTE, .note = {key, value}};
    uint64_t seq;

    return put_record(queue, &record, &seq);
}

enum status queue_put_note(struct queue *queue, const char *space,
                           struct span key, struct span value)
{
    uint8_t whole[NOTE_KEY_MAX];
    size_t space_len = strlen(space);

    if (space_len == 0 || space_len + 1 + key.len > sizeof whole ||
        value.len > BODY_MAX || strcmp(space, STORE_SPACE) == 0)
        return STATUS_INVALID;
    memcpy(whole, space, space_len);
    whole[space_len] = '/';
    if (key.len > 0)
        memcpy(whole + space_len + 1, key.data, key.len);
    return put_note(queue, span_of(whole, space_len + 1 + key.len), value);
}
