/*
 * address.h - which addresses a camera may post from.
 *
 *     192.168.1.64    10.20.0.0/16    fd00::64    fd00:20::/32
 *
 * An IPv4 address that comes in its IPv6 clothes (::ffff:192.168.1.64, from a
 * socket that takes both) is that IPv4 address.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_ADDRESS_H
#define SAMPAN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The first prefix bits of bytes count; IPv4 is kept as ::ffff:a.b.c.d. */
struct address_range {
    uint8_t bytes[16];
    unsigned prefix; /* 0..128 */
};

/* False: it is no address or range; the bits behind the prefix must be 0. */
bool address_range_read(const char *text, struct address_range *range);
bool address_range_has(const struct address_range *range,
                       const struct sockaddr *peer);
/* Is there an address in both? */
bool address_ranges_meet(const struct address_range *a,
                         const struct address_range *b);

#define ADDRESS_TEXT_MAX 46
/* "192.168.1.64"; "?" when it is none. */
void address_print(const struct sockaddr *peer,
                   char text[static ADDRESS_TEXT_MAX]);

#endif
