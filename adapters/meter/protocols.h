/*
 * protocols.h - the rows of sampan-meter --decode.
 */
#ifndef SAMPAN_METER_PROTOCOLS_H
#define SAMPAN_METER_PROTOCOLS_H

#include "decode.h"

#define METER_PROTOCOLS 7

extern const struct decode_protocol meter_protocols[METER_PROTOCOLS];

#endif
