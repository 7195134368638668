#include "json_pointer.h"

#include <stdlib.h>
#include <string.h>

#include "json_scan.h"

/* One step of a pointer: what is between two slashes, still escaped. */
struct step {
    const char *text;
    size_t len;
};

/* *pointer stands on a slash or at its end; moved behind the step. */
static bool next_step(const char **pointer, struct step *step)
{
    if (**pointer != '/')
        return false;
    step->text = *pointer + 1;
    step->len = strcspn(step->text, "/");
    *pointer = step->text + step->len;
    return true;
}

/* Is name what the step says, "~1" being a slash and "~0" a tilde? */
static bool step_is(const struct step *step, const char *name, size_t len)
{
    size_t at = 0;

    for (size_t i = 0; i < step->len; i++, at++) {
        char c = step->text[i];

        if (c == '~' && i + 1 < step->len) {
            i++;
            c = step->text[i] == '1' ? '/' : '~';
        }
        if (at >= len || name[at] != c)
            return false;
    }
    return at == len;
}

/* RFC 6901: digits without a leading zero. */
static bool step_index(const struct step *step, size_t *index)
{
    if (step->len == 0 || step->len > 9 ||
        (step->len > 1 && step->text[0] == '0') ||
        strspn(step->text, "0123456789") < step->len)
        return false;
    *index = (size_t)strtoul(step->text, NULL, 10);
    return true;
}

static json_t *member_of(const json_t *object, const struct step *step)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        if (step_is(step, name, strlen(name)))
            return value;
    }
    return NULL;
}

json_t *json_pointer_get(const json_t *root, const char *pointer)
{
    json_t *value = (json_t *)root;
    struct step step;
    size_t index;

    while (value != NULL && next_step(&pointer, &step)) {
        if (json_is_object(value))
            value = member_of(value, &step);
        else if (json_is_array(value) && step_index(&step, &index))
            value = json_array_get(value, index);
        else
            value = NULL;
    }
    return *pointer == 0 ? value : NULL;
}

/* ---- on the text ------------------------------------------------------- */

static size_t skip_blanks(struct span text, size_t at)
{
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\n' ||
                             text.data[at] == '\r' || text.data[at] == '\t'))
        at++;
    return at;
}

/* One past the value that starts at at. */
static size_t skip_value(struct span text, size_t at)
{
    int depth = 0;
    bool plain;

    while (at < text.len) {
        uint8_t byte = text.data[at];

        if (byte == '"')
            at = json_scan_string_end(text, at, &plain);
        else if (depth == 0 && (byte == ',' || byte == '}' || byte == ']'))
            break;
        else {
            depth += (byte == '{' || byte == '[');
            depth -= (byte == '}' || byte == ']');
            at++;
        }
        if (depth == 0 && (byte == '"' || byte == '}' || byte == ']'))
            break;
    }
    return at;
}

/* From behind "{": to the value of the member the step names. */
static bool enter_object(struct span text, size_t *at, const struct step *step)
{
    while (*at < text.len) {
        size_t name = skip_blanks(text, *at);
        size_t end;
        bool plain;

        if (name >= text.len || text.data[name] != '"')
            return false;
        end = json_scan_string_end(text, name, &plain);
        *at = skip_blanks(text, end);
        *at = skip_blanks(text, *at + 1); /* the colon */
        if (*at >= text.len)
            return false;
        if (plain && end - name >= 2 &&
            step_is(step, (const char *)text.data + name + 1, end - name - 2))
            return true;
        *at = skip_blanks(text, skip_value(text, *at));
        if (*at >= text.len || text.data[*at] != ',')
            return false;
        ++*at;
    }
    return false;
}

static bool enter_array(struct span text, size_t *at, const struct step *step)
{
    size_t index;

    if (!step_index(step, &index))
        return false;
    *at = skip_blanks(text, *at);
    if (*at >= text.len || text.data[*at] == ']')
        return false;
    for (; index > 0; index--) {
        *at = skip_blanks(text, skip_value(text, *at));
        if (*at >= text.len || text.data[*at] != ',')
            return false;
        *at = skip_blanks(text, *at + 1);
    }
    return *at < text.len;
}

enum status json_pointer_raw(struct span text, const char *pointer,
                             struct span *value)
{
    size_t at = skip_blanks(text, 0);
    struct step step;
    size_t end;

    while (next_step(&pointer, &step)) {
        bool object = at < text.len && text.data[at] == '{';

        if (at >= text.len || (!object && text.data[at] != '['))
            return STATUS_NOT_FOUND;
        at++;
        if (!(object ? enter_object(text, &at, &step)
                     : enter_array(text, &at, &step)))
            return STATUS_NOT_FOUND;
    }
    if (*pointer != 0 || at >= text.len)
        return STATUS_NOT_FOUND;
    end = skip_value(text, at);
    while (end > at && strchr(" \n\r\t", text.data[end - 1]) != NULL &&
           text.data[end - 1] != 0)
        end--;
    *value = span_of(text.data + at, end - at);
    return STATUS_OK;
}

enum status json_pointer_string(struct span text, const char *pointer,
                                struct span *content)
{
    struct span raw = {0};
    enum status status = json_pointer_raw(text, pointer, &raw);

    if (status != STATUS_OK)
        return status;
    if (raw.len < 2 || raw.data[0] != '"' || raw.data[raw.len - 1] != '"' ||
        memchr(raw.data, '\\', raw.len) != NULL)
        return STATUS_FORMAT;
    *content = span_of(raw.data + 1, raw.len - 2);
    return STATUS_OK;
}

enum status json_pointer_append(struct bytes *pointer, const char *token)
{
    enum status status = bytes_append_text(pointer, "/");

    for (; *token != 0 && status == STATUS_OK; token++)
        if (*token == '~')
            status = bytes_append_text(pointer, "~0");
        else if (*token == '/')
            status = bytes_append_text(pointer, "~1");
        else
            status = bytes_append(pointer, span_of(token, 1));
    return status;
}
