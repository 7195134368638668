/* Everything is accounted for, whatever is done in whatever order. */
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

#define DAYS 3
#define KINDS 2
#define DESTINATIONS 2
#define OBJECTS_MAX 4000

static const char *const kinds[KINDS] = {"camera/capture", "meter/reading"};
static const char *const destinations[DESTINATIONS] = {"yunnan", "henan"};

/* The books kept by hand, beside the store. */
struct books {
    uint64_t events[DAYS][KINDS][QUEUE_FATES];
    uint64_t deliveries[DAYS][DESTINATIONS][QUEUE_STATES];
};

struct object {
    uint64_t id;
    int day, which;
    int now; /* fate or state */
};

struct model {
    struct books books;
    struct object events[OBJECTS_MAX];
    int event_count;
    struct object deliveries[OBJECTS_MAX];
    int delivery_count;
    unsigned random;
};

static unsigned roll(struct model *model, unsigned sides)
{
    model->random = model->random * 1664525u + 1013904223u;
    return (model->random >> 8) % sides;
}

static int64_t day_ms(int day)
{
    return NOON_MS + day * DAY_MS;
}

static void act_event(struct store *store, struct model *model)
{
    struct object object = {.day = (int)roll(model, DAYS),
                            .which = (int)roll(model, KINDS),
                            .now = (int)roll(model, FATE_REPEAT)};
    struct queue_event event = event_named("", "body");

    event.kind = kinds[object.which];
    event.received_at_ms = day_ms(object.day);
    event.fate = (enum queue_fate)object.now;
    object.id = put_event(store, event);
    model->books.events[object.day][object.which][object.now]++;
    if (model->event_count < OBJECTS_MAX)
        model->events[model->event_count++] = object;
}

static void act_repeat(struct store *store, struct model *model)
{
    int day = (int)roll(model, DAYS);
    int kind = (int)roll(model, KINDS);

    assert_ok(queue_put_repeat(store->queue, kinds[kind], day_ms(day)));
    model->books.events[day][kind][FATE_REPEAT]++;
}

static void act_fate(struct store *store, struct model *model)
{
    struct object *object;
    int fate = (int)roll(model, FATE_REPEAT);

    if (model->event_count == 0)
        return;
    object = &model->events[roll(model, (unsigned)model->event_count)];
    assert_ok(queue_put_fate(store->queue, object->id, (enum queue_fate)fate));
    model->books.events[object->day][object->which][object->now]--;
    model->books.events[object->day][object->which][fate]++;
    object->now = fate;
}

static void act_delivery(struct store *store, struct model *model)
{
    static const enum queue_state first[] = {STATE_WAITING, STATE_HELD,
                                             STATE_REJECTED};
    struct object object = {.day = (int)roll(model, DAYS),
                            .which = (int)roll(model, DESTINATIONS),
                            .now = (int)first[roll(model, 3)]};
    struct queue_delivery_new made = delivery_of(destinations[object.which]);

    made.state = (enum queue_state)object.now;
    made.made_at_ms = day_ms(object.day);
    if (model->delivery_count > 0 && roll(model, 3) == 0)
        made.follows =
            model->deliveries[roll(model, (unsigned)model->delivery_count)].id;
    made.after = roll(model, 2) ? AFTER_DELIVERED : AFTER_SETTLED;
    object.id = put_delivery(store, made);
    model->books.deliveries[object.day][object.which][object.now]++;
    if (model->delivery_count < OBJECTS_MAX)
        model->deliveries[model->delivery_count++] = object;
}

static void act_outcome(struct store *store, struct model *model)
{
    struct object *object;
    struct queue_outcome outcome;
    enum status status;

    if (model->delivery_count == 0)
        return;
    object = &model->deliveries[roll(model, (unsigned)model->delivery_count)];
    outcome = outcome_to(object->id, (enum queue_state)roll(model, 6));
    if ((object->now == STATE_HELD || object->now == STATE_REJECTED) &&
        roll(model, 2))
        outcome.facts = span_text("others");
    status = queue_put_outcome(store->queue, &outcome);
    assert_true(status == STATUS_OK || status == STATUS_DENIED);
    if (status != STATUS_OK)
        return;
    model->books.deliveries[object->day][object->which][object->now]--;
    object->now = (int)outcome.state;
    model->books.deliveries[object->day][object->which][object->now]++;
}

static void compare_events(void *arg, const char *kind,
                           const struct queue_event_sums *sums)
{
    uint64_t(*want)[QUEUE_FATES] = arg;
    uint64_t sum = 0;
    int which = strcmp(kind, kinds[0]) == 0 ? 0 : 1;

    for (int i = 0; i < QUEUE_FATES; i++) {
        assert_int_equal(sums->fates[i], want[which][i]);
        sum += sums->fates[i];
        want[which][i] = 0; /* told */
    }
    assert_int_equal(sums->received, sum);
}

static void compare_deliveries(void *arg, const char *destination,
                               const char *interface,
                               const struct queue_delivery_sums *sums)
{
    uint64_t(*want)[QUEUE_STATES] = arg;
    uint64_t sum = 0;
    int which = strcmp(destination, destinations[0]) == 0 ? 0 : 1;

    assert_string_equal(interface, "vehicle");
    for (int i = 0; i < QUEUE_STATES; i++) {
        assert_int_equal(sums->states[i], want[which][i]);
        sum += sums->states[i];
        want[which][i] = 0;
    }
    assert_int_equal(sums->made, sum);
}

static void assert_books(struct store *store, const struct books *books)
{
    struct books left = *books;
    const struct books none = {0};

    for (int day = 0; day < DAYS; day++) {
        assert_ok(queue_day_events(store->queue, TODAY + (uint32_t)day,
                                   compare_events, left.events[day]));
        assert_ok(queue_day_deliveries(store->queue, TODAY + (uint32_t)day,
                                       compare_deliveries,
                                       left.deliveries[day]));
    }
    assert_memory_equal(&left, &none, sizeof left);
}

/* Each delivery is in exactly the lane its state says. */
static void assert_lanes(struct store *store, const struct model *model)
{
    uint64_t want[DESTINATIONS][QUEUE_STATES] = {{0}};
    uint64_t ids[64];
    size_t count;
    uint64_t until;
    uint64_t after;
    static const enum queue_state of_lane[QUEUE_LANES] = {
        STATE_WAITING, STATE_WAITING, STATE_WAITING,
        STATE_PARKED,  STATE_HELD,    STATE_REJECTED};

    for (int i = 0; i < model->delivery_count; i++)
        want[model->deliveries[i].which][model->deliveries[i].now]++;
    for (int which = 0; which < DESTINATIONS; which++) {
        for (int lane = 0; lane < QUEUE_LANES; lane++)
            for (after = 0;; after = ids[count - 1]) {
                count = 64;
                assert_ok(queue_lane_read(store->queue, destinations[which],
                                          (enum queue_lane)lane, after, ids,
                                          &count, &until));
                want[which][of_lane[lane]] -= count;
                if (count == 0)
                    break;
            }
        assert_int_equal(want[which][STATE_WAITING], 0);
        assert_int_equal(want[which][STATE_PARKED], 0);
        assert_int_equal(want[which][STATE_HELD], 0);
        assert_int_equal(want[which][STATE_REJECTED], 0);
    }
}

static void act(struct store *store, struct model *model)
{
    static void (*const acts[])(struct store *, struct model *) = {
        act_event, act_repeat, act_fate, act_delivery, act_outcome, act_outcome,
    };

    acts[roll(model, sizeof acts / sizeof acts[0])](store, model);
}

/* A group of some acts; one in eight is undone, as is the hand's book. */
static void act_group(struct store *store, struct model *model,
                      struct model *spare)
{
    bool undone = roll(model, 8) == 0;
    unsigned size = 1 + roll(model, 30);

    memcpy(spare, model, sizeof *spare);
    begin(store);
    while (size-- > 0)
        act(store, model);
    if (!undone) {
        commit(store);
        return;
    }
    queue_abort(store->queue);
    spare->random = model->random;
    memcpy(model, spare, sizeof *model);
}

static void any_run_of_acts_balances(void **state)
{
    struct store *store = *state;
    struct model *model = calloc(2, sizeof *model);
    char hot[128];

    assert_non_null(model);
    model->random = 20261120;
    for (int round = 0; round < 4; round++) {
        for (int group = 0; group < 40; group++)
            act_group(store, &model[0], &model[1]);
        assert_books(store, &model->books);
        assert_lanes(store, model);
        assert_sound(store);
        store_close(store);
        snprintf(hot, sizeof hot, "%s/hot", store->folder);
        if (round % 2 == 1)
            remove_tree(hot);
        store_open(store);
        assert_int_equal(store->opening.rebuilt, round % 2 == 1);
        assert_books(store, &model->books);
        assert_lanes(store, model);
    }
    assert_sound(store);
    free(model);
}

static void count_all(void *arg, const char *kind,
                      const struct queue_event_sums *sums)
{
    (void)kind;
    *(uint64_t *)arg += sums->received;
}

static void day_0_is_all_time(void **state)
{
    struct store *store = *state;
    uint64_t total = 0;

    for (int day = 0; day < 3; day++) {
        struct queue_event event = event_named("", "x");

        event.received_at_ms = day_ms(day);
        begin(store);
        put_event(store, event);
        commit(store);
    }
    assert_ok(queue_day_events(store->queue, 0, count_all, &total));
    assert_int_equal(total, 3);
    total = 0;
    assert_ok(queue_day_events(store->queue, TODAY + 1, count_all, &total));
    assert_int_equal(total, 1);
    total = 0;
    assert_ok(queue_day_events(store->queue, 20990101, count_all, &total));
    assert_int_equal(total, 0);
}

static void the_chain_s_head_depends_on_every_outcome(void **state)
{
    struct store *store = *state;
    struct queue_verdict first;
    struct queue_verdict second;
    uint64_t id = make_delivery(store);

    move_to(store, id, STATE_PARKED);
    first = verify(store);
    assert_int_equal(first.outcomes, 1);
    assert_int_equal(first.records, 2);
    move_to(store, id, STATE_PARKED);
    second = verify(store);
    assert_int_equal(second.outcomes, 2);
    assert_memory_not_equal(first.head, second.head, sizeof first.head);
}
