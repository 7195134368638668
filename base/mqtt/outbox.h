/*
 * outbox.h - what a control client is to send, in order; and the last
 * retained message of each topic, for as long as the client lives.
 *
 * Retained messages are sent again at each connection: the broker may have
 * lost them, or put the last will in their place.
 *
 * Any thread.
 */
#ifndef SAMPAN_MQTT_OUTBOX_H
#define SAMPAN_MQTT_OUTBOX_H

#include "bytes.h"

struct outbox;

struct letter {
    struct letter *next;
    char *topic;
    struct bytes payload;
    int qos;
    bool retained;
};

void letter_free(struct letter *letter);

#define OUTBOX_WAITING_MAX 10000 /* letters */
#define OUTBOX_RETAINED_MAX 1000 /* topics */

MUST_CHECK enum status outbox_make(struct outbox **outbox);
void outbox_free(struct outbox *outbox);

/* OFFLINE: not linked and not retained, dropped.  NOMEM, also at a limit. */
MUST_CHECK enum status outbox_put(struct outbox *outbox, const char *topic,
                                  struct span payload, int qos, bool retained);
/* A connection is there: all that is retained waits again, and goes first.
 * NOMEM: some of it does not. */
MUST_CHECK enum status outbox_link(struct outbox *outbox);
/* It is gone: what waits is dropped. */
void outbox_unlink(struct outbox *outbox);
/* The next to be sent; the caller frees it.  NULL: nothing waits. */
struct letter *outbox_take(struct outbox *outbox);

#endif
