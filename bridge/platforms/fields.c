#include "fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "picture.h"

#define NAME_MAX_SIZE 160
#define VALUE_SHOWN 40 /* bytes of a value that a fault shows */
#define CODES_SHOWN 12 /* codes of a table that a fault lists */
#define REAL_DIGITS 15 /* what a double holds of a decimal number */

/* ---- faults ------------------------------------------------------------- */

/* Leave room for the dots; a fault that does not fit is cut there. */
static void add(char *list, size_t size, const char *text)
{
    size_t used = strlen(list);
    const size_t room = size - sizeof "...";

    if (used >= room)
        return;
    used += (size_t)snprintf(list + used, size - used, "%s%s", used ? "; " : "",
                             text);
    if (used <= room)
        return;
    used = room;
    while (used > 0 && ((uint8_t)list[used] & 0xc0) == 0x80)
        used--; /* not inside a character */
    memcpy(list + used, "...", sizeof "...");
}

void faults_add_absent(struct faults *faults, const char *name)
{
    char text[NAME_MAX_SIZE + 16];

    snprintf(text, sizeof text, "%s is absent", name);
    add(faults->absent, sizeof faults->absent, text);
}

void faults_add_impossible(struct faults *faults, const char *format, ...)
{
    char raw[512];
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    /* A value may have been cut inside a character. */
    call_words(span_text(raw), text, sizeof text);
    add(faults->impossible, sizeof faults->impossible, text);
}

void faults_settle(const struct faults *faults, struct made *made)
{
    made->state = MADE_READY;
    if (faults->absent[0])
        made->state = MADE_HELD;
    if (faults->impossible[0])
        made->state = MADE_IMPOSSIBLE;
    made->reason[0] = '\0';
    if (faults->impossible[0])
        add(made->reason, sizeof made->reason, faults->impossible);
    if (faults->absent[0])
        add(made->reason, sizeof made->reason, faults->absent);
}

/* ---- one value ---------------------------------------------------------- */

struct checking {
    const struct field *field;
    const char *name; /* with prefix */
    const json_t *value;
    struct faults *faults;
};

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}

static void refuse_type(const struct checking *c, const char *wanted)
{
    faults_add_impossible(c->faults, "%s is %s; %s is wanted", c->name,
                          type_name(c->value), wanted);
}

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((uint8_t)*text & 0xc0) != 0x80;
    return count;
}

/* The length to cut text to, so that VALUE_SHOWN bytes hold whole characters.
 */
static int shown(const char *text)
{
    size_t len = strlen(text);

    if (len <= VALUE_SHOWN)
        return (int)len;
    len = VALUE_SHOWN;
    while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--;
    return (int)len;
}

static void check_length(const struct checking *c, const char *text)
{
    const struct field *field = c->field;
    size_t len = field->in_bytes ? strlen(text) : characters(text);
    const char *unit = field->in_bytes ? "bytes" : "characters";

    if (len >= field->min_len && (!field->max_len || len <= field->max_len))
        return;
    if (!field->max_len)
        faults_add_impossible(c->faults,
                              "%s has %zu %s; at least %zu are wanted", c->name,
                              len, unit, field->min_len);
    else if (field->min_len == field->max_len)
        faults_add_impossible(c->faults, "%s has %zu %s; %zu are wanted",
                              c->name, len, unit, field->max_len);
    else
        faults_add_impossible(c->faults, "%s has %zu %s; %zu to %zu are wanted",
                              c->name, len, unit, field->min_len,
                              field->max_len);
}

static void check_text(const struct checking *c)
{
    const char *text = json_string_value(c->value);

    if (!text) {
        refuse_type(c, "a string");
        return;
    }
    for (const char *at = text; *at; at++)
        if ((uint8_t)*at < 0x20 || *at == 0x7f) {
            faults_add_impossible(c->faults, "%s holds a control character",
                                  c->name);
            return;
        }
    check_length(c, text);
}

static void check_digits(const struct checking *c)
{
    const char *text = json_string_value(c->value);

    if (!text)
        refuse_type(c, "a string of digits");
    else if (text[strspn(text, "0123456789")])
        faults_add_impossible(c->faults, "%s is \"%.*s\"; digits are wanted",
                              c->name, shown(text), text);
    else
        check_length(c, text);
}

static void check_bounds(const struct checking *c, double number)
{
    const struct field *field = c->field;

    if (!isfinite(number) ||
        ((field->minimum != 0 || field->maximum != 0) &&
         (number < field->minimum || number > field->maximum)))
        faults_add_impossible(c->faults, "%s is %.*g; %.*g to %.*g are allowed",
                              c->name, REAL_DIGITS, number, REAL_DIGITS,
                              field->minimum, REAL_DIGITS, field->maximum);
}

static void check_number(const struct checking *c)
{
    const int decimals = c->field->decimals;
    double number;
    double scaled;

    if (!json_is_number(c->value)) {
        refuse_type(c, "a number");
        return;
    }
    number = json_number_value(c->value);
    scaled = number * pow(10, decimals);
    if (decimals >= 0 && isfinite(scaled) &&
        fabs(scaled - round(scaled)) > 1e-9 * fmax(1, fabs(scaled)))
        faults_add_impossible(c->faults,
                              "%s is %.*g; at most %d digits behind the point",
                              c->name, REAL_DIGITS, number, decimals);
    check_bounds(c, number);
}

static void check_decimal(const struct checking *c)
{
    const char *text = json_string_value(c->value);
    const char *at = text;
    size_t whole;
    size_t behind = 0;

    if (!text) {
        refuse_type(c, "a string with a decimal number");
        return;
    }
    at += *at == '-';
    whole = strspn(at, "0123456789");
    at += whole;
    if (*at == '.') {
        behind = strspn(++at, "0123456789");
        at += behind;
        whole = behind ? whole : 0; /* "12." is none */
    }
    if (*at || !whole) {
        faults_add_impossible(c->faults,
                              "%s is \"%.*s\"; a decimal number is wanted",
                              c->name, shown(text), text);
        return;
    }
    if (c->field->decimals >= 0 && behind > (size_t)c->field->decimals)
        faults_add_impossible(c->faults,
                              "%s is %.*s; at most %d digits behind the point",
                              c->name, shown(text), text, c->field->decimals);
    check_length(c, text);
    check_bounds(c, strtod(text, NULL));
}

static void refuse_code(const struct checking *c, const char *value)
{
    char allowed[256] = "";
    size_t used = 0;

    for (size_t i = 0; c->field->codes[i].value; i++) {
        if (i == CODES_SHOWN) {
            snprintf(allowed + used, sizeof allowed - used, " ...");
            break;
        }
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, " %s",
                                 c->field->codes[i].value);
        if (used >= sizeof allowed)
            break;
    }
    faults_add_impossible(c->faults, "%s is \"%.*s\"; allowed:%s", c->name,
                          shown(value), value, allowed);
}

static void check_code(const struct checking *c)
{
    const char *text = json_string_value(c->value);

    if (!text)
        refuse_type(c, "a string");
    else if (!code_find(c->field->codes, text))
        refuse_code(c, text);
}

static void check_integer(const struct checking *c)
{
    char text[32];

    if (!json_is_integer(c->value)) {
        refuse_type(c, "a whole number");
        return;
    }
    snprintf(text, sizeof text, "%lld",
             (long long)json_integer_value(c->value));
    if (!c->field->codes)
        check_bounds(c, json_number_value(c->value));
    else if (!code_find(c->field->codes, text))
        refuse_code(c, text);
}

static void check_date(const struct checking *c)
{
    const char *text = json_string_value(c->value);

    if (!text)
        refuse_type(c, "a string");
    else if (!fields_date_valid(text, c->field->format))
        faults_add_impossible(c->faults, "%s is \"%.*s\"; wanted: %s", c->name,
                              shown(text), text, c->field->format);
}

static void check_picture(const struct checking *c)
{
    const char *fault;

    if (picture_reference(c->value, NULL, NULL))
        return; /* looked at when it is sent */
    if (!json_is_string(c->value)) {
        refuse_type(c, "a picture");
        return;
    }
    fault = picture_fault(
        span_of(json_string_value(c->value), json_string_length(c->value)));
    if (fault)
        faults_add_impossible(c->faults, "%s %s", c->name, fault);
}

static void check_constant(const struct checking *c)
{
    const char *text = json_string_value(c->value);

    if (!text || strcmp(text, c->field->format) != 0)
        faults_add_impossible(c->faults, "%s is \"%.*s\"; wanted: %s", c->name,
                              text ? shown(text) : 0, text ? text : "",
                              c->field->format);
}

static void check_object(const struct checking *c)
{
    if (!json_is_object(c->value))
        refuse_type(c, "an object");
}

static void check_array(const struct checking *c)
{
    if (!json_is_array(c->value))
        refuse_type(c, "an array");
}

static void (*const checks[])(const struct checking *) = {
    [FIELD_TEXT] = check_text,         [FIELD_DIGITS] = check_digits,
    [FIELD_NUMBER] = check_number,     [FIELD_DECIMAL] = check_decimal,
    [FIELD_CODE] = check_code,         [FIELD_INTEGER] = check_integer,
    [FIELD_DATE] = check_date,         [FIELD_PICTURE] = check_picture,
    [FIELD_CONSTANT] = check_constant, [FIELD_OBJECT] = check_object,
    [FIELD_ARRAY] = check_array,
};

/* ---- a whole record ----------------------------------------------------- */

static bool blank(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && !text[strspn(text, " \t\r\n")];
}

static void check_field(const struct field *field, const json_t *record,
                        const char *prefix, struct faults *faults)
{
    const json_t *value = json_object_get(record, field->name);
    char name[NAME_MAX_SIZE];
    const struct checking checking = {field, name, value, faults};

    snprintf(name, sizeof name, "%s%s", prefix, field->name);
    if (!value || json_is_null(value)) {
        if (field->presence != OPTIONAL)
            faults_add_absent(faults, name);
        return;
    }
    if (blank(value)) {
        if (field->presence == MANDATORY)
            faults_add_absent(faults, name);
        return;
    }
    checks[field->kind](&checking);
}

static bool named(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

void fields_check(const struct field *fields, size_t count,
                  const json_t *record, const char *prefix,
                  struct faults *faults)
{
    const char *name;
    json_t *value;

    for (size_t i = 0; i < count; i++)
        check_field(&fields[i], record, prefix, faults);
    json_object_foreach((json_t *)record, name, value)
    {
        if (!named(fields, count, name))
            faults_add_impossible(faults, "%s%.*s is no field here", prefix,
                                  shown(name), name);
    }
}

json_t *fields_copy(const struct field *fields, size_t count,
                    const json_t *record)
{
    json_t *copy = json_object();

    for (size_t i = 0; copy && i < count; i++) {
        const json_t *value = json_object_get(record, fields[i].name);

        if (!value || json_is_null(value))
            continue;
        if (json_object_set_new(copy, fields[i].name, json_deep_copy(value)) <
            0) {
            json_decref(copy);
            copy = NULL;
        }
    }
    return copy;
}

static int append_chunk(const char *chunk, size_t size, void *to)
{
    return bytes_append(to, span_of(chunk, size)) == STATUS_OK ? 0 : -1;
}

enum status fields_dump(const json_t *value, struct bytes *to)
{
    return json_dump_callback(value, append_chunk, to,
                              JSON_COMPACT | JSON_ENCODE_ANY |
                                  JSON_REAL_PRECISION(REAL_DIGITS)) == 0
               ? STATUS_OK
               : STATUS_NOMEM;
}

const char *fields_text(const json_t *record, const char *name)
{
    const char *text = json_string_value(json_object_get(record, name));

    return text ? text : "";
}

const struct code *code_find(const struct code *codes, const char *value)
{
    for (; codes->value; codes++)
        if (strcmp(codes->value, value) == 0)
            return codes;
    return NULL;
}

/* ---- dates -------------------------------------------------------------- */

/* The number that the letters of format stand for in *text; -1: no digits. */
static int date_part(const char **format, const char **text)
{
    const char letter = **format;
    int number = 0;

    for (; **format == letter; (*format)++, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        number = number * 10 + (**text - '0');
    }
    return number;
}

static int *date_member(struct china_time *time, char letter)
{
    switch (letter) {
    case 'y':
        return &time->year;
    case 'M':
        return &time->month;
    case 'd':
        return &time->day;
    case 'H':
        return &time->hour;
    case 'm':
        return &time->minute;
    case 's':
        return &time->second;
    case 'S':
        return &time->millisecond;
    default:
        return NULL;
    }
}

bool fields_date_valid(const char *text, const char *format)
{
    struct china_time time = {.year = 2000, .month = 1, .day = 1};
    int64_t ms;

    while (*format) {
        int *member = date_member(&time, *format);

        if (!member) {
            if (*text++ != *format++)
                return false;
            continue;
        }
        if ((*member = date_part(&format, &text)) < 0)
            return false;
    }
    return !*text && china_time_to_ms(&time, &ms) == STATUS_OK;
}
