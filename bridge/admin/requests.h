/*
 * requests.h - what the files of admin share.  Inside bridge/admin only.
 *
 *   admin.c    the thread, the waiting requests, the table of verbs
 *   look.c     verbs that change nothing: stats list show report verify test
 *   change.c   verbs that change deliveries, and their tokens
 *   audit.c    what operators did, and the verb that shows it
 *   steer.c    verbs for destinations, the ledger and the backup
 *
 * A verb gets the parsed request and answers with a reply object (owned by the
 * caller) or an error sentence.
 */
#ifndef SAMPAN_REQUESTS_H
#define SAMPAN_REQUESTS_H

#include <jansson.h>
#include <pthread.h>

#include "admin.h"

#define TOKENS_MAX 16
#define TOKEN_LIFE_MS (5 * MINUTE_MS)

/* A change that was counted and waits for its token. */
struct pending {
    char token[33];
    char user[65];
    char *request; /* canonical text of the request, without id and token */
    uint64_t *ids;
    size_t count;
    int64_t until_ms; /* steady */
};

struct admin {
    struct admin_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct waiting *first;               /* under lock */
    struct waiting **last;               /* under lock */
    size_t waiting;                      /* under lock */
    bool closing;                        /* under lock */
    struct pending pendings[TOKENS_MAX]; /* admin's thread */
};

struct call_context {
    struct admin *admin;
    const char *user;
    const json_t *request;
    char error[512]; /* set when the verb answers NULL */
};

/* The filter of a request: destination, interface, plate, state, from, until,
 * after.  false: error is set. */
bool request_filter(struct call_context *context, struct queue_filter *filter);
/* A positive number; false when absent or wrong (error is set). */
bool request_id(struct call_context *context, const char *name, uint64_t *id);
/* NULL: no uplink of that name is running (error is set). */
struct uplink *request_uplink(struct call_context *context, size_t *at);
json_t *request_fail(struct call_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

json_t *instant_json(int64_t wall_ms);
json_t *delivery_json(const struct queue_delivery *delivery);

/* look.c */
json_t *verb_stats(struct call_context *context);
json_t *verb_list(struct call_context *context);
json_t *verb_show(struct call_context *context);
json_t *verb_report(struct call_context *context);
json_t *verb_verify(struct call_context *context);
json_t *verb_test(struct call_context *context);

/* change.c */
json_t *verb_hold(struct call_context *context);
json_t *verb_release(struct call_context *context);
json_t *verb_retry(struct call_context *context);
json_t *verb_replay(struct call_context *context);
json_t *verb_discard(struct call_context *context);
json_t *verb_complete(struct call_context *context);
void pending_free(struct pending *pending);

/* audit.c */
/* Put the request on record before it is done; false: error is set. */
bool audit_put(struct call_context *context);
json_t *verb_audit(struct call_context *context);

/* steer.c */
json_t *verb_pause(struct call_context *context);
json_t *verb_resume(struct call_context *context);
json_t *verb_round(struct call_context *context);
json_t *verb_import(struct call_context *context);
json_t *verb_backup(struct call_context *context);

#endif
