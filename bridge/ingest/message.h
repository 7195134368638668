/*
 * message.h - one MQTT message as an event: topic taken apart, payload
 * checked, nothing stored yet.
 *
 * Everything that arrives is hostile until it has been through message_read:
 * not JSON, wrong types, unknown colours, pictures over the limit, broken
 * Base64, a topic of another site, an empty payload, duplicate keys, invalid
 * UTF-8, deep nesting.  Such a message is still an event (fate INVALID with
 * the reason); it is stored, and its sender is told why.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_MESSAGE_H
#define SAMPAN_MESSAGE_H

#include <jansson.h>
#include <stdint.h>

#include "bytes.h"
#include "config.h"

enum message_class {
    MESSAGE_CAPTURE, /* sampan/v1/SITE/camera/ID/capture */
    MESSAGE_WEIGHT,  /* sampan/v1/SITE/weighbridge/ID/weight */
    MESSAGE_READING, /* sampan/v1/SITE/meter/ID/reading */
    MESSAGE_RECORD,  /* sampan/v1/SITE/up/DESTINATION/INTERFACE */
    MESSAGE_STATUS,  /* .../CLASS/ID/status and weighbridge/ID/live: states,
                        not events; nothing is stored of them */
    MESSAGE_ROUTED,  /* any topic that only routes match */
    MESSAGE_ALIEN,   /* nothing of ours: another site, no route: INVALID */
};

struct message {
    enum message_class class;
    char kind[64];      /* "camera/capture", "up/yunnan", "route" ... */
    char device[64];    /* ID of the topic, or DESTINATION */
    char interface[64]; /* of MESSAGE_RECORD */
    struct bytes topic;
    struct bytes payload;
    char event_id[128];  /* "" when it has none */
    int64_t event_at_ms; /* 0: it has none */
    uint32_t revision;
    int64_t received_at_ms;
    bool valid;
    char reason[512]; /* when not valid: what, where, what is allowed */
    /*
     * The parsed payload when valid and of our own topics; owned.  A large
     * string (json_scan.h) is not copied into it: {"$large": n} stands for
     * it.  Of a routed message NULL.
     */
    json_t *json;
};

/*
 * Read a message: payload is copied (of one over payload_limit_kb the first
 * 4 KB).  Answers OK for invalid ones too (see valid); NOMEM.  event_id and
 * event_at_ms are set as far as they could be read, also when invalid.
 */
MUST_CHECK enum status message_read(const struct config *config,
                                    const char *topic, struct span payload,
                                    int64_t received_at_ms,
                                    struct message *message);
void message_free(struct message *message);

#endif
