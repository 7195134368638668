/*
 * Mettler Toledo continuous output.
 *
 *   02 SWA SWB SWC w1..w6 [t1..t6] 0D [CHK]
 *
 * 17 bytes, one more with a check, six less in the form without tare (Cardinal
 * 225).  Digits have blanks or zeros in front, no sign and no point.  Bit 7
 * may be the parity of a 7-bit port, so only seven bits of each byte are looked
 * at.  Of bits 5 and 6 of the status words only bit 5 is relied upon: real
 * frames have 2C, 31, 30, 20.
 *
 * Whether a check follows the CR is a setting of the indicator that no frame
 * tells; the byte behind the CR does: 02 begins the next frame.
 */
#include "form.h"

#define STX 0x02
#define CR 0x0d
#define LF 0x0a
#define FIELD 6
#define SHORT_CR 10 /* where the CR stands */
#define LONG_CR 16

static uint8_t low(struct span bytes, size_t at)
{
    return bytes.data[at] & 0x7f;
}

/* (- sum of the low seven bits, from STX to CR) and 7F. */
static uint8_t check_of(struct span bytes, size_t cr)
{
    unsigned sum = 0;

    for (size_t i = 0; i <= cr; i++)
        sum += low(bytes, i);
    return (uint8_t)((0u - sum) & 0x7f);
}

/* Blanks, then digits.  False: something else; *empty: blanks only. */
static bool field_read(struct span bytes, size_t at, struct weight *number,
                       bool *empty)
{
    uint8_t field[FIELD];

    *empty = true;
    for (size_t i = 0; i < FIELD; i++) {
        field[i] = low(bytes, at + i);
        *empty = *empty && field[i] == ' ';
    }
    return *empty ||
           form_number(span_of(field, FIELD), true, false, number) == FIELD;
}

/*
 * How many bytes there are behind the CR that belong to the frame.
 * WHOLE: *extra is 0 or 1.
 */
static enum match check_match(struct span bytes, bool last, size_t cr,
                              const struct scale_options *options,
                              size_t *extra, struct decode_fault *fault)
{
    const uint8_t own = check_of(bytes, cr);
    uint8_t sent;

    *extra = 0;
    if (options->check == CHECK_NONE)
        return MATCH_WHOLE;
    if (cr + 1 == bytes.len)
        return last && options->check == CHECK_MAYBE
                   ? MATCH_WHOLE
                   : match_more(fault, cr + 1, "a check may follow the CR");
    sent = low(bytes, cr + 1);
    if (options->check == CHECK_MAYBE && sent == STX && own == STX) {
        /* The check 02, or the next frame's first byte?  Behind a check there
         * is another 02. */
        if (cr + 2 < bytes.len && low(bytes, cr + 2) != STX)
            return MATCH_WHOLE;
        if (cr + 2 == bytes.len && !last)
            return match_more(fault, cr + 2, "a check may follow the CR");
    } else if (options->check == CHECK_MAYBE && (sent == STX || sent == LF) &&
               own != sent) {
        return MATCH_WHOLE;
    }
    if (sent != own) {
        decode_fail(fault, DECODE_CHECKSUM, cr + 1,
                    "the sum of the bytes is %02X, the frame says %02X", own,
                    sent);
        return MATCH_BAD;
    }
    *extra = 1;
    return MATCH_WHOLE;
}

static enum match head_match(struct span bytes, struct decode_fault *fault)
{
    if (low(bytes, 0) != STX)
        return match_bad(fault, DECODE_START, 0, "a frame begins with 02");
    for (size_t i = 1; i < 4 && i < bytes.len; i++)
        if ((low(bytes, i) & 0x20) == 0)
            return match_bad(fault, DECODE_VALUE, i,
                             "bit 5 of a status word is always set");
    return MATCH_WHOLE;
}

/* The six characters at, as far as they are there. */
static enum match digits_match(struct span bytes, size_t at,
                               struct decode_fault *fault)
{
    for (size_t i = at; i < at + FIELD; i++) {
        if (i >= bytes.len)
            return match_more(fault, bytes.len, "the frame ends before its CR");
        if (low(bytes, i) != ' ' &&
            (low(bytes, i) < '0' || low(bytes, i) > '9'))
            return match_bad(fault, DECODE_VALUE, i,
                             "here stands a digit or a blank");
    }
    return MATCH_WHOLE;
}

/* Everything up to the CR: *cr is where it stands. */
static enum match body_match(struct span bytes, size_t *cr,
                             struct decode_fault *fault)
{
    enum match match = digits_match(bytes, 4, fault);

    if (match != MATCH_WHOLE)
        return match;
    *cr = SHORT_CR;
    if (SHORT_CR < bytes.len && low(bytes, SHORT_CR) == CR)
        return MATCH_WHOLE;
    *cr = LONG_CR;
    match = digits_match(bytes, SHORT_CR, fault);
    if (match != MATCH_WHOLE)
        return match;
    if (LONG_CR >= bytes.len)
        return match_more(fault, bytes.len, "the frame ends before its CR");
    if (low(bytes, LONG_CR) != CR)
        return match_bad(fault, DECODE_LENGTH, LONG_CR,
                         "a CR follows the twelve digits");
    return MATCH_WHOLE;
}

static enum weight_unit unit_of(uint8_t swb, uint8_t swc)
{
    switch (swc & 7) {
    case 0:
        return (swb & 0x10) != 0 ? UNIT_KG : UNIT_LB;
    case 1:
        return UNIT_G;
    case 2:
        return UNIT_T;
    default:
        return UNIT_OTHER;
    }
}

static enum match weight_read(struct span bytes, size_t cr,
                              struct weight *weight, struct decode_fault *fault)
{
    const uint8_t decimal = low(bytes, 1) & 7;
    const uint8_t swb = low(bytes, 2);
    struct weight tare = {0};
    bool empty;
    bool tare_empty;

    *weight = (struct weight){0};
    if (!field_read(bytes, 4, weight, &empty))
        return match_bad(fault, DECODE_VALUE, 4,
                         "a weight is blanks, then digits");
    if (cr == LONG_CR && !field_read(bytes, SHORT_CR, &tare, &tare_empty))
        return match_bad(fault, DECODE_VALUE, SHORT_CR,
                         "a tare is blanks, then digits");
    weight->overload = (swb & 4) != 0;
    if (empty && !weight->overload)
        return match_bad(fault, DECODE_VALUE, 4,
                         "a weight is blank only when it is out of range");
    weight->zeros = (uint8_t)(decimal < 2 ? 2 - decimal : 0);
    weight->places = (uint8_t)(decimal > 2 ? decimal - 2 : 0);
    weight->mode = (swb & 1) != 0 ? MODE_NET : MODE_GROSS;
    if ((swb & 2) != 0)
        weight->unscaled = -weight->unscaled;
    weight->motion = (swb & 8) != 0 ? MOTION_MOVING : MOTION_STILL;
    weight->zero_lost = (swb & 0x40) != 0;
    weight->unit = unit_of(swb, low(bytes, 3));
    return MATCH_WHOLE;
}

static enum match mt_match(struct span bytes, bool last,
                           const struct scale_options *options, size_t *size,
                           struct weight *weight, struct decode_fault *fault)
{
    enum match match = head_match(bytes, fault);
    size_t cr = 0;
    size_t extra = 0;

    if (match == MATCH_WHOLE)
        match = body_match(bytes, &cr, fault);
    if (match == MATCH_WHOLE)
        match = weight_read(bytes, cr, weight, fault);
    if (match == MATCH_WHOLE)
        match = check_match(bytes, last, cr, options, &extra, fault);
    *size = cr + 1 + extra;
    return match;
}

/* The field as it is, without parity bits. */
static bool describe_field(struct span frame, size_t at, const char *key,
                           json_t *object)
{
    uint8_t field[FIELD];

    for (size_t i = 0; i < FIELD; i++)
        field[i] = low(frame, at + i);
    return describe_text(object, key, span_of(field, FIELD));
}

static json_t *factor_json(uint8_t decimal)
{
    static const double factors[] = {100, 10, 1, 0.1, 0.01, 0.001, 1e-4, 1e-5};

    return decimal <= 2 ? json_integer((json_int_t)factors[decimal])
                        : json_real(factors[decimal]);
}

static bool describe_status(struct span frame, json_t *object)
{
    static const int increments[] = {0, 1, 2, 5};
    const uint8_t swa = low(frame, 1);
    const uint8_t swb = low(frame, 2);
    const uint8_t swc = low(frame, 3);

    return describe_byte(object, "swa", swa) &&
           describe_byte(object, "swb", swb) &&
           describe_byte(object, "swc", swc) &&
           describe_set(object, "factor", factor_json(swa & 7)) &&
           describe_set(object, "increment",
                        json_integer(increments[swa >> 3 & 3])) &&
           describe_set(object, "net", json_boolean(swb & 1)) &&
           describe_set(object, "negative", json_boolean(swb & 2)) &&
           describe_set(object, "out_of_range", json_boolean(swb & 4)) &&
           describe_set(object, "motion", json_boolean(swb & 8)) &&
           describe_set(object, "kg", json_boolean(swb & 0x10)) &&
           describe_set(object, "zero_lost", json_boolean(swb & 0x40)) &&
           describe_set(object, "print_request", json_boolean(swc & 8)) &&
           describe_set(object, "expanded", json_boolean(swc & 0x10));
}

/* A tare has the places, and the doubt about zeros, of its weight. */
static bool describe_tare(struct span frame, const struct weight *weight,
                          json_t *object)
{
    struct weight tare = {0};
    bool empty = true;

    if (!describe_field(frame, SHORT_CR, "tare_field", object))
        return false;
    field_read(frame, SHORT_CR, &tare, &empty);
    tare.places = weight->places;
    return empty || weight->zeros > 0 ||
           describe_set(object, "tare",
                        tare.places == 0 ? json_integer(tare.unscaled)
                                         : json_real(weight_value(&tare)));
}

static bool mt_describe(struct span frame, const struct weight *weight,
                        json_t *object)
{
    const size_t cr =
        low(frame, SHORT_CR) == CR ? (size_t)SHORT_CR : (size_t)LONG_CR;

    return describe_status(frame, object) &&
           describe_field(frame, 4, "weight_field", object) &&
           (cr == SHORT_CR || describe_tare(frame, weight, object)) &&
           (cr + 1 == frame.len ||
            describe_byte(object, "chk", low(frame, cr + 1)));
}

const struct scale_model mt_continuous = {
    .name = "mt-continuous",
    .about = "Mettler Toledo continuous output (IND245, IND570, 8530 ...), "
             "and indicators set to Toledo format (DS822)",
    .whole = true,
    .match = mt_match,
    .describe = mt_describe,
};
