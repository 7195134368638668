/*
 * passage.h - one vehicle through one lane, while it is being joined from
 * what cameras and scales say.  State in, state out; nothing stored here.
 *
 *   capture --take--> passage --weigh--> ... complete, or its deadline
 *                        |
 *                     describe --> what platforms are given
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_PASSAGE_H
#define SAMPAN_PASSAGE_H

#include <jansson.h>

#include "config.h"
#include "ledger.h"
#include "plate.h"

#define PASSAGE_EVENTS_MAX 32

/* A picture inside a stored event; event 0: there is none. */
struct passage_picture {
    uint64_t event;
    unsigned index;
    int64_t at_ms;
};

struct passage {
    char plate[PLATE_MAX]; /* "": not read, or there is none */
    char color[16];
    char direction[4]; /* "in", "out", "" */
    int64_t at_ms;     /* first and last capture, device time */
    int64_t until_ms;
    struct passage_picture head, body;
    uint64_t weight_event; /* 0: not weighed */
    double gross_t;
    int64_t weighed_at_ms;
    double cargo_t; /* of a difference; < 0: not known */
    uint64_t events[PASSAGE_EVENTS_MAX];
    size_t event_count;
};

struct capture {
    uint64_t event;
    const char *device;
    int64_t at_ms;
    const json_t *json;
};

struct weight {
    uint64_t event;
    double gross_t;
    int64_t at_ms;
    char plate[PLATE_MAX]; /* "": the scale does not know */
};

/* A new passage of what one capture says. */
struct passage passage_open(const struct lane_config *lane,
                            const struct capture *capture);
/* Is it the same vehicle: near in time, no other plate, no other direction;
 * and when one of the two has no plate, a picture that is still absent. */
bool passage_fits(const struct passage *passage, const struct lane_config *lane,
                  const struct capture *capture);
/* Take what is new; what is there stays. */
void passage_take(struct passage *passage, const struct lane_config *lane,
                  const struct capture *capture);
/* A later edition of the event known, which the passage has: what it says
 * replaces what that said. */
void passage_revise(struct passage *passage, const struct lane_config *lane,
                    const struct capture *capture, uint64_t known);
/* May this weight be the vehicle's?  One with a plate of a vehicle going out
 * may be hours old: it was weighed in the yard. */
bool passage_weight_fits(const struct passage *passage,
                         const struct lane_config *lane,
                         const struct weight *weight);
void passage_weigh(struct passage *passage, const struct weight *weight);
void passage_add_event(struct passage *passage, uint64_t event);
bool passage_has_event(const struct passage *passage, uint64_t event);

/* Nothing more is to come. */
bool passage_complete(const struct passage *passage,
                      const struct lane_config *lane);
bool passage_has_pictures(const struct passage *passage,
                          const struct lane_config *lane);

/* The cargo of an entry is what it was heavier by than its exit, and the
 * other way round: the empty run carries 0. */
void passage_difference(struct passage *entry, struct passage *exit);

/*
 * What platform->passage is given (see docs/topics.md); vehicle NULL when it
 * is not in the ledger.  why[256]: what keeps the cargo weight from being
 * known, "" when it is.  NULL: no memory.
 */
json_t *passage_describe(const struct passage *passage,
                         const struct lane_config *lane,
                         const struct vehicle *vehicle, char why[static 256]);

/* As a note. */
json_t *passage_to_json(const struct passage *passage);
bool passage_of_json(const json_t *json, struct passage *passage);
json_t *weight_to_json(const struct weight *weight);
bool weight_of_json(const json_t *json, struct weight *weight);

#endif
