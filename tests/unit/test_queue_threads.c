/* Reading from other threads while the committer writes, grows its maps,
 * begins months and drops them. */
#include "queue_help.h"

static int setup(void **state)
{
    *state = store_make();
    return 0;
}

static int teardown(void **state)
{
    store_free(*state);
    return 0;
}

#define READERS 3
#define GROUPS 120

struct reading {
    struct store *store;
    _Atomic bool stop;
    _Atomic uint64_t newest; /* durable and committed */
    _Atomic uint64_t reads;
};

static bool look_at(void *arg, const struct queue_delivery *delivery)
{
    assert_string_equal(delivery->destination, "yunnan");
    return ++*(int *)arg < 50;
}

static bool event_seen(void *arg, const struct queue_event *event)
{
    assert_string_equal(event->kind, "camera/capture");
    return ++*(int *)arg < 50;
}

static bool note_seen(void *arg, struct span key, struct span value)
{
    (void)arg;
    assert_true(key.len > 0 && value.len > 0);
    return true;
}

static void read_one(struct reading *reading, uint64_t id)
{
    struct queue *queue = reading->store->queue;
    struct queue_delivery delivery;
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t count;
    enum status status = queue_delivery_read(queue, id, &delivery);

    /* Its month may have been dropped: no other failure is allowed. */
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    status = queue_facts_read(queue, id, &facts, events, &count);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    if (status == STATUS_OK)
        assert_string_equal(bytes_text(&facts), "{\"n\":1}");
    bytes_free(&facts);
}

static void *read_on(void *arg)
{
    struct reading *reading = arg;
    struct queue *queue = reading->store->queue;
    const struct queue_filter any = {.state = -1};
    const struct queue_filter parked = {.state = STATE_PARKED};
    struct queue_space space;
    struct queue_verdict verdict;
    uint64_t ids[32];
    size_t count;
    uint64_t until;
    int seen;

    while (!reading->stop) {
        uint64_t newest = reading->newest;

        for (uint64_t id = newest > 20 ? newest - 20 : 1; id < newest; id++)
            read_one(reading, id);
        count = 32;
        assert_ok(queue_lane_read(queue, "yunnan", LANE_PARKED, 0, ids, &count,
                                  &until));
        seen = 0;
        assert_ok(queue_list(queue, &any, look_at, &seen));
        seen = 0;
        assert_ok(queue_list(queue, &parked, look_at, &seen));
        seen = 0;
        assert_ok(queue_events_each(queue, 0, 0, event_seen, &seen));
        assert_ok(queue_note_each(queue, "s", note_seen, NULL));
        assert_ok(queue_space_read(queue, &space));
        assert_ok(queue_verify(queue, &verdict));
        assert_int_equal(verdict.bad_crc, 0);
        assert_int_equal(verdict.bad_sums, 0);
        queue_trim(queue);
        reading->reads++;
    }
    return NULL;
}

static void write_group(struct store *store, struct reading *reading, int i)
{
    int64_t now_ms = NOON_MS + i * 5 * DAY_MS; /* a month in six groups */
    struct queue_event event = event_named("", "body");
    struct queue_delivery_new made = delivery_of("yunnan");
    struct queue_outcome outcome;
    char key[16];
    uint64_t id = 0;

    assert_ok(queue_begin(store->queue, now_ms));
    for (int k = 0; k < 20; k++) {
        event.received_at_ms = now_ms;
        put_event(store, event);
        made.made_at_ms = now_ms;
        id = put_delivery(store, made);
        outcome = outcome_to(id, STATE_DELIVERED);
        assert_ok(queue_put_outcome(store->queue, &outcome));
    }
    snprintf(key, sizeof key, "%d", i % 7);
    assert_ok(
        queue_put_note(store->queue, "s", span_text(key), span_text("v")));
    assert_ok(queue_commit(store->queue, NULL, NULL));
    reading->newest = id;
}

static void readers_are_never_disturbed(void **state)
{
    struct store *store = *state;
    struct reading reading = {.store = store};
    pthread_t threads[READERS];
    enum queue_kept kept;
    char month[8];
    int dropped = 0;

    store->options.keep_months = 3;
    store->options.hot_map_bytes = MB; /* it has to grow */
    store_open(store);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reading),
                         0);
    for (int i = 0; i < GROUPS; i++) {
        write_group(store, &reading, i);
        assert_ok(
            queue_keep(store->queue, NOON_MS + i * 5 * DAY_MS, &kept, month));
        dropped += kept == KEPT_NOT_A_MONTH;
    }
    reading.stop = true;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(dropped > 10);
    assert_true(reading.reads > 0);
    assert_sound(store);
}
