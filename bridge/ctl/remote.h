/*
 * remote.h - one question to the bridge over the admin topic, and its answer.
 */
#ifndef SAMPAN_REMOTE_H
#define SAMPAN_REMOTE_H

#include <jansson.h>

#include "bytes.h"

struct remote_options {
    const char *host;
    unsigned port;
    const char *site;
    const char *user;
    const char *password_file; /* NULL: no password */
    const char *ca_file;       /* NULL: no TLS; "": TLS, the system's CAs */
    unsigned timeout_s;
};

struct remote;

/* Connect and listen for replies.  words[512] says what failed.  OFFLINE (no
 * broker, wrong password), IO (password file). */
MUST_CHECK enum status remote_open(const struct remote_options *options,
                                   char words[static 512],
                                   struct remote **remote);
/* Ask and wait; an "id" is added to request.  *reply is owned by the caller.
 * OFFLINE: no answer in time. */
MUST_CHECK enum status remote_ask(struct remote *remote, json_t *request,
                                  json_t **reply);
void remote_close(struct remote *remote);

#endif
