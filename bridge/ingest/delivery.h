/*
 * delivery.h - a record becomes a delivery: the platform checks it, gives it
 * its number and fixes its facts; the store gets the outcome.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_DELIVERY_H
#define SAMPAN_DELIVERY_H

#include <jansson.h>

#include "config.h"
#include "platform.h"
#include "queue.h"

/* Where a record goes.  enabled and with a platform that exists. */
struct target {
    const struct destination_config *destination;
    const struct platform *platform;
};
/* NOT_FOUND. */
MUST_CHECK enum status delivery_target(const struct config *config,
                                       const char *name, struct target *target);

struct order {
    struct target target;
    const struct interface *interface;
    const json_t *record;
    const uint64_t *events; /* what it is made of; the first 256 count */
    size_t event_count;
    uint64_t follows; /* of ORDER_AFTER_DELIVERED; 0: none */
    const char *why;  /* what ingest knows about what is absent; "" */
    uint64_t serial;  /* 0: the destination's next */
};

struct delivered { /* what became of an order */
    uint64_t id;
    enum queue_state state;
    char number[128];
};

MUST_CHECK enum status delivery_make(struct queue *queue,
                                     const struct order *order, int64_t now_ms,
                                     struct delivered *delivered);

/* Who completes a delivery. */
struct completion {
    const json_t *fields; /* an object, in the interface's field names */
    enum queue_cause cause;
    const char *actor;
    int64_t now_ms;
    char number[128]; /* out: the record's number, once it has one */
};
/*
 * Merge the fields into the facts of a HELD or REJECTED delivery and make it
 * anew under its number.  OK: it waits.  MISSING (still held, words say for
 * what), INVALID (a fact is impossible, or the fields are no object), DENIED
 * (neither HELD nor REJECTED), NOT_FOUND.
 */
MUST_CHECK enum status
delivery_complete(struct queue *queue, const struct config *config, uint64_t id,
                  struct completion *completion, struct bytes *words);

/*
 * May a HELD delivery go as it is?  MISSING, INVALID: no, words say why; OK
 * for any other state.
 */
MUST_CHECK enum status delivery_check(struct queue *queue,
                                      const struct config *config, uint64_t id,
                                      int64_t now_ms, struct bytes *words);

#endif
