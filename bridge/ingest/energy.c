#include "energy.h"

#include <math.h>

#include "clock.h"

struct resolving {
    const struct energy_item_config *item;
    struct energy_state *state;
    int64_t interval_ms;
    int64_t until_ms;
    struct energy_fact *facts;
    size_t count;
    size_t limit;
    double used; /* of the register since the last mark */
    bool valid;
};

/* From one reading to the next. */
struct stretch {
    struct energy_reading from, to;
    int64_t seen_ms; /* the reading at or before from */
    double used;     /* what the counter counted; rollover and reset seen to */
    bool valid;
    bool reset;
    bool far; /* more than two intervals */
};

int64_t energy_mark(const struct energy_item_config *item, int64_t at_ms)
{
    int64_t interval_ms = (int64_t)item->interval_minutes * MINUTE_MS;

    return (at_ms + interval_ms - 1) / interval_ms * interval_ms;
}

static void emit(struct resolving *r, int stat_type, int64_t at_ms,
                 double value, bool valid)
{
    r->facts[r->count++] = (struct energy_fact){stat_type, at_ms, value, valid};
}

/* ---- days and months ---------------------------------------------------- */

static uint32_t month_of(int64_t at_ms)
{
    return china_day(at_ms) / 100;
}

static int64_t day_start(uint32_t day)
{
    int64_t at_ms = 0;

    return china_day_start_ms(day, &at_ms) == STATUS_OK ? at_ms : 0;
}

static void add(struct energy_sum *sum, uint32_t period, double value,
                bool valid)
{
    if (sum->period != period)
        *sum = (struct energy_sum){period, 0, 0, true};
    sum->sum += value;
    sum->count++;
    sum->valid &= valid;
}

/* The period is over: its item, from the sum of its marks. */
static void emit_period(struct resolving *r, int stat_type,
                        struct energy_sum *sum, int64_t start_ms,
                        int64_t end_ms)
{
    double value =
        r->item->gauge && sum->count > 0 ? sum->sum / sum->count : sum->sum;
    bool whole = sum->count == (end_ms - start_ms) / r->interval_ms;

    if (sum->count > 0)
        emit(r, stat_type, start_ms, value, sum->valid && whole);
    *sum = (struct energy_sum){0};
}

static void close_periods(struct resolving *r, int64_t mark_ms)
{
    struct energy_state *state = r->state;
    uint32_t day = china_day(mark_ms - 1);

    if (china_day(mark_ms) != day && state->day.period == day)
        emit_period(r, ENERGY_DAY, &state->day, day_start(day), mark_ms);
    if (month_of(mark_ms) != day / 100 && state->month.period == day / 100) {
        if (r->item->monthly)
            emit_period(r, ENERGY_MONTH, &state->month,
                        day_start(day / 100 * 100 + 1), mark_ms);
        state->month = (struct energy_sum){0};
    }
}

/* ---- marks -------------------------------------------------------------- */

static void report(struct resolving *r, int64_t mark_ms, double value,
                   bool valid)
{
    uint32_t day = china_day(mark_ms - 1);

    value *= r->item->factor;
    emit(r, ENERGY_REAL_TIME, mark_ms, value, valid);
    add(&r->state->day, day, value, valid);
    add(&r->state->month, day / 100, value, valid);
}

/* The register's own value at a mark inside the stretch. */
static double value_at(const struct resolving *r, const struct stretch *stretch,
                       double fraction)
{
    double value = stretch->from.value + stretch->used * fraction;

    if (stretch->reset)
        return stretch->to.value;
    if (!r->item->gauge && r->item->rollover > 0 && value >= r->item->rollover)
        value -= r->item->rollover;
    return value;
}

static void pass_mark(struct resolving *r, const struct stretch *stretch,
                      int64_t mark_ms)
{
    double fraction = (double)(mark_ms - stretch->from.at_ms) /
                      (double)(stretch->to.at_ms - stretch->from.at_ms);
    double value = value_at(r, stretch, fraction);
    bool at_reading = mark_ms == stretch->to.at_ms;

    if (r->item->gauge) {
        if (at_reading || !stretch->far)
            report(r, mark_ms, value, true);
    } else {
        report(r, mark_ms, r->used, r->valid);
    }
    r->used = 0;
    r->valid = true;
    r->state->mark_ms = mark_ms;
    r->state->value = value;
    r->state->seen_ms = at_reading ? mark_ms : stretch->seen_ms;
    close_periods(r, mark_ms);
}

static struct stretch stretch_of(const struct resolving *r,
                                 struct energy_reading from, int64_t seen_ms,
                                 struct energy_reading to)
{
    struct stretch stretch = {.from = from,
                              .to = to,
                              .seen_ms = seen_ms,
                              .used = to.value - from.value,
                              .far = to.at_ms - seen_ms > 2 * r->interval_ms};

    if (!r->item->gauge && stretch.used < 0) {
        if (r->item->rollover > from.value)
            stretch.used += r->item->rollover;
        stretch.reset =
            stretch.used < 0 ||
            (r->item->rollover > 0 && stretch.used > r->item->rollover / 2);
    }
    if (stretch.reset)
        stretch.used = 0;
    stretch.valid = !stretch.reset && !stretch.far;
    return stretch;
}

/* All marks up to the end of the stretch; false: the limit or until. */
static bool walk(struct resolving *r, const struct stretch *stretch)
{
    int64_t begun_ms = stretch->from.at_ms;
    double length_ms = (double)(stretch->to.at_ms - stretch->from.at_ms);
    int64_t mark_ms = r->state->mark_ms + r->interval_ms;

    for (; mark_ms <= stretch->to.at_ms; mark_ms += r->interval_ms) {
        if (mark_ms > r->until_ms || r->count + 3 > r->limit)
            return false;
        r->used += stretch->used * (double)(mark_ms - begun_ms) / length_ms;
        r->valid &= stretch->valid;
        pass_mark(r, stretch, mark_ms);
        begun_ms = mark_ms;
    }
    if (begun_ms < stretch->to.at_ms) {
        r->used +=
            stretch->used * (double)(stretch->to.at_ms - begun_ms) / length_ms;
        r->valid &= stretch->valid;
    }
    return true;
}

/*
 * Counting starts: at the first mark whose value the two readings tell, or
 * not yet.  A gauge starts one mark earlier, since it needs no difference.
 */
static void begin(struct resolving *r, struct energy_reading from,
                  struct energy_reading to)
{
    struct energy_state *state = r->state;
    int64_t mark_ms = energy_mark(r->item, from.at_ms);
    double fraction;

    *state = (struct energy_state){0};
    if (mark_ms == from.at_ms) {
        state->value = from.value;
    } else {
        if (mark_ms > to.at_ms || to.at_ms - from.at_ms > 2 * r->interval_ms ||
            (!r->item->gauge && to.value < from.value))
            return;
        fraction =
            (double)(mark_ms - from.at_ms) / (double)(to.at_ms - from.at_ms);
        state->value = from.value + (to.value - from.value) * fraction;
    }
    state->mark_ms = mark_ms;
    state->seen_ms = from.at_ms;
    r->used = 0;
    r->valid = true;
    if (r->item->gauge && mark_ms <= r->until_ms) {
        report(r, mark_ms, state->value, true);
        close_periods(r, mark_ms);
    }
}

static void start_over(struct resolving *r)
{
    *r->state = (struct energy_state){0};
    r->used = 0;
    r->valid = true;
}

size_t energy_resolve(const struct energy_item_config *item,
                      struct energy_state *state,
                      const struct energy_reading *readings, size_t count,
                      int64_t until_ms, struct energy_fact *facts, size_t limit)
{
    struct resolving r = {.item = item,
                          .state = state,
                          .interval_ms =
                              (int64_t)item->interval_minutes * MINUTE_MS,
                          .until_ms = until_ms,
                          .facts = facts,
                          .limit = limit,
                          .valid = true};
    struct energy_reading left = {state->mark_ms, state->value};
    int64_t seen_ms = state->seen_ms;
    struct stretch stretch;

    for (size_t i = 0; i < count && r.count + 3 <= limit; i++) {
        struct energy_reading now = readings[i];
        bool first = left.at_ms == 0;

        if (now.at_ms <= left.at_ms)
            continue;
        if (now.at_ms - seen_ms > ENERGY_GAP_DAYS * DAY_MS && !first) {
            start_over(&r);
            first = true;
        }
        if (state->mark_ms == 0) {
            begin(&r, first ? now : left, now);
            if (state->mark_ms != 0 && state->mark_ms < now.at_ms)
                left = (struct energy_reading){state->mark_ms, state->value};
        }
        if (state->mark_ms != 0 && left.at_ms < now.at_ms && !first) {
            stretch = stretch_of(&r, left, seen_ms, now);
            if (!walk(&r, &stretch))
                break;
        }
        left = now;
        seen_ms = now.at_ms;
    }
    return r.count;
}
