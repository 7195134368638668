/*
 * attempt.h - one try of one delivery: from the store to a request.
 *
 * attempt_render lets the platform make the request of the facts and says what
 * became of it.  It may run in a thread of the crypto pool, beside
 * others; the session is read under session_lock.
 */
#ifndef SAMPAN_ATTEMPT_H
#define SAMPAN_ATTEMPT_H

#include <pthread.h>

#include "config.h"
#include "crypto.h"
#include "platform.h"
#include "queue.h"

struct attempt {
    struct crypto_task task; /* first: the pool's handle */
    /* given */
    uint64_t id;
    struct queue *queue;
    const struct destination_config *destination;
    const struct platform *platform;
    const struct session *session;
    pthread_rwlock_t *session_lock;
    int64_t now_ms;
    void (*rendered)(struct attempt *attempt);
    void *owner;
    /* found */
    struct queue_delivery row;
    struct bytes facts;
    const struct interface *interface;
    struct request request;
    int64_t token_made_at_ms;  /* of the token it was rendered with */
    enum status status;        /* of reading the facts, then of the rendering */
    char words[256];           /* when it is not OK */
    struct transfer *transfer; /* while it is on its way */
    struct attempt *next;      /* the owner's */
};

/* Also the pool's task: calls attempt->rendered at the end when it is set. */
void attempt_render(struct attempt *attempt);
void attempt_free(struct attempt *attempt);

#endif
