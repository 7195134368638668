/*
 * event.h - what a camera said, as an event of docs/topics.md.
 *
 * The event's id comes from the camera: its own number or UUID, behind its
 * serial number (a camera that is replaced counts from 1 again).  Without one
 * it is made of plate and time; without a time too, of the message's bytes.
 *
 * Pictures above the limit are made smaller, and so are all of them when
 * together they are more than an event may hold.  What still does not fit is
 * left out in the order plate, scene, body, head, and the event says so.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_EVENT_H
#define SAMPAN_EVENT_H

#include "camera_config.h"

#define EVENT_ID_MAX 128

/* message: the bytes that capture was read from. */
void event_id(const struct camera_config *camera, const struct capture *capture,
              struct span message, char id[static EVENT_ID_MAX]);

/* Could a camera's clock show this?  2024 to a day ahead of now_ms; when this
 * machine's own clock was never set, any time from 2024 on. */
bool event_time_plausible(int64_t at_ms, int64_t now_ms);

/* What was done to fit. */
struct event_fit {
    unsigned smaller; /* pictures made smaller */
    unsigned left_out;
};

/*
 * *content gets the payload's members.  Pictures that have become part of it
 * are taken out of capture, to keep memory low.  NOMEM.
 */
MUST_CHECK enum status event_content(const struct cameras_config *config,
                                     const struct camera_config *camera,
                                     struct capture *capture,
                                     struct event_fit *fit, json_t **content);

#endif
