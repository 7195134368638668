/*
 * stream.h - what the relay changes in the two streams between Paho and the
 * broker.  Pure: bytes in, bytes out; no sockets, no clock, one thread.
 *
 *   up    Paho to broker: whole packets only.  PUBACK and PINGREQ end here
 *         and are counted; the rest passes.
 *   down  broker to Paho: bytes as they come.  PINGRESP ends here; the rest
 *         passes, large packets in pieces.
 */
#ifndef SAMPAN_MQTT_STREAM_H
#define SAMPAN_MQTT_STREAM_H

#include "packet.h"

/* Paho allocates what a head promises, so a head may not promise anything.
 * Told to the broker as the Maximum Packet Size. */
#define STREAM_PACKET_MAX (64u << 20)

struct up {
    struct bytes held; /* the start of a packet */
    uint64_t pubacks;  /* ended here, ever */
    unsigned pings;    /* PINGREQs that Paho wants answered */
    bool disconnect;   /* a DISCONNECT has passed */
};

/* Appends to out what the broker gets of in.  FORMAT, NOMEM. */
MUST_CHECK enum status up_feed(struct up *up, struct span in,
                               struct bytes *out);
void up_free(struct up *up);

struct down {
    uint8_t head[PACKET_HEAD_MAX]; /* of a head that is not whole */
    size_t head_len;
    size_t left;           /* of a packet that has passed in part */
    struct bytes first;    /* the CONNACK is read before it passes */
    bool connected;        /* it has passed */
    bool silent;           /* the packet in hand does not pass */
    uint16_t keepalive_s;  /* what the CONNACK sets; 0: nothing */
    uint64_t publishes;    /* of QoS 1, begun, ever */
    size_t publishes_size; /* their bytes; the owner may set it to 0 */
    bool pong;             /* a PINGRESP came; the owner sets it to false */
    bool leaves;           /* the packet in hand is a DISCONNECT */
    const char *why;       /* after FORMAT and CLOSED; static */
};

/*
 * Appends to out what Paho gets of in.  FORMAT: why tells what the broker must
 * not send: QoS 2 (it would be acknowledged without us), anything but a
 * CONNACK first and once, a packet above STREAM_PACKET_MAX.  CLOSED: it sent
 * a DISCONNECT; why tells its reason.  NOMEM.
 */
MUST_CHECK enum status down_feed(struct down *down, struct span in,
                                 struct bytes *out);
/* Does what was passed end where a packet ends? */
bool down_at_boundary(const struct down *down);
void down_free(struct down *down);

#endif
