/*
 * engine.h - what the files of an uplink share.  Inside bridge/uplink only.
 *
 *   uplink.c    the thread: inbox, curl's loop, status
 *   condition.c up, unreachable, paused, fault ... and who changes it
 *   calls.c     calls that are no records: session, heartbeat, probe
 *   lanes.c     records: from the store's lanes, or handed over, to
 *               candidates
 *   deliver.c   records: attempts and verdicts
 *   outcomes.c  records: what became of them, to the committer and back
 *   rounds.c    when the parked are offered again
 *
 * Everything here belongs to the uplink's thread but for struct inbox, struct
 * handed and struct uplink_status, which lock guards, and the session, which
 * session_lock guards against renderings in the pool.
 */
#ifndef SAMPAN_ENGINE_H
#define SAMPAN_ENGINE_H

#include <pthread.h>

#include "attempt.h"
#include "schedule.h"
#include "transfer.h"
#include "uplink.h"

#define COMMITTING_MAX                                                         \
    220 /* outcomes not yet on disk: duplicates after a kill */
#define CANDIDATES_MAX 512 /* looked at and not yet sent, a lane */
#define REFILL_COUNT 128   /* read from a lane at a time */
#define RESENDS_MAX 4096   /* records between attempts */
#define HANDED_MAX 256     /* handed over and not yet looked at */

/* An outcome on its way to the store and back. */
struct outcome {
    struct work work; /* first */
    struct uplink *uplink;
    struct queue_outcome change;
    char reason[512];
    struct bytes answer;
    enum status status;  /* of the commit */
    int64_t again_at_ms; /* steady; when it could not be committed */
    struct outcome *next;
};

/* What other threads leave for the uplink's. */
struct inbox {
    bool stop;
    int64_t stop_by_ms; /* steady */
    bool wake;
    uint64_t wake_from;
    bool pause;
    bool resume;
    bool round;
    char reason[512]; /* of pause */
    struct attempt *rendered;
    struct outcome *committed;
};

/* Fresh deliveries that are durable: all there are of ours with ids above
 * after and up to until.  until 0: nothing. */
struct handed {
    uint64_t after;
    uint64_t until;
    struct queue_fresh list[HANDED_MAX];
    size_t count;
};

/* A call that is no record. */
struct call {
    const struct interface *interface; /* NULL: a bare connect */
    struct transfer *transfer;         /* not NULL: on its way */
    int64_t next_ms;                   /* steady; when it may be made again */
    int64_t delay_ms;                  /* between failures */
    int64_t token_made_at_ms;          /* of the token it was rendered with */
    unsigned renewals;                 /* RENEW verdicts, one after another */
};

struct lane_state {
    uint64_t cursor; /* ids up to here were looked at */
    bool maybe_more; /* worth a look into the store */
    int64_t rescan_at_ms;
};

struct rounds {
    bool running;
    bool accepted_any; /* in the running one */
    uint64_t until;    /* ids above were parked after it began */
    int64_t interval_ms;
    int64_t gap_ms;       /* to the next that a success may begin */
    int64_t next_wall_ms; /* 0: none planned */
    int64_t last_steady_ms;
    uint32_t highest; /* rounds seen on a record of this round */
};

struct uplink {
    struct uplink_options options;
    const struct platform *platform;
    bool sealed; /* rendering costs a signature: use the pool */
    const struct interface *heartbeat; /* or NULL */
    bool has_followers; /* an interface keeps records behind others */
    struct session session;
    pthread_rwlock_t session_lock;
    CURLM *multi;
    struct transfer *idle_transfers;
    struct transfer *sent; /* on their way, calls and records */
    struct schedule *schedule;
    struct lane_state lanes[SOURCES];
    struct handed taken;     /* from handed, for one pass of the loop */
    uint64_t durable;        /* the newest we were told of; the lanes hold no id
                                above it */
    uint64_t horizon;        /* ids up to here are backlog, above it fresh */
    int64_t horizon_next_ms; /* steady; when it may move by itself */
    unsigned rendering;      /* attempts in the pool */
    struct outcome *uncommitted; /* to be submitted again */
    unsigned renewals;           /* tokens refused since the last acceptance */
    bool failing; /* an attempt failed since the last acceptance */
    bool stopping;
    int64_t stop_by_ms;
    struct call session_call;
    struct call beat_call;
    struct call probe_call;
    struct rounds rounds;
    bool paused;
    char pause_reason[512];
    int64_t fault_until_ms;   /* steady; a fault is tried again then */
    struct uplink_status now; /* the thread's copy */
    pthread_t thread;
    pthread_mutex_t lock;
    struct inbox inbox;
    struct handed handed;
    uint64_t told;               /* durable, as the committer's thread says */
    struct uplink_status status; /* published */
};

/* ---- uplink.c ---- */
int64_t engine_steady_ms(const struct uplink *uplink);
int64_t engine_wall_ms(const struct uplink *uplink);
/* A handle for a request; NULL: no memory. */
struct transfer *engine_transfer(struct uplink *uplink);
void engine_transfer_done(struct uplink *uplink, struct transfer *transfer);
/* Into the multi handle; false: gave up, transfer is idle again. */
bool engine_send(struct uplink *uplink, struct transfer *transfer);
void engine_answer_seen(struct uplink *uplink, const struct answer *answer,
                        const char *text);

/* ---- condition.c ---- */
void condition_set(struct uplink *uplink, enum uplink_condition condition,
                   const char *reason);
bool condition_sends(const struct uplink *uplink);
/* The platform was reached; the first time after a failure matters. */
void condition_reached(struct uplink *uplink);
void condition_unreachable(struct uplink *uplink, const char *words);
void condition_fault(struct uplink *uplink, const char *words);
/* Pause, resume, clock: decide what holds now. */
void condition_review(struct uplink *uplink);
bool condition_clock_plausible(const struct uplink *uplink);

/* ---- calls.c ---- */
MUST_CHECK enum status calls_open(struct uplink *uplink);
void calls_due(struct uplink *uplink);
/* true: the transfer was a call's, and it has been dealt with. */
bool calls_ended(struct uplink *uplink, struct transfer *transfer,
                 CURLcode code);
/* When calls_due wants to be called at the latest (steady). */
int64_t calls_next_ms(const struct uplink *uplink);
/* A destination that was just found dead is asked again in a second. */
void calls_probe_soon(struct uplink *uplink);
/* An operator resumes the destination: at once, and without an old intent. */
void calls_resume(struct uplink *uplink);
/* The token is no longer good. */
void calls_token_drop(struct uplink *uplink);
/* A once-only call is on its way: its answer is worth waiting for. */
bool calls_once_only_out(const struct uplink *uplink);

/* ---- lanes.c ---- */
/* Ids from here on may be new in a lane; 0: look at all of it again. */
void lanes_wake(struct uplink *uplink, uint64_t from);
void lanes_refill(struct uplink *uplink);
/* Make candidates of what was handed over, when the lane was read up to it;
 * otherwise the lane will show it. */
void lanes_take_over(struct uplink *uplink);
/* The destination can be reached (again): what waits by now is backlog. */
void lanes_horizon(struct uplink *uplink);
/* Whether the delivery still stands where its lane was read. */
bool lanes_row_fits(const struct queue_delivery *row, enum source source);

/* ---- deliver.c ---- */
void deliver_launch(struct uplink *uplink);
/* One more may be in flight. */
bool deliver_has_room(const struct uplink *uplink);
/* false: memory is short, stop for now. */
bool deliver_rendered(struct uplink *uplink, struct attempt *attempt);
void deliver_ended(struct uplink *uplink, struct transfer *transfer,
                   CURLcode code);

/* ---- outcomes.c ---- */
/* The outcome of a delivery that schedule_settle has already been told of. */
void outcome_submit(struct uplink *uplink, uint64_t id, enum queue_state state,
                    enum queue_cause cause, const char *reason,
                    struct span answer);
const char *outcome_verb(enum queue_state state);
/* It came back from the committer. */
void outcome_committed(struct uplink *uplink, struct outcome *outcome);
/* Submit again what could not be committed. */
void outcomes_again(struct uplink *uplink);

/* ---- rounds.c ---- */
void rounds_open(struct uplink *uplink);
void rounds_due(struct uplink *uplink);
void rounds_begin(struct uplink *uplink);
/* The parked lane has nothing more for this round. */
void rounds_drained(struct uplink *uplink);
void rounds_success(struct uplink *uplink); /* first after a failure */
/* A parked record was delivered: rounds are worth while again. */
void rounds_accepted(struct uplink *uplink);

#endif
