#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define V4_PREFIX 96 /* bits of ::ffff:0:0 */

static const uint8_t v4_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void from_v4(const void *four, uint8_t bytes[static 16])
{
    memcpy(bytes, v4_head, sizeof v4_head);
    memcpy(bytes + sizeof v4_head, four, 4);
}

static bool bytes_read(const char *text, uint8_t bytes[static 16],
                       unsigned *width)
{
    uint8_t four[4];

    if (inet_pton(AF_INET, text, four) == 1) {
        from_v4(four, bytes);
        *width = 32;
        return true;
    }
    *width = 128;
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static bool prefix_read(const char *text, unsigned width, unsigned *prefix)
{
    size_t len = strlen(text);

    if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
        return false;
    *prefix = (unsigned)strtoul(text, NULL, 10);
    return *prefix <= width;
}

/* Are the first prefix bits of both the same? */
static bool same(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
    unsigned rest = prefix % 8;
    uint8_t mask = (uint8_t)(0xff00U >> rest);

    return memcmp(a, b, prefix / 8) == 0 &&
           (rest == 0 || ((a[prefix / 8] ^ b[prefix / 8]) & mask) == 0);
}

static bool clear_behind(const struct address_range *range)
{
    uint8_t bits = 0;

    for (unsigned i = range->prefix; i < 128; i++)
        bits |= (uint8_t)(range->bytes[i / 8] & (0x80U >> i % 8));
    return bits == 0;
}

bool address_range_read(const char *text, struct address_range *range)
{
    char address[ADDRESS_TEXT_MAX];
    size_t len = strcspn(text, "/");
    unsigned width;

    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = 0;
    if (!bytes_read(address, range->bytes, &width))
        return false;
    range->prefix = width;
    if (text[len] == '/' && !prefix_read(text + len + 1, width, &range->prefix))
        return false;
    if (width == 32)
        range->prefix += V4_PREFIX;
    return clear_behind(range);
}

static bool peer_read(const struct sockaddr *peer, uint8_t bytes[static 16])
{
    if (peer == NULL)
        return false;
    if (peer->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, peer, sizeof v4);
        from_v4(&v4.sin_addr, bytes);
        return true;
    }
    if (peer->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, peer, sizeof v6);
        memcpy(bytes, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool address_range_has(const struct address_range *range,
                       const struct sockaddr *peer)
{
    uint8_t bytes[16];

    return peer_read(peer, bytes) && same(bytes, range->bytes, range->prefix);
}

bool address_ranges_meet(const struct address_range *a,
                         const struct address_range *b)
{
    return same(a->bytes, b->bytes,
                a->prefix < b->prefix ? a->prefix : b->prefix);
}

void address_print(const struct sockaddr *peer,
                   char text[static ADDRESS_TEXT_MAX])
{
    uint8_t bytes[16];
    const char *done = NULL;

    if (peer_read(peer, bytes))
        done = memcmp(bytes, v4_head, sizeof v4_head) == 0
                   ? inet_ntop(AF_INET, bytes + 12, text, ADDRESS_TEXT_MAX)
                   : inet_ntop(AF_INET6, bytes, text, ADDRESS_TEXT_MAX);
    if (done == NULL)
        memcpy(text, "?", 2);
}
