#include "dahua.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "colors.h"
#include "gbk.h"
#include "json_body.h"
#include "passage.h"
#include "text.h"
#include "xml_tree.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define CONFIDENCE_TOP 255 /* of the firmware that does not count to 100 */

struct decoding {
    struct json_body body;
    struct capture *capture;
    struct notes notes;
};

static void be(struct decoding *decoding, enum capture_kind kind,
               const char *word)
{
    decoding->capture->kind = kind;
    note_text(&decoding->notes, "kind", word);
    note_flag(&decoding->notes, "capture", false);
}

static void take_word(struct decoding *decoding, const json_t *parent,
                      const char *member, const char *name)
{
    char word[128];

    if (json_body_word(&decoding->body, parent, member, word, sizeof word))
        note_text(&decoding->notes, name, word);
}

static void take_number(struct decoding *decoding, const json_t *parent,
                        const char *member, const char *name)
{
    double number;

    if (json_body_number(&decoding->body, parent, member, -1e9, 1e9, &number))
        note_number(&decoding->notes, name, number);
}

/* ---- times ----------------------------------------------------------------
 */

/* "2026-10-02 13:24:56.123", with T or a blank, with a zone or on China's
 * clocks. */
static bool read_time(const char *text, int64_t *at_ms)
{
    struct china_time time = {0};
    char fraction[4] = "000";
    char mark;
    int used = 0;

    if (clock_read(span_text(text), at_ms) == STATUS_OK)
        return true;
    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &time.year, &time.month,
               &time.day, &mark, &time.hour, &time.minute, &time.second,
               &used) != 7 ||
        (mark != 'T' && mark != ' '))
        return false;
    if (text[used] == '.') {
        size_t digits = strspn(text + used + 1, "0123456789");

        memcpy(fraction, text + used + 1, digits < 3 ? digits : 3);
        used += 1 + (int)digits;
        time.millisecond = (fraction[0] - '0') * 100 +
                           (fraction[1] - '0') * 10 + (fraction[2] - '0');
    }
    return text[used] == 0 && china_time_to_ms(&time, at_ms) == STATUS_OK;
}

/* Also the key: with milliseconds the time alone tells passages apart.  Those
 * of firmware that always writes ".000" do not. */
static void take_time(struct decoding *decoding, const json_t *snap)
{
    static const char *const names[] = {"AccurateTime", "SnapTime",
                                        "Timestamp"};
    struct capture *capture = decoding->capture;
    char text[40];

    for (size_t i = 0; i < COUNT(names); i++) {
        if (!json_body_word(&decoding->body, snap, names[i], text,
                            sizeof text) ||
            text[0] == 0)
            continue;
        if (!read_time(text, &capture->at_ms)) {
            note_line(&decoding->notes, "doubts",
                      "%s: allowed is 2026-11-20 08:30:45.123", names[i]);
            continue;
        }
        note_text(&decoding->notes, "local_time", text);
        if (capture->at_ms % SECOND_MS != 0)
            text_put(capture->key, sizeof capture->key, text);
        else
            text_print(capture->key, sizeof capture->key, "%s %s", text,
                       capture->plate);
        break;
    }
    passage_time(capture, &decoding->notes);
}

/* ---- ITSAPI: a passage ----------------------------------------------------
 */

static const struct {
    const char *name;
    enum capture_part part;
} pictures[] = {
    {"NormalPic", PART_SCENE},
    {"CutoutPic", PART_PLATE},
    {"VehiclePic", PART_SCENE},
};

static void take_pictures(struct decoding *decoding, const json_t *picture)
{
    json_t *names = json_array();

    for (size_t i = 0; i < COUNT(pictures); i++) {
        const json_t *one =
            json_body_object(&decoding->body, picture, pictures[i].name);
        struct bytes jpeg = BYTES_EMPTY;
        const char *why;

        if (json_body_base64(&decoding->body, one, "Content", &jpeg, &why)) {
            json_array_append_new(names, json_string(pictures[i].name));
            passage_picture(decoding->capture, &decoding->notes,
                            pictures[i].part, pictures[i].name,
                            bytes_view(&jpeg));
        } else if (*why != 0) {
            note_line(&decoding->notes, "picture_faults", "%s: %s",
                      pictures[i].name, why);
        }
        bytes_free(&jpeg);
    }
    note(&decoding->notes, "pictures", names);
}

/* PicName "<plate>-<yyyymmddhhmmss>.jpg": the plate's last resort. */
static bool plate_of_name(struct decoding *decoding, const json_t *picture,
                          char plate[static 32])
{
    for (size_t i = 0; i < COUNT(pictures); i++) {
        const json_t *one =
            json_body_object(&decoding->body, picture, pictures[i].name);
        char name[128];
        const char *dash;

        if (!json_body_word(&decoding->body, one, "PicName", name, sizeof name))
            continue;
        dash = strrchr(name, '-');
        if (dash == NULL || dash == name || dash - name > 31 ||
            strspn(dash + 1, "0123456789") != 14)
            continue;
        text_print(plate, 32, "%.*s", (int)(dash - name), name);
        return true;
    }
    return false;
}

/* False: a fault. */
static bool take_plate(struct decoding *decoding, const json_t *picture,
                       const json_t *plate)
{
    struct json_body *body = &decoding->body;
    struct plate shape;
    char text[32] = "";
    char color[32] = "";

    json_body_word(body, plate, "PlateNumber", text, sizeof text);
    if (plate_is_none(span_text(text)) &&
        plate_of_name(decoding, picture, text))
        note_flag(&decoding->notes, "plate_from_name", true);
    if (!json_body_word(body, plate, "PlateColor", color, sizeof color))
        json_body_word(body, plate, "Color", color, sizeof color);
    if (body->fault->kind != DECODE_NONE)
        return false;
    passage_plate(decoding->capture, &decoding->notes, span_text(text),
                  color_of_dahua(color), &shape);
    return true;
}

static void take_confidence(struct decoding *decoding, const json_t *plate)
{
    double raw;

    if (!json_body_number(&decoding->body, plate, "Confidence", 0,
                          CONFIDENCE_TOP, &raw))
        return;
    decoding->capture->confidence =
        raw <= 100 ? raw : round(raw * 100 / CONFIDENCE_TOP);
    note_number(&decoding->notes, "confidence_raw", raw);
    note_number(&decoding->notes, "confidence_percent",
                decoding->capture->confidence);
}

static void take_movement(struct decoding *decoding, const json_t *snap)
{
    char word[sizeof decoding->capture->movement];

    if (!json_body_word(&decoding->body, snap, "Direction", word, sizeof word))
        return;
    note_text(&decoding->notes, "direction", word);
    for (char *at = word; *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    if (strcmp(word, "unknown") != 0)
        text_put(decoding->capture->movement, sizeof word, word);
}

static void on_passage(struct decoding *decoding)
{
    struct json_body *body = &decoding->body;
    const json_t *picture = json_body_object(body, body->root, "Picture");
    const json_t *plate;
    const json_t *snap;
    const json_t *vehicle;

    if (picture == NULL)
        picture = body->root; /* some firmware omits the wrapper */
    if (body->fault->kind == DECODE_NONE)
        body->doubts = &decoding->notes;
    plate = json_body_object(body, picture, "Plate");
    snap = json_body_object(body, picture, "SnapInfo");
    vehicle = json_body_object(body, picture, "Vehicle");
    if (plate == NULL && snap == NULL) {
        json_body_missing(body, picture, "Picture.Plate");
        return;
    }
    if (!take_plate(decoding, picture, plate))
        return;
    if (json_body_word(body, snap, "DeviceID", decoding->capture->device,
                       sizeof decoding->capture->device))
        note_text(&decoding->notes, "device", decoding->capture->device);
    take_confidence(decoding, plate);
    take_word(decoding, plate, "PlateType", "plate_type");
    take_number(decoding, plate, "Channel", "channel");
    take_word(decoding, vehicle, "VehicleType", "vehicle_type");
    take_word(decoding, vehicle, "VehicleColor", "vehicle_color");
    take_number(decoding, vehicle, "Speed", "speed");
    take_movement(decoding, snap);
    take_time(decoding, snap);
    take_pictures(decoding, picture);
}

/* ---- ITSAPI: the others ---------------------------------------------------
 */

static void take_camera(struct decoding *decoding)
{
    struct capture *capture = decoding->capture;

    json_body_word(&decoding->body, decoding->body.root, "DeviceID",
                   capture->device, sizeof capture->device);
    note_word(&decoding->notes, "device", capture->device);
}

static void on_heartbeat(struct decoding *decoding)
{
    be(decoding, CAPTURE_HEARTBEAT, "heartbeat");
    take_camera(decoding);
}

/* Not its password, should there be one. */
static void on_registration(struct decoding *decoding)
{
    be(decoding, CAPTURE_REGISTRATION, "registration");
    take_camera(decoding);
    take_word(decoding, decoding->body.root, "DeviceName", "device_name");
    take_word(decoding, decoding->body.root, "DeviceModel", "model");
    take_word(decoding, decoding->body.root, "IPAddress", "address");
}

static const struct push {
    const char *path;
    const char *member[2]; /* either tells, when there is no path */
    void (*take)(struct decoding *decoding);
} pushes[] = {
    {"/NotificationInfo/TollgateInfo", {"Picture", "Plate"}, on_passage},
    {"/NotificationInfo/KeepAlive", {"Active", "Active"}, on_heartbeat},
    {"/NotificationInfo/DeviceInfo",
     {"DeviceName", "DeviceModel"},
     on_registration},
};

static bool path_is(const char *path, const char *known)
{
    size_t length = strcspn(path, "?");
    size_t wanted = strlen(known);

    while (length > 0 && path[length - 1] == '/')
        length--;
    return length >= wanted &&
           strncasecmp(path + length - wanted, known, wanted) == 0;
}

static const struct push *push_of(const char *path, const json_t *root)
{
    for (size_t i = 0; path != NULL && i < COUNT(pushes); i++)
        if (path_is(path, pushes[i].path))
            return &pushes[i];
    for (size_t i = 0; i < COUNT(pushes); i++)
        if (json_object_get(root, pushes[i].member[0]) != NULL ||
            json_object_get(root, pushes[i].member[1]) != NULL)
            return &pushes[i];
    return NULL;
}

static void read_push(struct decoding *decoding, const char *path)
{
    const struct push *push = push_of(path, decoding->body.root);

    if (push == NULL) {
        decode_fail(decoding->body.fault, DECODE_UNKNOWN, 0,
                    "known are TollgateInfo, KeepAlive and DeviceInfo; this "
                    "is none of them");
        return;
    }
    note_text(&decoding->notes, "path", push->path);
    push->take(decoding);
}

/* ---- ITSAPI as XML ---------------------------------------------------------
 */

/* Of elements of one name in one place the first counts. */
static bool is_second(const struct xml_node *node)
{
    for (const struct xml_node *at = node->parent->first; at != node;
         at = at->next)
        if (span_equal(at->name, node->name))
            return true;
    return false;
}

static json_t *tree_to_json(const struct xml_node *node)
{
    json_t *object;

    if (node->first == NULL)
        return json_stringn((const char *)node->text.data, node->text.len);
    object = json_object();
    for (const struct xml_node *at = node->first; at != NULL; at = at->next) {
        char name[64];

        snprintf(name, sizeof name, "%.*s", (int)at->name.len,
                 (const char *)at->name.data);
        if (!is_second(at) &&
            json_object_set_new(object, name, tree_to_json(at)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* The same members as JSON; json is what body points into. */
static bool xml_body_read(struct json_body *body, struct span xml,
                          struct bytes *json, struct decode_fault *fault)
{
    struct xml_tree *tree = NULL;
    json_t *members;
    char *text;
    bool good;

    if (!xml_tree_read(xml, &tree, fault))
        return false;
    members = tree_to_json(xml_tree_root(tree));
    text = members == NULL ? NULL : json_dumps(members, JSON_COMPACT);
    json_decref(members);
    xml_tree_free(tree);
    good = text != NULL && bytes_append_text(json, text) == STATUS_OK;
    free(text);
    if (!good)
        return decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    good = json_body_read(body, bytes_view(json), fault);
    body->worded = true;
    return good;
}

static bool is_xml(struct span body, const char *content_type)
{
    size_t at = 0;

    if (content_type != NULL && strcasestr(content_type, "xml") != NULL)
        return true;
    while (at < body.len && strchr(" \t\r\n", body.data[at]) != NULL &&
           body.data[at] != 0)
        at++;
    return at < body.len && body.data[at] == '<';
}

bool dahua_itsapi_decode(const char *path, struct span body,
                         const char *content_type, struct capture *capture,
                         struct decode_fault *fault)
{
    struct decoding decoding = {.capture = capture};
    struct bytes json = BYTES_EMPTY;
    bool read;

    if (!passage_begin(capture, &decoding.notes, fault))
        return false;
    read = is_xml(body, content_type)
               ? xml_body_read(&decoding.body, body, &json, fault)
               : json_body_read(&decoding.body, body, fault);
    if (read)
        read_push(&decoding, path);
    json_body_free(&decoding.body);
    bytes_free(&json);
    return passage_end(capture, &decoding.notes, fault);
}

/* ---- the event stream ------------------------------------------------------
 */

static bool starts(struct span text, const char *word)
{
    return text.len >= strlen(word) &&
           memcmp(text.data, word, strlen(word)) == 0;
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL &&
           text.data[0] != 0)
        text = span_of(text.data + 1, text.len - 1);
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL &&
           text.data[text.len - 1] != 0)
        text.len--;
    return text;
}

/* The value of "NAME=value" in front of a ';' or the end; empty: none. */
static struct span header_of(struct span text, const char *name)
{
    size_t length = strlen(name);

    for (size_t at = 0; at + length < text.len;) {
        const uint8_t *end = memchr(text.data + at, ';', text.len - at);
        size_t stop = end == NULL ? text.len : (size_t)(end - text.data);

        if (stop - at > length && memcmp(text.data + at, name, length) == 0 &&
            text.data[at + length] == '=')
            return span_of(text.data + at + length + 1, stop - at - length - 1);
        at = stop + 1;
    }
    return span_of(NULL, 0);
}

/* What is common to both forms, once it is read. */
struct event_facts {
    char plate[32];
    char plate_color[32];
    char vehicle_color[32];
    int64_t utc; /* seconds; 0: not said */
    int64_t utc_ms;
    bool has_ms;
};

static void take_facts(struct decoding *decoding,
                       const struct event_facts *facts)
{
    struct capture *capture = decoding->capture;
    struct plate shape;

    note_word(&decoding->notes, "plate_raw", facts->plate);
    passage_plate(capture, &decoding->notes, span_text(facts->plate),
                  color_of_dahua(facts->plate_color), &shape);
    if (*facts->vehicle_color != 0)
        note_text(&decoding->notes, "vehicle_color", facts->vehicle_color);
    if (facts->utc != 0) {
        capture->at_ms = facts->utc * 1000 + facts->utc_ms;
        if (facts->has_ms)
            text_print(capture->key, sizeof capture->key, "%lld.%03d",
                       (long long)facts->utc, (int)facts->utc_ms);
        else
            text_print(capture->key, sizeof capture->key, "%lld %s",
                       (long long)facts->utc, capture->plate);
    }
    passage_time(capture, &decoding->notes);
}

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

static void read_event_json(struct decoding *decoding)
{
    const struct json_body *body = &decoding->body;
    const json_t *car = json_body_object(body, body->root, "TrafficCar");
    const json_t *object = json_body_object(body, body->root, "Object");
    struct event_facts facts = {.plate = ""};
    char type[32] = "";

    json_body_word(body, car, "PlateNumber", facts.plate, sizeof facts.plate);
    json_body_word(body, object, "ObjectType", type, sizeof type);
    if (facts.plate[0] == 0 && strcmp(type, "Plate") == 0)
        json_body_word(body, object, "Text", facts.plate, sizeof facts.plate);
    json_body_word(body, car, "PlateColor", facts.plate_color,
                   sizeof facts.plate_color);
    json_body_word(body, car, "VehicleColor", facts.vehicle_color,
                   sizeof facts.vehicle_color);
    json_body_integer(body, body->root, "UTC", 0, LAST_SECOND, &facts.utc);
    facts.has_ms =
        json_body_integer(body, body->root, "UTCMS", 0, 999, &facts.utc_ms);
    take_number(decoding, body->root, "Speed", "speed");
    take_number(decoding, body->root, "Lane", "lane_raw");
    take_number(decoding, body->root, "GroupID", "group");
    if (body->fault->kind == DECODE_NONE)
        take_facts(decoding, &facts);
}

static bool is_passage(struct decoding *decoding, struct span code,
                       struct span action)
{
    char word[64];

    gbk_put(word, sizeof word, code);
    note_text(&decoding->notes, "code", word);
    gbk_put(word, sizeof word, action);
    note_text(&decoding->notes, "action", word);
    if (span_equal_text(code, "TrafficJunction") &&
        span_equal_text(action, "Pulse"))
        return true;
    be(decoding, CAPTURE_OTHER, "other");
    return false;
}

/* "Code=TrafficJunction;action=Pulse;index=0;data={...}" */
static void read_lines_of_code(struct decoding *decoding, struct span part,
                               struct decode_fault *fault)
{
    const uint8_t *brace = memchr(part.data, '{', part.len);
    struct span head = part;
    size_t at;

    if (brace != NULL)
        head.len = (size_t)(brace - part.data);
    if (!is_passage(decoding, header_of(head, "Code"),
                    header_of(head, "action")))
        return;
    if (brace == NULL) {
        decode_fail(fault, DECODE_MISSING, part.len,
                    "data={...} is absent in an event TrafficJunction");
        return;
    }
    at = (size_t)(brace - part.data);
    if (json_body_read(&decoding->body, span_of(part.data + at, part.len - at),
                       fault))
        read_event_json(decoding);
    if (fault->kind != DECODE_NONE)
        fault->offset += at;
    json_body_free(&decoding->body);
}

/* "Events[0].TrafficCar.PlateNumber=abc-123" a line; the value of name. */
static struct span flat_of(struct span text, const char *name)
{
    static const char first[] = "Events[0].";
    size_t length = strlen(name);

    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t size = end == NULL ? text.len : (size_t)(end - text.data);
        struct span line = trimmed(span_of(text.data, size));

        text = end == NULL ? span_of(NULL, 0)
                           : span_of(end + 1, text.len - size - 1);
        if (!starts(line, first))
            continue;
        line = span_of(line.data + strlen(first), line.len - strlen(first));
        if (line.len > length && memcmp(line.data, name, length) == 0 &&
            line.data[length] == '=')
            return span_of(line.data + length + 1, line.len - length - 1);
    }
    return span_of(NULL, 0);
}

static void flat_word(struct span part, const char *name, char *to, size_t size)
{
    gbk_put(to, size, flat_of(part, name));
}

static bool flat_integer(struct span part, const char *name, int64_t most,
                         int64_t *to)
{
    struct span text = flat_of(part, name);
    int64_t value = 0;

    if (text.len == 0 || text.len > 12)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    if (value > most)
        return false;
    *to = value;
    return true;
}

static void read_flat(struct decoding *decoding, struct span part)
{
    struct event_facts facts = {.plate = ""};
    int64_t number;

    if (!is_passage(decoding, flat_of(part, "EventBaseInfo.Code"),
                    flat_of(part, "EventBaseInfo.Action")))
        return;
    flat_word(part, "TrafficCar.PlateNumber", facts.plate, sizeof facts.plate);
    if (facts.plate[0] == 0 &&
        span_equal_text(flat_of(part, "Object.ObjectType"), "Plate"))
        flat_word(part, "Object.Text", facts.plate, sizeof facts.plate);
    flat_word(part, "TrafficCar.PlateColor", facts.plate_color,
              sizeof facts.plate_color);
    flat_word(part, "TrafficCar.VehicleColor", facts.vehicle_color,
              sizeof facts.vehicle_color);
    flat_integer(part, "UTC", LAST_SECOND, &facts.utc);
    facts.has_ms = flat_integer(part, "UTCMS", 999, &facts.utc_ms);
    if (flat_integer(part, "GroupID", INT32_MAX, &number))
        note_integer(&decoding->notes, "group", number);
    if (flat_integer(part, "TrafficCar.Speed", 1000, &number))
        note_integer(&decoding->notes, "speed", number);
    take_facts(decoding, &facts);
}

bool dahua_event_decode(struct span part, struct capture *capture,
                        struct decode_fault *fault)
{
    struct decoding decoding = {.capture = capture};
    struct span text = trimmed(part);
    size_t skipped = (size_t)(text.data - part.data);

    if (!passage_begin(capture, &decoding.notes, fault))
        return false;
    if (text.len == 0)
        decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    else if (span_equal_text(text, "Heartbeat"))
        be(&decoding, CAPTURE_HEARTBEAT, "heartbeat");
    else if (starts(text, "Code="))
        read_lines_of_code(&decoding, text, fault);
    else if (starts(text, "Events["))
        read_flat(&decoding, text);
    else
        decode_fail(fault, DECODE_UNKNOWN, 0,
                    "known are Heartbeat, Code=...;data={...} and lines of "
                    "Events[0].NAME=VALUE");
    if (fault->kind != DECODE_NONE && text.len > 0)
        fault->offset += skipped;
    return passage_end(capture, &decoding.notes, fault);
}
