/*
 * intake.h - messages from the broker into the store, receipts back.
 *
 *   arrived (Paho's thread: message_read) --> committer (ingest_store)
 *       --> log on disk: PUBACK let go
 *       --> group committed: receipts, one message a device and group
 *
 * Nothing is answered for before it is on disk: neither PUBACK nor receipt.
 */
#ifndef SAMPAN_INTAKE_H
#define SAMPAN_INTAKE_H

#include "clock.h"
#include "committer.h"
#include "config.h"
#include "ingest.h"
#include "mqtt.h"

struct intake;

struct intake_options {
    const struct config *config;
    const struct clock *clock;
    struct ingest *ingest;
    /* A receipt or anything else for the control client; any thread. */
    void (*publish)(void *arg, const char *topic, struct span payload);
    void *arg;
};

MUST_CHECK enum status intake_open(const struct intake_options *options,
                                   struct intake **intake);
/* mqtt_source_events.arrived passes it on.  What arrives before intake_start
 * waits. */
void intake_arrived(struct intake *intake, const struct mqtt_message *message);
/* From here on what arrives goes to the committer. */
void intake_start(struct intake *intake, struct committer *committer,
                  struct mqtt_source *source);
/* committer_events.durable and .committed pass these on. */
void intake_durable(struct intake *intake);
void intake_committed(struct intake *intake);
/* What arrives from here on is kept until the close and then forgotten: it is
 * not acknowledged and comes again. */
void intake_stop(struct intake *intake);
/* After the committer is closed. */
void intake_close(struct intake *intake);

#endif
