/*
 * courier_parts.h - what the files of a courier share.
 *
 *   courier.c         events in; opening and closing
 *   courier_hear.c    what the broker tells: receipts, the bridge's state
 *   courier_send.c    the thread: events out, and their endings
 *   courier_status.c  which devices are online
 */
#ifndef SAMPAN_COURIER_PARTS_H
#define SAMPAN_COURIER_PARTS_H

#include "courier.h"

#include <pthread.h>

#include "bridge_word.h"
#include "flights.h"
#include "mqtt.h"

#define COURIER_TOPIC_MAX 320

struct device {
    char name[OUTBOX_DEVICE_MAX + 1];
    bool online;
    char why[128];
};

struct courier {
    struct courier_options options;
    char prefix[160];       /* "sampan/v1/SITE/CLASS/" */
    char receipt[160];      /* "sampan/v1/SITE/receipt/CLASS/" */
    char state_topic[128];  /* "sampan/v1/SITE/bridge/state" */
    char status_topic[256]; /* of the adapter itself */
    struct outbox *outbox;
    struct mqtt_control *control;
    pthread_t thread;
    struct bytes content; /* the thread's */
    struct bytes message; /* the thread's */

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    bool closing;
    bool linked;
    bool news;                 /* something may be sent or ended */
    bool full_told;            /* the outbox was full at the last put */
    struct bridge_state state; /* not online until it has been heard */
    struct flights flights;
    uint64_t cursor; /* what is kept up to here was sent */
    struct device *devices;
    size_t device_count;
    struct courier_stats stats;
};

int64_t courier_steady_ms(const struct courier *courier);
int64_t courier_wall_ms(const struct courier *courier);

/* Events of the control client. */
void courier_arrived(void *arg, const struct mqtt_message *message);
void courier_linked(void *arg, bool up, const char *why);

/* The thread; arg is the courier. */
void *courier_send(void *arg);

/* The adapter's own status, and at the end those of all devices. */
void courier_status_begin(struct courier *courier);
void courier_status_end(struct courier *courier);

#endif
