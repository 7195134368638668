#include "late.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "notes.h"

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

static enum status put_note(struct queue *queue, const struct sent *sent,
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

enum status late_keep(struct queue *queue, const struct sent *sent)
{
    char key[32];

    late_key(&sent->passage, key);
    return put_note(queue, sent, china_day(sent->passage.at_ms), key);
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
    struct completion completion = {
        .fields = record->record,
        .cause = joining->actor == NULL ? CAUSE_BRIDGE : CAUSE_OPERATOR,
        .actor = joining->actor == NULL ? "" : joining->actor,
        .now_ms = joining->now_ms};
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
        status = outgoing_name_followed(record, place->before);
        return status == STATUS_OK ? complete(joining, sent, record, delivered)
                                   : status;
    }
    status = outgoing_make(joining, target, &sent->passage, place, delivered);
    sent->waits |= delivered->state != STATE_WAITING;
    return status;
}

/* What was made for the destination is written down anew, by the records as
 * they are now. */
static enum status renumber(struct sent *sent, const struct target *target,
                            const struct records *records,
                            const struct delivered *delivered)
{
    enum status status = STATUS_OK;
    size_t i = json_array_size(sent->made);

    while (i-- > 0) {
        const json_t *row = json_array_get(sent->made, i);
        const char *to = json_string_value(json_object_get(row, "to"));

        if (to != NULL && strcmp(to, target->destination->name) == 0)
            json_array_remove(sent->made, i);
    }
    for (i = 0; i < records->count && status == STATUS_OK; i++)
        status = outgoing_note(sent, target, records->all[i].interface, i,
                               delivered[i].id);
    return status;
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

    status = outgoing_records(joining->queue, target, sent->lane, before, &old);
    if (status == STATUS_OK)
        status = outgoing_records(joining->queue, target, sent->lane,
                                  &sent->passage, &new);
    if (status == STATUS_OK)
        match(&old, &new, matched);
    for (size_t i = 0; i < new.count &&status == STATUS_OK; i++) {
        struct place place = {&new, i, delivered};

        status =
            redo_one(joining, target, sent, &place, matched[i], &delivered[i]);
    }
    if (status == STATUS_OK)
        status = renumber(sent, target, &new, delivered);
    outgoing_records_free(&old);
    outgoing_records_free(&new);
    return status;
}

static enum status redo(struct joining *joining, struct sent *sent,
                        const struct passage *before)
{
    enum status status = STATUS_OK;
    struct target target;
    unsigned at = 0;

    sent->waits = !passage_has_pictures(&sent->passage, sent->lane);
    while (status == STATUS_OK &&
           outgoing_target(joining->config, sent->lane, &at, &target))
        status = redo_for(joining, &target, sent, before);
    if (status != STATUS_OK)
        return status;
    return outgoing_settle(joining, &sent->passage, true);
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

static bool has_delivery(const json_t *made, uint64_t delivery)
{
    const json_t *row;
    size_t i;

    json_array_foreach(made, i, row)
    {
        if ((uint64_t)json_integer_value(json_object_get(row, "d")) == delivery)
            return true;
    }
    return false;
}

static bool wants(const struct passage *passage, const json_t *made,
                  const struct lane_config *lane, const struct late_news *news)
{
    if (news->delivery != 0)
        return has_delivery(made, news->delivery);
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
    const struct late_news *news;
    struct bytes key; /* of the note that was found */
    json_t *json;
    enum status status;
};

static bool visit_late(void *arg, struct span key, struct span value)
{
    struct late_search *search = arg;
    json_t *json = json_loadb((const char *)value.data, value.len, 0, NULL);
    const json_t *made = json_object_get(json, "made");
    struct passage passage;

    if (passage_of_json(json_object_get(json, "passage"), &passage) &&
        json_is_array(made) &&
        wants(&passage, made, search->lane, search->news)) {
        search->json = json;
        search->status = bytes_copy(&search->key, key);
        return false;
    }
    json_decref(json);
    return true;
}

static void learn(struct passage *passage, const struct lane_config *lane,
                  const struct late_news *news)
{
    if (news->known != 0)
        passage_revise(passage, lane, news->capture, news->known);
    else if (news->capture != NULL)
        passage_take(passage, lane, news->capture);
    else if (news->weight != NULL)
        passage_weigh(passage, news->weight);
}

static enum status late_of_day(struct joining *joining,
                               const struct lane_config *lane,
                               const struct late_news *news, uint32_t day,
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
        status = put_note(joining->queue, &sent, day, bytes_text(&search.key));
out:
    json_decref(search.json);
    bytes_free(&search.key);
    return status;
}

enum status late_offer(struct joining *joining, const struct lane_config *lane,
                       const struct late_news *news, int64_t at_ms, bool *found)
{
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

enum status late_refresh(struct joining *joining, uint64_t delivery,
                         int64_t made_at_ms, bool *found)
{
    const struct config *config = joining->config;
    struct late_news news = {.delivery = delivery};
    enum status status = STATUS_OK;

    *found = false;
    for (int back = -1; back <= LATE_KEEP_DAYS; back++) {
        uint32_t day = china_day(made_at_ms - back * DAY_MS);

        for (unsigned i = 0; i < config->lane_count; i++)
            if (status == STATUS_OK && !*found)
                status =
                    late_of_day(joining, &config->lanes[i], &news, day, found);
    }
    return status;
}

static bool is_any(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value;
    return true;
}

enum status late_sweep(struct queue *queue, const struct config *config,
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
