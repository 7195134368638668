/*
 * isapi.h - Hikvision's EventNotificationAlert, as an alarm host gets it.
 *
 *   PASSAGE    eventType ANPR; key is UUID, device the MAC address in twelve
 *              small hex digits (else deviceID, else the IP address)
 *   HEARTBEAT  videoloss, inactive
 *   OTHER      any other event
 *
 * Elements are known by their local names and by what they lie in: prefixes
 * and namespaces differ, and vehicleType stands twice with two meanings.  A
 * document type declaration is refused, so there are no entities; depth,
 * count and size are bounded.  A value that is not what it should be counts as
 * absent and is named in details "doubts"; the passage stands.
 *
 * Pure; any thread.  False: *fault tells why, and capture holds nothing to
 * free.
 */
#ifndef SAMPAN_ISAPI_H
#define SAMPAN_ISAPI_H

#include "capture.h"

/* The XML alone. */
bool isapi_decode(struct span xml, struct capture *capture,
                  struct decode_fault *fault);

/*
 * One event of a body: multipart/form-data or multipart/mixed (the XML, then
 * its pictures), or plain XML; its first bytes tell when its type does not.
 * *at is 0 for the first, and is set to where the next one begins, also behind
 * a fault: body.len when this was the last.  A push holds one event.
 */
bool isapi_decode_body(struct span body, const char *content_type, size_t *at,
                       struct capture *capture, struct decode_fault *fault);

#endif
