#include "loading.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "a-z0-9-": ranges and single characters. */
static bool among(const char *characters, char c)
{
    for (const char *at = characters; *at != 0; at++) {
        if (at[1] == '-' && at[2] != 0) {
            if (c >= at[0] && c <= at[2])
                return true;
            at += 2;
        } else if (c == *at) {
            return true;
        }
    }
    return false;
}

bool settings_form_holds(const struct settings_form *form, const char *text)
{
    size_t len = strlen(text);

    if (len < form->least || len > form->most)
        return false;
    for (size_t i = 0; form->characters != NULL && i < len; i++)
        if (!among(form->characters, text[i]))
            return false;
    return form->valid == NULL || form->valid(text);
}

static const struct settings_word *word_find(const struct settings_word *words,
                                             const char *text)
{
    while (words->word != NULL && strcmp(words->word, text) != 0)
        words++;
    return words->word == NULL ? NULL : words;
}

static bool is_initial(const struct settings_row *row, const char *text)
{
    return row->initial != NULL && strcmp(row->initial, text) == 0;
}

static const char *read_text(const struct settings_row *row, const char *text,
                             void *out)
{
    const struct settings_form *form =
        row->form != NULL ? row->form : &settings_form_line;

    *(const char **)out = text; /* also a wrong one: others refer to it */
    if (is_initial(row, text))
        return NULL;
    if (text[0] == 0 && row->initial == NULL)
        return "is empty"; /* what must be given must say something */
    if (row->words != NULL)
        return word_find(row->words, text) != NULL ? NULL : "is none of them";
    if (row->type == SETTINGS_FILE)
        return text[0] != 0 ? NULL : "is empty";
    if (settings_form_holds(form, text))
        return NULL;
    return text[0] == 0 ? "is empty" : "is not of this form";
}

static const char *read_word(const struct settings_row *row, const char *text,
                             void *out)
{
    const struct settings_word *word = word_find(row->words, text);

    if (word == NULL)
        return "is none of them";
    memcpy(out, &word->value, sizeof word->value);
    return NULL;
}

static const char *read_unsigned(const struct settings_row *row,
                                 const char *text, void *out)
{
    uint64_t number = 0;
    uint32_t value;

    if (text[0] == 0 || strspn(text, "0123456789") != strlen(text))
        return "is not a whole number";
    if (text[0] == '0' && text[1] != 0)
        return "begins with a zero";
    for (const char *at = text; *at != 0 && number <= UINT32_MAX; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (number > UINT32_MAX ||
        (!is_initial(row, text) &&
         ((double)number < row->min || (double)number > row->max)))
        return "is out of bounds";
    value = (uint32_t)number;
    memcpy(out, &value, sizeof value);
    return NULL;
}

static const char *read_bool(const struct settings_row *row, const char *text,
                             void *out)
{
    bool value = strcmp(text, "true") == 0;

    (void)row;
    if (!value && strcmp(text, "false") != 0)
        return "is neither";
    *(bool *)out = value;
    return NULL;
}

/* Programs here never call setlocale, so the point is a point. */
static const char *read_real(const struct settings_row *row, const char *text,
                             void *out)
{
    char *end;
    double value;

    if (text[0] == 0 || strspn(text, "+-.0123456789eE") != strlen(text))
        return "is not a number";
    errno = 0;
    value = strtod(text, &end);
    if (*end != 0)
        return "is not a number";
    if (errno != 0 || !isfinite(value) ||
        (!is_initial(row, text) && (value < row->min || value > row->max)))
        return "is out of bounds";
    *(double *)out = value;
    return NULL;
}

const char *value_read(const struct settings_row *row, const char *text,
                       void *out)
{
    switch (row->type) {
    case SETTINGS_WORD:
        return read_word(row, text, out);
    case SETTINGS_UNSIGNED:
    case SETTINGS_UNSIGNEDS:
        return read_unsigned(row, text, out);
    case SETTINGS_BOOL:
        return read_bool(row, text, out);
    case SETTINGS_REAL:
        return read_real(row, text, out);
    default:
        return read_text(row, text, out);
    }
}

static enum status words_allowed(const struct settings_word *words,
                                 struct bytes *out)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && words[i].word != NULL; i++)
        status = bytes_print(out, "%s%s", i > 0 ? ", " : "", words[i].word);
    return status;
}

static enum status numbers_allowed(const struct settings_row *row,
                                   struct bytes *out)
{
    bool outside = false;
    enum status status = bytes_print(out, "%.12g to %.12g", row->min, row->max);

    if (row->type != SETTINGS_UNSIGNEDS && row->initial != NULL) {
        double initial = strtod(row->initial, NULL);

        outside = initial < row->min || initial > row->max;
    }
    if (status == STATUS_OK && outside)
        status = bytes_print(out, ", or %s", row->initial);
    return status;
}

static enum status file_allowed(const struct settings_row *row,
                                struct bytes *out)
{
    if (row->file == SETTINGS_FILE_ANY)
        return bytes_append_text(out, "a path");
    if ((row->file & SETTINGS_FILE_PRIVATE) == SETTINGS_FILE_PRIVATE)
        return bytes_append_text(out, "a file that only its owner may read");
    return bytes_append_text(out, "a file that is there");
}

enum status value_allowed(const struct settings_row *row, struct bytes *out)
{
    switch (row->type) {
    case SETTINGS_WORD:
        return words_allowed(row->words, out);
    case SETTINGS_UNSIGNED:
    case SETTINGS_UNSIGNEDS:
    case SETTINGS_REAL:
        return numbers_allowed(row, out);
    case SETTINGS_BOOL:
        return bytes_append_text(out, "true, false");
    case SETTINGS_FILE:
        return file_allowed(row, out);
    case SETTINGS_GROUP:
        return bytes_append_text(out, "keys");
    case SETTINGS_GROUPS:
        return bytes_print(out, "up to %u groups of keys", row->most);
    default:
        break;
    }
    if (row->words != NULL)
        return words_allowed(row->words, out);
    return bytes_append_text(
        out, (row->form != NULL ? row->form : &settings_form_line)->words);
}

enum status row_allowed(const struct settings_row *row, struct bytes *out)
{
    enum status status = STATUS_OK;

    if (row->type == SETTINGS_TEXTS || row->type == SETTINGS_UNSIGNEDS) {
        if (row->least == row->most)
            status = bytes_print(out, "a list of %u: ", row->least);
        else
            status =
                bytes_print(out, "a list of %u to %u: ", row->least, row->most);
    }
    return status == STATUS_OK ? value_allowed(row, out) : status;
}
