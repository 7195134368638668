#include "sum_frame.h"

#define TAIL 2 /* SUM and 16 */

static uint8_t sum_of(struct span bytes)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < bytes.len; i++)
        sum = (uint8_t)(sum + bytes.data[i]);
    return sum;
}

size_t sum_frame_close(uint8_t *frame, size_t len)
{
    frame[len] = sum_of(span_of(frame, len));
    frame[len + 1] = SUM_FRAME_END;
    return len + TAIL;
}

/* Whether the whole frame at offset holds; if not, why. */
static bool frame_holds(struct span frame, uint8_t length, size_t offset,
                        struct decode_fault *fault)
{
    size_t sum_at = frame.len - TAIL;
    uint8_t sum = sum_of(span_of(frame.data, sum_at));

    if (frame.data[sum_at + 1] != SUM_FRAME_END)
        return decode_fail(fault, DECODE_LENGTH, offset + sum_at + 1,
                           "by its length %u the frame ends here with 16, and "
                           "it is %02X (a wrong parity setting looks so too)",
                           length, frame.data[sum_at + 1]);
    if (frame.data[sum_at] != sum)
        return decode_fail(fault, DECODE_CHECKSUM, offset + sum_at,
                           "the checksum is %02X; of these bytes it is %02X",
                           frame.data[sum_at], sum);
    return true;
}

/* The bytes of the frame that rest begins with: 0 when it begins with none,
 * SIZE_MAX when too few are there to tell. */
static size_t size_of(const struct sum_frame_form *form, struct span rest)
{
    if (rest.data[0] != SUM_FRAME_START || !form->may_begin(rest))
        return 0;
    return rest.len > form->length_at
               ? form->length_at + 1 + rest.data[form->length_at] + TAIL
               : SIZE_MAX;
}

enum scan sum_frame_scan(struct span bytes, const struct sum_frame_form *form,
                         size_t *at, size_t *size, struct decode_fault *fault)
{
    size_t begun_at = SIZE_MAX;
    struct decode_fault ignored;

    *fault = (struct decode_fault){.kind = DECODE_NONE};
    for (*at = 0; *at < bytes.len; ++*at) {
        struct span rest = span_of(bytes.data + *at, bytes.len - *at);

        *size = size_of(form, rest);
        if (*size == 0)
            continue;
        if (*size > rest.len)
            begun_at = begun_at == SIZE_MAX ? *at : begun_at;
        else if (frame_holds(span_of(rest.data, *size),
                             rest.data[form->length_at], *at,
                             fault->kind == DECODE_NONE ? fault : &ignored))
            return SCAN_FRAME;
    }
    *at = begun_at == SIZE_MAX ? bytes.len : begun_at;
    if (fault->kind == DECODE_NONE && bytes.len == 0)
        decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    else if (fault->kind == DECODE_NONE && begun_at != SIZE_MAX)
        decode_fail(fault, DECODE_TRUNCATED, bytes.len,
                    "the bytes end before the frame is whole");
    else if (fault->kind == DECODE_NONE)
        decode_fail(fault, DECODE_START, 0, "no frame begins here: %s",
                    form->start);
    return begun_at != SIZE_MAX || bytes.len == 0 ? SCAN_MORE : SCAN_NONE;
}
