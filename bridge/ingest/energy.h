/*
 * energy.h - readings of one register become 15/30/60-minute items, daily and
 * monthly items.  State in, state out; nothing stored here.
 *
 *   readings   .        .   .            .     . .        .
 *   marks      |            |            |            |            |
 *                      00:15        00:30        00:45
 *
 * The value of a counter at a mark is interpolated between the readings
 * around it; an item is the difference of two marks.  Its label is the mark
 * that ends the interval (Liaoning 6.2.5); a daily item's is the start of its
 * day (A.5).  The rules:
 *
 *   - neighbours at most two intervals apart: valid
 *   - further apart, up to ENERGY_GAP_DAYS: the difference is known but not
 *     when it was used; it is spread evenly, with valid false
 *   - further still: the marks between are not reported, counting starts anew
 *   - a counter that falls: over its rollover when it has one, else it was
 *     reset: 0 was used as far as anybody knows, with valid false
 *   - a gauge is reported as it stands at the mark, its day as the mean; with
 *     neighbours more than two intervals apart it is not reported
 *   - a day or month of which marks are missing is reported with valid false
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_ENERGY_H
#define SAMPAN_ENERGY_H

#include <stddef.h>

#include "config.h"

#define ENERGY_GAP_DAYS 40

struct energy_reading {
    int64_t at_ms;
    double value;
};

struct energy_sum {
    uint32_t period; /* 20261120, or 202611; 0: none begun */
    double sum;
    uint32_t count; /* marks in it */
    bool valid;
};

/* What must be known of an item between two batches. */
struct energy_state {
    int64_t mark_ms; /* the last one reported; 0: none yet */
    double value;    /* of the register, at that mark */
    int64_t seen_ms; /* the last reading at or before it */
    struct energy_sum day, month;
};

enum { ENERGY_REAL_TIME = 0, ENERGY_DAY = 1, ENERGY_MONTH = 2 };
struct energy_fact {
    int stat_type; /* ENERGY_* */
    int64_t at_ms; /* the label: the mark, or the start of the period */
    double value;
    bool valid;
};

/* The mark that ends the interval in which at_ms lies. */
int64_t energy_mark(const struct energy_item_config *item, int64_t at_ms);

/*
 * All marks up to until_ms that the readings (rising in time) complete.
 * Answers the number of facts; fewer than there are when they come near
 * limit (3 or more), which the state remembers: call again.
 */
size_t energy_resolve(const struct energy_item_config *item,
                      struct energy_state *state,
                      const struct energy_reading *readings, size_t count,
                      int64_t until_ms, struct energy_fact *facts,
                      size_t limit);

#endif
