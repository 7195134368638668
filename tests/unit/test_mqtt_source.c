/* When a source acknowledges, and when it stops reading. */
#include "test_mqtt_world.h"

static int setup(void **state)
{
    *state = world_make();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* ---- acknowledgements ---------------------------------------------------- */

static void a_puback_waits_until_its_message_is_settled(void **state)
{
    struct world *world = *state;

    open_source(world);
    broker_welcomes(world, false, 0);
    broker_publishes(world, QOS1, 0x1234, 'a');
    broker_publishes(world, QOS1, 0x0002, 'b');
    broker_publishes(world, QOS1, 0x0003, 'c');
    wait_for_arrivals(world, 3);
    assert_int_equal(world->arrivals[0].first, 'a');
    assert_false(world->arrivals[0].repeated);
    settle(world, 2); /* not in order: 1 and 2 must not come before it */
    broker_expects_puback(world, 3);
    settle(world, 0);
    broker_expects_puback(world, 0x1234);
    settle(world, 1);
    broker_expects_puback(world, 2);
    assert_int_equal(mqtt_source_pending(world->source), 0);
}

static void qos_0_has_no_ticket_and_no_puback(void **state)
{
    static const uint8_t qos0[] = {0x30, 5, 0, 1, 't', 0, 'q'};
    struct world *world = *state;

    open_source(world);
    broker_welcomes(world, false, 0);
    broker_send(world, qos0, sizeof qos0);
    broker_publishes(world, QOS1, 1, 'a');
    wait_for_arrivals(world, 2);
    assert_int_equal(world->arrivals[0].ticket, 0);
    assert_int_equal(world->arrivals[0].first, 'q');
    settle(world, 0);
    settle(world, 1);
    broker_expects_puback(world, 1);
}

static void a_packet_id_comes_again_with_a_new_ticket(void **state)
{
    struct world *world = *state;

    open_source(world);
    broker_welcomes(world, false, 0);
    broker_publishes(world, QOS1, 7, 'a');
    wait_for_arrivals(world, 1);
    settle(world, 0);
    broker_expects_puback(world, 7);
    broker_publishes(world, QOS1, 7, 'b');
    broker_publishes(world, QOS1, 8, 'c');
    wait_for_arrivals(world, 3);
    settle(world, 0); /* the first message's: means nothing now */
    settle(world, 2);
    broker_expects_puback(world, 8);
    settle(world, 1);
    broker_expects_puback(world, 7);
}

static void a_broken_connection_forgets_what_was_held(void **state)
{
    struct world *world = *state;

    open_source(world);
    broker_welcomes(world, false, 0);
    broker_publishes(world, QOS1, 5, 'a');
    wait_for_arrivals(world, 1);
    close(world->broker);
    wait_for_why(world, "closed");
    broker_welcomes(world, true, 0);
    settle(world, 0); /* of the first connection */
    broker_publishes(world, QOS1_AGAIN, 5, 'a');
    broker_publishes(world, QOS1, 6, 'b');
    wait_for_arrivals(world, 3);
    assert_true(world->arrivals[1].repeated);
    assert_false(world->arrivals[2].repeated);
    settle(world, 0);
    settle(world, 2);
    broker_expects_puback(world, 6);
    settle(world, 1);
    broker_expects_puback(world, 5);
}

static void closing_sends_what_was_settled_and_then_disconnects(void **state)
{
    static const uint8_t disconnect[] = {0xe0, 0};
    struct world *world = *state;
    uint64_t tickets[100];
    uint8_t packet[256];
    size_t size;

    open_source(world);
    broker_welcomes(world, false, 0);
    for (uint16_t id = 1; id <= 101; id++)
        broker_publishes(world, QOS1, id, 'a');
    wait_for_arrivals(world, 101);
    for (size_t i = 0; i < 100; i++)
        tickets[i] = world->arrivals[i].ticket;
    mqtt_source_settle(world->source, tickets, 100);
    close_source(world);
    for (uint16_t id = 1; id <= 100; id++)
        broker_expects_puback(world, id);
    assert_true(broker_read(world, packet, &size));
    assert_int_equal(packet[0], disconnect[0]);
    if (size > 2)
        assert_int_equal(packet[2], 0); /* normal */
    assert_false(broker_read(world, packet, &size));
}

/* ---- the cap ------------------------------------------------------------- */

static size_t arrived(struct world *world)
{
    size_t count;

    pthread_mutex_lock(&world->mutex);
    count = world->arrived;
    pthread_mutex_unlock(&world->mutex);
    return count;
}

#define BIG (16u << 10)
#define BIGS 200

/* BIGS messages of BIG bytes, in a thread: it blocks at the cap. */
static void *publish_bigs(void *arg)
{
    struct world *world = arg;
    uint8_t *packet = malloc(BIG + 4);

    memset(packet, 'x', BIG + 4);
    memcpy(packet, "\x32\x80\x80\x01\0\1t", 7); /* 16384 behind the head */
    for (unsigned id = 1; id <= BIGS; id++) {
        size_t done = 0;

        packet[7] = (uint8_t)(id >> 8);
        packet[8] = (uint8_t)id;
        packet[9] = 0;
        while (done < BIG + 4) {
            ssize_t count = send(world->broker, packet + done, BIG + 4 - done,
                                 MSG_NOSIGNAL);

            if (count < 0)
                break;
            done += (size_t)count;
        }
    }
    free(packet);
    return NULL;
}

/* Settle all that came and was not settled. */
static size_t settle_from(struct world *world, size_t from)
{
    size_t to = arrived(world);

    for (size_t i = from; i < to; i++)
        settle(world, i);
    return to;
}

static void at_the_cap_the_broker_is_not_read_but_pinged(void **state)
{
    struct world *world = *state;
    uint8_t packet[256];
    pthread_t publisher;
    size_t settled = 0;
    unsigned pubacks = 0;
    size_t size;

    world->options.keepalive_s = 1;
    world->options.limit_bytes = 4 * BIG;
    open_source(world);
    broker_welcomes(world, false, 0);
    pthread_create(&publisher, NULL, publish_bigs, world);
    wait_for_arrivals(world, 4);
    /* Three keepalives, no PINGRESP, nothing but pings: still connected. */
    for (int i = 0; i < 4; i++) {
        assert_true(broker_read(world, packet, &size));
        assert_int_equal(packet[0], 0xc0);
    }
    assert_true(world->up);
    /* The limit, one read of 64 KiB, and the packet that was begun. */
    assert_in_range(arrived(world), 4, 9);
    while (pubacks < BIGS) {
        static const uint8_t pingresp[] = {0xd0, 0};

        settled = settle_from(world, settled);
        if (settled == BIGS && pubacks == 0)
            fail_msg("all came at once");
        while (pubacks < settled) {
            assert_true(broker_read(world, packet, &size));
            pubacks += packet[0] == 0x40;
        }
        if (settled == BIGS)
            broker_send(world, pingresp, sizeof pingresp);
        else
            wait_for_arrivals(world, settled + 1);
    }
    pthread_join(publisher, NULL);
    assert_int_equal(arrived(world), BIGS);
    assert_int_equal(mqtt_source_pending(world->source), 0);
}

/* Messages keep coming, so Paho hears the broker and believes that its PUBACKs
 * are heard: it does not ping, and nothing else reaches the broker. */
static void held_pubacks_do_not_silence_the_source(void **state)
{
    static const uint8_t pingresp[] = {0xd0, 0};
    struct world *world = *state;
    uint8_t packet[256];
    size_t size;

    world->options.keepalive_s = 1;
    open_source(world);
    broker_welcomes(world, false, 0);
    for (uint16_t id = 1; id <= 4; id++) {
        broker_publishes(world, QOS1, id, 'a');
        assert_true(broker_read(world, packet, &size));
        assert_int_equal(packet[0], 0xc0);
        broker_send(world, pingresp, sizeof pingresp);
    }
    wait_for_arrivals(world, 4);
    assert_true(world->up);
    settle(world, 3);
    broker_expects_puback(world, 4);
}

static void a_stopped_source_still_acknowledges(void **state)
{
    struct world *world = *state;
    uint8_t packet[256];
    size_t size;

    world->options.keepalive_s = 1;
    open_source(world);
    broker_welcomes(world, false, 0);
    broker_publishes(world, QOS1, 1, 'a');
    wait_for_arrivals(world, 1);
    mqtt_source_stop(world->source);
    settle(world, 0);
    broker_expects_puback(world, 1);
    broker_publishes(world, QOS1, 2, 'b');
    for (int i = 0; i < 2; i++) {
        assert_true(broker_read(world, packet, &size));
        assert_int_equal(packet[0], 0xc0);
    }
    assert_int_equal(arrived(world), 1);
}

static void nothing_of_paho_s_is_lost(void **state)
{
    enum { WARM = 1, ROUNDS = 5 };
    struct world *world = *state;
    size_t bytes = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        open_source(world);
        broker_welcomes(world, false, 0);
        broker_publishes(world, QOS1, 1, 'a');
        wait_for_arrivals(world, i + 1);
        settle(world, i);
        broker_expects_puback(world, 1);
        close_source(world);
        close(world->broker);
        world->broker = -1;
        if (i == WARM)
            bytes = paho_heap_bytes();
        if (i > WARM)
            paho_heap_comes_to(bytes);
    }
}
