#include "decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST INT64_C(999999999999999999) /* 18 digits */

typedef __int128 wide;

static wide size_of(wide number)
{
    return number < 0 ? -number : number;
}

/* Drop a digit behind the point, half away from zero. */
static wide digit_drop(wide number)
{
    return (number + (number < 0 ? -5 : 5)) / 10;
}

/* number x 10^-places into *to. */
static bool decimal_fit(wide number, int places, struct decimal *to)
{
    for (; places < 0; places++) {
        if (size_of(number) > MOST)
            return false;
        number *= 10;
    }
    while (places > 0 &&
           (places > DECIMAL_PLACES_MAX || size_of(number) > MOST)) {
        number = digit_drop(number);
        places--;
    }
    if (size_of(number) > MOST)
        return false;
    to->unscaled = (int64_t)number;
    to->places = (uint8_t)places;
    return true;
}

bool decimal_from_bcd(struct span bcd, uint8_t places, bool sign,
                      struct decimal *number, size_t *wrong)
{
    bool minus = false;
    int64_t value = 0;

    for (size_t i = bcd.len; i > 0; i--) {
        uint8_t byte = bcd.data[i - 1];

        if (sign && i == bcd.len) {
            minus = (byte & 0x80) != 0;
            byte &= 0x7F;
        }
        if ((byte >> 4) > 9 || (byte & 15) > 9) {
            *wrong = i - 1;
            return false;
        }
        value = value * 100 + (byte >> 4) * 10 + (byte & 15);
    }
    number->unscaled = minus ? -value : value;
    number->places = places;
    return true;
}

/* "-1.2345e+02", as printf writes it. */
static bool decimal_from_text(const char *text, struct decimal *number)
{
    const char *at = text + (text[0] == '-');
    int places = 0;
    bool behind = false;
    wide value = 0;

    for (; *at != 0 && *at != 'e'; at++) {
        if (*at == '.') {
            behind = true;
            continue;
        }
        value = value * 10 + (*at - '0');
        places += behind;
    }
    if (*at == 'e')
        places -= (int)strtol(at + 1, NULL, 10);
    /* 17 digits at most: below this nothing is left of them */
    if (places > DECIMAL_PLACES_MAX + 20)
        value = places = 0;
    return decimal_fit(text[0] == '-' ? -value : value, places, number);
}

bool decimal_from_float(float value, struct decimal *number)
{
    char text[64];
    int digits = 0;

    if (!isfinite(value))
        return false;
    do
        snprintf(text, sizeof text, "%.*e", digits, (double)value);
    while (strtof(text, NULL) != value && ++digits < 9);
    return decimal_from_text(text, number);
}

bool decimal_from_double(double value, struct decimal *number)
{
    char text[64];
    int digits = 0;

    if (!isfinite(value))
        return false;
    do
        snprintf(text, sizeof text, "%.*e", digits, value);
    while (strtod(text, NULL) != value && ++digits < 17);
    return decimal_from_text(text, number);
}

bool decimal_multiply(struct decimal a, struct decimal b,
                      struct decimal *product)
{
    return decimal_fit((wide)a.unscaled * b.unscaled, a.places + b.places,
                       product);
}

bool decimal_shift(struct decimal number, int power, struct decimal *shifted)
{
    return decimal_fit(number.unscaled, number.places - power, shifted);
}

void decimal_print(struct decimal number, char text[static DECIMAL_TEXT_MAX])
{
    uint64_t size = number.unscaled < 0 ? 0 - (uint64_t)number.unscaled
                                        : (uint64_t)number.unscaled;
    char digits[DECIMAL_TEXT_MAX];
    int len;

    /* at least one digit in front of the point */
    len = snprintf(digits, sizeof digits, "%0*llu", number.places + 1,
                   (unsigned long long)size);
    snprintf(text, DECIMAL_TEXT_MAX, "%s%.*s%s%s",
             number.unscaled < 0 ? "-" : "", len - number.places, digits,
             number.places > 0 ? "." : "", digits + len - number.places);
}

double decimal_real(struct decimal number)
{
    char text[DECIMAL_TEXT_MAX];

    decimal_print(number, text);
    return strtod(text, NULL);
}

json_t *decimal_json(struct decimal number)
{
    return number.places == 0 ? json_integer(number.unscaled)
                              : json_real(decimal_real(number));
}
