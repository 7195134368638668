/*
 * bridge_parts.h - what the files of the daemon share.
 *
 *   bridge.c  opens, runs and closes the parts
 *   links.c   the two clients of the broker, and what comes and goes by them
 */
#ifndef SAMPAN_BRIDGE_PARTS_H
#define SAMPAN_BRIDGE_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "admin.h"
#include "bridge.h"
#include "committer.h"
#include "crypto.h"
#include "ingest.h"
#include "intake.h"
#include "mqtt.h"
#include "queue.h"
#include "uplink.h"

struct bridge {
    const struct config *config;
    const struct clock *clock;
    char state_folder[PATH_MAX];
    struct queue *queue;
    struct crypto_pool *pool;
    struct ingest *ingest;
    struct intake *intake;
    struct committer *committer;
    struct uplink **uplinks;
    struct admin *admin; /* under lock, from control_open on */
    struct mqtt_control *control;
    struct mqtt_source *source;
    char state_topic[96];
    char admin_prefix[96];
    int64_t started_ms;
    atomic_bool broker_up;
    atomic_ullong broker_dropped;
    pthread_mutex_t lock;
    bool full;          /* under lock */
    char full_why[128]; /* under lock */
    uint64_t used_then_bytes;
    int64_t used_then_ms;
};

/* The client that carries admin, receipts and state.  Its requests go to
 * bridge->admin. */
MUST_CHECK enum status links_control_open(struct bridge *bridge);
/* The client that carries the data; what arrives goes to bridge->intake. */
MUST_CHECK enum status links_source_open(struct bridge *bridge);
/* Send by the control client: a receipt, or a reply; arg is the bridge. */
void links_publish(void *arg, const char *topic, struct span payload);
void links_admin_reply(void *arg, const char *user, struct span json);

#endif
