#include "link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "keepalive.h"
#include "stream.h"
#include "wire.h"

#define CHUNK_SIZE (64u << 10)      /* of one read */
#define CONNECT_MS (10 * SECOND_MS) /* to the CONNACK */
#define LEAVE_MS 1000               /* from Paho's end to the broker's */
#define PUBACKS_MAX 4096            /* gathered at once */

/* Bytes on their way: what is behind done is not sent yet. */
struct outgoing {
    struct bytes bytes;
    size_t done;
};

struct link {
    const struct mqtt_options *options;
    struct tickets *tickets;
    int paho;
    struct wire *wire;
    struct up up;
    struct down down;
    struct outgoing to_broker;
    struct outgoing to_paho;
    struct keepalive keepalive;
    int64_t connect_by_ms; /* 0: not set yet */
    bool full;             /* too much is not settled */
    bool stopped;
    bool paho_gone;
    bool leaving; /* Paho said DISCONNECT; what is left is sent */
    int64_t leave_by_ms;
    const char *why;
    uint8_t chunk[CHUNK_SIZE];
};

enum status link_open(const struct mqtt_options *options,
                      struct tickets *tickets, int paho, struct link **link)
{
    struct link *made = calloc(1, sizeof *made);
    enum status status = STATUS_NOMEM;
    const int on = 1;

    if (made == NULL ||
        (status = wire_open(options, &made->wire)) != STATUS_OK) {
        close(paho);
        free(made);
        return status;
    }
    setsockopt(paho, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    made->options = options;
    made->tickets = tickets;
    made->paho = paho;
    made->why = "";
    *link = made;
    return STATUS_OK;
}

static enum status fail(struct link *link, enum status status, const char *why)
{
    link->why = why;
    return status;
}

static enum status check(struct link *link, enum status status)
{
    return status == STATUS_NOMEM ? fail(link, status, status_text(status))
                                  : status;
}

static bool outgoing_empty(const struct outgoing *out)
{
    return out->done == out->bytes.len;
}

static void outgoing_sent(struct outgoing *out, size_t count)
{
    out->done += count;
    if (!outgoing_empty(out))
        return;
    out->done = 0;
    bytes_clear(&out->bytes);
}

/* ---- Paho's side --------------------------------------------------------- */

static enum status paho_lost(struct link *link)
{
    return fail(link, STATUS_CLOSED, "the client ended the connection");
}

static enum status read_paho(struct link *link)
{
    ssize_t count = recv(link->paho, link->chunk, sizeof link->chunk, 0);
    enum status status;

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return STATUS_OK;
    if (count <= 0) {
        link->paho_gone = true;
        return STATUS_OK;
    }
    status = up_feed(&link->up, span_of(link->chunk, (size_t)count),
                     &link->to_broker.bytes);
    if (status == STATUS_FORMAT)
        return fail(link, status, "the client sent no MQTT");
    if (link->up.pubacks == link->down.publishes)
        link->down.publishes_size = 0; /* nothing is between us and Paho */
    return check(link, status);
}

/* Paho's PINGREQs are answered between two packets. */
static enum status answer_pings(struct link *link)
{
    static const uint8_t pingresp[] = {PACKET_PINGRESP << 4, 0};
    enum status status = STATUS_OK;

    while (status == STATUS_OK && link->up.pings > 0 && link->down.connected &&
           down_at_boundary(&link->down)) {
        status = bytes_append(&link->to_paho.bytes,
                              span_of(pingresp, sizeof pingresp));
        link->up.pings--;
    }
    return check(link, status);
}

static enum status write_paho(struct link *link)
{
    struct outgoing *out = &link->to_paho;
    ssize_t count;

    if (outgoing_empty(out))
        return STATUS_OK;
    count = send(link->paho, out->bytes.data + out->done,
                 out->bytes.len - out->done, MSG_NOSIGNAL);
    if (count < 0)
        return STATUS_OK; /* when it is gone, the next read tells */
    outgoing_sent(out, (size_t)count);
    return STATUS_OK;
}

/* ---- the broker's side --------------------------------------------------- */

static enum status wire_lost(struct link *link, enum status status)
{
    return fail(link, status, wire_why(link->wire));
}

static enum status add_puback(struct link *link, uint16_t packet_id)
{
    uint8_t packet[PACKET_PUBACK_SIZE];

    packet_puback_write(packet_id, packet);
    return check(link, bytes_append(&link->to_broker.bytes,
                                    span_of(packet, sizeof packet)));
}

/* Before anything new of Paho's is read: a DISCONNECT must be the last. */
static enum status add_pubacks(struct link *link)
{
    uint16_t ids[PUBACKS_MAX];
    size_t count;

    if (!link->down.connected)
        return STATUS_OK;
    do {
        count = tickets_take(link->tickets, ids, PUBACKS_MAX);
        for (size_t i = 0; i < count; i++) {
            enum status status = add_puback(link, ids[i]);

            if (status != STATUS_OK)
                return status;
        }
    } while (count == PUBACKS_MAX);
    return STATUS_OK;
}

static enum status add_ping(struct link *link, int64_t now_ms)
{
    static const uint8_t pingreq[] = {PACKET_PINGREQ << 4, 0};

    if (!keepalive_ping(&link->keepalive, now_ms))
        return STATUS_OK;
    return check(link, bytes_append(&link->to_broker.bytes,
                                    span_of(pingreq, sizeof pingreq)));
}

static enum status write_broker(struct link *link, int64_t now_ms)
{
    struct outgoing *out = &link->to_broker;
    size_t count;
    enum status status;

    while (!outgoing_empty(out)) {
        status = wire_write(link->wire, out->bytes.data + out->done,
                            out->bytes.len - out->done, &count);
        if (status == STATUS_EMPTY)
            return STATUS_OK;
        if (status != STATUS_OK)
            return wire_lost(link, status);
        outgoing_sent(out, count);
        keepalive_sent(&link->keepalive, now_ms);
    }
    return STATUS_OK;
}

/* What is handed over and not settled, and what is on its way to be. */
static bool too_much(const struct link *link)
{
    size_t limit = link->options->limit_bytes;
    size_t held = tickets_pending(link->tickets) + link->down.publishes_size;

    return link->full ? held > limit / 4 * 3 : held >= limit;
}

/*
 * How much of the broker's to read now.  The CONNACK always, and always to
 * the end of a packet that was begun, since Paho's pings can be answered only
 * between packets.
 */
static size_t read_size(const struct link *link)
{
    if (!wire_is_open(link->wire) || !outgoing_empty(&link->to_paho))
        return 0;
    if (!link->down.connected || !(link->full || link->stopped))
        return CHUNK_SIZE;
    return link->down.left < CHUNK_SIZE ? link->down.left : CHUNK_SIZE;
}

/* The CONNACK is through: from here on the session is kept alive. */
static void on_connack(struct link *link, int64_t now_ms)
{
    uint16_t keepalive_s = link->down.keepalive_s != 0
                               ? link->down.keepalive_s
                               : link->options->keepalive_s;

    keepalive_begin(&link->keepalive, keepalive_s, now_ms);
}

static enum status read_broker(struct link *link, int64_t now_ms)
{
    bool was_connected = link->down.connected;
    size_t size = read_size(link);
    size_t count;
    enum status status;

    if (size == 0)
        return wire_broken(link->wire) ? wire_lost(link, STATUS_IO) : STATUS_OK;
    status = wire_read(link->wire, link->chunk, size, &count);
    if (status == STATUS_EMPTY)
        return STATUS_OK;
    if (status != STATUS_OK)
        return wire_lost(link, status);
    status = down_feed(&link->down, span_of(link->chunk, count),
                       &link->to_paho.bytes);
    if (status == STATUS_FORMAT || status == STATUS_CLOSED)
        return fail(link, status, link->down.why);
    keepalive_received(&link->keepalive, link->down.pong, now_ms);
    link->down.pong = false;
    if (!was_connected && link->down.connected)
        on_connack(link, now_ms);
    return check(link, status);
}

/* ---- all of it ----------------------------------------------------------- */

static enum status step_connecting(struct link *link, int64_t now_ms)
{
    enum status status;

    if (link->connect_by_ms == 0)
        link->connect_by_ms = now_ms + CONNECT_MS;
    if (!link->down.connected && now_ms >= link->connect_by_ms)
        return fail(link, STATUS_OFFLINE, "the broker did not answer in time");
    if (wire_is_open(link->wire))
        return STATUS_OK;
    status = wire_step(link->wire);
    if (status == STATUS_IO || status == STATUS_NOMEM)
        return wire_lost(link, status);
    return STATUS_OK;
}

static enum status step_broker(struct link *link, int64_t now_ms)
{
    enum status status;

    if (!wire_is_open(link->wire))
        return STATUS_OK;
    if ((status = add_ping(link, now_ms)) != STATUS_OK)
        return status;
    if ((status = write_broker(link, now_ms)) != STATUS_OK)
        return status;
    link->full = too_much(link);
    if ((status = read_broker(link, now_ms)) != STATUS_OK)
        return status;
    keepalive_reads(&link->keepalive, read_size(link) > 0, now_ms);
    if (keepalive_dead(&link->keepalive, now_ms))
        return fail(link, STATUS_OFFLINE, "the broker does not answer pings");
    return STATUS_OK;
}

/*
 * After Paho's DISCONNECT, or its mere end: send what is left, then read and
 * forget until the broker closes.  A socket closed with bytes unread resets the
 * connection, and the last PUBACKs might go with it.
 */
static enum status step_leaving(struct link *link, int64_t now_ms)
{
    size_t count;
    enum status status;

    if (link->leave_by_ms == 0)
        link->leave_by_ms = now_ms + LEAVE_MS;
    if (now_ms >= link->leave_by_ms || !wire_is_open(link->wire))
        return paho_lost(link);
    if ((status = write_broker(link, now_ms)) != STATUS_OK)
        return status;
    if (!outgoing_empty(&link->to_broker))
        return STATUS_OK;
    wire_shutdown(link->wire);
    while ((status = wire_read(link->wire, link->chunk, sizeof link->chunk,
                               &count)) == STATUS_OK)
        continue;
    return status == STATUS_EMPTY ? STATUS_OK : paho_lost(link);
}

enum status link_step(struct link *link, bool stopped, int64_t now_ms)
{
    enum status status;

    link->stopped = stopped;
    if (link->leaving)
        return step_leaving(link, now_ms);
    if ((status = step_connecting(link, now_ms)) != STATUS_OK)
        return status;
    if ((status = add_pubacks(link)) != STATUS_OK)
        return status;
    if ((status = read_paho(link)) != STATUS_OK)
        return status;
    if (link->up.disconnect || link->paho_gone) {
        link->leaving = true;
        return step_leaving(link, now_ms);
    }
    if ((status = step_broker(link, now_ms)) != STATUS_OK)
        return status;
    if ((status = answer_pings(link)) != STATUS_OK)
        return status;
    return write_paho(link);
}

nfds_t link_poll(const struct link *link, struct pollfd fds[static 2])
{
    bool writes = !outgoing_empty(&link->to_broker);

    if (link->leaving) {
        fds[0] = (struct pollfd){-1, 0, 0};
        fds[1] = wire_poll(link->wire, !writes, writes);
        return 2;
    }
    fds[0] = (struct pollfd){link->paho, POLLIN, 0};
    if (!outgoing_empty(&link->to_paho))
        fds[0].events |= POLLOUT;
    fds[1] = wire_poll(link->wire, read_size(link) > 0, writes);
    return 2;
}

static int64_t until_ms(int64_t when_ms, int64_t now_ms)
{
    return when_ms > now_ms ? when_ms - now_ms : 0;
}

int64_t link_timeout_ms(const struct link *link, int64_t now_ms)
{
    if (link->leaving)
        return until_ms(link->leave_by_ms, now_ms);
    if (read_size(link) > 0 && wire_buffered(link->wire))
        return 0;
    if (link->down.connected)
        return keepalive_wait_ms(&link->keepalive, now_ms);
    return until_ms(link->connect_by_ms, now_ms);
}

const char *link_why(const struct link *link)
{
    return link->why;
}

void link_close(struct link *link)
{
    if (link == NULL)
        return;
    wire_close(link->wire);
    close(link->paho);
    up_free(&link->up);
    down_free(&link->down);
    bytes_wipe(&link->to_broker.bytes); /* it held the CONNECT */
    bytes_free(&link->to_paho.bytes);
    free(link);
}
