/*
 * vz.h - VZ and its relatives (Qianyi, AlphaDigi, ZKTeco LPRC and re-branded
 * gate cameras): the AlarmInfoPlate message family over HTTP and MQTT.
 *
 * Source: the vendor's HTTP push text for R5 cameras, and captures.
 *
 *   PASSAGE       AlarmInfoPlate with result.PlateResult; key is plateid
 *   HEARTBEAT     AlarmInfoPlate without result, heartbeat 1; keep_alive
 *   REGISTRATION  multipart or form fields; the password in them goes nowhere
 *   SERIAL        SerialData; details "port", "bytes", "length"
 *   OTHER         AlarmGioIn, TriggerImage (its picture is a SCENE), and any
 *                 MQTT message that is none of these
 *
 * A picture that cannot be read is named in details "picture_faults" and left
 * out, and so is any member that is not what it should be in "doubts"; the
 * passage stands.  In the details "plate_kind" is only told when the
 * plate's shape agrees: the numbers of `type` differ between the brands.
 *
 * Pure; any thread.  False: *fault tells why, and capture holds nothing to
 * free.
 */
#ifndef SAMPAN_VZ_H
#define SAMPAN_VZ_H

#include "capture.h"

/* A POST's body; content_type may be NULL (then it is JSON).  Its texts are
 * UTF-8 or GBK. */
bool vz_decode(struct span body, const char *content_type,
               struct capture *capture, struct decode_fault *fault);

/* A message of SN/device/message/up/NAME.  quick_ivs_result is OTHER: the
 * ivs_result that follows is the same passage, with pictures, and nothing but
 * an optional plateid would tell that. */
bool vz_mqtt_decode(struct span payload, struct capture *capture,
                    struct decode_fault *fault);

/*
 * Append what a camera is answered that pushed capture: a
 * Response_AlarmInfoPlate that records and stops the resending.  It never
 * opens a barrier: info is "no" (an "ok" would fire the relay).  A passage of
 * the camera's offline store is answered so that the next one comes.  NOMEM.
 */
MUST_CHECK enum status vz_answer(const struct capture *capture,
                                 struct bytes *answer);

/* For --decode: what such an answer makes a camera do. */
bool vz_reply_decode(struct span body, json_t *details,
                     struct decode_fault *fault);
/* For --decode: Base64 of a frame to a display and voice board on RS-485. */
bool vz_led_decode(struct span text, json_t *details,
                   struct decode_fault *fault);

#endif
