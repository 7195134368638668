/*
 * registers.h - what a meter says, under the names of docs/topics.md.
 *
 * A quantity has one name and one unit whatever the protocol; the whole list
 * is in docs/devices/registers.md.  Values are as the meter sends them: CT x
 * PT is the program's part (decimal_multiply).
 */
#ifndef SAMPAN_REGISTERS_H
#define SAMPAN_REGISTERS_H

#include "decimal.h"

#define REGISTER_NAME_MAX 32
#define REGISTER_UNIT_MAX 12
#define REGISTERS_MAX 128

struct register_value {
    char name[REGISTER_NAME_MAX]; /* "import_kwh" */
    char unit[REGISTER_UNIT_MAX]; /* "kWh" */
    struct decimal number;
};

/* The meter's own clock, local time; a part that it did not say is absent. */
struct register_clock {
    bool has_date, has_time;
    uint16_t year; /* 2026 */
    uint8_t month, day, hour, minute, second;
};

struct register_values {
    unsigned count;
    struct register_value values[REGISTERS_MAX];
    struct register_clock clock;
};

/* Which of the transformers' ratios a value has to be multiplied with. */
enum register_ratio {
    RATIO_NONE, /* power factor, frequency, water, heat, temperatures */
    RATIO_CT,   /* currents */
    RATIO_PT,   /* voltages */
    RATIO_BOTH, /* power, energy, demand */
};

struct register_name {
    const char *name;
    const char *unit;
    const char *what; /* a few words of English */
    bool counter;     /* it only counts up */
    enum register_ratio ratio;
};

/* NULL: not one of the standard names.  Tariffs ("import_tariff_2_kwh", 1 to
 * 63) share one row; its name has an N for the number. */
const struct register_name *register_find(const char *name);
/* All rows, for a list; *count gets their number. */
const struct register_name *register_names(size_t *count);

/* NULL when it is not there. */
const struct register_value *
register_value(const struct register_values *values, const char *name);
/* A second value of one name replaces the first.  False: no room (name or
 * unit too long, REGISTERS_MAX reached). */
bool register_add(struct register_values *values, const char *name,
                  const char *unit, struct decimal number);
/* It has a date or a time of day, and what it has is possible. */
bool register_clock_valid(const struct register_clock *clock);

#endif
