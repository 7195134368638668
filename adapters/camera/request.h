/*
 * request.h - one HTTP request, from its head to the answer: what listener.c
 * hands over of what the HTTP library tells.
 */
#ifndef SAMPAN_REQUEST_H
#define SAMPAN_REQUEST_H

#include <microhttpd.h>

#include "address.h"
#include "admission.h"
#include "deadlines.h"
#include "listener.h"
#include "quiet.h"

struct listener {
    struct listener_options options;
    struct MHD_Daemon *daemon;
    int socket;
    struct deadlines *deadlines;
    atomic_size_t pending; /* bytes of bodies in progress */
    struct quiet refused, torn, slow;
    char random[16];
};

struct request {
    struct listener *listener;
    struct deadline *deadline;
    struct admission admission;
    bool stale; /* it logged in with an old nonce */
    bool whole;
    char peer[ADDRESS_TEXT_MAX];
    struct bytes body;
    size_t charged; /* of pending, for body */
    size_t seen;    /* bytes of the body that came */
    const struct camera_config *cameras[];
};

/* Its head is there: admitted or not.  NULL: no memory. */
struct request *request_make(struct listener *listener,
                             struct MHD_Connection *connection,
                             const char *method, const char *path);
void request_free(struct request *request);

/* Is it to be answered before its body? */
bool request_answers_at_once(struct MHD_Connection *connection,
                             const struct request *request);
/* False: it has been read away for long enough. */
bool request_take(struct request *request, struct span bytes);
/* It is whole, or answers at once. */
enum MHD_Result request_answer(struct MHD_Connection *connection,
                               struct request *request, const char *path);

#endif
