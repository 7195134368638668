/*
 * tickets.h - which message may be acknowledged: each that was handed over
 * has a ticket until it is settled.
 *
 *   tickets_link --> tickets_hand_over --> tickets_settle --> tickets_take
 *        ^                 |                                (PUBACKs to send)
 *        +-- tickets_unlink: what was not taken is forgotten; the broker
 *            sends it again, under a new ticket
 *
 * A ticket of an earlier link gives no PUBACK, but its bytes count as pending
 * until it is settled: they are still in somebody's memory.  When a packet id
 * comes again before its PUBACK was taken, only the newest message counts.
 *
 * Any thread; nothing here waits for anything but the mutex.
 */
#ifndef SAMPAN_MQTT_TICKETS_H
#define SAMPAN_MQTT_TICKETS_H

#include <stdint.h>

#include "bytes.h"

struct tickets;

MUST_CHECK enum status tickets_make(struct tickets **tickets);
void tickets_free(struct tickets *tickets);

/* A connection begins; it ends. */
void tickets_link(struct tickets *tickets);
void tickets_unlink(struct tickets *tickets);

/* NOMEM: there is no ticket, so no PUBACK either. */
MUST_CHECK enum status tickets_hand_over(struct tickets *tickets,
                                         uint16_t packet_id, size_t bytes,
                                         uint64_t *ticket);
/* Unknown and settled ones are passed over. */
void tickets_settle(struct tickets *tickets, const uint64_t *list,
                    size_t count);
/* Up to max packet ids whose PUBACK may go, in the order settled; how many. */
size_t tickets_take(struct tickets *tickets, uint16_t *packet_ids, size_t max);
/* Bytes handed over and not settled. */
size_t tickets_pending(const struct tickets *tickets);

#endif
