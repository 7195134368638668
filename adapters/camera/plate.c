#include "plate.h"

#include <string.h>
#include <strings.h>

#include "gbk.h"
#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- what a kind is ------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *word;
    const char *color; /* of the one that has one */
    bool certain;      /* nothing foreign looks like it */
} kinds[] = {
    [PLATE_FOREIGN]      = { "foreign",                "",             false },
    [PLATE_INVALID]      = { "invalid",                "",             false },
    [PLATE_ORDINARY]     = { "ordinary",               "",             true },
    [PLATE_ENERGY_SMALL] = { "new-energy small",       "green",        true },
    [PLATE_ENERGY_LARGE] = { "new-energy large",       "yellow_green", true },
    [PLATE_TRAILER]      = { "trailer",                "yellow",       true },
    [PLATE_LEARNER]      = { "coach (learner)",        "yellow",       true },
    [PLATE_POLICE]       = { "police",                 "white",        true },
    [PLATE_HONG_KONG]    = { "Hong Kong cross-border", "black",        true },
    [PLATE_MACAU]        = { "Macau cross-border",     "black",        true },
    [PLATE_EMBASSY]      = { "embassy",                "black",        true },
    [PLATE_CONSULATE]    = { "consulate",              "black",        true },
    [PLATE_ARMED_POLICE] = { "armed police",           "white",        true },
    [PLATE_ARMY]         = { "army",                   "white",        false },
    [PLATE_TEMPORARY]    = { "temporary",              "",             true },
};

/*
 * A plate is turned into one sign a character: upper case ASCII as it is, a
 * Chinese character into a small letter, any other into '?'.
 */
static const struct {
    const char *characters;
    char sign;
} chinese[] = {
    { "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新", 'p' },
    { "挂", 't' },
    { "学", 'l' },
    { "警", 'c' },
    { "港", 'k' },
    { "澳", 'm' },
    { "使", 'e' },
    { "领", 's' },
    { "临", 'x' },
};

/*
 * GA 36-2018.  A sign stands for itself, and
 *   @ a letter   # a digit   * either   % the letter of a new-energy plate
 *   + a digit or a letter of the armed police
 */
static const struct shape {
    const char *signs;
    enum plate_kind kind;
    const char *province; /* when only one has it */
    unsigned letters_max; /* behind the second character */
} shapes[] = {
    { "p@*****",  PLATE_ORDINARY,     "",   2 },
    { "p@%*####", PLATE_ENERGY_SMALL, "",   2 },
    { "p@#####%", PLATE_ENERGY_LARGE, "",   1 },
    { "p@****t",  PLATE_TRAILER,      "",   4 },
    { "p@****l",  PLATE_LEARNER,      "",   4 },
    { "p@****c",  PLATE_POLICE,       "",   4 },
    { "pZ****k",  PLATE_HONG_KONG,    "粤", 4 },
    { "pZ****m",  PLATE_MACAU,        "粤", 4 },
    { "e######",  PLATE_EMBASSY,      "",   0 },
    { "######e",  PLATE_EMBASSY,      "",   0 },
    { "p@****s",  PLATE_CONSULATE,    "",   4 },
    { "######s",  PLATE_CONSULATE,    "",   0 },
    { "WJp####",  PLATE_ARMED_POLICE, "",   0 },
    { "WJp####+", PLATE_ARMED_POLICE, "",   1 },
    { "@@#####",  PLATE_ARMY,         "",   0 },
    { "x@#####",  PLATE_TEMPORARY,    "",   0 },
    { "p@x####",  PLATE_TEMPORARY,    "",   0 },
    { "p@x#####", PLATE_TEMPORARY,    "",   0 },
    { "p@####x",  PLATE_TEMPORARY,    "",   0 },
    { "p@#####x", PLATE_TEMPORARY,    "",   0 },
};

static const char *const nothing[] = {
    "", "unknown", "<unknown>", "noPlate", "no plate", "_无_", "无牌",
    "无牌车", "无车牌", "未识别",
};
/* clang-format on */

static const char pure_letters[] = "DABCE";
static const char mixed_letters[] = "FGHJK";
static const char armed_letters[] = "XBTSHJD";

const char *plate_kind_word(enum plate_kind kind)
{
    return kinds[kind].word;
}

bool plate_is_none(struct span text)
{
    while (text.len > 0 && *text.data == ' ')
        text = span_of(text.data + 1, text.len - 1);
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    for (size_t i = 0; i < COUNT(nothing); i++)
        if (strlen(nothing[i]) == text.len &&
            (text.len == 0 ||
             strncasecmp((const char *)text.data, nothing[i], text.len) == 0))
            return true;
    return false;
}

/* ---- a text as signs ----------------------------------------------------- */

#define SIGNS_MAX 16 /* no plate has as many */

struct signs {
    char at[SIGNS_MAX + 1];
    size_t offset[SIGNS_MAX]; /* of each in the text */
};

static bool is_separator(struct span character)
{
    static const char *const separators[] = {" ", "\t", "-", ".", "·", "•"};

    for (size_t i = 0; i < COUNT(separators); i++)
        if (span_equal_text(character, separators[i]))
            return true;
    return false;
}

static char sign_of(struct span character)
{
    if (character.len == 1)
        return *character.data >= 'a' && *character.data <= 'z'
                   ? (char)(*character.data - 'a' + 'A')
                   : (char)*character.data;
    for (size_t i = 0; i < COUNT(chinese); i++)
        for (const char *at = chinese[i].characters; *at != 0; at += 3)
            if (span_equal(character, span_of(at, 3)))
                return chinese[i].sign;
    return '?';
}

static void take_character(struct plate *plate, struct signs *signs,
                           struct span character, size_t offset)
{
    char sign = sign_of(character);
    size_t have = strlen(plate->text);

    if (plate->length < SIGNS_MAX) {
        signs->at[plate->length] = sign;
        signs->offset[plate->length] = offset;
    }
    plate->length++;
    if (have + character.len >= sizeof plate->text)
        return;
    memcpy(plate->text + have, character.data, character.len);
    if (character.len == 1)
        plate->text[have] = sign; /* the upper case */
}

static bool take_text(struct plate *plate, struct signs *signs,
                      struct span text)
{
    for (size_t at = 0; at < text.len;) {
        struct span left = span_of(text.data + at, text.len - at);
        size_t step = text_character(left);

        if (step == 0)
            return decode_fail(&plate->fault, DECODE_SYNTAX, at,
                               "this is not UTF-8");
        if (!is_separator(span_of(left.data, step)))
            take_character(plate, signs, span_of(left.data, step), at);
        at += step;
    }
    return true;
}

/* ---- shapes -------------------------------------------------------------- */

static bool is_one_of(char sign, const char *set)
{
    return sign != 0 && strchr(set, sign) != NULL;
}

static bool is_digit(char sign)
{
    return sign >= '0' && sign <= '9';
}

static bool is_letter(char sign) /* I and O are not used */
{
    return sign >= 'A' && sign <= 'Z' && sign != 'I' && sign != 'O';
}

static bool fits_sign(char sign, char wanted)
{
    switch (wanted) {
    case '@':
        return is_letter(sign);
    case '#':
        return is_digit(sign);
    case '*':
        return is_letter(sign) || is_digit(sign);
    case '%':
        return is_one_of(sign, pure_letters) || is_one_of(sign, mixed_letters);
    case '+':
        return is_digit(sign) || is_one_of(sign, armed_letters);
    default:
        return sign == wanted;
    }
}

static unsigned letters_behind(const struct signs *signs)
{
    unsigned count = 0;

    for (const char *at = signs->at + 2; *at != 0; at++)
        count += is_letter(*at);
    return count;
}

static bool fits(const struct plate *plate, const struct signs *signs,
                 const struct shape *shape)
{
    size_t length = strlen(shape->signs);

    if (plate->length != length ||
        strncmp(plate->text, shape->province, strlen(shape->province)) != 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!fits_sign(signs->at[i], shape->signs[i]))
            return false;
    return letters_behind(signs) <= shape->letters_max;
}

static void note_fuel(struct plate *plate, const struct signs *signs)
{
    if (plate->kind != PLATE_ENERGY_SMALL && plate->kind != PLATE_ENERGY_LARGE)
        return;
    plate->fuel = signs->at[plate->kind == PLATE_ENERGY_SMALL ? 2 : 7];
    plate->pure = is_one_of(plate->fuel, pure_letters);
}

/* ---- why it is none ------------------------------------------------------ */

static bool claims_china(const struct signs *signs)
{
    return strchr("pesx", signs->at[0] == 0 ? '-' : signs->at[0]) != NULL ||
           strncmp(signs->at, "WJp", 3) == 0;
}

static bool fault_of_sign(struct plate *plate, const struct signs *signs,
                          unsigned i)
{
    char sign = signs->at[i];
    size_t offset = signs->offset[i];

    if (sign == 'I' || sign == 'O')
        return decode_fail(&plate->fault, DECODE_VALUE, offset,
                           "letter %c is not used; nor is %c", sign,
                           sign == 'I' ? 'O' : 'I');
    if (i == 1 && signs->at[0] == 'p' && !is_letter(sign))
        return decode_fail(&plate->fault, DECODE_VALUE, offset,
                           "character 2 is not a letter");
    if (sign == '?' || (sign < 0x7f && sign > 0 && !is_letter(sign) &&
                        !is_digit(sign) && !(sign >= 'a' && sign <= 'z')))
        return decode_fail(&plate->fault, DECODE_VALUE, offset,
                           "character %u is in no plate; allowed are letters, "
                           "digits and a plate's own characters",
                           i + 1);
    return true;
}

static void explain(struct plate *plate, const struct signs *signs)
{
    if (plate->length != 7 && plate->length != 8) {
        decode_fail(&plate->fault, DECODE_LENGTH, 0,
                    "%u characters; a plate has 7, one of new energy 8",
                    plate->length);
        return;
    }
    for (unsigned i = 0; i < plate->length; i++)
        if (!fault_of_sign(plate, signs, i))
            return;
    decode_fail(&plate->fault, DECODE_VALUE, 0,
                plate->length == 8
                    ? "8 characters, and no letter of new energy in its place"
                    : "7 characters in an order that no kind of plate has");
}

void plate_read(struct span text, struct plate *plate)
{
    struct signs signs = {0};

    *plate = (struct plate){.kind = PLATE_FOREIGN, .color = ""};
    if (!take_text(plate, &signs, text))
        return;
    for (size_t i = 0; i < COUNT(shapes); i++)
        if (fits(plate, &signs, &shapes[i])) {
            plate->kind = shapes[i].kind;
            plate->color = kinds[plate->kind].color;
            note_fuel(plate, &signs);
            return;
        }
    if (plate->length == 0)
        decode_fail(&plate->fault, DECODE_EMPTY, 0, "there is no plate");
    else if (!claims_china(&signs))
        decode_fail(&plate->fault, DECODE_UNKNOWN, 0,
                    "it does not begin as a Chinese plate");
    else {
        plate->kind = PLATE_INVALID;
        explain(plate, &signs);
    }
}

const char *plate_settle_color(const struct plate *plate, const char *color)
{
    bool energy =
        plate->kind == PLATE_ENERGY_SMALL || plate->kind == PLATE_ENERGY_LARGE;

    if (energy || (*color == 0 && kinds[plate->kind].certain))
        return plate->color;
    return color;
}

/* ---- for --decode -------------------------------------------------------- */

static bool describe(const struct plate *plate, json_t *details)
{
    bool failed =
        json_object_set_new(details, "plate", json_string(plate->text)) != 0 ||
        json_object_set_new(details, "kind",
                            json_string(plate_kind_word(plate->kind))) != 0 ||
        json_object_set_new(details, "length", json_integer(plate->length)) !=
            0;

    if (*plate->color != 0)
        failed |= json_object_set_new(details, "expect_color",
                                      json_string(plate->color)) != 0;
    if (plate->fuel != 0)
        failed |= json_object_set_new(
                      details, "fuel",
                      json_sprintf("%s (%c)",
                                   plate->pure ? "pure electric" : "non-pure",
                                   plate->fuel)) != 0;
    return !failed;
}

bool plate_decode(struct span text, json_t *details, struct decode_fault *fault)
{
    struct bytes utf8 = BYTES_EMPTY;
    struct plate plate;
    bool good = false;

    if (gbk_append(&utf8, text) != STATUS_OK) {
        decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
        goto out;
    }
    plate_read(bytes_view(&utf8), &plate);
    if (plate.fault.kind != DECODE_NONE) {
        *fault = plate.fault;
        fault->offset = gbk_offset(text, fault->offset);
        goto out;
    }
    good = describe(&plate, details) ||
           decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
out:
    bytes_free(&utf8);
    return good;
}
