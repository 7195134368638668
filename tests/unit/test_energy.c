#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "energy.h"

#define NOON_MS INT64_C(1795147200000) /* 2026-11-20 12:00 in China */
#define FAR_MS (NOON_MS + 400 * DAY_MS)
#define FACTS 8000

static const struct energy_item_config counter = {
    .interval_minutes = 15, .factor = 2, .monthly = true};

/* Readings in minutes after noon, and what came of them. */
struct series {
    struct energy_state state;
    struct energy_reading readings[64];
    size_t reading_count;
    struct energy_fact facts[FACTS];
    size_t count;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct series));
    return *state == NULL;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void at(struct series *series, double minutes, double value)
{
    series->readings[series->reading_count++] = (struct energy_reading){
        NOON_MS + (int64_t)(minutes * (double)MINUTE_MS), value};
}

static void resolve(struct series *series,
                    const struct energy_item_config *item, int64_t until_ms)
{
    series->count =
        energy_resolve(item, &series->state, series->readings,
                       series->reading_count, until_ms, series->facts, FACTS);
}

static void assert_item(const struct series *series, size_t i, int minutes,
                        double value, bool valid)
{
    const struct energy_fact *fact = &series->facts[i];

    assert_true(i < series->count);
    assert_int_equal(fact->stat_type, ENERGY_REAL_TIME);
    assert_int_equal(fact->at_ms, NOON_MS + minutes * MINUTE_MS);
    if (fabs(fact->value - value) > 1e-9)
        fail_msg("item %zu is %g, not %g", i, fact->value, value);
    assert_int_equal(fact->valid, valid);
}

/* ---- marks --------------------------------------------------------------- */

static void readings_at_marks_give_their_differences(void **state)
{
    struct series *series = *state;

    at(series, 0, 100);
    at(series, 15, 110);
    at(series, 30, 125);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 2);
    assert_item(series, 0, 15, 20, true);
    assert_item(series, 1, 30, 30, true);
}

static void values_at_marks_are_interpolated(void **state)
{
    struct series *series = *state;

    at(series, -5, 100); /* noon: 105 */
    at(series, 5, 110);
    at(series, 20, 140); /* 12:15: 130 */
    at(series, 40, 150); /* 12:30: 145 */
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 2);
    assert_item(series, 0, 15, 50, true);
    assert_item(series, 1, 30, 30, true);
}

static void an_interval_still_open_is_not_reported(void **state)
{
    struct series *series = *state;

    at(series, 0, 100);
    at(series, 15, 110);
    at(series, 29, 120);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 1);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 0);
    at(series, 31, 122); /* 12:30: 121 */
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 1);
    assert_item(series, 0, 30, 22, true);
}

static void marks_after_the_upload_time_wait(void **state)
{
    struct series *series = *state;

    at(series, 0, 0);
    at(series, 15, 1);
    at(series, 30, 2);
    at(series, 45, 3);
    resolve(series, &counter, NOON_MS + 31 * MINUTE_MS);
    assert_int_equal(series->count, 2);
    resolve(series, &counter, NOON_MS + 45 * MINUTE_MS);
    assert_int_equal(series->count, 1);
    assert_item(series, 0, 45, 2, true);
}

static void it_goes_on_where_the_limit_stopped_it(void **state)
{
    struct series *series = *state;
    double sum = 0;
    size_t count = 0;

    for (int i = 0; i <= 40; i++)
        at(series, 15 * i, i * 3);
    for (int round = 0; round < 30; round++) {
        series->count =
            energy_resolve(&counter, &series->state, series->readings,
                           series->reading_count, FAR_MS, series->facts, 5);
        assert_true(series->count <= 5);
        for (size_t i = 0; i < series->count; i++, count++)
            sum += series->facts[i].value;
    }
    assert_int_equal(count, 40);
    assert_true(fabs(sum - 240) < 1e-9);
}

static void thirty_and_sixty_minutes_have_their_own_marks(void **state)
{
    struct series *series = *state;
    struct energy_item_config item = counter;

    item.interval_minutes = 30;
    at(series, 0, 0);
    at(series, 15, 5);
    at(series, 45, 20); /* 12:30: 12.5 */
    at(series, 60, 30);
    resolve(series, &item, FAR_MS);
    assert_int_equal(series->count, 2);
    assert_item(series, 0, 30, 25, true);
    assert_item(series, 1, 60, 35, true);
}

/* ---- gaps, rollover, reset ----------------------------------------------- */

static void a_gap_is_spread_and_marked(void **state)
{
    struct series *series = *state;

    at(series, 0, 100);
    at(series, 15, 110);
    at(series, 75, 150); /* an hour of silence: 40 over four intervals */
    at(series, 90, 155);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 6);
    assert_item(series, 0, 15, 20, true);
    for (int i = 1; i <= 4; i++)
        assert_item(series, (size_t)i, 15 + 15 * i, 20, false);
    assert_item(series, 5, 90, 10, true);
}

static void two_intervals_without_a_reading_are_still_valid(void **state)
{
    struct series *series = *state;

    at(series, 0, 0);
    at(series, 30, 10);
    resolve(series, &counter, FAR_MS);
    assert_item(series, 0, 15, 10, true);
    assert_item(series, 1, 30, 10, true);
}

static void a_gap_over_an_upload_is_still_a_gap(void **state)
{
    struct series *series = *state;

    at(series, 1, 0);
    at(series, 16, 15); /* 12:15: 14 */
    at(series, 29, 28);
    at(series, 70, 69);
    resolve(series, &counter, NOON_MS + 30 * MINUTE_MS);
    assert_item(series, series->count - 1, 30, 30, false);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 2);
    assert_item(series, 0, 45, 30, false);
    assert_item(series, 1, 60, 30, false);
}

static void a_gap_of_months_starts_anew_and_does_not_loop(void **state)
{
    struct series *series = *state;
    int minutes = 41 * 24 * 60;

    at(series, 0, 100);
    at(series, 15, 110);
    at(series, minutes, 99000);
    at(series, minutes + 15, 99001);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 2);
    assert_item(series, 0, 15, 20, true);
    assert_item(series, 1, minutes + 15, 2, true);
}

static void a_rollover_is_counted_on(void **state)
{
    struct series *series = *state;
    struct energy_item_config item = counter;

    item.rollover = 1000;
    at(series, 0, 990);
    at(series, 10, 995);
    at(series, 20, 5); /* 12:15: 1000, so 0 */
    at(series, 30, 10);
    resolve(series, &item, FAR_MS);
    assert_int_equal(series->count, 2);
    assert_item(series, 0, 15, 20, true);
    assert_item(series, 1, 30, 20, true);
    assert_true(fabs(series->state.value - 10) < 1e-9);
}

static void a_reset_is_not_valid_and_not_negative(void **state)
{
    struct series *series = *state;

    at(series, 0, 5000);
    at(series, 15, 5010);
    at(series, 20, 5012);
    at(series, 25, 1); /* a new meter */
    at(series, 30, 3);
    at(series, 45, 9);
    resolve(series, &counter, FAR_MS);
    assert_int_equal(series->count, 3);
    assert_item(series, 0, 15, 20, true);
    assert_item(series, 1, 30, 8, false); /* 2 before, 2 after */
    assert_item(series, 2, 45, 12, true);
}

static void a_fall_to_the_middle_is_a_reset_even_with_rollover(void **state)
{
    struct series *series = *state;
    struct energy_item_config item = counter;

    item.rollover = 1000;
    at(series, 0, 500);
    at(series, 15, 400); /* 900 in a quarter of an hour? */
    resolve(series, &item, FAR_MS);
    assert_item(series, 0, 15, 0, false);
}

/* ---- gauges -------------------------------------------------------------- */

static void a_gauge_is_reported_as_it_stands(void **state)
{
    struct series *series = *state;
    struct energy_item_config item = counter;

    item.gauge = true;
    at(series, 0, 50);
    at(series, 10, 60);
    at(series, 20, 40); /* 12:15: 50 */
    at(series, 90, 10); /* unknown until 13:30 */
    resolve(series, &item, FAR_MS);
    assert_int_equal(series->count, 3);
    assert_item(series, 0, 0, 100, true);
    assert_item(series, 1, 15, 100, true);
    assert_item(series, 2, 90, 20, true);
}

/* ---- days and months ----------------------------------------------------- */

/* A reading at each mark of hours, 10 an hour. */
static size_t run_hours(struct series *series,
                        const struct energy_item_config *item, int from,
                        int until)
{
    series->reading_count = 0;
    for (int hour = from; hour <= until; hour++)
        at(series, hour * 60, hour * 10);
    resolve(series, item, FAR_MS);
    return series->count;
}

static void a_day_is_the_sum_of_its_marks(void **state)
{
    struct series *series = *state;
    struct energy_item_config item = counter;
    const struct energy_fact *day = NULL;

    item.interval_minutes = 60;
    run_hours(series, &item, 0, 40); /* noon to 04:00 of the 22nd */
    for (size_t i = 0; i < series->count; i++)
        if (series->facts[i].stat_type == ENERGY_DAY) {
            day = &series->facts[i];
            if (day->at_ms == NOON_MS - 12 * HOUR_MS) {
                assert_true(fabs(day->value - 240) < 1e-9);
                assert_false(day->valid); /* only half of it was metered */
                assert_int_equal(series->facts[i - 1].at_ms,
                                 NOON_MS + 12 * HOUR_MS);
            }
        }
    assert_non_null(day);
    assert_int_equal(day->at_ms, NOON_MS + 12 * HOUR_MS);
    assert_true(fabs(day->value - 480) < 1e-9);
    assert_true(day->valid);
    assert_int_equal(series->count, 42);
}

static void a_month_is_reported_when_it_ends(void **state)
{
    struct series *series = *state;
    struct energy_item_config item = counter;
    const struct energy_fact *month = NULL;
    int64_t start_ms = 0;
    size_t months = 0;

    /* from 1 December 00:00, which is 252 hours after noon of 20 November */
    item.interval_minutes = 60;
    for (int day = 0; day <= 62; day++) {
        run_hours(series, &item, 252 + day * 24, 252 + day * 24 + 24);
        for (size_t i = 0; i < series->count; i++)
            if (series->facts[i].stat_type == ENERGY_MONTH) {
                months++;
                if (months == 1) {
                    month = &series->facts[i];
                    assert_int_equal(china_day_start_ms(20261201, &start_ms),
                                     STATUS_OK);
                    assert_int_equal(month->at_ms, start_ms);
                    assert_true(fabs(month->value - 31 * 480) < 1e-6);
                    assert_true(month->valid);
                }
            }
    }
    assert_int_equal(months, 2);
}

/* ---- when a batch is due ------------------------------------------------- */

#define DAY_START_MS (NOON_MS - 12 * HOUR_MS)

static void the_first_batch_is_at_the_next_upload_time(void **state)
{
    struct batch_plan plan = batch_plan_read("");

    (void)state;
    batch_plan_learn(&plan, "01:05:00", NOON_MS);
    assert_int_equal(batch_plan_due(&plan, NOON_MS), 0);
    assert_int_equal(batch_plan_due(&plan, DAY_START_MS + DAY_MS), 0);
    assert_int_equal(
        batch_plan_due(&plan, DAY_START_MS + DAY_MS + 65 * MINUTE_MS),
        DAY_START_MS + DAY_MS + 65 * MINUTE_MS);
    plan = batch_plan_read("");
    batch_plan_learn(&plan, "12:00:20", NOON_MS);
    assert_int_equal(batch_plan_due(&plan, NOON_MS + 20 * SECOND_MS),
                     NOON_MS + 20 * SECOND_MS);
}

static void a_box_that_was_off_makes_one_batch_when_it_is_back(void **state)
{
    struct batch_plan plan = batch_plan_read("");
    int64_t back_ms = NOON_MS + 5 * DAY_MS;
    int64_t due_ms;

    (void)state;
    batch_plan_learn(&plan, "01:05:00", NOON_MS);
    due_ms = batch_plan_due(&plan, back_ms);
    assert_int_equal(due_ms, DAY_START_MS + 5 * DAY_MS + 65 * MINUTE_MS);
    plan.last_ms = due_ms;
    assert_int_equal(batch_plan_due(&plan, back_ms), 0);
}

static void a_change_of_the_time_takes_effect_the_next_day(void **state)
{
    struct batch_plan plan = batch_plan_read("");
    char text[96];
    int64_t due_ms = DAY_START_MS + DAY_MS + 65 * MINUTE_MS;

    (void)state;
    batch_plan_learn(&plan, "01:05:00", NOON_MS);
    plan.last_ms = due_ms;
    batch_plan_learn(&plan, "23:00:00", due_ms + HOUR_MS);
    batch_plan_print(&plan, text);
    plan = batch_plan_read(text);
    assert_false(batch_plan_changed(&plan, text));
    batch_plan_learn(&plan, "23:00:00", due_ms + 22 * HOUR_MS);
    assert_int_equal(batch_plan_due(&plan, due_ms + 22 * HOUR_MS), 0);
    batch_plan_learn(&plan, "23:00:00", DAY_START_MS + 2 * DAY_MS + 1);
    assert_string_equal(plan.time, "23:00:00");
    assert_int_equal(batch_plan_due(&plan, DAY_START_MS + 2 * DAY_MS + 1), 0);
    assert_int_equal(
        batch_plan_due(&plan, DAY_START_MS + 2 * DAY_MS + 23 * HOUR_MS),
        DAY_START_MS + 2 * DAY_MS + 23 * HOUR_MS);
}

static void what_is_no_time_of_day_is_ignored(void **state)
{
    static const char *const texts[] = {"",          "24:00:00", "1:5",
                                        "01:05:00x", "aa:bb:cc", "-1:00:00"};
    struct batch_plan plan = batch_plan_read("garbage 1 2");

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts)[0]; i++) {
        batch_plan_learn(&plan, texts[i], NOON_MS);
        assert_int_equal(batch_plan_due(&plan, NOON_MS + 10 * DAY_MS), 0);
    }
}
