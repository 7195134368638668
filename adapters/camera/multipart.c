#include "multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the boundary ---------------------------------------------------------
 */

bool multipart_is(const char *content_type)
{
    return content_type != NULL &&
           strncasecmp(content_type, "multipart/", strlen("multipart/")) == 0;
}

/* The value of a parameter ("boundary") in a header's value, without quotes;
 * empty when there is none. */
static struct span parameter(struct span value, const char *name)
{
    const char *at = (const char *)value.data;
    const char *end = at + value.len;
    size_t length = strlen(name);

    while ((at = memchr(at, ';', (size_t)(end - at))) != NULL) {
        const char *start;

        for (at++; at < end && (*at == ' ' || *at == '\t'); at++)
            ;
        if ((size_t)(end - at) <= length ||
            strncasecmp(at, name, length) != 0 || at[length] != '=')
            continue;
        start = at + length + 1;
        if (start < end && *start == '"') {
            start++;
            at = memchr(start, '"', (size_t)(end - start));
            return span_of(start, (size_t)((at == NULL ? end : at) - start));
        }
        for (at = start; at < end && *at != ';' && *at != ' ' && *at != '\t';
             at++)
            ;
        return span_of(start, (size_t)(at - start));
    }
    return span_of(NULL, 0);
}

static bool blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* One past a delimiter's line (the blanks and the line's end behind it), or 0
 * when other bytes follow it: then it was a longer word. */
static size_t line_behind(struct span whole, size_t at)
{
    while (at < whole.len && blank(whole.data[at]))
        at++;
    if (at < whole.len && whole.data[at] == '\r')
        at++;
    if (at == whole.len)
        return at;
    return whole.data[at] == '\n' ? at + 1 : 0;
}

enum found { FOUND_NONE, FOUND_PART, FOUND_END };

/*
 * The next delimiter at the start of a line, from at on.  *before: where it
 * begins, its line's break in front taken off; *behind: where the part begins.
 */
static enum found find_delimiter(const struct multipart *multipart, size_t at,
                                 size_t *before, size_t *behind)
{
    struct span whole = multipart->whole;
    size_t length = strlen(multipart->delimiter);

    while (at < whole.len) {
        const uint8_t *hit = memmem(whole.data + at, whole.len - at,
                                    multipart->delimiter, length);
        size_t start;
        size_t end;

        if (hit == NULL)
            return FOUND_NONE;
        start = (size_t)(hit - whole.data);
        at = start + 1;
        if (start > 0 && whole.data[start - 1] != '\n')
            continue;
        end = start + length;
        *before = start;
        if (start > 0)
            *before -= start > 1 && whole.data[start - 2] == '\r' ? 2 : 1;
        if (whole.len - end >= 2 && memcmp(whole.data + end, "--", 2) == 0)
            return FOUND_END;
        *behind = line_behind(whole, end);
        if (*behind != 0)
            return FOUND_PART;
    }
    return FOUND_NONE;
}

bool multipart_begins(struct span whole)
{
    return whole.len > 2 && memcmp(whole.data, "--", 2) == 0;
}

/* The boundary that the body itself begins with; empty: it does not. */
static struct span first_line(struct span whole)
{
    size_t at = 2;

    if (!multipart_begins(whole))
        return span_of(NULL, 0);
    while (at < whole.len && whole.data[at] > ' ' && whole.data[at] < 0x7f)
        at++;
    return span_of(whole.data + 2, at - 2);
}

bool multipart_open(struct multipart *multipart, struct span whole,
                    const char *content_type, struct decode_fault *fault)
{
    struct span boundary;
    size_t before;
    size_t behind;

    *multipart = (struct multipart){.whole = whole};
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (!multipart_is(content_type))
        return decode_fail(fault, DECODE_SYNTAX, 0,
                           "its type is not multipart");
    boundary = parameter(span_text(content_type), "boundary");
    if (boundary.len == 0)
        boundary = first_line(whole);
    if (boundary.len == 0 || boundary.len > MULTIPART_BOUNDARY_MAX)
        return decode_fail(fault, DECODE_SYNTAX, 0,
                           "its type names no boundary of 1 to %d characters",
                           MULTIPART_BOUNDARY_MAX);
    if (whole.len == 0)
        return decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    snprintf(multipart->delimiter, sizeof multipart->delimiter, "--%.*s",
             (int)boundary.len, (const char *)boundary.data);
    if (find_delimiter(multipart, 0, &before, &behind) != FOUND_PART)
        return decode_fail(fault, DECODE_SYNTAX, 0,
                           "no part begins in it; its boundary is \"%.*s\"",
                           (int)boundary.len, (const char *)boundary.data);
    multipart->at = behind;
    return true;
}

/* ---- the headers of a part ------------------------------------------------
 */

static struct span trimmed(struct span text)
{
    while (text.len > 0 && blank(*text.data))
        text = span_of(text.data + 1, text.len - 1);
    while (text.len > 0 &&
           (blank(text.data[text.len - 1]) || text.data[text.len - 1] == '\r'))
        text.len--;
    return text;
}

static void take_header(struct multipart_part *part, struct span line)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    const uint8_t *semicolon;
    struct span name;
    struct span value;

    if (colon == NULL)
        return;
    name = span_of(line.data, (size_t)(colon - line.data));
    value = trimmed(span_of(colon + 1, line.len - name.len - 1));
    if (name.len == strlen("Content-Disposition") &&
        strncasecmp((const char *)name.data, "Content-Disposition", name.len) ==
            0) {
        part->name = parameter(value, "name");
        part->filename = parameter(value, "filename");
    }
    if (name.len == strlen("Content-Type") &&
        strncasecmp((const char *)name.data, "Content-Type", name.len) == 0) {
        semicolon = value.len == 0 ? NULL : memchr(value.data, ';', value.len);
        if (semicolon != NULL)
            value.len = (size_t)(semicolon - value.data);
        part->type = trimmed(value);
    }
}

/* Lines up to an empty one; false: there is none within the limit. */
static bool take_headers(const struct multipart *multipart,
                         struct multipart_part *part, size_t *at)
{
    struct span whole = multipart->whole;
    size_t limit = whole.len - *at < MULTIPART_HEADERS_MAX
                       ? whole.len
                       : *at + MULTIPART_HEADERS_MAX;

    while (*at < limit) {
        const uint8_t *end = memchr(whole.data + *at, '\n', limit - *at);
        struct span line;

        if (end == NULL)
            return false;
        line = trimmed(
            span_of(whole.data + *at, (size_t)(end - whole.data) - *at));
        *at = (size_t)(end - whole.data) + 1;
        if (line.len == 0)
            return true;
        take_header(part, line);
    }
    return false;
}

bool multipart_next(struct multipart *multipart, struct multipart_part *part,
                    struct decode_fault *fault)
{
    size_t begin = multipart->at;
    size_t at = begin;
    size_t before = multipart->whole.len;
    size_t behind = multipart->whole.len;
    enum found found;

    *part = (struct multipart_part){.closed = true};
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (begin >= multipart->whole.len)
        return false;
    if (multipart->count++ == MULTIPART_PARTS_MAX)
        return decode_fail(fault, DECODE_LIMIT, begin,
                           "it has more than %d parts", MULTIPART_PARTS_MAX);
    if (!take_headers(multipart, part, &at))
        return decode_fail(fault, DECODE_SYNTAX, begin,
                           "no empty line ends the headers of this part "
                           "within %d bytes",
                           MULTIPART_HEADERS_MAX);
    found = find_delimiter(multipart, at, &before, &behind);
    part->closed = found != FOUND_NONE;
    part->offset = at;
    /* A delimiter right behind the empty line takes that line's break. */
    part->body =
        span_of(multipart->whole.data + at, before > at ? before - at : 0);
    multipart->at = found == FOUND_PART ? behind : multipart->whole.len;
    return true;
}
