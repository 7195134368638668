/* States, lanes, followers, and finding deliveries by filter. */
#include "queue_help.h"

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

/* A delivery brought into a state. */
static uint64_t delivery_in(struct store *store, enum queue_state state)
{
    uint64_t id = make_delivery(store);

    if (state != STATE_WAITING)
        move_to(store, id, state);
    return id;
}

static void every_arrow_is_the_drawing_s(void **state)
{
    /* From: waiting parked held delivered rejected discarded; to likewise. */
    static const char *const drawing[] = {
        "-xxxxx", "xxxxxx", "x-xAxx", "R-----", "x-x--x", "---A--",
    };
    struct store *store = *state;

    for (int from = 0; from < QUEUE_STATES; from++)
        for (int to = 0; to < QUEUE_STATES; to++) {
            uint64_t id = delivery_in(store, (enum queue_state)from);
            struct queue_outcome outcome = outcome_to(id, (enum queue_state)to);
            char arrow = drawing[from][to];

            outcome.replay = false;
            outcome.cause = CAUSE_OPERATOR;
            assert_int_equal(try_outcome(store, outcome),
                             arrow == 'x' ? STATUS_OK : STATUS_DENIED);
            if (arrow != 'R' && arrow != 'A')
                continue;
            outcome.replay = arrow == 'R';
            outcome.cause = arrow == 'A' ? CAUSE_ANSWER : CAUSE_OPERATOR;
            assert_ok(try_outcome(store, outcome));
        }
    assert_sound(store);
}

static void a_denied_outcome_changes_nothing(void **state)
{
    struct store *store = *state;
    uint64_t id = delivery_in(store, STATE_DISCARDED);
    struct queue_delivery before = read_delivery(store, id);
    struct queue_delivery after;

    assert_int_equal(try_outcome(store, outcome_to(id, STATE_PARKED)),
                     STATUS_DENIED);
    assert_int_equal(try_outcome(store, outcome_to(99, STATE_DELIVERED)),
                     STATUS_NOT_FOUND);
    after = read_delivery(store, id);
    assert_int_equal(after.state, before.state);
    assert_int_equal(after.attempts, before.attempts);
    assert_sound(store);
}

static void each_state_has_its_lane(void **state)
{
    struct store *store = *state;
    uint64_t id;

    delivery_in(store, STATE_WAITING);
    delivery_in(store, STATE_PARKED);
    delivery_in(store, STATE_HELD);
    delivery_in(store, STATE_REJECTED);
    delivery_in(store, STATE_DISCARDED);
    id = delivery_in(store, STATE_DELIVERED);
    assert_int_equal(lane_count(store, LANE_FRESH), 1);
    assert_int_equal(lane_count(store, LANE_REPLAY), 0);
    assert_int_equal(lane_count(store, LANE_BLOCKED), 0);
    assert_int_equal(lane_count(store, LANE_PARKED), 1);
    assert_int_equal(lane_count(store, LANE_HELD), 1);
    assert_int_equal(lane_count(store, LANE_REJECTED), 1);
    move_to(store, id, STATE_WAITING);
    assert_int_equal(lane_count(store, LANE_REPLAY), 1);
    assert_int_equal(read_delivery(store, id).lane, LANE_REPLAY);
    move_to(store, id, STATE_DELIVERED);
    assert_int_equal(lane_count(store, LANE_REPLAY), 0);
}

static void a_lane_is_read_in_order_from_a_cursor(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new other = delivery_of("henan");
    struct queue *queue;
    uint64_t made[5];
    uint64_t newest;
    uint64_t ids[3];
    size_t count = 3;
    uint64_t until;

    begin(store);
    for (int i = 0; i < 5; i++) {
        made[i] = put_delivery(store, delivery_of("yunnan"));
        newest = put_delivery(store, other);
    }
    commit(store);
    queue = store->queue;
    assert_ok(
        queue_lane_read(queue, "yunnan", LANE_FRESH, 0, ids, &count, &until));
    assert_int_equal(count, 3);
    assert_memory_equal(ids, made, sizeof ids);
    assert_int_equal(until, made[2]);
    assert_ok(queue_lane_read(queue, "yunnan", LANE_FRESH, ids[2], ids, &count,
                              &until));
    assert_int_equal(count, 2);
    assert_int_equal(ids[1], made[4]);
    assert_int_equal(until, newest);
    count = 3;
    assert_ok(
        queue_lane_read(queue, "unknown", LANE_FRESH, 0, ids, &count, &until));
    assert_int_equal(count, 0);
    assert_int_equal(until, newest);
    count = 3;
    assert_ok(queue_lane_read(queue, "yunnan", LANE_FRESH, UINT64_MAX, ids,
                              &count, &until));
    assert_int_equal(count, 0);
    assert_int_equal(until, newest);
}

static void attempts_and_rounds_add_up(void **state)
{
    struct store *store = *state;
    uint64_t id = make_delivery(store);
    struct queue_outcome outcome = outcome_to(id, STATE_PARKED);
    struct queue_delivery delivery;

    outcome.attempts = 4;
    outcome.reason = "no answer";
    assert_ok(try_outcome(store, outcome));
    assert_ok(try_outcome(store, outcome));
    outcome.at_ms = NOON_MS + 9000;
    assert_ok(try_outcome(store, outcome));
    delivery = read_delivery(store, id);
    assert_int_equal(delivery.attempts, 12);
    assert_int_equal(delivery.rounds, 3);
    assert_int_equal(delivery.changed_at_ms, NOON_MS + 9000);
    assert_string_equal(delivery.reason, "no answer");
    move_to(store, id, STATE_DELIVERED);
    delivery = read_delivery(store, id);
    assert_int_equal(delivery.rounds, 3);
    assert_string_equal(delivery.reason, "");
}

static void a_delivery_may_be_made_held_or_rejected(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t held;
    uint64_t rejected;

    begin(store);
    made.state = STATE_HELD;
    made.reason = "the tare is absent";
    held = put_delivery(store, made);
    made.state = STATE_REJECTED;
    made.reason = "the weight is negative";
    rejected = put_delivery(store, made);
    commit(store);
    assert_string_equal(read_delivery(store, held).reason,
                        "the tare is absent");
    assert_string_equal(read_delivery(store, rejected).reason,
                        "the weight is negative");
    assert_int_equal(lane_count(store, LANE_HELD), 1);
    assert_int_equal(lane_count(store, LANE_REJECTED), 1);
}

static void only_what_is_held_or_rejected_gets_new_facts(void **state)
{
    static const enum queue_state fixed[] = {STATE_WAITING, STATE_PARKED,
                                             STATE_DELIVERED};
    struct store *store = *state;
    struct queue_outcome outcome;
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t count;
    uint64_t id;

    for (size_t i = 0; i < 3; i++) {
        outcome = outcome_to(delivery_in(store, fixed[i]), STATE_WAITING);
        outcome.facts = span_text("new");
        outcome.state = fixed[i] == STATE_WAITING ? STATE_HELD : STATE_WAITING;
        assert_int_equal(try_outcome(store, outcome), STATUS_DENIED);
    }
    id = delivery_in(store, STATE_HELD);
    outcome = outcome_to(id, STATE_HELD);
    outcome.facts = span_text("half");
    assert_ok(try_outcome(store, outcome));
    assert_ok(queue_facts_read(store->queue, id, &facts, events, &count));
    assert_string_equal(bytes_text(&facts), "half");
    outcome = outcome_to(id, STATE_WAITING);
    outcome.facts = span_text("whole");
    outcome.replay = false;
    assert_ok(try_outcome(store, outcome));
    move_to(store, id, STATE_PARKED);
    assert_ok(queue_facts_read(store->queue, id, &facts, events, &count));
    assert_string_equal(bytes_text(&facts), "whole");
    bytes_free(&facts);
}

/* ---- followers -------------------------------------------------------- */

static uint64_t make_follower(struct store *store, uint64_t follows,
                              enum queue_after after)
{
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t id;

    made.follows = follows;
    made.after = after;
    begin(store);
    id = put_delivery(store, made);
    commit(store);
    return id;
}

static void a_follower_waits_for_success_or_for_settling(void **state)
{
    /* What the predecessor becomes, and whether each follower may go. */
    static const struct {
        enum queue_state state;
        bool delivered, settled;
    } rows[] = {
        {STATE_PARKED, false, false},   {STATE_HELD, false, true},
        {STATE_DELIVERED, true, true},  {STATE_REJECTED, false, true},
        {STATE_DISCARDED, false, true},
    };
    struct store *store = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first = make_delivery(store);
        uint64_t delivered = make_follower(store, first, AFTER_DELIVERED);
        uint64_t settled = make_follower(store, first, AFTER_SETTLED);

        assert_int_equal(read_delivery(store, delivered).lane, LANE_BLOCKED);
        assert_int_equal(read_delivery(store, settled).lane, LANE_BLOCKED);
        assert_int_equal(read_delivery(store, settled).follows, first);
        move_to(store, first, rows[i].state);
        assert_int_equal(read_delivery(store, delivered).lane,
                         rows[i].delivered ? LANE_FRESH : LANE_BLOCKED);
        assert_int_equal(read_delivery(store, settled).lane,
                         rows[i].settled ? LANE_FRESH : LANE_BLOCKED);
    }
}

static void a_follower_of_what_is_done_need_not_wait(void **state)
{
    struct store *store = *state;
    uint64_t done = delivery_in(store, STATE_DELIVERED);
    uint64_t held = delivery_in(store, STATE_HELD);

    assert_int_equal(
        read_delivery(store, make_follower(store, done, AFTER_DELIVERED)).lane,
        LANE_FRESH);
    assert_int_equal(
        read_delivery(store, make_follower(store, held, AFTER_SETTLED)).lane,
        LANE_FRESH);
    assert_int_equal(
        read_delivery(store, make_follower(store, held, AFTER_DELIVERED)).lane,
        LANE_BLOCKED);
}

static void a_held_follower_is_blocked_again_when_released(void **state)
{
    struct store *store = *state;
    uint64_t first = make_delivery(store);
    uint64_t second = make_follower(store, first, AFTER_DELIVERED);
    struct queue_outcome release = outcome_to(second, STATE_WAITING);

    release.replay = false;
    move_to(store, second, STATE_HELD);
    assert_int_equal(lane_count(store, LANE_BLOCKED), 0);
    assert_ok(try_outcome(store, release));
    assert_int_equal(read_delivery(store, second).lane, LANE_BLOCKED);
    move_to(store, second, STATE_HELD);
    move_to(store, first, STATE_DELIVERED);
    assert_ok(try_outcome(store, release));
    assert_int_equal(read_delivery(store, second).lane, LANE_FRESH);
}

static void a_row_of_followers_goes_one_by_one(void **state)
{
    struct store *store = *state;
    uint64_t ids[4];

    ids[0] = make_delivery(store);
    for (int i = 1; i < 4; i++)
        ids[i] = make_follower(store, ids[i - 1], AFTER_SETTLED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(lane_count(store, LANE_FRESH), 1);
        assert_int_equal(lane_count(store, LANE_BLOCKED), 3 - i);
        move_to(store, ids[i], STATE_DELIVERED);
    }
}

static void many_may_follow_one(void **state)
{
    struct store *store = *state;
    uint64_t first = make_delivery(store);
    struct queue_delivery_new made = delivery_of("yunnan");

    made.follows = first;
    begin(store);
    for (int i = 0; i < 50; i++) {
        made.after = i % 2 ? AFTER_SETTLED : AFTER_DELIVERED;
        put_delivery(store, made);
    }
    commit(store);
    assert_int_equal(lane_count(store, LANE_BLOCKED), 50);
    move_to(store, first, STATE_REJECTED);
    assert_int_equal(lane_count(store, LANE_BLOCKED), 25);
    assert_int_equal(lane_count(store, LANE_FRESH), 25);
}

/* ---- lists ------------------------------------------------------------ */

struct listed {
    uint64_t ids[2048];
    size_t count;
    size_t stop_at;
};

static bool list_one(void *arg, const struct queue_delivery *delivery)
{
    struct listed *listed = arg;

    assert_true(listed->count == 0 ||
                delivery->id > listed->ids[listed->count - 1]);
    listed->ids[listed->count++] = delivery->id;
    return listed->count != listed->stop_at;
}

static size_t list(struct store *store, struct queue_filter filter)
{
    struct listed listed = {.count = 0};

    assert_ok(queue_list(store->queue, &filter, list_one, &listed));
    return listed.count;
}

#define ANY .state = -1

/* 600 deliveries: two destinations, three interfaces, seven plates, one a
 * minute; every tenth is held, every eleventh of the rest delivered. */
static void make_many(struct store *store)
{
    static const char *const interfaces[] = {"vehicle", "photo", "goods"};
    struct queue_outcome outcome;
    char subject[16];
    uint64_t id;

    begin(store);
    for (int i = 0; i < 600; i++) {
        struct queue_delivery_new made =
            delivery_of(i % 2 ? "henan" : "yunnan");

        snprintf(subject, sizeof subject, "P%d", i % 7);
        made.subject = subject;
        made.interface = interfaces[i % 3];
        made.made_at_ms = NOON_MS + i * MINUTE_MS;
        id = put_delivery(store, made);
        outcome = outcome_to(id, i % 10 == 0 ? STATE_HELD : STATE_DELIVERED);
        if (i % 10 == 0 || i % 11 == 0)
            assert_ok(queue_put_outcome(store->queue, &outcome));
    }
    commit(store);
}

static void a_list_obeys_its_filter(void **state)
{
    struct store *store = *state;
    const int64_t hour = HOUR_MS;

    make_many(store);
    assert_int_equal(list(store, (struct queue_filter){ANY}), 600);
    assert_int_equal(
        list(store, (struct queue_filter){ANY, .destination = "henan"}), 300);
    assert_int_equal(
        list(store, (struct queue_filter){ANY, .destination = "nobody"}), 0);
    assert_int_equal(
        list(store, (struct queue_filter){ANY, .interface = "goods"}), 200);
    assert_int_equal(list(store, (struct queue_filter){ANY, .subject = "P3"}),
                     86);
    assert_int_equal(list(store, (struct queue_filter){ANY, .subject = "P9"}),
                     0);
    assert_int_equal(list(store, (struct queue_filter){.state = STATE_HELD}),
                     60);
    /* every 11th of 600 is 55, of which 6 are held (every 110th) */
    assert_int_equal(
        list(store, (struct queue_filter){.state = STATE_DELIVERED}), 49);
    assert_int_equal(list(store, (struct queue_filter){.state = STATE_WAITING}),
                     491);
    assert_int_equal(list(store, (struct queue_filter){.state = STATE_HELD,
                                                       .destination = "henan"}),
                     0); /* every tenth is even */
    assert_int_equal(
        list(store, (struct queue_filter){ANY, .from_ms = NOON_MS + hour,
                                          .until_ms = NOON_MS + 2 * hour}),
        60);
    assert_int_equal(
        list(store, (struct queue_filter){.state = STATE_HELD,
                                          .from_ms = NOON_MS + hour,
                                          .until_ms = NOON_MS + 2 * hour}),
        6);
    assert_int_equal(
        list(store,
             (struct queue_filter){ANY, .subject = "P0", .from_ms = NOON_MS,
                                   .until_ms = NOON_MS + hour}),
        9);
    assert_int_equal(
        list(store, (struct queue_filter){ANY, .from_ms = NOON_MS + DAY_MS}),
        0);
    assert_int_equal(list(store, (struct queue_filter){ANY, .until_ms = 1000}),
                     0);
}

static void a_list_goes_on_from_its_cursor_and_stops_when_told(void **state)
{
    static const int states[] = {-1, STATE_WAITING, STATE_HELD};
    struct store *store = *state;
    struct listed listed;
    size_t total;
    size_t seen;

    make_many(store);
    for (size_t i = 0; i < 3; i++) {
        struct queue_filter filter = {.state = states[i]};

        total = list(store, filter);
        for (seen = 0; seen < total; seen += listed.count) {
            listed.count = 0;
            listed.stop_at = 37;
            assert_ok(queue_list(store->queue, &filter, list_one, &listed));
            assert_true(listed.count == 37 || seen + listed.count == total);
            filter.after = listed.ids[listed.count - 1];
        }
        assert_int_equal(seen, total);
    }
}

static void states_have_names(void **state)
{
    enum queue_state found;

    (void)state;
    for (int i = 0; i < QUEUE_STATES; i++) {
        assert_ok(
            queue_state_find(queue_state_name((enum queue_state)i), &found));
        assert_int_equal(found, i);
    }
    assert_string_equal(queue_state_name(STATE_WAITING), "waiting");
    assert_int_equal(queue_state_find("lost", &found), STATUS_NOT_FOUND);
}
