#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"
#include "rota.h"

/* 2026-11-20 08:30:00 in UTC+8 */
#define MARK_MS INT64_C(1795134600000)
#define QUARTER_MS (15 * MINUTE_MS)
#define SPREAD_MS (2 * SECOND_MS)
#define METERS 3

/* Both clocks, and the bus that is polled by them. */
struct world {
    struct rota *rota;
    int64_t wall_ms, steady_ms;
};

static int setup(void **state)
{
    static const int64_t every_ms[METERS] = {QUARTER_MS, QUARTER_MS,
                                             QUARTER_MS};
    struct world *world = calloc(1, sizeof *world);

    if (world == NULL || rota_open(every_ms, METERS, SPREAD_MS, &world->rota))
        return 1;
    world->wall_ms = MARK_MS + SPREAD_MS;
    world->steady_ms = 5000;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    rota_close(world->rota);
    free(world);
    return 0;
}

static void pass(struct world *world, int64_t ms)
{
    world->wall_ms += ms;
    world->steady_ms += ms;
}

/* The number of the meter whose turn it is, or -1. */
static int next(struct world *world)
{
    struct rota_turn turn;
    int64_t wait_ms;

    return rota_next(world->rota, world->wall_ms, world->steady_ms, &turn,
                     &wait_ms)
               ? (int)turn.meter
               : -1;
}

static struct rota_turn turn_of(struct world *world)
{
    struct rota_turn turn = {0};
    int64_t wait_ms;

    assert_true(rota_next(world->rota, world->wall_ms, world->steady_ms, &turn,
                          &wait_ms));
    return turn;
}

static int64_t wait_of(struct world *world)
{
    struct rota_turn turn;
    int64_t wait_ms = 0;

    assert_false(rota_next(world->rota, world->wall_ms, world->steady_ms, &turn,
                           &wait_ms));
    return wait_ms;
}

static void answer(struct world *world, int meter)
{
    assert_int_equal(next(world), meter);
    pass(world, 300);
    (void)rota_answered(world->rota, (size_t)meter, world->steady_ms);
}

static enum rota_news silence(struct world *world, int meter)
{
    assert_int_equal(next(world), meter);
    pass(world, 3000);
    return rota_silent(world->rota, (size_t)meter, world->steady_ms);
}

static void answer_all(struct world *world)
{
    for (int i = 0; i < METERS; i++)
        answer(world, i);
    assert_int_equal(next(world), -1);
}

/* To one millisecond before the round of the next mark. */
static void to_eve(struct world *world)
{
    int64_t mark_ms =
        rota_mark_of(QUARTER_MS, world->wall_ms - SPREAD_MS) + QUARTER_MS;

    pass(world, mark_ms + SPREAD_MS - 1 - world->wall_ms);
}

static void mark_is_a_multiple_of_the_interval_in_china(void **state)
{
    (void)state;
    assert_int_equal(rota_mark_of(QUARTER_MS, MARK_MS), MARK_MS);
    assert_int_equal(rota_mark_of(QUARTER_MS, MARK_MS + QUARTER_MS - 1),
                     MARK_MS);
    assert_int_equal(rota_mark_of(QUARTER_MS, MARK_MS - 1),
                     MARK_MS - QUARTER_MS);
    assert_int_equal(rota_mark_of(HOUR_MS, MARK_MS), MARK_MS - 30 * MINUTE_MS);
}

static void each_meter_is_read_once_a_mark_in_order(void **state)
{
    struct world *world = *state;

    answer_all(world);
    to_eve(world);
    assert_int_equal(next(world), -1);
    pass(world, 1);
    assert_int_equal(turn_of(world).mark_ms, MARK_MS + QUARTER_MS);
    answer_all(world);
    assert_int_equal(rota_take_missed(world->rota, 0), 0);
}

static void first_round_after_a_start_does_not_wait(void **state)
{
    struct world *world = *state;

    world->wall_ms = MARK_MS + 7 * MINUTE_MS;
    assert_int_equal(turn_of(world).mark_ms, MARK_MS);
    answer_all(world);
    to_eve(world);
    assert_int_equal(next(world), -1);
}

static void start_within_the_spread_reads_the_mark_once(void **state)
{
    struct world *world = *state;

    world->wall_ms = MARK_MS + 1;
    assert_int_equal(turn_of(world).mark_ms, MARK_MS);
    answer_all(world);
    pass(world, SPREAD_MS);
    assert_int_equal(next(world), -1);
    assert_int_equal(rota_take_missed(world->rota, 0), 0);
}

static void mark_known_from_before_the_start_is_not_read_again(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < METERS; i++)
        rota_known(world->rota, i, MARK_MS);
    assert_int_equal(next(world), -1);
    to_eve(world);
    pass(world, 1);
    answer_all(world);
    assert_int_equal(rota_take_missed(world->rota, 0), 0);
}

static void marks_while_it_was_down_are_missed(void **state)
{
    struct world *world = *state;

    rota_known(world->rota, 0, MARK_MS - 4 * QUARTER_MS);
    assert_int_equal(next(world), 0);
    assert_int_equal(rota_take_missed(world->rota, 0), 3);
    assert_int_equal(rota_take_missed(world->rota, 0), 0);
}

/* 08:15 was read while the interval was 5 minutes, and now it is an hour. */
static void mark_of_another_interval_is_no_missed_one(void **state)
{
    static const int64_t every_ms[] = {HOUR_MS};
    const int64_t nine_ms = MARK_MS + 30 * MINUTE_MS;
    struct rota *rota = NULL;
    struct rota_turn turn;
    int64_t wait_ms;

    (void)state;
    assert_int_equal(rota_open(every_ms, 1, 0, &rota), STATUS_OK);
    rota_known(rota, 0, MARK_MS - 15 * MINUTE_MS);
    assert_true(rota_next(rota, nine_ms, 0, &turn, &wait_ms));
    assert_int_equal(turn.mark_ms, nine_ms);
    assert_int_equal(rota_take_missed(rota, 0), 0);
    rota_close(rota);
}

static void wait_ends_when_the_round_begins(void **state)
{
    struct world *world = *state;

    answer_all(world);
    assert_int_equal(wait_of(world), ROTA_WAIT_MAX_MS);
    to_eve(world);
    assert_int_equal(wait_of(world), 1);
}

static void silent_meter_is_asked_again_behind_the_others(void **state)
{
    struct world *world = *state;

    assert_int_equal(silence(world, 0), ROTA_SAME);
    answer(world, 1);
    answer(world, 2);
    assert_int_equal(next(world), -1);
    pass(world, wait_of(world));
    assert_int_equal(next(world), 0);
    answer(world, 0);
}

static void third_silence_is_offline_and_asked_briefly(void **state)
{
    struct world *world = *state;

    assert_int_equal(silence(world, 0), ROTA_SAME);
    answer(world, 1);
    answer(world, 2);
    pass(world, 5000);
    assert_false(turn_of(world).brief);
    assert_int_equal(silence(world, 0), ROTA_SAME);
    pass(world, 10000);
    assert_int_equal(silence(world, 0), ROTA_OFFLINE);
    assert_int_equal(next(world), -1);
    pass(world, 29999);
    assert_int_equal(next(world), -1);
    pass(world, 1);
    assert_true(turn_of(world).brief);
    assert_int_equal(silence(world, 0), ROTA_SAME);
}

/* Until meter 0 is offline, the others read. */
static void offline(struct world *world)
{
    (void)silence(world, 0);
    answer(world, 1);
    answer(world, 2);
    for (int i = 0; i < 2; i++) {
        pass(world, 60000);
        (void)silence(world, 0);
    }
}

static void offline_meter_is_asked_last_at_the_next_mark(void **state)
{
    struct world *world = *state;

    offline(world);
    to_eve(world);
    pass(world, 1);
    answer(world, 1);
    answer(world, 2);
    assert_int_equal(next(world), 0);
    assert_true(turn_of(world).brief);
}

static void offline_meter_costs_few_questions_an_hour(void **state)
{
    struct world *world = *state;
    int64_t end_ms = world->steady_ms + 10 * HOUR_MS;
    unsigned asked = 0;

    offline(world);
    while (world->steady_ms < end_ms) {
        struct rota_turn turn;
        int64_t wait_ms = 0;

        if (!rota_next(world->rota, world->wall_ms, world->steady_ms, &turn,
                       &wait_ms)) {
            assert_in_range(wait_ms, 1, ROTA_WAIT_MAX_MS);
            pass(world, wait_ms);
        } else if (turn.meter == 0) {
            pass(world, 500);
            (void)rota_silent(world->rota, 0, world->steady_ms);
            asked++;
        } else {
            pass(world, 300);
            (void)rota_answered(world->rota, turn.meter, world->steady_ms);
        }
    }
    assert_in_range(asked, 40, 50);
    assert_in_range(rota_take_missed(world->rota, 0), 39, 41);
    assert_int_equal(rota_take_missed(world->rota, 1), 0);
}

static void meter_that_is_back_is_online_and_read_for_this_mark(void **state)
{
    struct world *world = *state;

    offline(world);
    pass(world, 30000);
    assert_int_equal(turn_of(world).mark_ms, MARK_MS);
    assert_int_equal(rota_answered(world->rota, 0, world->steady_ms),
                     ROTA_ONLINE);
    assert_int_equal(next(world), -1);
    to_eve(world);
    pass(world, 1);
    assert_false(turn_of(world).brief);
    assert_int_equal(next(world), 0);
}

static void first_answer_is_news_and_the_second_is_not(void **state)
{
    struct world *world = *state;

    assert_int_equal(rota_answered(world->rota, 0, world->steady_ms),
                     ROTA_ONLINE);
    assert_int_equal(rota_answered(world->rota, 0, world->steady_ms),
                     ROTA_SAME);
}

static void clock_that_leaps_ahead_reads_once_and_counts_the_rest(void **state)
{
    struct world *world = *state;

    answer_all(world);
    pass(world, 10 * MINUTE_MS);
    world->wall_ms += 3 * HOUR_MS;
    assert_int_equal(turn_of(world).mark_ms, MARK_MS + 12 * QUARTER_MS);
    answer_all(world);
    assert_int_equal(rota_take_missed(world->rota, 0), 11);
}

static void clock_that_is_set_back_little_reads_no_mark_twice(void **state)
{
    struct world *world = *state;

    answer_all(world);
    pass(world, MINUTE_MS);
    world->wall_ms -= 2 * MINUTE_MS;
    for (int i = 0; i < 14; i++) {
        assert_int_equal(next(world), -1);
        pass(world, MINUTE_MS);
    }
    assert_int_equal(rota_take_missed(world->rota, 0), 0);
    to_eve(world);
    pass(world, 1);
    assert_int_equal(turn_of(world).mark_ms, MARK_MS + QUARTER_MS);
    answer_all(world);
}

static void clock_that_is_set_back_far_goes_on_from_there(void **state)
{
    struct world *world = *state;

    answer_all(world);
    pass(world, 5 * MINUTE_MS);
    world->wall_ms -= 24 * HOUR_MS;
    assert_int_equal(turn_of(world).mark_ms, MARK_MS - 96 * QUARTER_MS);
    answer_all(world);
    assert_int_equal(rota_take_missed(world->rota, 0), 0);
}

static void clock_that_flaps_makes_no_storm(void **state)
{
    struct world *world = *state;
    unsigned read = 0;

    for (int i = 0; i < 3600; i++) {
        struct rota_turn turn;
        int64_t wait_ms;

        while (rota_next(world->rota, world->wall_ms, world->steady_ms, &turn,
                         &wait_ms)) {
            (void)rota_answered(world->rota, turn.meter, world->steady_ms);
            read += turn.meter == 0;
        }
        pass(world, 1000);
        world->wall_ms += i % 2 == 0 ? 5 * HOUR_MS : -5 * HOUR_MS;
    }
    assert_in_range(read, 4, 17); /* a quarter of an interval apart */
}

static void meters_of_one_bus_have_intervals_of_their_own(void **state)
{
    static const int64_t every_ms[] = {MINUTE_MS, HOUR_MS};
    struct rota *rota = NULL;
    unsigned read[2] = {0, 0};

    (void)state;
    assert_int_equal(rota_open(every_ms, 2, 0, &rota), STATUS_OK);
    for (int64_t ms = 0; ms < 2 * HOUR_MS; ms += 1000) {
        struct rota_turn turn;
        int64_t wait_ms;

        while (rota_next(rota, MARK_MS + ms, ms, &turn, &wait_ms)) {
            (void)rota_answered(rota, turn.meter, ms);
            read[turn.meter]++;
        }
    }
    assert_int_equal(read[0], 120);
    assert_int_equal(read[1], 3); /* at the start, 09:00, 10:00 */
    rota_close(rota);
}
