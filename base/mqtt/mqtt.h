/*
 * mqtt.h - the broker: a source of messages whose acknowledgement waits for
 * the disk, and a control client that never waits for anything.
 *
 * Paho MQTT C cannot hold an acknowledgement back.  So a source's MQTTAsync
 * client talks to a relay in this process, and the relay to the broker
 * (TCP or TLS).  Messages pass at once.  The PUBACKs that Paho sends end at
 * the relay, which sends one for each message that mqtt_source_settle names,
 * in the order settled.  The relay pings the broker by itself, so the session
 * stays up when the disk is slow or the store is full.
 *
 *   broker --PUBLISH--> relay --> Paho --> arrived(ticket)
 *                         |                     ... stored ...
 *   broker <--PUBACK----- relay <---- mqtt_source_settle(ticket)
 *
 * On a broken connection all held PUBACKs are dropped; the broker sends those
 * messages again (MQTT 5, clean start 0, session expiry, fixed client id).
 * A ticket of an earlier connection settles nothing: harmless.
 *
 * The broker is told not to send packets above 64 MiB; it drops those, so its
 * own limit must be below.
 *
 * Above limit_bytes handed over and not yet settled the relay stops reading
 * the broker (TCP then holds the broker back) until settling has made room
 * for a quarter of it.  More may be handed over by one read (64 KiB) and the
 * packet begun by it.  Tickets of earlier connections count until settled.
 */
#ifndef SAMPAN_MQTT_H
#define SAMPAN_MQTT_H

#include <stdint.h>

#include "bytes.h"

struct mqtt_options {
    const char *host;
    uint16_t port;
    const char *client_id;
    const char *username; /* NULL or "": anonymous */
    struct span password;
    bool tls;
    const char *ca_file;   /* "" : the system's */
    const char *cert_file; /* "" : none */
    const char *key_file;
    uint16_t keepalive_s;
    uint16_t receive_maximum;
    uint32_t session_expiry_s;
    size_t limit_bytes; /* of a source: handed over and not yet settled */
    /* A last will, retained; will_topic NULL: none. */
    const char *will_topic;
    struct span will;
};

/* A message, borrowed for the length of the call. */
struct mqtt_message {
    const char *topic; /* NUL-terminated; may hold any UTF-8 */
    struct span payload;
    uint64_t ticket; /* 0: QoS 0, nothing to settle */
    bool repeated;   /* the DUP flag */
    bool retained;
};

/* ---- the source -------------------------------------------------------- */

struct mqtt_source;

/*
 * arrived is called in Paho's one thread and must not block or fail; it
 * copies what it needs.  linked(arg, true/false, why) tells of the connection
 * to the broker, from any thread.
 */
struct mqtt_source_events {
    void (*arrived)(void *arg, const struct mqtt_message *message);
    void (*linked)(void *arg, bool up, const char *why);
    void *arg;
};

/*
 * Start: returns at once and connects, and reconnects for ever, by itself
 * (first after 100 ms, then up to 10 s, with jitter).  filters are subscribed
 * at QoS 1 on each connection, so retained messages come each time; when the
 * broker refuses one, the connection is ended and tried again.  *source is
 * set before the first event.  options and filters are copied.  IO, NOMEM,
 * INVALID (also: no filter, limit_bytes or receive_maximum of 0).
 */
MUST_CHECK enum status mqtt_source_open(const struct mqtt_options *options,
                                        const char *const *filters,
                                        size_t filter_count,
                                        const struct mqtt_source_events *events,
                                        struct mqtt_source **source);
/* These messages are durable: let their PUBACKs go.  Any thread; cheap for
 * many tickets in one call. */
void mqtt_source_settle(struct mqtt_source *source, const uint64_t *tickets,
                        size_t count);
/* Take no more: stop reading the broker; settling still lets PUBACKs go. */
void mqtt_source_stop(struct mqtt_source *source);
/* Bytes handed over and not yet settled. */
size_t mqtt_source_pending(const struct mqtt_source *source);
/* Sends what may go, disconnects without ending the session, joins; about two
 * seconds at most, and no event after it.  Not in an event. */
void mqtt_source_close(struct mqtt_source *source);

/* ---- the control client ------------------------------------------------ */

struct mqtt_control;

struct mqtt_control_events {
    void (*arrived)(void *arg, const struct mqtt_message *message);
    void (*linked)(void *arg, bool up, const char *why);
    void *arg;
};

/* As above, without a relay, clean start, no session; filters are subscribed
 * at QoS 0: without a session QoS 1 would save nothing, and the PUBACK before
 * an answer makes TCP hold the answer back for 40 ms (Nagle; Paho cannot
 * switch it off).  filter_count may be 0. */
MUST_CHECK enum status
mqtt_control_open(const struct mqtt_options *options,
                  const char *const *filters, size_t filter_count,
                  const struct mqtt_control_events *events,
                  struct mqtt_control **control);
/*
 * Send without waiting, QoS 0 or 1, in order.  The last retained message of
 * each topic is kept and sent again at each connection, since the broker may
 * have lost it or put the will in its place; so it may be published at any
 * time.  Any other is dropped while there is no connection.  OFFLINE
 * (dropped), NOMEM (also: 10000 messages wait, or 1000 topics are retained).
 * Any thread, and in arrived.
 */
MUST_CHECK enum status mqtt_control_publish(struct mqtt_control *control,
                                            const char *topic,
                                            struct span payload, int qos,
                                            bool retained);
/* What waits is sent, for a second at most.  Not in an event. */
void mqtt_control_close(struct mqtt_control *control);

/* Does a topic match a filter (+ and #)?  MQTT 5, clause 4.7. */
bool mqtt_topic_matches(const char *filter, const char *topic);
/* Is it a well-formed filter? */
bool mqtt_filter_valid(const char *filter);

#endif
