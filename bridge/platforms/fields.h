/*
 * fields.h - the check of a wire record against the table a specification
 * prints: one row a field.
 *
 *     static const struct field access_fields[] = {
 *         FIELD_OF_TEXT("vin", MANDATORY, 1, 0),
 *         FIELD_OF_CODE("plateColor", MANDATORY, plate_colors),
 *     };
 *
 * Two kinds of trouble are told apart.  Absent: a mandatory field is not
 * there, is null or is an empty string; the record is HELD and somebody can
 * complete it.  Impossible: a value that the platform must refuse; it is
 * REJECTED with every fault named and what is allowed.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_FIELDS_H
#define SAMPAN_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "platform.h"

enum field_kind {
    FIELD_TEXT,     /* string */
    FIELD_DIGITS,   /* string of 0..9 */
    FIELD_NUMBER,   /* JSON number */
    FIELD_DECIMAL,  /* string that holds a decimal number: "12.5" */
    FIELD_CODE,     /* string, one of codes */
    FIELD_INTEGER,  /* JSON integer, one of codes when there are any */
    FIELD_DATE,     /* string of the given format, a day that exists */
    FIELD_PICTURE,  /* JPEG: Base64, data URI or reference; see picture.h */
    FIELD_CONSTANT, /* string that must be `format` exactly */
    FIELD_OBJECT,   /* JSON object; its own fields are checked apart */
    FIELD_ARRAY,    /* JSON array; likewise */
};

enum field_presence {
    OPTIONAL,     /* may be absent, null or "" */
    MANDATORY,    /* absent, null or "" holds the record */
    MAY_BE_EMPTY, /* the field must be there, "" is a value */
};

struct code {
    const char *value; /* NULL ends a table */
    const char *meaning;
};

struct field {
    const char *name;
    enum field_kind kind;
    enum field_presence presence;
    size_t min_len, max_len; /* characters (code points); max 0: no bound */
    bool in_bytes;           /* the lengths count bytes of UTF-8 */
    double minimum, maximum; /* NUMBER, DECIMAL, INTEGER; both 0: no bound */
    int decimals; /* NUMBER, DECIMAL: digits behind the point; -1: any */
    const struct code *codes; /* CODE, INTEGER */
    const char *format;       /* DATE: "yyyyMMdd", "yyyy-MM-dd HH:mm:ss"... */
};

/* clang-format off */
#define FIELD_OF_TEXT(name_, presence_, min_, max_)                           \
    { .name = (name_), .kind = FIELD_TEXT, .presence = (presence_),           \
      .min_len = (min_), .max_len = (max_) }
#define FIELD_OF_DIGITS(name_, presence_, min_, max_)                         \
    { .name = (name_), .kind = FIELD_DIGITS, .presence = (presence_),         \
      .min_len = (min_), .max_len = (max_) }
#define FIELD_OF_NUMBER(name_, presence_, decimals_, minimum_, maximum_)      \
    { .name = (name_), .kind = FIELD_NUMBER, .presence = (presence_),         \
      .decimals = (decimals_), .minimum = (minimum_), .maximum = (maximum_) }
#define FIELD_OF_DECIMAL(name_, presence_, decimals_, minimum_, maximum_,     \
                         max_len_)                                            \
    { .name = (name_), .kind = FIELD_DECIMAL, .presence = (presence_),        \
      .decimals = (decimals_), .minimum = (minimum_), .maximum = (maximum_),  \
      .max_len = (max_len_) }
#define FIELD_OF_CODE(name_, presence_, codes_)                               \
    { .name = (name_), .kind = FIELD_CODE, .presence = (presence_),           \
      .codes = (codes_) }
#define FIELD_OF_INTEGER(name_, presence_, minimum_, maximum_)                \
    { .name = (name_), .kind = FIELD_INTEGER, .presence = (presence_),        \
      .minimum = (minimum_), .maximum = (maximum_) }
#define FIELD_OF_DATE(name_, presence_, format_)                              \
    { .name = (name_), .kind = FIELD_DATE, .presence = (presence_),           \
      .format = (format_) }
#define FIELD_OF_PICTURE(name_, presence_)                                    \
    { .name = (name_), .kind = FIELD_PICTURE, .presence = (presence_) }
#define FIELD_OF_CONSTANT(name_, presence_, text_)                            \
    { .name = (name_), .kind = FIELD_CONSTANT, .presence = (presence_),       \
      .format = (text_) }
/* clang-format on */

/* Every fault found, "; " between; what does not fit ends in "...". */
struct faults {
    char absent[512];
    char impossible[512];
};

/*
 * Check record (an object) against the table.  Faults are added, with prefix
 * before the field's name ("items[3]." for a nested object, "" for none).
 * A member that no row names is impossible: a misspelt optional field would
 * otherwise vanish unseen.
 */
void fields_check(const struct field *fields, size_t count,
                  const json_t *record, const char *prefix,
                  struct faults *faults);

/* For rules that no row can say: "vin", or "entranceId is B, gateId A01". */
void faults_add_absent(struct faults *faults, const char *name);
void faults_add_impossible(struct faults *faults, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* made->state and made->reason; READY when there are no faults. */
void faults_settle(const struct faults *faults, struct made *made);

/* A new object with the members the table names, in the table's order,
 * without null; NULL when there is no memory.  record is borrowed. */
json_t *fields_copy(const struct field *fields, size_t count,
                    const json_t *record);

/* Append value as compact JSON, numbers as they were written down (15 digits,
 * so 12.34 stays 12.34).  NOMEM. */
MUST_CHECK enum status fields_dump(const json_t *value, struct bytes *to);

/* record's member as a string, "" when it is none. */
const char *fields_text(const json_t *record, const char *name);

/* Whether text is a date of that format (y M d H m s S, others literal) and
 * such a day and time exist. */
bool fields_date_valid(const char *text, const char *format);

/* The row of value, or NULL. */
const struct code *code_find(const struct code *codes, const char *value);

#endif
