#include "outgoing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "late.h"

void outgoing_records_free(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        json_decref(records->all[i].record);
    records->count = 0;
}

static enum status describe(struct queue *queue, const struct passage *passage,
                            const struct lane_config *lane,
                            char why[static 256], json_t **json)
{
    struct vehicle vehicle;
    enum status status = STATUS_NOT_FOUND;

    if (passage->plate[0] != 0)
        status = ledger_find(queue, passage->plate, passage->color, &vehicle);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *json = passage_describe(passage, lane,
                             status == STATUS_OK ? &vehicle : NULL, why);
    return *json != NULL ? STATUS_OK : STATUS_NOMEM;
}

enum status outgoing_records(struct queue *queue, const struct target *target,
                             const struct lane_config *lane,
                             const struct passage *passage,
                             struct records *records)
{
    json_t *json = NULL;
    enum status status;

    records->count = 0;
    status = describe(queue, passage, lane, records->why, &json);
    if (status == STATUS_OK)
        status = target->platform->passage(target->destination, json,
                                           records->all, &records->count);
    json_decref(json);
    return status;
}

/* ---- making ------------------------------------------------------------- */

enum status outgoing_name_followed(const struct passage_record *record,
                                   const struct delivered *before)
{
    if (record->follows < 0)
        return STATUS_OK;
    return json_object_set_new(record->record, "$number_of_followed",
                               json_string(before[record->follows].number)) == 0
               ? STATUS_OK
               : STATUS_NOMEM;
}

enum status outgoing_make(struct joining *joining, const struct target *target,
                          const struct passage *passage,
                          const struct place *place,
                          struct delivered *delivered)
{
    const struct passage_record *record = &place->records->all[place->index];
    struct order order = {
        .target = *target,
        .interface = record->interface,
        .record = record->record,
        .events = passage->events,
        .event_count = passage->event_count,
        .why = place->records->why,
    };

    if (record->follows >= 0)
        order.follows = place->before[record->follows].id;
    if (outgoing_name_followed(record, place->before) != STATUS_OK)
        return STATUS_NOMEM;
    joining->deliveries++;
    return delivery_make(joining->queue, &order, joining->now_ms, delivered);
}

enum status outgoing_note(struct sent *sent, const struct target *target,
                          const struct interface *interface, size_t index,
                          uint64_t id)
{
    json_t *row = json_pack("{sIsssssI}", "d", (json_int_t)id, "to",
                            target->destination->name, "i", interface->name,
                            "r", (json_int_t)index);

    return json_array_append_new(sent->made, row) == 0 ? STATUS_OK
                                                       : STATUS_NOMEM;
}

static enum status send_to(struct joining *joining, const struct target *target,
                           struct sent *sent)
{
    struct delivered delivered[PASSAGE_RECORDS_MAX] = {0};
    struct records records;
    enum status status;

    status = outgoing_records(joining->queue, target, sent->lane,
                              &sent->passage, &records);
    for (size_t i = 0; i < records.count && status == STATUS_OK; i++) {
        struct place place = {&records, i, delivered};

        status = outgoing_make(joining, target, &sent->passage, &place,
                               &delivered[i]);
        if (status == STATUS_OK)
            status = outgoing_note(sent, target, records.all[i].interface, i,
                                   delivered[i].id);
        sent->waits |= delivered[i].state != STATE_WAITING;
    }
    outgoing_records_free(&records);
    return status;
}

enum status outgoing_settle(struct joining *joining,
                            const struct passage *passage, bool used)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < passage->event_count && status == STATUS_OK; i++)
        status = joining_settle(joining, passage->events[i],
                                used ? FATE_USED : FATE_UNROUTED);
    return status;
}

bool outgoing_target(const struct config *config,
                     const struct lane_config *lane, unsigned *at,
                     struct target *target)
{
    while (*at < lane->destination_count)
        if (delivery_target(config, lane->destinations[(*at)++], target) ==
                STATUS_OK &&
            target->platform->passage != NULL)
            return true;
    return false;
}

enum status outgoing_send(struct joining *joining,
                          const struct lane_config *lane,
                          const struct passage *passage)
{
    struct sent sent = {.lane = lane, .passage = *passage};
    enum status status = STATUS_OK;
    struct target target;
    unsigned at = 0;
    bool made;

    if ((sent.made = json_array()) == NULL)
        return STATUS_NOMEM;
    while (status == STATUS_OK &&
           outgoing_target(joining->config, lane, &at, &target))
        status = send_to(joining, &target, &sent);
    made = json_array_size(sent.made) > 0;
    sent.waits |= !passage_has_pictures(passage, lane);
    if (status == STATUS_OK && made && sent.waits)
        status = late_keep(joining->queue, &sent);
    if (status == STATUS_OK)
        status = outgoing_settle(joining, passage, made);
    json_decref(sent.made);
    return status;
}
