/*
 * protocols.h - what sampan-weighbridge --decode knows: each model, the text
 * models by their shape, and Modbus frames.
 */
#ifndef SAMPAN_WEIGHBRIDGE_PROTOCOLS_H
#define SAMPAN_WEIGHBRIDGE_PROTOCOLS_H

#include "decode.h"

extern const struct decode_protocol weighbridge_protocols[];
extern const size_t weighbridge_protocol_count;

#endif
