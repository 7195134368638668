#include "batching.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "item_notes.h"
#include "metering.h"
#include "notes.h"

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
        !item_read_pair(text, &row.pair))
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
    if ((status = item_read_state(batching->queue, key, &state)) != STATUS_OK)
        goto out;
    count = readings_of(batching, first, end, readings);
    count = energy_resolve(item, &state, readings, count, batching->until_ms,
                           batching->facts, limit);
    if ((status = add_items(batching, item, count)) != STATUS_OK)
        goto out;
    if ((status = item_put_state(batching->queue, key, &state)) != STATUS_OK)
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
    order.interface =
        platform_interface(batching->target.platform, ENERGY_INTERFACE);
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

enum status batching_tick(struct queue *queue, const struct target *target,
                          int64_t now_ms)
{
    const char *name = target->destination->name;
    struct batch_plan plan;
    char registered[16];
    char text[96] = ""; /* there is no plan before the first one */
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
    plan = batch_plan_read(text);
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
