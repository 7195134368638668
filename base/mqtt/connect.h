/*
 * connect.h - Paho's client, and what it is told when it is to connect,
 * subscribe, disconnect.
 */
#ifndef SAMPAN_MQTT_CONNECT_H
#define SAMPAN_MQTT_CONNECT_H

#include "session.h"

struct connect;

/* Makes Paho's client as well.  What options borrows must live until the free,
 * and no callback comes after it. */
MUST_CHECK enum status connect_make(const struct session_options *options,
                                    struct connect **connect);
void connect_free(struct connect *connect);

/* Paho's client; it lives as long as connect. */
MQTTAsync connect_client(const struct connect *connect);

/* MQTTASYNC_SUCCESS, or why not; the callbacks and context of the caller's. */
int connect_now(struct connect *connect, void *context,
                MQTTAsync_onSuccess5 *on_success,
                MQTTAsync_onFailure5 *on_failure);
/* Success, too, when there is nothing to subscribe; then nothing is called. */
int connect_subscribe(const struct connect *connect, void *context,
                      MQTTAsync_onSuccess5 *on_success,
                      MQTTAsync_onFailure5 *on_failure);
/* Normally: no will, and the session stays as long as its expiry says. */
int connect_disconnect(const struct connect *connect, void *context,
                       MQTTAsync_onSuccess5 *on_success,
                       MQTTAsync_onFailure5 *on_failure);

/* The last error of Paho's TLS, then forgotten; "" when there was none. */
void connect_take_tls_error(struct connect *connect, char *text, size_t size);

#endif
