/* What is put is read back: events, deliveries, outcomes, notes. */
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

static void a_new_store_is_quiet(void **state)
{
    struct store *store = *state;
    struct queue_space space;

    assert_int_equal(store->opening.reapplied, 0);
    assert_false(store->opening.rebuilt);
    assert_string_equal(store->opening.set_aside, "");
    assert_ok(queue_space_read(store->queue, &space));
    assert_int_equal(space.newest_seq, 0);
    assert_int_equal(space.months, 0);
    assert_false(space.full);
    assert_sound(store);
}

static void an_event_is_read_as_it_was_put(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e1", "{\"plate\":\"A\"}");
    struct queue_event back;
    struct bytes buffer = BYTES_EMPTY;
    uint64_t id;

    event.revision = 7;
    event.fate = FATE_INVALID;
    event.reason = "the colour is unknown";
    begin(store);
    id = put_event(store, event);
    commit(store);
    assert_ok(queue_event_read(store->queue, id, &back, &buffer));
    assert_int_equal(back.id, id);
    assert_string_equal(back.kind, "camera/capture");
    assert_string_equal(back.device, "cam1");
    assert_string_equal(back.topic, event.topic);
    assert_string_equal(back.event_id, "e1");
    assert_string_equal(back.reason, "the colour is unknown");
    assert_int_equal(back.event_at_ms, NOON_MS - 1000);
    assert_int_equal(back.received_at_ms, NOON_MS);
    assert_int_equal(back.revision, 7);
    assert_int_equal(back.fate, FATE_INVALID);
    assert_true(span_equal(back.body, event.body));
    assert_int_equal(queue_event_read(store->queue, id + 1, &back, &buffer),
                     STATUS_NOT_FOUND);
    bytes_free(&buffer);
}

static void a_large_body_keeps_every_byte(void **state)
{
    struct store *store = *state;
    const size_t len = 3000000;
    uint8_t *body = malloc(len);
    struct queue_event event = event_named("big", "");
    struct queue_event back;
    struct bytes buffer = BYTES_EMPTY;

    assert_non_null(body);
    for (size_t i = 0; i < len; i++)
        body[i] = (uint8_t)(i * 7 + i / 251);
    event.body = span_of(body, len);
    begin(store);
    event.id = put_event(store, event);
    commit(store);
    assert_ok(queue_event_read(store->queue, event.id, &back, &buffer));
    assert_true(span_equal(back.body, event.body));
    bytes_free(&buffer);
    free(body);
}

static void a_field_that_is_too_long_is_invalid(void **state)
{
    struct store *store = *state;
    char longer[1200];
    struct queue_event event = event_named("e", "x");
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t id;

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    begin(store);
    event.kind = longer;
    assert_int_equal(queue_put_event(store->queue, &event), STATUS_INVALID);
    event = event_named(longer, "x");
    assert_int_equal(queue_put_event(store->queue, &event), STATUS_INVALID);
    event = event_named("e", "x");
    event.topic = longer;
    assert_int_equal(queue_put_event(store->queue, &event), STATUS_INVALID);
    made.number = longer;
    assert_int_equal(queue_put_delivery(store->queue, &made, &id),
                     STATUS_INVALID);
    made = delivery_of(longer);
    assert_int_equal(queue_put_delivery(store->queue, &made, &id),
                     STATUS_INVALID);
    assert_int_equal(
        queue_put_note(store->queue, "s", span_of(longer, 254), span_text("v")),
        STATUS_INVALID);
    assert_ok(queue_put_event(store->queue, &(struct queue_event){
                                                .kind = "k",
                                                .received_at_ms = NOON_MS,
                                            }));
    commit(store);
}

static void a_delivery_is_read_as_it_was_made(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    struct queue_delivery back;
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[2];
    uint64_t read[256];
    size_t count;
    uint64_t id;

    begin(store);
    events[0] = put_event(store, event_named("e1", "one"));
    events[1] = put_event(store, event_named("e2", "two"));
    made.events = events;
    made.event_count = 2;
    made.order_key = "gate 1";
    id = put_delivery(store, made);
    commit(store);
    back = read_delivery(store, id);
    assert_int_equal(back.id, id);
    assert_int_equal(back.state, STATE_WAITING);
    assert_int_equal(back.lane, LANE_FRESH);
    assert_string_equal(back.destination, "yunnan");
    assert_string_equal(back.interface, "vehicle");
    assert_string_equal(back.number, "R1");
    assert_string_equal(back.subject, "A12345");
    assert_string_equal(back.reason, "");
    assert_int_not_equal(back.order_key, 0);
    assert_int_equal(back.made_at_ms, NOON_MS);
    assert_ok(queue_facts_read(store->queue, id, &facts, read, &count));
    assert_string_equal(bytes_text(&facts), "{\"n\":1}");
    assert_int_equal(count, 2);
    assert_memory_equal(read, events, sizeof events);
    assert_int_equal(queue_delivery_read(store->queue, events[0], &back),
                     STATUS_NOT_FOUND);
    bytes_free(&facts);
}

static void a_delivery_of_what_is_not_there_is_invalid(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t events[1] = {99};
    uint64_t id;

    begin(store);
    made.events = events;
    made.event_count = 1;
    assert_int_equal(queue_put_delivery(store->queue, &made, &id),
                     STATUS_INVALID);
    made.event_count = 0;
    made.follows = 99;
    assert_int_equal(queue_put_delivery(store->queue, &made, &id),
                     STATUS_INVALID);
    made.follows = 0;
    made.state = STATE_DELIVERED;
    assert_int_equal(queue_put_delivery(store->queue, &made, &id),
                     STATUS_INVALID);
    commit(store);
}

static void an_aborted_group_leaves_nothing(void **state)
{
    struct store *store = *state;
    struct queue_space space;
    struct queue_delivery back;
    uint64_t id;
    uint64_t again;

    begin(store);
    id = put_delivery(store, delivery_of("yunnan"));
    assert_ok(
        queue_put_note(store->queue, "s", span_text("k"), span_text("v")));
    queue_abort(store->queue);
    assert_int_equal(queue_delivery_read(store->queue, id, &back),
                     STATUS_NOT_FOUND);
    assert_int_equal(lane_count(store, LANE_FRESH), 0);
    again = make_delivery(store);
    assert_int_equal(again, id);
    assert_ok(queue_space_read(store->queue, &space));
    assert_int_equal(space.newest_seq, id);
    assert_sound(store);
}

struct order {
    struct store *store;
    uint64_t id;
    int calls;
    enum status seen_in_hot;
    enum status loaded;
    struct queue_delivery as_made;
    struct bytes facts;
    struct bytes body;
    struct queue_made made;
    struct queue_fresh list[8];
};

static void *read_beside(void *arg)
{
    struct order *order = arg;
    struct queue *queue = order->store->queue;
    struct queue_delivery delivery;
    enum status readable;

    order->seen_in_hot = queue_delivery_read(queue, order->id, &delivery);
    order->loaded = queue_delivery_load(queue, order->id, &order->as_made,
                                        &order->facts, &readable);
    if (order->loaded == STATUS_OK)
        order->loaded = readable;
    if (order->loaded == STATUS_OK && order->id > 1)
        order->loaded = queue_body_read(queue, order->id - 1, &order->body);
    return NULL;
}

static void order_free(struct order *order)
{
    bytes_free(&order->facts);
    bytes_free(&order->body);
}

/* durable comes when the log has it and the states are not yet written. */
static void on_durable(void *arg)
{
    struct order *order = arg;
    pthread_t thread;

    order->calls++;
    order->made = queue_borrow_made(order->store->queue);
    assert_true(order->made.count <= 8);
    memcpy(order->list, order->made.list,
           order->made.count * sizeof *order->list);
    assert_int_equal(pthread_create(&thread, NULL, read_beside, order), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void durable_is_called_before_the_states_are_written(void **state)
{
    struct order order = {.store = *state};
    struct queue_delivery delivery;

    begin(order.store);
    order.id = put_delivery(order.store, delivery_of("yunnan"));
    assert_int_equal(order.calls, 0);
    assert_ok(queue_commit(order.store->queue, on_durable, &order));
    assert_int_equal(order.calls, 1);
    assert_int_equal(order.seen_in_hot, STATUS_NOT_FOUND);
    assert_ok(queue_delivery_read(order.store->queue, order.id, &delivery));
    order_free(&order);
}

static void what_is_durable_can_be_sent_before_the_lanes_show_it(void **state)
{
    struct order order = {.store = *state};
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t event;

    begin(order.store);
    event = put_event(order.store, event_named("e", "the body"));
    made.events = &event;
    made.event_count = 1;
    order.id = put_delivery(order.store, made);
    assert_ok(queue_commit(order.store->queue, on_durable, &order));
    assert_int_equal(order.seen_in_hot, STATUS_NOT_FOUND);
    assert_ok(order.loaded);
    assert_int_equal(order.as_made.id, order.id);
    assert_int_equal(order.as_made.state, STATE_WAITING);
    assert_int_equal(order.as_made.lane, LANE_FRESH);
    assert_string_equal(order.as_made.destination, "yunnan");
    assert_string_equal(order.as_made.interface, "vehicle");
    assert_string_equal(order.as_made.number, "R1");
    assert_string_equal(bytes_text(&order.facts), "{\"n\":1}");
    assert_string_equal(bytes_text(&order.body), "the body");
    order_free(&order);
}

static void what_went_into_the_fresh_lane_is_told_and_nothing_else(void **state)
{
    struct order order = {.store = *state};
    struct queue_delivery_new keyed = delivery_of("henan");
    struct queue_delivery_new held = delivery_of("yunnan");
    struct queue_delivery_new behind = delivery_of("yunnan");
    struct queue_delivery delivery;

    keyed.order_key = "A12345";
    held.state = STATE_HELD;
    begin(order.store);
    order.id = put_delivery(order.store, delivery_of("yunnan"));
    put_delivery(order.store, held);
    behind.follows = order.id;
    put_delivery(order.store, behind);
    put_delivery(order.store, keyed);
    assert_ok(queue_commit(order.store->queue, on_durable, &order));
    assert_int_equal(order.made.after, 0);
    assert_int_equal(order.made.until, 4);
    assert_int_equal(order.made.count, 2);
    assert_int_equal(order.list[0].id, 1);
    assert_string_equal(order.list[0].destination, "yunnan");
    assert_int_equal(order.list[0].order_key, 0);
    assert_int_equal(order.list[1].id, 4);
    assert_string_equal(order.list[1].destination, "henan");
    assert_ok(queue_delivery_read(order.store->queue, 4, &delivery));
    assert_int_equal(order.list[1].order_key, delivery.order_key);
    order_free(&order);
}

static void an_undone_group_made_nothing(void **state)
{
    struct order order = {.store = *state};

    begin(order.store);
    put_delivery(order.store, delivery_of("yunnan"));
    queue_abort(order.store->queue);
    begin(order.store);
    put_event(order.store, event_named("e", "x"));
    assert_ok(queue_commit(order.store->queue, on_durable, &order));
    assert_int_equal(order.made.count, 0);
    assert_int_equal(order.made.until, 1);
}

static void of_a_great_many_the_first_are_told(void **state)
{
    struct order order = {.store = *state};
    struct queue_made made;

    begin(order.store);
    for (int i = 0; i < 1100; i++)
        order.id = put_delivery(order.store, delivery_of("yunnan"));
    made = queue_borrow_made(order.store->queue);
    commit(order.store);
    assert_int_equal(made.count, 1024);
    assert_int_equal(made.until, 1024);
    assert_int_equal(made.list[1023].id, 1024);
}

static void an_empty_group_is_durable_too(void **state)
{
    struct order order = {.store = *state};

    begin(order.store);
    assert_ok(queue_commit(order.store->queue, on_durable, &order));
    assert_int_equal(order.calls, 1);
}

static void the_fate_of_an_event_changes(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("e", "x");
    struct queue_event back;
    struct bytes buffer = BYTES_EMPTY;
    uint64_t joining;
    uint64_t unrouted;

    begin(store);
    event.fate = FATE_JOINING;
    joining = put_event(store, event);
    event.event_id = "f";
    event.fate = FATE_UNROUTED;
    unrouted = put_event(store, event);
    commit(store);
    begin(store);
    assert_ok(queue_put_fate(store->queue, joining, FATE_USED));
    assert_ok(queue_put_fate(store->queue, unrouted, FATE_USED));
    assert_ok(queue_put_fate(store->queue, unrouted, FATE_USED));
    assert_int_equal(queue_put_fate(store->queue, 77, FATE_USED),
                     STATUS_NOT_FOUND);
    assert_int_equal(queue_put_fate(store->queue, joining, FATE_REPEAT),
                     STATUS_INVALID);
    commit(store);
    assert_ok(queue_event_read(store->queue, joining, &back, &buffer));
    assert_int_equal(back.fate, FATE_USED);
    assert_ok(queue_event_read(store->queue, unrouted, &back, &buffer));
    assert_int_equal(back.fate, FATE_USED);
    assert_sound(store);
    bytes_free(&buffer);
}

static void a_note_is_kept_replaced_and_removed(void **state)
{
    struct store *store = *state;
    struct bytes value = BYTES_EMPTY;
    struct span key = span_text("counter");

    begin(store);
    assert_ok(queue_put_note(store->queue, "s", key, span_text("1")));
    assert_ok(queue_note_read(store->queue, "s", key, &value));
    assert_string_equal(bytes_text(&value), "1"); /* sees the open group */
    commit(store);
    begin(store);
    assert_ok(queue_put_note(store->queue, "s", key, span_text("22")));
    commit(store);
    assert_ok(queue_note_read(store->queue, "s", key, &value));
    assert_string_equal(bytes_text(&value), "22");
    assert_int_equal(queue_note_read(store->queue, "t", key, &value),
                     STATUS_NOT_FOUND);
    begin(store);
    assert_ok(queue_put_note(store->queue, "s", key, span_text("")));
    commit(store);
    assert_int_equal(queue_note_read(store->queue, "s", key, &value),
                     STATUS_NOT_FOUND);
    assert_int_equal(queue_put_note(store->queue, "store", key, span_text("x")),
                     STATUS_INVALID);
    bytes_free(&value);
}

struct gathered {
    struct store *store;
    char keys[4096];
    int count;
    int stop_at;
};

static bool gather_note(void *arg, struct span key, struct span value)
{
    struct gathered *gathered = arg;
    size_t used = strlen(gathered->keys);

    snprintf(gathered->keys + used, sizeof gathered->keys - used, "%.*s=%.*s ",
             (int)key.len, (const char *)key.data, (int)value.len,
             (const char *)value.data);
    gathered->count++;
    return gathered->count != gathered->stop_at;
}

static void the_notes_of_a_space_come_in_order(void **state)
{
    struct store *store = *state;
    struct gathered gathered = {.store = store};

    begin(store);
    assert_ok(
        queue_put_note(store->queue, "a", span_text("2"), span_text("two")));
    assert_ok(
        queue_put_note(store->queue, "a", span_text("1"), span_text("one")));
    assert_ok(
        queue_put_note(store->queue, "a", span_text(""), span_text("zero")));
    assert_ok(
        queue_put_note(store->queue, "ab", span_text("1"), span_text("other")));
    assert_ok(queue_note_each(store->queue, "a", gather_note, &gathered));
    assert_string_equal(gathered.keys, "=zero 1=one 2=two ");
    commit(store);
    gathered = (struct gathered){.stop_at = 2};
    assert_ok(queue_note_each(store->queue, "a", gather_note, &gathered));
    assert_string_equal(gathered.keys, "=zero 1=one ");
}

static bool replace_note(void *arg, struct span key, struct span value)
{
    struct gathered *gathered = arg;

    (void)value;
    gathered->count++;
    assert_ok(
        queue_put_note(gathered->store->queue, "n", key,
                       gathered->count % 2 ? span_text("") : span_text("new")));
    return true;
}

static void notes_may_be_put_while_they_are_visited(void **state)
{
    struct store *store = *state;
    struct gathered gathered = {.store = store};
    char key[16];

    begin(store);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "%04d", i);
        assert_ok(queue_put_note(store->queue, "n", span_text(key),
                                 span_text("old")));
    }
    assert_ok(queue_note_each(store->queue, "n", replace_note, &gathered));
    assert_int_equal(gathered.count, 300);
    commit(store);
    gathered = (struct gathered){0};
    assert_ok(queue_note_each(store->queue, "n", gather_note, &gathered));
    assert_int_equal(gathered.count, 150);
}

struct outcomes {
    int count;
    struct queue_outcome list[8];
    char words[512];
};

static void gather_outcome(void *arg, const struct queue_outcome *outcome)
{
    struct outcomes *outcomes = arg;
    size_t used = strlen(outcomes->words);

    outcomes->list[outcomes->count++] = *outcome;
    snprintf(outcomes->words + used, sizeof outcomes->words - used,
             "%s by %s: %s (%.*s)%.*s; ", outcome->verb, outcome->actor,
             outcome->reason, (int)outcome->answer.len,
             (const char *)outcome->answer.data, (int)outcome->facts.len,
             (const char *)outcome->facts.data);
}

static void a_history_has_every_outcome_in_order(void **state)
{
    struct store *store = *state;
    uint64_t id = make_delivery(store);
    struct queue_outcome outcome = outcome_to(id, STATE_HELD);
    struct outcomes outcomes = {0};

    outcome.verb = "hold";
    outcome.actor = "li";
    outcome.reason = "no tare";
    outcome.cause = CAUSE_OPERATOR;
    assert_ok(try_outcome(store, outcome));
    make_delivery(store);
    outcome.state = STATE_WAITING;
    outcome.replay = false;
    outcome.verb = "complete";
    outcome.facts = span_text("{\"n\":2}");
    assert_ok(try_outcome(store, outcome));
    outcome = outcome_to(id, STATE_DELIVERED);
    outcome.verb = "delivered";
    outcome.answer = span_text("{\"code\":200}");
    assert_ok(try_outcome(store, outcome));
    assert_ok(queue_history(store->queue, id, gather_outcome, &outcomes));
    assert_int_equal(outcomes.count, 3);
    assert_string_equal(outcomes.words, "hold by li: no tare (); "
                                        "complete by li: no tare (){\"n\":2}; "
                                        "delivered by :  ({\"code\":200}); ");
    assert_int_equal(outcomes.list[0].cause, CAUSE_OPERATOR);
    assert_int_equal(outcomes.list[2].at_ms, NOON_MS + 5000);
    assert_int_equal(outcomes.list[2].attempts, 1);
    assert_int_equal(
        queue_history(store->queue, 999, gather_outcome, &outcomes),
        STATUS_NOT_FOUND);
}

static void long_words_of_a_platform_are_cut(void **state)
{
    struct store *store = *state;
    uint64_t id = make_delivery(store);
    struct queue_outcome outcome = outcome_to(id, STATE_REJECTED);
    char words[3001];
    struct outcomes *outcomes = calloc(1, sizeof *outcomes);

    assert_non_null(outcomes);
    for (size_t i = 0; i + 3 <= sizeof words - 1; i += 3)
        memcpy(words + i, "\xe8\xbd\xa6", 3); /* a character of three bytes */
    words[sizeof words - 1] = 0;
    outcome.reason = words;
    outcome.answer = span_of(words, 3000);
    assert_ok(try_outcome(store, outcome));
    assert_int_equal(strlen(read_delivery(store, id).reason), 510);
    assert_ok(queue_history(store->queue, id, gather_outcome, outcomes));
    assert_int_equal(outcomes->list[0].answer.len, 2046);
    free(outcomes);
}

static void reads_in_the_group_see_it_and_others_do_not(void **state)
{
    struct order order = {.store = *state};
    struct queue_delivery delivery;
    pthread_t thread;

    begin(order.store);
    order.id = put_delivery(order.store, delivery_of("yunnan"));
    assert_ok(queue_delivery_read(order.store->queue, order.id, &delivery));
    assert_int_equal(pthread_create(&thread, NULL, read_beside, &order), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(order.seen_in_hot, STATUS_NOT_FOUND);
    commit(order.store);
}

static bool count_event(void *arg, const struct queue_event *event)
{
    struct gathered *gathered = arg;
    size_t used = strlen(gathered->keys);

    snprintf(gathered->keys + used, sizeof gathered->keys - used, "%s:%.*s ",
             event->event_id, (int)event->body.len,
             (const char *)event->body.data);
    gathered->count++;
    return gathered->count != gathered->stop_at;
}

static void events_of_a_time_range_are_visited(void **state)
{
    struct store *store = *state;
    struct gathered gathered = {0};
    struct queue_event event;
    char id[16];

    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "e%d", i);
        event = event_named(id, id);
        event.received_at_ms = NOON_MS + i * DAY_MS;
        begin(store);
        put_event(store, event);
        put_delivery(store, delivery_of("yunnan"));
        commit(store);
    }
    assert_ok(queue_events_each(store->queue, NOON_MS + DAY_MS,
                                NOON_MS + 3 * DAY_MS, count_event, &gathered));
    assert_string_equal(gathered.keys, "e1:e1 e2:e2 ");
    gathered = (struct gathered){0};
    assert_ok(queue_events_each(store->queue, 0, 0, count_event, &gathered));
    assert_int_equal(gathered.count, 5);
    gathered = (struct gathered){.stop_at = 1};
    assert_ok(queue_events_each(store->queue, 0, 0, count_event, &gathered));
    assert_int_equal(gathered.count, 1);
    gathered = (struct gathered){0};
    assert_ok(queue_events_each(store->queue, NOON_MS + 30 * DAY_MS, 0,
                                count_event, &gathered));
    assert_int_equal(gathered.count, 0);
}
