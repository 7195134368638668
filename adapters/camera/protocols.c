#include "protocols.h"

#include <string.h>

#include "colors.h"
#include "dahua.h"
#include "isapi.h"
#include "paper_codes.h"
#include "passage.h"
#include "vz.h"

/* The details of a capture are what --decode prints of it. */
static bool show(struct capture *capture, json_t *frames,
                 struct decode_fault *fault)
{
    bool good = json_array_append(frames, capture->details) == 0;

    capture_free(capture);
    return good ||
           decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
}

static bool show_vz(struct span input, const char *content_type, json_t *frames,
                    struct decode_fault *fault)
{
    struct capture capture;

    return vz_decode(input, content_type, &capture, fault) &&
           show(&capture, frames, fault);
}

static bool show_vz_mqtt(struct span input, const char *content_type,
                         json_t *frames, struct decode_fault *fault)
{
    struct capture capture;

    (void)content_type;
    return vz_mqtt_decode(input, &capture, fault) &&
           show(&capture, frames, fault);
}

/* The text of a licensePlate alone, when that is all that support was sent. */
static bool show_isapi_plate(struct span input, json_t *frames,
                             struct decode_fault *fault)
{
    struct capture capture;
    struct notes notes;
    struct plate plate;
    const char *color;
    size_t length = color_prefix(input, &color);

    if (!passage_begin(&capture, &notes, fault))
        return false;
    if (*color != 0)
        note_text(&notes, "color_from_prefix", color);
    passage_plate(&capture, &notes,
                  span_of(input.data + length, input.len - length), color,
                  &plate);
    if (plate.kind == PLATE_FOREIGN || plate.kind == PLATE_INVALID)
        decode_fail(fault, DECODE_UNKNOWN, 0,
                    "this is no XML, and no Chinese plate either");
    return passage_end(&capture, &notes, fault) &&
           show(&capture, frames, fault);
}

static bool is_word(struct span input)
{
    return input.len > 0 && input.len < 32 &&
           memchr(input.data, '<', input.len) == NULL;
}

/* Each event of a body; an alert stream holds several. */
static bool show_isapi(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    struct capture capture;
    size_t at = 0;

    if (content_type == NULL && is_word(input))
        return show_isapi_plate(input, frames, fault);

    do {
        if (!isapi_decode_body(input, content_type, &at, &capture, fault) ||
            !show(&capture, frames, fault))
            return false;
    } while (at < input.len);
    return true;
}

static bool show_itsapi(struct span input, const char *content_type,
                        json_t *frames, struct decode_fault *fault)
{
    struct capture capture;

    return dahua_itsapi_decode(NULL, input, content_type, &capture, fault) &&
           show(&capture, frames, fault);
}

static bool show_event(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    struct capture capture;

    (void)content_type;
    return dahua_event_decode(input, &capture, fault) &&
           show(&capture, frames, fault);
}

/* Those that are no captures: decode adds to an object. */
static bool
show_object(struct span input, json_t *frames, struct decode_fault *fault,
            bool (*decode)(struct span, json_t *, struct decode_fault *))
{
    json_t *object = json_object();
    bool good;

    if (object == NULL)
        return decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    good = decode(input, object, fault);
    if (good && json_array_append(frames, object) != 0)
        good = decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    json_decref(object);
    return good;
}

static bool show_reply(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return show_object(input, frames, fault, vz_reply_decode);
}

static bool show_led(struct span input, const char *content_type,
                     json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return show_object(input, frames, fault, vz_led_decode);
}

static bool show_plate(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return show_object(input, frames, fault, plate_decode);
}

/* clang-format off */
const struct decode_protocol camera_protocols[] = {
    { "vz-http",       "VZ and relatives: AlarmInfoPlate over HTTP",    true, show_vz },
    { "vz-mqtt",       "the same over MQTT",                            true, show_vz_mqtt },
    { "vz-reply",      "what a VZ camera is answered",                  true, show_reply },
    { "vz-led-serial", "Base64 of a frame to a display board",          true, show_led },
    { "isapi-anpr",    "Hikvision: EventNotificationAlert",             true, show_isapi },
    { "dahua-itsapi",  "Dahua: TollgateInfo, KeepAlive, DeviceInfo",    true, show_itsapi },
    { "dahua-event",   "Dahua: a part of an event stream",              true, show_event },
    { "cn-plate",      "a Chinese number plate by its shape",           true, show_plate },
    { "vin",           "a vehicle identification number",               true, vin_decode },
    { "iccid",         "the number of a SIM card",                      true, iccid_decode },
};
/* clang-format on */
const size_t camera_protocol_count =
    sizeof camera_protocols / sizeof *camera_protocols;
