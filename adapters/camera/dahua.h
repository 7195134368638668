/*
 * dahua.h - Dahua's ITSAPI pushes and its event streams.
 *
 *   PASSAGE       TollgateInfo, or an event TrafficJunction with Pulse
 *   HEARTBEAT     KeepAlive, Heartbeat
 *   REGISTRATION  DeviceInfo
 *   OTHER         any other event or action
 *
 * Key: AccurateTime with its milliseconds; with whole seconds only, the plate
 * is part of it.  The same passage comes with pictures later: same key.
 * ITSAPI times have no zone and are read as UTC+8.  Confidence above 100 is of
 * the firmware that counts to 255; it cannot be told below (details have
 * "confidence_raw").
 *
 * Pure, except that a stream holds what is not whole yet; any thread.  False:
 * *fault tells why, and capture holds nothing to free.
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

/* The JPEG part behind flat lines: several pictures in one run of bytes, cut
 * as the details of capture say (else at the JPEGs' own start and end). */
MUST_CHECK enum status dahua_add_pictures(struct capture *capture,
                                          struct span jpegs);

/*
 * multipart/x-mixed-replace as it arrives: give what came, then take parts
 * until there is none.  A Content-Length that is missing or 0 is made up for
 * by counting braces outside strings, or by the next delimiter.
 */
struct dahua_stream;

#define DAHUA_PART_MAX (8u << 20)

struct dahua_part {
    bool jpeg;
    struct span body; /* borrowed until the next call on the stream */
};

/* content_type may be NULL: boundary "myboundary". */
MUST_CHECK enum status dahua_stream_make(const char *content_type,
                                         struct dahua_stream **stream);
MUST_CHECK enum status dahua_stream_give(struct dahua_stream *stream,
                                         struct span bytes);
/* False: nothing whole is there (fault->kind is NONE), or the stream is of no
 * use any more: LIMIT, SYNTAX. */
bool dahua_stream_take(struct dahua_stream *stream, struct dahua_part *part,
                       struct decode_fault *fault);
void dahua_stream_free(struct dahua_stream *stream);

#endif
