#include "outgoing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "delivery.h"
#include "notes.h"

/* The records that a passage makes for one destination. */
struct records {
    struct passage_record all[PASSAGE_RECORDS_MAX];
    size_t count;
    char why[256]; /* why the cargo weight is not known */
};

/* The deliveries of a passage that went out, as they stand in its note. */
struct sent {
    const struct lane_config *lane;
    struct passage passage;
    json_t *made; /* [{"d": id, "to": destination, "i": interface, "r": n}] */
    bool waits;   /* for a fact that may still come */
};

static void records_free(struct records *records)
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

static enum status records_of(struct queue *queue, const struct target *target,
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

/* A record learns the number of the one it follows. */
static enum status name_followed(const struct passage_record *record,
                                 const struct delivered *before)
{
    if (record->follows < 0)
        return STATUS_OK;
    return json_object_set_new(record->record, "$number_of_followed",
                               json_string(before[record->follows].number)) == 0
               ? STATUS_OK
               : STATUS_NOMEM;
}

/* A record, and the deliveries made of the records before it. */
struct place {
    const struct records *records;
    size_t index;
    const struct delivered *before; /* one each */
};

static enum status make_one(struct joining *joining,
                            const struct target *target,
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
    if (name_followed(record, place->before) != STATUS_OK)
        return STATUS_NOMEM;
    joining->deliveries++;
    return delivery_make(joining->queue, &order, joining->now_ms, delivered);
}

static enum status note_made(struct sent *sent, const struct target *target,
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

    status = records_of(joining->queue, target, sent->lane, &sent->passage,
                        &records);
    for (size_t i = 0; i < records.count && status == STATUS_OK; i++) {
        struct place place = {&records, i, delivered};

        status =
            make_one(joining, target, &sent->passage, &place, &delivered[i]);
        if (status == STATUS_OK)
            status = note_made(sent, target, records.all[i].interface, i,
                               delivered[i].id);
        sent->waits |= delivered[i].state != STATE_WAITING;
    }
    records_free(&records);
    return status;
}

/* ---- the note of what was held ------------------------------------------ */

static void late_space(const struct lane_config *lane, uint32_t day,
                       char space[static 96])
{
    snprintf(space, 96, "late-%.63s-%u", lane->name, day);
}

static void late_key(const struct passage *passage, char key[static 32])
{
    snprintf(key, 32, "%020llu",
             (unsigned long long)(passage->event_count > 0 ? passage->events[0]
                                                           : 0));
}

static enum status put_late(struct queue *queue, const struct sent *sent,
                            uint32_t day, const char *key)
{
    char space[96];
    json_t *json;
    enum status status;

    late_space(sent->lane, day, space);
    if (!sent->waits)
        return note_put_json(queue, space, key, NULL);
    json = json_pack("{sosO}", "passage", passage_to_json(&sent->passage),
                     "made", sent->made);
    status =
        json == NULL ? STATUS_NOMEM : note_put_json(queue, space, key, json);
    json_decref(json);
    return status;
}

static enum status settle_events(struct joining *joining,
                                 const struct passage *passage, bool used)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < passage->event_count && status == STATUS_OK; i++)
        status = joining_settle(joining, passage->events[i],
                                used ? FATE_USED : FATE_UNROUTED);
    return status;
}

enum status outgoing_send(struct joining *joining,
                          const struct lane_config *lane,
                          const struct passage *passage)
{
    struct sent sent = {.lane = lane, .passage = *passage};
    enum status status = STATUS_OK;
    struct target target;
    char key[32];

    if ((sent.made = json_array()) == NULL)
        return STATUS_NOMEM;
    for (unsigned i = 0; i < lane->destination_count; i++) {
        if (delivery_target(joining->config, lane->destinations[i], &target) !=
                STATUS_OK ||
            target.platform->passage == NULL)
            continue;
        if ((status = send_to(joining, &target, &sent)) != STATUS_OK)
            goto out;
    }
    sent.waits |= !passage_has_pictures(passage, lane);
    sent.waits &= json_array_size(sent.made) > 0;
    late_key(passage, key);
    if (sent.waits)
        status =
            put_late(joining->queue, &sent, china_day(passage->at_ms), key);
    if (status == STATUS_OK)
        status =
            settle_events(joining, passage, json_array_size(sent.made) > 0);
out:
    json_decref(sent.made);
    return status;
}

/* ---- what comes late ---------------------------------------------------- */

/* The delivery that was made of record n for the destination; 0: none. */
static uint64_t made_of(const struct sent *sent, const struct target *target,
                        const struct passage_record *record, size_t n)
{
    const json_t *row;
    size_t i;

    json_array_foreach(sent->made, i, row)
    {
        const char *to = json_string_value(json_object_get(row, "to"));
        const char *name = json_string_value(json_object_get(row, "i"));

        if (to != NULL && name != NULL &&
            strcmp(to, target->destination->name) == 0 &&
            strcmp(name, record->interface->name) == 0 &&
            json_integer_value(json_object_get(row, "r")) == (json_int_t)n)
            return (uint64_t)json_integer_value(json_object_get(row, "d"));
    }
    return 0;
}

/*
 * Which record of before a record of after is: the same one, else the first
 * of its interface that has not become another.  -1: a new one.
 */
static void match(const struct records *before, const struct records *after,
                  int matched[static PASSAGE_RECORDS_MAX])
{
    bool taken[PASSAGE_RECORDS_MAX] = {false};

    for (size_t i = 0; i < after->count; i++) {
        matched[i] = -1;
        for (size_t j = 0; j < before->count && matched[i] < 0; j++)
            if (!taken[j] &&
                before->all[j].interface == after->all[i].interface &&
                json_equal(before->all[j].record, after->all[i].record)) {
                matched[i] = (int)j;
                taken[j] = true;
            }
    }
    for (size_t i = 0; i < after->count; i++)
        for (size_t j = 0; j < before->count && matched[i] < 0; j++)
            if (!taken[j] &&
                before->all[j].interface == after->all[i].interface) {
                matched[i] = (int)j;
                taken[j] = true;
            }
}

/* Lay the record over the facts of its delivery, if that still waits. */
static enum status complete(struct joining *joining, struct sent *sent,
                            const struct passage_record *record,
                            struct delivered *delivered)
{
    struct completion completion = {record->record, CAUSE_BRIDGE, "",
                                    joining->now_ms, ""};
    struct queue_delivery now = {0};
    struct bytes words = BYTES_EMPTY;
    enum status status =
        queue_delivery_read(joining->queue, delivered->id, &now);

    if (status == STATUS_OK)
        status = delivery_complete(joining->queue, joining->config,
                                   delivered->id, &completion, &words);
    snprintf(delivered->number, sizeof(delivered->number), "%s",
             completion.number[0] != 0 ? completion.number : now.number);
    bytes_free(&words);
    sent->waits |= status == STATUS_MISSING || status == STATUS_INVALID;
    if (status == STATUS_MISSING || status == STATUS_INVALID ||
        status == STATUS_DENIED || status == STATUS_NOT_FOUND)
        return STATUS_OK;
    return status;
}

static enum status redo_one(struct joining *joining,
                            const struct target *target, struct sent *sent,
                            const struct place *place, int old,
                            struct delivered *delivered)
{
    const struct passage_record *record = &place->records->all[place->index];
    enum status status;

    if (old >= 0)
        delivered->id = made_of(sent, target, record, (size_t)old);
    if (delivered->id != 0) {
        status = name_followed(record, place->before);
        return status == STATUS_OK ? complete(joining, sent, record, delivered)
                                   : status;
    }
    status = make_one(joining, target, &sent->passage, place, delivered);
    sent->waits |= delivered->state != STATE_WAITING;
    return status == STATUS_OK ? note_made(sent, target, record->interface,
                                           place->index, delivered->id)
                               : status;
}

/* before: the passage as it went out; sent->passage: as it is now. */
static enum status redo_for(struct joining *joining,
                            const struct target *target, struct sent *sent,
                            const struct passage *before)
{
    struct delivered delivered[PASSAGE_RECORDS_MAX] = {0};
    int matched[PASSAGE_RECORDS_MAX];
    struct records old = {.count = 0};
    struct records new = {.count = 0};
    enum status status;

    status = records_of(joining->queue, target, sent->lane, before, &old);
    if (status == STATUS_OK)
        status = records_of(joining->queue, target, sent->lane, &sent->passage,
                            &new);
    if (status == STATUS_OK)
        match(&old, &new, matched);
    for (size_t i = 0; i < new.count &&status == STATUS_OK; i++) {
        struct place place = {&new, i, delivered};

        status =
            redo_one(joining, target, sent, &place, matched[i], &delivered[i]);
    }
    records_free(&old);
    records_free(&new);
    return status;
}

static enum status redo(struct joining *joining, struct sent *sent,
                        const struct passage *before)
{
    enum status status = STATUS_OK;
    struct target target;

    sent->waits = !passage_has_pictures(&sent->passage, sent->lane);
    for (unsigned i = 0; i < sent->lane->destination_count; i++) {
        if (delivery_target(joining->config, sent->lane->destinations[i],
                            &target) != STATUS_OK ||
            target.platform->passage == NULL)
            continue;
        if ((status = redo_for(joining, &target, sent, before)) != STATUS_OK)
            return status;
    }
    return settle_events(joining, &sent->passage, true);
}

static bool wants_capture(const struct passage *passage,
                          const struct lane_config *lane,
                          const struct capture *capture)
{
    struct passage tried = *passage;
    char plate[PLATE_MAX];

    plate_read(json_string_value(json_object_get(capture->json, "plate")),
               plate);
    if (plate[0] == 0 || strcmp(plate, passage->plate) != 0 ||
        !passage_fits(passage, lane, capture))
        return false;
    passage_take(&tried, lane, capture);
    return tried.head.event != passage->head.event ||
           tried.body.event != passage->body.event;
}

static bool wants(const struct passage *passage, const struct lane_config *lane,
                  const struct outgoing_news *news)
{
    if (news->known != 0)
        return passage_has_event(passage, news->known);
    if (news->capture != NULL)
        return wants_capture(passage, lane, news->capture);
    return passage->weight_event == 0 && passage->plate[0] != 0 &&
           strcmp(passage->plate, news->weight->plate) == 0 &&
           passage_weight_fits(passage, lane, news->weight);
}

struct late_search {
    const struct lane_config *lane;
    const struct outgoing_news *news;
    struct bytes key; /* of the note that was found */
    json_t *json;
    enum status status;
};

static bool visit_late(void *arg, struct span key, struct span value)
{
    struct late_search *search = arg;
    json_t *json = json_loadb((const char *)value.data, value.len, 0, NULL);
    struct passage passage;

    if (passage_of_json(json_object_get(json, "passage"), &passage) &&
        json_is_array(json_object_get(json, "made")) &&
        wants(&passage, search->lane, search->news)) {
        search->json = json;
        search->status = bytes_copy(&search->key, key);
        return false;
    }
    json_decref(json);
    return true;
}

static void learn(struct passage *passage, const struct lane_config *lane,
                  const struct outgoing_news *news)
{
    if (news->known != 0)
        passage_revise(passage, lane, news->capture, news->known);
    else if (news->capture != NULL)
        passage_take(passage, lane, news->capture);
    else
        passage_weigh(passage, news->weight);
}

static enum status late_of_day(struct joining *joining,
                               const struct lane_config *lane,
                               const struct outgoing_news *news, uint32_t day,
                               bool *found)
{
    struct late_search search = {.lane = lane, .news = news};
    struct sent sent = {.lane = lane};
    struct passage before;
    char space[96];
    enum status status;

    late_space(lane, day, space);
    status = queue_note_each(joining->queue, space, visit_late, &search);
    if (status == STATUS_OK)
        status = search.status;
    if (status != STATUS_OK || search.json == NULL)
        goto out;
    *found = true;
    sent.made = json_object_get(search.json, "made");
    passage_of_json(json_object_get(search.json, "passage"), &before);
    sent.passage = before;
    learn(&sent.passage, lane, news);
    status = redo(joining, &sent, &before);
    if (status == STATUS_OK)
        status = put_late(joining->queue, &sent, day, bytes_text(&search.key));
out:
    json_decref(search.json);
    bytes_free(&search.key);
    return status;
}

enum status outgoing_late(struct joining *joining,
                          const struct lane_config *lane,
                          const struct outgoing_news *news, bool *found)
{
    int64_t at_ms =
        news->capture != NULL ? news->capture->at_ms : news->weight->at_ms;
    int64_t near_ms = (int64_t)lane->deadline_s * SECOND_MS;
    uint32_t first = china_day(at_ms - near_ms);
    uint32_t last = china_day(at_ms + near_ms);
    enum status status;

    *found = false;
    status = late_of_day(joining, lane, news, last, found);
    if (status == STATUS_OK && !*found && first != last)
        status = late_of_day(joining, lane, news, first, found);
    return status;
}

static bool is_any(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value;
    return true;
}

enum status outgoing_sweep(struct queue *queue, const struct config *config,
                           uint32_t day)
{
    enum status status = STATUS_OK;
    char space[96];

    for (unsigned i = 0; i < config->lane_count && status == STATUS_OK; i++) {
        late_space(&config->lanes[i], day, space);
        status = note_sweep(queue, space, 10000, is_any, NULL);
    }
    return status;
}
