/*
 * receipts.h - what the senders are told, gathered per device.
 *
 *   sampan/v1/SITE/receipt/CLASS/ID
 *   {"stored": ["event id", ...], "rejected": [{"id": "...", "reason": "..."}],
 *    "revisions": {"event id": 1}}
 *
 * Either ends the sender's keeping of that edition and the earlier ones; an id
 * that is not in revisions means the first, 0.  A message without an event id,
 * or of no device, gets no receipt: its PUBACK is all there is.  One thread:
 * the committer's.
 */
#ifndef SAMPAN_RECEIPTS_H
#define SAMPAN_RECEIPTS_H

#include "ingest.h"
#include "message.h"

struct receipts;

MUST_CHECK enum status receipts_open(const char *site,
                                     void (*publish)(void *arg,
                                                     const char *topic,
                                                     struct span payload),
                                     void *arg, struct receipts **receipts);
/* Remember what to say of a message that is now committed. */
void receipts_add(struct receipts *receipts, const struct message *message,
                  const struct ingest_result *result);
/* Publish what was gathered. */
void receipts_send(struct receipts *receipts);
void receipts_close(struct receipts *receipts);

#endif
