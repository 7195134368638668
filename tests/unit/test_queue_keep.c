/* Months, retention, shedding, quota: what goes, what never goes. */
#include "queue_help.h"

#include <signal.h>
#include <sys/resource.h>

static int setup(void **state)
{
    struct store *store = store_make();

    store_open(store);
    *state = store;
    return 0;
}

static int teardown(void **state)
{
    store_free(*state);
    return 0;
}

/* Noon of the 20th, so many months after November 2026. */
static int64_t month_later(int months)
{
    int count = 2026 * 12 + 10 + months;
    struct china_time time = {
        .year = count / 12, .month = count % 12 + 1, .day = 20, .hour = 12};
    int64_t ms;

    assert_ok(china_time_to_ms(&time, &ms));
    return ms;
}

static struct queue_event event_at(int64_t at_ms)
{
    struct queue_event event = event_named("", "body");

    event.event_at_ms = at_ms;
    event.received_at_ms = at_ms;
    return event;
}

/* A group of that month: an event and a delivery made of it. */
static uint64_t live_in(struct store *store, int months, enum queue_state state)
{
    struct queue_delivery_new made = delivery_of("yunnan");
    int64_t now_ms = month_later(months);
    struct queue_outcome outcome;
    uint64_t event;
    uint64_t id;

    assert_ok(queue_begin(store->queue, now_ms));
    event = put_event(store, event_at(now_ms));
    made.events = &event;
    made.event_count = 1;
    made.made_at_ms = now_ms;
    id = put_delivery(store, made);
    outcome = outcome_to(id, state);
    if (state != STATE_WAITING)
        assert_ok(queue_put_outcome(store->queue, &outcome));
    commit(store);
    return id;
}

static enum queue_kept keep(struct store *store, int months, char month[8])
{
    enum queue_kept kept;

    assert_ok(queue_keep(store->queue, month_later(months), &kept, month));
    return kept;
}

/* Call until nothing goes any more. */
static int keep_all(struct store *store, int months)
{
    char month[8];
    int went = 0;

    while (keep(store, months, month) != KEPT_ALL)
        went++;
    keep(store, months, month); /* rows of what was dropped */
    return went;
}

static struct queue_space space_of(struct store *store)
{
    struct queue_space space;

    assert_ok(queue_space_read(store->queue, &space));
    return space;
}

struct totals {
    uint64_t received, made, states[QUEUE_STATES], fates[QUEUE_FATES];
};

static void add_events(void *arg, const char *kind,
                       const struct queue_event_sums *sums)
{
    struct totals *totals = arg;

    (void)kind;
    totals->received += sums->received;
    for (int i = 0; i < QUEUE_FATES; i++)
        totals->fates[i] += sums->fates[i];
}

static void add_deliveries(void *arg, const char *destination,
                           const char *interface,
                           const struct queue_delivery_sums *sums)
{
    struct totals *totals = arg;

    (void)destination;
    (void)interface;
    totals->made += sums->made;
    for (int i = 0; i < QUEUE_STATES; i++)
        totals->states[i] += sums->states[i];
}

static struct totals totals_of(struct store *store, uint32_t day)
{
    struct totals totals = {0};

    assert_ok(queue_day_events(store->queue, day, add_events, &totals));
    assert_ok(queue_day_deliveries(store->queue, day, add_deliveries, &totals));
    return totals;
}

static void a_month_has_its_own_folder(void **state)
{
    struct store *store = *state;
    uint64_t first = live_in(store, 0, STATE_WAITING);
    uint64_t second = live_in(store, 1, STATE_WAITING);
    struct queue_space space = space_of(store);

    assert_true(there(store, "2026-11"));
    assert_true(there(store, "2026-12"));
    assert_int_equal(space.months, 2);
    assert_string_equal(space.oldest_month, "2026-11");
    store_reopen_test(store);
    assert_int_equal(store->opening.reapplied, 0);
    assert_int_equal(read_delivery(store, first).state, STATE_WAITING);
    assert_int_equal(read_delivery(store, second).state, STATE_WAITING);
    assert_sound(store);
}

static void a_month_begins_at_midnight_in_china(void **state)
{
    struct store *store = *state;
    int64_t midnight;

    assert_ok(china_day_start_ms(20261201, &midnight));
    assert_ok(queue_begin(store->queue, midnight - 1));
    put_delivery(store, delivery_of("yunnan"));
    commit(store);
    assert_false(there(store, "2026-12"));
    assert_ok(queue_begin(store->queue, midnight));
    put_delivery(store, delivery_of("yunnan"));
    commit(store);
    assert_true(there(store, "2026-12"));
}

static void a_clock_that_went_back_stays_in_the_newest_month(void **state)
{
    struct store *store = *state;
    uint64_t first = live_in(store, 3, STATE_WAITING);
    uint64_t second = live_in(store, 0, STATE_WAITING);

    assert_int_equal(space_of(store).months, 1);
    assert_true(second > first);
    assert_int_equal(totals_of(store, TODAY).made, 1);
    store_reopen_test(store);
    assert_int_equal(live_in(store, -30, STATE_WAITING), second + 2);
    assert_sound(store);
}

static void months_beyond_the_retention_go_one_by_one(void **state)
{
    struct store *store = *state;
    uint64_t ids[15];
    struct queue_delivery delivery;
    struct bytes buffer = BYTES_EMPTY;
    struct queue_event event;
    char month[8];

    for (int i = 0; i < 15; i++)
        ids[i] = live_in(store, i, STATE_DELIVERED);
    assert_int_equal(keep(store, 14, month), KEPT_NOT_A_MONTH);
    assert_string_equal(month, "2026-11");
    assert_int_equal(keep(store, 14, month), KEPT_NOT_A_MONTH);
    assert_string_equal(month, "2026-12");
    assert_int_equal(keep_all(store, 14), 1);
    assert_int_equal(space_of(store).months, 12);
    assert_false(there(store, "2027-01"));
    assert_false(there(store, "2027-01.dropped"));
    assert_true(there(store, "2027-02"));
    assert_int_equal(queue_delivery_read(store->queue, ids[2], &delivery),
                     STATUS_NOT_FOUND);
    assert_int_equal(
        queue_event_read(store->queue, ids[2] - 1, &event, &buffer),
        STATUS_NOT_FOUND);
    assert_int_equal(read_delivery(store, ids[3]).state, STATE_DELIVERED);
    assert_sound(store);
    bytes_free(&buffer);
}

static void a_dropped_month_leaves_its_sums_and_its_link(void **state)
{
    struct store *store = *state;
    struct totals before;
    struct totals after;
    char path[128];

    for (int i = 0; i < 14; i++)
        live_in(store, i, STATE_DELIVERED);
    before = totals_of(store, 0);
    assert_int_equal(keep_all(store, 13), 2);
    after = totals_of(store, 0);
    assert_memory_equal(&after, &before, sizeof after);
    assert_int_equal(totals_of(store, TODAY).made, 1);
    assert_int_equal(totals_of(store, TODAY).states[STATE_DELIVERED], 1);
    assert_int_equal(totals_of(store, TODAY).received, 1);
    assert_sound(store);
    /* Also when hot is made anew from what is left. */
    store_close(store);
    snprintf(path, sizeof path, "%s/hot", store->folder);
    remove_tree(path);
    store_open(store);
    assert_true(store->opening.rebuilt);
    after = totals_of(store, 0);
    assert_memory_equal(&after, &before, sizeof after);
    assert_int_equal(totals_of(store, TODAY).made, 1);
    assert_sound(store);
}

static void what_is_left_outlives_the_month_it_was_put_in(void **state)
{
    struct store *store = *state;
    struct bytes value = BYTES_EMPTY;
    char path[128];

    store->options.keep_months = 2;
    store_reopen_test(store);
    begin(store);
    assert_ok(
        queue_put_note(store->queue, "s", span_text("k"), span_text("v")));
    commit(store);
    for (int i = 0; i < 8; i++) {
        live_in(store, i, STATE_DELIVERED);
        keep_all(store, i);
    }
    assert_int_equal(space_of(store).months, 2);
    store_close(store);
    snprintf(path, sizeof path, "%s/hot", store->folder);
    remove_tree(path);
    store_open(store);
    assert_int_equal(totals_of(store, 0).made, 8);
    assert_int_equal(totals_of(store, TODAY).received, 1);
    assert_ok(queue_note_read(store->queue, "s", span_text("k"), &value));
    assert_string_equal(bytes_text(&value), "v");
    assert_sound(store);
    bytes_free(&value);
}

static void what_is_not_settled_keeps_its_month(void **state)
{
    static const enum queue_state open_states[] = {STATE_WAITING, STATE_PARKED,
                                                   STATE_HELD, STATE_REJECTED};
    struct store *store = *state;
    uint64_t ids[4];
    char month[8];

    for (int i = 0; i < 4; i++)
        ids[i] = live_in(store, i, open_states[i]);
    for (int i = 4; i < 20; i++)
        live_in(store, i, STATE_DISCARDED);
    assert_int_equal(keep_all(store, 19), 4); /* 4..7 of 0..7 */
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_delivery(store, ids[i]).state, open_states[i]);
    move_to(store, ids[2], STATE_DISCARDED);
    assert_int_equal(keep(store, 19, month), KEPT_NOT_A_MONTH);
    assert_string_equal(month, "2027-01");
    assert_sound(store);
}

static void an_event_of_an_open_delivery_keeps_its_month(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    struct queue_event event;
    struct bytes buffer = BYTES_EMPTY;
    uint64_t old;
    uint64_t id;

    begin(store);
    old = put_event(store, event_at(NOON_MS));
    commit(store);
    assert_ok(queue_begin(store->queue, month_later(1)));
    made.events = &old;
    made.event_count = 1;
    id = put_delivery(store, made);
    commit(store);
    for (int i = 2; i < 16; i++)
        live_in(store, i, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 15), 2); /* 2 and 3: 0 and 1 are needed */
    assert_ok(queue_event_read(store->queue, old, &event, &buffer));
    move_to(store, id, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 15), 2);
    assert_int_equal(queue_event_read(store->queue, old, &event, &buffer),
                     STATUS_NOT_FOUND);
    bytes_free(&buffer);
}

static void a_joining_event_keeps_its_month(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_at(NOON_MS);
    uint64_t id;

    begin(store);
    event.fate = FATE_JOINING;
    id = put_event(store, event);
    commit(store);
    for (int i = 1; i < 15; i++)
        live_in(store, i, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 14), 2);
    assert_true(there(store, "2026-11"));
    begin(store);
    assert_ok(queue_put_fate(store->queue, id, FATE_UNROUTED));
    commit(store);
    assert_int_equal(keep_all(store, 14), 1);
    assert_false(there(store, "2026-11"));
    begin(store);
    assert_int_equal(queue_put_fate(store->queue, id, FATE_USED),
                     STATUS_NOT_FOUND);
    commit(store);
    assert_sound(store);
}

static void new_facts_keep_the_month_they_were_put_in(void **state)
{
    struct store *store = *state;
    uint64_t id = live_in(store, 0, STATE_HELD);
    struct queue_outcome outcome = outcome_to(id, STATE_HELD);
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t count;

    outcome.facts = span_text("completed");
    assert_ok(queue_begin(store->queue, month_later(1)));
    assert_ok(queue_put_outcome(store->queue, &outcome));
    commit(store);
    for (int i = 2; i < 16; i++)
        live_in(store, i, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 15), 2);
    assert_ok(queue_facts_read(store->queue, id, &facts, events, &count));
    assert_string_equal(bytes_text(&facts), "completed");
    bytes_free(&facts);
}

static void a_clock_that_jumps_ahead_drops_nothing(void **state)
{
    struct store *store = *state;

    for (int i = 0; i < 5; i++)
        live_in(store, i, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 100), 0);
    live_in(store, 100, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 100), 0);
    assert_int_equal(space_of(store).months, 6);
}

static void a_settled_delivery_of_a_dropped_month_is_not_replayed(void **state)
{
    struct store *store = *state;
    uint64_t id = live_in(store, 0, STATE_DELIVERED);
    struct queue_outcome outcome = outcome_to(id, STATE_WAITING);
    char month[8];

    for (int i = 1; i < 13; i++)
        live_in(store, i, STATE_DELIVERED);
    assert_int_equal(keep(store, 12, month), KEPT_NOT_A_MONTH);
    assert_ok(queue_begin(store->queue, month_later(12)));
    assert_int_equal(queue_put_outcome(store->queue, &outcome),
                     STATUS_NOT_FOUND);
    commit(store);
}

/* ---- quota ------------------------------------------------------------ */

static void reopen_with_quota(struct store *store, uint64_t bytes,
                              enum queue_when_full when_full)
{
    store->options.quota_bytes = bytes;
    store->options.when_full = when_full;
    store_reopen_test(store);
}

/* So many megabytes of pictures in a month, each of a settled delivery. */
static void fill_month(struct store *store, int months, int megabytes)
{
    uint8_t *body = calloc(1, MB);
    struct queue_event event;
    struct queue_outcome outcome;

    assert_non_null(body);
    for (int i = 0; i < megabytes; i++) {
        event = event_at(month_later(months));
        event.body = span_of(body, MB);
        assert_ok(queue_begin(store->queue, month_later(months)));
        put_event(store, event);
        outcome = outcome_to(put_delivery(store, delivery_of("yunnan")),
                             STATE_DELIVERED);
        assert_ok(queue_put_outcome(store->queue, &outcome));
        commit(store);
    }
    free(body);
}

static enum status try_event(struct store *store, int months, size_t len)
{
    uint8_t *body = calloc(1, len + 1);
    struct queue_event event = event_at(month_later(months));
    enum status status;

    assert_non_null(body);
    event.body = span_of(body, len);
    assert_ok(queue_begin(store->queue, month_later(months)));
    status = queue_put_event(store->queue, &event);
    commit(store);
    free(body);
    return status;
}

static void at_the_quota_events_are_refused_and_outcomes_go_on(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t waiting;
    uint64_t id;

    reopen_with_quota(store, 20 * MB, QUEUE_STOP);
    waiting = live_in(store, 0, STATE_WAITING);
    fill_month(store, 0, 15);
    assert_false(space_of(store).full);
    while (try_event(store, 0, 100000) == STATUS_OK)
        ;
    assert_int_equal(try_event(store, 0, 100000), STATUS_FULL);
    while (try_event(store, 0, 100) == STATUS_OK)
        ;
    assert_true(space_of(store).used_bytes < 19 * MB);
    begin(store);
    assert_int_equal(queue_put_delivery(store->queue, &made, &id), STATUS_FULL);
    assert_ok(
        queue_put_note(store->queue, "s", span_text("k"), span_text("v")));
    commit(store);
    move_to(store, waiting, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 0), 0);
    store_reopen_test(store);
    assert_int_equal(try_event(store, 0, 100000), STATUS_FULL);
    assert_sound(store);
}

static void a_delivery_of_an_accepted_event_is_not_refused(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    uint8_t *facts = calloc(1, 3 * MB);

    assert_non_null(facts);
    reopen_with_quota(store, 4 * MB, QUEUE_STOP);
    made.facts = span_of(facts, 3 * MB);
    begin(store);
    put_event(store, event_at(NOON_MS));
    put_delivery(store, made); /* beyond nine tenths, and yet */
    commit(store);
    free(facts);
}

static void a_file_system_nearly_full_is_full(void **state)
{
    struct store *store = *state;

    store->options.reserve_bytes = UINT64_C(1) << 60;
    store_reopen_test(store);
    assert_true(space_of(store).full);
    assert_int_equal(try_event(store, 0, 10), STATUS_FULL);
}

static void near_the_quota_pictures_go_before_records(void **state)
{
    struct store *store = *state;
    struct queue_event event;
    struct bytes buffer = BYTES_EMPTY;
    char month[8];
    uint64_t record;
    struct totals before;

    reopen_with_quota(store, 20 * MB, QUEUE_SHED_DELIVERED);
    record = live_in(store, 0, STATE_DELIVERED) - 1;
    fill_month(store, 0, 6);
    fill_month(store, 1, 6);
    fill_month(store, 2, 5);
    before = totals_of(store, 0);
    assert_int_equal(keep(store, 2, month), KEPT_NO_PICTURES);
    assert_string_equal(month, "2026-11");
    assert_true(space_of(store).used_bytes < 14 * MB);
    assert_int_equal(keep(store, 2, month), KEPT_ALL);
    assert_ok(queue_event_read(store->queue, record, &event, &buffer));
    assert_int_equal(
        queue_event_read(store->queue, record + 3, &event, &buffer),
        STATUS_NOT_FOUND);
    assert_int_equal(read_delivery(store, record + 1).state, STATE_DELIVERED);
    assert_int_equal(totals_of(store, 0).received, before.received);
    assert_false(there(store, "2026-11.slim"));
    assert_false(there(store, "2026-11.old"));
    assert_sound(store);
    store_reopen_test(store);
    assert_sound(store);
    bytes_free(&buffer);
}

static void shedding_ends_with_months_and_spares_the_running_one(void **state)
{
    struct store *store = *state;
    char month[8];

    reopen_with_quota(store, 20 * MB, QUEUE_SHED_DELIVERED);
    fill_month(store, 0, 2);
    fill_month(store, 1, 2);
    fill_month(store, 2, 13);
    assert_int_equal(keep(store, 2, month), KEPT_NO_PICTURES);
    fill_month(store, 2, 2);
    assert_int_equal(keep(store, 2, month), KEPT_NO_PICTURES);
    assert_string_equal(month, "2026-12");
    while (try_event(store, 2, 200000) == STATUS_OK)
        ;
    assert_int_equal(keep(store, 2, month), KEPT_NOT_A_MONTH);
    assert_string_equal(month, "2026-11");
    assert_int_equal(keep(store, 2, month), KEPT_NOT_A_MONTH);
    assert_string_equal(month, "2026-12");
    assert_int_equal(keep(store, 2, month), KEPT_ALL);
    assert_string_equal(month, "");
    assert_true(space_of(store).used_bytes > 17 * MB); /* near, and yet */
    assert_int_equal(space_of(store).months, 1);
    assert_sound(store);
}

static void a_month_that_waits_is_not_shed(void **state)
{
    struct store *store = *state;
    uint64_t waiting;
    char month[8];

    reopen_with_quota(store, 20 * MB, QUEUE_SHED_DELIVERED);
    waiting = live_in(store, 0, STATE_PARKED);
    fill_month(store, 0, 8);
    live_in(store, 1, STATE_WAITING);
    fill_month(store, 1, 9);
    assert_int_equal(keep(store, 1, month), KEPT_ALL);
    move_to(store, waiting, STATE_DISCARDED);
    assert_int_equal(keep(store, 1, month), KEPT_NO_PICTURES);
}

/* ---- crashes ---------------------------------------------------------- */

static void rename_in(struct store *store, const char *from, const char *to)
{
    char old[128];
    char new[128];

    snprintf(old, sizeof old, "%s/%s", store->folder, from);
    snprintf(new, sizeof new, "%s/%s", store->folder, to);
    assert_int_equal(rename(old, new), 0);
}

static void copy_in(struct store *store, const char *from, const char *to)
{
    char command[300];

    snprintf(command, sizeof command, "cp -r %s/%s %s/%s", store->folder, from,
             store->folder, to);
    assert_int_equal(system(command), 0);
}

static void remove_in(struct store *store, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", store->folder, name);
    remove_tree(path);
}

static void slimming_is_finished_or_undone_after_a_crash(void **state)
{
    /* Which of NAME, NAME.slim and NAME.old a crash can leave. */
    static const struct {
        bool whole, slim, old;
    } rows[] = {
        {true, true, false},
        {false, true, true},
        {true, false, true},
        {false, false, true},
    };
    struct store *store = *state;
    uint64_t id = live_in(store, 0, STATE_WAITING);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        store_close(store);
        if (rows[i].slim)
            copy_in(store, "2026-11", "2026-11.slim");
        if (rows[i].old)
            copy_in(store, "2026-11", "2026-11.old");
        if (!rows[i].whole)
            remove_in(store, "2026-11");
        store_open(store);
        assert_false(there(store, "2026-11.slim"));
        assert_false(there(store, "2026-11.old"));
        assert_string_equal(store->opening.reason, "");
        assert_int_equal(read_delivery(store, id).state, STATE_WAITING);
        assert_sound(store);
    }
}

static void a_folder_half_removed_is_removed(void **state)
{
    struct store *store = *state;

    live_in(store, 0, STATE_DELIVERED);
    live_in(store, 1, STATE_WAITING);
    store_close(store);
    copy_in(store, "2026-11", "2026-10.dropped");
    store_open(store);
    assert_false(there(store, "2026-10.dropped"));
    assert_int_equal(space_of(store).months, 2);
}

static void a_month_marked_dropped_is_removed_at_the_next_open(void **state)
{
    struct store *store = *state;
    struct totals before;
    char month[8];

    for (int i = 0; i < 13; i++)
        live_in(store, i, STATE_DELIVERED);
    before = totals_of(store, 0);
    store_close(store);
    copy_in(store, "2026-11", "kept");
    store_open(store);
    assert_int_equal(keep(store, 12, month), KEPT_NOT_A_MONTH);
    store_close(store);
    rename_in(store, "kept", "2026-11"); /* as if it had not come so far */
    store_open(store);
    assert_false(there(store, "2026-11"));
    assert_int_equal(totals_of(store, 0).made, before.made);
    assert_sound(store);
}

static void a_month_that_cannot_be_begun_leaves_the_old_one_open(void **state)
{
    struct store *store = *state;
    struct rlimit limit;
    uint64_t id = live_in(store, 0, STATE_WAITING);

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_ok(queue_begin(store->queue, month_later(1)));
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    put_event(store, event_at(month_later(1)));
    commit(store);
    assert_int_equal(space_of(store).months, 1);
    assert_int_equal(live_in(store, 1, STATE_WAITING), id + 3);
    assert_int_equal(space_of(store).months, 2);
    store_reopen_test(store);
    assert_sound(store);
}

static void the_running_month_is_kept_whatever_is_asked(void **state)
{
    struct store *store = *state;

    store->options.keep_months = 0;
    store_reopen_test(store);
    live_in(store, 0, STATE_DELIVERED);
    live_in(store, 1, STATE_DELIVERED);
    assert_int_equal(keep_all(store, 9), 1);
    assert_int_equal(space_of(store).months, 1);
}
