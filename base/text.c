#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t length_of(uint8_t lead)
{
    return lead < 0x80   ? 1
           : lead < 0xc2 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf5 ? 4
                         : 0;
}

/* The bytes behind the lead that the text still has are as they must be. */
static bool goes_on(struct span text, size_t length)
{
    const uint8_t *b = text.data;

    for (size_t i = 1; i < length && i < text.len; i++)
        if ((b[i] & 0xc0) != 0x80)
            return false;
    /* Overlong forms, surrogates, and what is beyond U+10FFFF. */
    return length < 3 || text.len < 2 ||
           !((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] >= 0xa0) ||
             (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] >= 0x90));
}

size_t text_character(struct span text)
{
    size_t length = text.len == 0 ? 0 : length_of(text.data[0]);

    return length <= text.len && goes_on(text, length) ? length : 0;
}

void text_mend(char *text)
{
    size_t length = strlen(text);
    size_t step;

    for (size_t at = 0; at < length; at += step) {
        struct span left = span_of(text + at, length - at);
        size_t wanted = length_of(left.data[0]);

        if (wanted > left.len && goes_on(left, wanted)) {
            text[at] = 0; /* torn by the end */
            return;
        }
        step = text_character(left);
        if (step == 0) {
            text[at] = '?';
            step = 1;
        }
    }
}

void text_put(char *to, size_t size, const char *from)
{
    size_t len = strnlen(from, size - 1);

    memcpy(to, from, len);
    to[len] = 0;
    text_mend(to);
}

void text_print(char *to, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(to, size, format, arguments);
    va_end(arguments);
    text_mend(to);
}
