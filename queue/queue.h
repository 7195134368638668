/* clang-format off */
/*
 * queue.h - the store: what devices said, what must be delivered, and what
 * became of it, on disk.
 *
 * Two kinds of LMDB environment below one folder:
 *
 *   DIR/2026-11/   a month (UTC+8, of receipt): the log.  Every change of the
 *                  store is one record here, appended once and never moved:
 *                  events with their bodies, deliveries made, outcomes,
 *                  notes.  Each record carries a CRC-32; its key is its
 *                  sequence number.  A commit here is what makes durable.
 *   DIR/hot/       states, indexes, de-duplication keys, notes, day sums, the
 *                  head of the outcome chain: all derived from the log.
 *
 * No transaction spans both.  A group commits its log records first (that
 * sync is what a PUBACK waits for), then the hot environment; queue_open
 * applies what the log has beyond the hot environment, with the same code
 * that applied it live.  So an enqueue waits for one LMDB commit, a state
 * change never rewrites a picture, and a month is dropped by removing its
 * folder.  A hot environment that is lost is rebuilt from the months.
 *
 * The life of a delivery (its id is the sequence number of the record that
 * made it).  It is made WAITING, HELD (a fact is absent) or REJECTED (a fact
 * is impossible).  The arrows, and no others:
 *
 *    from         may become
 *    ---------    -------------------------------------------------------
 *    WAITING      PARKED  HELD  DELIVERED  REJECTED  DISCARDED
 *    PARKED       PARKED (another round)  WAITING  HELD  DELIVERED  REJECTED
 *                 DISCARDED
 *    HELD         WAITING (released, completed)  HELD (still incomplete)
 *                 REJECTED  DISCARDED  DELIVERED (answered)
 *    REJECTED     WAITING (retried, completed)  HELD  DISCARDED
 *    DELIVERED    WAITING, as a replay
 *    DISCARDED    DELIVERED (answered)
 *
 * Answered: an operator held or discarded what was in flight, and then the
 * platform accepted it (CAUSE_ANSWER): the platform has it, so it is delivered.
 *
 * In flight is not stored: after a crash such a delivery is WAITING (or
 * PARKED) again, so a platform may see it twice, and attempts is a lower
 * bound.
 *
 * What is accounted, per day (UTC+8) and kind, in the transaction that
 * changes the state:
 *   events received = used + joining + unrouted + invalid + repeats
 *   deliveries made = waiting + parked + held + delivered + rejected +
 *                     discarded
 *
 * Threads: writing (queue_begin ... queue_commit and the puts between) is for
 * one thread, the committer.  Any thread may read at any time; a read sees
 * the last queue_commit and copies what it returns.  Times are Unix
 * milliseconds and are passed in: the store never reads a clock.
 * In the committer's thread, with a group open, every read sees the group.
 *
 * An adapter's events wait in an outbox (outbox.h), not here: a log never
 * gives a single record's pages back.
 */
/* clang-format on */
#ifndef SAMPAN_QUEUE_H
#define SAMPAN_QUEUE_H

#include <stdint.h>

#include "bytes.h"

struct queue;

#define QUEUE_DIGEST_SIZE 32

/* ---- opening ---------------------------------------------------------- */

enum queue_when_full { QUEUE_SHED_DELIVERED, QUEUE_STOP };

struct queue_options {
    const char *folder;     /* made when absent, mode 0700 */
    uint64_t quota_bytes;   /* of all months and the hot environment */
    uint64_t reserve_bytes; /* of the file system, kept free for others */
    uint64_t hot_map_bytes; /* address space; 0: a quarter of the quota */
    int keep_months;        /* retention, counting the running month; >= 1 */
    int dedup_days;         /* 40 */
    enum queue_when_full when_full;
    int64_t now_ms;
    /* SHA-256; given by the caller because OpenSSL lives in crypto.  NULL:
     * outcomes are not chained. */
    enum status (*digest)(struct span input,
                          uint8_t digest[static QUEUE_DIGEST_SIZE]);
};

/* What queue_open found and did; all zero for a quiet start. */
struct queue_opening {
    uint64_t reapplied;  /* log records applied to the hot environment */
    bool rebuilt;        /* the hot environment was made anew */
    char set_aside[512]; /* "" or the folders renamed out of the way */
    char reason[256];    /* and why */
};

/*
 * Open or make the store below options->folder; it is locked against a second
 * process.  An environment that does not open (damaged, not LMDB) is renamed
 * to NAME.set-aside-TIME, told in *opening, and a clean one takes its place;
 * nothing is deleted.
 *
 * VERSION: a newer program wrote it, nothing was touched.  BUSY: another
 * process has it open.  IO, NOMEM, FULL.
 */
MUST_CHECK enum status queue_open(const struct queue_options *options,
                                  struct queue_opening *opening,
                                  struct queue **queue);
/* For a look at a store whose bridge is stopped: nothing is written, several
 * may look at once.  What a crash left in the log beyond the hot environment
 * is in queue_events_each alone.  BUSY, NOT_FOUND, CORRUPT, VERSION, IO. */
MUST_CHECK enum status queue_open_reader(const struct queue_options *options,
                                         struct queue **queue);
void queue_close(struct queue *queue);

/* ---- what is stored --------------------------------------------------- */

enum queue_fate {
    FATE_USED,     /* a delivery was made of it, or a fact was taken from it */
    FATE_JOINING,  /* waits for the rest of its passage or interval */
    FATE_UNROUTED, /* valid, and no destination wants it */
    FATE_INVALID,  /* its reason says why */
    FATE_REPEAT,   /* known already: counted, not stored again */
};
#define QUEUE_FATES 5

/* One message of a device.  Spans are borrowed in a put, owned by the buffer
 * in a read. */
struct queue_event {
    uint64_t id;          /* out: its sequence number */
    const char *kind;     /* "camera/capture", "meter/reading", ... <= 63 */
    const char *device;   /* the device's id, "" when it has none, <= 63 */
    const char *topic;    /* <= 1023 bytes */
    const char *event_id; /* the device's own id of it, "" when none, <= 127 */
    int64_t event_at_ms;  /* what the device said; 0: it did not */
    int64_t received_at_ms;
    uint32_t revision; /* 0, or higher for a later edition of the same */
    enum queue_fate fate;
    const char *reason; /* of INVALID, else ""; <= 511 */
    struct span body;   /* the payload as it came */
};

enum queue_state {
    STATE_WAITING,
    STATE_PARKED,
    STATE_HELD,
    STATE_DELIVERED,
    STATE_REJECTED,
    STATE_DISCARDED,
};
#define QUEUE_STATES 6
const char *queue_state_name(enum queue_state state); /* "waiting" ... */
/* NOT_FOUND. */
MUST_CHECK enum status queue_state_find(const char *name,
                                        enum queue_state *state);

/* Which line a delivery stands in.  A lane is scanned in order of id. */
enum queue_lane {
    LANE_FRESH,   /* WAITING, may go now */
    LANE_BLOCKED, /* WAITING, behind another delivery that is not yet done */
    LANE_REPLAY,  /* WAITING, asked for again by an operator */
    LANE_PARKED,
    LANE_HELD,
    LANE_REJECTED,
};
#define QUEUE_LANES 6

/* What frees a delivery from behind the one it follows. */
enum queue_after {
    AFTER_DELIVERED, /* only its success (a photo after its record) */
    AFTER_SETTLED,   /* anything but WAITING and PARKED (days in order) */
};

struct queue_delivery_new {
    const char *destination; /* <= 63 */
    const char *interface;   /* <= 63 */
    enum queue_state state;  /* WAITING, HELD or REJECTED */
    const char *reason;      /* of HELD and REJECTED, else "" */
    const char *number;      /* the record's own number (recordId ...), "" */
    const char *subject;     /* plate or meter, for finding it; "" */
    const char *order_key;   /* records with the same key go one by one; "" */
    uint64_t follows;        /* 0, or the delivery to stay behind */
    enum queue_after after;
    const uint64_t *events; /* what it is made of: their months are kept */
    size_t event_count;     /* <= 256 */
    struct span facts;      /* fixed for ever; the platform's business */
    int64_t made_at_ms;
};

/* A delivery as it stands. */
struct queue_delivery {
    uint64_t id;
    enum queue_state state;
    enum queue_lane lane; /* for the settled states: meaningless */
    char destination[64];
    char interface[64];
    char number[128];
    char subject[64];
    uint64_t order_key; /* a hash; 0: none */
    uint64_t follows;
    int64_t made_at_ms;
    int64_t changed_at_ms;
    uint32_t attempts; /* in all, a lower bound */
    uint32_t rounds;   /* times it was parked */
    char reason[512];  /* of the present state; the platform's words */
};

enum queue_cause {               /* who or what brought an outcome about */
                   CAUSE_ANSWER, /* the platform's answer, or none in time */
                   CAUSE_OPERATOR,
                   CAUSE_BRIDGE, /* a rule of our own (a deadline, a
                                    predecessor) */
};

/* A change of state.  Every outcome is in the hash chain. */
struct queue_outcome {
    uint64_t seq; /* out */
    uint64_t delivery;
    enum queue_state state; /* the new one */
    bool replay;            /* with WAITING: into the replay lane */
    uint32_t attempts;      /* made since the last outcome */
    enum queue_cause cause;
    int64_t at_ms;
    const char *actor;  /* operator's name, or "" ; <= 63 */
    const char *verb;   /* "delivered", "park", "retry", "hold" ... */
    const char *reason; /* the platform's words, or the operator's; <= 511 */
    struct span answer; /* what the platform sent, cut to 2048 bytes */
    struct span facts;  /* empty, or the facts that replace the old ones
                           (complete) */
};

/* ---- writing: the committer's thread ---------------------------------- */

/* Start a group.  Its records go to the month of now_ms, or to the newest
 * month there is when the clock went back or there is no room for a new one.
 * IO, NOMEM, FULL. */
MUST_CHECK enum status queue_begin(struct queue *queue, int64_t now_ms);

/*
 * Has this event been stored?  Key: device, event_at_ms, event_id (without an
 * event_id: no key, answer OK, *known 0).  known: its id; revision: the
 * highest seen; same_body: whether its body had the same bytes.  Sees what
 * the present group has put.  An event without time is recognised for the
 * day of its receipt and the day before.
 */
MUST_CHECK enum status queue_find_event(struct queue *queue,
                                        const struct queue_event *event,
                                        uint64_t *known, uint32_t *revision,
                                        bool *same_body);
/* Append an event.  FULL: the quota is reached, nothing was put and the group
 * goes on (outcomes still have the reserve).  INVALID: a field is too long. */
MUST_CHECK enum status queue_put_event(struct queue *queue,
                                       struct queue_event *event);
/* Count a repeat without storing it. */
MUST_CHECK enum status queue_put_repeat(struct queue *queue, const char *kind,
                                        int64_t received_at_ms);
/* An event's fate changes (JOINING -> USED ...).  NOT_FOUND when its month
 * has been dropped. */
MUST_CHECK enum status queue_put_fate(struct queue *queue, uint64_t event,
                                      enum queue_fate fate);
/* Make a delivery; *id gets its number.  It is not refused as FULL in a group
 * that took an event.  FULL; INVALID: a field is too long, or it is made of,
 * or follows, what does not exist. */
MUST_CHECK enum status queue_put_delivery(struct queue *queue,
                                          const struct queue_delivery_new *made,
                                          uint64_t *id);
/* Change a delivery's state.  DENIED when there is no such arrow, or facts
 * are given for one that is neither HELD nor REJECTED.  NOT_FOUND, also when
 * it should wait again and the month with its facts was dropped.  INVALID:
 * actor or verb is too long; a longer reason or answer is cut. */
MUST_CHECK enum status queue_put_outcome(struct queue *queue,
                                         struct queue_outcome *outcome);
/*
 * Notes: what the bridge must not forget (counters, joining passages, a
 * paused destination, an intent).  A key is at most 255 bytes of space, '/'
 * and name; an empty value removes the note.
 */
MUST_CHECK enum status queue_put_note(struct queue *queue, const char *space,
                                      struct span key, struct span value);

/*
 * Commit the group.  durable(arg) is called as soon as the log records are on
 * disk, before the hot environment is written: it may release receipts and
 * must not block.  When the log cannot be committed the whole group is undone,
 * durable is not called and the status says why (FULL, IO, NOMEM).  So it is
 * when a put failed half-way (a map was too small, no memory): every put from
 * there on and queue_commit give its status, and the next group finds a
 * larger map.
 */
MUST_CHECK enum status queue_commit(struct queue *queue,
                                    void (*durable)(void *arg), void *arg);
void queue_abort(struct queue *queue);

/* A delivery that was put into LANE_FRESH. */
struct queue_fresh {
    uint64_t id;
    uint64_t order_key; /* a hash; 0: none */
    const char *destination;
};
/* All that the records above after and up to until put there, in order. */
struct queue_made {
    uint64_t after;
    uint64_t until;
    const struct queue_fresh *list;
    size_t count;
};
/* What the group made; in durable only.  It is on disk and in no lane yet;
 * queue_delivery_load and queue_body_read find it already. */
struct queue_made queue_borrow_made(const struct queue *queue);

/* ---- reading: any thread ---------------------------------------------- */

/* Up to *count ids of a lane, greater than after, in order.  *until: how far
 * it was read, the last id or, when there are no more, the newest record's of
 * the store. */
MUST_CHECK enum status queue_lane_read(struct queue *queue,
                                       const char *destination,
                                       enum queue_lane lane, uint64_t after,
                                       uint64_t *ids, size_t *count,
                                       uint64_t *until);

/* NOT_FOUND, CORRUPT, IO.  When only the record with the reason is damaged,
 * the reason says so: the delivery can still be sent. */
MUST_CHECK enum status queue_delivery_read(struct queue *queue, uint64_t id,
                                           struct queue_delivery *delivery);
/* The same and its present facts, for sending it: *facts_status is CORRUPT or
 * NOT_FOUND when only they cannot be had.  What queue_borrow_made told of and
 * the lanes do not show yet is found too, as it was made. */
MUST_CHECK enum status queue_delivery_load(struct queue *queue, uint64_t id,
                                           struct queue_delivery *delivery,
                                           struct bytes *facts,
                                           enum status *facts_status);
/* The present facts and the ids of the events (their count goes to
 * *event_count, at most 256).  CORRUPT: the CRC does not fit. */
MUST_CHECK enum status queue_facts_read(struct queue *queue, uint64_t id,
                                        struct bytes *facts,
                                        uint64_t events[static 256],
                                        size_t *event_count);
/* *event points into *buffer.  NOT_FOUND (its month was dropped, or its body
 * was shed), CORRUPT. */
MUST_CHECK enum status queue_event_read(struct queue *queue, uint64_t id,
                                        struct queue_event *event,
                                        struct bytes *buffer);
/* Its body alone; it replaces what *body holds. */
MUST_CHECK enum status queue_body_read(struct queue *queue, uint64_t id,
                                       struct bytes *body);
MUST_CHECK enum status queue_note_read(struct queue *queue, const char *space,
                                       struct span key, struct bytes *value);
/* Every note of a space in order of key; visit returns false to stop.  In the
 * committer's thread it sees the present group too, and so does
 * queue_note_read. */
MUST_CHECK enum status queue_note_each(struct queue *queue, const char *space,
                                       bool (*visit)(void *arg, struct span key,
                                                     struct span value),
                                       void *arg);

struct queue_filter {
    const char *destination; /* NULL: any */
    const char *interface;   /* NULL: any */
    const char *subject;     /* NULL: any */
    int state;               /* -1: any */
    int64_t from_ms;         /* made at or after; 0: any */
    int64_t until_ms;        /* made before; 0: any */
    uint64_t after;          /* ids above this one: the page's cursor */
};
/* visit in order of id until it returns false. */
MUST_CHECK enum status
queue_list(struct queue *queue, const struct queue_filter *filter,
           bool (*visit)(void *arg, const struct queue_delivery *delivery),
           void *arg);

/* The outcomes of one delivery, oldest first; spans die with the visit. */
MUST_CHECK enum status
queue_history(struct queue *queue, uint64_t id,
              void (*visit)(void *arg, const struct queue_outcome *outcome),
              void *arg);

/* The events of a time range of receipt, for export and for `dump`. */
MUST_CHECK enum status
queue_events_each(struct queue *queue, int64_t from_ms, int64_t until_ms,
                  bool (*visit)(void *arg, const struct queue_event *event),
                  void *arg);

/* ---- the books -------------------------------------------------------- */

struct queue_event_sums {
    uint64_t received;
    uint64_t fates[QUEUE_FATES]; /* their sum is received */
};
struct queue_delivery_sums {
    uint64_t made;
    uint64_t states[QUEUE_STATES]; /* their sum is made */
};

/* One row a kind (events) and a destination and interface (deliveries) of a
 * day given as 20261120, or of all time with day 0. */
MUST_CHECK enum status
queue_day_events(struct queue *queue, uint32_t day,
                 void (*visit)(void *arg, const char *kind,
                               const struct queue_event_sums *sums),
                 void *arg);
MUST_CHECK enum status queue_day_deliveries(
    struct queue *queue, uint32_t day,
    void (*visit)(void *arg, const char *destination, const char *interface,
                  const struct queue_delivery_sums *sums),
    void *arg);

struct queue_space {
    uint64_t used_bytes;
    uint64_t quota_bytes;
    uint64_t fs_free_bytes;
    uint64_t reserve_bytes;
    bool full; /* queue_put_event would say FULL */
    uint64_t newest_seq;
    int months;
    char oldest_month[8]; /* "2026-11" */
};
MUST_CHECK enum status queue_space_read(struct queue *queue,
                                        struct queue_space *space);

struct queue_verdict {
    uint64_t records;  /* log records whose CRC was checked */
    uint64_t outcomes; /* links of the chain that were checked */
    uint64_t bad_crc;
    uint64_t bad_links;
    uint64_t bad_sums;      /* sums of a day that a recount does not give; not
                               counted when a record could not be read */
    uint64_t first_bad_seq; /* 0: none */
    uint8_t head[QUEUE_DIGEST_SIZE];
};
/* Read the whole store, check every CRC, every link of the outcome chain, and
 * that the day sums equal a recount of what is still stored.  Slow; runs
 * beside everything else. */
MUST_CHECK enum status queue_verify(struct queue *queue,
                                    struct queue_verdict *verdict);

/* ---- keeping within bounds: the committer's thread, between groups ---- */

enum queue_kept {
    KEPT_ALL,         /* nothing had to go */
    KEPT_NO_PICTURES, /* a settled month lost its large bodies */
    KEPT_NOT_A_MONTH, /* a settled month was dropped */
};
/*
 * Drop what is older than the retention, expire de-duplication keys and, near
 * the quota with QUEUE_SHED_DELIVERED, shed the oldest settled month:
 * pictures before records.  One step a call; month[8] names what went.  The
 * running month and a month with anything WAITING, PARKED, HELD or REJECTED
 * never go.  A month is old only when keep_months newer ones exist, so a
 * clock that jumps ahead drops nothing.
 */
MUST_CHECK enum status queue_keep(struct queue *queue, int64_t now_ms,
                                  enum queue_kept *kept, char month[static 8]);

/* Give pages of the maps that were read back to the system: resident memory
 * stays flat while a backlog is drained.  Any thread; cheap. */
void queue_trim(struct queue *queue);

#endif
