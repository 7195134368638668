/*
 * letters.h - what a control client is to send, in order; and the last
 * retained message of each topic, for as long as the client lives.
 *
 * Retained messages are sent again at each connection: the broker may have
 * lost them, or put the last will in their place.
 *
 * Any thread.
 */
#ifndef SAMPAN_MQTT_LETTERS_H
#define SAMPAN_MQTT_LETTERS_H

#include "bytes.h"

struct letters;

struct letter {
    struct letter *next;
    char *topic;
    struct bytes payload;
    int qos;
    bool retained;
};

void letter_free(struct letter *letter);

#define LETTERS_WAITING_MAX 10000 /* letters */
#define LETTERS_RETAINED_MAX 1000 /* topics */

MUST_CHECK enum status letters_make(struct letters **letters);
void letters_free(struct letters *letters);

/* OFFLINE: not linked and not retained, dropped.  NOMEM, also at a limit. */
MUST_CHECK enum status letters_put(struct letters *letters, const char *topic,
                                   struct span payload, int qos, bool retained);
/* A connection is there: all that is retained waits again, and goes first.
 * NOMEM: some of it does not. */
MUST_CHECK enum status letters_link(struct letters *letters);
/* It is gone: what waits is dropped. */
void letters_unlink(struct letters *letters);
/* The next to be sent; the caller frees it.  NULL: nothing waits. */
struct letter *letters_take(struct letters *letters);

#endif
