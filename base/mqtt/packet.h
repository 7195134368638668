/*
 * packet.h - the frame of an MQTT packet: what the relay must know of it, and
 * no more.  Pure: bytes in, numbers out.  Source: MQTT 5.0, chapter 2 and 3.2.
 */
#ifndef SAMPAN_MQTT_PACKET_H
#define SAMPAN_MQTT_PACKET_H

#include <stdint.h>

#include "bytes.h"

enum packet_type {
    PACKET_CONNECT = 1,
    PACKET_CONNACK = 2,
    PACKET_PUBLISH = 3,
    PACKET_PUBACK = 4,
    PACKET_SUBACK = 9,
    PACKET_PINGREQ = 12,
    PACKET_PINGRESP = 13,
    PACKET_DISCONNECT = 14,
};

#define PACKET_HEAD_MAX 5 /* type and flags, then one to four of length */

struct packet_head {
    uint8_t type;     /* enum packet_type, 0..15 */
    uint8_t flags;    /* the low four bits of the first byte */
    size_t head_size; /* 2..5 */
    size_t size;      /* the whole packet, its head included */
};

/* The head at the start of bytes.  EMPTY: more bytes are needed.  FORMAT. */
MUST_CHECK enum status packet_head_read(struct span bytes,
                                        struct packet_head *head);

/* 0..3, of a PUBLISH; 3 is malformed. */
unsigned packet_publish_qos(const struct packet_head *head);

#define PACKET_PUBACK_SIZE 4
/* A PUBACK that says success. */
void packet_puback_write(uint16_t packet_id,
                         uint8_t packet[static PACKET_PUBACK_SIZE]);

/*
 * The Server Keep Alive of a whole CONNACK (3.2.2.3.14), which then replaces
 * the client's.  NOT_FOUND: it has none.  FORMAT.
 */
MUST_CHECK enum status packet_connack_keepalive(struct span packet,
                                                uint16_t *keepalive_s);

#endif
