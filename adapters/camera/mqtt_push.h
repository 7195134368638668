/*
 * mqtt_push.h - VZ cameras that publish to the broker.
 *
 *   broker --PUBLISH--> list --decode, keep--> on disk --> PUBACK
 *
 * The broker has a message until it is stored here: when the outbox is full
 * the message in hand is tried again and the broker is read no further than
 * fits in memory.  What cannot be decoded is put aside and acknowledged, since
 * it would come for ever.  The first level of a topic is the identity of the
 * camera; what an unknown one says is acknowledged and counted as refused.
 *
 * Has a thread of its own.
 */
#ifndef SAMPAN_MQTT_PUSH_H
#define SAMPAN_MQTT_PUSH_H

#include "intake.h"

struct mqtt_push;

struct mqtt_push_options {
    const struct cameras_config *config;
    const struct clock *clock;
    struct roster *roster;
    struct intake *intake;
};

/* Returns at once and connects by itself.  IO, NOMEM, INVALID. */
MUST_CHECK enum status mqtt_push_open(const struct mqtt_push_options *options,
                                      struct mqtt_push **push);
/* What is not stored yet stays with the broker. */
void mqtt_push_close(struct mqtt_push *push);

#endif
