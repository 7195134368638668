/*
 * dlt645_data.h - what else the payload of an identifier says; for --decode.
 */
#ifndef SAMPAN_DLT645_DATA_H
#define SAMPAN_DLT645_DATA_H

#include "dlt645.h"

struct dlt645_taken {
    size_t used;   /* of the payload */
    char text[20]; /* a number or a moment that is no register; "": none */
};

/* As dlt645_read. */
bool dlt645_take(enum dlt645_edition edition, uint32_t di, struct span payload,
                 struct register_values *values, struct dlt645_taken *taken,
                 struct decode_fault *fault);

#endif
