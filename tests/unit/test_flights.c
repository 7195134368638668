/* Which receipt ends which event, and what may be out at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flights.h"

#define MOST 3
#define BYTES 1000

static int setup(void **state)
{
    struct flights *flights = calloc(1, sizeof *flights);

    assert_non_null(flights);
    assert_int_equal(flights_make(flights, MOST), STATUS_OK);
    *state = flights;
    return 0;
}

static int teardown(void **state)
{
    flights_free(*state);
    free(*state);
    return 0;
}

static struct outbox_entry entry(uint64_t seq, const char *id,
                                 uint32_t revision)
{
    struct outbox_entry made = {.seq = seq, .revision = revision};

    strcpy(made.device, "cam-1");
    strcpy(made.published_id, id);
    return made;
}

static void add(struct flights *flights, uint64_t seq, const char *id,
                uint32_t revision, int64_t at_ms)
{
    const struct outbox_entry made = entry(seq, id, revision);

    flights_add(flights, &made, 400, at_ms);
}

static void a_receipt_ends_its_event_and_no_other(void **state)
{
    struct flight ended;

    add(*state, 1, "a", 0, 0);
    add(*state, 2, "b", 0, 0);
    assert_false(flights_end(*state, "cam-1", "c", 0, NULL));
    assert_false(flights_end(*state, "cam-2", "a", 0, NULL));
    assert_false(flights_take(*state, &ended));
    assert_true(flights_end(*state, "cam-1", "b", 0, NULL));
    assert_false(flights_end(*state, "cam-1", "b", 0, NULL));
    assert_true(flights_take(*state, &ended));
    assert_int_equal(ended.seq, 2);
    assert_string_equal(ended.reason, "");
    assert_false(flights_take(*state, &ended));
    assert_true(flights_have(*state, 1));
    assert_false(flights_have(*state, 2));
}

static void a_receipt_of_an_earlier_edition_ends_no_later_one(void **state)
{
    add(*state, 5, "a", 1, 0);
    assert_false(flights_end(*state, "cam-1", "a", 0, NULL));
    assert_true(flights_end(*state, "cam-1", "a", 1, NULL));
}

static void a_receipt_of_a_later_edition_ends_the_earlier(void **state)
{
    add(*state, 5, "a", 1, 0);
    assert_true(flights_end(*state, "cam-1", "a", 7, NULL));
}

static void two_editions_are_never_out_together(void **state)
{
    const struct outbox_entry later = entry(9, "a", 1);
    const struct outbox_entry other = entry(9, "b", 1);
    struct flight ended;

    add(*state, 5, "a", 0, 0);
    assert_true(flights_bar(*state, &later));
    assert_false(flights_bar(*state, &other));
    assert_true(flights_end(*state, "cam-1", "a", 0, NULL));
    assert_true(flights_bar(*state, &later)); /* still on disk */
    assert_true(flights_take(*state, &ended));
    assert_false(flights_bar(*state, &later));
}

static void what_is_put_back_has_ended_and_is_not_out(void **state)
{
    struct flight ended;

    add(*state, 1, "a", 0, 0);
    assert_true(flights_end(*state, "cam-1", "a", 0, NULL));
    assert_true(flights_take(*state, &ended));
    flights_put_back(*state, &ended);
    flights_recall(*state);
    assert_true(flights_have(*state, 1));
    assert_null(flights_due(*state, INT64_MAX));
    assert_true(flights_take(*state, &ended));
    assert_int_equal(ended.seq, 1);
}

static void the_reason_of_a_refusal_is_kept(void **state)
{
    struct flight ended;

    add(*state, 1, "a", 0, 0);
    assert_true(flights_end(*state, "cam-1", "a", 0, "no such plate"));
    assert_true(flights_take(*state, &ended));
    assert_string_equal(ended.reason, "no such plate");
}

static void as_many_and_as_large_as_allowed_are_out(void **state)
{
    struct flight ended;

    assert_true(flights_have_room(*state, BYTES));
    add(*state, 1, "a", 0, 0);
    add(*state, 2, "b", 0, 0);
    assert_true(flights_have_room(*state, BYTES));
    assert_false(flights_have_room(*state, 800));
    add(*state, 3, "c", 0, 0);
    assert_false(flights_have_room(*state, 1000000)); /* three at most */
    assert_true(flights_end(*state, "cam-1", "b", 0, NULL));
    assert_true(flights_take(*state, &ended));
    assert_true(flights_have_room(*state, BYTES));
}

static void one_may_be_out_however_large(void **state)
{
    assert_true(flights_have_room(*state, 1));
}

static void what_was_not_receipted_in_time_is_due_oldest_first(void **state)
{
    add(*state, 7, "b", 0, 100);
    add(*state, 4, "a", 0, 200);
    assert_int_equal(flights_oldest_ms(*state), 100);
    assert_null(flights_due(*state, 99));
    assert_int_equal(flights_due(*state, 100)->seq, 7);
    assert_int_equal(flights_due(*state, 200)->seq, 4);
    assert_true(flights_end(*state, "cam-1", "a", 0, NULL));
    assert_int_equal(flights_due(*state, 200)->seq, 7);
}

static void a_new_connection_forgets_what_was_out_but_no_receipt(void **state)
{
    struct flight ended;

    add(*state, 1, "a", 0, 0);
    add(*state, 2, "b", 0, 0);
    assert_true(flights_end(*state, "cam-1", "a", 0, NULL));
    flights_recall(*state);
    assert_false(flights_have(*state, 2));
    assert_null(flights_due(*state, INT64_MAX));
    assert_true(flights_take(*state, &ended));
    assert_int_equal(ended.seq, 1);
    assert_true(flights_have_room(*state, 1));
}
