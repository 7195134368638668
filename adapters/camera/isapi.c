#include "isapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "colors.h"
#include "multipart.h"
#include "passage.h"
#include "text.h"
#include "xml_tree.h"

#define XML_BYTES_MAX ((size_t)256 << 10) /* of one event, without pictures */
#define COUNT(table) (sizeof(table) / sizeof *(table))

struct decoding {
    struct xml_tree *tree;
    const struct xml_node *root;
    const struct xml_node *anpr;
    struct capture *capture;
    struct notes notes;
    struct decode_fault *fault;
};

/* ---- elements -------------------------------------------------------------
 */

/* A text that is there and not empty, below the root. */
static bool text_of(const struct decoding *decoding, const char *path,
                    struct span *text)
{
    const struct xml_node *node = xml_find(decoding->root, path);

    if (node == NULL || node->text.len == 0 ||
        decoding->fault->kind != DECODE_NONE)
        return false;
    *text = node->text;
    return true;
}

/* Not what it should be: it counts as absent and is told, since a camera that
 * was answered does not say the passage again.  Returns false. */
static bool doubt(struct decoding *decoding, const char *path, const char *what)
{
    note_line(&decoding->notes, "doubts", "%s: %s", path, what);
    return false;
}

/* Into a buffer; a longer text is a doubt. */
static bool word_of(struct decoding *decoding, const char *path, char *to,
                    size_t size)
{
    struct span text;

    to[0] = 0;
    if (!text_of(decoding, path, &text))
        return false;
    if (text.len >= size)
        return doubt(decoding, path, "this is too long");
    memcpy(to, text.data, text.len);
    to[text.len] = 0;
    return true;
}

/* A decimal number; anything else is a doubt. */
static bool number_of(struct decoding *decoding, const char *path, double min,
                      double max, double *to)
{
    char text[24];
    char *end;
    double number;

    if (!word_of(decoding, path, text, sizeof text))
        return false;
    if (strspn(text, "-.0123456789") != strlen(text))
        return doubt(decoding, path, "this is no number");
    number = strtod(text, &end);
    if (end == text || *end != 0)
        return doubt(decoding, path, "this is no number");
    if (number < min || number > max)
        return doubt(decoding, path, "this number is out of its range");
    *to = number;
    return true;
}

/* ---- what is only noted ---------------------------------------------------
 */

static const struct {
    const char *path;
    const char *name;
    bool number;
} plain[] = {
    {"ipAddress", "address", false},
    {"channelID", "channel", false},
    {"channelName", "channel_name", false},
    {"deviceID", "device_id", false},
    {"eventType", "event_type", false},
    {"eventState", "event_state", false},
    {"picNum", "pictures", true},
    {"ANPR/country", "country", false},
    {"ANPR/originalLicensePlate", "plate_original", false},
    {"ANPR/plateType", "plate_type", false},
    {"ANPR/plateColor", "plate_color", false},
    {"ANPR/plateCharBelieve", "plate_characters", false},
    {"ANPR/vehicleType", "vehicle_type", false},
    {"ANPR/vehicleListName", "list", false},
    {"ANPR/listType", "list_type", false},
    {"ANPR/dangmark", "dangerous_goods", false},
    {"ANPR/detectDir", "detect_direction", true},
    {"ANPR/detectType", "detect_type", true},
    {"ANPR/vehicleInfo/vehicleType", "vehicle_size", true},
    {"ANPR/vehicleInfo/color", "vehicle_color", false},
    {"ANPR/vehicleInfo/length", "vehicle_length_dm", true},
    {"ANPR/vehicleInfo/speed", "speed", true},
    {"VehicleGATInfo/palteTypeByGAT", "plate_type_gat", true},
    {"VehicleGATInfo/plateTypeByGAT", "plate_type_gat", true},
    {"VehicleGATInfo/plateColorByGAT", "plate_color_gat", true},
    {"VehicleGATInfo/vehicleTypeByGAT", "vehicle_type_gat", false},
    {"VehicleGATInfo/colorByGAT", "vehicle_color_gat", false},
    {"ANPR/VehicleGATInfo/palteTypeByGAT", "plate_type_gat", true},
    {"ANPR/VehicleGATInfo/plateColorByGAT", "plate_color_gat", true},
    {"ANPR/VehicleGATInfo/vehicleTypeByGAT", "vehicle_type_gat", false},
    {"ANPR/VehicleGATInfo/colorByGAT", "vehicle_color_gat", false},
};

static void note_plain(struct decoding *decoding)
{
    char word[160];
    double number;

    for (size_t i = 0; i < COUNT(plain); i++) {
        if (plain[i].number &&
            number_of(decoding, plain[i].path, -1e6, 1e6, &number))
            note_number(&decoding->notes, plain[i].name, number);
        if (!plain[i].number &&
            word_of(decoding, plain[i].path, word, sizeof word))
            note_text(&decoding->notes, plain[i].name, word);
    }
}

/* ---- who and when ---------------------------------------------------------
 */

/* "bc:5e:33:62:2a:5c" or with '-' or nothing between: twelve small digits. */
static bool mac_of(const char *text, char mac[static 13])
{
    static const char digits[] = "0123456789abcdef";
    size_t count = 0;

    for (; *text != 0; text++) {
        char small = *text >= 'A' && *text <= 'F' ? (char)(*text + 32) : *text;

        if (*text == ':' || *text == '-')
            continue;
        if (strchr(digits, small) == NULL || count == 12)
            return false;
        mac[count++] = small;
    }
    mac[count] = 0;
    return count == 12;
}

/* An NVR that forwards writes its own address, so the MAC comes first. */
static void take_camera(struct decoding *decoding)
{
    struct capture *capture = decoding->capture;
    char text[64];
    char mac[13];

    if (word_of(decoding, "macAddress", text, sizeof text) &&
        mac_of(text, mac)) {
        text_put(capture->device, sizeof capture->device, mac);
        note_text(&decoding->notes, "mac", mac);
    } else if (!word_of(decoding, "deviceID", capture->device,
                        sizeof capture->device))
        word_of(decoding, "ipAddress", capture->device, sizeof capture->device);
    note_word(&decoding->notes, "device", capture->device);
}

/* yyyyMMddHHmmssSSS on the camera's own clock, which is read as China's. */
static bool read_packed(const char *text, int64_t *at_ms)
{
    char iso[40];

    if (strlen(text) != 17 || strspn(text, "0123456789") != 17)
        return false;
    snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.3s+08:00", text,
             text + 4, text + 6, text + 8, text + 10, text + 12, text + 14);
    return clock_read(span_text(iso), at_ms) == STATUS_OK;
}

static void take_time(struct decoding *decoding)
{
    static const char packed[] = "ANPR/pictureInfoList/pictureInfo/absTime";
    struct capture *capture = decoding->capture;
    struct span text;
    char word[24];

    if (text_of(decoding, "dateTime", &text) &&
        clock_read(text, &capture->at_ms) != STATUS_OK)
        doubt(decoding, "dateTime",
              "allowed is ISO 8601: 2026-11-20T08:30:45+08:00");
    if (capture->at_ms == 0 && word_of(decoding, packed, word, sizeof word) &&
        !read_packed(word, &capture->at_ms))
        doubt(decoding, packed, "allowed is yyyyMMddHHmmssSSS");
    passage_time(capture, &decoding->notes);
}

/* ---- a passage ------------------------------------------------------------
 */

static struct span plate_text(struct decoding *decoding)
{
    static const char *const paths[] = {
        "ANPR/licensePlate", "ANPR/plateNumber", "ANPR/plate",
        "licensePlate",      "plateNumber",      "plate",
    };

    struct span text;

    for (size_t i = 0; i < COUNT(paths); i++) {
        if (!text_of(decoding, paths[i], &text))
            continue;
        if (text.len < sizeof decoding->capture->plate)
            return text;
        doubt(decoding, paths[i], "longer than the 31 bytes that are allowed");
    }
    return span_text("");
}

/* The camera's word, else the character in front of the plate. */
static void take_plate(struct decoding *decoding)
{
    struct span text = plate_text(decoding);
    struct plate plate;
    const char *prefix;
    const char *color = "";
    char word[32];
    size_t length;

    if (word_of(decoding, "ANPR/plateColor", word, sizeof word))
        color = color_of_isapi(word);
    length = color_prefix(text, &prefix);
    if (*prefix != 0)
        note_text(&decoding->notes, "color_from_prefix", prefix);
    if (*color == 0 || strcmp(color, "other") == 0)
        color = *prefix == 0 ? color : prefix;
    passage_plate(decoding->capture, &decoding->notes,
                  span_of(text.data + length, text.len - length), color,
                  &plate);
    if (text.len > 0 && *decoding->capture->plate == 0)
        note_text(&decoding->notes, "plate_state",
                  strncasecmp((const char *)text.data, "noPlate", text.len) == 0
                      ? "no plate"
                      : "not read");
}

/* "true" or "1" of one path or the other. */
static bool flag_of(struct decoding *decoding, const char *path)
{
    char word[8];

    return word_of(decoding, path, word, sizeof word) &&
           (strcasecmp(word, "true") == 0 || strcmp(word, "1") == 0);
}

static void take_circumstances(struct decoding *decoding)
{
    struct capture *capture = decoding->capture;
    double number;
    char word[16];

    if (word_of(decoding, "ANPR/direction", word, sizeof word)) {
        note_text(&decoding->notes, "direction", word);
        if (strcasecmp(word, "unknown") != 0)
            text_put(capture->movement, sizeof capture->movement, word);
    }
    if (number_of(decoding, "ANPR/confidenceLevel", 0, 100,
                  &capture->confidence))
        note_number(&decoding->notes, "confidence", capture->confidence);
    if (number_of(decoding, "ANPR/line", 0, 255, &number)) {
        capture->lane = (unsigned)number;
        note_integer(&decoding->notes, "lane", capture->lane);
    }
    capture->history = flag_of(decoding, "ANPR/alarmDataType") ||
                       flag_of(decoding, "ANPR/isDataRetransmission") ||
                       flag_of(decoding, "isDataRetransmission");
    note_flag(&decoding->notes, "history", capture->history);
    if (number_of(decoding, "ANPR/barrierGateCtrlType", 0, 1, &number))
        note_flag(&decoding->notes, "barrier_already_open", number == 0);
}

/* ---- an event -------------------------------------------------------------
 */

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) &&
           strncasecmp((const char *)text.data, word, text.len) == 0;
}

static void take_kind(struct decoding *decoding, struct span type)
{
    struct span state;

    if (is_word(type, "ANPR")) {
        take_plate(decoding);
        take_circumstances(decoding);
        return;
    }
    if (is_word(type, "videoloss") && text_of(decoding, "eventState", &state) &&
        is_word(state, "inactive"))
        decoding->capture->kind = CAPTURE_HEARTBEAT;
    note_text(&decoding->notes, "kind",
              decoding->capture->kind == CAPTURE_HEARTBEAT ? "heartbeat"
                                                           : "other");
    note_flag(&decoding->notes, "capture", false);
}

static void take_event(struct decoding *decoding)
{
    struct capture *capture = decoding->capture;
    struct span type;

    if (!xml_node_is(decoding->root, "EventNotificationAlert")) {
        decode_fail(decoding->fault, DECODE_UNKNOWN,
                    xml_offset(decoding->tree, decoding->root),
                    "the outer element is <%.*s>; known is "
                    "EventNotificationAlert",
                    (int)decoding->root->name.len,
                    (const char *)decoding->root->name.data);
        return;
    }
    if (!text_of(decoding, "eventType", &type)) {
        decode_fail(decoding->fault, DECODE_MISSING,
                    xml_offset(decoding->tree, decoding->root),
                    "eventType is absent");
        return;
    }
    take_camera(decoding);
    take_kind(decoding, type);
    if (word_of(decoding, "UUID", capture->key, sizeof capture->key))
        note_text(&decoding->notes, "uuid", capture->key);
    take_time(decoding);
    note_plain(decoding);
}

/* ---- pictures -------------------------------------------------------------
 */

static bool is_jpeg(struct span body)
{
    return body.len >= 2 && body.data[0] == 0xff && body.data[1] == 0xd8;
}

static bool is_xml(const struct multipart_part *part)
{
    struct span body = part->body;

    if (is_jpeg(body))
        return false;
    while (body.len > 0 && memchr(" \t\r\n\xef\xbb\xbf", *body.data, 7) != NULL)
        body = span_of(body.data + 1, body.len - 1);
    return body.len > 0 && *body.data == '<';
}

/* A filename may be a random id, which the event's pictureInfo knows. */
static struct span type_of_file(const struct decoding *decoding,
                                struct span filename)
{
    const struct xml_node *info =
        xml_find(decoding->anpr, "pictureInfoList/pictureInfo");

    for (; info != NULL && filename.len > 0; info = info->next) {
        const struct xml_node *id = xml_find(info, "pId");
        const struct xml_node *file = xml_find(info, "fileName");
        const struct xml_node *type = xml_find(info, "type");

        if (type != NULL &&
            ((id != NULL && span_equal(id->text, filename)) ||
             (file != NULL && span_equal(file->text, filename))))
            return type->text;
    }
    return span_of(NULL, 0);
}

static bool names_plate(struct span name)
{
    for (size_t i = 0; i + 5 <= name.len; i++)
        if (strncasecmp((const char *)name.data + i, "plate", 5) == 0)
            return true;
    return false;
}

static void take_picture(struct decoding *decoding,
                         const struct multipart_part *part)
{
    struct span type = type_of_file(decoding, part->filename);
    struct span name = type.len > 0             ? type
                       : part->filename.len > 0 ? part->filename
                                                : part->name;
    char text[33];

    snprintf(text, sizeof text, "%.*s", (int)(name.len < 32 ? name.len : 32),
             (const char *)name.data);
    text_mend(text);
    passage_picture(decoding->capture, &decoding->notes,
                    names_plate(name) || names_plate(part->name) ? PART_PLATE
                                                                 : PART_SCENE,
                    text, part->body);
}

/* ---- in and out -----------------------------------------------------------
 */

/* The parts of one event: its XML and the pictures around it. */
struct event_parts {
    struct multipart_part xml;
    struct multipart_part pictures[MULTIPART_PARTS_MAX];
    size_t count;
};

static bool decode_parts(const struct event_parts *parts,
                         struct capture *capture, struct decode_fault *fault)
{
    struct decoding decoding = {.capture = capture, .fault = fault};
    struct span xml = parts->xml.body;

    if (!passage_begin(capture, &decoding.notes, fault))
        return false;
    if (xml.len > XML_BYTES_MAX)
        decode_fail(fault, DECODE_LIMIT, XML_BYTES_MAX,
                    "the XML is longer than %zu bytes", XML_BYTES_MAX);
    else if (xml_tree_read(xml, &decoding.tree, fault)) {
        decoding.root = xml_tree_root(decoding.tree);
        decoding.anpr = xml_find(decoding.root, "ANPR");
        take_event(&decoding);
    }
    for (size_t i = 0; i < parts->count && fault->kind == DECODE_NONE; i++)
        take_picture(&decoding, &parts->pictures[i]);
    xml_tree_free(decoding.tree);
    if (fault->kind != DECODE_NONE)
        fault->offset += parts->xml.offset;
    return passage_end(capture, &decoding.notes, fault);
}

bool isapi_decode(struct span xml, struct capture *capture,
                  struct decode_fault *fault)
{
    struct event_parts parts = {.xml = {.body = xml}};

    return decode_parts(&parts, capture, fault);
}

/* The parts of the event that begins at *at; a second XML begins another. */
static bool collect(struct multipart *multipart, size_t *at,
                    struct event_parts *parts, struct decode_fault *fault)
{
    struct multipart_part part;
    bool has_xml = false;

    for (;;) {
        *at = multipart->at;
        if (!multipart_next(multipart, &part, fault))
            break;
        if (!is_xml(&part))
            parts->pictures[parts->count++] = part;
        else if (has_xml)
            return true;
        else {
            parts->xml = part;
            has_xml = true;
        }
    }
    if (fault->kind == DECODE_NONE && !has_xml)
        decode_fail(fault, DECODE_MISSING, 0, "no part of it is XML");
    return fault->kind == DECODE_NONE;
}

bool isapi_decode_body(struct span body, const char *content_type, size_t *at,
                       struct capture *capture, struct decode_fault *fault)
{
    struct event_parts parts = {.count = 0};
    struct multipart multipart;
    size_t begin = *at;

    *at = body.len;
    if (!multipart_is(content_type) && !multipart_begins(body))
        return isapi_decode(body, capture, fault);
    if (!multipart_is(content_type))
        content_type = "multipart/mixed";
    if (!multipart_open(&multipart, body, content_type, fault))
        return false;
    if (begin != 0)
        multipart.at = begin;
    if (collect(&multipart, at, &parts, fault))
        return decode_parts(&parts, capture, fault);
    *at = body.len; /* nothing can be found behind it */
    return false;
}
