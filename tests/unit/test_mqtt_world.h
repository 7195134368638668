/*
 * test_mqtt_world.h - a source, and a broker that is the test: plain blocking
 * sockets and bytes of MQTT 5.0 written out by hand.
 *
 * Nothing is shown by waiting for nothing to come: a later packet's arrival
 * shows that an earlier one did not.
 */
#ifndef TEST_MQTT_WORLD_H
#define TEST_MQTT_WORLD_H

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
#include "paho_heap.h"

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

static inline void wait_for_arrivals(struct world *world, size_t count)
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

static inline void settle(struct world *world, size_t index)
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

/* The next packet but PINGREQs, which come when they must. */
static void broker_reads(struct world *world, uint8_t packet[static 256],
                         size_t *size)
{
    do
        assert_true(broker_read(world, packet, size));
    while (packet[0] == 0xc0);
}

static void broker_expects(struct world *world, const void *bytes, size_t size)
{
    uint8_t packet[256];
    size_t got;

    broker_reads(world, packet, &got);
    assert_int_equal(got, size);
    assert_memory_equal(packet, bytes, size);
}

static inline void broker_expects_puback(struct world *world, uint16_t id)
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
    broker_reads(world, packet, &size);
    assert_int_equal(packet[0], 0x82);
    suback[2] = packet[2];
    suback[3] = packet[3];
    broker_send(world, suback, sizeof suback);
}

static inline void broker_publishes(struct world *world, uint8_t head,
                                    uint16_t id, char payload)
{
    const uint8_t packet[] = {head,        7,   0,
                              1,           't', (uint8_t)(id >> 8),
                              (uint8_t)id, 0,   (uint8_t)payload};

    broker_send(world, packet, sizeof packet);
}

#define QOS1 0x32
#define QOS1_AGAIN 0x3a

/* ---- fixtures ------------------------------------------------------------ */

static struct world *world_make(void)
{
    struct world *world = calloc(1, sizeof *world);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const struct timeval limit = {WAIT_S, 0};
    socklen_t size = sizeof address;

    assert_non_null(world);
    paho_hold();
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
    return world;
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

/* Without a PUBACK on the way. */
static inline void broker_sees_the_end(struct world *world)
{
    uint8_t packet[256];
    size_t size;

    while (broker_read(world, packet, &size))
        assert_int_not_equal(packet[0], 0x40);
    close(world->broker);
    world->broker = -1;
}

static void world_free(struct world *world)
{
    close_source(world);
    if (world->broker >= 0)
        close(world->broker);
    close(world->listener);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->mutex);
    free(world);
}

#endif
