#include "weight.h"

#include <math.h>

static double power_of_ten(unsigned exponent)
{
    double power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

double weight_value(const struct weight *weight)
{
    /* Both are exact, so the quotient is the nearest double; + 0.0 takes the
     * sign from a zero. */
    return (double)weight->unscaled / power_of_ten(weight->places) + 0.0;
}

const char *weight_unit_word(enum weight_unit unit)
{
    static const char *const words[] = {
        [UNIT_KG] = "kg", [UNIT_T] = "t", [UNIT_LB] = "lb", [UNIT_G] = "g"};

    return unit >= sizeof words / sizeof words[0] ? NULL : words[unit];
}

/* Of a metric unit, in grams; 0: it is none. */
static double grams(enum weight_unit unit)
{
    switch (unit) {
    case UNIT_G:
        return 1;
    case UNIT_KG:
        return 1e3;
    case UNIT_T:
        return 1e6;
    default:
        return 0;
    }
}

bool weight_convert(double value, enum weight_unit from, enum weight_unit to,
                    double *converted)
{
    const double up = grams(from);
    const double down = grams(to);

    if (from == to || from == UNIT_UNSAID) {
        *converted = value;
        return true;
    }
    if (up == 0 || down == 0)
        return false;
    /* One division or one multiplication by a power of ten, and what that
     * leaves behind the sixth place is not the scale's. */
    *converted = up < down ? value / (down / up) : value * (up / down);
    *converted = round(*converted * 1e6) / 1e6 + 0.0;
    return true;
}
