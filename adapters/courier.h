/*
 * courier.h - carries a device's events to the bridge, and keeps each until
 * the bridge has said that it is stored.
 *
 *   courier_put --(on disk)--> KEPT --> IN FLIGHT --receipt--> gone
 *                               ^           |
 *                               +-----------+ no receipt in time, a new
 *                                             connection, a restart
 *
 * An event that courier_put took survives a power cut, a dead broker and a
 * dead bridge; only a receipt (docs/topics.md: stored, or rejected with its
 * reason) ends it.  A rejected one is logged and kept aside, the newest 1000,
 * for a person to look at.
 *
 * Events leave oldest first, at most in_flight of them and 8 MiB unreceipted
 * at a time, and none while bridge/state says that the bridge is full.  Two
 * editions of one event never fly together.
 *
 * De-duplication: an event is known by device, time and event id for
 * dedup_days, also across restarts.  The same content is a repeat; other
 * content is the next revision of the same event (a late picture).  A member
 * "history" makes no other content: a device whose answer was lost tells the
 * same event once more, later.
 *
 * Any thread may call any function.  Times are Unix milliseconds.
 */
#ifndef SAMPAN_COURIER_H
#define SAMPAN_COURIER_H

#include <jansson.h>

#include "adapter_config.h"
#include "clock.h"

struct courier;

struct courier_options {
    const struct adapter_config *config; /* borrowed until the close */
    const char *class;                   /* "camera"; static */
    const struct clock *clock;
    /* NULL, or called when the bridge has stored or refused an event (reason:
     * NULL or why refused).  In the courier's thread; must not block. */
    void (*receipted)(void *arg, const char *device, const char *event_id,
                      const char *reason);
    void *arg;
};

/* Opens the outbox below config->outbox.folder and begins to connect; returns
 * at once, whether or not a broker is there.  Logs what it found.  BUSY:
 * another process uses that outbox.  VERSION, IO, NOMEM, FULL. */
MUST_CHECK enum status courier_open(const struct courier_options *options,
                                    struct courier **courier);
/* What was put stays; statuses go to offline; about two seconds at most. */
void courier_close(struct courier *courier);

struct courier_event {
    const char *device;   /* ID in the topic: no '/', '+', '#'; <= 63 bytes */
    const char *leaf;     /* "capture", "weight", "reading" */
    const char *event_id; /* the device's own id of it; 1 .. 127 bytes */
    int64_t at_ms;        /* when it happened; part of its identity */
    /* The payload's other members, borrowed; event_id, time and, from the
     * second edition on, revision are added by the courier. */
    const json_t *content;
};

enum courier_news {
    COURIER_NEW,     /* the first of its kind */
    COURIER_EDITION, /* a later revision of a known event */
    COURIER_REPEAT,  /* known, with the same content: nothing was stored */
};

/*
 * Keep an event.  OK: it is on disk (fdatasync-ed), or *news says REPEAT.
 * Puts of several threads share one commit.  FULL: outbox.quota_mb is reached
 * or the disk is full, nothing was stored and the device must keep it.
 * INVALID: a name or id is too long or of the wrong form.  IO, NOMEM.
 */
MUST_CHECK enum status courier_put(struct courier *courier,
                                   const struct courier_event *event,
                                   enum courier_news *news);

/* What is of no use later (a live weight): QoS 0, dropped when not connected.
 */
void courier_live(struct courier *courier, const char *device, const char *leaf,
                  const json_t *content);

/* Tell .../CLASS/DEVICE/status, retained, when it is news.  why: NULL, or a
 * few words ("no answer since 10:15"). */
void courier_status(struct courier *courier, const char *device, bool online,
                    const char *why);

struct courier_stats {
    uint64_t kept;       /* events that wait for their receipt */
    uint64_t kept_bytes; /* of them */
    uint64_t in_flight;
    uint64_t receipted; /* since the start */
    uint64_t rejected;
    uint64_t repeats;
    int64_t oldest_at_ms; /* of the kept; 0: none */
    bool linked;          /* to the broker */
    bool held;            /* the bridge says that it is full */
};
void courier_stats(struct courier *courier, struct courier_stats *stats);

#endif
