/*
 * keepalive.h - when to ping the broker, and when it is dead.  Pure: times
 * are passed in.
 *
 * While the broker is not read its answers cannot be seen: pings go on, but
 * silence proves nothing until reading has resumed for a whole period.
 */
#ifndef SAMPAN_MQTT_KEEPALIVE_H
#define SAMPAN_MQTT_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: no pings. */
struct keepalive {
    int64_t period_ms; /* 0: none */
    int64_t sent_ms;
    int64_t received_ms;
    int64_t resumed_ms;
    int64_t pinged_ms; /* of the PINGREQ that waits for its answer */
    bool waits;        /* there is one */
    bool reads;
};

void keepalive_begin(struct keepalive *keepalive, uint16_t keepalive_s,
                     int64_t now_ms);
void keepalive_sent(struct keepalive *keepalive, int64_t now_ms);
void keepalive_received(struct keepalive *keepalive, bool pong, int64_t now_ms);
/* Is the broker being read from now on? */
void keepalive_reads(struct keepalive *keepalive, bool reads, int64_t now_ms);

/* True: send a PINGREQ now; it is noted as sent. */
bool keepalive_ping(struct keepalive *keepalive, int64_t now_ms);
bool keepalive_dead(const struct keepalive *keepalive, int64_t now_ms);
/* Until one of the two may change; -1: never. */
int64_t keepalive_wait_ms(const struct keepalive *keepalive, int64_t now_ms);

#endif
