/*
 * bridge_word.h - what the bridge says to the senders of events, read as
 * docs/topics.md has it: receipts and its state.  Pure.
 *
 * Whoever may publish may publish anything: what is no JSON, of another shape
 * or above a megabyte says nothing.
 */
#ifndef SAMPAN_BRIDGE_WORD_H
#define SAMPAN_BRIDGE_WORD_H

#include "bytes.h"

#define BRIDGE_WORD_MAX ((size_t)1 << 20)

/* {"stored": ["id"], "rejected": [{"id", "reason"}], "revisions": {"id": 1}}:
 * each of them, reason NULL of a stored one.  Without an entry in revisions
 * the first edition, 0, is meant.  False: it is no receipt. */
bool bridge_word_receipt(struct span payload,
                         void (*each)(void *arg, const char *id,
                                      uint32_t revision, const char *reason),
                         void *arg);

struct bridge_state {
    bool online;
    bool full; /* hold what you have */
};

/* False: it is no state, *state is as it was. */
bool bridge_word_state(struct span payload, struct bridge_state *state);

#endif
