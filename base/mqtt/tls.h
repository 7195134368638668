/*
 * tls.h - one TLS connection over a socket that is connected already.
 *
 * The server is always verified: its chain against the CA file or the
 * system's, its name or address against the host asked for.
 */
#ifndef SAMPAN_MQTT_TLS_H
#define SAMPAN_MQTT_TLS_H

#include "mqtt.h"

struct tls;

#define TLS_WHY_MAX 160

/*
 * why gets a text when it fails.  The files are read each time, so a renewed
 * certificate is used from the next connection on.  IO, NOMEM, INVALID.
 */
MUST_CHECK enum status tls_open(const struct mqtt_options *options, int socket,
                                char why[static TLS_WHY_MAX], struct tls **tls);
/* EMPTY: not done yet.  IO: failed for good; why tells. */
MUST_CHECK enum status tls_handshake(struct tls *tls,
                                     char why[static TLS_WHY_MAX]);
/* EMPTY: would block.  CLOSED: the peer is done.  IO. */
MUST_CHECK enum status tls_read(struct tls *tls, void *data, size_t size,
                                size_t *got);
MUST_CHECK enum status tls_write(struct tls *tls, const void *data, size_t size,
                                 size_t *put);
/* What the last call that was EMPTY waits for: POLLIN or POLLOUT. */
short tls_waits_for(const struct tls *tls);
/* Are there decrypted bytes that the socket will not announce? */
bool tls_buffered(const struct tls *tls);
/* Says goodbye without waiting for an answer. */
void tls_shutdown(struct tls *tls);
void tls_close(struct tls *tls);

#endif
