#include "payload.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "excerpt.h"
#include "jpeg.h"

#define PICTURES_MAX 8
#define REGISTERS_MAX 256

enum type {
    TEXT,     /* min..max characters */
    INSTANT,  /* ISO 8601 with a zone */
    WHOLE,    /* min..max */
    NUMBER,   /* min..max */
    FLAG,     /* true or false */
    TRUE,     /* true */
    WORD,     /* one of words */
    PICTURES, /* an array of pictures */
    REGISTERS,
    OBJECT,
};

enum { OPTIONAL, REQUIRED };

struct field {
    const char *name;
    enum type type;
    int presence;
    double min, max;
    const char *words; /* of a WORD: separated by one blank */
};

static const char colors[] = "blue yellow white black green yellow_green other";

/* clang-format off */
static const struct field capture_fields[] = {
    /* name        type      presence  min  max  words */
    { "event_id",  TEXT,     REQUIRED, 1, 127, NULL },
    { "time",      INSTANT,  REQUIRED, 0, 0,   NULL },
    { "revision",  WHOLE,    OPTIONAL, 0, 1e6, NULL },
    { "plate",     TEXT,     OPTIONAL, 0, 20,  NULL },
    { "color",     WORD,     OPTIONAL, 0, 0,   colors },
    { "direction", WORD,     OPTIONAL, 0, 0,   "in out" },
    { "confidence",NUMBER,   OPTIONAL, 0, 100, NULL },
    { "lane",      TEXT,     OPTIONAL, 1, 63,  NULL },
    { "pictures",  PICTURES, OPTIONAL, 0, PICTURES_MAX, NULL },
};

static const struct field picture_fields[] = {
    { "kind",      WORD,     REQUIRED, 0, 0,   "head body plate scene" },
    { "time",      INSTANT,  OPTIONAL, 0, 0,   NULL },
};

static const struct field weight_fields[] = {
    { "event_id",  TEXT,     REQUIRED, 1, 127, NULL },
    { "time",      INSTANT,  REQUIRED, 0, 0,   NULL },
    { "revision",  WHOLE,    OPTIONAL, 0, 1e6, NULL },
    { "gross",     NUMBER,   REQUIRED, 0, 500000, NULL },
    { "unit",      WORD,     REQUIRED, 0, 0,   "kg t lb" },
    { "stable",    TRUE,     REQUIRED, 0, 0,   NULL },
    { "plate",     TEXT,     OPTIONAL, 0, 20,  NULL },
    { "lane",      TEXT,     OPTIONAL, 1, 63,  NULL },
    { "lowest",    NUMBER,   OPTIONAL, -500000, 500000, NULL },
    { "highest",   NUMBER,   OPTIONAL, -500000, 500000, NULL },
};

static const struct field reading_fields[] = {
    { "event_id",  TEXT,     REQUIRED, 1, 127, NULL },
    { "time",      INSTANT,  REQUIRED, 0, 0,   NULL },
    { "revision",  WHOLE,    OPTIONAL, 0, 1e6, NULL },
    { "meter_time",INSTANT,  OPTIONAL, 0, 0,   NULL },
    { "valid",     FLAG,     OPTIONAL, 0, 0,   NULL },
    { "registers", REGISTERS,REQUIRED, 1, REGISTERS_MAX, NULL },
};

static const struct field register_fields[] = {
    { "value",     NUMBER,   REQUIRED, -1e18, 1e18, NULL },
    { "unit",      TEXT,     OPTIONAL, 0, 15,  NULL },
};

static const struct field record_fields[] = {
    { "event_id",  TEXT,     REQUIRED, 1, 127, NULL },
    { "time",      INSTANT,  REQUIRED, 0, 0,   NULL },
    { "revision",  WHOLE,    OPTIONAL, 0, 1e6, NULL },
    { "record",    OBJECT,   REQUIRED, 0, 0,   NULL },
};

static const struct field status_fields[] = {
    { "online",    FLAG,     REQUIRED, 0, 0,   NULL },
    { "time",      INSTANT,  OPTIONAL, 0, 0,   NULL },
};

static const struct field live_fields[] = {
    { "time",      INSTANT,  REQUIRED, 0, 0,   NULL },
    { "weight",    NUMBER,   OPTIONAL, -1e9, 1e9, NULL },
    { "unit",      WORD,     REQUIRED, 0, 0,   "kg t lb" },
    { "stable",    FLAG,     REQUIRED, 0, 0,   NULL },
    { "state",     WORD,     OPTIONAL, 0, 0,   "empty loading weighed" },
};
/* clang-format on */

#define TABLE(fields)                                                          \
    {                                                                          \
        fields, sizeof(fields) / sizeof(fields)[0]                             \
    }
struct table {
    const struct field *fields;
    size_t count;
};
static const struct table forms[] = {
    [PAYLOAD_CAPTURE] = TABLE(capture_fields),
    [PAYLOAD_WEIGHT] = TABLE(weight_fields),
    [PAYLOAD_READING] = TABLE(reading_fields),
    [PAYLOAD_RECORD] = TABLE(record_fields),
    [PAYLOAD_STATUS] = TABLE(status_fields),
    [PAYLOAD_LIVE] = TABLE(live_fields),
};
static const struct table picture_table = TABLE(picture_fields);
static const struct table register_table = TABLE(register_fields);

/* Where a member is ("pictures[0].") and where the reason goes. */
struct place {
    const struct payload *payload;
    char path[96];
    char *reason;
};

static bool fault(const struct place *place, const char *name,
                  const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool fault(const struct place *place, const char *name,
                  const char *format, ...)
{
    char what[320];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    snprintf(place->reason, 512, "%s%s: %s", place->path, name, what);
    return false;
}

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text != 0; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool check_text(const struct place *place, const struct field *field,
                       const json_t *value)
{
    size_t count;

    if (!json_is_string(value))
        return fault(place, field->name,
                     "is not text of %g to %g characters; allowed is such",
                     field->min, field->max);
    count = characters(json_string_value(value));
    if ((double)count < field->min || (double)count > field->max ||
        strlen(json_string_value(value)) > 127)
        return fault(place, field->name,
                     "is %zu characters long; allowed are %g to %g", count,
                     field->min, field->max);
    return true;
}

static bool check_instant(const struct place *place, const struct field *field,
                          const json_t *value)
{
    const char *text = json_string_value(value);
    char cut[48];
    int64_t at_ms;

    if (text == NULL)
        return fault(place, field->name,
                     "is not text; allowed is an instant such as "
                     "2026-11-20T08:30:45+08:00");
    if (strlen(text) < 20 || strpbrk(text + 19, "Zz+-") == NULL ||
        clock_read(span_text(text), &at_ms) != STATUS_OK || at_ms <= 0)
        return fault(place, field->name,
                     "\"%s\" is no instant with a zone; allowed is "
                     "2026-11-20T08:30:45+08:00 or 2026-11-20T00:30:45Z",
                     excerpt(text, cut, sizeof(cut)));
    return true;
}

static bool check_number(const struct place *place, const struct field *field,
                         const json_t *value)
{
    double number = json_number_value(value);

    if (field->type == WHOLE ? !json_is_integer(value) : !json_is_number(value))
        return fault(
            place, field->name, "is not a %snumber; allowed is %g to %g",
            field->type == WHOLE ? "whole " : "", field->min, field->max);
    if (!isfinite(number) || number < field->min || number > field->max)
        return fault(place, field->name, "is %g; allowed is %g to %g", number,
                     field->min, field->max);
    return true;
}

static bool is_word_of(const char *words, const char *word)
{
    size_t len = strlen(word);

    while (len > 0 && *words != 0) {
        size_t next = strcspn(words, " ");

        if (next == len && memcmp(words, word, len) == 0)
            return true;
        words += next + (words[next] == ' ');
    }
    return false;
}

static bool check_word(const struct place *place, const struct field *field,
                       const json_t *value)
{
    char cut[48];

    if (!json_is_string(value))
        return fault(place, field->name, "is not text; allowed are %s",
                     field->words);
    if (!is_word_of(field->words, json_string_value(value)))
        return fault(place, field->name, "\"%s\" is not known; allowed are %s",
                     excerpt(json_string_value(value), cut, sizeof(cut)),
                     field->words);
    return true;
}

static bool check_table(struct place *place, const struct table *table,
                        const json_t *object);

/* The text of a member, also of a large one that is not in the tree. */
static bool text_of(const struct payload *payload, const json_t *value,
                    struct span *text)
{
    const json_t *number = json_object_get(value, "$large");

    if (number != NULL) {
        *text = payload->scan->large[json_integer_value(number)];
        return true;
    }
    if (!json_is_string(value))
        return false;
    *text = span_of(json_string_value(value), json_string_length(value));
    return true;
}

static bool check_jpeg(const struct place *place, const json_t *picture)
{
    const struct payload *payload = place->payload;
    size_t limit = payload->picture_limit_bytes;
    struct span text = {0};
    size_t decoded;
    const char *words;

    if (!text_of(payload, json_object_get(picture, "jpeg"), &text))
        return fault(place, "jpeg",
                     "is absent or not text; allowed is the Base64 of a JPEG");
    words = jpeg_fault(text, limit, &decoded);
    if (words != NULL && decoded > limit)
        return fault(place, "jpeg", "is %zu bytes; allowed are %zu", decoded,
                     limit);
    return words == NULL || fault(place, "jpeg", "%s", words);
}

static bool check_pictures(const struct place *place, const struct field *field,
                           const json_t *value)
{
    size_t i;
    const json_t *picture;

    if (!json_is_array(value))
        return fault(place, field->name,
                     "is not an array; allowed is one of 0 to 8 pictures");
    if (json_array_size(value) > PICTURES_MAX)
        return fault(place, field->name,
                     "holds %zu pictures; allowed are 0 to 8",
                     json_array_size(value));
    json_array_foreach(value, i, picture)
    {
        struct place inner = *place;

        snprintf(inner.path, sizeof(inner.path), "pictures[%zu].", i);
        if (!check_table(&inner, &picture_table, picture) ||
            !check_jpeg(&inner, picture))
            return false;
    }
    return true;
}

static bool check_registers(const struct place *place,
                            const struct field *field, const json_t *value)
{
    const char *name;
    json_t *entry;
    char cut[48];

    if (!json_is_object(value) || json_object_size(value) < 1 ||
        json_object_size(value) > REGISTERS_MAX)
        return fault(place, field->name,
                     "is not an object of 1 to 256 registers; allowed is "
                     "{\"NAME\": {\"value\": 1.5, \"unit\": \"kWh\"}}");
    json_object_foreach((json_t *)value, name, entry)
    {
        struct place inner = *place;

        if (*name == 0 || strlen(name) > 63)
            return fault(place, field->name,
                         "a name is %zu bytes long; allowed are 1 to 63",
                         strlen(name));
        snprintf(inner.path, sizeof(inner.path), "registers.%s.",
                 excerpt(name, cut, sizeof(cut)));
        if (!check_table(&inner, &register_table, entry))
            return false;
    }
    return true;
}

static bool check_field(const struct place *place, const struct field *field,
                        const json_t *value)
{
    switch (field->type) {
    case TEXT:
        return check_text(place, field, value);
    case INSTANT:
        return check_instant(place, field, value);
    case WHOLE:
    case NUMBER:
        return check_number(place, field, value);
    case FLAG:
        return json_is_boolean(value) ||
               fault(place, field->name, "allowed are true and false");
    case TRUE:
        return json_is_true(value) ||
               fault(place, field->name,
                     "is not true; only stable weights are allowed");
    case WORD:
        return check_word(place, field, value);
    case PICTURES:
        return check_pictures(place, field, value);
    case REGISTERS:
        return check_registers(place, field, value);
    case OBJECT:
        return json_is_object(value) ||
               fault(place, field->name,
                     "is not an object; allowed is one in "
                     "the interface's own field names");
    }
    return false;
}

static bool check_table(struct place *place, const struct table *table,
                        const json_t *object)
{
    if (!json_is_object(object))
        return fault(place, "", "is not an object; allowed is one");
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const json_t *value = json_object_get(object, field->name);

        if (value != NULL && !(json_is_null(value) && !field->presence)) {
            if (!check_field(place, field, value))
                return false;
        } else if (field->presence == REQUIRED) {
            return fault(place, field->name, "is absent; it is required");
        }
    }
    return true;
}

/* Members that begin with a dollar sign are our own: {"$event": ...} would
 * name another device's message. */
static bool reserved_name(const json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    json_array_foreach((json_t *)value, i, member)
    {
        if (reserved_name(member))
            return true;
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (*name == '$' && strcmp(name, "$large") != 0)
            return true;
        if (reserved_name(member))
            return true;
    }
    return false;
}

bool payload_check(const struct payload *payload, enum payload_form form,
                   char reason[static 512])
{
    struct place place = {payload, "", reason};

    if (!check_table(&place, &forms[form], payload->tree))
        return false;
    if (form == PAYLOAD_RECORD &&
        reserved_name(json_object_get(payload->tree, "record")))
        return fault(&place, "record",
                     "a member's name begins with $; allowed are the "
                     "interface's own field names");
    return true;
}
