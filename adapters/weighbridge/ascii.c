/*
 * Indicators that send text.
 *
 *   yaohua-d2     =51.070=51.070      digits from right to left: 070.15
 *   xk3118t1      =00004.8(kg)        the same sign in front, not reversed
 *   yaohua-a12    wn-0000.1kg         ww gross, wn net, wt tare
 *   st-gs         ST,GS,+  13.88kg    ST still, US moving, OL overload;
 *                                     GS gross, NT net, TR tare; others of the
 *                                     family have blanks in front of the sign,
 *                                     or a comma before the unit
 *   slash-index   +007.12/3 G S       a number for stability, letters
 *
 * None has a check.  A frame ends with its unit or with a line end, never with
 * the last byte that happens to be there: a torn number is a wrong number.
 */
#include "form.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 40

static bool is_line_end(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
}

/* The unit at the start of text: its length, 0 when there is none, or when
 * more has to come to know. */
static size_t unit_read(struct span text, enum weight_unit *unit)
{
    static const struct {
        const char *word;
        enum weight_unit unit;
    } units[] = {
        {"kg", UNIT_KG}, {"lb", UNIT_LB}, {"t", UNIT_T}, {"g", UNIT_G}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const size_t len = strlen(units[i].word);

        if (text.len >= len &&
            strncasecmp((const char *)text.data, units[i].word, len) == 0) {
            *unit = units[i].unit;
            return len;
        }
    }
    return 0;
}

/* A word of two letters, one of words; *index says which. */
static enum match word_match(struct span bytes, size_t at,
                             const char *const words[], size_t count,
                             const char *allowed, size_t *index,
                             struct decode_fault *fault)
{
    const size_t there = bytes.len <= at ? 0 : bytes.len - at;
    const size_t len = strlen(words[0]);

    for (*index = 0; *index < count; (*index)++)
        if (memcmp(bytes.data + at, words[*index], there < len ? there : len) ==
            0)
            return there < len ? match_more(fault, bytes.len, allowed)
                               : MATCH_WHOLE;
    return match_bad(fault, at == 0 ? DECODE_START : DECODE_VALUE, at, allowed);
}

static size_t blanks_skip(struct span bytes, size_t at)
{
    while (at < bytes.len && bytes.data[at] == ' ' && at < LINE_MAX_BYTES)
        at++;
    return at;
}

/* Behind the number: blanks, perhaps a comma, and a unit, or a line end.  *at
 * moves behind it. */
static enum match tail_match(struct span bytes, size_t *at,
                             struct weight *weight, struct decode_fault *fault)
{
    size_t i = blanks_skip(bytes, *at);
    const bool comma = i < bytes.len && bytes.data[i] == ',';
    size_t len;

    i = blanks_skip(bytes, i + comma);
    if (i >= LINE_MAX_BYTES)
        return match_bad(fault, DECODE_LIMIT, i, "the line is too long");
    if (i == bytes.len)
        return match_more(fault, i, "neither a unit nor a line end follows");
    if (!comma && is_line_end(bytes.data[i])) {
        *at = i;
        return MATCH_WHOLE;
    }
    len = unit_read(span_of(bytes.data + i, bytes.len - i), &weight->unit);
    if (len > 0) {
        *at = i + len;
        return MATCH_WHOLE;
    }
    /* "k" of "kg" */
    if (i + 1 == bytes.len && strchr("kKlL", bytes.data[i]) != NULL &&
        bytes.data[i] != 0)
        return match_more(fault, i + 1, "the unit is not whole");
    return match_bad(fault, DECODE_VALUE, i,
                     "behind the number stands kg, t, lb, g or a line end");
}

/* [sign] number, blanks around the sign when blanks; *at moves behind it. */
static enum match number_match(struct span bytes, size_t *at, bool blanks,
                               struct weight *weight,
                               struct decode_fault *fault)
{
    bool negative = false;
    size_t len;

    if (blanks)
        *at = blanks_skip(bytes, *at);
    if (*at < bytes.len && (bytes.data[*at] == '+' || bytes.data[*at] == '-')) {
        negative = bytes.data[*at] == '-';
        (*at)++;
    }
    len = *at >= bytes.len
              ? 0
              : form_number(span_of(bytes.data + *at, bytes.len - *at), blanks,
                            true, weight);
    if (len == 0) {
        size_t i = *at;

        /* so far it may still become one */
        while (i < bytes.len && i < LINE_MAX_BYTES &&
               ((blanks && bytes.data[i] == ' ') || isdigit(bytes.data[i]) ||
                (bytes.data[i] == '.' && i + 1 == bytes.len)))
            i++;
        if (i == bytes.len && i - *at < 16)
            return match_more(fault, i, "the number is not whole");
        return match_bad(fault, DECODE_VALUE, i,
                         "here stands a number of at most 9 digits");
    }
    *at += len;
    if (*at == bytes.len)
        return match_more(fault, *at, "the number may go on");
    if (negative)
        weight->unscaled = -weight->unscaled;
    return MATCH_WHOLE;
}

/* ---- st-gs -------------------------------------------------------------- */

/* "OL,GS,+" with blanks, or something, where the number would be. */
static enum match overload_match(struct span bytes, size_t *at,
                                 struct weight *weight,
                                 struct decode_fault *fault)
{
    weight->overload = true;
    while (*at < bytes.len && *at < LINE_MAX_BYTES &&
           !is_line_end(bytes.data[*at])) {
        if (bytes.data[*at] < ' ' || bytes.data[*at] > '~')
            return match_bad(fault, DECODE_VALUE, *at, "this is no text");
        (*at)++;
    }
    if (*at >= LINE_MAX_BYTES)
        return match_bad(fault, DECODE_LIMIT, *at, "the line is too long");
    return *at == bytes.len ? match_more(fault, *at, "no line end follows")
                            : MATCH_WHOLE;
}

static enum match st_match(struct span bytes, bool last,
                           const struct scale_options *options, size_t *size,
                           struct weight *weight, struct decode_fault *fault)
{
    static const char *const motions[] = {"ST,", "US,", "OL,"};
    static const char *const modes[] = {"GS,", "NT,", "TR,"};
    static const enum weight_mode mode_of[] = {MODE_GROSS, MODE_NET, MODE_TARE};
    size_t motion;
    size_t mode;
    enum match match;

    (void)last;
    (void)options;
    *size = 6;
    *weight = (struct weight){0};
    match = word_match(bytes, 0, motions, 3, "a line begins with ST, US or OL",
                       &motion, fault);
    if (match == MATCH_WHOLE)
        match = word_match(bytes, 3, modes, 3, "GS, NT or TR comes next", &mode,
                           fault);
    if (match != MATCH_WHOLE)
        return match;
    weight->mode = mode_of[mode];
    if (motion == 2)
        return overload_match(bytes, size, weight, fault);
    weight->motion = motion == 0 ? MOTION_STILL : MOTION_MOVING;
    match = number_match(bytes, size, true, weight, fault);
    return match == MATCH_WHOLE ? tail_match(bytes, size, weight, fault)
                                : match;
}

/* ---- yaohua-a12 --------------------------------------------------------- */

static enum match a12_match(struct span bytes, bool last,
                            const struct scale_options *options, size_t *size,
                            struct weight *weight, struct decode_fault *fault)
{
    static const char *const modes[] = {"ww", "wn", "wt"};
    static const enum weight_mode mode_of[] = {MODE_GROSS, MODE_NET, MODE_TARE};
    size_t mode;
    enum match match;

    (void)last;
    (void)options;
    *size = 2;
    *weight = (struct weight){0};
    match = word_match(bytes, 0, modes, 3, "a line begins with ww, wn or wt",
                       &mode, fault);
    if (match != MATCH_WHOLE)
        return match;
    weight->mode = mode_of[mode];
    match = number_match(bytes, size, true, weight, fault);
    return match == MATCH_WHOLE ? tail_match(bytes, size, weight, fault)
                                : match;
}

/* ---- xk3118t1 ----------------------------------------------------------- */

/* "(kg)" */
static enum match bracket_match(struct span bytes, size_t *at,
                                struct weight *weight,
                                struct decode_fault *fault)
{
    size_t len;

    if (bytes.data[*at] != '(')
        return match_bad(fault, DECODE_VALUE, *at,
                         "behind the number stands (kg), (t), (lb) or (g)");
    (*at)++;
    len = unit_read(span_of(bytes.data + *at, bytes.len - *at), &weight->unit);
    if (len > 0 && *at + len < bytes.len && bytes.data[*at + len] == ')') {
        *at += len + 1;
        return MATCH_WHOLE;
    }
    if (*at + (len > 0 ? len : 1) >= bytes.len)
        return match_more(fault, bytes.len, "the unit's bracket is open");
    return match_bad(fault, DECODE_VALUE, *at, "the unit is kg, t, lb or g");
}

static enum match xk3118_match(struct span bytes, bool last,
                               const struct scale_options *options,
                               size_t *size, struct weight *weight,
                               struct decode_fault *fault)
{
    enum match match;

    (void)last;
    (void)options;
    *size = 1;
    *weight = (struct weight){0};
    if (bytes.data[0] != '=')
        return match_bad(fault, DECODE_START, 0, "a frame begins with =");
    match = number_match(bytes, size, false, weight, fault);
    return match == MATCH_WHOLE ? bracket_match(bytes, size, weight, fault)
                                : match;
}

/* ---- yaohua-d2 ---------------------------------------------------------- */

#define REVERSED_LEAST 4
#define REVERSED_MOST 9

/*
 * = digits (with one point) [-], the lowest digit first; the next frame's =,
 * or a line end, shows where it ends.
 */
static enum match d2_match(struct span bytes, bool last,
                           const struct scale_options *options, size_t *size,
                           struct weight *weight, struct decode_fault *fault)
{
    uint8_t number[REVERSED_MOST];
    size_t len = 0;
    bool negative;
    size_t end = 1;

    (void)options;
    *weight = (struct weight){0};
    if (bytes.data[0] != '=')
        return match_bad(fault, DECODE_START, 0, "a frame begins with =");
    while (end < bytes.len && end <= REVERSED_MOST &&
           (isdigit(bytes.data[end]) || bytes.data[end] == '.'))
        end++;
    negative = end < bytes.len && bytes.data[end] == '-';
    for (size_t i = end; i-- > 1;)
        number[len++] = bytes.data[i];
    end += negative;
    if (end == bytes.len)
        return match_more(fault, end, "the next = shows where it ends");
    if (len < REVERSED_LEAST ||
        (bytes.data[end] != '=' && !is_line_end(bytes.data[end])) ||
        form_number(span_of(number, len), false, true, weight) != len)
        return match_bad(fault, DECODE_VALUE, end,
                         "between two = stand 4 to 9 digits and a point, then "
                         "perhaps a -");
    if (negative)
        weight->unscaled = -weight->unscaled;
    /* the last = of what there is belongs to no other frame */
    *size = end + (last && bytes.data[end] == '=' && end + 1 == bytes.len);
    return MATCH_WHOLE;
}

/* ---- slash-index -------------------------------------------------------- */

static enum match slash_match(struct span bytes, bool last,
                              const struct scale_options *options, size_t *size,
                              struct weight *weight, struct decode_fault *fault)
{
    enum match match;

    (void)last;
    (void)options;
    *size = 0;
    *weight = (struct weight){0};
    if (bytes.data[0] != '+' && bytes.data[0] != '-')
        return match_bad(fault, DECODE_START, 0, "a line begins with + or -");
    match = number_match(bytes, size, false, weight, fault);
    if (match != MATCH_WHOLE)
        return match;
    if (bytes.data[*size] != '/')
        return match_bad(fault, DECODE_VALUE, *size,
                         "/ and the index follow the number");
    if (++*size == bytes.len)
        return match_more(fault, *size, "the index is missing");
    if (!isdigit(bytes.data[*size]))
        return match_bad(fault, DECODE_VALUE, *size, "the index is a digit");
    for (++*size; *size < bytes.len && !is_line_end(bytes.data[*size]);
         ++*size) {
        if (bytes.data[*size] != ' ' && !isupper(bytes.data[*size]))
            return match_bad(fault, DECODE_VALUE, *size,
                             "capital letters follow the index");
        if (*size >= LINE_MAX_BYTES)
            return match_bad(fault, DECODE_LIMIT, *size,
                             "the line is too long");
        if (bytes.data[*size] == 'N')
            weight->mode = MODE_NET;
        if (bytes.data[*size] == 'G')
            weight->mode = MODE_GROSS;
    }
    return *size == bytes.len ? match_more(fault, *size, "no line end follows")
                              : MATCH_WHOLE;
}

static bool slash_describe(struct span frame, const struct weight *weight,
                           json_t *object)
{
    const uint8_t *slash = memchr(frame.data, '/', frame.len);
    const size_t flags_at = (size_t)(slash - frame.data) + 2;

    (void)weight;
    return describe_set(object, "stability_index",
                        json_integer(slash[1] - '0')) &&
           describe_text(object, "flags",
                         span_of(frame.data + flags_at, frame.len - flags_at));
}

/* ---- by shape ----------------------------------------------------------- */

static const struct scale_model *const shapes[] = {
    &yaohua_d2, &xk3118t1, &yaohua_a12, &st_gs, &slash_index};
#define SHAPE_COUNT (sizeof shapes / sizeof shapes[0])

/* For --decode only: the one model whose frame this can be. */
static enum match shape_match(struct span bytes, bool last,
                              const struct scale_options *options, size_t *size,
                              struct weight *weight, struct decode_fault *fault)
{
    struct decode_fault own = {0};
    struct weight candidate;
    size_t candidate_size;
    unsigned whole = 0;
    bool more = false;

    match_bad(fault, DECODE_START, 0, "no frame that is known begins here");
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        const enum match match = shapes[i]->match(
            bytes, last, options, &candidate_size, &candidate, &own);

        if (match == MATCH_WHOLE) {
            whole++;
            *size = candidate_size;
            *weight = candidate;
        } else if (match == MATCH_MORE || (!more && own.kind != DECODE_START)) {
            /* what comes nearest explains best */
            *fault = own;
            more = more || match == MATCH_MORE;
        }
    }
    if (whole > 1)
        return match_bad(fault, DECODE_UNKNOWN, 0,
                         "several models send this: name the model");
    return whole == 1 ? MATCH_WHOLE : more ? MATCH_MORE : MATCH_BAD;
}

static bool shape_describe(struct span frame, const struct weight *weight,
                           json_t *object)
{
    return (frame.data[0] != '+' && frame.data[0] != '-') ||
           slash_describe(frame, weight, object);
}

const struct scale_model yaohua_d2 = {
    .name = "yaohua-d2",
    .about = "Yaohua D2, D2+ (tF = 2), A9 \"big display\": =51.070= is 70.15",
    .text = true,
    .match = d2_match,
};
const struct scale_model xk3118t1 = {
    .name = "xk3118t1",
    .about = "Yaohua XK3118T1: =00004.8(kg)",
    .text = true,
    .match = xk3118_match,
};
const struct scale_model yaohua_a12 = {
    .name = "yaohua-a12",
    .about = "Yaohua A12, A12E: ww00012.3kg",
    .text = true,
    .match = a12_match,
};
const struct scale_model st_gs = {
    .name = "st-gs",
    .about = "XK3102, DS-166, A&D, CAS and many others: ST,GS,+  13.88kg",
    .text = true,
    .match = st_match,
};
const struct scale_model slash_index = {
    .name = "slash-index",
    .about = "+007.12/3 G S: weight, stability index, letters",
    .text = true,
    .match = slash_match,
    .describe = slash_describe,
};
const struct scale_model scale_ascii = {
    .name = "scale-ascii",
    .about = "any of the five text models above, told by its shape",
    .text = true,
    .match = shape_match,
    .describe = shape_describe,
};
