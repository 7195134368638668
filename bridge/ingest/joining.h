/*
 * joining.h - captures and weights become passages, passages become
 * deliveries.
 *
 *   capture --> fits the lane's open passage?      join it
 *           --> completes one that went out held?  complete it
 *           --> is the one before once more?       nothing new
 *           --> else: the open one goes out as it is, a new one is opened
 *   weight  --> fits an open passage? join; else it waits for one
 *
 * A passage goes out when it is complete or at its lane's deadline.  With
 * `weighing: difference` an entry then waits for its exit.  All state is
 * notes (notes.h).
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_JOINING_H
#define SAMPAN_JOINING_H

#include "config.h"
#include "message.h"
#include "passage.h"
#include "queue.h"

struct joining {
    const struct config *config;
    struct queue *queue;
    int64_t now_ms;
    const char *actor;    /* the operator who asked; NULL: nobody did */
    uint64_t event;       /* what has just come; 0: nothing */
    enum queue_fate fate; /* out: its fate now */
    unsigned deliveries;  /* out: made meanwhile */
};

/* An event's fate changes; one whose month has been dropped has none. */
MUST_CHECK enum status joining_settle(struct joining *joining, uint64_t event,
                                      enum queue_fate fate);

/* The message is stored as event, with fate JOINING; what becomes of it now
 * is put with queue_put_fate. */
MUST_CHECK enum status joining_capture(struct joining *joining,
                                       const struct message *message,
                                       uint64_t event);
MUST_CHECK enum status joining_weight(struct joining *joining,
                                      const struct message *message,
                                      uint64_t event);
/* A later edition of the capture known. */
MUST_CHECK enum status joining_revision(struct joining *joining,
                                        const struct message *message,
                                        uint64_t event, uint64_t known);
/* What is due goes out. */
MUST_CHECK enum status joining_tick(struct joining *joining);

#endif
