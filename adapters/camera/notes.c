#include "notes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "clock.h"
#include "decode.h"
#include "text.h"

void note(struct notes *notes, const char *name, json_t *value)
{
    if (value == NULL)
        notes->failed = true;
    else if (json_object_get(notes->to, name) != NULL)
        json_decref(value);
    else if (json_object_set_new(notes->to, name, value) != 0)
        notes->failed = true;
}

void note_text(struct notes *notes, const char *name, const char *text)
{
    note(notes, name, json_string(text));
}

void note_word(struct notes *notes, const char *name, const char *text)
{
    note(notes, name, *text == 0 ? json_null() : json_string(text));
}

void note_integer(struct notes *notes, const char *name, int64_t value)
{
    note(notes, name, json_integer(value));
}

void note_number(struct notes *notes, const char *name, double value)
{
    if (fabs(value) < 1e15 && value == floor(value))
        note_integer(notes, name, (int64_t)value);
    else
        note(notes, name, json_real(value));
}

void note_flag(struct notes *notes, const char *name, bool value)
{
    note(notes, name, json_boolean(value));
}

/* The clock's own text is always UTC+8; the instant is moved below it. */
static void note_time(struct notes *notes, const char *name, int64_t at_ms,
                      const char *zone)
{
    char text[CLOCK_TEXT_MAX];
    bool whole = at_ms % SECOND_MS == 0;

    clock_print_iso(at_ms, text);
    note(notes, name, json_sprintf("%.*s%s", whole ? 19 : 23, text, zone));
}

void note_utc(struct notes *notes, const char *name, int64_t at_ms)
{
    if (at_ms == 0)
        note(notes, name, json_null());
    else
        note_time(notes, name, at_ms - 8 * HOUR_MS, "Z");
}

void note_china(struct notes *notes, const char *name, int64_t at_ms)
{
    if (at_ms != 0)
        note_time(notes, name, at_ms, "");
}

void note_hex(struct notes *notes, const char *name, struct span bytes)
{
    note(notes, name, decode_json_hex(bytes));
}

void note_line(struct notes *notes, const char *name, const char *format, ...)
{
    json_t *lines = json_object_get(notes->to, name);
    char raw[400];
    char text[200];
    va_list values;

    va_start(values, format);
    vsnprintf(raw, sizeof raw, format, values);
    va_end(values);
    text_put(text, sizeof text, raw);
    if (lines == NULL) {
        note(notes, name, json_array());
        lines = json_object_get(notes->to, name);
    }
    if (json_array_append_new(lines, json_string(text)) != 0)
        notes->failed = true;
}
