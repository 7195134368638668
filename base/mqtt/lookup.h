/*
 * lookup.h - a host's addresses, without waiting for them.
 *
 * getaddrinfo may take many seconds and cannot be called off, so each look-up
 * has a thread of its own, and whoever has had enough just closes it.
 */
#ifndef SAMPAN_MQTT_LOOKUP_H
#define SAMPAN_MQTT_LOOKUP_H

#include <netdb.h>

#include "status.h"

struct lookup;

/* IO: no thread or no descriptor.  NOMEM. */
MUST_CHECK enum status lookup_open(const char *host, uint16_t port,
                                   struct lookup **lookup);
/* Readable (POLLIN) when the answer is there. */
int lookup_fd(const struct lookup *lookup);
/* False: not yet.  *result: 0 or an EAI_ value; *addresses is borrowed until
 * the close. */
MUST_CHECK bool lookup_done(struct lookup *lookup, int *result,
                            const struct addrinfo **addresses);
void lookup_close(struct lookup *lookup);

#endif
