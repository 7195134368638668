#include "stable.h"

#include <math.h>

/* Differences of decimals are not exact: 0.3 - 0.2 is not 0.1. */
#define GRAIN 1e-6

void stable_open(struct stable *stable, const struct stable_rule *rule)
{
    *stable = (struct stable){.rule = *rule};
}

void stable_resume(struct stable *stable, const struct stable_rule *rule,
                   double weighed)
{
    stable_open(stable, rule);
    stable->state = STABLE_RETURNED;
    stable->weighed = weighed;
}

/* ---- what a frame is worth ---------------------------------------------- */

static bool times_zeros(const struct stable_rule *rule,
                        const struct weight *weight, double *value)
{
    *value = weight_value(weight);
    if (weight->zeros == 0)
        return true;
    if (rule->zeros == ZEROS_LEFT_OUT)
        *value *= weight->zeros == 1 ? 10 : 100;
    return rule->zeros != ZEROS_UNSAID;
}

static bool is_below(const struct weight *weight)
{
    return weight->overload && weight->has_value && weight->unscaled < 0;
}

static enum stable_reading reading_of(const struct stable_rule *rule,
                                      const struct weight *weight,
                                      double *value)
{
    if (weight->mode == MODE_TARE)
        return READING_TARE;
    if (weight->zero_lost)
        return READING_NO_ZERO;
    if (weight->overload && !is_below(weight))
        return READING_OVERLOAD;
    if (!weight->has_value)
        return READING_NOTHING;
    if (weight->mode == MODE_NET)
        return READING_NET;
    if (!times_zeros(rule, weight, value))
        return READING_ZEROS;
    if (!weight_convert(*value, weight->unit, rule->unit, value))
        return READING_OTHER_UNIT;
    if (weight->overload)
        return READING_BELOW;
    return rule->maximum > 0 && *value > rule->maximum + GRAIN
               ? READING_OVERLOAD
               : READING_GOOD;
}

const char *stable_reading_text(enum stable_reading reading)
{
    static const char *const texts[] = {
        [READING_GOOD] = "a gross weight",
        [READING_OVERLOAD] = "the scale is overloaded or out of range",
        [READING_BELOW] = "the scale is below its range: press zero with the "
                          "scale empty",
        [READING_NO_ZERO] = "the indicator has captured no zero since it was "
                            "switched on: press zero with the scale empty",
        [READING_NET] = "a tare is set in the indicator: clear it, only gross "
                        "weights count",
        [READING_TARE] = "the indicator sends a tare, not the gross weight",
        [READING_ZEROS] = "the indicator has fixed zeros: compare with its "
                          "display and set fixed_zeros",
        [READING_OTHER_UNIT] = "the indicator weighs in another unit than the "
                               "settings say",
        [READING_NOTHING] = "the indicator sends no weight",
    };

    return texts[reading];
}

/* ---- the readings that the rule holds for ------------------------------- */

static void window_clear(struct stable *stable)
{
    stable->readings = 0;
}

static void window_add(struct stable *stable, const struct weight *weight,
                       double value, int64_t now_ms)
{
    const struct stable_rule *rule = &stable->rule;
    const double lowest =
        stable->readings == 0 ? value : fmin(stable->lowest, value);
    const double highest =
        stable->readings == 0 ? value : fmax(stable->highest, value);

    if (value <= rule->zero_band + GRAIN)
        stable->rest = 0;
    if (weight->motion == MOTION_MOVING || value < rule->minimum - GRAIN ||
        value <= stable->rest) {
        window_clear(stable);
    } else if (stable->readings == 0 || highest - lowest > rule->band + GRAIN) {
        stable->readings = 1;
        stable->lowest = stable->highest = value;
        stable->since_ms = now_ms;
    } else {
        stable->readings++;
        stable->lowest = lowest;
        stable->highest = highest;
    }
}

bool stable_holds(const struct stable *stable, int64_t now_ms)
{
    return stable->readings >= stable->rule.least && stable->readings > 0 &&
           stable->value_at_ms - stable->since_ms >= stable->rule.hold_ms &&
           now_ms - stable->value_at_ms <= stable->rule.age_ms;
}

/* ---- states ------------------------------------------------------------- */

/* At or below limit for empty_ms? */
static bool empty_again(struct stable *stable, double limit, int64_t now_ms)
{
    if (stable->value > limit + GRAIN) {
        stable->low = false;
        return false;
    }
    if (!stable->low) {
        stable->low = true;
        stable->low_since_ms = now_ms;
    }
    return now_ms - stable->low_since_ms >= stable->rule.empty_ms;
}

static enum stable_news enter_empty(struct stable *stable)
{
    const bool was_weighed = stable->state != STABLE_LOADING;

    stable->state = STABLE_EMPTY;
    stable->rest = stable->value > stable->rule.zero_band + GRAIN
                       ? stable->rule.rearm_below
                       : 0;
    stable->low = false;
    stable->told = false;
    stable->peak = 0;
    window_clear(stable);
    return was_weighed ? STABLE_LEFT : STABLE_NOTHING;
}

static enum stable_news enter_weighed(struct stable *stable,
                                      struct stable_report *report)
{
    stable->state = STABLE_WEIGHED;
    stable->weighed = stable->value;
    stable->low = false;
    stable->told = false;
    *report =
        (struct stable_report){stable->value, stable->lowest, stable->highest,
                               stable->peak, stable->readings};
    return STABLE_REPORT;
}

static bool is_same(const struct stable *stable)
{
    return fabs(stable->value - stable->weighed) <= stable->rule.same + GRAIN;
}

static enum stable_news step_empty(struct stable *stable)
{
    if (stable->value <= stable->rule.zero_band + GRAIN)
        return STABLE_NOTHING;
    stable->state = STABLE_LOADING;
    return STABLE_ARRIVED;
}

static enum stable_news step_loading(struct stable *stable, int64_t now_ms,
                                     struct stable_report *report)
{
    if (empty_again(stable, stable->rule.zero_band, now_ms))
        return enter_empty(stable);
    return stable_holds(stable, now_ms) ? enter_weighed(stable, report)
                                        : STABLE_NOTHING;
}

static enum stable_news step_returned(struct stable *stable, int64_t now_ms,
                                      struct stable_report *report)
{
    if (empty_again(stable, stable->rule.zero_band, now_ms))
        return enter_empty(stable);
    if (!stable_holds(stable, now_ms))
        return STABLE_NOTHING;
    if (!is_same(stable))
        return enter_weighed(stable, report);
    stable->state = STABLE_WEIGHED;
    return STABLE_SAME;
}

static enum stable_news step_weighed(struct stable *stable, int64_t now_ms)
{
    const double limit = fmax(stable->rule.zero_band, stable->rule.rearm_below);

    if (empty_again(stable, limit, now_ms))
        return enter_empty(stable);
    /* that vehicle went; the next one is told again */
    if (stable->value < stable->rule.minimum - GRAIN)
        stable->told = false;
    if (stable->told || is_same(stable) || !stable_holds(stable, now_ms))
        return STABLE_NOTHING;
    stable->told = true;
    return STABLE_CHANGED;
}

static enum stable_news step(struct stable *stable, int64_t now_ms,
                             struct stable_report *report)
{
    switch (stable->state) {
    case STABLE_EMPTY:
        return step_empty(stable);
    case STABLE_LOADING:
        return step_loading(stable, now_ms, report);
    case STABLE_RETURNED:
        return step_returned(stable, now_ms, report);
    case STABLE_WEIGHED:
        return step_weighed(stable, now_ms);
    }
    return STABLE_NOTHING;
}

/* Nothing was heard for too long: what was seen before says nothing of now. */
static void after_silence(struct stable *stable, int64_t silent_ms)
{
    window_clear(stable);
    stable->low = false;
    if (stable->state == STABLE_WEIGHED && silent_ms >= STABLE_AWAY_MS)
        stable->state = STABLE_RETURNED;
}

/* Too much to be weighed is still something on the scale. */
static enum stable_news overloaded(struct stable *stable)
{
    window_clear(stable);
    stable->low = false;
    if (stable->state != STABLE_EMPTY)
        return STABLE_NOTHING;
    stable->state = STABLE_LOADING;
    return STABLE_ARRIVED;
}

enum stable_news stable_put(struct stable *stable, const struct weight *weight,
                            int64_t now_ms, struct stable_report *report)
{
    const int64_t silent_ms = now_ms - stable->value_at_ms;
    double value = 0;

    stable->reading = reading_of(&stable->rule, weight, &value);
    if (stable->reading > READING_BELOW)
        return STABLE_NOTHING;
    if (stable->known && silent_ms > stable->rule.age_ms)
        after_silence(stable, silent_ms);
    stable->known = true;
    stable->value_at_ms = now_ms;
    if (stable->reading == READING_OVERLOAD)
        return overloaded(stable);
    stable->value = value;
    stable->peak = fmax(stable->peak, value);
    window_add(stable, weight, value, now_ms);
    return step(stable, now_ms, report);
}
