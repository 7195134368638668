#include "flights.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum status flights_make(struct flights *flights, size_t most)
{
    *flights =
        (struct flights){calloc(most, sizeof *flights->list), 0, most, 0};
    return flights->list == NULL ? STATUS_NOMEM : STATUS_OK;
}

void flights_free(struct flights *flights)
{
    free(flights->list);
    *flights = (struct flights){NULL, 0, 0, 0};
}

bool flights_have_room(const struct flights *flights, size_t most_bytes)
{
    return flights->count < flights->most &&
           (flights->bytes == 0 || flights->bytes < most_bytes);
}

bool flights_have(const struct flights *flights, uint64_t seq)
{
    for (size_t i = 0; i < flights->count; i++)
        if (flights->list[i].seq == seq)
            return true;
    return false;
}

bool flights_bar(const struct flights *flights,
                 const struct outbox_entry *entry)
{
    for (size_t i = 0; i < flights->count; i++)
        if (flights->list[i].seq != entry->seq &&
            strcmp(flights->list[i].device, entry->device) == 0 &&
            strcmp(flights->list[i].published_id, entry->published_id) == 0)
            return true;
    return false;
}

void flights_add(struct flights *flights, const struct outbox_entry *entry,
                 size_t bytes, int64_t now_ms)
{
    struct flight *flight = &flights->list[flights->count++];

    *flight = (struct flight){
        .seq = entry->seq,
        .revision = entry->revision,
        .bytes = bytes,
        .sent_at_ms = now_ms,
    };
    text_put(flight->device, sizeof flight->device, entry->device);
    text_put(flight->published_id, sizeof flight->published_id,
             entry->published_id);
    flights->bytes += bytes;
}

bool flights_end(struct flights *flights, const char *device, const char *id,
                 uint32_t revision, const char *reason)
{
    for (size_t i = 0; i < flights->count; i++) {
        struct flight *flight = &flights->list[i];

        if (flight->ended || flight->revision > revision ||
            strcmp(flight->published_id, id) != 0 ||
            strcmp(flight->device, device) != 0)
            continue;
        flight->ended = true;
        text_put(flight->reason, sizeof flight->reason,
                 reason == NULL ? "" : reason);
        flights->bytes -= flight->bytes;
        return true;
    }
    return false;
}

struct flight *flights_due(struct flights *flights, int64_t before_ms)
{
    struct flight *first = NULL;

    for (size_t i = 0; i < flights->count; i++) {
        struct flight *flight = &flights->list[i];

        if (!flight->ended && flight->sent_at_ms <= before_ms &&
            (first == NULL || flight->seq < first->seq))
            first = flight;
    }
    return first;
}

int64_t flights_oldest_ms(const struct flights *flights)
{
    int64_t oldest_ms = INT64_MAX;

    for (size_t i = 0; i < flights->count; i++)
        if (!flights->list[i].ended && flights->list[i].sent_at_ms < oldest_ms)
            oldest_ms = flights->list[i].sent_at_ms;
    return oldest_ms;
}

bool flights_take(struct flights *flights, struct flight *ended)
{
    for (size_t i = 0; i < flights->count; i++)
        if (flights->list[i].ended) {
            *ended = flights->list[i];
            flights->list[i] = flights->list[--flights->count];
            return true;
        }
    return false;
}

void flights_put_back(struct flights *flights, const struct flight *ended)
{
    flights->list[flights->count++] = *ended;
}

void flights_recall(struct flights *flights)
{
    size_t kept = 0;

    for (size_t i = 0; i < flights->count; i++)
        if (flights->list[i].ended)
            flights->list[kept++] = flights->list[i];
    flights->count = kept;
    flights->bytes = 0;
}
