/*
 * weight.h - what one frame of a weighing indicator says.
 *
 * A number is kept as it was sent: 12.30 is 1230 with two places, so nothing
 * is rounded before it is written down.
 */
#ifndef SAMPAN_WEIGHT_H
#define SAMPAN_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weight_unit { UNIT_UNSAID, UNIT_KG, UNIT_T, UNIT_LB, UNIT_G, UNIT_OTHER };
enum weight_mode { MODE_UNSAID, MODE_GROSS, MODE_NET, MODE_TARE };
enum weight_motion { MOTION_UNSAID, MOTION_STILL, MOTION_MOVING };

struct weight {
    bool has_value;   /* no: blanks in an overload, an answer without one */
    int64_t unscaled; /* at most 10 digits */
    uint8_t places;   /* 0 .. 7 */
    uint8_t zeros;    /* 1, 2: it may have to be multiplied by 10 or 100: the
                         setting fixed_zeros says */
    enum weight_unit unit;
    enum weight_mode mode;
    enum weight_motion motion;
    bool overload;  /* or out of range below */
    bool zero_lost; /* no zero was captured at power-on: not a weight yet */
};

/* The double that is nearest to the number; never -0. */
double weight_value(const struct weight *weight);
/* "kg", "t", "lb", "g"; NULL: unsaid or another. */
const char *weight_unit_word(enum weight_unit unit);
/* False: from cannot be told in to (kg against lb, or another unit). */
bool weight_convert(double value, enum weight_unit from, enum weight_unit to,
                    double *converted);

#endif
