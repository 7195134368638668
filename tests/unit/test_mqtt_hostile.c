/* A source and a broker that is deaf, unwilling or gone, or talks garbage. */
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

/* What the relay lets pass and Paho has to judge.  (A PUBLISH whose properties
 * pass its end is survived too, but Paho 1.3.12 does not free it, so it is not
 * among them.) */
static void garbage_in_a_good_frame_is_survived(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {"\x32\x04\xff\xff\xff\xff", 6}, /* a topic beyond the end */
        {"\x90\x04\x7f\x7f\0\1", 6},     /* a SUBACK for nothing */
        {"\x90\x06\0\1\0\1\1\1", 8},     /* for more than was asked */
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_source(world);
        broker_welcomes(world, false, 0);
        broker_send(world, rows[i].bytes, rows[i].size);
        shutdown(world->broker, SHUT_WR);
        broker_sees_the_end(world);
        broker_welcomes(world, true, 0);
        close_source(world);
        close(world->broker);
        world->broker = -1;
    }
}

static void a_silent_broker_is_left(void **state)
{
    struct world *world = *state;

    open_source(world);
    broker_welcomes(world, false, 1); /* its keepalive rules, not ours of 60 */
    broker_sees_the_end(world);
    wait_for_why(world, "does not answer pings");
    broker_welcomes(world, true, 0);
}

static void a_refused_connection_says_why(void **state)
{
    static const uint8_t refusal[] = {0x20, 3, 0, 0x86, 0};
    struct world *world = *state;
    uint8_t packet[256];
    size_t size;

    open_source(world);
    broker_accept(world);
    assert_true(broker_read(world, packet, &size));
    broker_send(world, refusal, sizeof refusal);
    wait_for_why(world, "Bad User Name or Password");
    broker_sees_the_end(world);
    broker_welcomes(world, false, 0);
}

static void a_refused_subscription_ends_the_connection(void **state)
{
    static const uint8_t connack[] = {0x20, 3, 0, 0, 0};
    struct world *world = *state;
    uint8_t packet[256];
    uint8_t suback[] = {0x90, 4, 0, 0, 0, 0x87};
    size_t size;

    open_source(world);
    broker_accept(world);
    assert_true(broker_read(world, packet, &size));
    broker_send(world, connack, sizeof connack);
    assert_true(broker_read(world, packet, &size));
    suback[2] = packet[2];
    suback[3] = packet[3];
    broker_send(world, suback, sizeof suback);
    wait_for_why(world, "refused a subscription");
    broker_sees_the_end(world);
    broker_welcomes(world, false, 0);
}

static void nobody_listening_is_told_and_tried_again(void **state)
{
    struct world *world = *state;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const struct timeval limit = {WAIT_S, 0};
    const int on = 1;

    getsockname(world->listener, (struct sockaddr *)&address, &size);
    close(world->listener);
    open_source(world);
    wait_for_why(world, "refused");
    world->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(world->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(
        bind(world->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(world->listener, 4), 0);
    setsockopt(world->listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    broker_welcomes(world, false, 0);
}

static void a_wrong_option_is_refused(void **state)
{
    const char *const bad[] = {"a/#/b"};
    const char *const good[] = {"#"};
    const struct mqtt_source_events events = {on_arrived, on_linked, *state};
    struct world *world = *state;

    assert_int_equal(
        mqtt_source_open(&world->options, bad, 1, &events, &world->source),
        STATUS_INVALID);
    world->options.client_id = "";
    assert_int_equal(
        mqtt_source_open(&world->options, good, 1, &events, &world->source),
        STATUS_INVALID);
    assert_null(world->source);
}
