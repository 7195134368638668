#include "metering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batching.h"
#include "clock.h"
#include "delivery.h"
#include "energy.h"
#include "item_notes.h"
#include "notes.h"

#define AHEAD_MS (10 * MINUTE_MS) /* a meter's clock may be ahead by this */
#define PLAUSIBLE_FROM_MS (INT64_C(1704067200) * SECOND_MS) /* 2024-01-01 */
#define SWEEP_MAX 20000

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
    if (status == STATUS_OK && item_read_pair(text, &old)) {
        if (reading.at_ms > old.first.at_ms)
            pair.first = old.first;
        if (reading.at_ms < old.last.at_ms)
            pair.last = old.last;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return item_put_pair(queue, key, &pair);
}

/* One item that may want a reading. */
struct offer {
    struct queue *queue;
    const struct message *message;
    bool keep;   /* put it, do not only ask */
    bool wanted; /* out */
};

static enum status offer_item(struct offer *offer, const char *destination,
                              const struct energy_item_config *item)
{
    const struct message *message = offer->message;
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
    status = item_read_state(offer->queue, key, &state);
    if (status != STATUS_OK || reading.at_ms <= state.mark_ms)
        return status;
    offer->wanted = true;
    return offer->keep ? keep_reading(offer->queue, key, item, reading)
                       : STATUS_OK;
}

static bool is_energy(const struct config *config,
                      const struct destination_config *destination,
                      struct target *target)
{
    return destination->energy.item_count > 0 &&
           delivery_target(config, destination->name, target) == STATUS_OK &&
           platform_interface(target->platform, ENERGY_INTERFACE) != NULL;
}

/* The meter doubts it, or its clock runs ahead of ours. */
static bool is_doubtful(const struct message *message)
{
    return json_is_false(json_object_get(message->json, "valid")) ||
           (message->received_at_ms > PLAUSIBLE_FROM_MS &&
            message->event_at_ms > message->received_at_ms + AHEAD_MS);
}

static enum status offer_all(struct offer *offer, const struct config *config)
{
    enum status status = STATUS_OK;
    struct target target;

    for (unsigned i = 0; i < config->destination_count; i++) {
        const struct destination_config *destination = &config->destinations[i];

        if (!is_energy(config, destination, &target))
            continue;
        for (unsigned j = 0;
             j < destination->energy.item_count && status == STATUS_OK; j++)
            status = offer_item(offer, destination->name,
                                &destination->energy.items[j]);
    }
    return status;
}

enum status metering_wants(struct queue *queue, const struct config *config,
                           const struct message *message, bool *wanted)
{
    struct offer offer = {queue, message, false, false};
    enum status status = STATUS_OK;

    if (!is_doubtful(message))
        status = offer_all(&offer, config);
    *wanted = offer.wanted;
    return status;
}

enum status metering_reading(struct queue *queue, const struct config *config,
                             const struct message *message)
{
    struct offer offer = {queue, message, true, false};

    return offer_all(&offer, config);
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
            status = batching_tick(queue, &target, now_ms);
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
