/*
 * protocols.h - what sampan-camera --decode knows: vz-http, vz-mqtt, vz-reply,
 * vz-led-serial, isapi-anpr, dahua-itsapi, dahua-event, cn-plate.
 */
#ifndef SAMPAN_PROTOCOLS_H
#define SAMPAN_PROTOCOLS_H

#include "decode.h"

extern const struct decode_protocol camera_protocols[];
extern const size_t camera_protocol_count;

#endif
