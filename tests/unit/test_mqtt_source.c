/*
 * A source against a broker that is this test: plain blocking sockets and
 * bytes of MQTT 5.0 written out by hand.  Nothing is shown by waiting for
 * nothing to come: a later packet's arrival shows that an earlier one did not.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mqtt.h"

#define WAIT_S 10 /* for what must come */
#define ARRIVALS_MAX 4096

struct arrival {
    uint64_t ticket;
    size_t size;
    uint8_t first; /* byte of the payload */
    bool repeated;
};

struct world {
    int listener;
    int broker; /* the connection */
    struct mqtt_options options;
    struct mqtt_source *source;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct arrival arrivals[ARRIVALS_MAX];
    size_t arrived;
    bool up;
    char why[200];
};

/* ---- events -------------------------------------------------------------- */

static void on_arrived(void *arg, const struct mqtt_message *message)
{
    struct world *world = arg;

    pthread_mutex_lock(&world->mutex);
    if (world->arrived < ARRIVALS_MAX)
        world->arrivals[world->arrived++] = (struct arrival){
            message->ticket, message->payload.len,
            message->payload.len == 0 ? 0 : message->payload.data[0],
            message->repeated};
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->mutex);
}

static void on_linked(void *arg, bool up, const char *why)
{
    struct world *world = arg;

    pthread_mutex_lock(&world->mutex);
    world->up = up;
    if (!up)
        snprintf(world->why, sizeof world->why, "%s", why);
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->mutex);
}

static struct timespec deadline(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    return until;
}

static void wait_for_arrivals(struct world *world, size_t count)
{
    struct timespec until = deadline();
    int error = 0;

    pthread_mutex_lock(&world->mutex);
    while (world->arrived < count && error == 0)
        error = pthread_cond_timedwait(&world->changed, &world->mutex, &until);
    pthread_mutex_unlock(&world->mutex);
    assert_int_equal(error, 0);
}

static void wait_for_why(struct world *world, const char *part)
{
    struct timespec until = deadline();
    int error = 0;

    pthread_mutex_lock(&world->mutex);
    while (strstr(world->why, part) == NULL && error == 0)
        error = pthread_cond_timedwait(&world->changed, &world->mutex, &until);
    pthread_mutex_unlock(&world->mutex);
    if (error != 0)
        fail_msg("\"%s\" is not about \"%s\"", world->why, part);
}

static size_t arrived(struct world *world)
{
    size_t count;

    pthread_mutex_lock(&world->mutex);
    count = world->arrived;
    pthread_mutex_unlock(&world->mutex);
    return count;
}

static void settle(struct world *world, size_t index)
{
    mqtt_source_settle(world->source, &world->arrivals[index].ticket, 1);
}

/* ---- the broker ---------------------------------------------------------- */

static void broker_accept(struct world *world)
{
    const struct timeval limit = {WAIT_S, 0};

    world->broker = accept(world->listener, NULL, NULL);
    assert_true(world->broker >= 0);
    setsockopt(world->broker, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(world->broker, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static void broker_send(struct world *world, const void *bytes, size_t size)
{
    assert_int_equal(send(world->broker, bytes, size, MSG_NOSIGNAL), size);
}

/* A packet of up to 127 bytes behind its head; false: the end. */
static bool broker_read(struct world *world, uint8_t packet[static 256],
                        size_t *size)
{
    ssize_t count = recv(world->broker, packet, 2, MSG_WAITALL);

    if (count <= 0)
        return false;
    assert_int_equal(count, 2);
    if (packet[1] >= 0x80) { /* a second byte of length */
        assert_int_equal(recv(world->broker, packet + 2, 1, MSG_WAITALL), 1);
        *size = 3 + (packet[1] & 0x7fu) + packet[2] * 128u;
        assert_true(*size <= 256);
        count++;
    } else {
        *size = 2 + (size_t)packet[1];
    }
    if (*size > (size_t)count)
        assert_int_equal(recv(world->broker, packet + count,
                              *size - (size_t)count, MSG_WAITALL),
                         *size - (size_t)count);
    return true;
}

/* The next packet but PINGREQs. */
static void broker_expects(struct world *world, const void *bytes, size_t size)
{
    uint8_t packet[256];
    size_t got;

    do
        assert_true(broker_read(world, packet, &got));
    while (packet[0] == 0xc0);
    assert_int_equal(got, size);
    assert_memory_equal(packet, bytes, size);
}

static void broker_expects_puback(struct world *world, uint16_t id)
{
    const uint8_t puback[] = {0x40, 2, (uint8_t)(id >> 8), (uint8_t)id};

    broker_expects(world, puback, sizeof puback);
}

/* CONNECT and SUBSCRIBE, answered; keepalive_s 0: the client's. */
static void broker_welcomes(struct world *world, bool session,
                            uint8_t keepalive_s)
{
    const uint8_t plain[] = {0x20, 3, session, 0, 0};
    const uint8_t timed[] = {0x20, 6, session, 0, 3, 0x13, 0, keepalive_s};
    uint8_t packet[256];
    uint8_t suback[] = {0x90, 4, 0, 0, 0, 1};
    size_t size;

    broker_accept(world);
    assert_true(broker_read(world, packet, &size));
    assert_int_equal(packet[0], 0x10);
    assert_memory_equal(packet + 2, "\0\4MQTT\5", 7);
    assert_int_equal(packet[9] & 0x02, 0); /* clean start is off */
    if (keepalive_s == 0)
        broker_send(world, plain, sizeof plain);
    else
        broker_send(world, timed, sizeof timed);
    assert_true(broker_read(world, packet, &size));
    assert_int_equal(packet[0], 0x82);
    suback[2] = packet[2];
    suback[3] = packet[3];
    broker_send(world, suback, sizeof suback);
}

static void broker_publishes(struct world *world, uint8_t head, uint16_t id,
                             char payload)
{
    const uint8_t packet[] = {head,        7,   0,
                              1,           't', (uint8_t)(id >> 8),
                              (uint8_t)id, 0,   (uint8_t)payload};

    broker_send(world, packet, sizeof packet);
}

#define QOS1 0x32
#define QOS1_AGAIN 0x3a

static void broker_sees_the_end(struct world *world)
{
    uint8_t packet[256];
    size_t size;

    while (broker_read(world, packet, &size))
        assert_int_not_equal(packet[0], 0x40);
    close(world->broker);
    world->broker = -1;
}

/* ---- fixtures ------------------------------------------------------------ */

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const struct timeval limit = {WAIT_S, 0};
    socklen_t size = sizeof address;

    assert_non_null(world);
    pthread_mutex_init(&world->mutex, NULL);
    pthread_cond_init(&world->changed, NULL);
    world->broker = -1;
    world->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(world->listener, (struct sockaddr *)&address, size),
                     0);
    assert_int_equal(listen(world->listener, 4), 0);
    setsockopt(world->listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    getsockname(world->listener, (struct sockaddr *)&address, &size);
    world->options = (struct mqtt_options){
        .host = "127.0.0.1",
        .port = ntohs(address.sin_port),
        .client_id = "source",
        .keepalive_s = 60,
        .receive_maximum = 1000,
        .session_expiry_s = 3600,
        .limit_bytes = 1 << 20,
    };
    *state = world;
    return 0;
}

static void open_source(struct world *world)
{
    const char *const filters[] = {"#"};
    const struct mqtt_source_events events = {on_arrived, on_linked, world};

    assert_int_equal(
        mqtt_source_open(&world->options, filters, 1, &events, &world->source),
        STATUS_OK);
}

static void close_source(struct world *world)
{
    mqtt_source_close(world->source);
    world->source = NULL;
}

static int teardown(void **state)
{
    struct world *world = *state;

    close_source(world);
    if (world->broker >= 0)
        close(world->broker);
    close(world->listener);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->mutex);
    free(world);
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

/* ---- a broker that is hostile, deaf, or gone ----------------------------- */

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

/* What the relay lets pass and Paho has to judge. */
static void garbage_in_a_good_frame_is_survived(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {"\x32\x04\xff\xff\xff\xff", 6},     /* a topic beyond the end */
        {"\x32\x08\0\1t\0\1\x7f\x26\0", 10}, /* properties beyond the end */
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
