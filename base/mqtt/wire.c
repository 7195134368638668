#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lookup.h"
#include "tls.h"

enum stage { LOOKUP, CONNECT, HANDSHAKE, OPEN };

struct wire {
    const struct mqtt_options *options;
    enum stage stage;
    struct lookup *lookup;       /* kept for its addresses */
    const struct addrinfo *next; /* the address to try next */
    int socket;                  /* -1: none */
    struct tls *tls;             /* NULL: plain TCP */
    bool read_waits_to_write;    /* TLS only */
    bool write_waits_to_read;
    bool shut; /* for writing */
    char why[TLS_WHY_MAX];
};

static void say(struct wire *wire, const char *what, const char *reason)
{
    snprintf(wire->why, sizeof wire->why, "%s: %s", what, reason);
}

enum status wire_open(const struct mqtt_options *options, struct wire **wire)
{
    struct wire *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = options;
    made->socket = -1;
    status = lookup_open(options->host, options->port, &made->lookup);
    if (status != STATUS_OK) {
        free(made);
        return status;
    }
    *wire = made;
    return STATUS_OK;
}

static void socket_close(struct wire *wire)
{
    if (wire->socket >= 0)
        close(wire->socket);
    wire->socket = -1;
}

/* PUBACKs are few bytes and already gathered: no delay.  What the broker's
 * machine does not confirm in one and a half keepalives will never arrive. */
static void socket_tune(const struct wire *wire)
{
    const int on = 1;
    const unsigned timeout_ms = wire->options->keepalive_s * 1500u;

    setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(wire->socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
               sizeof timeout_ms);
}

/* Begin to connect to the next address that lets us. */
static enum status connect_next(struct wire *wire)
{
    while (wire->next != NULL) {
        const struct addrinfo *to = wire->next;

        wire->next = to->ai_next;
        wire->stage = CONNECT;
        wire->socket = socket(to->ai_family,
                              SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (wire->socket >= 0) {
            socket_tune(wire);
            if (connect(wire->socket, to->ai_addr, to->ai_addrlen) == 0 ||
                errno == EINPROGRESS)
                return STATUS_EMPTY;
        }
        say(wire, "no connection to the broker", strerror(errno));
        socket_close(wire);
    }
    return STATUS_IO;
}

static enum status step_lookup(struct wire *wire)
{
    int result;

    if (!lookup_done(wire->lookup, &result, &wire->next))
        return STATUS_EMPTY;
    if (result == 0)
        return connect_next(wire);
    say(wire, "the broker's host is not found", gai_strerror(result));
    return STATUS_IO;
}

static enum status step_handshake(struct wire *wire)
{
    enum status status = tls_handshake(wire->tls, wire->why);

    if (status == STATUS_OK)
        wire->stage = OPEN;
    return status;
}

static enum status step_connect(struct wire *wire)
{
    struct pollfd ready = {wire->socket, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;

    if (poll(&ready, 1, 0) != 1)
        return STATUS_EMPTY;
    if (getsockopt(wire->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0) {
        say(wire, "no connection to the broker", strerror(error));
        socket_close(wire);
        return connect_next(wire);
    }
    if (!wire->options->tls) {
        wire->stage = OPEN;
        return STATUS_OK;
    }
    wire->stage = HANDSHAKE;
    if (tls_open(wire->options, wire->socket, wire->why, &wire->tls) !=
        STATUS_OK)
        return STATUS_IO;
    return step_handshake(wire);
}

enum status wire_step(struct wire *wire)
{
    static enum status (*const steps[])(struct wire *) = {
        [LOOKUP] = step_lookup,
        [CONNECT] = step_connect,
        [HANDSHAKE] = step_handshake,
    };

    return wire->stage == OPEN ? STATUS_OK : steps[wire->stage](wire);
}

bool wire_is_open(const struct wire *wire)
{
    return wire->stage == OPEN;
}

static short open_events(const struct wire *wire, bool reads, bool writes)
{
    short events = 0;

    if (reads)
        events |= wire->read_waits_to_write ? POLLOUT : POLLIN;
    if (writes)
        events |= wire->write_waits_to_read ? POLLIN : POLLOUT;
    return events;
}

struct pollfd wire_poll(const struct wire *wire, bool reads, bool writes)
{
    switch (wire->stage) {
    case LOOKUP:
        return (struct pollfd){lookup_fd(wire->lookup), POLLIN, 0};
    case CONNECT:
        return (struct pollfd){wire->socket, POLLOUT, 0};
    case HANDSHAKE:
        return (struct pollfd){wire->socket, tls_waits_for(wire->tls), 0};
    case OPEN:
        break;
    }
    return (struct pollfd){wire->socket, open_events(wire, reads, writes), 0};
}

bool wire_buffered(const struct wire *wire)
{
    return wire->tls != NULL && wire->stage == OPEN && tls_buffered(wire->tls);
}

/* A failed read or write, in words. */
static enum status failed(struct wire *wire, enum status status)
{
    if (status == STATUS_CLOSED)
        snprintf(wire->why, sizeof wire->why,
                 "the broker closed the connection");
    if (status == STATUS_IO)
        say(wire, "the connection to the broker broke",
            errno == 0 ? "TLS error" : strerror(errno));
    return status;
}

static enum status plain_outcome(ssize_t count, size_t *moved)
{
    if (count > 0) {
        *moved = (size_t)count;
        return STATUS_OK;
    }
    if (count == 0)
        return STATUS_CLOSED;
    return errno == EAGAIN || errno == EINTR ? STATUS_EMPTY : STATUS_IO;
}

enum status wire_read(struct wire *wire, void *data, size_t size, size_t *got)
{
    enum status status;

    errno = 0;
    if (wire->tls == NULL)
        return failed(wire,
                      plain_outcome(recv(wire->socket, data, size, 0), got));
    status = tls_read(wire->tls, data, size, got);
    wire->read_waits_to_write =
        status == STATUS_EMPTY && tls_waits_for(wire->tls) == POLLOUT;
    return failed(wire, status);
}

enum status wire_write(struct wire *wire, const void *data, size_t size,
                       size_t *put)
{
    enum status status;

    errno = 0;
    if (wire->tls == NULL)
        return failed(
            wire,
            plain_outcome(send(wire->socket, data, size, MSG_NOSIGNAL), put));
    status = tls_write(wire->tls, data, size, put);
    wire->write_waits_to_read =
        status == STATUS_EMPTY && tls_waits_for(wire->tls) == POLLIN;
    return failed(wire, status);
}

/* A socket that is not read reports an error or a reset all the same. */
bool wire_broken(struct wire *wire)
{
    struct pollfd gone = {wire->socket, 0, 0};

    if (wire->stage != OPEN || poll(&gone, 1, 0) != 1)
        return false;
    snprintf(wire->why, sizeof wire->why, "%s",
             "the broker broke the connection");
    return true;
}

void wire_shutdown(struct wire *wire)
{
    if (wire->stage != OPEN || wire->shut)
        return;
    wire->shut = true;
    if (wire->tls != NULL)
        tls_shutdown(wire->tls);
    shutdown(wire->socket, SHUT_WR);
}

const char *wire_why(const struct wire *wire)
{
    return wire->why;
}

void wire_close(struct wire *wire)
{
    if (wire == NULL)
        return;
    tls_close(wire->tls);
    socket_close(wire);
    lookup_close(wire->lookup);
    free(wire);
}
