/*
 * ingest.h - from an event to deliveries: repeats, joining, routing.
 *
 * Everything that must survive is a note or a record of the store, put in the
 * same group as the event that caused it.  All functions with a queue are for
 * the committer's thread with a group open, and keep no state of their own,
 * so a group that fails can simply be tried again.
 *
 *   capture, weight --passage--> platform->passage, ->make --> deliveries
 *   reading --energy--> items; at uploadTime one batch --> a delivery
 *   record (up/...) --platform->make--> one delivery
 *   routed --> one delivery for each route that matches
 */
#ifndef SAMPAN_INGEST_H
#define SAMPAN_INGEST_H

#include "config.h"
#include "message.h"
#include "queue.h"

struct ingest;

/* What the sender's receipt says of its message. */
struct ingest_result {
    enum queue_fate fate;
    bool stored;         /* also of a repeat: it is safe with us */
    char reason[512];    /* when not stored: why */
    unsigned deliveries; /* made */
};

/* Reads the ledger file.  words tells what is wrong with it: with OK, the
 * rows that were refused.  NOT_FOUND, IO, INVALID (no ledger), NOMEM. */
MUST_CHECK enum status ingest_open(const struct config *config,
                                   struct bytes *words, struct ingest **ingest);
void ingest_close(struct ingest *ingest);

/*
 * Store one message and all that follows from it.  FULL: nothing was put.
 * IO, NOMEM: the store may be half changed and undoes the group itself.
 */
MUST_CHECK enum status ingest_store(struct ingest *ingest, struct queue *queue,
                                    const struct message *message,
                                    int64_t now_ms,
                                    struct ingest_result *result);
/* Deadlines of passages, marks and upload times.  Cheap when nothing is due;
 * called about once a second. */
MUST_CHECK enum status ingest_tick(struct ingest *ingest, struct queue *queue,
                                   int64_t now_ms);
/*
 * An operator completes a HELD or REJECTED delivery with fields (an object
 * in the interface's own field names); it is made anew under its number.
 * words says what is still missing.  MISSING, INVALID, NOT_FOUND, DENIED.
 * Without any field it is made anew of what is known by now: a vehicle that
 * has come into the ledger since completes its passages.
 */
MUST_CHECK enum status ingest_complete(struct ingest *ingest,
                                       struct queue *queue, uint64_t delivery,
                                       const json_t *fields, const char *actor,
                                       int64_t now_ms, struct bytes *words);

/* May an operator release this HELD delivery as it is?  MISSING, INVALID: no,
 * words say why.  OK for any other state. */
MUST_CHECK enum status ingest_check(struct ingest *ingest, struct queue *queue,
                                    uint64_t delivery, int64_t now_ms,
                                    struct bytes *words);

/* Import a vehicle ledger: CSV text, header line plate,color,vehicleId,vin,
 * tare_t in any order.  Entries become notes; later ones replace earlier.
 * words: one line for each refused row; *count: accepted rows. */
MUST_CHECK enum status ingest_ledger(struct ingest *ingest, struct queue *queue,
                                     struct span csv, unsigned *count,
                                     struct bytes *words);

#endif
