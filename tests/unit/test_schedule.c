#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "idmap.h"
#include "schedule.h"

static int setup(void **state)
{
    const struct schedule_options options = {
        .resend_after_ms = {5000, 30000, 120000},
        .candidates_max = 4,
        .resends_max = 3,
    };

    return schedule_open(&options, (struct schedule **)state) != STATUS_OK;
}

static int teardown(void **state)
{
    schedule_close(*state);
    return 0;
}

static uint64_t take(struct schedule *schedule, int64_t now_ms)
{
    uint64_t id = 0;

    return schedule_take(schedule, now_ms, &id) ? id : 0;
}

static void add(struct schedule *schedule, enum source source, uint64_t id,
                uint64_t key)
{
    assert_int_equal(schedule_add(schedule, source, id, key), STATUS_OK);
}

static void one_attempt_and_three_resends_then_parked(void **state)
{
    struct schedule *schedule = *state;
    int64_t due = 0;

    add(schedule, SOURCE_FRESH, 7, 0);
    assert_int_equal(take(schedule, 0), 7);
    assert_true(schedule_fail(schedule, 7, 100, &due));
    assert_int_equal(due, 5100);
    assert_int_equal(take(schedule, 5099), 0);
    assert_int_equal(take(schedule, 5100), 7);
    assert_true(schedule_fail(schedule, 7, 6000, &due));
    assert_int_equal(due, 36000);
    assert_int_equal(take(schedule, 36000), 7);
    assert_true(schedule_fail(schedule, 7, 37000, &due));
    assert_int_equal(due, 157000);
    assert_int_equal(take(schedule, 157000), 7);
    assert_int_equal(schedule_attempts(schedule, 7), 4);
    assert_false(schedule_fail(schedule, 7, 158000, &due));
    assert_int_equal(schedule_counts(schedule).committing, 1);
    schedule_forget(schedule, 7);
    assert_false(schedule_knows(schedule, 7));
}

static void fresh_and_parked_go_in_turn_and_replays_last(void **state)
{
    struct schedule *schedule = *state;

    add(schedule, SOURCE_REPLAY, 90, 0);
    add(schedule, SOURCE_PARKED, 1, 0);
    add(schedule, SOURCE_PARKED, 2, 0);
    add(schedule, SOURCE_FRESH, 51, 0);
    add(schedule, SOURCE_FRESH, 52, 0);
    add(schedule, SOURCE_FRESH, 53, 0);
    assert_int_equal(take(schedule, 0), 51);
    assert_int_equal(take(schedule, 0), 1);
    assert_int_equal(take(schedule, 0), 52);
    assert_int_equal(take(schedule, 0), 2);
    assert_int_equal(take(schedule, 0), 53);
    assert_int_equal(take(schedule, 0), 90);
    assert_int_equal(take(schedule, 0), 0);
}

static void a_key_is_held_through_resends_and_others_pass(void **state)
{
    struct schedule *schedule = *state;
    int64_t due;

    add(schedule, SOURCE_FRESH, 1, 0xa);
    add(schedule, SOURCE_FRESH, 2, 0xa);
    add(schedule, SOURCE_FRESH, 3, 0xb);
    assert_int_equal(take(schedule, 0), 1);
    assert_int_equal(take(schedule, 0), 3);
    assert_int_equal(take(schedule, 0), 0);
    assert_true(schedule_fail(schedule, 1, 0, &due));
    assert_int_equal(take(schedule, 4999), 0);
    assert_int_equal(take(schedule, 5000), 1);
    schedule_settle(schedule, 1);
    assert_int_equal(take(schedule, 5000), 2);
}

static void what_was_given_back_goes_first_and_costs_nothing(void **state)
{
    struct schedule *schedule = *state;

    add(schedule, SOURCE_FRESH, 1, 9);
    add(schedule, SOURCE_FRESH, 2, 9);
    assert_int_equal(take(schedule, 0), 1);
    schedule_give_back(schedule, 1);
    assert_int_equal(schedule_attempts(schedule, 1), 0);
    assert_int_equal(take(schedule, 0), 1);
    assert_int_equal(schedule_attempts(schedule, 1), 1);
}

static void resends_are_bounded_and_then_nothing_new_starts(void **state)
{
    struct schedule *schedule = *state;
    int64_t due;

    for (uint64_t id = 1; id <= 3; id++) {
        add(schedule, SOURCE_FRESH, id, 0);
        assert_int_equal(take(schedule, 0), id);
        assert_true(schedule_fail(schedule, id, (int64_t)id, &due));
    }
    add(schedule, SOURCE_FRESH, 4, 0);
    assert_int_equal(schedule_room(schedule, SOURCE_FRESH), 0);
    assert_int_equal(take(schedule, 10), 0);
    assert_int_equal(schedule_due(schedule), 5001);
    assert_int_equal(take(schedule, 5002), 1);
    assert_int_equal(take(schedule, 5002), 2);
    assert_int_equal(take(schedule, 5002), 4);
    assert_int_equal(take(schedule, 5003), 3);
}

static void an_operator_can_take_away_any_stage(void **state)
{
    struct schedule *schedule = *state;
    int64_t due;

    add(schedule, SOURCE_FRESH, 1, 5);
    add(schedule, SOURCE_FRESH, 2, 0);
    add(schedule, SOURCE_FRESH, 3, 5);
    assert_int_equal(take(schedule, 0), 1);
    assert_true(schedule_fail(schedule, 1, 0, &due));
    schedule_forget(schedule, 2);
    schedule_forget(schedule, 1);
    assert_int_equal(take(schedule, 0), 3);
    schedule_forget(schedule, 3);
    assert_int_equal(schedule_due(schedule), INT64_MAX);
    assert_int_equal(schedule_counts(schedule).in_flight, 0);
    assert_int_equal(schedule_counts(schedule).candidates[SOURCE_FRESH], 0);
}

static void a_known_id_is_not_added_twice(void **state)
{
    struct schedule *schedule = *state;

    add(schedule, SOURCE_FRESH, 1, 0);
    assert_int_equal(schedule_add(schedule, SOURCE_PARKED, 1, 0),
                     STATUS_EXISTS);
    assert_int_equal(take(schedule, 0), 1);
    assert_int_equal(schedule_add(schedule, SOURCE_FRESH, 1, 0), STATUS_EXISTS);
}

/* Against a plain array as the model. */
static void idmap_agrees_with_an_array(void **state)
{
    static uint32_t model[512];
    struct idmap map = {0};
    uint64_t random = 88172645463325252U;

    (void)state;
    for (size_t i = 0; i < 512; i++)
        model[i] = IDMAP_NONE;
    for (int step = 0; step < 200000; step++) {
        uint64_t key;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        key = random % 511 + 1;
        if (random >> 63) {
            model[key] = (uint32_t)step;
            assert_int_equal(idmap_set(&map, key, (uint32_t)step), STATUS_OK);
        } else {
            model[key] = IDMAP_NONE;
            idmap_remove(&map, key);
        }
        key = (random >> 20) % 511 + 1;
        assert_int_equal(idmap_find(&map, key), model[key]);
    }
    idmap_free(&map);
}

static void an_excuse_costs_nothing_and_lets_others_go_first(void **state)
{
    struct schedule *schedule = *state;

    add(schedule, SOURCE_FRESH, 1, 0);
    add(schedule, SOURCE_FRESH, 2, 0);
    assert_int_equal(take(schedule, 0), 1);
    assert_true(schedule_excuse(schedule, 1, 0));
    assert_int_equal(schedule_attempts(schedule, 1), 0);
    assert_int_equal(take(schedule, 0), 2);
    assert_true(schedule_excuse(schedule, 2, 0)); /* nobody got through */
    assert_int_equal(take(schedule, 0), 1);
    assert_true(schedule_excuse(schedule, 1, 0));
}

static void an_excused_record_keeps_its_place_among_its_key(void **state)
{
    struct schedule *schedule = *state;

    add(schedule, SOURCE_FRESH, 1, 9);
    add(schedule, SOURCE_FRESH, 2, 9);
    assert_int_equal(take(schedule, 0), 1);
    assert_true(schedule_excuse(schedule, 1, 0));
    assert_int_equal(take(schedule, 0), 1);
}

static void whoever_is_blamed_while_others_pass_is_not_excused(void **state)
{
    struct schedule *schedule = *state;
    int64_t due;

    add(schedule, SOURCE_FRESH, 1, 0);
    assert_int_equal(take(schedule, 0), 1);
    assert_true(schedule_excuse(schedule, 1, 4));
    assert_int_equal(take(schedule, 0), 1);
    assert_false(schedule_excuse(schedule, 1, 5));
    assert_true(schedule_fail(schedule, 1, 0, &due));
    assert_int_equal(schedule_attempts(schedule, 1), 1);
}

static void fresh_backlog_and_parked_have_a_third_each(void **state)
{
    struct schedule *schedule = *state;

    for (uint64_t id = 1; id <= 3; id++)
        add(schedule, SOURCE_BACKLOG, id, 0);
    add(schedule, SOURCE_PARKED, 4, 0);
    add(schedule, SOURCE_FRESH, 101, 0);
    add(schedule, SOURCE_FRESH, 102, 0);
    assert_int_equal(take(schedule, 0), 101);
    assert_int_equal(take(schedule, 0), 1);
    assert_int_equal(take(schedule, 0), 4);
    assert_int_equal(take(schedule, 0), 102);
    assert_int_equal(take(schedule, 0), 2);
    assert_int_equal(take(schedule, 0), 3);
    assert_int_equal(take(schedule, 0), 0);
}
