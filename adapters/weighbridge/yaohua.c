/*
 * Yaohua XK3190-A9 and relatives (KLD2008, A6, D10).
 *
 * Continuous (tF = 0): 02, sign, six digits, decimal places, check, 03; the
 * check is the XOR of the bytes between 02 and itself, as two characters.
 * The frame has no unit and tells neither motion nor overload nor tare.
 * Command mode (tF = 1) puts address and command in front, under the check.
 */
#include "yaohua.h"

#include "form.h"

#define CONTINUOUS "SsddddddphhE"
#define COMMAND "SAchhE"
#define COMMAND_WEIGHT "SAcsddddddphhE"

/* The check stands in front of the 03. */
static bool check_right(struct span frame, struct decode_fault *fault)
{
    const uint8_t own = form_xor(span_of(frame.data + 1, frame.len - 4));
    const uint8_t sent = form_hex(frame.data + frame.len - 3);

    return own == sent ||
           decode_fail(fault, DECODE_CHECKSUM, frame.len - 3,
                       "the XOR of the bytes is %02X, the frame says %02X", own,
                       sent);
}

/* Sign, six digits, places. */
static void weight_read(const uint8_t *at, struct weight *weight)
{
    form_number(span_of(at + 1, 6), false, false, weight);
    weight->places = (uint8_t)(at[7] - '0');
    if (at[0] == '-')
        weight->unscaled = -weight->unscaled;
}

static enum match framed(struct span bytes, const char *form, size_t form_size,
                         size_t weight_at, size_t *size, struct weight *weight,
                         struct decode_fault *fault)
{
    const enum match match = form_match(bytes, form, fault);

    if (match != MATCH_WHOLE)
        return match;
    *weight = (struct weight){0};
    *size = form_size;
    if (!check_right(span_of(bytes.data, form_size), fault))
        return MATCH_BAD;
    if (weight_at > 0)
        weight_read(bytes.data + weight_at, weight);
    return MATCH_WHOLE;
}

static enum match continuous_match(struct span bytes, bool last,
                                   const struct scale_options *options,
                                   size_t *size, struct weight *weight,
                                   struct decode_fault *fault)
{
    (void)last;
    (void)options;
    return framed(bytes, CONTINUOUS, sizeof CONTINUOUS - 1, 1, size, weight,
                  fault);
}

/* A sign in the place of the check makes it a reply with a weight. */
static enum match command_match(struct span bytes, bool last,
                                const struct scale_options *options,
                                size_t *size, struct weight *weight,
                                struct decode_fault *fault)
{
    enum match match;

    (void)last;
    (void)options;
    if (bytes.len <= 3 || (bytes.data[3] != '+' && bytes.data[3] != '-'))
        return framed(bytes, COMMAND, sizeof COMMAND - 1, 0, size, weight,
                      fault);
    match = framed(bytes, COMMAND_WEIGHT, sizeof COMMAND_WEIGHT - 1, 3, size,
                   weight, fault);
    if (match == MATCH_WHOLE)
        weight->mode = bytes.data[2] == YAOHUA_GROSS ? MODE_GROSS
                       : bytes.data[2] == 'C'        ? MODE_TARE
                       : bytes.data[2] == 'D'        ? MODE_NET
                                                     : MODE_UNSAID;
    return match;
}

static bool describe_weight(struct span frame, size_t at, json_t *object)
{
    return describe_text(object, "sign", span_of(frame.data + at, 1)) &&
           describe_text(object, "digits", span_of(frame.data + at + 1, 6)) &&
           describe_set(object, "decimals",
                        json_integer(frame.data[at + 7] - '0'));
}

static bool describe_check(struct span frame, json_t *object)
{
    return describe_text(object, "xor", span_of(frame.data + frame.len - 3, 2));
}

static bool continuous_describe(struct span frame, const struct weight *weight,
                                json_t *object)
{
    (void)weight;
    return describe_check(frame, object) && describe_weight(frame, 1, object);
}

static bool command_describe(struct span frame, const struct weight *weight,
                             json_t *object)
{
    return describe_check(frame, object) &&
           describe_text(object, "address", span_of(frame.data + 1, 1)) &&
           describe_text(object, "command", span_of(frame.data + 2, 1)) &&
           (!weight->has_value || describe_weight(frame, 3, object));
}

const struct scale_model yaohua_continuous = {
    .name = "yaohua-a9-continuous",
    .about = "Yaohua XK3190-A9, A9+, A6, D10, KLD2008 (tF = 0): it sends all "
             "the time",
    .checked = true,
    .match = continuous_match,
    .describe = continuous_describe,
};

const struct scale_model yaohua_command = {
    .name = "yaohua-a9-command",
    .about = "the same indicators (tF = 1): they answer when asked",
    .checked = true,
    .match = command_match,
    .describe = command_describe,
};

void yaohua_ask(char address, char command,
                uint8_t out[static YAOHUA_ASK_BYTES])
{
    static const char nibbles[] = "0123456789ABCDEF";
    const uint8_t check = (uint8_t)(address ^ command);

    out[0] = 0x02;
    out[1] = (uint8_t)address;
    out[2] = (uint8_t)command;
    out[3] = (uint8_t)nibbles[check >> 4];
    out[4] = (uint8_t)nibbles[check & 15];
    out[5] = 0x03;
}
