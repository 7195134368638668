/* Has a device said this before? */
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

struct known {
    uint64_t id;
    uint32_t revision;
    bool same_body;
};

static struct known find(struct store *store, struct queue_event event)
{
    struct known known;

    begin(store);
    assert_ok(queue_find_event(store->queue, &event, &known.id, &known.revision,
                               &known.same_body));
    queue_abort(store->queue);
    return known;
}

static uint64_t put(struct store *store, struct queue_event event)
{
    uint64_t id;

    begin(store);
    id = put_event(store, event);
    commit(store);
    return id;
}

static void a_repeat_is_known(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "body");
    uint64_t id;

    assert_int_equal(find(store, event).id, 0);
    id = put(store, event);
    assert_int_equal(find(store, event).id, id);
    assert_true(find(store, event).same_body);
    event.received_at_ms += 30 * DAY_MS;
    assert_int_equal(find(store, event).id, id);
    store_reopen_test(store);
    assert_int_equal(find(store, event).id, id);
}

static void device_time_and_id_tell_events_apart(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "body");

    put(store, event);
    event.device = "cam2";
    assert_int_equal(find(store, event).id, 0);
    event = event_named("e2", "body");
    assert_int_equal(find(store, event).id, 0);
    event = event_named("e1", "body");
    event.event_at_ms++;
    assert_int_equal(find(store, event).id, 0);
    event = event_named("1e1", "body"); /* "cam" + "1e1" is not "cam1" + "e1" */
    event.device = "cam";
    assert_int_equal(find(store, event).id, 0);
}

static void the_open_group_is_seen(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "body");
    uint64_t id;
    uint64_t known;
    uint32_t revision;
    bool same;

    begin(store);
    id = put_event(store, event);
    assert_ok(queue_find_event(store->queue, &event, &known, &revision, &same));
    assert_int_equal(known, id);
    queue_abort(store->queue);
    assert_int_equal(find(store, event).id, 0);
}

static void an_event_without_id_is_never_known(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("", "body");

    put(store, event);
    assert_int_equal(find(store, event).id, 0);
}

static void the_highest_revision_is_told(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "first");
    uint64_t second;

    put(store, event);
    event.revision = 2;
    event.body = span_text("second");
    assert_false(find(store, event).same_body);
    assert_int_equal(find(store, event).revision, 0);
    second = put(store, event);
    event.revision = 1;
    put(store, event);
    assert_int_equal(find(store, event).id, second);
    assert_int_equal(find(store, event).revision, 2);
    assert_true(find(store, event).same_body);
}

static void a_body_of_other_bytes_is_not_the_same(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "12345678-2345678");

    put(store, event);
    event.body = span_text("12345678-2345679");
    assert_false(find(store, event).same_body);
    event.body = span_text("12345678-234567");
    assert_false(find(store, event).same_body);
    event.body = span_text("");
    assert_false(find(store, event).same_body);
}

static void without_time_it_is_known_for_two_days_of_receipt(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "body");
    uint64_t id;
    uint64_t later;

    event.event_at_ms = 0;
    id = put(store, event);
    assert_int_equal(find(store, event).id, id);
    event.received_at_ms = NOON_MS + 36 * HOUR_MS - 1; /* next midnight */
    assert_int_equal(find(store, event).id, id);
    event.received_at_ms++;
    assert_int_equal(find(store, event).id, 0);
    later = put(store, event);
    assert_int_equal(find(store, event).id, later);
}

static void a_time_that_cannot_be_does_not_hide_a_repeat(void **state)
{
    static const int64_t times[] = {1000,          NOON_MS + 5000 * DAY_MS,
                                    -5000,         INT64_MAX,
                                    INT64_MIN + 1, NOON_MS - 41 * DAY_MS};
    struct store *store = *state;
    struct queue_event event = event_named("e1", "body");
    enum queue_kept kept;
    char month[8];
    uint64_t id;

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        event.event_at_ms = times[i];
        assert_int_equal(find(store, event).id, 0);
        id = put(store, event);
        assert_ok(queue_keep(store->queue, NOON_MS, &kept, month));
        assert_int_equal(find(store, event).id, id);
        event.received_at_ms = NOON_MS + 20 * HOUR_MS;
        assert_int_equal(find(store, event).id, id);
        event.received_at_ms = NOON_MS;
    }
}

static void keys_expire_after_their_days(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "body");
    enum queue_kept kept;
    char month[8];
    uint64_t id = put(store, event);

    event.received_at_ms = NOON_MS + 40 * DAY_MS - 1000;
    assert_ok(queue_keep(store->queue, event.received_at_ms, &kept, month));
    assert_int_equal(find(store, event).id, id);
    assert_ok(queue_keep(store->queue, event.received_at_ms + 1, &kept, month));
    assert_int_equal(find(store, event).id, 0);
}
