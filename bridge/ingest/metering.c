#include "metering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "delivery.h"
#include "energy.h"
#include "notes.h"

#define INTERFACE "uploadEnergyData"
#define AHEAD_MS (10 * MINUTE_MS) /* a meter's clock may be ahead by this */
#define PLAUSIBLE_FROM_MS (INT64_C(1704067200) * SECOND_MS) /* 2024-01-01 */
#define CODE_SIZE 24
#define SWEEP_MAX 20000

/* The item's identity: the seven parts of its code. */
static void item_code(const struct energy_item_config *item,
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

static enum status put_state(struct queue *queue, const char *key,
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

static enum status read_state(struct queue *queue, const char *key,
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

/* First and last reading of an interval, "T V T V". */
struct pair {
    struct energy_reading first, last;
};

static bool parse_pair(const char *text, struct pair *pair)
{
    char *at;

    pair->first.at_ms = strtoll(text, &at, 10);
    pair->first.value = strtod(at, &at);
    pair->last.at_ms = strtoll(at, &at, 10);
    pair->last.value = strtod(at, &at);
    return *at == 0 && pair->last.at_ms > 0;
}

static enum status put_pair(struct queue *queue, const char *key,
                            const struct pair *pair)
{
    char text[128];

    snprintf(text, sizeof(text), "%lld %.17g %lld %.17g",
             (long long)pair->first.at_ms, pair->first.value,
             (long long)pair->last.at_ms, pair->last.value);
    return note_put_text(queue, "reading", key, text);
}

/* Keep a reading that is the first or the last of its interval. */
static enum status keep_reading(struct queue *queue, const char *item_key,
                                const struct energy_item_config *item,
                                struct energy_reading reading)
{
    struct pair pair = {reading, reading};
    struct pair old;
    char key[160];
    char text[128];
    enum status status;

    snprintf(key, sizeof(key), "%s/%013lld", item_key,
             (long long)energy_mark(item, reading.at_ms));
    status = note_read_text(queue, "reading", key, text, sizeof(text));
    if (status == STATUS_OK && parse_pair(text, &old)) {
        if (reading.at_ms > old.first.at_ms)
            pair.first = old.first;
        if (reading.at_ms < old.last.at_ms)
            pair.last = old.last;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return put_pair(queue, key, &pair);
}

static enum status offer(struct queue *queue, const char *destination,
                         const struct energy_item_config *item,
                         const struct message *message, bool *used)
{
    const json_t *registers = json_object_get(message->json, "registers");
    const json_t *value =
        json_object_get(json_object_get(registers, item->reg), "value");
    struct energy_reading reading = {message->event_at_ms,
                                     json_number_value(value)};
    struct energy_state state;
    char key[128];
    char code[CODE_SIZE];
    enum status status;

    if (value == NULL || strcmp(item->meter, message->device) != 0)
        return STATUS_OK;
    item_code(item, code);
    snprintf(key, sizeof(key), "%.63s/%s", destination, code);
    status = read_state(queue, key, &state);
    if (status != STATUS_OK || reading.at_ms <= state.mark_ms)
        return status;
    *used = true;
    return keep_reading(queue, key, item, reading);
}

static bool is_energy(const struct config *config,
                      const struct destination_config *destination,
                      struct target *target)
{
    return destination->energy.item_count > 0 &&
           delivery_target(config, destination->name, target) == STATUS_OK &&
           platform_interface(target->platform, INTERFACE) != NULL;
}

enum status metering_reading(struct queue *queue, const struct config *config,
                             const struct message *message, bool *used)
{
    bool ahead = message->received_at_ms > PLAUSIBLE_FROM_MS &&
                 message->event_at_ms > message->received_at_ms + AHEAD_MS;
    enum status status = STATUS_OK;
    struct target target;

    *used = false;
    if (ahead || json_is_false(json_object_get(message->json, "valid")))
        return STATUS_OK;
    for (unsigned i = 0; i < config->destination_count; i++) {
        const struct destination_config *destination = &config->destinations[i];

        if (!is_energy(config, destination, &target))
            continue;
        for (unsigned j = 0;
             j < destination->energy.item_count && status == STATUS_OK; j++)
            status = offer(queue, destination->name,
                           &destination->energy.items[j], message, used);
    }
    return status;
}

/* ---- a batch ------------------------------------------------------------ */

/* All readings of a destination, in order of item and time. */
struct gathering {
    const char *prefix; /* "DESTINATION/" */
    size_t prefix_len;
    struct bytes rows; /* of struct row */
    enum status status;
};
struct row {
    char code[CODE_SIZE];
    int64_t mark_ms;
    struct pair pair;
};

static bool visit_reading(void *arg, struct span key, struct span value)
{
    struct gathering *gathering = arg;
    struct row row = {.mark_ms = 0};
    char text[128] = "";
    char name[64] = "";
    size_t left;

    if (key.len <= gathering->prefix_len ||
        memcmp(key.data, gathering->prefix, gathering->prefix_len) != 0 ||
        value.len >= sizeof(text))
        return true;
    left = key.len - gathering->prefix_len;
    if (left >= sizeof(name))
        return true;
    memcpy(name, key.data + gathering->prefix_len, left);
    memcpy(text, value.data, value.len);
    left = strcspn(name, "/");
    if (left >= sizeof(row.code) || name[left] == 0 ||
        !parse_pair(text, &row.pair))
        return true;
    memcpy(row.code, name, left);
    row.mark_ms = strtoll(name + left + 1, NULL, 10);
    gathering->status =
        bytes_append(&gathering->rows, span_of(&row, sizeof(row)));
    return gathering->status == STATUS_OK;
}

/* A batch being made. */
struct batching {
    struct queue *queue;
    struct target target;
    int64_t until_ms;
    struct bytes rows; /* of struct row */
    json_t *items;
    struct energy_fact *facts; /* METERING_BATCH_MAX of them */
};

static struct row row_at(const struct batching *batching, size_t i)
{
    struct row row;

    memcpy(&row, batching->rows.data + i * sizeof(row), sizeof(row));
    return row;
}

static size_t row_count(const struct batching *batching)
{
    return batching->rows.len / sizeof(struct row);
}

/* The readings of the rows [first, end), each once. */
static size_t readings_of(const struct batching *batching, size_t first,
                          size_t end, struct energy_reading *readings)
{
    size_t count = 0;

    for (; first < end; first++) {
        struct row row = row_at(batching, first);

        readings[count++] = row.pair.first;
        if (row.pair.last.at_ms > row.pair.first.at_ms)
            readings[count++] = row.pair.last;
    }
    return count;
}

/* Remove the readings that the state stands for now. */
static enum status forget(const struct batching *batching, const char *item_key,
                          size_t first, size_t end, int64_t mark_ms)
{
    enum status status = STATUS_OK;
    char key[160];

    for (; first < end && status == STATUS_OK; first++) {
        struct row row = row_at(batching, first);

        if (row.mark_ms > mark_ms)
            break;
        snprintf(key, sizeof(key), "%s/%013lld", item_key,
                 (long long)row.mark_ms);
        status = note_put_text(batching->queue, "reading", key, "");
    }
    return status;
}

static enum status add_items(struct batching *batching,
                             const struct energy_item_config *item,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct energy_fact *fact = &batching->facts[i];
        json_t *json =
            json_pack("{sssisIsfsb}", "item", item->name, "stat_type",
                      fact->stat_type, "at_ms", (json_int_t)fact->at_ms,
                      "value", fact->value, "valid", (int)fact->valid);

        if (json_array_append_new(batching->items, json) != 0)
            return STATUS_NOMEM;
    }
    return STATUS_OK;
}

/* The rows [first, end) are of this item. */
static enum status resolve_item(struct batching *batching,
                                const struct energy_item_config *item,
                                const char *code, size_t first, size_t end)
{
    struct energy_reading *readings =
        calloc(2 * (end - first), sizeof(*readings));
    size_t limit = METERING_BATCH_MAX - json_array_size(batching->items);
    struct energy_state state;
    char key[128];
    size_t count;
    enum status status = STATUS_NOMEM;

    if (readings == NULL)
        return status;
    snprintf(key, sizeof(key), "%.63s/%s", batching->target.destination->name,
             code);
    if ((status = read_state(batching->queue, key, &state)) != STATUS_OK)
        goto out;
    count = readings_of(batching, first, end, readings);
    count = energy_resolve(item, &state, readings, count, batching->until_ms,
                           batching->facts, limit);
    if ((status = add_items(batching, item, count)) != STATUS_OK)
        goto out;
    if ((status = put_state(batching->queue, key, &state)) != STATUS_OK)
        goto out;
    status = forget(batching, key, first, end, state.mark_ms);
out:
    free(readings);
    return status;
}

static const struct energy_item_config *
find_item(const struct energy_config *energy, const char *code)
{
    char own[CODE_SIZE];

    for (unsigned i = 0; i < energy->item_count; i++) {
        item_code(&energy->items[i], own);
        if (strcmp(own, code) == 0)
            return &energy->items[i];
    }
    return NULL;
}

static enum status resolve_all(struct batching *batching)
{
    enum status status = STATUS_OK;
    size_t count = row_count(batching);
    size_t end;

    for (size_t first = 0; first < count && status == STATUS_OK; first = end) {
        struct row row = row_at(batching, first);
        const struct energy_item_config *item =
            find_item(&batching->target.destination->energy, row.code);

        for (end = first + 1; end < count; end++)
            if (strcmp(row_at(batching, end).code, row.code) != 0)
                break;
        if (item != NULL)
            status = resolve_item(batching, item, row.code, first, end);
    }
    return status;
}

static enum status deliver(struct batching *batching, int64_t now_ms)
{
    struct order order = {.target = batching->target, .why = ""};
    struct delivered delivered;
    char day[CLOCK_TEXT_MAX];
    enum status status;
    json_t *record;

    clock_print_china(batching->until_ms, day);
    day[10] = 0;
    record = json_pack("{sssO}", "batch", day, "items", batching->items);
    if (record == NULL)
        return STATUS_NOMEM;
    order.interface = platform_interface(batching->target.platform, INTERFACE);
    order.record = record;
    status = delivery_make(batching->queue, &order, now_ms, &delivered);
    json_decref(record);
    return status;
}

/* *more: the batch is full, and there is more to report. */
static enum status make_batch(struct queue *queue, const struct target *target,
                              int64_t until_ms, int64_t now_ms, bool *more)
{
    char prefix[72];
    struct gathering gathering = {.prefix = prefix};
    struct batching batching = {queue,       *target,      until_ms,
                                BYTES_EMPTY, json_array(), NULL};
    enum status status;

    snprintf(prefix, sizeof(prefix), "%.63s/", target->destination->name);
    gathering.prefix_len = strlen(prefix);
    batching.facts = calloc(METERING_BATCH_MAX, sizeof(*batching.facts));
    status = queue_note_each(queue, "reading", visit_reading, &gathering);
    bytes_move(&batching.rows, &gathering.rows);
    if (status == STATUS_OK)
        status = gathering.status;
    if (batching.facts == NULL || batching.items == NULL)
        status = STATUS_NOMEM;
    if (status == STATUS_OK)
        status = resolve_all(&batching);
    *more = json_array_size(batching.items) + 3 > METERING_BATCH_MAX;
    if (status == STATUS_OK && json_array_size(batching.items) > 0)
        status = deliver(&batching, now_ms);
    bytes_free(&batching.rows);
    free(batching.facts);
    json_decref(batching.items);
    return status;
}

/* ---- when --------------------------------------------------------------- */

static enum status tick_for(struct queue *queue, const struct target *target,
                            int64_t now_ms)
{
    const char *name = target->destination->name;
    struct batch_plan plan;
    char registered[16];
    char text[96];
    int64_t until_ms;
    bool more = false;
    enum status status;

    status = note_read_text(queue, "upload_time", name, registered,
                            sizeof(registered));
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    status = note_read_text(queue, "batch", name, text, sizeof(text));
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    plan = batch_plan_read(status == STATUS_OK ? text : "");
    batch_plan_learn(&plan, registered, now_ms);
    until_ms = batch_plan_due(&plan, now_ms);
    if (until_ms != 0)
        status = make_batch(queue, target, until_ms, now_ms, &more);
    else
        status = STATUS_OK;
    if (status == STATUS_OK && until_ms != 0 && !more)
        plan.last_ms = until_ms;
    if (status != STATUS_OK || !batch_plan_changed(&plan, text))
        return status;
    batch_plan_print(&plan, text);
    return note_put_text(queue, "batch", name, text);
}

enum status metering_tick(struct queue *queue, const struct config *config,
                          int64_t now_ms)
{
    enum status status = STATUS_OK;
    struct target target;

    if (now_ms < PLAUSIBLE_FROM_MS) /* the clock is not set yet */
        return STATUS_OK;
    for (unsigned i = 0; i < config->destination_count && status == STATUS_OK;
         i++)
        if (is_energy(config, &config->destinations[i], &target))
            status = tick_for(queue, &target, now_ms);
    return status;
}

static bool is_old(void *arg, struct span key, struct span value)
{
    const int64_t *before_ms = arg;
    char mark[16] = "";

    (void)value;
    if (key.len < 13)
        return true;
    memcpy(mark, key.data + key.len - 13, 13);
    return strtoll(mark, NULL, 10) < *before_ms;
}

enum status metering_sweep(struct queue *queue, int64_t before_ms)
{
    return note_sweep(queue, "reading", SWEEP_MAX, is_old, &before_ms);
}
