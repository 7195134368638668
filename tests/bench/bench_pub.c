/*
 * bench_pub PORT PREFIX COUNT SIZE RATE WINDOW - a QoS 1 publisher.
 *
 * Publishes COUNT messages of SIZE bytes to gate/1/record ... gate/4/record,
 * RATE a second (0: as fast as the broker takes them), at most WINDOW of them
 * without a PUBACK.  A message is
 *     {"id":"PREFIX-0","ts":<Unix time in ns>,"pad":"xxx..."}
 * It speaks MQTT 3.1.1 by itself, so that it costs little.  At the end it
 * prints {"acked": N, "start_ns": T, "end_ns": T}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "instrument.h"

#define HEAD_MAX 64           /* fixed header, topic and packet id */
#define TEXT_MAX 256          /* of the JSON before the pad */
#define BUFFER_FULL (1 << 18) /* no more is made before this is sent */
#define SILENT_MS 30000

struct publisher {
    const char *prefix;
    uint64_t count;
    size_t size;
    double rate;
    uint64_t window;
    int socket;
    uint64_t sent;
    uint64_t acked;
    uint64_t start_ns;
    uint8_t *out; /* a buffer of what is to be written */
    size_t out_at;
    size_t out_len;
    uint8_t in[4096];
    size_t in_len;
};

static int dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int to = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    if (to < 0 || connect(to, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("connect");
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return to;
}

/* CONNECT with a clean session and no keep alive; a CONNACK that says 0. */
static void introduce(int socket)
{
    static const uint8_t connect[] = {0x10, 21,  0,   4,   'M', 'Q', 'T', 'T',
                                      4,    2,   0,   0,   0,   9,   'b', 'e',
                                      'n',  'c', 'h', '-', 'p', 'u', 'b'};
    uint8_t connack[4];

    if (write(socket, connect, sizeof connect) != sizeof connect ||
        recv(socket, connack, sizeof connack, MSG_WAITALL) != sizeof connack ||
        connack[0] != 0x20 || connack[3] != 0)
        give_up("the broker does not let in");
}

static size_t write_length(uint8_t *to, size_t length)
{
    size_t used = 0;

    do {
        uint8_t digit = length % 128;

        length /= 128;
        to[used++] = length > 0 ? digit | 0x80 : digit;
    } while (length > 0);
    return used;
}

/* The next PUBLISH behind what is to be written. */
static void add_message(struct publisher *publisher)
{
    uint8_t *at = publisher->out + publisher->out_len;
    uint16_t packet = (uint16_t)(publisher->sent % 65535 + 1);
    char topic[] = "gate/1/record";
    char text[TEXT_MAX];
    size_t pad;
    int head;

    topic[5] = (char)('1' + publisher->sent % 4);
    head = snprintf(text, sizeof text,
                    "{\"id\":\"%s-%" PRIu64 "\",\"ts\":%" PRIu64 ",\"pad\":\"",
                    publisher->prefix, publisher->sent, wall_ns());
    pad = publisher->size > (size_t)head + 2
              ? publisher->size - (size_t)head - 2
              : 0;
    *at++ = 0x32;
    at += write_length(at, 2 + sizeof topic - 1 + 2 + (size_t)head + pad + 2);
    *at++ = 0;
    *at++ = sizeof topic - 1;
    memcpy(at, topic, sizeof topic - 1);
    at += sizeof topic - 1;
    *at++ = (uint8_t)(packet >> 8);
    *at++ = (uint8_t)packet;
    memcpy(at, text, (size_t)head);
    memset(at + head, 'x', pad);
    memcpy(at + (size_t)head + pad, "\"}", 2);
    at += (size_t)head + pad + 2;
    publisher->out_len = (size_t)(at - publisher->out);
    publisher->sent++;
}

/* When the next message is due; 0: now. */
static uint64_t due_ns(const struct publisher *publisher)
{
    if (publisher->rate <= 0)
        return 0;
    return publisher->start_ns +
           (uint64_t)((double)publisher->sent / publisher->rate * 1e9);
}

static bool may_add(const struct publisher *publisher)
{
    return publisher->sent < publisher->count &&
           publisher->sent - publisher->acked < publisher->window &&
           publisher->out_len < BUFFER_FULL && due_ns(publisher) <= wall_ns();
}

static void send_some(struct publisher *publisher)
{
    ssize_t count;

    if (publisher->out_at == publisher->out_len)
        return;
    count = send(publisher->socket, publisher->out + publisher->out_at,
                 publisher->out_len - publisher->out_at,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN)
        give_up("send");
    if (count > 0)
        publisher->out_at += (size_t)count;
    if (publisher->out_at == publisher->out_len)
        publisher->out_at = publisher->out_len = 0;
}

static void read_some(struct publisher *publisher)
{
    ssize_t count =
        recv(publisher->socket, publisher->in + publisher->in_len,
             sizeof publisher->in - publisher->in_len, MSG_DONTWAIT);
    size_t at = 0;

    if (count == 0 || (count < 0 && errno != EAGAIN))
        give_up("the broker left");
    if (count > 0)
        publisher->in_len += (size_t)count;
    for (; publisher->in_len - at >= 4; at += 4)
        if (publisher->in[at] == 0x40)
            publisher->acked++;
        else
            give_up("the broker said something else than PUBACK");
    memmove(publisher->in, publisher->in + at, publisher->in_len - at);
    publisher->in_len -= at;
}

/* Wait for the socket, or until the next message is due. */
static void wait_some(const struct publisher *publisher)
{
    struct pollfd poll = {publisher->socket, POLLIN, 0};
    struct timespec wait = {SILENT_MS / 1000, 0};
    bool window_open = publisher->sent - publisher->acked < publisher->window;
    bool paced = publisher->rate > 0 && publisher->sent < publisher->count &&
                 window_open;

    if (publisher->out_len > 0)
        poll.events |= POLLOUT;
    if (paced) {
        uint64_t due = due_ns(publisher);
        uint64_t now = wall_ns();

        wait.tv_sec = 0;
        wait.tv_nsec = due > now ? (long)(due - now) : 0;
    }
    if (ppoll(&poll, 1, &wait, NULL) == 0 && !paced) {
        errno = ETIMEDOUT;
        give_up("the broker is silent");
    }
}

int main(int argc, char **argv)
{
    struct publisher publisher = {0};

    if (argc != 7) {
        fprintf(stderr, "bench_pub PORT PREFIX COUNT SIZE RATE WINDOW\n");
        return 2;
    }
    publisher.prefix = argv[2];
    publisher.count = strtoull(argv[3], NULL, 10);
    publisher.size = strtoul(argv[4], NULL, 10);
    publisher.rate = strtod(argv[5], NULL);
    publisher.window = strtoull(argv[6], NULL, 10);
    publisher.out = malloc(BUFFER_FULL + HEAD_MAX + TEXT_MAX + publisher.size);
    if (publisher.out == NULL)
        give_up("malloc");
    publisher.socket = dial((uint16_t)atoi(argv[1]));
    introduce(publisher.socket);
    publisher.start_ns = wall_ns();
    while (publisher.acked < publisher.count) {
        while (may_add(&publisher))
            add_message(&publisher);
        send_some(&publisher);
        wait_some(&publisher);
        read_some(&publisher);
    }
    printf("{\"acked\": %" PRIu64 ", \"start_ns\": %" PRIu64
           ", \"end_ns\": %" PRIu64 "}\n",
           publisher.acked, publisher.start_ns, wall_ns());
    free(publisher.out);
    close(publisher.socket);
    return 0;
}
