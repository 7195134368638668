/*
 * decimal.h - a number as the meter shows it: 1234.56 is 123456 with two
 * decimals, and nothing is rounded on the way to JSON.
 *
 * More than 18 digits do not fit: behind the point they are rounded off, in
 * front of it it is an error and never a wrong number.
 */
#ifndef SAMPAN_DECIMAL_H
#define SAMPAN_DECIMAL_H

#include <jansson.h>

#include "bytes.h"

#define DECIMAL_PLACES_MAX 18
#define DECIMAL_TEXT_MAX 24

struct decimal {
    int64_t unscaled;
    uint8_t places; /* digits behind the point */
};

/* BCD, low byte first, at most 8 bytes; sign: the top bit of the last byte is
 * a minus.  False: byte *wrong is not BCD. */
bool decimal_from_bcd(struct span bcd, uint8_t places, bool sign,
                      struct decimal *number, size_t *wrong);
/* The shortest decimal that is this float or double.  False: no number, or it
 * has no place here (1E18 and above).  Below 1E-18 is 0. */
bool decimal_from_float(float value, struct decimal *number);
bool decimal_from_double(double value, struct decimal *number);

/* Times a factor (a scale, CT x PT).  False: it does not fit. */
bool decimal_multiply(struct decimal a, struct decimal b,
                      struct decimal *product);
/* Times 10 to the power, -18 .. 18. */
bool decimal_shift(struct decimal number, int power, struct decimal *shifted);

void decimal_print(struct decimal number, char text[static DECIMAL_TEXT_MAX]);
double decimal_real(struct decimal number);
/* An integer when there are no places, otherwise a real, which json_text prints
 * as it stands here (up to 15 digits).  NULL: no memory. */
json_t *decimal_json(struct decimal number);

#endif
