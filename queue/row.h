/*
 * row.h - a delivery's row in the hot environment.
 *
 * msgpack, one array.  What changes has a fixed width, so an outcome replaces
 * a row by one of the same size and its page neither splits nor moves.
 */
#ifndef SAMPAN_QUEUE_ROW_H
#define SAMPAN_QUEUE_ROW_H

#include "queue.h"

#define ROW_PINS_MAX 32    /* months besides its own that a delivery keeps */
#define ROW_LANE_NONE 0xff /* of the settled states */

struct row {
    enum queue_state state;
    uint8_t lane;   /* enum queue_lane or ROW_LANE_NONE */
    bool reasoned;  /* made HELD or REJECTED: its own record has the reason */
    uint32_t month; /* its own record lies in */
    uint16_t destination;
    uint16_t interface;
    uint32_t attempts;
    uint32_t rounds;
    int64_t changed_at_ms;
    uint64_t outcome_seq; /* its newest outcome, 0: none */
    uint64_t facts_seq;   /* the record that holds its present facts */
    enum queue_after after;
    uint64_t follows;
    uint64_t order_key;
    int64_t made_at_ms;
    char number[128];
    char subject[64];
    uint32_t pins[ROW_PINS_MAX];
    size_t pin_count;
};

MUST_CHECK enum status row_encode(const struct row *row, struct bytes *to);
MUST_CHECK enum status row_decode(struct span from, struct row *row);
/* Whether it still needs what it was made of. */
bool row_unsettled(const struct row *row);
/* False: ROW_PINS_MAX months are pinned already. */
bool row_pin(struct row *row, uint32_t month);

#endif
