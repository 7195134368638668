/*
 * notes.h - the details of a capture, written down name by name.
 *
 * A name is written once, the first word stands.  What could not be stored
 * for want of memory is remembered in failed.
 */
#ifndef SAMPAN_NOTES_H
#define SAMPAN_NOTES_H

#include <jansson.h>

#include "bytes.h"

struct notes {
    json_t *to;
    bool failed;
};

void note(struct notes *notes, const char *name, json_t *value); /* owns it */
void note_text(struct notes *notes, const char *name, const char *text);
/* null when text is "". */
void note_word(struct notes *notes, const char *name, const char *text);
void note_integer(struct notes *notes, const char *name, int64_t value);
/* A whole number as an integer. */
void note_number(struct notes *notes, const char *name, double value);
void note_flag(struct notes *notes, const char *name, bool value);
/* "2023-06-09T08:39:54Z", with milliseconds when there are any; null for 0. */
void note_utc(struct notes *notes, const char *name, int64_t at_ms);
/* The same instant on China's clocks, without a zone. */
void note_china(struct notes *notes, const char *name, int64_t at_ms);
/* "63 68 2E" */
void note_hex(struct notes *notes, const char *name, struct span bytes);
/* One more line in the list `name`. */
void note_line(struct notes *notes, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
