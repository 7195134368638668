/*
 * stable.h - one weight for each vehicle.  Pure: time is an argument.
 *
 *          above the zero band           the rule holds
 *   EMPTY ---------------------> LOADING ----------------> WEIGHED, reported
 *     ^                             |                       |  ^      once
 *     +--- empty for empty_ms ------+-----------------------+  |
 *     |                                                     |  | the rule
 * holds: |                             silent for a minute, or |  | the same
 * weight, |                             a restart               v  | or a new
 * report
 *     +--- empty for empty_ms --------------------------- RETURNED
 *
 * The rule.  A weight is reported when, for hold_ms without a break and in at
 * least `least` readings,
 *
 *   - the highest and the lowest reading differ by no more than band,
 *   - each is at least minimum, and not above maximum (when there is one),
 *   - none says that it moves, where the indicator tells,
 *   - none is overloaded, out of range, or before the zero was captured,
 *   - no two were further apart than age_ms: a frame that is missing is no
 *     new value.
 *
 * What is reported is the last reading, with the lowest and the highest of
 * those that the rule held for.
 *
 * Then nothing is reported until the scale was empty: at or below the zero
 * band for empty_ms.  So a second vehicle that drives on while the first one
 * still stands there is not reported (STABLE_CHANGED tells of it); where
 * vehicles follow each other like that, rearm_below says below which weight
 * the next one counts.  What stays below it is the rest of the first.
 *
 * A scale that says out of range and has a weight below zero is empty: what
 * lay on it when it was zeroed is gone.
 *
 * Only gross weights count.  A net or tare reading is no reading at all.
 */
#ifndef SAMPAN_STABLE_H
#define SAMPAN_STABLE_H

#include "weight.h"

/* A vehicle cannot have gone and another come in less. */
#define STABLE_AWAY_MS 60000

/* Whether Toledo's fixed zeros are in the field that is sent. */
enum fixed_zeros { ZEROS_UNSAID, ZEROS_SENT, ZEROS_LEFT_OUT };

/* Weights are in unit. */
struct stable_rule {
    enum weight_unit unit; /* also of readings that tell none */
    enum fixed_zeros zeros;
    double band;
    double minimum;
    double maximum; /* 0: none */
    double zero_band;
    double rearm_below; /* 0: only when empty */
    double same; /* after a break: the same vehicle, when no further off */
    int64_t hold_ms;
    unsigned least;
    int64_t empty_ms;
    int64_t age_ms;
};

enum stable_state {
    STABLE_EMPTY,
    STABLE_LOADING,
    STABLE_WEIGHED,
    STABLE_RETURNED
};

/* What the last reading was. */
enum stable_reading {
    READING_GOOD,
    READING_OVERLOAD, /* or above maximum, or out of range */
    READING_BELOW,    /* below its range: nothing is on it */
    /* and no reading at all: */
    READING_NO_ZERO,    /* no zero was captured at power-on */
    READING_NET,        /* a tare is set: the gross weight is not sent */
    READING_TARE,       /* not a weight on the scale */
    READING_ZEROS,      /* fixed_zeros is not set, and is needed */
    READING_OTHER_UNIT, /* cannot be told in the unit of the settings */
    READING_NOTHING,    /* an answer without a weight */
};

struct stable {
    struct stable_rule rule;
    enum stable_state state;
    enum stable_reading reading;
    bool known; /* there was a reading; value is the last good one */
    double value;
    int64_t value_at_ms;
    /* the readings that the rule holds for so far */
    unsigned readings;
    double lowest;
    double highest;
    int64_t since_ms;
    bool low; /* the scale may be empty, since low_since_ms */
    int64_t low_since_ms;
    double rest;    /* not empty yet: a vehicle is heavier than this */
    double peak;    /* since it was empty */
    double weighed; /* what was reported last */
    bool told;      /* CHANGED was said of this vehicle */
};

enum stable_news {
    STABLE_NOTHING,
    STABLE_ARRIVED, /* something is on the scale */
    STABLE_REPORT,  /* its weight: *report is filled */
    STABLE_SAME, /* after a break the vehicle that was reported stands there */
    STABLE_CHANGED, /* another weight, but the scale was not empty: not sent */
    STABLE_LEFT,    /* it is empty again */
};

struct stable_report {
    double gross;
    double lowest;
    double highest;
    double peak; /* since the scale was empty */
    unsigned readings;
};

/* EMPTY: whatever stands on the scale now will be reported. */
void stable_open(struct stable *stable, const struct stable_rule *rule);
/* RETURNED: weighed was reported before, and may still stand there. */
void stable_resume(struct stable *stable, const struct stable_rule *rule,
                   double weighed);

/* now_ms is of a clock that never jumps. */
enum stable_news stable_put(struct stable *stable, const struct weight *weight,
                            int64_t now_ms, struct stable_report *report);

/* Whether the rule holds for what stands there now: of the live weight. */
bool stable_holds(const struct stable *stable, int64_t now_ms);
/* "a tare is set in the indicator: clear it, only gross weights count". */
const char *stable_reading_text(enum stable_reading reading);

#endif
