#include "jpeg.h"

#include <string.h>

/* The value of each character of RFC 4648 table 1, plus one; 0: not one. */
/* clang-format off */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
    ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
    ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
    ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
    ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};
/* clang-format on */

static bool alphabet_only(const uint8_t *at, size_t len)
{
    const uint8_t *end = at + len;
    bool good = true;

    for (; end - at >= 8; at += 8)
        good &= (values[at[0]] != 0) & (values[at[1]] != 0) &
                (values[at[2]] != 0) & (values[at[3]] != 0) &
                (values[at[4]] != 0) & (values[at[5]] != 0) &
                (values[at[6]] != 0) & (values[at[7]] != 0);
    for (; at < end; at++)
        good &= values[*at] != 0;
    return good;
}

/* Characters before the padding; *good: the padding is as it must be. */
static size_t significant(struct span text, bool *good)
{
    size_t len = text.len;
    unsigned spare;

    while (len > 0 && text.len - len < 2 && text.data[len - 1] == '=')
        len--;
    *good = text.len % 4 == 0;
    if (!*good || len == text.len || len == 0)
        return len;
    spare = text.len - len == 2 ? 0x0f : 0x03;
    *good = ((values[text.data[len - 1]] - 1U) & spare) == 0;
    return len;
}

/* Two bytes FF D8 (start of image) and FF of the next marker. */
static bool starts_a_jpeg(struct span text)
{
    return text.len >= 4 && memcmp(text.data, "/9j/", 4) == 0;
}

const char *jpeg_fault(struct span text, size_t limit_bytes, size_t *decoded)
{
    bool padded;
    size_t len = significant(text, &padded);

    *decoded = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
    if (text.len == 0)
        return "is empty; allowed is the Base64 of a JPEG";
    if (!alphabet_only(text.data, len))
        return "is not Base64; allowed are A-Z a-z 0-9 + / and = at the end";
    if (!padded)
        return "is cut short: Base64 comes in groups of 4 characters";
    if (!starts_a_jpeg(text))
        return "is not a JPEG; allowed is what begins with the bytes FF D8 FF";
    if (*decoded > limit_bytes)
        return "is too large";
    return NULL;
}
