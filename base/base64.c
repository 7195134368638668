#include "base64.h"

#include <stdint.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NONE 0x80 /* no letter of the alphabet */

/* clang-format off */
#define N NONE
static const uint8_t values[256] = {
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N,62, N, N, N,63,
   52,53,54,55,56,57,58,59,60,61, N, N, N, N, N, N,
    N, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,10,11,12,13,14,
   15,16,17,18,19,20,21,22,23,24,25, N, N, N, N, N,
    N,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,
   41,42,43,44,45,46,47,48,49,50,51, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
};
#undef N
/* clang-format on */

/* Write len (1..3) bytes as four letters. */
static uint8_t *encode_group(const uint8_t *from, size_t len, uint8_t *to)
{
    const uint32_t bits = (uint32_t)from[0] << 16 |
                          (len > 1 ? (uint32_t)from[1] << 8 : 0) |
                          (len > 2 ? (uint32_t)from[2] : 0);

    *to++ = (uint8_t)letters[bits >> 18];
    *to++ = (uint8_t)letters[bits >> 12 & 63];
    *to++ = len > 1 ? (uint8_t)letters[bits >> 6 & 63] : '=';
    *to++ = len > 2 ? (uint8_t)letters[bits & 63] : '=';
    return to;
}

enum status base64_encode(struct span raw, struct bytes *text)
{
    const uint8_t *from = raw.data;
    size_t left = raw.len;
    uint8_t *to;
    enum status status;

    if (raw.len > SIZE_MAX / 4 * 3 - 3)
        return STATUS_NOMEM;
    status = bytes_reserve(text, (raw.len + 2) / 3 * 4);
    if (status != STATUS_OK || !raw.len)
        return status;
    to = text->data + text->len;
    for (; left >= 3; from += 3, left -= 3)
        to = encode_group(from, 3, to);
    if (left)
        to = encode_group(from, left, to);
    *to = '\0';
    text->len = (size_t)(to - text->data);
    return STATUS_OK;
}

struct decoder {
    const uint8_t *from, *end;
    uint8_t *to;
    uint32_t bits; /* of the letters of an unfinished group */
    unsigned count;
    bool lenient;
};

/* As many whole groups as follow each other without anything between. */
static void decode_groups(struct decoder *d)
{
    for (; d->end - d->from >= 4; d->from += 4) {
        const uint8_t a = values[d->from[0]];
        const uint8_t b = values[d->from[1]];
        const uint8_t c = values[d->from[2]];
        const uint8_t e = values[d->from[3]];

        if ((a | b | c | e) & NONE)
            return;
        *d->to++ = (uint8_t)(a << 2 | b >> 4);
        *d->to++ = (uint8_t)(b << 4 | c >> 2);
        *d->to++ = (uint8_t)(c << 6 | e);
    }
}

static bool skipped(const struct decoder *d, uint8_t letter)
{
    return d->lenient && (letter == '\r' || letter == '\n');
}

/* One letter; false when it has no place here. */
static bool decode_letter(struct decoder *d, uint8_t letter)
{
    if (skipped(d, letter))
        return true;
    if (values[letter] & NONE)
        return false;
    d->bits = d->bits << 6 | values[letter];
    if (++d->count == 4) {
        *d->to++ = (uint8_t)(d->bits >> 16);
        *d->to++ = (uint8_t)(d->bits >> 8);
        *d->to++ = (uint8_t)d->bits;
        d->bits = d->count = 0;
    }
    return true;
}

/* The end of the text, from the first '=' on: the padding that the unfinished
 * group wants, nothing else, and no bits left over. */
static bool decode_end(struct decoder *d)
{
    unsigned wanted = d->count ? 4 - d->count : 0;

    for (; d->from < d->end; d->from++) {
        if (skipped(d, *d->from))
            continue;
        if (*d->from != '=' || wanted-- == 0)
            return false;
    }
    if (wanted || d->count == 1)
        return false;
    if (d->count == 2) {
        *d->to++ = (uint8_t)(d->bits >> 4);
        return !(d->bits & 0x0f);
    }
    if (d->count == 3) {
        *d->to++ = (uint8_t)(d->bits >> 10);
        *d->to++ = (uint8_t)(d->bits >> 2);
        return !(d->bits & 0x03);
    }
    return true;
}

enum status base64_decode(struct span text, bool lenient, struct bytes *raw)
{
    struct decoder d = {
        .from = text.data, .end = text.data + text.len, .lenient = lenient};
    const size_t before = raw->len;
    enum status status;

    status = bytes_reserve(raw, text.len / 4 * 3 + 3);
    if (status != STATUS_OK || !text.len)
        return status;
    d.to = raw->data + before;
    while (d.from < d.end) {
        if (!d.count)
            decode_groups(&d);
        if (d.from == d.end || *d.from == '=')
            break;
        if (!decode_letter(&d, *d.from++))
            goto bad;
    }
    if (!decode_end(&d))
        goto bad;
    *d.to = '\0';
    raw->len = (size_t)(d.to - raw->data);
    return STATUS_OK;
bad:
    raw->data[before] = '\0';
    return STATUS_FORMAT;
}
