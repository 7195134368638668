/*
 * broker_mqtt.h - a client of the broker that the settings name.  For programs
 * that link both base/settings and base/mqtt.
 */
#ifndef SAMPAN_BROKER_MQTT_H
#define SAMPAN_BROKER_MQTT_H

#include "broker_config.h"
#include "mqtt.h"

/* All that broker tells; the rest is 0, to be set by the caller.  Borrows from
 * both. */
static inline struct mqtt_options
broker_mqtt_options(const struct broker_config *broker, const char *client_id)
{
    return (struct mqtt_options){
        .host = broker->host,
        .port = (uint16_t)broker->port,
        .client_id = client_id,
        .username = broker->username,
        .password = bytes_view(&broker->password),
        .tls = broker->tls,
        .ca_file = broker->ca_file,
        .cert_file = broker->cert_file,
        .key_file = broker->key_file,
        .keepalive_s = (uint16_t)broker->keepalive_s,
    };
}

#endif
