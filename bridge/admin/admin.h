/*
 * admin.h - operators' requests over the admin topic.
 *
 *   sampan/v1/SITE/admin/USER/request   {"id": "...", "verb": "list", ...}
 *   sampan/v1/SITE/admin/USER/reply     {"id": "...", "ok": true, ...}
 *
 * The broker's ACL lets an operator publish only under admin/USER, so USER is
 * who asked, and every verb that changes something is put on the record of
 * each delivery with that name.  A verb that would change more than one record
 * first answers with a count and a token; the same request with "token" in it
 * does it.  Whatever arrives is answered: a malformed request with what is
 * wrong and what is allowed.
 *
 * Requests are worked off one by one in a thread of admin's own, so a long
 * one (verify, export) delays no upload and no receipt.
 */
#ifndef SAMPAN_ADMIN_H
#define SAMPAN_ADMIN_H

#include "bytes.h"
#include "clock.h"
#include "committer.h"
#include "config.h"
#include "crypto.h"
#include "ingest.h"
#include "queue.h"
#include "uplink.h"

struct admin;

struct admin_options {
    const struct config *config;
    const char *state_folder;
    struct queue *queue;
    struct committer *committer;
    struct ingest *ingest;
    struct crypto_pool *pool;
    const struct clock *clock;
    struct uplink *const *uplinks; /* as many as config->destination_count; NULL
                                      where disabled */
    /* Send a reply (any thread). */
    void (*reply)(void *arg, const char *user, struct span json);
    void *arg;
};

MUST_CHECK enum status admin_open(const struct admin_options *options,
                                  struct admin **admin);
/* A request arrived: copied, worked off in admin's thread.  Never blocks;
 * beyond a bounded number that wait it is answered "busy" at once. */
void admin_request(struct admin *admin, const char *user, struct span json);
/* Finishes the request in hand. */
void admin_close(struct admin *admin);

#endif
