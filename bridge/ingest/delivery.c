#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notes.h"

enum status delivery_target(const struct config *config, const char *name,
                            struct target *target)
{
    for (unsigned i = 0; i < config->destination_count; i++) {
        const struct destination_config *destination = &config->destinations[i];

        if (strcmp(destination->name, name) != 0 || !destination->enabled)
            continue;
        target->destination = destination;
        target->platform = platform_find(destination->platform);
        return target->platform != NULL ? STATUS_OK : STATUS_NOT_FOUND;
    }
    return STATUS_NOT_FOUND;
}

/* ---- numbers ------------------------------------------------------------ */

/* Which numbers a make asked about: only a platform that asks needs them
 * remembered. */
struct asking {
    struct queue *queue;
    const char *destination;
    bool asked;
};

static void number_key(const char *destination, const char *number,
                       char key[static 256])
{
    snprintf(key, 256, "%.63s/%.127s", destination, number);
}

static bool number_taken(void *self, const char *number)
{
    struct asking *asking = self;
    char key[256];
    char when[32];

    asking->asked = true;
    number_key(asking->destination, number, key);
    return note_read_text(asking->queue, "number", key, when, sizeof(when)) ==
           STATUS_OK;
}

static enum status next_serial(struct queue *queue, const char *destination,
                               uint64_t *serial)
{
    char text[32] = "0";
    enum status status =
        note_read_text(queue, "serial", destination, text, sizeof(text));

    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *serial = strtoull(text, NULL, 10) + 1;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)*serial);
    return note_put_text(queue, "serial", destination, text);
}

/* ---- making ------------------------------------------------------------- */

/* A make that cannot judge the record: it is kept as it is, rejected. */
static enum status made_of_failure(const json_t *record, enum status why,
                                   struct made *made)
{
    char *text = json_dumps(record, JSON_COMPACT);
    enum status status =
        text == NULL ? STATUS_NOMEM : bytes_append_text(&made->facts, text);

    free(text);
    made->state = MADE_IMPOSSIBLE;
    snprintf(made->reason, sizeof(made->reason),
             "the record cannot be made: %s", status_text(why));
    return status;
}

static enum status make(struct queue *queue, const struct order *order,
                        int64_t now_ms, struct made *made)
{
    const char *name = order->target.destination->name;
    struct asking asking = {queue, name, false};
    struct making making = {now_ms, order->serial, number_taken, &asking};
    enum status status = STATUS_OK;
    char key[256];
    char when[32];

    if (making.serial == 0)
        status = next_serial(queue, name, &making.serial);
    if (status != STATUS_OK)
        return status;
    status = order->target.platform->make(order->target.destination,
                                          order->interface, order->record,
                                          &making, made);
    if (status != STATUS_OK && status != STATUS_NOMEM)
        status = made_of_failure(order->record, status, made);
    if (status != STATUS_OK || !asking.asked || made->number[0] == 0)
        return status;
    number_key(name, made->number, key);
    snprintf(when, sizeof(when), "%lld", (long long)now_ms);
    return note_put_text(queue, "number", key, when);
}

static enum queue_state state_of(const struct made *made)
{
    if (made->state == MADE_HELD)
        return STATE_HELD;
    return made->state == MADE_READY ? STATE_WAITING : STATE_REJECTED;
}

/* Room for what ingest knows behind what the platform misses. */
static void add_why(struct made *made, const char *why)
{
    size_t len = strlen(made->reason);

    if (made->state == MADE_HELD && *why != 0)
        snprintf(made->reason + len, sizeof(made->reason) - len, "; %s", why);
}

/* The delivery to stay behind. */
static enum status find_place(struct queue *queue, const struct order *order,
                              struct queue_delivery_new *fresh)
{
    struct queue_delivery before;
    char key[160];
    char id[32];
    enum status status;

    if (order->interface->order == ORDER_AFTER_DELIVERED) {
        fresh->follows = order->follows;
        fresh->after = AFTER_DELIVERED;
    }
    if (order->interface->order != ORDER_AFTER_SETTLED)
        return STATUS_OK;
    snprintf(key, sizeof(key), "%s/%s", fresh->destination, fresh->interface);
    status = note_read_text(queue, "chain", key, id, sizeof(id));
    if (status == STATUS_OK) {
        fresh->follows = strtoull(id, NULL, 10);
        status = queue_delivery_read(queue, fresh->follows, &before);
    }
    if (status == STATUS_NOT_FOUND) /* the first, or its month is gone */
        fresh->follows = 0;
    fresh->after = AFTER_SETTLED;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status chain(struct queue *queue, const struct order *order,
                         uint64_t id)
{
    char key[160];
    char text[32];

    if (order->interface->order != ORDER_AFTER_SETTLED)
        return STATUS_OK;
    snprintf(key, sizeof(key), "%s/%s", order->target.destination->name,
             order->interface->name);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
    return note_put_text(queue, "chain", key, text);
}

enum status delivery_make(struct queue *queue, const struct order *order,
                          int64_t now_ms, struct delivered *delivered)
{
    struct made made = {0};
    struct queue_delivery_new fresh;
    enum status status = make(queue, order, now_ms, &made);

    if (status != STATUS_OK)
        goto out;
    add_why(&made, order->why);
    fresh = (struct queue_delivery_new){
        .destination = order->target.destination->name,
        .interface = order->interface->name,
        .state = state_of(&made),
        .reason = made.state == MADE_READY ? "" : made.reason,
        .number = made.number,
        .subject = made.subject,
        .order_key = order->interface->order == ORDER_KEY ? made.order_key : "",
        .events = order->events,
        .event_count = order->event_count < 256 ? order->event_count : 256,
        .facts = bytes_view(&made.facts),
        .made_at_ms = now_ms,
    };
    if ((status = find_place(queue, order, &fresh)) != STATUS_OK)
        goto out;
    if ((status = queue_put_delivery(queue, &fresh, &delivered->id)) !=
        STATUS_OK)
        goto out;
    delivered->state = fresh.state;
    snprintf(delivered->number, sizeof(delivered->number), "%s", made.number);
    status = chain(queue, order, delivered->id);
out:
    made_free(&made);
    return status;
}

/* ---- completing --------------------------------------------------------- */

/* The facts with the fields laid over them. */
static enum status merge(struct queue *queue, uint64_t id, const json_t *fields,
                         json_t **merged)
{
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t event_count = 256;
    enum status status =
        queue_facts_read(queue, id, &facts, events, &event_count);

    if (status == STATUS_OK) {
        *merged = json_loadb(bytes_text(&facts), facts.len, 0, NULL);
        if (!json_is_object(*merged))
            status = STATUS_CORRUPT;
        else if (json_object_update(*merged, (json_t *)fields) != 0)
            status = STATUS_NOMEM;
    }
    bytes_free(&facts);
    return status;
}

static enum status find_interface(const struct config *config,
                                  const struct queue_delivery *delivery,
                                  struct order *order)
{
    enum status status =
        delivery_target(config, delivery->destination, &order->target);

    if (status != STATUS_OK)
        return status;
    order->interface =
        platform_interface(order->target.platform, delivery->interface);
    return order->interface != NULL ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status put_completed(struct queue *queue,
                                 const struct queue_delivery *delivery,
                                 const struct completion *completion,
                                 const struct made *made, struct bytes *words)
{
    enum queue_state state = state_of(made);
    struct queue_outcome outcome = {
        .delivery = delivery->id,
        .state = state,
        .cause = completion->cause,
        .at_ms = completion->now_ms,
        .actor = completion->actor,
        .verb = "complete",
        .reason = state == STATE_WAITING ? "" : made->reason,
        .facts = bytes_view(&made->facts),
    };
    enum status status;

    if (state == STATE_REJECTED) {
        /* An impossible fact does not get in: the delivery stays as it is. */
        status = bytes_append_text(words, made->reason);
        return status == STATUS_OK ? STATUS_INVALID : status;
    }
    status = queue_put_outcome(queue, &outcome);
    if (status != STATUS_OK || state == STATE_WAITING)
        return status;
    status = bytes_append_text(words, made->reason);
    return status == STATUS_OK ? STATUS_MISSING : status;
}

/* Say why not. */
static enum status refuse(struct bytes *words, enum status why,
                          const char *text)
{
    enum status status = bytes_append_text(words, text);

    return status == STATUS_OK ? why : status;
}

enum status delivery_complete(struct queue *queue, const struct config *config,
                              uint64_t id, struct completion *completion,
                              struct bytes *words)
{
    struct queue_delivery delivery;
    struct order order = {.why = ""};
    struct made made = {0};
    json_t *merged = NULL;
    enum status status = queue_delivery_read(queue, id, &delivery);

    if (status != STATUS_OK)
        return status;
    if (delivery.state != STATE_HELD && delivery.state != STATE_REJECTED)
        return refuse(words, STATUS_DENIED,
                      "only what is held or rejected can be completed");
    if (!json_is_object(completion->fields))
        return refuse(words, STATUS_INVALID, "the fields are not an object");
    if (find_interface(config, &delivery, &order) != STATUS_OK)
        return refuse(words, STATUS_DENIED,
                      "its destination is not in the settings any more");
    status = merge(queue, id, completion->fields, &merged);
    if (status != STATUS_OK)
        goto out;
    order.record = merged;
    if ((status = make(queue, &order, completion->now_ms, &made)) != STATUS_OK)
        goto out;
    snprintf(completion->number, sizeof(completion->number), "%s", made.number);
    status = put_completed(queue, &delivery, completion, &made, words);
out:
    json_decref(merged);
    made_free(&made);
    return status;
}

enum status delivery_check(struct queue *queue, const struct config *config,
                           uint64_t id, int64_t now_ms, struct bytes *words)
{
    struct queue_delivery delivery;
    struct order order = {.why = ""};
    struct made made = {0};
    json_t *nothing = json_object();
    json_t *merged = NULL;
    enum status status = queue_delivery_read(queue, id, &delivery);

    if (status != STATUS_OK || delivery.state != STATE_HELD ||
        find_interface(config, &delivery, &order) != STATUS_OK)
        goto out;
    if ((status = merge(queue, id, nothing, &merged)) != STATUS_OK)
        goto out;
    order.record = merged;
    if ((status = make(queue, &order, now_ms, &made)) != STATUS_OK)
        goto out;
    if (made.state != MADE_READY)
        status = refuse(
            words, made.state == MADE_HELD ? STATUS_MISSING : STATUS_INVALID,
            made.reason);
out:
    json_decref(nothing);
    json_decref(merged);
    made_free(&made);
    return status;
}
