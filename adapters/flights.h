/*
 * flights.h - which events are out and wait for their receipt.  Pure: no
 * clock, no thread; times are steady milliseconds.
 *
 *   flights_add --> OUT --flights_end--> ENDED --flights_take--> gone
 *                    |                     ^                      |
 *                    |                     +--flights_put_back----+
 *                    +-- flights_due: nothing was heard of it in time
 */
#ifndef SAMPAN_FLIGHTS_H
#define SAMPAN_FLIGHTS_H

#include "outbox.h"

struct flight {
    uint64_t seq; /* in the outbox */
    char device[OUTBOX_DEVICE_MAX + 1];
    char published_id[OUTBOX_ID_MAX + 1];
    uint32_t revision;
    size_t bytes; /* of its message */
    int64_t sent_at_ms;
    bool ended;
    char reason[OUTBOX_REASON_MAX + 1]; /* of a rejected one, else "" */
};

struct flights {
    struct flight *list;
    size_t count; /* with those ended and not taken */
    size_t most;
    size_t bytes; /* of those out */
};

MUST_CHECK enum status flights_make(struct flights *flights, size_t most);
void flights_free(struct flights *flights);

/* May one more go, with most_bytes out in all?  One may at any size. */
bool flights_have_room(const struct flights *flights, size_t most_bytes);
/* This entry is out, or has ended and was not taken. */
bool flights_have(const struct flights *flights, uint64_t seq);
/* So is another edition of this event. */
bool flights_bar(const struct flights *flights,
                 const struct outbox_entry *entry);
/* There must be room.  bytes: of the whole message. */
void flights_add(struct flights *flights, const struct outbox_entry *entry,
                 size_t bytes, int64_t now_ms);
/* A receipt for this edition and the earlier ones; reason NULL: stored.
 * False: none such is out. */
bool flights_end(struct flights *flights, const char *device, const char *id,
                 uint32_t revision, const char *reason);
/* The one out that was sent first, at or before before_ms; NULL: none. */
struct flight *flights_due(struct flights *flights, int64_t before_ms);
/* When the oldest was sent; INT64_MAX: none is out. */
int64_t flights_oldest_ms(const struct flights *flights);
/* One that has ended, copied and forgotten here; false: none. */
bool flights_take(struct flights *flights, struct flight *ended);
/* Taken, but the disk does not take its end: it stays ENDED. */
void flights_put_back(struct flights *flights, const struct flight *ended);
/* The connection is a new one: what is out counts as not sent. */
void flights_recall(struct flights *flights);

#endif
