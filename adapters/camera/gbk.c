#include "gbk.h"

#include <iconv.h>

#include "text.h"

bool utf8_valid(struct span text)
{
    for (size_t at = 0; at < text.len;) {
        size_t step =
            text.data[at] < 0x80
                ? 1
                : text_character(span_of(text.data + at, text.len - at));

        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/*
 * UTF-8 of Chinese in which firmware cut a name in the middle of a character:
 * a few stray bytes, and at least as many whole characters U+4000 to U+9FFF,
 * which GBK looks like only by a rare chance.
 */
static bool nearly_utf8(struct span text)
{
    size_t chinese = 0;
    size_t strays = 0;

    for (size_t at = 0; at < text.len;) {
        size_t step =
            text.data[at] < 0x80
                ? 1
                : text_character(span_of(text.data + at, text.len - at));

        chinese += step == 3 && text.data[at] >= 0xe4 && text.data[at] <= 0xe9;
        strays += step == 0;
        at += step == 0 ? 1 : step;
    }
    return chinese >= strays;
}

/* Each stray byte becomes '?', so that all stay in their places. */
static enum status append_mended(struct bytes *utf8, struct span text)
{
    size_t at = utf8->len;
    enum status status = bytes_append(utf8, text);

    while (status == STATUS_OK && at < utf8->len) {
        size_t step =
            utf8->data[at] < 0x80
                ? 1
                : text_character(span_of(utf8->data + at, utf8->len - at));

        if (step == 0)
            utf8->data[at] = '?';
        at += step == 0 ? 1 : step;
    }
    return status;
}

/* How long the GB 18030 character at the start of text is by its bytes: 2 or
 * 4; 1: the lead is alone, or its second byte cannot be one. */
static size_t character_length(struct span text)
{
    const uint8_t *b = text.data;

    if (text.len < 2 || b[0] < 0x81 || b[0] == 0xff)
        return 1;
    if (b[1] >= 0x40 && b[1] != 0x7f && b[1] != 0xff)
        return 2;
    return text.len >= 4 && b[1] >= 0x30 && b[1] <= 0x39 && b[2] >= 0x81 &&
                   b[2] != 0xff && b[3] >= 0x30 && b[3] <= 0x39
               ? 4
               : 1;
}

/* One character to at most 8 bytes of UTF-8; returns how many. */
static size_t convert(iconv_t table, struct span character, uint8_t to[8])
{
    char *in = (char *)character.data;
    char *out = (char *)to;
    size_t in_left = character.len;
    size_t out_left = 8;

    if (character.len == 1 && *character.data < 0x80) {
        to[0] = *character.data;
        return 1;
    }
    if (table != (iconv_t)-1 && character.len > 1 &&
        iconv(table, &in, &in_left, &out, &out_left) == 0 && in_left == 0 &&
        utf8_valid(span_of(to, 8 - out_left)))
        return 8 - out_left;
    if (table != (iconv_t)-1)
        iconv(table, NULL, NULL, NULL, NULL);
    to[0] = '?';
    return 1;
}

/*
 * Convert text, up to where limit bytes have come out; *used: bytes of text
 * that they came from.  utf8 may be NULL: only count.
 */
static enum status run(struct span text, size_t limit, struct bytes *utf8,
                       size_t *used)
{
    iconv_t table = iconv_open("UTF-8", "GB18030");
    enum status status = STATUS_OK;
    uint8_t out[8];
    size_t made = 0;
    size_t at = 0;

    while (at < text.len && status == STATUS_OK) {
        struct span left = span_of(text.data + at, text.len - at);
        size_t length = character_length(left);
        size_t step = convert(table, span_of(left.data, length), out);

        if (step > limit - made)
            break;
        if (utf8 != NULL)
            status = bytes_append(utf8, span_of(out, step));
        made += step;
        at += length;
    }
    if (table != (iconv_t)-1)
        iconv_close(table);
    *used = at;
    return status;
}

enum status gbk_append_strict(struct bytes *utf8, struct span text)
{
    enum status status = bytes_reserve(utf8, text.len + text.len / 2);
    size_t used;

    return status == STATUS_OK ? run(text, SIZE_MAX, utf8, &used) : status;
}

enum status gbk_append(struct bytes *utf8, struct span text)
{
    return nearly_utf8(text) ? append_mended(utf8, text)
                             : gbk_append_strict(utf8, text);
}

void gbk_put(char *to, size_t size, struct span text)
{
    struct bytes utf8 = BYTES_EMPTY;

    /* What cannot fit is not looked at; GBK may become half as long again. */
    if (text.len > 2 * size)
        text.len = 2 * size;
    to[0] = 0;
    if (gbk_append(&utf8, text) == STATUS_OK) {
        for (size_t i = 0; i < utf8.len; i++)
            if (utf8.data[i] < 0x20 || utf8.data[i] == 0x7f)
                utf8.data[i] = '?';
        text_put(to, size, bytes_text(&utf8));
    }
    bytes_free(&utf8);
}

size_t gbk_offset(struct span text, size_t offset)
{
    size_t used;

    if (nearly_utf8(text))
        return offset;
    /* Counting stores nothing, so nothing can fail. */
    return run(text, offset, NULL, &used) == STATUS_OK ? used : offset;
}
