#include "excerpt.h"

#include <string.h>

#include "json_scan.h"

const char *excerpt(const char *text, char *out, size_t size)
{
    size_t length = strlen(text);
    size_t at = 0;
    size_t step = 1;

    while (at < length && at < size - 8 && step > 0) {
        step = json_scan_utf8(span_of(text + at, length - at));
        memcpy(out + at, text + at, step);
        if (step == 1 && ((unsigned char)out[at] < 0x20 || out[at] == 0x7f))
            out[at] = ' ';
        at += step;
    }
    memcpy(out + at, at < length ? "..." : "", at < length ? 4 : 1);
    return out;
}
