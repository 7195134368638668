/*
 * bench_sink PORT - a platform that accepts everything, and counts.
 *
 * HTTP/1.1 with keep-alive; one thread.  Every POST is answered with 200.  In
 * the body it looks for "id":"PREFIX-N" and "ts":T (Unix time in ns).
 *
 * Commands on stdin, each answered with one line of JSON:
 *     count PREFIX N   forget all; count ids of this prefix below N
 *     down             refuse connections, drop those there are
 *     up               accept again
 *     stats            how it stands
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "instrument.h"

#define CONNECTIONS_MAX 1024
#define START_SIZE ((size_t)64 << 10)

struct connection {
    struct connection *next;
    struct connection **before;
    int socket;
    char *in;
    size_t len;
    size_t size;
};

struct sink {
    int epoll;
    int listener; /* -1: down */
    uint16_t port;
    struct connection *connections;
    char prefix[64];
    uint64_t expected;
    uint8_t *seen;
    uint32_t *latency_us; /* of the unique ones, in order of arrival */
    uint64_t unique;
    uint64_t repeated;
    uint64_t requests;
    uint64_t first_ns;
    uint64_t last_ns;
    uint64_t up_ns;
};

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 27\r\n\r\n"
                             "{\"code\":200,\"message\":\"ok\"}";

/* ---- counting ----------------------------------------------------------- */

/* What follows name in the first bytes of the body, or NULL. */
static const char *after(const char *body, size_t len, const char *name)
{
    const char *found = memmem(body, len < 256 ? len : 256, name, strlen(name));

    return found == NULL ? NULL : found + strlen(name);
}

static void count_body(struct sink *sink, const char *body, size_t len)
{
    const char *id = after(body, len, "\"id\":\"");
    const char *ts = after(body, len, "\"ts\":");
    size_t prefix = strlen(sink->prefix);
    uint64_t number;
    uint64_t now = wall_ns();

    sink->requests++;
    if (id == NULL || strncmp(id, sink->prefix, prefix) != 0 ||
        id[prefix] != '-')
        return;
    number = strtoull(id + prefix + 1, NULL, 10);
    if (number >= sink->expected)
        return;
    if (sink->seen[number]) {
        sink->repeated++;
        return;
    }
    sink->seen[number] = 1;
    if (sink->unique == 0)
        sink->first_ns = now;
    sink->last_ns = now;
    if (ts != NULL)
        sink->latency_us[sink->unique] =
            (uint32_t)((now - strtoull(ts, NULL, 10)) / 1000);
    sink->unique++;
}

static void count_anew(struct sink *sink, const char *prefix, uint64_t expected)
{
    snprintf(sink->prefix, sizeof sink->prefix, "%s", prefix);
    free(sink->seen);
    free(sink->latency_us);
    sink->expected = expected;
    sink->seen = calloc(expected + 1, 1);
    sink->latency_us = calloc(expected + 1, sizeof *sink->latency_us);
    if (sink->seen == NULL || sink->latency_us == NULL)
        give_up("calloc");
    sink->unique = sink->repeated = sink->requests = 0;
    sink->first_ns = sink->last_ns = 0;
}

static void tell(const struct sink *sink)
{
    uint32_t *sorted = malloc((sink->unique + 1) * sizeof *sorted);

    if (sorted == NULL)
        give_up("malloc");
    if (sink->unique > 0)
        memcpy(sorted, sink->latency_us, sink->unique * sizeof *sorted);
    qsort(sorted, sink->unique, sizeof *sorted, compare_u32);
    printf("{\"unique\": %" PRIu64 ", \"repeated\": %" PRIu64
           ", \"requests\": %" PRIu64 ", \"first_ns\": %" PRIu64
           ", \"last_ns\": %" PRIu64 ", \"up_ns\": %" PRIu64
           ", \"p50_us\": %" PRIu32 ", \"p99_us\": %" PRIu32 "}\n",
           sink->unique, sink->repeated, sink->requests, sink->first_ns,
           sink->last_ns, sink->up_ns, part_of(sorted, sink->unique, 0.5),
           part_of(sorted, sink->unique, 0.99));
    fflush(stdout);
    free(sorted);
}

/* ---- HTTP --------------------------------------------------------------- */

/* The length of the request at the start of in, or 0: not whole yet. */
static size_t request_len(char *in, size_t len, size_t *head)
{
    char *end = memmem(in, len, "\r\n\r\n", 4);
    char *field;
    size_t body = 0;

    if (end == NULL)
        return 0;
    *end = '\0';
    if ((field = strcasestr(in, "\ncontent-length:")) != NULL)
        body = strtoul(field + strlen("\ncontent-length:"), NULL, 10);
    *end = '\r';
    *head = (size_t)(end - in) + 4;
    return *head + body;
}

static void connection_end(struct connection *connection)
{
    *connection->before = connection->next;
    if (connection->next != NULL)
        connection->next->before = connection->before;
    close(connection->socket);
    free(connection->in);
    free(connection);
}

/* Answers are short and few are out at a time: the socket takes them. */
static bool answer_all(struct sink *sink, struct connection *connection)
{
    size_t at = 0;
    size_t head;
    size_t size;

    while ((size = request_len(connection->in + at, connection->len - at,
                               &head)) != 0 &&
           size <= connection->len - at) {
        count_body(sink, connection->in + at + head, size - head);
        if (send(connection->socket, answer, sizeof answer - 1, MSG_NOSIGNAL) !=
            sizeof answer - 1)
            return false;
        at += size;
    }
    memmove(connection->in, connection->in + at, connection->len - at);
    connection->len -= at;
    return true;
}

/* false: it has ended. */
static bool connection_read(struct sink *sink, struct connection *connection)
{
    ssize_t count;

    if (connection->size - connection->len < START_SIZE / 2) {
        char *more = realloc(connection->in, connection->size * 2 + 1);

        if (more == NULL)
            return false;
        connection->in = more;
        connection->size *= 2;
    }
    count = recv(connection->socket, connection->in + connection->len,
                 connection->size - connection->len, 0);
    if (count <= 0)
        return false;
    connection->len += (size_t)count;
    connection->in[connection->len] = '\0';
    return answer_all(sink, connection);
}

/* ---- connections -------------------------------------------------------- */

static void watch(const struct sink *sink, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

    if (epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        give_up("epoll_ctl");
}

static void connection_begin(struct sink *sink)
{
    struct connection *connection = calloc(1, sizeof *connection);
    int on = 1;

    if (connection == NULL || (connection->in = malloc(START_SIZE + 1)) == NULL)
        give_up("malloc");
    connection->size = START_SIZE;
    connection->socket = accept(sink->listener, NULL, NULL);
    if (connection->socket < 0)
        give_up("accept");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->next = sink->connections;
    connection->before = &sink->connections;
    if (connection->next != NULL)
        connection->next->before = &connection->next;
    sink->connections = connection;
    watch(sink, connection->socket, connection);
}

static void go_up(struct sink *sink)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(sink->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    if (sink->listener >= 0)
        return;
    sink->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(sink->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(sink->listener, (struct sockaddr *)&address, sizeof address) !=
            0 ||
        listen(sink->listener, CONNECTIONS_MAX) != 0)
        give_up("listen");
    watch(sink, sink->listener, &sink->listener);
    sink->up_ns = wall_ns();
}

static void go_down(struct sink *sink)
{
    if (sink->listener >= 0)
        close(sink->listener);
    sink->listener = -1;
    while (sink->connections != NULL)
        connection_end(sink->connections);
}

/* false: there are no more commands. */
static bool obey(struct sink *sink)
{
    char line[128];
    char prefix[64];
    uint64_t expected;

    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    if (sscanf(line, "count %63s %" SCNu64, prefix, &expected) == 2)
        count_anew(sink, prefix, expected);
    else if (strcmp(line, "down\n") == 0)
        go_down(sink);
    else if (strcmp(line, "up\n") == 0)
        go_up(sink);
    tell(sink);
    return true;
}

int main(int argc, char **argv)
{
    struct sink sink = {.listener = -1};
    struct epoll_event event;

    if (argc != 2) {
        fprintf(stderr, "bench_sink PORT\n");
        return 2;
    }
    sink.port = (uint16_t)atoi(argv[1]);
    sink.epoll = epoll_create1(EPOLL_CLOEXEC);
    setvbuf(stdin, NULL, _IONBF, 0);
    count_anew(&sink, "none", 0);
    watch(&sink, STDIN_FILENO, &sink);
    go_up(&sink);
    /* One event at a time: what one of them ends is not in hand then. */
    while (epoll_wait(sink.epoll, &event, 1, -1) == 1 || errno == EINTR) {
        if (event.data.ptr == &sink) {
            if (!obey(&sink))
                break;
        } else if (event.data.ptr == &sink.listener) {
            connection_begin(&sink);
        } else if (!connection_read(&sink, event.data.ptr)) {
            connection_end(event.data.ptr);
        }
    }
    go_down(&sink);
    free(sink.seen);
    free(sink.latency_us);
    return 0;
}
