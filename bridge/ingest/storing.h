/*
 * storing.h - one message on its way through the store: what the files of
 * ingest_store share.
 */
#ifndef SAMPAN_STORING_H
#define SAMPAN_STORING_H

#include "ingest.h"
#include "platform.h"

struct storing {
    const struct config *config;
    struct queue *queue;
    const struct message *message;
    int64_t now_ms;
    struct queue_event event;
    struct ingest_result *result;
    uint64_t known; /* an earlier edition; 0: none */
};

/*
 * Ready records (topics up/...).  recording_check: does the message name an
 * interface that takes records?  INVALID: result->reason says what is
 * allowed.
 */
MUST_CHECK enum status recording_check(struct storing *storing);
/* The event is stored: make its delivery. */
MUST_CHECK enum status recording_deliver(struct storing *storing);
/* It is a later edition: complete the delivery that is held for it. *used:
 * there was one. */
MUST_CHECK enum status recording_revise(struct storing *storing, bool *used);

#endif
