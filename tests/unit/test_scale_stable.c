#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stable.h"

/* A truck scale of 20 kg: still for 3 s within one division. */
static const struct stable_rule rule_20kg = {
    .unit = UNIT_KG,
    .band = 20,
    .minimum = 1000,
    .zero_band = 400,
    .same = 200,
    .hold_ms = 3000,
    .least = 5,
    .empty_ms = 1000,
    .age_ms = 2000,
};

struct fixture {
    struct stable stable;
    int64_t now_ms;
    unsigned reports;
    unsigned changes;
    unsigned departures;
    struct stable_report last;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    stable_open(&f->stable, &rule_20kg);
    f->now_ms = 1000000;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void put(struct fixture *f, const struct weight *weight)
{
    struct stable_report report = {0};

    switch (stable_put(&f->stable, weight, f->now_ms, &report)) {
    case STABLE_REPORT:
        f->reports++;
        f->last = report;
        break;
    case STABLE_CHANGED:
        f->changes++;
        break;
    case STABLE_LEFT:
        f->departures++;
        break;
    default:
        break;
    }
    f->now_ms += 100; /* ten frames a second */
}

static struct weight of(double kg)
{
    return (struct weight){
        .has_value = true, .unscaled = (int64_t)llround(kg * 10), .places = 1};
}

static void reads(struct fixture *f, double kg)
{
    const struct weight weight = of(kg);

    put(f, &weight);
}

static void reads_for(struct fixture *f, double kg, int64_t ms)
{
    for (const int64_t end = f->now_ms + ms; f->now_ms < end;)
        reads(f, kg);
}

static void goes(struct fixture *f, double from, double to, int64_t ms)
{
    const int64_t start = f->now_ms;

    while (f->now_ms < start + ms)
        reads(f, from + (to - from) * (double)(f->now_ms - start) / (double)ms);
}

/* A truck comes, stands and goes. */
static void truck(struct fixture *f, double kg)
{
    goes(f, 0, kg, 4000);
    reads_for(f, kg, 8000);
    goes(f, kg, 0, 4000);
    reads_for(f, 0, 3000);
}

/* ---- one truck, one weight ---------------------------------------------- */

static void each_truck_is_reported_once(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 0, 2000);
    for (unsigned i = 1; i <= 20; i++) {
        truck(f, 15000 + 1000 * i);
        assert_int_equal(f->reports, i);
        assert_true(f->last.gross == 15000 + 1000 * i);
        assert_int_equal(f->departures, i);
    }
    assert_int_equal(f->changes, 0);
}

static void a_weight_is_stable_after_the_time_and_not_before(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 0, 2000);
    reads_for(f, 30000, 3000); /* readings at 0 .. 2900 ms */
    assert_int_equal(f->reports, 0);
    reads(f, 30000); /* 3000 ms */
    assert_int_equal(f->reports, 1);
    assert_int_equal(f->last.readings, 31);
}

static void slow_frames_must_be_as_many_as_the_rule_says(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        reads(f, 30000);
        f->now_ms += 900; /* one a second */
    }
    assert_int_equal(f->reports, 0);
    reads(f, 30000);
    assert_int_equal(f->reports, 1);
}

static void a_truck_that_is_there_at_the_start_is_reported(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 5000);
    assert_int_equal(f->reports, 1);
}

static void lowest_and_highest_are_those_of_the_stable_time(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 0, 1000);
    goes(f, 0, 33000, 2000); /* it brakes: more than it weighs */
    for (int i = 0; i < 40; i++)
        reads(f, i % 3 == 0 ? 30000 : i % 3 == 1 ? 30010 : 30020);
    assert_int_equal(f->reports, 1);
    assert_true(f->last.lowest == 30000);
    assert_true(f->last.highest == 30020);
    assert_true(f->last.gross >= 30000 && f->last.gross <= 30020);
    assert_true(f->last.peak > 31000 && f->last.peak < 33000);
}

static void noise_of_more_than_the_band_is_not_stable(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 200; i++)
        reads(f, i % 2 == 0 ? 30000 : 30040);
    assert_int_equal(f->reports, 0);
    /* noise of one division is */
    for (int i = 0; i < 40; i++)
        reads(f, i % 2 == 0 ? 30000 : 30020);
    assert_int_equal(f->reports, 1);
}

static void a_single_wild_reading_starts_the_time_again(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 2500);
    reads(f, 92000);
    reads_for(f, 30000, 2500);
    assert_int_equal(f->reports, 0);
    reads_for(f, 30000, 1000);
    assert_int_equal(f->reports, 1);
    assert_true(f->last.highest == 30000);
}

static void creep_is_reported_when_it_is_slow_enough(void **state)
{
    struct fixture *f = *state;

    goes(f, 30000, 30500, 10000); /* 50 kg a second */
    assert_int_equal(f->reports, 0);
    goes(f, 30500, 30540, 10000); /* 4 kg a second */
    assert_int_equal(f->reports, 1);
    assert_true(f->last.highest - f->last.lowest <= 20);
}

static void a_light_thing_is_not_a_vehicle(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 900, 20000); /* below the minimum */
    assert_int_equal(f->reports, 0);
    reads_for(f, 0, 3000);
    assert_int_equal(f->departures, 0);
    reads_for(f, 1000, 5000);
    assert_int_equal(f->reports, 1);
}

/* ---- until it was empty ------------------------------------------------- */

static void a_second_truck_without_an_empty_scale_is_told_not_sent(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 0, 1000);
    goes(f, 0, 30000, 2000);
    reads_for(f, 30000, 5000);
    /* the second drives on before the first has left */
    goes(f, 30000, 48000, 2000);
    goes(f, 48000, 18000, 2000);
    reads_for(f, 18000, 10000);
    assert_int_equal(f->reports, 1);
    assert_int_equal(f->changes, 1);
    goes(f, 18000, 0, 2000);
    reads_for(f, 0, 2000);
    truck(f, 25000);
    assert_int_equal(f->reports, 2);
}

/* Snow of 450 kg, above the zero band. */
static void each_truck_is_told_while_the_scale_does_not_empty(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 0, 1000);
    goes(f, 0, 30000, 2000);
    reads_for(f, 30000, 5000);
    for (unsigned i = 1; i <= 3; i++) {
        goes(f, 30000, 450, 2000);
        reads_for(f, 450, 10000);
        goes(f, 450, 30000 + 1000 * i, 2000);
        reads_for(f, 30000 + 1000 * i, 5000);
        assert_int_equal(f->changes, i);
    }
    assert_int_equal(f->reports, 1);
}

static void rearm_below_lets_a_close_follower_count(void **state)
{
    struct fixture *f = *state;
    struct stable_rule rule = rule_20kg;

    rule.rearm_below = 6000;
    stable_open(&f->stable, &rule);
    goes(f, 0, 30000, 2000);
    reads_for(f, 30000, 5000);
    goes(f, 30000, 5000, 1000);
    reads_for(f, 5000, 1500); /* one axle of the follower */
    goes(f, 5000, 18000, 1000);
    reads_for(f, 18000, 5000);
    assert_int_equal(f->reports, 2);
    assert_true(f->last.gross == 18000);
}

/* The last axle of the truck that was weighed waits for the road. */
static void what_is_below_rearm_below_is_no_other_vehicle(void **state)
{
    struct fixture *f = *state;
    struct stable_rule rule = rule_20kg;

    rule.rearm_below = 6000;
    stable_open(&f->stable, &rule);
    goes(f, 0, 30000, 2000);
    reads_for(f, 30000, 5000);
    goes(f, 30000, 5000, 1000);
    reads_for(f, 5000, 20000);
    assert_int_equal(f->reports, 1);
    goes(f, 5000, 0, 1000);
    reads_for(f, 0, 2000);
    /* on an empty scale a light one is a vehicle */
    reads_for(f, 1500, 5000);
    assert_int_equal(f->reports, 2);
    assert_true(f->last.gross == 1500);
}

static void a_truck_that_rocks_off_and_on_is_one_truck(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 5000);
    /* the reading bounces through the zero band, never for a second */
    for (int i = 0; i < 10; i++) {
        reads_for(f, 200, 800);
        reads_for(f, 30000, 4000);
    }
    assert_int_equal(f->reports, 1);
    reads_for(f, 200, 1200);
    assert_int_equal(f->departures, 1);
}

static void a_weight_below_zero_is_an_empty_scale(void **state)
{
    struct fixture *f = *state;

    truck(f, 30000);
    reads_for(f, -1300, 10000);
    assert_int_equal(f->reports, 1);
    truck(f, 30000);
    assert_int_equal(f->reports, 2);
}

/* Toledo, SWB bits 1 and 2: what sticks to the platform when it is zeroed
 * falls off with the truck, and the indicator is below its range. */
static void a_scale_below_its_range_is_empty(void **state)
{
    struct fixture *f = *state;
    struct weight below = of(-1300);

    below.overload = true;
    goes(f, 0, 30000, 4000);
    reads_for(f, 30000, 8000);
    for (int i = 0; i < 30; i++)
        put(f, &below);
    assert_int_equal(f->departures, 1);
    assert_int_equal(f->stable.state, STABLE_EMPTY);
    goes(f, -1300, 25000, 4000);
    reads_for(f, 25000, 8000);
    assert_int_equal(f->reports, 2);
    assert_true(f->last.gross == 25000);
}

static void a_negative_zero_is_zero(void **state)
{
    struct fixture *f = *state;
    const struct weight weight = {
        .has_value = true, .unscaled = -0, .places = 3};

    put(f, &weight);
    assert_false(signbit(f->stable.value));
    assert_int_equal(f->stable.state, STABLE_EMPTY);
}

/* ---- what the indicator says -------------------------------------------- */

static void a_scale_that_says_it_moves_is_not_stable(void **state)
{
    struct fixture *f = *state;
    struct weight weight = of(30000);

    weight.motion = MOTION_MOVING;
    for (int i = 0; i < 100; i++)
        put(f, &weight);
    assert_int_equal(f->reports, 0);
    weight.motion = MOTION_STILL;
    for (int i = 0; i < 30; i++)
        put(f, &weight);
    assert_int_equal(f->reports,
                     0); /* the time counts from when it was still */
    put(f, &weight);
    assert_int_equal(f->reports, 1);
}

static void an_overload_is_never_a_weight(void **state)
{
    struct fixture *f = *state;
    struct weight weight = of(99999);

    weight.overload = true;
    for (int i = 0; i < 100; i++)
        put(f, &weight);
    assert_int_equal(f->reports, 0);
    assert_int_equal(f->stable.reading, READING_OVERLOAD);
    assert_int_equal(f->stable.state, STABLE_LOADING);
    /* without a flag the settings' maximum tells */
    f->stable.rule.maximum = 80000;
    reads_for(f, 80020, 10000);
    assert_int_equal(f->reports, 0);
    reads_for(f, 80000, 5000);
    assert_int_equal(f->reports, 1);
}

static void a_lost_zero_is_no_weight(void **state)
{
    struct fixture *f = *state;
    struct weight weight = of(30000);

    weight.zero_lost = true;
    for (int i = 0; i < 100; i++)
        put(f, &weight);
    assert_int_equal(f->reports, 0);
    assert_int_equal(f->stable.reading, READING_NO_ZERO);
}

static void net_and_tare_are_no_readings(void **state)
{
    struct fixture *f = *state;
    struct weight net = of(15000);
    struct weight tare = of(15000);

    net.mode = MODE_NET;
    tare.mode = MODE_TARE;
    for (int i = 0; i < 100; i++) {
        put(f, &tare);
        put(f, &net);
    }
    assert_int_equal(f->reports, 0);
    assert_int_equal(f->stable.reading, READING_NET);
    assert_false(f->stable.known);
    /* an A12 sends all three in turn: the gross ones count, as usual */
    for (int i = 0; i < 16; i++) {
        put(f, &tare);
        reads(f, 30000);
        put(f, &net);
    }
    assert_int_equal(f->reports, 1);
    assert_true(f->last.gross == 30000);
}

static void a_fixed_zero_needs_its_setting(void **state)
{
    struct fixture *f = *state;
    struct weight weight = of(3000);

    weight.zeros = 1;
    for (int i = 0; i < 50; i++)
        put(f, &weight);
    assert_int_equal(f->reports, 0);
    assert_int_equal(f->stable.reading, READING_ZEROS);
    f->stable.rule.zeros = ZEROS_LEFT_OUT;
    for (int i = 0; i < 50; i++)
        put(f, &weight);
    assert_int_equal(f->reports, 1);
    assert_true(f->last.gross == 30000);
    stable_open(&f->stable, &rule_20kg);
    f->stable.rule.zeros = ZEROS_SENT;
    for (int i = 0; i < 50; i++)
        put(f, &weight);
    assert_true(f->last.gross == 3000);
}

static void tonnes_are_converted_and_pounds_refused(void **state)
{
    struct fixture *f = *state;
    struct weight weight = {
        .has_value = true, .unscaled = 4782, .places = 2, .unit = UNIT_T};

    for (int i = 0; i < 50; i++)
        put(f, &weight);
    assert_true(f->last.gross == 47820);
    weight.unit = UNIT_LB;
    put(f, &weight);
    assert_int_equal(f->stable.reading, READING_OTHER_UNIT);
}

/* ---- silence and restarts ----------------------------------------------- */

static void a_gap_in_the_middle_starts_the_time_again(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 2500);
    f->now_ms += 2500; /* more than age_ms */
    reads_for(f, 30000, 3000);
    assert_int_equal(f->reports, 0);
    reads(f, 30000);
    assert_int_equal(f->reports, 1);
}

static void nothing_holds_once_the_line_is_silent(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 5000);
    assert_true(stable_holds(&f->stable, f->now_ms));
    assert_false(stable_holds(&f->stable, f->now_ms + 2000));
}

static void silence_is_not_an_empty_scale(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 5000);
    reads(f, 100);
    f->now_ms += 5000;
    reads(f, 100); /* two readings far apart are no second of emptiness */
    reads_for(f, 30000, 5000);
    assert_int_equal(f->reports, 1);
    assert_int_equal(f->departures, 0);
}

static void after_a_long_silence_the_same_weight_is_the_same_truck(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 5000);
    f->now_ms += STABLE_AWAY_MS;
    reads_for(f, 30080, 5000); /* the driver is back in */
    assert_int_equal(f->reports, 1);
    f->now_ms += STABLE_AWAY_MS;
    reads_for(f, 41000, 5000);
    assert_int_equal(f->reports, 2);
}

static void a_short_silence_does_not_make_another_truck(void **state)
{
    struct fixture *f = *state;

    reads_for(f, 30000, 5000);
    f->now_ms += 10000;
    reads_for(f, 20000, 5000); /* half of it has left */
    assert_int_equal(f->reports, 1);
    assert_int_equal(f->changes, 1);
}

static void what_was_reported_before_a_restart_is_not_again(void **state)
{
    struct fixture *f = *state;

    stable_resume(&f->stable, &rule_20kg, 30000);
    reads_for(f, 30020, 10000);
    assert_int_equal(f->reports, 0);
    goes(f, 30020, 0, 2000);
    reads_for(f, 0, 2000);
    assert_int_equal(f->departures, 1);
    truck(f, 30000);
    assert_int_equal(f->reports, 1);
}

static void another_truck_after_a_restart_is_reported(void **state)
{
    struct fixture *f = *state;

    stable_resume(&f->stable, &rule_20kg, 30000);
    reads_for(f, 16000, 10000);
    assert_int_equal(f->reports, 1);
    assert_true(f->last.gross == 16000);
}

/* 0.1 t divisions: 0.3 - 0.2 is not 0.1 in doubles. */
static void decimals_do_not_make_a_band_narrower(void **state)
{
    struct fixture *f = *state;
    struct stable_rule rule = rule_20kg;

    rule.unit = UNIT_T;
    rule.band = 0.1;
    rule.minimum = 0.2;
    rule.zero_band = 0.1;
    stable_open(&f->stable, &rule);
    for (int i = 0; i < 40; i++)
        reads(f, i % 2 == 0 ? 0.2 : 0.3);
    assert_int_equal(f->reports, 1);
}
