/*
 * uplink.h - one destination: its thread, its budget, its retries.
 *
 * An uplink takes its deliveries from the store's lanes, has the platform
 * render them, sends them over HTTP(S), has the answer judged and submits the
 * outcome to the committer.  What is in flight, what waits for a resend and
 * when, lives in its memory, bounded; the disk holds states.
 *
 *   fresh and parked lanes are taken in turn, replays when both have had
 *   theirs; a heartbeat has a connection of its own and never waits.
 *
 * The retry rule: one attempt and three resends (settings: 5, 30, 120 s, with
 * jitter), then PARKED.  A round offers the parked again: on energy platforms
 * at uploadTime; elsewhere every 15 minutes (growing to 4 h) and at the first
 * success after a failure.
 *
 * Faults of the destination cost no record an attempt:
 *   unreachable  no connection (DNS, refused, TLS): probed by token call,
 *                heartbeat or a bare connect until it answers
 *   paused       by an operator, or by VERDICT_FAULT with its reason
 *   clock        the wall clock is not plausible yet
 */
#ifndef SAMPAN_UPLINK_H
#define SAMPAN_UPLINK_H

#include "bytes.h"
#include "clock.h"
#include "committer.h"
#include "config.h"
#include "crypto.h"
#include "platform.h"
#include "queue.h"

struct uplink;

enum uplink_condition {
    UPLINK_STARTING,
    UPLINK_UP,
    UPLINK_UNREACHABLE,
    UPLINK_PAUSED,     /* by an operator */
    UPLINK_FAULT,      /* the destination is wrong: see reason */
    UPLINK_NO_SESSION, /* registration or token is not there yet */
    UPLINK_NO_CLOCK,
};
const char *uplink_condition_name(enum uplink_condition condition);

struct uplink_status {
    char destination[64];
    enum uplink_condition condition;
    char reason[512]; /* one sentence when not UP */
    uint32_t in_flight;
    uint32_t resending; /* records between attempts */
    uint64_t requests;  /* since start */
    uint64_t accepted;
    uint64_t failed;          /* attempts without success */
    int64_t last_accepted_ms; /* wall; 0: never since start */
    int64_t last_answer_ms;
    char last_answer[128]; /* "vehicleAccess 200 accepted" */
    int64_t heartbeat_ms;  /* last accepted heartbeat; 0: none */
    int64_t next_round_ms; /* wall; 0: none planned */
    int64_t
        clock_offset_ms; /* platform's time minus ours; INT64_MIN: not known */
    bool needs_operator;
};

struct uplink_options {
    const struct config *config;
    const struct destination_config *destination;
    const char *state_folder; /* credentials live in DIR/NAME.json, .pem */
    struct queue *queue;
    struct committer *committer;
    struct crypto_pool *pool;
    const struct clock *clock;
};

MUST_CHECK enum status uplink_open(const struct uplink_options *options,
                                   struct uplink **uplink);
/* Start nothing new from here; any thread.  To stop many at once. */
void uplink_stop(struct uplink *uplink, int64_t grace_ms);
/* Ends what is in flight within grace_ms, then gives it up (it is waiting
 * again after a restart).  The committer must still be open. */
void uplink_close(struct uplink *uplink, int64_t grace_ms);

/* All of these: any thread. */
/* The store has new deliveries.  from: the lowest id that came back into a
 * lane (released, retried, replayed); UINT64_MAX when all are newer than
 * before; 0: look at everything again. */
void uplink_wake(struct uplink *uplink, uint64_t from);
/* These are durable: what is ours may be sent before the lanes show it.  Every
 * group is to be told, in order, and waked for once the lanes have it; an
 * uplink that is told of none looks into the lanes at each wake. */
void uplink_hand_over(struct uplink *uplink, const struct queue_made *made);
void uplink_pause(struct uplink *uplink, const char *reason);
void uplink_resume(struct uplink *uplink); /* ends PAUSED and FAULT */
void uplink_round(struct uplink *uplink);  /* offer the parked now */
void uplink_status(struct uplink *uplink, struct uplink_status *status);

/*
 * Check a destination step by step without touching a record: name
 * resolution, connection, TLS, session, heartbeat.  One line a step to words;
 * never a token.  Blocks up to the destination's timeouts.  OK only when all
 * steps passed.
 */
MUST_CHECK enum status uplink_test(const struct uplink_options *options,
                                   struct bytes *words);

#endif
