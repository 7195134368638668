/*
 * Big-display BCD: FF, flags, three BCD bytes, the lowest pair of digits
 * first.  Flags: bits 0-2 decimal places, bit 4 still, bit 5 negative, bit 7
 * overload.  There is no check; FF is in no other byte, since the flags would
 * have seven places and BCD has no F.
 */
#include "form.h"

#define HEAD 0xff
#define SIZE 5
#define PLACES_MAX 5

static enum match display_match(struct span bytes, bool last,
                                const struct scale_options *options,
                                size_t *size, struct weight *weight,
                                struct decode_fault *fault)
{
    uint8_t flags;

    (void)last;
    (void)options;
    if (bytes.data[0] != HEAD)
        return match_bad(fault, DECODE_START, 0, "a frame begins with FF");
    *weight = (struct weight){.has_value = true};
    if (bytes.len > 1 && (bytes.data[1] & 7) > PLACES_MAX)
        return match_bad(fault, DECODE_VALUE, 1,
                         "bits 0-2 of the flags, the places, are 0 to 5");
    for (size_t i = 2; i < SIZE && i < bytes.len; i++)
        if ((bytes.data[i] & 15) > 9 || bytes.data[i] >> 4 > 9)
            return match_bad(fault, DECODE_VALUE, i, "here stands BCD");
    if (bytes.len < SIZE)
        return match_more(fault, bytes.len, "a frame has five bytes");
    for (size_t i = SIZE; i-- > 2;)
        weight->unscaled = weight->unscaled * 100 + (bytes.data[i] >> 4) * 10 +
                           (bytes.data[i] & 15);
    flags = bytes.data[1];
    weight->places = flags & 7;
    weight->motion = (flags & 0x10) != 0 ? MOTION_STILL : MOTION_MOVING;
    weight->overload = (flags & 0x80) != 0;
    if ((flags & 0x20) != 0)
        weight->unscaled = -weight->unscaled;
    *size = SIZE;
    return MATCH_WHOLE;
}

static bool display_describe(struct span frame, const struct weight *weight,
                             json_t *object)
{
    return describe_byte(object, "flags", frame.data[1]) &&
           describe_set(object, "decimals", json_integer(frame.data[1] & 7)) &&
           describe_set(object, "overload", json_boolean(weight->overload));
}

const struct scale_model big_display = {
    .name = "big-display",
    .about = "the output for a large display: FF, flags, three BCD bytes",
    .whole = true,
    .match = display_match,
    .describe = display_describe,
};
