/*
 * wire.h - the connection to the broker: TCP, or TLS over it.  Never blocks.
 *
 *   LOOKUP --> CONNECT --> HANDSHAKE (TLS) --> OPEN
 *
 * One thread.  wire_poll tells what to wait for; wire_step goes on from it.
 */
#ifndef SAMPAN_MQTT_WIRE_H
#define SAMPAN_MQTT_WIRE_H

#include <poll.h>

#include "mqtt.h"

struct wire;

/* Begin to connect.  options is borrowed until the close.  IO, NOMEM. */
MUST_CHECK enum status wire_open(const struct mqtt_options *options,
                                 struct wire **wire);
/* OK: open.  EMPTY: not yet.  IO: failed. */
MUST_CHECK enum status wire_step(struct wire *wire);
bool wire_is_open(const struct wire *wire);
/* What to wait for, given what the owner would do next. */
struct pollfd wire_poll(const struct wire *wire, bool reads, bool writes);
/* A read would give bytes though the socket has none. */
bool wire_buffered(const struct wire *wire);

/* EMPTY: would block.  CLOSED: the broker is done.  IO. */
MUST_CHECK enum status wire_read(struct wire *wire, void *data, size_t size,
                                 size_t *got);
MUST_CHECK enum status wire_write(struct wire *wire, const void *data,
                                  size_t size, size_t *put);
/* For an owner that does not read: is the connection gone? */
bool wire_broken(struct wire *wire);
/* No more will be written. */
void wire_shutdown(struct wire *wire);
/* After a failure: what it was; never NULL. */
const char *wire_why(const struct wire *wire);
void wire_close(struct wire *wire);

#endif
