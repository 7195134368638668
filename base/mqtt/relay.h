/*
 * relay.h - the thread between Paho and the broker.
 *
 *   Paho --127.0.0.1--> relay --TCP or TLS--> broker
 *
 * It listens on a port of the loopback and takes one connection at a time;
 * for each it opens one to the broker.  When either breaks, both are closed,
 * and Paho's next connection begins anew.
 *
 *   up     all that Paho sends, but PUBACK and PINGREQ.  A PUBACK goes for
 *          each message that is settled (tickets.h): its own, since Paho's
 *          only says that a callback returned
 *   down   all that the broker sends, but PINGRESP; not read while too much
 *          is handed over and not settled
 *   pings  on each side for itself: while PUBACKs are held Paho believes it
 *          sends, and while the broker is not read no PINGRESP comes, so
 *          neither end may rest on the other's
 */
#ifndef SAMPAN_MQTT_RELAY_H
#define SAMPAN_MQTT_RELAY_H

#include "mqtt.h"
#include "tickets.h"

struct relay;

/* options and tickets are borrowed until the close.  IO, NOMEM. */
MUST_CHECK enum status relay_open(const struct mqtt_options *options,
                                  struct tickets *tickets,
                                  struct relay **relay);
/* Where Paho is to connect to. */
uint16_t relay_port(const struct relay *relay);

/* Any thread: look at the tickets again. */
void relay_wake(struct relay *relay);
/* Any thread: read the broker no more. */
void relay_stop(struct relay *relay);
/* Any thread: break the connection, because of why (static). */
void relay_break(struct relay *relay, const char *why);

#define RELAY_WHY_MAX 160
/* Why the last connection ended; "" while there is one that works. */
void relay_why(struct relay *relay, char why[static RELAY_WHY_MAX]);

/* Sends what may go (for a second at most), closes, joins. */
void relay_close(struct relay *relay);

#endif
