#include "json_scan.h"

#include <string.h>

struct cursor {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    uint64_t objects; /* bit n: the container of depth n is an object */
    unsigned depth;
    struct json_scan *scan;
};

static bool fail(struct cursor *cursor, const char *expected)
{
    cursor->scan->fault = expected;
    cursor->scan->fault_at = (size_t)(cursor->at - cursor->start);
    return false;
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' ||
            *cursor->at == '\t'))
        cursor->at++;
}

static bool next_is(const struct cursor *cursor, uint8_t byte)
{
    return cursor->at < cursor->end && *cursor->at == byte;
}

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Does one of the eight bytes end a plain run: a quote, a backslash, a
 * control character or anything above ASCII?  (It may answer yes too often
 * behind such a byte, never no.) */
static bool word_ends_run(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"');
    uint64_t slash = word ^ (ONES * '\\');

    return ((((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
             (word - ONES * 0x20) | word) &
            HIGHS) != 0;
}

/* Skip printable ASCII other than the quote and the backslash. */
static const uint8_t *plain_run(const uint8_t *at, const uint8_t *end)
{
    uint64_t word;

    while (end - at >= 8) {
        memcpy(&word, at, 8);
        if (word_ends_run(word))
            break;
        at += 8;
    }
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

size_t json_scan_utf8(struct span text)
{
    const uint8_t *b = text.data;
    size_t length = text.len == 0  ? 0
                    : b[0] < 0x80  ? 1
                    : b[0] < 0xc2  ? 0
                    : b[0] < 0xe0  ? 2
                    : b[0] < 0xf0  ? 3
                    : b[0] <= 0xf4 ? 4
                                   : 0;

    if (length > text.len)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what is beyond U+10FFFF. */
    if (length >= 3 &&
        ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] >= 0xa0) ||
         (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] >= 0x90)))
        return 0;
    return length;
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

static bool scan_escape(struct cursor *cursor)
{
    cursor->at++;
    if (cursor->at == cursor->end)
        return fail(cursor, "the end of a string");
    if (*cursor->at != 'u') {
        if (memchr("\"\\/bfnrt", *cursor->at, 8) == NULL)
            return fail(cursor, "an escape that JSON knows");
        cursor->at++;
        return true;
    }
    cursor->at++;
    for (int i = 0; i < 4; i++, cursor->at++)
        if (cursor->at == cursor->end || !is_hex(*cursor->at))
            return fail(cursor, "four hexadecimal digits");
    return true;
}

static void note_large(struct json_scan *scan, struct span content)
{
    if (content.len > JSON_LARGE_BYTES && scan->large_count < JSON_LARGE_MAX)
        scan->large[scan->large_count++] = content;
}

/* At the opening quote; ends behind the closing one. */
static bool scan_string(struct cursor *cursor)
{
    const uint8_t *content = ++cursor->at;
    bool plain = true;
    size_t length;

    for (;;) {
        cursor->at = plain_run(cursor->at, cursor->end);
        if (cursor->at == cursor->end)
            return fail(cursor, "the end of a string");
        if (*cursor->at == '"')
            break;
        plain = false;
        if (*cursor->at == '\\') {
            if (!scan_escape(cursor))
                return false;
            continue;
        }
        if (*cursor->at < 0x20)
            return fail(cursor, "no bare control character in a string");
        length = json_scan_utf8(
            span_of(cursor->at, (size_t)(cursor->end - cursor->at)));
        if (length == 0)
            return fail(cursor, "UTF-8");
        cursor->at += length;
    }
    if (plain)
        note_large(cursor->scan,
                   span_of(content, (size_t)(cursor->at - content)));
    cursor->at++;
    return true;
}

static bool scan_digits(struct cursor *cursor)
{
    const uint8_t *first = cursor->at;

    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
        cursor->at++;
    return cursor->at > first || fail(cursor, "a digit");
}

static bool scan_number(struct cursor *cursor)
{
    if (next_is(cursor, '-'))
        cursor->at++;
    if (next_is(cursor, '0'))
        cursor->at++;
    else if (!scan_digits(cursor))
        return false;
    if (next_is(cursor, '.')) {
        cursor->at++;
        if (!scan_digits(cursor))
            return false;
    }
    if (next_is(cursor, 'e') || next_is(cursor, 'E')) {
        cursor->at++;
        if (next_is(cursor, '+') || next_is(cursor, '-'))
            cursor->at++;
        return scan_digits(cursor);
    }
    return true;
}

static bool scan_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(cursor->end - cursor->at) < length ||
        memcmp(cursor->at, word, length) != 0)
        return fail(cursor, "a value");
    cursor->at += length;
    return true;
}

/* A member's name and its colon. */
static bool scan_name(struct cursor *cursor)
{
    skip_blanks(cursor);
    if (!next_is(cursor, '"'))
        return fail(cursor, "a member's name in quotes");
    if (!scan_string(cursor))
        return false;
    skip_blanks(cursor);
    if (!next_is(cursor, ':'))
        return fail(cursor, "a colon");
    cursor->at++;
    return true;
}

static bool in_object(const struct cursor *cursor)
{
    return (cursor->objects >> cursor->depth & 1) != 0;
}

/* *value: another value follows (the first of a container). */
static bool scan_open(struct cursor *cursor, bool *value)
{
    bool object = *cursor->at == '{';

    if (cursor->depth == JSON_DEPTH_MAX) {
        cursor->scan->deep = true;
        return fail(cursor, "a nesting of at most 32");
    }
    cursor->depth++;
    cursor->objects &= ~(UINT64_C(1) << cursor->depth);
    cursor->objects |= (uint64_t)object << cursor->depth;
    cursor->at++;
    skip_blanks(cursor);
    *value = !next_is(cursor, object ? '}' : ']');
    return !*value || !object || scan_name(cursor);
}

static bool scan_value(struct cursor *cursor, bool *value)
{
    *value = false;
    cursor->scan->values++;
    skip_blanks(cursor);
    if (cursor->at == cursor->end)
        return fail(cursor, "a value");
    switch (*cursor->at) {
    case '{':
    case '[':
        return scan_open(cursor, value);
    case '"':
        return scan_string(cursor);
    case 't':
        return scan_word(cursor, "true");
    case 'f':
        return scan_word(cursor, "false");
    case 'n':
        return scan_word(cursor, "null");
    default:
        return scan_number(cursor);
    }
}

/* Behind a value: close what ends here; *value: another one follows. */
static bool scan_behind(struct cursor *cursor, bool *value)
{
    *value = false;
    while (cursor->depth > 0) {
        skip_blanks(cursor);
        if (next_is(cursor, ',')) {
            cursor->at++;
            *value = true;
            return !in_object(cursor) || scan_name(cursor);
        }
        if (!next_is(cursor, in_object(cursor) ? '}' : ']'))
            return fail(cursor, in_object(cursor) ? "a comma or a brace"
                                                  : "a comma or a bracket");
        cursor->at++;
        cursor->depth--;
    }
    return true;
}

bool json_scan(struct span text, struct json_scan *scan)
{
    struct cursor cursor = {text.data, text.data, text.data + text.len,
                            0,         0,         scan};
    bool value = true;

    scan->large_count = 0;
    scan->values = 0;
    scan->deep = false;
    scan->fault = "";
    scan->fault_at = 0;
    while (value) {
        if (!scan_value(&cursor, &value))
            return false;
        if (!value && !scan_behind(&cursor, &value))
            return false;
    }
    skip_blanks(&cursor);
    return cursor.at == cursor.end || fail(&cursor, "nothing more");
}

size_t json_scan_string_end(struct span text, size_t quote, bool *plain)
{
    const uint8_t *end = text.data + text.len;
    const uint8_t *at = text.data + quote + 1;

    *plain = true;
    while (at < end && *at != '"') {
        if (*at == '\\') {
            *plain = false;
            at++;
        }
        if (at < end)
            at++;
        at = plain_run(at, end);
    }
    return (size_t)((at < end ? at + 1 : end) - text.data);
}
