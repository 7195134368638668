#include "paper_codes.h"

#include <ctype.h>
#include <string.h>

#include "codes.h"

#define CODE_MAX 32

/* ---- reading ------------------------------------------------------------- */

struct code {
    char text[CODE_MAX + 1];
    size_t len;
    size_t offset; /* of its first character in the input */
};

static bool code_read(struct span input, struct code *code,
                      struct decode_fault *fault)
{
    size_t begin = 0;
    size_t end = input.len;

    while (begin < end && isspace(input.data[begin]))
        begin++;
    while (end > begin && isspace(input.data[end - 1]))
        end--;
    if (begin == end)
        return decode_fail(fault, DECODE_EMPTY, 0, "there is no code");
    if (end - begin > CODE_MAX)
        return decode_fail(fault, DECODE_LENGTH, begin,
                           "%zu bytes are no such code; the longest has %d",
                           end - begin, CODE_MAX);
    *code = (struct code){.len = end - begin, .offset = begin};
    memcpy(code->text, input.data + begin, code->len);
    return true;
}

static bool length_is(const struct code *code, size_t least, size_t most,
                      struct decode_fault *fault)
{
    if (code->len >= least && code->len <= most)
        return true;
    if (least == most)
        return decode_fail(fault, DECODE_LENGTH, code->offset,
                           "%zu characters; it has %zu", code->len, least);
    return decode_fail(fault, DECODE_LENGTH, code->offset,
                       "%zu characters; it has %zu or %zu", code->len, least,
                       most);
}

static bool all_of(const struct code *code, const char *alphabet,
                   struct decode_fault *fault)
{
    size_t good = strspn(code->text, alphabet);

    return good == code->len ||
           decode_fail(fault, DECODE_VALUE, code->offset + good,
                       "byte %02X in place %zu; allowed: %s",
                       (unsigned char)code->text[good], good + 1, alphabet);
}

static bool check_is(const struct code *code, size_t at, char expected,
                     const char *allowed, struct decode_fault *fault)
{
    return code->text[at] == expected ||
           decode_fail(fault, DECODE_CHECKSUM, code->offset + at,
                       "check character %c in place %zu; the others ask for "
                       "%c%s",
                       code->text[at], at + 1, expected, allowed);
}

/* object becomes frames' own; NULL: it could not be made. */
static bool give(json_t *frames, json_t *object, struct decode_fault *fault)
{
    return (object != NULL && json_array_append_new(frames, object) == 0) ||
           decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
}

/* ---- codes --------------------------------------------------------------- */

bool uscc_decode(struct span input, const char *content_type, json_t *frames,
                 struct decode_fault *fault)
{
    struct code code;
    const char *organisation = code.text + 8;

    (void)content_type;
    if (!code_read(input, &code, fault) ||
        !length_is(&code, USCC_LEN, USCC_LEN, fault) ||
        !all_of(&code, USCC_ALPHABET, fault) ||
        !check_is(&code, USCC_LEN - 1, uscc_check(code.text), "", fault))
        return false;
    return give(frames,
                json_pack("{s:s%, s:b, s:s%, s:s%, s:b}", "check_expected",
                          code.text + USCC_LEN - 1, (size_t)1, "valid", 1,
                          "region", code.text + 2, (size_t)6, "org_code",
                          organisation, (size_t)9, "org_check_ok",
                          organisation_check(organisation) == organisation[8]),
                fault);
}

bool vin_decode(struct span input, const char *content_type, json_t *frames,
                struct decode_fault *fault)
{
    struct code code;

    (void)content_type;
    if (!code_read(input, &code, fault) ||
        !length_is(&code, VIN_LEN, VIN_LEN, fault) ||
        !all_of(&code, VIN_ALPHABET, fault) ||
        !check_is(&code, VIN_CHECK_AT, vin_check(code.text),
                  "; imported and some special vehicles have none", fault))
        return false;
    return give(frames,
                json_pack("{s:s%, s:b}", "check_expected",
                          code.text + VIN_CHECK_AT, (size_t)1, "valid", 1),
                fault);
}

/* Of a Chinese card, by the two digits behind 8986; NULL: not known here. */
static const char *operator_of(const char *text)
{
    static const struct {
        char digits[3];
        const char *name;
    } rows[] = {
        {"00", "China Mobile"},  {"02", "China Mobile"},
        {"04", "China Mobile"},  {"07", "China Mobile"},
        {"08", "China Mobile"},  {"01", "China Unicom"},
        {"06", "China Unicom"},  {"09", "China Unicom"},
        {"03", "China Telecom"}, {"11", "China Telecom"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (memcmp(text + 4, rows[i].digits, 2) == 0)
            return rows[i].name;
    return NULL;
}

bool iccid_decode(struct span input, const char *content_type, json_t *frames,
                  struct decode_fault *fault)
{
    struct code code;
    bool hex;
    json_t *object;

    (void)content_type;
    if (!code_read(input, &code, fault) || !length_is(&code, 19, 20, fault) ||
        !all_of(&code, "0123456789ABCDEF", fault))
        return false;
    if (strncmp(code.text, "89", 2) != 0)
        return decode_fail(fault, DECODE_VALUE, code.offset,
                           "it begins with %.2s; a card's begins with 89",
                           code.text);
    hex = strspn(code.text, "0123456789") < code.len;
    object = json_pack("{s:i, s:o?}", "length", (int)code.len, "luhn_ok",
                       hex ? json_null() : json_boolean(luhn_holds(code.text)));
    if (hex)
        json_object_set_new(object, "has_hex", json_true());
    if (strncmp(code.text, "8986", 4) == 0) {
        const char *name = operator_of(code.text);

        json_object_set_new(object, "issuer", json_stringn(code.text, 6));
        if (name != NULL)
            json_object_set_new(object, "operator", json_string(name));
    }
    return give(frames, object, fault);
}

/* ---- data item codes ----------------------------------------------------- */

struct meaning {
    const char *digits;
    const char *words;
};

static const struct meaning object_classes[] = {
    {"01", "primary energy"},
    {"02", "secondary energy"},
    {"03", "energy-carrying medium"},
    {"04", "non-energy product"},
    {"05", "coal equivalent of primary energy"},
    {"06", "coal equivalent of secondary energy"},
    {"07", "coal equivalent of a medium"},
    {"08", "efficiency indicator"},
    {"09", "economic indicator"},
    {"10", "other"},
    {"11", "new energy indicator"},
    {"12", "carbon indicator"},
    {NULL, NULL},
};

static const struct meaning usages[] = {
    {"10", "purchase"},
    {"11", "purchase, consumed"},
    {"12", "purchase, not consumed"},
    {"20", "consumption, total"},
    {"21", "consumption, industrial"},
    {"22", "consumption, not industrial"},
    {"23", "consumption as raw material"},
    {"30", "output"},
    {"31", "output"},
    {"32", "output"},
    {"40", "recovery"},
    {"51", "opening stock"},
    {"52", "closing stock"},
    {"60", "supplied outside"},
    {"71", "indicator, checked"},
    {"72", "indicator, assessed"},
    {"80", "other"},
    {"81", "transport"},
    {"90", "conversion input"},
    {"91", "conversion input, thermal power"},
    {"92", "conversion input, heat"},
    {"93", "conversion input, coal washing"},
    {"94", "conversion input, coking"},
    {"95", "conversion input, refining"},
    {"96", "conversion input, gas making"},
    {"97", "conversion input, liquefied natural gas"},
    {"98", "conversion input, coal products"},
    {NULL, NULL},
};

static void add_meaning(json_t *object, const char *name, const char *digits,
                        const struct meaning *meanings)
{
    for (; meanings->digits != NULL; meanings++)
        if (memcmp(meanings->digits, digits, 2) == 0)
            json_object_set_new(object, name, json_string(meanings->words));
}

#define DATA_CODE_LEN 16

/* A written form: 0 is any digit. */
static bool form_fits(const struct code *code, const char *form)
{
    if (strlen(form) != code->len)
        return false;
    for (size_t i = 0; i < code->len; i++)
        if (form[i] == '-' ? code->text[i] != '-'
                           : !isdigit((unsigned char)code->text[i]))
            return false;
    return true;
}

static bool data_code_compact(const struct code *code,
                              char compact[static DATA_CODE_LEN + 1],
                              struct decode_fault *fault)
{
    static const char *const forms[] = {
        "0000000000000000", "00-00-0000-000000-00", "00-00-00-00-000000-00"};
    size_t len = 0;

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!form_fits(code, forms[i]))
            continue;
        for (size_t at = 0; at < code->len; at++)
            if (code->text[at] != '-')
                compact[len++] = code->text[at];
        compact[len] = 0;
        return true;
    }
    if (!all_of(code, "0123456789-", fault))
        return false;
    return decode_fail(fault, DECODE_LENGTH, code->offset,
                       "%zu characters; allowed: 16 digits, or with hyphens "
                       "as 04-01-0000-040200-30 or 04-01-00-00-040200-30",
                       code->len);
}

bool data_code_decode(struct span input, const char *content_type,
                      json_t *frames, struct decode_fault *fault)
{
    static const struct {
        const char *name;
        size_t at, len;
    } parts[] = {
        {"process", 0, 2},        {"unit", 2, 2},
        {"equipment_type", 4, 2}, {"equipment_no", 6, 2},
        {"object_class", 8, 2},   {"item", 10, 4},
        {"usage", 14, 2},
    };
    char compact[DATA_CODE_LEN + 1];
    struct code code;
    json_t *object;

    (void)content_type;
    if (!code_read(input, &code, fault) ||
        !data_code_compact(&code, compact, fault))
        return false;
    object = json_pack("{s:s}", "compact", compact);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        json_object_set_new(object, parts[i].name,
                            json_stringn(compact + parts[i].at, parts[i].len));
    add_meaning(object, "object_class_means", compact + 8, object_classes);
    add_meaning(object, "usage_means", compact + 14, usages);
    return give(frames, object, fault);
}
