/* A source and a broker whose bytes are no MQTT: the relay ends it there. */
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

static void malformed_bytes_end_the_connection_and_no_more(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *why;
    } rows[] = {
        {"\x30\xff\xff\xff\xff\x01", 6, "malformed"},
        {"\x30\xff\xff\xff\x7f", 5, "too large"},
        {"\x34\x07\0\1t\0\1\0x", 9, "QoS 2"},
        {"\x20\x03\0\0\0", 5, "not asked for"},
        {"\xd0\x01", 2, "malformed"},
        {"\x32\x00", 2, "malformed"},
        {"\x90\x00", 2, "malformed"},
        {"\x00\x00", 2, "not asked for"},
        {"\x40\x02\0\1", 4, "not asked for"},
        {"\xe0\x00", 2, "ended the connection"}, /* DISCONNECT */
        {"\xe0\x02\x8e\0", 4, "same client id"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_source(world);
        broker_welcomes(world, false, 0);
        broker_send(world, rows[i].bytes, rows[i].size);
        wait_for_why(world, rows[i].why);
        broker_sees_the_end(world);
        broker_welcomes(world, true, 0);
        broker_publishes(world, QOS1, 1, 'a');
        wait_for_arrivals(world, i + 1);
        settle(world, i);
        broker_expects_puback(world, 1);
        close_source(world);
        close(world->broker);
        world->broker = -1;
    }
}
