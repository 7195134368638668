#include "json_text.h"

#include <stdio.h>
#include <stdlib.h>

#define DIGITS_LEAST 15 /* every decimal of 15 digits survives a double */
#define DIGITS_MOST 17  /* and these always bring the double back */

static int digits_of_number(double value)
{
    char text[64];
    int digits = DIGITS_LEAST;

    for (; digits < DIGITS_MOST; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return digits;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* What the number of json that needs most digits needs. */
static int digits_of(const json_t *json)
{
    int digits = DIGITS_LEAST;
    const char *key;
    json_t *value;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_REAL:
        return digits_of_number(json_real_value(json));
    case JSON_ARRAY:
        json_array_foreach(json, i, value) digits =
            larger(digits, digits_of(value));
        return digits;
    case JSON_OBJECT:
        json_object_foreach((json_t *)json, key, value) digits =
            larger(digits, digits_of(value));
        return digits;
    default:
        return digits;
    }
}

static int append(const char *text, size_t len, void *to)
{
    return bytes_append(to, span_of(text, len)) == STATUS_OK ? 0 : -1;
}

enum status json_text(const json_t *json, struct bytes *text)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY |
                   JSON_REAL_PRECISION((size_t)digits_of(json));
    size_t len = text->len;

    if (json_dump_callback(json, append, text, flags) == 0)
        return STATUS_OK;
    text->len = len;
    if (text->data != NULL)
        text->data[len] = 0;
    return STATUS_NOMEM;
}
