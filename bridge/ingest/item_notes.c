#include "item_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notes.h"

void item_code(const struct energy_item_config *item,
               char code[static CODE_SIZE])
{
    snprintf(code, CODE_SIZE, "%.2s%.2s%.2s%.2s%.2s%.4s%.2s", item->process,
             item->process_unit, item->equipment, item->equipment_unit,
             item->energy_class, item->energy_type, item->usage);
}

/* ---- the state of an item as a note ------------------------------------- */

static json_t *sum_to_json(const struct energy_sum *sum)
{
    return json_pack("[IfIb]", (json_int_t)sum->period, sum->sum,
                     (json_int_t)sum->count, (int)sum->valid);
}

static struct energy_sum sum_of_json(const json_t *json)
{
    return (struct energy_sum){
        (uint32_t)json_integer_value(json_array_get(json, 0)),
        json_number_value(json_array_get(json, 1)),
        (uint32_t)json_integer_value(json_array_get(json, 2)),
        json_is_true(json_array_get(json, 3)),
    };
}

enum status item_put_state(struct queue *queue, const char *key,
                           const struct energy_state *state)
{
    json_t *json = json_pack(
        "{sIsfsIsoso}", "mark", (json_int_t)state->mark_ms, "value",
        state->value, "seen", (json_int_t)state->seen_ms, "day",
        sum_to_json(&state->day), "month", sum_to_json(&state->month));
    enum status status =
        json == NULL ? STATUS_NOMEM : note_put_json(queue, "energy", key, json);

    json_decref(json);
    return status;
}

enum status item_read_state(struct queue *queue, const char *key,
                            struct energy_state *state)
{
    json_t *json = NULL;
    enum status status = note_read_json(queue, "energy", key, &json);

    *state = (struct energy_state){
        .mark_ms = json_integer_value(json_object_get(json, "mark")),
        .value = json_number_value(json_object_get(json, "value")),
        .seen_ms = json_integer_value(json_object_get(json, "seen")),
        .day = sum_of_json(json_object_get(json, "day")),
        .month = sum_of_json(json_object_get(json, "month")),
    };
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- readings ----------------------------------------------------------- */

bool item_read_pair(const char *text, struct pair *pair)
{
    char *at;

    pair->first.at_ms = strtoll(text, &at, 10);
    pair->first.value = strtod(at, &at);
    pair->last.at_ms = strtoll(at, &at, 10);
    pair->last.value = strtod(at, &at);
    return *at == 0 && pair->last.at_ms > 0;
}

enum status item_put_pair(struct queue *queue, const char *key,
                          const struct pair *pair)
{
    char text[128];

    snprintf(text, sizeof(text), "%lld %.17g %lld %.17g",
             (long long)pair->first.at_ms, pair->first.value,
             (long long)pair->last.at_ms, pair->last.value);
    return note_put_text(queue, "reading", key, text);
}
