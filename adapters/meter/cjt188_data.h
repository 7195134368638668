/*
 * cjt188_data.h - the fields of a reply to 901F, one by one; for --decode.
 */
#ifndef SAMPAN_CJT188_DATA_H
#define SAMPAN_CJT188_DATA_H

#include "cjt188.h"

#define CJT188_DI_BYTES 3 /* DI0, DI1, SER */

/* A field with a unit behind it, or in front of it. */
enum cjt188_field {
    CJT188_TOTAL,  /* water, gas */
    CJT188_SETTLE, /* at the settlement day */
    CJT188_HEAT_SETTLE,
    CJT188_HEAT,
    CJT188_POWER,
    CJT188_FLOW,
    CJT188_VOLUME,
    /* without one */
    CJT188_SUPPLY,
    CJT188_RETURN,
    CJT188_HOURS,
    CJT188_FIELDS,
};

struct cjt188_number {
    bool there;
    struct decimal raw;    /* in the unit that the meter sends */
    uint8_t unit;          /* its code; 0: none */
    struct decimal number; /* in the unit of the register */
    const char *name;      /* of the register */
};

struct cjt188_reading {
    struct cjt188_number numbers[CJT188_FIELDS];
    struct span clock;  /* 7 bytes, or none */
    struct span status; /* 2 bytes, or none */
    size_t surplus;
    bool unit_first;
};

/* The data of a reply to 901F, without DI and SER; fault offsets count from
 * its start. */
bool cjt188_take(uint8_t type, struct span payload,
                 struct cjt188_reading *reading, struct decode_fault *fault);

/* "901F" was read, in either order. */
bool cjt188_is_current(const struct cjt188_frame *frame);

#endif
