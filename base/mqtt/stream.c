#include "stream.h"

#include <string.h>

#define UP_PACKET_MAX (1u << 20)      /* a CONNECT with a will, at most */
#define CONNACK_SIZE_MAX (256u << 10) /* a few texts of 64 KiB */

/* ---- Paho to broker ------------------------------------------------------ */

static enum status up_packet(struct up *up, const struct packet_head *head,
                             struct span packet, struct bytes *out)
{
    switch (head->type) {
    case PACKET_PUBACK:
        up->pubacks++;
        return STATUS_OK;
    case PACKET_PINGREQ:
        up->pings++;
        return STATUS_OK;
    case PACKET_DISCONNECT:
        up->disconnect = true;
        break;
    default:
        break;
    }
    return bytes_append(out, packet);
}

/* All whole packets at the start of *in. */
static enum status up_packets(struct up *up, struct span *in, struct bytes *out)
{
    struct packet_head head;
    enum status status;

    while ((status = packet_head_read(*in, &head)) == STATUS_OK) {
        if (head.size > UP_PACKET_MAX)
            return STATUS_FORMAT;
        if (head.size > in->len)
            return STATUS_OK;
        status = up_packet(up, &head, span_of(in->data, head.size), out);
        if (status != STATUS_OK)
            return status;
        *in = span_of(in->data + head.size, in->len - head.size);
    }
    return status == STATUS_EMPTY ? STATUS_OK : status;
}

enum status up_feed(struct up *up, struct span in, struct bytes *out)
{
    struct span left = in;
    enum status status;

    if (up->held.len > 0) {
        if ((status = bytes_append(&up->held, in)) != STATUS_OK)
            return status;
        left = bytes_view(&up->held);
    }
    if ((status = up_packets(up, &left, out)) != STATUS_OK)
        return status;
    if (up->held.len == 0)
        return bytes_append(&up->held, left);
    memmove(up->held.data, left.data, left.len);
    up->held.len = left.len;
    return STATUS_OK;
}

void up_free(struct up *up)
{
    bytes_wipe(&up->held); /* a CONNECT holds the password */
}

/* ---- broker to Paho ------------------------------------------------------ */

static enum status refuse(struct down *down, const char *why)
{
    down->why = why;
    return STATUS_FORMAT;
}

/* What an operator can do something about; MQTT 5.0, table 3-13. */
static const struct {
    uint8_t code;
    const char *text;
} reasons[] = {
    {0x87, "the broker ended it: not authorized"},
    {0x8b, "the broker ended it: it is shutting down"},
    {0x8d, "the broker ended it: keepalive timeout"},
    {0x8e, "the broker ended it: another client has the same client id"},
    {0x93, "the broker ended it: receive maximum exceeded"},
    {0x95, "the broker ended it: a packet was too large"},
    {0x97, "the broker ended it: quota exceeded"},
    {0x98, "the broker ended it: administrative action"},
};

/* A DISCONNECT does not pass: that Paho's connection ends says it all. */
static enum status leave(struct down *down, uint8_t code)
{
    down->why = "the broker ended the connection";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == code)
            down->why = reasons[i].text;
    return STATUS_CLOSED;
}

/* After the CONNACK: a source publishes nothing, so nothing is acknowledged
 * to it, and it never unsubscribes. */
static bool expected(uint8_t type)
{
    return type == PACKET_PUBLISH || type == PACKET_SUBACK ||
           type == PACKET_PINGRESP || type == PACKET_DISCONNECT;
}

/* Is there room for what the packet must hold?  (Paho 1.3.12 forgets to free
 * a SUBACK without it.) */
static bool possible(const struct packet_head *head)
{
    size_t body = head->size - head->head_size;

    switch (head->type) {
    case PACKET_SUBACK: /* an id, properties, a reason */
        return body >= 2 + 1 + 1;
    case PACKET_PUBLISH: /* a topic, an id, properties */
        return body >= 2 + (packet_publish_qos(head) > 0 ? 2u : 0u) + 1;
    case PACKET_PINGRESP:
        return body == 0;
    default:
        return true;
    }
}

/* A packet begins: may it pass, and does it? */
static enum status down_begin(struct down *down, const struct packet_head *head)
{
    if (head->size > STREAM_PACKET_MAX)
        return refuse(down, "the broker sent too large a packet");
    down->silent = false;
    if (!down->connected) {
        if (head->type != PACKET_CONNACK || head->size > CONNACK_SIZE_MAX)
            return refuse(down, "the broker did not begin with a CONNACK");
        return STATUS_OK;
    }
    if (!expected(head->type))
        return refuse(down, "the broker sent what was not asked for");
    if (!possible(head))
        return refuse(down, "the broker sent a malformed packet");
    if (head->type == PACKET_PINGRESP) {
        down->silent = true;
        down->pong = true;
    }
    if (head->type == PACKET_DISCONNECT) {
        if (head->size == head->head_size)
            return leave(down, 0);
        down->leaves = true;
    }
    if (head->type == PACKET_PUBLISH) {
        unsigned qos = packet_publish_qos(head);

        if (qos > 1)
            return refuse(down, "the broker sent QoS 2, which was not asked");
        if (qos == 1) {
            down->publishes++;
            down->publishes_size += head->size;
        }
    }
    return STATUS_OK;
}

static enum status pass(struct down *down, struct span piece, struct bytes *out)
{
    if (!down->connected)
        return bytes_append(&down->first, piece);
    return down->silent ? STATUS_OK : bytes_append(out, piece);
}

/* The CONNACK is whole. */
static enum status pass_connack(struct down *down, struct bytes *out)
{
    enum status status =
        packet_connack_keepalive(bytes_view(&down->first), &down->keepalive_s);

    if (status == STATUS_FORMAT)
        return refuse(down, "the broker sent a malformed CONNACK");
    if ((status = bytes_append(out, bytes_view(&down->first))) != STATUS_OK)
        return status;
    down->connected = true;
    bytes_free(&down->first);
    return STATUS_OK;
}

/* Take bytes of *in into the head; when it is whole, pass it. */
static enum status down_head(struct down *down, struct span *in,
                             struct bytes *out)
{
    struct packet_head head;
    enum status status = STATUS_EMPTY;

    while (in->len > 0 && status == STATUS_EMPTY) {
        down->head[down->head_len++] = in->data[0];
        *in = span_of(in->data + 1, in->len - 1);
        status = packet_head_read(span_of(down->head, down->head_len), &head);
    }
    if (status == STATUS_EMPTY)
        return STATUS_OK;
    if (status != STATUS_OK)
        return refuse(down, "the broker sent a malformed packet");
    if ((status = down_begin(down, &head)) != STATUS_OK)
        return status;
    down->left = head.size - head.head_size;
    if (down->leaves)
        return STATUS_OK;
    status = pass(down, span_of(down->head, down->head_len), out);
    down->head_len = 0;
    return status;
}

static enum status down_body(struct down *down, struct span *in,
                             struct bytes *out)
{
    size_t count = in->len < down->left ? in->len : down->left;
    enum status status;

    if (down->leaves)
        return leave(down, in->data[0]);
    status = pass(down, span_of(in->data, count), out);
    *in = span_of(in->data + count, in->len - count);
    down->left -= count;
    return status;
}

enum status down_feed(struct down *down, struct span in, struct bytes *out)
{
    enum status status = STATUS_OK;

    while (in.len > 0 && status == STATUS_OK) {
        status = down->left > 0 ? down_body(down, &in, out)
                                : down_head(down, &in, out);
        if (status == STATUS_OK && !down->connected && down->left == 0 &&
            down->first.len > 0)
            status = pass_connack(down, out);
    }
    return status;
}

bool down_at_boundary(const struct down *down)
{
    return down->left == 0;
}

void down_free(struct down *down)
{
    bytes_free(&down->first);
}
