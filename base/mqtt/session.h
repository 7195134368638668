/*
 * session.h - a Paho client that connects, reconnects for ever, subscribes
 * after each connect, and sends.
 *
 *   DOWN --(100 ms .. 10 s)--> CONNECTING --> UP --> DOWN ...
 *                                  |          |
 *                                  +--> DOWN  +--> REFUSED --> LEAVING --> DOWN
 *
 * REFUSED: a subscription was, and a session that hears nothing is of no use.
 *
 * Mosquitto 2.0 hangs up on who publishes what its account may not (where
 * max_queued_messages is 0): why then names that topic.
 *
 * Each session has a thread.  It alone calls Paho, so that no lock is ever
 * held around a call that may wait for Paho's; linked and idle are called in
 * it.  arrived is called in Paho's own thread, which all sessions share.
 */
#ifndef SAMPAN_MQTT_SESSION_H
#define SAMPAN_MQTT_SESSION_H

#include <MQTTAsync.h>

#include "mqtt.h"

struct session;

#define SESSION_WHY_MAX 256

struct session_events {
    /* message and topic are borrowed. */
    void (*arrived)(void *arg, const char *topic,
                    const MQTTAsync_message *message);
    /* Paho knows only that the connection is gone: fill why.  In Paho's
     * threads; may be NULL. */
    void (*explain)(void *arg, char why[static SESSION_WHY_MAX]);
    /* Only what is news: a change, or another why. */
    void (*linked)(void *arg, bool up, const char *why);
    /* After session_poke, while UP: the time to call session_send.  May be
     * NULL. */
    void (*idle)(void *arg);
    void *arg;
};

struct session_options {
    const struct mqtt_options *mqtt; /* borrowed until the close */
    char *const *filters;            /* end with NULL; borrowed */
    int qos;                         /* of the filters */
    const char *uri;                 /* where Paho connects to */
    bool tls;                        /* Paho's own */
    bool clean;                      /* no session at the broker */
    const char *thread_name;         /* static, up to 15 characters */
};

MUST_CHECK enum status session_open(const struct session_options *options,
                                    const struct session_events *events,
                                    struct session **session);
/* Any thread. */
void session_poke(struct session *session);
/*
 * In idle only: may another be sent?  When no longer, idle is called again as
 * soon as one may.  Paho itself would wait up to a second once as many
 * messages are out as the broker takes at a time (its Receive Maximum).
 */
bool session_has_room(struct session *session);
/* In idle only.  OFFLINE: it was not sent. */
MUST_CHECK enum status session_send(struct session *session, const char *topic,
                                    struct span payload, int qos,
                                    bool retained);
/* Disconnects (within two seconds, sent messages acknowledged if possible),
 * joins; no event after it. */
void session_close(struct session *session);

#endif
