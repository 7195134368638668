#include "camera_config.h"

#include <ctype.h>
#include <string.h>

#include "address.h"
#include "mqtt.h"
#include "name_pattern.h"

/* clang-format off */

/* ---- what texts must look like ----------------------------------------- */

static bool is_address_range(const char *text)
{
    struct address_range range;

    return address_range_read(text, &range);
}

static bool is_address(const char *text)
{
    return strchr(text, '/') == NULL && is_address_range(text);
}

static bool is_path(const char *text)
{
    return text[0] == '/';
}

static bool is_filter(const char *text)
{
    return mqtt_filter_valid(text) && strncmp(text, "$share/", 7) != 0;
}

static bool is_pattern(const char *text)
{
    struct name_pattern pattern;
    char why[PATTERN_WHY_MAX];

    return name_pattern_read(text, &pattern, why);
}

static const struct settings_form form_address = {
    .least = 2, .most = 45, .valid = is_address,
    .words = "an IP address of this machine; 0.0.0.0 or :: for all"};
static const struct settings_form form_range = {
    .least = 2, .most = 49, .valid = is_address_range,
    .words = "an IP address (192.168.1.64) or a range whose other bits are 0 (10.20.0.0/16)"};
static const struct settings_form form_path = {
    .characters = "!-~", .least = 1, .most = 128, .valid = is_path,
    .words = "a path with / in front"};
static const struct settings_form form_identity = {
    .characters = "!-~", .most = 63,
    .words = "at most 63 visible ASCII characters"};
static const struct settings_form form_word = {
    .characters = "a-zA-Z0-9_-", .least = 1, .most = 15,
    .words = "1 to 15 letters, digits, _ and -"};
static const struct settings_form form_lane = {
    .most = 63, .words = "a lane's name of at most 63 bytes"};
static const struct settings_form form_answer = {
    .characters = " -~", .most = 256,
    .words = "at most 256 printable ASCII characters"};
static const struct settings_form form_filter = {
    .least = 1, .most = 256, .valid = is_filter,
    .words = "an MQTT topic filter, not a shared one"};
static const struct settings_form form_pattern = {
    .least = 1, .most = 256, .valid = is_pattern,
    .words = "text and {plate} {color} {time:%Y%m%d%H%M%S} {key} {move} {lane} {*}, with text between two of them"};

/* ---- words ------------------------------------------------------------- */

static const struct settings_word makers[] = {
    {"vz", MAKER_VZ}, {"hikvision", MAKER_HIKVISION}, {"dahua", MAKER_DAHUA},
    {"files", MAKER_FILES}, {NULL, 0}};
static const struct settings_word headings[] = {
    {"in", HEADING_IN}, {"out", HEADING_OUT},
    {"by_movement", HEADING_BY_MOVEMENT}, {"none", HEADING_NONE}, {NULL, 0}};
static const struct settings_word logins[] = {
    {"digest", LOGIN_DIGEST}, {"basic", LOGIN_BASIC}, {NULL, 0}};
static const struct settings_word kinds[] = {
    {"head", PART_HEAD}, {"body", PART_BODY}, {"plate", PART_PLATE},
    {"scene", PART_SCENE}, {NULL, 0}};

/* ---- tables ------------------------------------------------------------ */

#define SETTINGS_STRUCT struct files_config
static const struct settings_row files_rows[] = {
    SETTINGS_TEXT_ROW(pattern, NULL, &form_pattern, "how such a file is named; with a / the path below folder"),
    SETTINGS_WORD_ROW(kind, "scene", kinds, "what its picture shows; scene: what kind of the camera says"),
};
static const struct settings_group files_group = SETTINGS_GROUP_OF(files_rows,
    "A kind of file that the camera uploads; the first pattern that fits counts. Fields: `{plate}`, `{color}` (蓝, blue), "
    "`{time:%Y%m%d%H%M%S%3}` (as in strftime; `%3` milliseconds, `%s` seconds since 1970; UTC+8; may stand twice), `{key}` (what all "
    "files of one passage have in common; none: plate and time), `{move}` (a word for `in_words`), `{lane}`, `{*}` (anything). Names "
    "may be GBK. An example: `{plate}_{color}_{time:%Y%m%d%H%M%S}_{*}.jpg`.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct camera_config
static const struct settings_row camera_rows[] = {
    SETTINGS_TEXT_ROW(id, NULL, &settings_form_device, "the device's id, as in the bridge's lanes"),
    SETTINGS_WORD_ROW(maker, NULL, makers, "how it speaks: vz (also Qianyi, AlphaDigi, ZKTeco LPRC and others of AlarmInfoPlate), hikvision (ISAPI), dahua (ITSAPI), files (uploads only)"),
    {.key = "address", .type = SETTINGS_TEXTS, .initial = "",
     .offset = SETTINGS_AT(const char *const *, addresses), .second = SETTINGS_AT(unsigned, address_count),
     .least = 0, .most = 16, .form = &form_range,
     .help = "where it may post from; nobody else may"},
    SETTINGS_TEXT_ROW(identity, "", &form_identity, "its serial number (vz), MAC address (hikvision) or DeviceID (dahua), for cameras that share an address or push over MQTT; given, any other is refused"),
    SETTINGS_TEXT_ROW(username, "", &form_identity, "the camera must log in with this name; none: its address is enough"),
    SETTINGS_SECRET_ROW(password_file, password, "file with the password that goes with username"),
    SETTINGS_WORD_ROW(login, "digest", logins, "how it logs in; basic sends the password readable unless cert_file is given"),
    SETTINGS_WORD_ROW(direction, "none", headings, "which way its vehicles go; by_movement: as in_words and out_words say"),
    SETTINGS_TEXTS_ROW(in_words, in_word_count, "forward, obverse, approach, down, in", 0, 16, &form_word, "the camera's words for vehicles that come in"),
    SETTINGS_TEXTS_ROW(out_words, out_word_count, "reverse, leave, away, up, out", 0, 16, &form_word, "the camera's words for vehicles that go out"),
    SETTINGS_TEXT_ROW(lane, "", &form_lane, "lane of the bridge's settings, when this camera serves several"),
    SETTINGS_TEXTS_ROW(lanes, lane_count, "", 0, 16, &form_lane, "the same by the camera's own lane numbers, the first for 1"),
    SETTINGS_WORD_ROW(kind, "scene", kinds, "what its whole picture shows: head (front of the vehicle), body (its load), plate, scene"),
    SETTINGS_TEXT_ROW(answer, "{\"Result\":true,\"Message\":\"Success\"}", &form_answer, "of dahua: what it wants to hear; firmware differs: {\"Response\":\"OK\"}, OK"),
    SETTINGS_UNSIGNED_ROW(silent_after_s, "180", 0, 86400, "nothing heard for so long: it is told offline; 0: never, for cameras without a heartbeat"),
    SETTINGS_FILE_ROW(folder, "", SETTINGS_FILE_ANY, "folder that the FTP server puts its files in; of this camera alone"),
    SETTINGS_GROUPS_ROW(files, file_count, 8, &files_group, "how the files in folder are named"),
};
static const struct settings_group camera_group = SETTINGS_GROUP_OF(camera_rows,
    "One camera. Who posts is known by address, path and, where given, identity.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct listen_config
static const struct settings_row listen_rows[] = {
    SETTINGS_TEXT_ROW(address, "0.0.0.0", &form_address, "where cameras reach this machine; :: takes IPv4 and IPv6"),
    SETTINGS_UNSIGNED_ROW(port, "8090", 1, 65535, "port for the pushes of all makers"),
    SETTINGS_CONTENT_ROW(cert_file, cert, "certificate and chain (PEM) for HTTPS, together with key_file; none: HTTP"),
    SETTINGS_SECRET_ROW(key_file, key, "its private key (PEM)"),
    SETTINGS_TEXTS_ROW(vz_paths, vz_path_count, "/vz, /devicemanagement", 1, 16, &form_path, "paths that VZ cameras post to, with all below them; Dahua has /NotificationInfo, Hikvision may use any"),
    SETTINGS_UNSIGNED_ROW(body_limit_kb, "8192", 64, 32768, "a larger request is answered 413"),
    SETTINGS_UNSIGNED_ROW(pending_mb, "48", 8, 1024, "requests in progress, all together; above it cameras are told to come again (503)"),
    SETTINGS_UNSIGNED_ROW(connections, "256", 8, 4096, "connections at a time"),
    SETTINGS_UNSIGNED_ROW(connections_per_address, "16", 1, 4096, "of them from one address"),
    SETTINGS_UNSIGNED_ROW(idle_s, "75", 5, 3600, "a connection without a request for so long is closed"),
    SETTINGS_UNSIGNED_ROW(request_s, "60", 5, 3600, "a request must be whole within this time"),
    SETTINGS_UNSIGNED_ROW(threads, "4", 1, 32, "requests that are decoded and stored at the same time"),
};
static const struct settings_group listen_group = SETTINGS_GROUP_OF(listen_rows,
    "The HTTP port for pushes; opened when a camera has an `address`.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct upload_config
static const struct settings_row upload_rows[] = {
    SETTINGS_UNSIGNED_ROW(settle_s, "5", 1, 600, "a file whose size and date stand still for so long is whole"),
    SETTINGS_UNSIGNED_ROW(join_s, "3", 0, 600, "wait so long for more files of the same passage"),
    SETTINGS_UNSIGNED_ROW(scan_s, "10", 1, 3600, "folders are read at least this often"),
    SETTINGS_UNSIGNED_ROW(keep_done, "0", 0, 100000, "files kept in done/ below each folder after they were stored; 0: they are removed"),
};
static const struct settings_group upload_group = SETTINGS_GROUP_OF(upload_rows,
    "Watched upload folders. A file that fits no pattern goes to `bad/` below the folder, which keeps the newest 50.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct mqtt_push_config
static const struct settings_row mqtt_push_rows[] = {
    SETTINGS_BOOL_ROW(enabled, "false", "take what VZ cameras publish to the broker"),
    SETTINGS_TEXTS_ROW(filters, filter_count, "+/device/message/up/+", 1, 16, &form_filter, "their topics; the account must be allowed to read them (accounts hear)"),
};
static const struct settings_group mqtt_push_group = SETTINGS_GROUP_OF(mqtt_push_rows,
    "VZ cameras that push over MQTT to the same broker. The first level of the topic is the camera's `identity`. The broker keeps a message until it is stored here.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct cameras_config
static const struct settings_row cameras_rows[] = {
    ADAPTER_CONFIG_ROWS,
    SETTINGS_GROUP_ROW(listen, &listen_group, "HTTP pushes"),
    SETTINGS_GROUP_ROW(upload, &upload_group, "watched folders"),
    SETTINGS_GROUP_ROW(mqtt_push, &mqtt_push_group, "pushes over MQTT"),
    SETTINGS_UNSIGNED_ROW(picture_limit_kb, "976", 16, 4096, "a larger picture is made smaller; as in the bridge's settings"),
    SETTINGS_UNSIGNED_ROW(payload_limit_kb, "4096", 64, 65536, "an event with all its pictures in Base64; as in the bridge's settings"),
    SETTINGS_GROUPS_ROW(cameras, camera_count, 200, &camera_group, "the cameras"),
};
const struct settings_group cameras_config_group = SETTINGS_GROUP_OF(cameras_rows,
    "`compose/camera.yaml` is an example; [devices/cameras.md](devices/cameras.md) tells how each camera is set up.");
/* clang-format on */

const char *maker_word(int maker)
{
    for (size_t i = 0; makers[i].word != NULL; i++)
        if (makers[i].value == maker)
            return makers[i].word;
    return "?";
}

bool identity_same(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a != 0 && !isalnum((unsigned char)*a))
            a++;
        while (*b != 0 && !isalnum((unsigned char)*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == 0)
            return true;
    }
}
