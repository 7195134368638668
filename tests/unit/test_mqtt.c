/* The parts of base/mqtt that need no broker. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backoff.h"
#include "keepalive.h"
#include "letters.h"
#include "mqtt.h"
#include "peer.h"
#include "stream.h"
#include "tickets.h"

#define BYTES(...)                                                             \
    span_of((const uint8_t[]){__VA_ARGS__},                                    \
            sizeof(const uint8_t[]){__VA_ARGS__})

/* ---- topics: the examples of MQTT 5.0, clause 4.7 ------------------------ */

static void filters_match_as_the_clauses_say(void **state)
{
    static const struct {
        const char *filter;
        const char *topic;
        bool matches;
    } rows[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon",
         true},
        {"sport/#", "sport", true},
        {"sport/#", "sports", false},
        {"#", "a/b", true},
        {"#", "/", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"+", "finance", true},
        {"+/tennis/#", "sport/tennis", true},
        {"#", "$SYS/monitor/Clients", false},
        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
        {"$SYS/#", "$SYS/", true},
        {"$SYS/#", "$SYS", true},
        {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
        {"ACCOUNTS", "Accounts", false},
        {"a/b", "a/b", true},
        {"a/b", "a/b/", false},
        {"a/b/", "a/b", false},
        {"a", "a/b", false},
        {"a/b", "a", false},
        {"a//b", "a//b", true},
        {"a/+/b", "a//b", true},
        {"a/b/#", "a", false},
        {"a/+/#", "a/b", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (mqtt_topic_matches(rows[i].filter, rows[i].topic) !=
            rows[i].matches)
            fail_msg("%s on %s", rows[i].filter, rows[i].topic);
}

static void a_filter_has_its_wildcards_in_their_places(void **state)
{
    static const char *const good[] = {"#",  "+",   "a/#", "+/a", "a/+/b/#",
                                       "//", "$a/", "a b", "/+"};
    static const char *const bad[] = {"",       "a#",   "a/#/b", "#/",
                                      "sport+", "a/+b", "##",    "a/b#",
                                      "++",     "#a",   "a+/b",  "+a/b"};
    char *long_one = calloc(1, 65537);

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!mqtt_filter_valid(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mqtt_filter_valid(bad[i]))
            fail_msg("taken: %s", bad[i]);
    assert_non_null(long_one);
    memset(long_one, 'a', 65536);
    assert_false(mqtt_filter_valid(long_one));
    long_one[65535] = '\0';
    assert_true(mqtt_filter_valid(long_one));
    free(long_one);
}

/* ---- the frame: table 1-1 of clause 1.5.5 -------------------------------- */

static void a_head_tells_the_size_of_its_packet(void **state)
{
    struct packet_head head;

    (void)state;
    assert_int_equal(packet_head_read(BYTES(0xc0, 0x00), &head), STATUS_OK);
    assert_int_equal(head.type, PACKET_PINGREQ);
    assert_int_equal(head.size, 2);
    assert_int_equal(packet_head_read(BYTES(0x3d, 0x7f), &head), STATUS_OK);
    assert_int_equal(head.type, PACKET_PUBLISH);
    assert_int_equal(packet_publish_qos(&head), 2);
    assert_int_equal(head.size, 2 + 127);
    assert_int_equal(packet_head_read(BYTES(0x30, 0x80, 0x01), &head),
                     STATUS_OK);
    assert_int_equal(head.size, 3 + 128);
    assert_int_equal(packet_head_read(BYTES(0x30, 0xff, 0xff, 0x7f), &head),
                     STATUS_OK);
    assert_int_equal(head.size, 4 + 2097151);
    assert_int_equal(
        packet_head_read(BYTES(0x30, 0xff, 0xff, 0xff, 0x7f), &head),
        STATUS_OK);
    assert_int_equal(head.size, 5 + 268435455);
    assert_int_equal(head.head_size, 5);
}

static void a_head_needs_all_of_its_length_and_no_fifth_byte(void **state)
{
    struct packet_head head;

    (void)state;
    assert_int_equal(packet_head_read(span_of("", 0), &head), STATUS_EMPTY);
    assert_int_equal(packet_head_read(BYTES(0x30), &head), STATUS_EMPTY);
    assert_int_equal(packet_head_read(BYTES(0x30, 0x80), &head), STATUS_EMPTY);
    assert_int_equal(packet_head_read(BYTES(0x30, 0xff, 0xff, 0xff), &head),
                     STATUS_EMPTY);
    assert_int_equal(
        packet_head_read(BYTES(0x30, 0xff, 0xff, 0xff, 0xff), &head),
        STATUS_FORMAT);
    assert_int_equal(
        packet_head_read(BYTES(0x30, 0x80, 0x80, 0x80, 0x80, 0x01), &head),
        STATUS_FORMAT);
}

static void a_connack_may_set_the_keepalive(void **state)
{
    uint16_t keepalive_s = 0;

    (void)state;
    assert_int_equal(
        packet_connack_keepalive(
            BYTES(0x20, 0x06, 0, 0, 0x03, 0x13, 0x01, 0x02), &keepalive_s),
        STATUS_OK);
    assert_int_equal(keepalive_s, 258);
    /* behind a receive maximum, a user property and a reason string */
    assert_int_equal(
        packet_connack_keepalive(BYTES(0x20, 0x14, 1, 0, 0x11, 0x21, 0x00, 0x14,
                                       0x26, 0, 1, 'a', 0, 1, 'b', 0x1f, 0, 1,
                                       'c', 0x13, 0x00, 0x3c),
                                 &keepalive_s),
        STATUS_OK);
    assert_int_equal(keepalive_s, 60);
    assert_int_equal(
        packet_connack_keepalive(BYTES(0x20, 0x03, 0, 0, 0), &keepalive_s),
        STATUS_NOT_FOUND);
}

static void a_malformed_connack_is_refused(void **state)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
    } rows[] = {
        {{0x20, 0x02, 0, 0}, 4},                /* no properties at all */
        {{0x20, 0x03, 0, 0, 1}, 5},             /* one byte of them, absent */
        {{0x20, 0x04, 0, 0, 1, 0x13}, 6},       /* no value */
        {{0x20, 0x05, 0, 0, 2, 0x13, 1}, 7},    /* half a value */
        {{0x20, 0x05, 0, 0, 2, 0x99, 1}, 7},    /* no such property */
        {{0x20, 0x06, 0, 0, 3, 0x1f, 0, 9}, 8}, /* a text too long */
        {{0x20, 0x07, 0, 0, 4, 0x26, 0, 0, 0}, 9}, /* half a pair */
        {{0x20, 0x07, 0, 0, 0xff, 0xff, 0xff, 0xff, 1}, 9},
        {{0x20, 0x06, 0, 0, 0, 0}, 6}, /* shorter than it says */
    };
    uint16_t keepalive_s;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(packet_connack_keepalive(
                             span_of(rows[i].bytes, rows[i].len), &keepalive_s),
                         STATUS_FORMAT);
}

/* ---- the streams --------------------------------------------------------- */

/* All of in, one byte at a time when slowly. */
static enum status feed_down(struct down *down, struct span in, bool slowly,
                             struct bytes *out)
{
    enum status status = STATUS_OK;

    if (!slowly)
        return down_feed(down, in, out);
    for (size_t i = 0; i < in.len && status == STATUS_OK; i++)
        status = down_feed(down, span_of(in.data + i, 1), out);
    return status;
}

static void pubacks_and_pings_of_paho_do_not_pass(void **state)
{
    static const uint8_t in[] = {
        0x82, 3, 1,    2,    3,             /* SUBSCRIBE, of sorts */
        0x40, 2, 0x12, 0x34, 0xc0, 0,       /* PUBACK, PINGREQ */
        0x40, 4, 0x12, 0x35, 0,    0, 0xe0, /* PUBACK with a reason */
        0,                                  /* DISCONNECT */
    };
    struct span expected = BYTES(0x82, 3, 1, 2, 3, 0xe0, 0);

    (void)state;
    for (size_t cut = 0; cut <= sizeof in; cut++) {
        struct up up = {0};
        struct bytes out = BYTES_EMPTY;

        assert_int_equal(up_feed(&up, span_of(in, cut), &out), STATUS_OK);
        assert_int_equal(up_feed(&up, span_of(in + cut, sizeof in - cut), &out),
                         STATUS_OK);
        assert_true(span_equal(bytes_view(&out), expected));
        assert_int_equal(up.pubacks, 2);
        assert_int_equal(up.pings, 1);
        assert_true(up.disconnect);
        up_free(&up);
        bytes_free(&out);
    }
}

static void a_pingresp_of_the_broker_does_not_pass(void **state)
{
    static const uint8_t in[] = {
        0x20, 3, 0,    0, 0,                           /* CONNACK */
        0xd0, 0,                                       /* PINGRESP */
        0x32, 7, 0,    1, 't', 0, 1,   0, 'x',         /* QoS 1 */
        0xd0, 0, 0x30, 5, 0,   1, 't', 0, 'y', 0xd0, 0 /* QoS 0 */
    };
    static const uint8_t passes[] = {0x20, 3, 0,   0, 0,   0x32, 7,
                                     0,    1, 't', 0, 1,   0,    'x',
                                     0x30, 5, 0,   1, 't', 0,    'y'};

    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        struct down down = {0};
        struct bytes out = BYTES_EMPTY;

        assert_int_equal(
            feed_down(&down, span_of(in, sizeof in), slowly == 1, &out),
            STATUS_OK);
        assert_true(
            span_equal(bytes_view(&out), span_of(passes, sizeof passes)));
        assert_true(down.pong);
        assert_true(down_at_boundary(&down));
        assert_int_equal(down.publishes, 1);
        assert_int_equal(down.publishes_size, 9);
        down_free(&down);
        bytes_free(&out);
    }
}

static void what_a_broker_must_not_send_is_refused(void **state)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
    } rows[] = {
        {{0x32, 7, 0, 1, 't', 0, 1, 0, 'x'}, 9},    /* before the CONNACK */
        {{0x20, 2, 0, 0}, 4},                       /* MQTT 3.1.1 */
        {{0x20, 0xff, 0xff, 0xff, 0x7f}, 5},        /* a huge CONNACK */
        {{0x20, 3, 0, 0, 0, 0x20, 3, 0, 0, 0}, 10}, /* twice */
        {{0x20, 3, 0, 0, 0, 0x34, 7}, 7},           /* QoS 2 */
        {{0x20, 3, 0, 0, 0, 0x36, 7}, 7},           /* QoS 3 */
        {{0x20, 3, 0, 0, 0, 0xd0, 1}, 7},           /* PINGRESP with more */
        {{0x20, 3, 0, 0, 0, 0x30, 255, 255, 255, 127}, 10}, /* 256 MiB */
        {{0x20, 3, 0, 0, 0, 0x30, 255, 255, 255, 255}, 10}, /* five bytes */
    };

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        struct down down = {0};
        struct bytes out = BYTES_EMPTY;

        assert_int_equal(feed_down(&down,
                                   span_of(rows[i / 2].bytes, rows[i / 2].len),
                                   i % 2 == 1, &out),
                         STATUS_FORMAT);
        assert_non_null(down.why);
        down_free(&down);
        bytes_free(&out);
    }
}

/* ---- tickets ------------------------------------------------------------- */

static uint64_t hand_over(struct tickets *tickets, uint16_t packet_id)
{
    uint64_t ticket = 0;

    assert_int_equal(tickets_hand_over(tickets, packet_id, 100, &ticket),
                     STATUS_OK);
    assert_int_not_equal(ticket, 0);
    return ticket;
}

static void settle(struct tickets *tickets, uint64_t ticket)
{
    tickets_settle(tickets, &ticket, 1);
}

/* The one packet id that may go; 0: none. */
static uint16_t take_one(struct tickets *tickets)
{
    uint16_t ids[8];
    size_t count = tickets_take(tickets, ids, 8);

    assert_true(count <= 1);
    return count == 0 ? 0 : ids[0];
}

static void a_ticket_gives_its_packet_id_once(void **state)
{
    struct tickets *tickets;
    uint64_t ticket;

    (void)state;
    assert_int_equal(tickets_make(&tickets), STATUS_OK);
    tickets_link(tickets);
    ticket = hand_over(tickets, 77);
    assert_int_equal(tickets_pending(tickets), 100);
    assert_int_equal(take_one(tickets), 0);
    settle(tickets, ticket);
    assert_int_equal(tickets_pending(tickets), 0);
    assert_int_equal(take_one(tickets), 77);
    settle(tickets, ticket);
    settle(tickets, 0);
    settle(tickets, UINT64_MAX);
    settle(tickets, ticket + 1);
    assert_int_equal(take_one(tickets), 0);
    assert_int_equal(tickets_pending(tickets), 0);
    tickets_free(tickets);
}

static void an_old_ticket_does_not_settle_its_slots_next_message(void **state)
{
    struct tickets *tickets;
    uint64_t old;
    uint64_t new;

    (void)state;
    assert_int_equal(tickets_make(&tickets), STATUS_OK);
    tickets_link(tickets);
    old = hand_over(tickets, 1);
    settle(tickets, old);
    assert_int_equal(take_one(tickets), 1);
    new = hand_over(tickets, 1);
    settle(tickets, old);
    assert_int_equal(take_one(tickets), 0);
    settle(tickets, new);
    assert_int_equal(take_one(tickets), 1);
    tickets_free(tickets);
}

static void of_one_packet_id_only_the_newest_message_counts(void **state)
{
    struct tickets *tickets;
    uint64_t first;
    uint64_t second;

    (void)state;
    assert_int_equal(tickets_make(&tickets), STATUS_OK);
    tickets_link(tickets);
    first = hand_over(tickets, 9);
    settle(tickets, first); /* ready, and not taken */
    second = hand_over(tickets, 9);
    assert_int_equal(take_one(tickets), 0);
    settle(tickets, second);
    assert_int_equal(take_one(tickets), 9);
    tickets_free(tickets);
}

static void a_ticket_of_an_earlier_link_gives_nothing_but_room(void **state)
{
    struct tickets *tickets;
    uint64_t old;
    uint64_t late;
    uint64_t new;

    (void)state;
    assert_int_equal(tickets_make(&tickets), STATUS_OK);
    tickets_link(tickets);
    old = hand_over(tickets, 5);
    tickets_unlink(tickets);
    late = hand_over(tickets, 6); /* was in Paho's socket */
    tickets_link(tickets);
    new = hand_over(tickets, 5);
    assert_int_equal(tickets_pending(tickets), 300);
    settle(tickets, old);
    settle(tickets, late);
    assert_int_equal(take_one(tickets), 0);
    assert_int_equal(tickets_pending(tickets), 100);
    settle(tickets, new);
    assert_int_equal(take_one(tickets), 5);
    tickets_free(tickets);
}

static void all_packet_ids_can_be_out_at_once(void **state)
{
    struct tickets *tickets;
    uint64_t *list = calloc(65536, sizeof *list);
    uint16_t ids[1000];
    size_t taken = 0;
    size_t count;

    (void)state;
    assert_non_null(list);
    assert_int_equal(tickets_make(&tickets), STATUS_OK);
    tickets_link(tickets);
    for (unsigned id = 1; id < 65536; id++)
        list[id] = hand_over(tickets, (uint16_t)id);
    tickets_settle(tickets, list, 65536);
    while ((count = tickets_take(tickets, ids, 1000)) > 0)
        for (size_t i = 0; i < count; i++)
            assert_int_equal(ids[i], ++taken);
    assert_int_equal(taken, 65535);
    assert_int_equal(tickets_pending(tickets), 0);
    tickets_free(tickets);
    free(list);
}

/* ---- times --------------------------------------------------------------- */

static void pings_go_before_the_broker_loses_patience(void **state)
{
    struct keepalive keepalive = {0};

    (void)state;
    assert_false(keepalive_ping(&keepalive, 1000000));
    assert_int_equal(keepalive_wait_ms(&keepalive, 5), -1);
    keepalive_begin(&keepalive, 4, 10000);
    assert_int_equal(keepalive_wait_ms(&keepalive, 10000), 3000);
    assert_false(keepalive_ping(&keepalive, 12999));
    keepalive_sent(&keepalive, 12999);
    assert_false(keepalive_ping(&keepalive, 13998)); /* but deaf at 14000 */
    assert_true(keepalive_ping(&keepalive, 14000));
    assert_false(keepalive_ping(&keepalive, 14001));
    keepalive_received(&keepalive, true, 14010);
    assert_false(keepalive_dead(&keepalive, 20000));
}

static void a_broker_is_dead_a_period_after_its_ping(void **state)
{
    struct keepalive keepalive = {0};

    (void)state;
    keepalive_begin(&keepalive, 4, 0);
    assert_true(keepalive_ping(&keepalive, 3000));
    assert_true(keepalive_ping(&keepalive, 6000)); /* it still must hear us */
    assert_false(keepalive_dead(&keepalive, 6999));
    assert_true(keepalive_dead(&keepalive, 7000));
    keepalive_received(&keepalive, false, 7000); /* any byte is a life sign */
    assert_false(keepalive_dead(&keepalive, 10999));
    assert_true(keepalive_dead(&keepalive, 11000));
}

static void an_unread_broker_is_pinged_and_not_called_dead(void **state)
{
    struct keepalive keepalive = {0};
    int64_t now_ms = 0;

    (void)state;
    keepalive_begin(&keepalive, 4, 0);
    keepalive_reads(&keepalive, false, 0);
    for (int i = 0; i < 10; i++) {
        now_ms += keepalive_wait_ms(&keepalive, now_ms);
        assert_int_equal(now_ms, 3000 * (i + 1));
        assert_true(keepalive_ping(&keepalive, now_ms));
        assert_false(keepalive_dead(&keepalive, now_ms));
    }
    keepalive_reads(&keepalive, true, now_ms);
    assert_false(keepalive_dead(&keepalive, now_ms + 3999));
    assert_true(keepalive_dead(&keepalive, now_ms + 4000));
}

static void attempts_come_apart_up_to_ten_seconds(void **state)
{
    static const int64_t delays_ms[] = {100,  200,  400,   800,   1600,
                                        3200, 6400, 10000, 10000, 10000};
    struct backoff least = {0};
    struct backoff most = {0};

    (void)state;
    for (size_t i = 0; i < sizeof delays_ms / sizeof *delays_ms; i++) {
        int64_t half_ms = delays_ms[i] / 2;

        backoff_down(&least, 1000, 0);
        backoff_down(&most, 1000, (uint32_t)half_ms);
        assert_int_equal(least.retry_at_ms, 1000 + half_ms);
        assert_int_equal(most.retry_at_ms, 1000 + delays_ms[i]);
    }
    backoff_up(&least, 2000);
    backoff_down(&least, 11999, 0); /* held for less than ten seconds */
    assert_int_equal(least.retry_at_ms, 11999 + 5000);
    backoff_up(&least, 20000);
    backoff_down(&least, 30000, 0);
    assert_int_equal(least.retry_at_ms, 30000 + 50);
}

/* ---- letters ------------------------------------------------------------- */

static void take_is(struct letters *letters, const char *topic,
                    const char *text)
{
    struct letter *letter = letters_take(letters);

    assert_non_null(letter);
    assert_string_equal(letter->topic, topic);
    assert_true(span_equal_text(bytes_view(&letter->payload), text));
    letter_free(letter);
}

static void the_last_retained_of_a_topic_waits_for_a_link(void **state)
{
    struct letters *letters;

    (void)state;
    assert_int_equal(letters_make(&letters), STATUS_OK);
    assert_int_equal(letters_put(letters, "a", span_text("1"), 1, true),
                     STATUS_OK);
    assert_int_equal(letters_put(letters, "b", span_text("2"), 1, true),
                     STATUS_OK);
    assert_int_equal(letters_put(letters, "a", span_text("3"), 1, true),
                     STATUS_OK);
    assert_int_equal(letters_put(letters, "a", span_text("4"), 1, false),
                     STATUS_OFFLINE);
    assert_null(letters_take(letters));
    assert_int_equal(letters_link(letters), STATUS_OK);
    assert_int_equal(letters_put(letters, "c", span_text("5"), 0, false),
                     STATUS_OK);
    take_is(letters, "a", "3");
    take_is(letters, "b", "2");
    take_is(letters, "c", "5");
    assert_null(letters_take(letters));
    assert_int_equal(letters_put(letters, "c", span_text("6"), 0, false),
                     STATUS_OK);
    letters_unlink(letters);
    assert_null(letters_take(letters));
    assert_int_equal(letters_link(letters), STATUS_OK);
    take_is(letters, "a", "3");
    letters_free(letters);
}

/* ---- whose connection ---------------------------------------------------- */

/* A connection over the loopback, made in a child that becomes nobody first
 * when told to; the end that was accepted. */
static int accept_from_child(bool as_nobody)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int accepted;

    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    if (fork() == 0) {
        int own = -1;
        char end;

        if (!as_nobody || setuid(65534) == 0)
            own = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(own, (struct sockaddr *)&address, size) != 0)
            _exit(1);
        _exit(read(own, &end, 1) == 0 ? 0 : 1);
    }
    accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    close(listener);
    return accepted;
}

static void the_owner_of_a_connection_is_known(void **state)
{
    int accepted = accept_from_child(false);

    (void)state;
    assert_true(peer_is_own(accepted));
    close(accepted);
    wait(NULL);
    if (geteuid() != 0)
        return; /* nobody else to be */
    accepted = accept_from_child(true);
    assert_false(peer_is_own(accepted));
    close(accepted);
    wait(NULL);
}
