/*
 * peer.h - is the other end of a loopback connection ours?
 *
 * Anyone on the machine may connect to a port of the loopback.  Whoever
 * reaches the relay's would speak to the broker with our certificate.
 */
#ifndef SAMPAN_MQTT_PEER_H
#define SAMPAN_MQTT_PEER_H

#include <stdbool.h>

/* Does the other end of the TCP socket, on this machine, belong to the user
 * who runs this program?  False, too, when /proc does not tell. */
bool peer_is_own(int socket);

#endif
