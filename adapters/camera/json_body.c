#include "json_body.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "gbk.h"

#define VALUES_MAX 20000
#define LARGE "$large"

/* ---- where a value stands -------------------------------------------------
 */

/* How many values stand before wanted in document order; found when *found.
 * jansson keeps the members of an object in that order. */
static size_t count_before(const json_t *value, const json_t *wanted,
                           bool *found)
{
    size_t count = 0;
    const char *name;
    json_t *member;
    size_t i;

    if (value == wanted) {
        *found = true;
        return 0;
    }
    count = 1;
    json_array_foreach((json_t *)value, i, member)
    {
        if (!*found)
            count += count_before(member, wanted, found);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (!*found)
            count += count_before(member, wanted, found);
    }
    return count;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.data[at]))
        at++;
    return at;
}

/* One past a value's first token: a bracket, a string, or a word. */
static size_t token_end(struct span text, size_t at)
{
    bool plain;

    if (text.data[at] == '"')
        return json_scan_string_end(text, at, &plain);
    if (text.data[at] == '{' || text.data[at] == '[')
        return at + 1;
    while (at < text.len && !is_blank(text.data[at]) &&
           strchr(",]}", text.data[at]) == NULL)
        at++;
    return at;
}

/* Where the value with that number begins in a JSON text. */
static size_t offset_of(struct span text, size_t number)
{
    size_t at = skip_blanks(text, 0);

    while (at < text.len) {
        size_t end;

        if (strchr(",:]}", text.data[at]) != NULL && text.data[at] != 0) {
            at = skip_blanks(text, at + 1);
            continue;
        }
        end = token_end(text, at);
        if (text.data[at] == '"') {
            size_t behind = skip_blanks(text, end);

            if (behind < text.len && text.data[behind] == ':') {
                at = behind; /* it was a name */
                continue;
            }
        }
        if (number-- == 0)
            return at;
        at = skip_blanks(text, end);
    }
    return text.len;
}

static struct span whole_text(const struct json_body *body)
{
    return body->utf8.data == NULL ? body->text : bytes_view(&body->utf8);
}

/* From an offset in the text that was parsed to one in the text that came. */
static size_t offset_back(const struct json_body *body, size_t offset)
{
    struct span whole = whole_text(body);
    size_t cut = 0; /* bytes that slim lacks in front of offset */

    for (size_t i = 0; i < body->scan.large_count; i++) {
        size_t quote =
            (size_t)(body->scan.large[i].data - 1 - whole.data) - cut;
        char mark[32];
        size_t length =
            (size_t)snprintf(mark, sizeof mark, "{\"" LARGE "\":%zu}", i);

        if (offset <= quote)
            break;
        cut += body->scan.large[i].len + 2 - length;
    }
    return body->utf8.data == NULL ? offset + cut
                                   : gbk_offset(body->text, offset + cut);
}

static size_t value_offset(const struct json_body *body, const json_t *value)
{
    struct span parsed =
        body->slim.data == NULL ? whole_text(body) : bytes_view(&body->slim);
    bool found = false;
    size_t number;

    if (body->worded || value == NULL)
        return 0;
    number = count_before(body->root, value, &found);
    return offset_back(body, offset_of(parsed, number));
}

/* ---- reading --------------------------------------------------------------
 */

static bool no_memory(const struct json_body *body)
{
    return decode_fail(body->fault, DECODE_MEMORY, 0,
                       "there is no memory left");
}

/* The text with {"$large": n} for its long strings.  One that a camera wrote
 * itself names a string of the same message, or none. */
static enum status make_slim(struct json_body *body, struct span text)
{
    const struct json_scan *scan = &body->scan;
    const uint8_t *at = text.data;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < scan->large_count && status == STATUS_OK; i++) {
        const uint8_t *quote = scan->large[i].data - 1;

        status = bytes_append(&body->slim, span_of(at, (size_t)(quote - at)));
        if (status == STATUS_OK)
            status = bytes_print(&body->slim, "{\"" LARGE "\":%zu}", i);
        at = scan->large[i].data + scan->large[i].len + 1;
    }
    if (status == STATUS_OK && scan->large_count > 0)
        status = bytes_append(&body->slim,
                              span_of(at, (size_t)(text.data + text.len - at)));
    return status;
}

/* JSON has no bare line breaks in a string, firmware that wraps its Base64 has;
 * and some counts the NUL behind its text as well. */
static enum status without_breaks(struct span text, struct bytes *to)
{
    enum status status = bytes_reserve(to, text.len);
    bool inside = false;

    for (size_t i = 0; status == STATUS_OK && i < text.len; i++) {
        uint8_t byte = text.data[i];

        if (inside && (byte == '\r' || byte == '\n'))
            continue;
        to->data[to->len++] = byte;
        if (byte == '"')
            inside = !inside;
        else if (inside && byte == '\\' && i + 1 < text.len)
            to->data[to->len++] = text.data[++i];
    }
    return status;
}

static enum status join_lines(struct json_body *body)
{
    struct bytes joined = BYTES_EMPTY;
    enum status status = without_breaks(whole_text(body), &joined);

    if (status == STATUS_OK) {
        bytes_free(&body->utf8);
        bytes_move(&body->utf8, &joined);
    }
    bytes_free(&joined);
    return status;
}

static bool breaks_a_line(struct span text, size_t at)
{
    return at < text.len && (text.data[at] == '\r' || text.data[at] == '\n');
}

static bool scan_text(struct json_body *body)
{
    struct json_scan *scan = &body->scan;
    bool good = json_scan(whole_text(body), scan);
    struct span text;

    if (!good && breaks_a_line(whole_text(body), scan->fault_at)) {
        if (join_lines(body) != STATUS_OK)
            return no_memory(body);
        good = json_scan(whole_text(body), scan);
    }
    text = whole_text(body);
    if (!good) {
        size_t at = body->utf8.data == NULL
                        ? scan->fault_at
                        : gbk_offset(body->text, scan->fault_at);

        return decode_fail(body->fault,
                           scan->deep                   ? DECODE_LIMIT
                           : scan->fault_at == text.len ? DECODE_TRUNCATED
                                                        : DECODE_SYNTAX,
                           at, "this is not JSON: expected here is %s",
                           scan->fault);
    }
    if (scan->values > VALUES_MAX)
        return decode_fail(body->fault, DECODE_LIMIT, 0,
                           "%zu values are in it; allowed are %d", scan->values,
                           VALUES_MAX);
    return true;
}

static bool parse(struct json_body *body, struct span text)
{
    json_error_t error;
    enum json_error_code code;

    body->root = json_loadb((const char *)text.data, text.len,
                            JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (body->root != NULL)
        return json_is_object(body->root) ||
               decode_fail(body->fault, DECODE_SYNTAX, 0,
                           "this is JSON, but no object");
    code = json_error_code(&error);
    if (code == json_error_out_of_memory)
        return no_memory(body);
    return decode_fail(body->fault,
                       code == json_error_numeric_overflow ? DECODE_VALUE
                                                           : DECODE_SYNTAX,
                       offset_back(body, (size_t)error.position),
                       "this is not allowed JSON: %s", error.text);
}

bool json_body_read(struct json_body *body, struct span text,
                    struct decode_fault *fault)
{
    struct span whole;

    *body = (struct json_body){.text = text, .fault = fault};
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (text.len == 0)
        return decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    while (body->text.len > 0 && body->text.data[body->text.len - 1] == 0)
        body->text.len--;
    if (!utf8_valid(body->text) &&
        gbk_append(&body->utf8, body->text) != STATUS_OK)
        return no_memory(body);
    if (!scan_text(body))
        return false;
    whole = whole_text(body);
    if (make_slim(body, whole) != STATUS_OK)
        return no_memory(body);
    return parse(body,
                 body->slim.data == NULL ? whole : bytes_view(&body->slim));
}

void json_body_free(struct json_body *body)
{
    json_decref(body->root);
    bytes_free(&body->utf8);
    bytes_free(&body->slim);
    *body = (struct json_body){0};
}

/* ---- members --------------------------------------------------------------
 */

bool json_body_missing(const struct json_body *body, const json_t *parent,
                       const char *what)
{
    if (body->fault->kind != DECODE_NONE)
        return false;
    return decode_fail(body->fault, DECODE_MISSING, value_offset(body, parent),
                       "%s is absent", what);
}

bool json_body_wrong(const struct json_body *body, const json_t *parent,
                     const char *name, enum decode_fault_kind kind,
                     const char *what)
{
    return decode_fail(body->fault, kind,
                       value_offset(body, json_object_get(parent, name)),
                       "%s: %s", name, what);
}

/* Of the wrong kind or range: a fault, or a doubt. */
static bool unfit(const struct json_body *body, const json_t *parent,
                  const char *name, enum decode_fault_kind kind,
                  const char *what)
{
    if (body->doubts == NULL)
        return json_body_wrong(body, parent, name, kind, what);
    note_line(body->doubts, "doubts", "%s: %s", name, what);
    return false;
}

/* NULL also when there is a fault already. */
static const json_t *member(const struct json_body *body, const json_t *parent,
                            const char *name)
{
    const json_t *value = json_object_get(parent, name);

    if (body->fault->kind != DECODE_NONE || json_is_null(value))
        return NULL;
    return value;
}

static bool is_large(const json_t *value)
{
    return json_object_size(value) == 1 &&
           json_is_integer(json_object_get(value, LARGE));
}

const json_t *json_body_object(const struct json_body *body,
                               const json_t *parent, const char *name)
{
    const json_t *value = member(body, parent, name);

    if (value == NULL || (json_is_object(value) && !is_large(value)))
        return value;
    unfit(body, parent, name, DECODE_VALUE,
          "this is no object; allowed is one");
    return NULL;
}

bool json_body_text(const struct json_body *body, const json_t *parent,
                    const char *name, struct span *to)
{
    const json_t *value = member(body, parent, name);

    if (value == NULL)
        return false;
    if (json_is_string(value)) {
        *to = span_of(json_string_value(value), json_string_length(value));
        return true;
    }
    if (is_large(value)) {
        json_int_t at = json_integer_value(json_object_get(value, LARGE));

        if (at >= 0 && at < (json_int_t)body->scan.large_count) {
            *to = body->scan.large[at];
            return true;
        }
    }
    return unfit(body, parent, name, DECODE_VALUE,
                 "this is no text; allowed is one");
}

bool json_body_word(const struct json_body *body, const json_t *parent,
                    const char *name, char *to, size_t size)
{
    struct span text;
    char allowed[48];

    if (!json_body_text(body, parent, name, &text))
        return false;
    if (text.len >= size) {
        snprintf(allowed, sizeof allowed,
                 "longer than the %zu bytes that are allowed", size - 1);
        return unfit(body, parent, name, DECODE_LIMIT, allowed);
    }
    gbk_put(to, size, text);
    return true;
}

/* A number of XML, or in quotes. */
static bool number_of_text(const json_t *value, double *to)
{
    const char *text = json_string_value(value);
    char *end;

    if (text == NULL || *text == 0 ||
        strspn(text, "+-.0123456789") != strlen(text))
        return false;
    *to = strtod(text, &end);
    return *end == 0;
}

static bool number_of(const struct json_body *body, const json_t *value,
                      double *to)
{
    if (body->worded || json_is_string(value))
        return number_of_text(value, to);
    *to = json_number_value(value);
    return json_is_number(value);
}

bool json_body_number(const struct json_body *body, const json_t *parent,
                      const char *name, double min, double max, double *to)
{
    const json_t *value = member(body, parent, name);
    char allowed[80];
    double number;

    if (value == NULL)
        return false;
    if (!number_of(body, value, &number))
        return unfit(body, parent, name, DECODE_VALUE,
                     "this is no number; allowed is one");
    if (number >= min && number <= max) {
        *to = number;
        return true;
    }
    snprintf(allowed, sizeof allowed, "allowed is %.0f to %.0f", min, max);
    return unfit(body, parent, name, DECODE_VALUE, allowed);
}

bool json_body_integer(const struct json_body *body, const json_t *parent,
                       const char *name, int64_t min, int64_t max, int64_t *to)
{
    double number;

    /* All that are read here are below 2^53. */
    if (!json_body_number(body, parent, name, (double)min, (double)max,
                          &number))
        return false;
    if (number != floor(number))
        return unfit(body, parent, name, DECODE_VALUE,
                     "this is no whole number; allowed is one");
    *to = (int64_t)number;
    return true;
}

bool json_body_flag(const struct json_body *body, const json_t *parent,
                    const char *name, bool *to)
{
    const json_t *value = member(body, parent, name);
    int64_t number;

    if (json_is_boolean(value)) {
        *to = json_is_true(value);
        return true;
    }
    if (!json_body_integer(body, parent, name, 0, 1, &number))
        return false;
    *to = number == 1;
    return true;
}

/* "data:image/jpeg;base64," and blanks in front. */
static struct span without_scheme(struct span text)
{
    const uint8_t *comma;

    if (text.len > 5 && memcmp(text.data, "data:", 5) == 0) {
        comma = memchr(text.data, ',', text.len < 64 ? text.len : 64);
        if (comma != NULL)
            return span_of(comma + 1,
                           (size_t)(text.data + text.len - comma - 1));
    }
    return text;
}

bool json_body_base64(const struct json_body *body, const json_t *parent,
                      const char *name, struct bytes *raw, const char **why)
{
    struct span text;
    enum status status;

    *why = "";
    if (!json_body_text(body, parent, name, &text) || text.len == 0)
        return false;
    status = base64_decode(without_scheme(text), true, raw);
    if (status == STATUS_NOMEM)
        return no_memory(body);
    if (status != STATUS_OK)
        *why = "is not Base64";
    return status == STATUS_OK;
}
