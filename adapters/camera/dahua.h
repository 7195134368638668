/*
 * dahua.h - Dahua's ITSAPI pushes and its event streams.
 *
 *   PASSAGE       TollgateInfo, or an event TrafficJunction with Pulse
 *   HEARTBEAT     KeepAlive, Heartbeat
 *   REGISTRATION  DeviceInfo
 *   OTHER         any other event or action
 *
 * Key: AccurateTime with its milliseconds; when they are absent or 0, the plate
 * is part of it.  The same passage comes with pictures later: same key.
 * ITSAPI times have no zone and are read as UTC+8.  Confidence above 100 is of
 * the firmware that counts to 255; it cannot be told below (details have
 * "confidence_raw").  A value that is not what it should be counts as absent
 * and is named in details "doubts"; the passage stands.
 *
 * Pure; any thread.  False: *fault tells why, and capture holds nothing to
 * free.
 */
#ifndef SAMPAN_DAHUA_H
#define SAMPAN_DAHUA_H

#include "capture.h"

/* A push.  path is the request's (".../NotificationInfo/TollgateInfo"), or
 * NULL: the content tells.  content_type may be NULL; XML is known by it or by
 * its first character. */
bool dahua_itsapi_decode(const char *path, struct span body,
                         const char *content_type, struct capture *capture,
                         struct decode_fault *fault);

/* One part of an event stream: "Code=...;data={...}", flat lines of
 * "Events[0].TrafficCar.PlateNumber=...", "Heartbeat". */
bool dahua_event_decode(struct span part, struct capture *capture,
                        struct decode_fault *fault);

#endif
