#include "weights.h"

#include <stdio.h>
#include <string.h>

#include "lanes.h"
#include "notes.h"

#define POUND_T 0.00045359237

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text != NULL ? text : "";
}

struct weight weights_read(const struct message *message, uint64_t event)
{
    const char *unit = text_of(message->json, "unit");
    double gross = json_number_value(json_object_get(message->json, "gross"));
    struct weight weight = {.event = event, .at_ms = lane_instant(message)};

    weight.gross_t = same(unit, "t")    ? gross
                     : same(unit, "lb") ? gross * POUND_T
                                        : gross / 1000.0;
    plate_read(text_of(message->json, "plate"), weight.plate);
    return weight;
}

static void weight_key(const char *plate, const char *scale,
                       char key[static 160])
{
    if (plate[0] != 0)
        snprintf(key, 160, "plate/%.95s", plate);
    else
        snprintf(key, 160, "scale/%.63s", scale);
}

static enum status read_weight(struct joining *joining, const char *key,
                               struct weight *weight, bool *there)
{
    json_t *json = NULL;
    enum status status = note_read_due(joining->queue, "weight", key, &json);

    *there = status == STATUS_OK && weight_of_json(json, weight);
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_weight(struct joining *joining,
                               const struct lane_config *lane, const char *key,
                               struct passage *passage)
{
    struct weight weight;
    bool there = false;
    enum status status = read_weight(joining, key, &weight, &there);

    if (status != STATUS_OK || !there ||
        !passage_weight_fits(passage, lane, &weight))
        return status;
    passage_weigh(passage, &weight);
    return note_put_text(joining->queue, "weight", key, "");
}

enum status weights_look(struct joining *joining,
                         const struct lane_config *lane,
                         struct passage *passage)
{
    char key[160];
    enum status status = STATUS_OK;

    if (lane->weighing == WEIGHING_NONE || passage->weight_event != 0)
        return STATUS_OK;
    if (passage->plate[0] != 0) {
        weight_key(passage->plate, "", key);
        status = take_weight(joining, lane, key, passage);
    }
    if (status == STATUS_OK && passage->weight_event == 0) {
        weight_key("", lane->weighbridge, key);
        status = take_weight(joining, lane, key, passage);
    }
    return status;
}

enum status weights_keep(struct joining *joining, const struct message *message,
                         const struct weight *weight, int64_t wait_ms)
{
    struct weight older;
    bool there = false;
    char key[160];
    json_t *json = NULL;
    enum status status;

    weight_key(weight->plate, message->device, key);
    status = read_weight(joining, key, &older, &there);
    if (status == STATUS_OK && there)
        status = joining_settle(joining, older.event, FATE_UNROUTED);
    if (status == STATUS_OK && (json = weight_to_json(weight)) == NULL)
        status = STATUS_NOMEM;
    if (status == STATUS_OK)
        status = note_put_due(joining->queue, "weight", key, joining->now_ms,
                              joining->now_ms + wait_ms, json);
    json_decref(json);
    return status;
}

enum status weights_end(struct joining *joining, const char *key,
                        const json_t *json)
{
    struct weight weight;
    bool good = weight_of_json(json, &weight);
    enum status status = note_put_text(joining->queue, "weight", key, "");

    if (status != STATUS_OK || !good)
        return status;
    return joining_settle(joining, weight.event, FATE_UNROUTED);
}
