/*
 * outgoing.h - a passage goes out: the records of every destination of its
 * lane.
 *
 * For the committer's thread, with a group open.
 */
#ifndef SAMPAN_OUTGOING_H
#define SAMPAN_OUTGOING_H

#include "delivery.h"
#include "joining.h"
#include "passage.h"

MUST_CHECK enum status outgoing_send(struct joining *joining,
                                     const struct lane_config *lane,
                                     const struct passage *passage);

/* ---- shared with late.c ------------------------------------------------- */

/* The records that a passage makes for one destination. */
struct records {
    struct passage_record all[PASSAGE_RECORDS_MAX];
    size_t count;
    char why[256]; /* why the cargo weight is not known */
};

/* The deliveries of a passage that went out, as they stand in its note. */
struct sent {
    const struct lane_config *lane;
    struct passage passage;
    json_t *made; /* [{"d": id, "to": destination, "i": interface, "r": n}] */
    bool waits;   /* for a fact that may still come */
};

/* A record, and the deliveries made of the records before it. */
struct place {
    const struct records *records;
    size_t index;
    const struct delivered *before; /* one each */
};

MUST_CHECK enum status outgoing_records(struct queue *queue,
                                        const struct target *target,
                                        const struct lane_config *lane,
                                        const struct passage *passage,
                                        struct records *records);
void outgoing_records_free(struct records *records);
/* The lane's next destination, from *at on, that takes passages. */
bool outgoing_target(const struct config *config,
                     const struct lane_config *lane, unsigned *at,
                     struct target *target);
/* A record learns the number of the one it follows. */
MUST_CHECK enum status
outgoing_name_followed(const struct passage_record *record,
                       const struct delivered *before);
MUST_CHECK enum status outgoing_make(struct joining *joining,
                                     const struct target *target,
                                     const struct passage *passage,
                                     const struct place *place,
                                     struct delivered *delivered);
/* Write down in sent what was made of record index. */
MUST_CHECK enum status outgoing_note(struct sent *sent,
                                     const struct target *target,
                                     const struct interface *interface,
                                     size_t index, uint64_t id);
/* The fate of the passage's events: used, or wanted by nobody. */
MUST_CHECK enum status outgoing_settle(struct joining *joining,
                                       const struct passage *passage,
                                       bool used);

#endif
