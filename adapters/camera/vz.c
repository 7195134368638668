#include "vz.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "clock.h"
#include "colors.h"
#include "gbk.h"
#include "json_body.h"
#include "multipart.h"
#include "passage.h"
#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- the vendor's tables --------------------------------------------------
 */

struct code {
    int64_t number;
    const char *word;
};

/* Movement in the picture, not in or out. */
static const struct code directions[] = {
    {0, "unknown"}, {1, "left"}, {2, "right"}, {3, "up"}, {4, "down"},
};

static const struct code triggers[] = {
    {1, "automatic"}, {2, "io-input"},    {4, "software"},     {8, "coil"},
    {64, "stay"},     {65, "stay-ended"}, {66, "turned-back"},
};

static const struct code vehicle_colors[] = {
    {0, "white"}, {1, "silver"}, {2, "yellow"}, {3, "pink"},  {4, "red"},
    {5, "green"}, {6, "blue"},   {7, "brown"},  {8, "black"}, {255, "unknown"},
};

static const struct code vehicle_types[] = {
    {0, "unknown"},     {1, "saloon"},      {2, "SUV"},
    {3, "MPV"},         {4, "small bus"},   {5, "large bus"},
    {6, "small truck"}, {7, "large truck"}, {255, "none"},
};

static const char *word_of(const struct code *codes, size_t count,
                           int64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i].number == number)
            return codes[i].word;
    return "other";
}

/* clang-format off */
/* VZ's numbers.  Qianyi's are others (its 11 is new energy), so a word is told
 * only when the plate has the shape that goes with it. */
static const struct {
    int64_t number;
    const char *word;
    enum plate_kind kind;
} plate_types[] = {
    { 1,  "蓝牌小汽车",     PLATE_ORDINARY },
    { 2,  "黑牌小汽车",     PLATE_ORDINARY },
    { 3,  "单排黄牌",       PLATE_ORDINARY },
    { 4,  "双排黄牌",       PLATE_ORDINARY },
    { 5,  "警车车牌",       PLATE_POLICE },
    { 6,  "武警车牌",       PLATE_ARMED_POLICE },
    { 7,  "个性化车牌",     PLATE_ORDINARY },
    { 8,  "单排军车牌",     PLATE_ARMY },
    { 9,  "双排军车牌",     PLATE_ARMY },
    { 10, "使馆车牌",       PLATE_EMBASSY },
    { 11, "香港进出内地",   PLATE_HONG_KONG },
    { 12, "农用车牌",       PLATE_ORDINARY },
    { 13, "教练车牌",       PLATE_LEARNER },
    { 14, "澳门进出内地",   PLATE_MACAU },
    { 15, "双层武警车牌",   PLATE_ARMED_POLICE },
    { 16, "武警总队车牌",   PLATE_ARMED_POLICE },
    { 17, "双层武警总队车牌", PLATE_ARMED_POLICE },
    { 19, "新能源车牌",     PLATE_ENERGY_SMALL },
    { 20, "大型新能源车牌", PLATE_ENERGY_LARGE },
    { 22, "领事馆车牌",     PLATE_CONSULATE },
    { 26, "海外车牌",       PLATE_FOREIGN },
    { 26, "海外车牌",       PLATE_ARMY }, /* looks like a foreign one */
};
/* clang-format on */

#define TYPE_NO_PLATE 31

static const struct {
    const char *name;
    const char *length; /* of its JPEG, when told */
    enum capture_part part;
} pictures[] = {
    {"imageFile", "imageFileLen", PART_SCENE},
    {"imageFragmentFile", "imageFragmentFileLen", PART_PLATE},
    {"full_image_content", NULL, PART_SCENE},
    {"small_image_content", NULL, PART_PLATE},
};

/* ---- a passage ------------------------------------------------------------
 */

struct decoding {
    struct json_body body;
    struct capture *capture;
    struct notes notes;
    bool mqtt;
};

static void note_code(struct decoding *decoding, const json_t *parent,
                      const char *member, const char *name,
                      const struct code *codes, size_t count)
{
    int64_t number;

    if (json_body_integer(&decoding->body, parent, member, 0, 100000, &number))
        note_text(&decoding->notes, name, word_of(codes, count, number));
}

static void take_word(struct decoding *decoding, const json_t *parent,
                      const char *member, const char *name)
{
    char word[128];

    if (json_body_word(&decoding->body, parent, member, word, sizeof word))
        note_text(&decoding->notes, name, word);
}

static void take_integer(struct decoding *decoding, const json_t *parent,
                         const char *member, const char *name)
{
    int64_t number;

    if (json_body_integer(&decoding->body, parent, member, INT32_MIN,
                          UINT32_MAX, &number))
        note_integer(&decoding->notes, name, number);
}

/*
 * The plate's text.  Over MQTT it is Base64; what cannot be that (a character
 * outside ASCII, "B288-SCP") is taken as it is.  One that is too long to be a
 * plate is none: the passage stands.  False: no memory.
 */
static bool take_license(struct decoding *decoding, const json_t *result,
                         struct bytes *license)
{
    struct json_body *body = &decoding->body;
    struct span text = {0};
    enum status status = STATUS_FORMAT;

    if (!json_body_text(body, result, "license", &text))
        return body->fault->kind == DECODE_NONE;
    if (decoding->mqtt)
        status = base64_decode(text, false, license);
    if (status == STATUS_FORMAT)
        status = bytes_append(license, text);
    if (status != STATUS_OK)
        return decode_fail(body->fault, DECODE_MEMORY, 0,
                           "there is no memory left");
    if (license->len >= sizeof decoding->capture->plate) {
        note_line(&decoding->notes, "doubts",
                  "license: longer than the 31 bytes that are allowed");
        bytes_clear(license);
    }
    return true;
}

static const char *take_color(struct decoding *decoding, const json_t *result)
{
    int64_t number;

    if (json_body_integer(&decoding->body, result, "colorType", 0, 255,
                          &number) ||
        json_body_integer(&decoding->body, result, "color", 0, 255, &number))
        return color_of_vz(number);
    return "";
}

static void note_plate_type(struct notes *notes, int64_t type,
                            const struct plate *plate)
{
    note_integer(notes, "type_raw", type);
    for (size_t i = 0; i < COUNT(plate_types); i++)
        if (plate_types[i].number == type && plate_types[i].kind == plate->kind)
            note_text(notes, "plate_kind", plate_types[i].word);
}

static bool take_plate(struct decoding *decoding, const json_t *result)
{
    struct bytes license = BYTES_EMPTY;
    struct plate plate;
    const char *color;
    int64_t type = -1;
    bool good = take_license(decoding, result, &license);

    color = take_color(decoding, result);
    json_body_integer(&decoding->body, result, "type", 0, 100000, &type);
    if (good && type == TYPE_NO_PLATE) {
        plate_read(bytes_view(&license), &plate);
        /* A Chinese plate is one, whatever the number means to its maker. */
        if (plate.fault.kind != DECODE_NONE)
            bytes_clear(&license);
    }
    if (good) {
        passage_plate(decoding->capture, &decoding->notes, bytes_view(&license),
                      color, &plate);
        if (type >= 0)
            note_plate_type(&decoding->notes, type, &plate);
        if (type == TYPE_NO_PLATE && *decoding->capture->plate == 0)
            note_text(&decoding->notes, "plate_kind", "无牌车");
    }
    bytes_free(&license);
    return good;
}

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

/* The same instant on the camera's own clock, which is read as China's: for
 * firmware that tells no sec.  False: it is not told, or no time. */
static bool local_time(const struct json_body *body, const json_t *value,
                       int64_t *at_ms)
{
    struct china_time time = {0};
    const struct {
        const char *name;
        int *to;
    } parts[] = {
        {"decyear", &time.year},  {"decmon", &time.month},
        {"decday", &time.day},    {"dechour", &time.hour},
        {"decmin", &time.minute}, {"decsec", &time.second},
    };

    for (size_t i = 0; i < COUNT(parts); i++) {
        int64_t number;

        if (!json_body_integer(body, value, parts[i].name, 0, 9999, &number))
            return false;
        *parts[i].to = (int)number;
    }
    return china_time_to_ms(&time, at_ms) == STATUS_OK;
}

static void take_time(struct decoding *decoding, const json_t *result)
{
    const struct json_body *body = &decoding->body;
    const json_t *stamp = json_body_object(body, result, "timeStamp");
    const json_t *value = json_body_object(body, stamp, "Timeval");
    int64_t *at_ms = &decoding->capture->at_ms;
    int64_t seconds = 0;
    int64_t micros = 0;

    json_body_integer(body, value, "sec", 0, LAST_SECOND, &seconds);
    json_body_integer(body, value, "usec", 0, 999999, &micros);
    if (seconds != 0)
        *at_ms = seconds * 1000;
    else if (!local_time(body, value, at_ms))
        return;
    *at_ms += micros / 1000;
}

static void take_picture(struct decoding *decoding, const json_t *parent,
                         size_t which)
{
    const char *name = pictures[which].name;
    struct bytes jpeg = BYTES_EMPTY;
    int64_t told = 0;
    const char *why;

    if (json_body_base64(&decoding->body, parent, name, &jpeg, &why))
        passage_picture(decoding->capture, &decoding->notes,
                        pictures[which].part, name, bytes_view(&jpeg));
    else if (*why != 0)
        note_line(&decoding->notes, "picture_faults", "%s %s", name, why);
    if (pictures[which].length != NULL && jpeg.len > 0 &&
        json_body_integer(&decoding->body, parent, pictures[which].length, 0,
                          UINT32_MAX, &told) &&
        told != (int64_t)jpeg.len)
        note_line(&decoding->notes, "picture_faults",
                  "%s has %zu bytes, %s says %" PRId64, name, jpeg.len,
                  pictures[which].length, told);
    bytes_free(&jpeg);
}

static void note_pictures(struct decoding *decoding)
{
    json_t *names = json_array();

    for (size_t i = 0; i < decoding->capture->picture_count; i++)
        if (json_array_append_new(
                names, json_string(decoding->capture->pictures[i].name)) != 0)
            decoding->notes.failed = true;
    note(&decoding->notes, "pictures", names);
}

static void take_box(struct decoding *decoding, const json_t *box)
{
    static const char *const sides[] = {"left", "top", "right", "bottom"};
    struct notes notes = {json_object(), false};
    int64_t at;

    for (size_t i = 0; i < COUNT(sides); i++)
        if (json_body_integer(&decoding->body, box, sides[i], -100000, 100000,
                              &at))
            note_integer(&notes, sides[i], at);
    decoding->notes.failed |= notes.failed;
    if (json_object_size(notes.to) > 0)
        note(&decoding->notes, "box", notes.to);
    else
        json_decref(notes.to);
}

/* Movement, trigger, vehicle and where in the picture. */
static void take_circumstances(struct decoding *decoding, const json_t *result)
{
    struct json_body *body = &decoding->body;
    struct capture *capture = decoding->capture;
    int64_t number;
    bool flag;

    if (json_body_integer(body, result, "direction", 0, 100000, &number)) {
        const char *word = word_of(directions, COUNT(directions), number);

        note_text(&decoding->notes, "direction", word);
        if (number != 0)
            text_put(capture->movement, sizeof capture->movement, word);
    }
    if (json_body_integer(body, result, "triggerType", 0, 100000, &number)) {
        text_put(capture->trigger, sizeof capture->trigger,
                 word_of(triggers, COUNT(triggers), number));
        note_text(&decoding->notes, "trigger", capture->trigger);
    }
    note_code(decoding, result, "carColor", "vehicle_color", vehicle_colors,
              COUNT(vehicle_colors));
    note_code(decoding, json_body_object(body, result, "car_brand"), "type",
              "vehicle_type", vehicle_types, COUNT(vehicle_types));
    if (json_body_flag(body, result, "is_fake_plate", &flag))
        note_flag(&decoding->notes, "fake_plate", flag);
    take_box(decoding, json_body_object(body, result, "pos"));
    take_box(decoding,
             json_body_object(body, json_body_object(body, result, "location"),
                              "RECT"));
}

#define PLATEID_MAX (INT64_C(1) << 53) /* what a number of JSON can tell */

static void take_record(struct decoding *decoding, const json_t *result)
{
    struct capture *capture = decoding->capture;
    bool offline = false;
    int64_t plateid;

    if (json_body_flag(&decoding->body, result, "isoffline", &offline))
        note_flag(&decoding->notes, "offline", offline);
    capture->history = offline;
    if (json_body_integer(&decoding->body, result, "plateid", 0, PLATEID_MAX,
                          &plateid)) {
        note_integer(&decoding->notes, "plateid", plateid);
        snprintf(capture->key, sizeof capture->key, "%" PRId64, plateid);
    }
}

static void take_result(struct decoding *decoding, const json_t *result)
{
    struct capture *capture = decoding->capture;

    if (!take_plate(decoding, result))
        return;
    if (json_body_number(&decoding->body, result, "confidence", 0, 100,
                         &capture->confidence))
        note_number(&decoding->notes, "confidence", capture->confidence);
    take_circumstances(decoding, result);
    take_record(decoding, result);
    take_time(decoding, result);
    for (size_t i = 0; i < COUNT(pictures); i++)
        take_picture(decoding, result, i);
    note_pictures(decoding);
    take_word(decoding, result, "imagePath", "image_path");
}

/* ---- the messages ---------------------------------------------------------
 */

static void take_camera(struct decoding *decoding, const json_t *message)
{
    struct capture *capture = decoding->capture;

    if (json_body_word(&decoding->body, message, "serialno", capture->device,
                       sizeof capture->device))
        note_word(&decoding->notes, "device", capture->device);
    take_word(decoding, message, "deviceName", "device_name");
    take_word(decoding, message, "ipaddr", "address");
    take_integer(decoding, message, "channel", "channel");
}

static void be_heartbeat(struct decoding *decoding)
{
    decoding->capture->kind = CAPTURE_HEARTBEAT;
    note_text(&decoding->notes, "kind", "heartbeat");
    note_flag(&decoding->notes, "capture", false);
}

static void on_plate(struct decoding *decoding, const json_t *message)
{
    struct json_body *body = &decoding->body;
    const json_t *result = json_body_object(body, message, "result");
    const json_t *plate = json_body_object(body, result, "PlateResult");
    bool beat = false;

    take_camera(decoding, message);
    json_body_flag(body, message, "heartbeat", &beat);
    if (plate != NULL)
        take_result(decoding, plate);
    else if (result == NULL && beat)
        be_heartbeat(decoding);
    else
        json_body_missing(body, message, "AlarmInfoPlate.result.PlateResult");
}

static void on_serial(struct decoding *decoding, const json_t *message)
{
    struct json_body *body = &decoding->body;
    struct bytes raw = BYTES_EMPTY;
    int64_t length = -1;
    const char *why;

    take_camera(decoding, message);
    decoding->capture->kind = CAPTURE_SERIAL;
    note_text(&decoding->notes, "kind", "serial");
    note_flag(&decoding->notes, "capture", false);
    take_integer(decoding, message, "serialChannel", "port");
    json_body_integer(body, message, "dataLen", 0, UINT32_MAX, &length);
    if (!json_body_base64(body, message, "data", &raw, &why) && *why != 0)
        json_body_wrong(body, message, "data", DECODE_SYNTAX, why);
    if (body->fault->kind == DECODE_NONE && length >= 0 &&
        length != (int64_t)raw.len)
        json_body_wrong(body, message, "dataLen", DECODE_LENGTH,
                        "data has another length");
    note_hex(&decoding->notes, "bytes", bytes_view(&raw));
    note_integer(&decoding->notes, "length", (int64_t)raw.len);
    bytes_free(&raw);
}

static void be_other(struct decoding *decoding, const char *kind)
{
    note_text(&decoding->notes, "kind", kind);
    note_flag(&decoding->notes, "capture", false);
}

static void on_input(struct decoding *decoding, const json_t *message)
{
    struct json_body *body = &decoding->body;
    const json_t *result = json_body_object(body, message, "result");
    const json_t *trigger = json_body_object(body, result, "TriggerResult");

    take_camera(decoding, message);
    be_other(decoding, "io-input");
    if (trigger == NULL)
        json_body_missing(body, message, "AlarmGioIn.result.TriggerResult");
    take_integer(decoding, trigger, "source", "source");
    take_integer(decoding, trigger, "value", "value");
}

static void on_snapshot(struct decoding *decoding, const json_t *message)
{
    take_camera(decoding, message);
    be_other(decoding, "snapshot");
    take_picture(decoding, message, 0);
    note_pictures(decoding);
}

static const struct message {
    const char *name;
    void (*take)(struct decoding *decoding, const json_t *message);
} messages[] = {
    {"AlarmInfoPlate", on_plate},
    {"SerialData", on_serial},
    {"AlarmGioIn", on_input},
    {"TriggerImage", on_snapshot},
};

/* The first message that parent holds; false: none. */
static bool take_message(struct decoding *decoding, const json_t *parent)
{
    for (size_t i = 0; i < COUNT(messages); i++) {
        const json_t *message =
            json_body_object(&decoding->body, parent, messages[i].name);

        if (message == NULL)
            continue;
        messages[i].take(decoding, message);
        return true;
    }
    return false;
}

static void read_http(struct decoding *decoding)
{
    if (take_message(decoding, decoding->body.root))
        passage_time(decoding->capture, &decoding->notes);
    else if (decoding->body.fault->kind == DECODE_NONE)
        decode_fail(decoding->body.fault, DECODE_UNKNOWN, 0,
                    "known are AlarmInfoPlate, SerialData, AlarmGioIn and "
                    "TriggerImage; none is in it");
}

/* ---- the registration -----------------------------------------------------
 */

/* Not here: pass_wd, and user_name that goes with it. */
static const char *const registration_fields[] = {
    "device_name", "ipaddr", "port", "serialno", "channel_num",
};

static void take_field(struct capture *capture, struct notes *notes,
                       const struct multipart_part *part)
{
    char text[128];

    for (size_t i = 0; i < COUNT(registration_fields); i++) {
        if (!span_equal_text(part->name, registration_fields[i]))
            continue;
        gbk_put(text, sizeof text, part->body);
        note_text(notes, registration_fields[i], text);
        if (strcmp(registration_fields[i], "serialno") == 0)
            text_put(capture->device, sizeof capture->device, text);
    }
}

static void take_parts(struct capture *capture, struct notes *notes,
                       struct span body, const char *content_type,
                       struct decode_fault *fault)
{
    struct multipart multipart;
    struct multipart_part part;

    if (multipart_open(&multipart, body, content_type, fault))
        while (multipart_next(&multipart, &part, fault))
            take_field(capture, notes, &part);
}

/* "name=value&name=value"; what is written with % stays so. */
static void take_pairs(struct capture *capture, struct notes *notes,
                       struct span body)
{
    while (body.len > 0) {
        const uint8_t *end = memchr(body.data, '&', body.len);
        size_t size = end == NULL ? body.len : (size_t)(end - body.data);
        const uint8_t *equals = memchr(body.data, '=', size);

        if (equals != NULL) {
            size_t name = (size_t)(equals - body.data);

            take_field(capture, notes,
                       &(struct multipart_part){
                           .name = span_of(body.data, name),
                           .body = span_of(equals + 1, size - name - 1)});
        }
        size += end != NULL;
        body = span_of(body.data + size, body.len - size);
    }
}

static bool read_registration(struct span body, const char *content_type,
                              struct capture *capture,
                              struct decode_fault *fault)
{
    struct notes notes;

    if (!passage_begin(capture, &notes, fault))
        return false;
    capture->kind = CAPTURE_REGISTRATION;
    note_text(&notes, "kind", "registration");
    note_flag(&notes, "capture", false);
    if (multipart_is(content_type))
        take_parts(capture, &notes, body, content_type, fault);
    else
        take_pairs(capture, &notes, body);
    if (fault->kind == DECODE_NONE && *capture->device == 0)
        decode_fail(fault, DECODE_MISSING, 0,
                    "a registration's field serialno is absent");
    note_word(&notes, "device", capture->device);
    return passage_end(capture, &notes, fault);
}

/* ---- in and out -----------------------------------------------------------
 */

static bool run(struct span text, bool mqtt,
                void (*read)(struct decoding *decoding),
                struct capture *capture, struct decode_fault *fault)
{
    struct decoding decoding = {.capture = capture, .mqtt = mqtt};

    if (!passage_begin(capture, &decoding.notes, fault))
        return false;
    if (json_body_read(&decoding.body, text, fault)) {
        decoding.body.doubts = &decoding.notes;
        read(&decoding);
    }
    json_body_free(&decoding.body);
    return passage_end(capture, &decoding.notes, fault);
}

/* Firmware gives JSON this type as well. */
static bool is_form(struct span body, const char *content_type)
{
    static const char form[] = "application/x-www-form-urlencoded";

    return content_type != NULL &&
           strncasecmp(content_type, form, strlen(form)) == 0 && body.len > 0 &&
           memchr("{ \t\r\n", *body.data, 5) == NULL;
}

bool vz_decode(struct span body, const char *content_type,
               struct capture *capture, struct decode_fault *fault)
{
    if (multipart_is(content_type) || is_form(body, content_type))
        return read_registration(body, content_type, capture, fault);
    return run(body, false, read_http, capture, fault);
}

/* The envelope's sn is the camera's identity; its time is when it was sent,
 * which is good enough for a passage that was not stored in between. */
static void take_envelope(struct decoding *decoding, const char *name)
{
    struct capture *capture = decoding->capture;
    const json_t *root = decoding->body.root;
    int64_t sent = 0;

    if (json_body_word(&decoding->body, root, "sn", capture->device,
                       sizeof capture->device))
        note(&decoding->notes, "topic",
             json_sprintf("%s/device/message/up/%s", capture->device, name));
    else
        json_body_missing(&decoding->body, root, "sn");
    note_word(&decoding->notes, "device", capture->device);
    if (json_body_integer(&decoding->body, root, "timestamp", 0, LAST_SECOND,
                          &sent))
        note_utc(&decoding->notes, "sent_utc", sent * 1000);
    if (capture->kind == CAPTURE_PASSAGE && !capture->history &&
        capture->at_ms == 0)
        capture->at_ms = sent * 1000;
}

static void read_mqtt(struct decoding *decoding)
{
    struct json_body *body = &decoding->body;
    const json_t *payload = json_body_object(body, body->root, "payload");
    char name[64] = "";

    if (!json_body_word(body, body->root, "name", name, sizeof name)) {
        json_body_missing(body, body->root, "name");
        return;
    }
    if (strcmp(name, "keep_alive") == 0)
        be_heartbeat(decoding);
    else if (strcmp(name, "quick_ivs_result") == 0)
        be_other(decoding, "early");
    else if (!take_message(decoding, payload)) {
        if (strcmp(name, "ivs_result") == 0)
            json_body_missing(body, payload == NULL ? body->root : payload,
                              "payload.AlarmInfoPlate");
        be_other(decoding, "other");
    }
    take_envelope(decoding, name);
    if (decoding->capture->kind == CAPTURE_PASSAGE)
        passage_time(decoding->capture, &decoding->notes);
}

bool vz_mqtt_decode(struct span payload, struct capture *capture,
                    struct decode_fault *fault)
{
    return run(payload, true, read_mqtt, capture, fault);
}
