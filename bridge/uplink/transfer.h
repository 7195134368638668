/*
 * transfer.h - one HTTP request on its way, with libcurl.
 *
 * A transfer is an easy handle that is used again and again for one
 * destination (so connections, TLS sessions and settings are kept), the
 * request it carries and the answer it got.  The uplink adds it to its multi
 * handle and learns the end there.
 */
#ifndef SAMPAN_TRANSFER_H
#define SAMPAN_TRANSFER_H

#include <curl/curl.h>

#include "config.h"
#include "platform.h"

enum reach {
    REACH_ANSWERED,    /* struct answer holds what came */
    REACH_LOST,        /* sent, wholly or in part, and no whole answer came */
    REACH_UNREACHABLE, /* no connection: nothing of the request was sent */
};

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    curl_mime *mime;
    struct request request; /* owned while it is on its way */
    struct bytes body;      /* of the answer, at most 1 MiB */
    bool begun;             /* the request was written, in part at least */
    long answer_ms;         /* how long the platform may think */
    uint64_t slowest_bytes; /* a second: below it, sending has failed */
    char error[CURL_ERROR_SIZE];
    void *owner; /* whom the end concerns */
    /* The owner's lists: of those on their way, or of the idle. */
    struct transfer *next;
    struct transfer **before;
};

/* Make a handle with everything the settings say.  NOMEM. */
MUST_CHECK enum status transfer_open(const struct destination_config *to,
                                     struct transfer **transfer);
void transfer_close(struct transfer *transfer);

/* Put a request into the handle; it is moved in.  NOMEM. */
MUST_CHECK enum status transfer_load(struct transfer *transfer,
                                     struct request *request);
/* Only connect (and shake hands): a probe. */
MUST_CHECK enum status transfer_load_connect(struct transfer *transfer,
                                             const char *url);

/* What came of it; *answer points into the transfer.  words[256] says what
 * went wrong when it was not answered. */
enum reach transfer_end(struct transfer *transfer, CURLcode code,
                        struct answer *answer, char words[static 256]);
/* Forget the request and the answer; the handle is ready for the next. */
void transfer_clear(struct transfer *transfer);

#endif
