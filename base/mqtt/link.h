/*
 * link.h - one connection of Paho's and the broker's that belongs to it.
 * The relay's thread alone uses it; nothing blocks.
 */
#ifndef SAMPAN_MQTT_LINK_H
#define SAMPAN_MQTT_LINK_H

#include <poll.h>

#include "mqtt.h"
#include "tickets.h"

struct link;

/* Takes the socket paho, also when it fails.  IO, NOMEM. */
MUST_CHECK enum status link_open(const struct mqtt_options *options,
                                 struct tickets *tickets, int paho,
                                 struct link **link);
/* Fills fds[0] and fds[1]; returns 2. */
nfds_t link_poll(const struct link *link, struct pollfd fds[static 2]);
/* How long poll may wait. */
int64_t link_timeout_ms(const struct link *link, int64_t now_ms);
/* Do all that can be done now.  stopped: read the broker no more.  Anything
 * but OK ends the link; link_why tells why. */
MUST_CHECK enum status link_step(struct link *link, bool stopped,
                                 int64_t now_ms);
const char *link_why(const struct link *link);
void link_close(struct link *link);

#endif
