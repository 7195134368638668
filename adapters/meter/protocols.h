/*
 * protocols.h - the rows of sampan-meter --decode.
 */
#ifndef SAMPAN_METER_PROTOCOLS_H
#define SAMPAN_METER_PROTOCOLS_H

#include "decode.h"

#define METER_PROTOCOLS 5

/* dlt645-2007, dlt645-1997, cjt188, modbus-rtu, modbus-tcp. */
extern const struct decode_protocol meter_protocols[METER_PROTOCOLS];

#endif
