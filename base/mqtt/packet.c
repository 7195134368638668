#include "packet.h"

enum status packet_head_read(struct span bytes, struct packet_head *head)
{
    size_t length = 0;

    for (size_t i = 1; i < PACKET_HEAD_MAX; i++) {
        if (i >= bytes.len)
            return STATUS_EMPTY;
        length |= (size_t)(bytes.data[i] & 0x7f) << (7 * (i - 1));
        if ((bytes.data[i] & 0x80) != 0)
            continue;
        head->type = bytes.data[0] >> 4;
        head->flags = bytes.data[0] & 0x0f;
        head->head_size = i + 1;
        head->size = i + 1 + length;
        return STATUS_OK;
    }
    return STATUS_FORMAT; /* 1.5.5: at most four bytes */
}

unsigned packet_publish_qos(const struct packet_head *head)
{
    return (head->flags >> 1) & 3;
}

void packet_puback_write(uint16_t packet_id,
                         uint8_t packet[static PACKET_PUBACK_SIZE])
{
    packet[0] = PACKET_PUBACK << 4;
    packet[1] = 2;
    packet[2] = (uint8_t)(packet_id >> 8);
    packet[3] = (uint8_t)packet_id;
}

#define SERVER_KEEP_ALIVE 0x13

enum form { BYTE1 = 1, BYTE2 = 2, BYTE4 = 4, RUN, PAIR };

struct property {
    uint8_t id;
    enum form form;
};

/* The properties a CONNACK may have; clause 2.2.2.2, table 2-4. */
/* clang-format off */
static const struct property properties[] = {
    { 0x11, BYTE4 }, /* Session Expiry Interval */
    { 0x12, RUN },   /* Assigned Client Identifier */
    { SERVER_KEEP_ALIVE, BYTE2 },
    { 0x15, RUN },   /* Authentication Method */
    { 0x16, RUN },   /* Authentication Data */
    { 0x1a, RUN },   /* Response Information */
    { 0x1c, RUN },   /* Server Reference */
    { 0x1f, RUN },   /* Reason String */
    { 0x21, BYTE2 }, /* Receive Maximum */
    { 0x22, BYTE2 }, /* Topic Alias Maximum */
    { 0x24, BYTE1 }, /* Maximum QoS */
    { 0x25, BYTE1 }, /* Retain Available */
    { 0x26, PAIR },  /* User Property */
    { 0x27, BYTE4 }, /* Maximum Packet Size */
    { 0x28, BYTE1 }, /* Wildcard Subscription Available */
    { 0x29, BYTE1 }, /* Subscription Identifiers Available */
    { 0x2a, BYTE1 }, /* Shared Subscription Available */
};
/* clang-format on */

static const struct property *property_find(uint8_t id)
{
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (properties[i].id == id)
            return &properties[i];
    return NULL;
}

static uint16_t read_two(const uint8_t *data)
{
    return (uint16_t)(data[0] << 8 | data[1]);
}

static struct span skip(struct span bytes, size_t count)
{
    return span_of(bytes.data + count, bytes.len - count);
}

/* How much a value of the form takes at the start of bytes; 0: it does not
 * fit. */
static size_t value_size(enum form form, struct span bytes)
{
    size_t size = (size_t)form;

    if (form == RUN || form == PAIR) {
        if (bytes.len < 2)
            return 0;
        size = 2 + (size_t)read_two(bytes.data);
    }
    if (size > bytes.len)
        return 0;
    if (form == PAIR) {
        size_t value = value_size(RUN, skip(bytes, size));

        return value == 0 ? 0 : size + value;
    }
    return size;
}

/* A variable byte integer, read by the rule of a head's length. */
static enum status properties_open(struct span *bytes)
{
    struct packet_head head;
    uint8_t as_head[PACKET_HEAD_MAX] = {0};
    size_t count = bytes->len < 4 ? bytes->len : 4;

    for (size_t i = 0; i < count; i++)
        as_head[i + 1] = bytes->data[i];
    if (packet_head_read(span_of(as_head, count + 1), &head) != STATUS_OK ||
        head.size - 1 > bytes->len)
        return STATUS_FORMAT;
    *bytes =
        span_of(bytes->data + head.head_size - 1, head.size - head.head_size);
    return STATUS_OK;
}

enum status packet_connack_keepalive(struct span packet, uint16_t *keepalive_s)
{
    struct packet_head head;
    struct span left;

    if (packet_head_read(packet, &head) != STATUS_OK ||
        head.size != packet.len || head.size - head.head_size < 3)
        return STATUS_FORMAT;
    left = skip(packet, head.head_size + 2); /* flags, reason code */
    if (properties_open(&left) != STATUS_OK)
        return STATUS_FORMAT;
    while (left.len > 0) {
        const struct property *property = property_find(left.data[0]);
        size_t size;

        if (property == NULL)
            return STATUS_FORMAT;
        left = skip(left, 1);
        size = value_size(property->form, left);
        if (size == 0)
            return STATUS_FORMAT;
        if (property->id == SERVER_KEEP_ALIVE) {
            *keepalive_s = read_two(left.data);
            return STATUS_OK;
        }
        left = skip(left, size);
    }
    return STATUS_NOT_FOUND;
}
