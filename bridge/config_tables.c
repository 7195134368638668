#include "config_parts.h"

#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "mqtt.h"
#include "platform.h"

/* clang-format off */

/* ---- what texts must look like ----------------------------------------- */

#define DIGITS(name, n)                                                       \
    static const struct settings_form name = {                                \
        .characters = "0-9", .least = n, .most = n, .words = #n " digits"}
#define FORM_OF(name, allowed, low, high, test, text, secret)                 \
    static const struct settings_form name = {                                \
        .characters = allowed, .least = low, .most = high, .valid = test,     \
        .words = text, .hidden = secret}
#define FORM(...) FORM_OF(__VA_ARGS__, false)
#define HIDDEN_FORM(...) FORM_OF(__VA_ARGS__, true)
DIGITS(digits2, 2);
DIGITS(digits4, 4);
DIGITS(digits6, 6);
DIGITS(digits10, 10);

static bool is_header(const char *text)
{
    size_t name = strcspn(text, ":");

    return name > 0 && text[name] == ':' && text[name + 1] == ' ' &&
           text[name + 2] != 0 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789-_") == name;
}

static bool is_proxy(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://",
                                          "socks5h://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);

        if (strncmp(text, schemes[i], len) == 0)
            return text[len] != 0 && strpbrk(text + len, "/@?#") == NULL;
    }
    return false;
}

static bool is_refused_status(const char *text)
{
    return text[0] == '4' || text[0] == '5';
}

static bool is_pointer(const char *text)
{
    return text[0] == '/';
}

static bool is_below(const char *text)
{
    return text[0] != '/';
}

static bool is_filter(const char *text)
{
    return mqtt_filter_valid(text) && strncmp(text, "$share/", 7) != 0;
}

FORM(destination_name, "a-z0-9-", 1, 32, NULL,
    "1 to 32 small letters, digits and -");
FORM(capital, "A-Z", 1, 1, NULL,
    "one capital letter");
FORM(gate_name, "A-Z0-9", 2, 8, NULL,
    "2 to 8 capital letters and digits: A01");
FORM(enterprise_22, "0-9A-Z", 22, 22, NULL,
    "exactly 22 capital letters and digits (a shorter number is not padded)");
FORM(credit_code, NULL, USCC_LEN, USCC_LEN, uscc_valid,
    "the 18 characters of GB 32100 with a right check character");
HIDDEN_FORM(header, " -~", 4, 1024, is_header,
    "Name: value");
FORM(refused_status, "0-9", 3, 3, is_refused_status,
    "an HTTP status from 400 to 599");
FORM(filter, NULL, 1, 512, is_filter,
    "an MQTT topic filter, not a shared one");
FORM(pointer, "!-~", 1, 256, is_pointer,
    "a JSON pointer: /event/id");
FORM(below_base, "!-~", 1, 200, is_below,
    "a path without spaces, without / in front");
HIDDEN_FORM(proxy, "!-~", 8, 256, is_proxy,
    "http://, https://, socks5:// or socks5h:// and host:port, without user");

/* ---- words ------------------------------------------------------------- */

#define WORDS(name) static const struct settings_word name[]
WORDS(log_levels) = {{"error", 0}, {"warn", 0}, {"info", 0}, {"debug", 0},
                     {NULL, 0}};
WORDS(when_full_words) = {{"shed_delivered", WHEN_FULL_SHED_DELIVERED},
                          {"stop", WHEN_FULL_STOP}, {NULL, 0}};
WORDS(platforms) = {{"yunnan", 0}, {"henan", 0}, {"liaoning", 0},
                    {"generic", 0}, {NULL, 0}};
WORDS(verdicts) = {{"accepted", VERDICT_ACCEPTED},
                   {"duplicate", VERDICT_DUPLICATE},
                   {"renew", VERDICT_RENEW}, {"busy", VERDICT_BUSY},
                   {"refused", VERDICT_REFUSED}, {"fault", VERDICT_FAULT},
                   {NULL, 0}};
WORDS(signature_overs) = {{"key_and_content", SIGNATURE_OVER_KEY_AND_CONTENT},
                          {"content", SIGNATURE_OVER_CONTENT}, {NULL, 0}};
WORDS(signature_forms) = {{"raw", SIGNATURE_FORM_RAW},
                          {"base64", SIGNATURE_FORM_BASE64}, {NULL, 0}};
WORDS(event_time_units) = {{"iso", EVENT_TIME_ISO}, {"s", EVENT_TIME_S},
                           {"ms", EVENT_TIME_MS}, {"ns", EVENT_TIME_NS},
                           {NULL, 0}};
WORDS(directions) = {{"in", DIRECTION_IN}, {"out", DIRECTION_OUT},
                     {"by_camera", DIRECTION_BY_CAMERA}, {NULL, 0}};
WORDS(weighings) = {{"none", WEIGHING_NONE}, {"lane", WEIGHING_LANE},
                    {"yard", WEIGHING_YARD},
                    {"difference", WEIGHING_DIFFERENCE}, {NULL, 0}};
WORDS(intervals) = {{"15", 15}, {"30", 30}, {"60", 60}, {NULL, 0}};

/* ---- broker ------------------------------------------------------------ */

#define SETTINGS_STRUCT struct intake_config
static const struct settings_row broker_rows[] = {
    BROKER_CONFIG_ROWS(link., "sampan-bridge", "MQTT client id of the data connection, never to be changed while messages wait at the broker; the control connection adds -control"),
    SETTINGS_UNSIGNED_ROW(receive_maximum, "1000", 1, 65535, "messages the broker may send before the first is acknowledged"),
    SETTINGS_UNSIGNED_ROW(session_expiry_s, "604800", 60, 4294967295, "how long the broker keeps what was published while the bridge is down"),
    SETTINGS_UNSIGNED_ROW(pending_mb, "16", 1, 4096, "bytes read and not yet committed, at most; above it the broker is not read"),
};
static const struct settings_group broker_group = SETTINGS_GROUP_OF(broker_rows,
    "The connection to the MQTT broker.");

/* ---- store ------------------------------------------------------------- */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct store_config
static const struct settings_row store_rows[] = {
    SETTINGS_FILE_ROW(folder, NULL, SETTINGS_FILE_ANY, "where the queue lives; made when absent, of mode 0700"),
    SETTINGS_UNSIGNED_ROW(quota_mb, "20480", 64, 67108864, "size of the store, at most"),
    SETTINGS_UNSIGNED_ROW(reserve_mb, "512", 16, 1048576, "free space of the file system that is left to others"),
    SETTINGS_UNSIGNED_ROW(keep_months, "13", 2, 240, "months kept, counting the running one; 13 are twelve whole months"),
    SETTINGS_UNSIGNED_ROW(dedup_days, "40", 1, 400, "days within which a repeated event is recognised"),
    SETTINGS_WORD_ROW(when_full, "shed_delivered", when_full_words, "at the quota: drop the oldest settled month, or stop taking"),
};
static const struct settings_group store_group = SETTINGS_GROUP_OF(store_rows,
    "The queue on disk: every message, its deliveries and their outcomes.");

/* ---- uplink ------------------------------------------------------------ */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct uplink_config
static const struct settings_row uplink_rows[] = {
    SETTINGS_UNSIGNED_ROW(answer_timeout_s, "30", 1, 600, "for a whole request with its answer"),
    SETTINGS_UNSIGNED_ROW(connect_timeout_s, "10", 1, 120, "for the name, the connection and TLS"),
    SETTINGS_UNSIGNEDS_ROW(resend_after_s, resend_after_count, "5, 30, 120", 3, 1, 3600, "waits before the three resends, ascending; then the record is parked"),
    SETTINGS_UNSIGNED_ROW(round_s, "900", 60, 86400, "gate platforms: how often the parked are offered again"),
    SETTINGS_UNSIGNED_ROW(round_max_s, "14400", 60, 86400, "the interval grows to this while nothing is accepted"),
    SETTINGS_UNSIGNED_ROW(operator_after_rounds, "10", 1, 1000, "rounds without success until an operator is asked for"),
    SETTINGS_UNSIGNED_ROW(concurrency, "8", 1, 64, "requests at the same time"),
    SETTINGS_UNSIGNED_ROW(bandwidth_kbit_s, "0", 16, 10000000, "upload limit, for mobile links; 0: none"),
};
const struct settings_group config_uplink_group = SETTINGS_GROUP_OF(uplink_rows,
    "How records are sent. The top level's `uplink` holds for all destinations; a destination's own `uplink` replaces single keys of it.");

/* ---- platforms --------------------------------------------------------- */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct yunnan_config
static const struct settings_row yunnan_rows[] = {
    SETTINGS_TEXT_ROW(enterprise_id, "", &enterprise_22, "enterpriseId (6.1): number of the pollution permit or registration; needed"),
    SETTINGS_TEXT_ROW(enterprise_name, "", &settings_form_name, "enterpriseName (6.1); needed"),
    SETTINGS_SECRET_ROW(own_key_file, own_key, "our private key (PKCS#8 PEM); none: made before /init-auth and kept in state_folder"),
    SETTINGS_CONTENT_ROW(platform_key_file, platform_key, "the platform's public key, to import what /init-auth issued"),
    SETTINGS_SECRET_ROW(api_key_file, api_key, "apiKey, to import what /init-auth issued"),
    SETTINGS_SECRET_ROW(api_secret_file, api_secret, "apiSecret, to import what /init-auth issued"),
    SETTINGS_WORD_ROW(signature_over, "key_and_content", signature_overs, "what is signed: 5.1 step 6 says key and content, 5.3 the content"),
    SETTINGS_WORD_ROW(signature_form, "raw", signature_forms, "the bytes as they are, or their Base64"),
};
const struct settings_group config_yunnan_group = SETTINGS_GROUP_OF(yunnan_rows,
    "For `platform: yunnan`. The three issued files belong together; without them the bridge registers by itself.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct henan_config
static const struct settings_row henan_rows[] = {
    SETTINGS_TEXT_ROW(organ, "", &digits10, "organ (2.4): organisation number that the centre assigned; needed"),
    SETTINGS_TEXT_ROW(username, "", &settings_form_name, "account for the token; needed"),
    SETTINGS_SECRET_ROW(password_file, password, "file with its password; needed"),
    SETTINGS_TEXT_ROW(company_number, "", &digits10, "qybh; needed"),
    SETTINGS_TEXT_ROW(company_name, "", &settings_form_name, "qymc; needed"),
    SETTINGS_BOOL_ROW(flat, "false", "send 4.1.2, 4.1.7 and 4.1.8 without the common wrapper"),
    { .key = "inline", .type = SETTINGS_BOOL, .initial = "false", .offset = SETTINGS_AT(bool, inline_photo), .help = "4.1.5: send the photo as base64Image inside value, not as multipart" },
};
const struct settings_group config_henan_group = SETTINGS_GROUP_OF(henan_rows,
    "For `platform: henan`, the eight city-platform interfaces of V1.9.4.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct energy_item_config
static const struct settings_row energy_item_rows[] = {
    SETTINGS_TEXT_ROW(name, NULL, &settings_form_name, "name of the item, unique"),
    SETTINGS_TEXT_ROW(process, "00", &digits2, "production process code"),
    SETTINGS_TEXT_ROW(process_unit, "00", &digits2, "process unit code"),
    SETTINGS_TEXT_ROW(equipment, "00", &digits2, "equipment type code"),
    SETTINGS_TEXT_ROW(equipment_unit, "00", &digits2, "equipment number"),
    SETTINGS_TEXT_ROW(energy_class, NULL, &digits2, "class of what is collected"),
    SETTINGS_TEXT_ROW(energy_type, NULL, &digits4, "energy class and item code"),
    SETTINGS_TEXT_ROW(usage, NULL, &digits2, "usage code"),
    SETTINGS_TEXT_ROW(meter, NULL, &settings_form_device, "device id of the meter's topic"),
    { .key = "register", .type = SETTINGS_TEXT, .offset = SETTINGS_AT(const char *, reg), .form = &settings_form_device, .help = "name of the register in the meter's reading" },
    SETTINGS_BOOL_ROW(gauge, "false", "the reading is the value itself; otherwise a counter whose differences are reported"),
    SETTINGS_REAL_ROW(factor, "1", 1e-9, 1e9, "what is reported: the difference (or the gauge) times this"),
    SETTINGS_REAL_ROW(rollover, "0", 1, 1e15, "where the counter starts again from zero; 0: not known"),
    SETTINGS_WORD_ROW(interval_minutes, "15", intervals, "interval of the real-time item"),
    SETTINGS_UNSIGNED_ROW(input_type, "4", 1, 7, "source of the data, table B.1: 1 management, 2 production monitoring, 3 control system, 4 field instrument, 5 by hand, 6 supplier, 7 other"),
    SETTINGS_UNSIGNED_ROW(scope, "1", 1, 4, "1 whole plant, 2 process, 3 process unit, 4 equipment"),
    SETTINGS_BOOL_ROW(monthly, "false", "report a monthly item too"),
    SETTINGS_REAL_ROW(value_min, "0", -1e15, 1e15, "declared smallest value"),
    SETTINGS_REAL_ROW(value_max, "0", -1e15, 1e15, "declared largest value; both 0: none declared"),
};
static const struct settings_group energy_item_group = SETTINGS_GROUP_OF(energy_item_rows,
    "One item of GB/T 37947.1. Its code is made of the seven parts.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct energy_config
static const struct settings_row energy_rows[] = {
    SETTINGS_TEXT_ROW(enterprise_code, "", &credit_code, "unified social credit code; needed"),
    SETTINGS_TEXT_ROW(enterprise_name, "", &settings_form_name, "name of the enterprise; needed"),
    SETTINGS_TEXT_ROW(region, "", &digits6, "GB/T 2260 code of the region; needed"),
    SETTINGS_TEXT_ROW(region_name, "", &settings_form_name, "its name; needed"),
    SETTINGS_BOOL_ROW(plain_http, "false", "addresses that the platform hands down without a scheme are http, not https"),
    SETTINGS_CONTENT_ROW(enterprise_file, enterprise, "JSON file with the `enterprise` object of A.4"),
    SETTINGS_TEXT_ROW(collect_system_name, "Sampan", &settings_form_name, "collectSystemName of every item"),
    SETTINGS_GROUPS_ROW(items, item_count, 1000, &energy_item_group, "what is reported"),
};
const struct settings_group config_energy_group = SETTINGS_GROUP_OF(energy_rows,
    "For `platform: liaoning`.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct generic_config
static const struct settings_row generic_rows[] = {
    SETTINGS_TEXTS_ROW(headers, header_count, "", 0, 6, &header, "request headers; secret ones go into header_file"),
    SETTINGS_SECRET_ROW(header_file, secret_header, "file with one more header, as in `Authorization: Bearer ...`"),
    SETTINGS_TEXT_ROW(content_type, "application/json", &settings_form_visible, "of the request"),
    SETTINGS_BOOL_ROW(sealed, "false", "post the body in the Yunnan envelope"),
    SETTINGS_SECRET_ROW(own_key_file, own_key, "our private key (PKCS#8 PEM), with sealed"),
    SETTINGS_CONTENT_ROW(platform_key_file, platform_key, "the receiver's public key (PEM), with sealed"),
    SETTINGS_TEXTS_ROW(refused_status, refused_status_count, "", 0, 32, &refused_status, "HTTP statuses that refuse a record for good"),
};
const struct settings_group config_generic_group = SETTINGS_GROUP_OF(generic_rows,
    "For `platform: generic`: any topic, posted as it is (see routes).");

/* ---- destinations ------------------------------------------------------ */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct path_config
static const struct settings_row path_rows[] = {
    SETTINGS_TEXT_ROW(interface, NULL, &settings_form_name, "name of the interface: vehicleAccess"),
    SETTINGS_TEXT_ROW(path, NULL, &below_base, "its path below base_url"),
};
static const struct settings_group path_group = SETTINGS_GROUP_OF(path_rows,
    "Another path for one interface.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct pattern_config
static const struct settings_row pattern_rows[] = {
    SETTINGS_TEXT_ROW(contains, NULL, &settings_form_name, "words of the answer's body"),
    SETTINGS_WORD_ROW(verdict, NULL, verdicts, "what such an answer means; busy is tried again, refused never, fault pauses the destination"),
};
static const struct settings_group pattern_group = SETTINGS_GROUP_OF(pattern_rows,
    "What words of an answer mean, where the platform's own codes leave it open. The first that matches decides.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct destination_config
static const struct settings_row destination_rows[] = {
    SETTINGS_TEXT_ROW(name, NULL, &destination_name, "its name in topics, logs and commands; unique, and not to be changed later"),
    SETTINGS_CHOICE_ROW(platform, NULL, platforms, "which platform's interfaces it speaks"),
    SETTINGS_TEXT_ROW(base_url, NULL, &settings_form_url, "address before the interfaces' paths"),
    SETTINGS_BOOL_ROW(enabled, "true", "false: its records wait"),
    SETTINGS_FILE_ROW(ca_file, "", SETTINGS_FILE_THERE, "certificates (PEM) trusted for it; none: the system's"),
    SETTINGS_FILE_ROW(cert_file, "", SETTINGS_FILE_THERE, "client certificate (PEM), together with key_file"),
    SETTINGS_FILE_ROW(key_file, "", SETTINGS_FILE_PRIVATE, "its private key (PEM)"),
    SETTINGS_BOOL_ROW(verify_server, "true", "false: any certificate is believed; only for a test"),
    SETTINGS_TEXT_ROW(proxy, "", &proxy, "proxy to go through"),
    SETTINGS_UNSIGNED_ROW(heartbeat_s, "0", 60, 1800, "period of the heartbeat; 0: the interface's own"),
    SETTINGS_GROUP_ROW(uplink, &config_uplink_group, "replaces single keys of the top level's `uplink`"),
    SETTINGS_GROUPS_ROW(paths, path_count, 64, &path_group, "interfaces that live elsewhere at this platform"),
    SETTINGS_GROUPS_ROW(patterns, pattern_count, 64, &pattern_group, "words of answers and what they mean"),
    SETTINGS_GROUP_ROW(yunnan, &config_yunnan_group, "only with platform yunnan"),
    SETTINGS_GROUP_ROW(henan, &config_henan_group, "only with platform henan"),
    SETTINGS_GROUP_ROW(energy, &config_energy_group, "only with platform liaoning"),
    SETTINGS_GROUP_ROW(generic, &config_generic_group, "only with platform generic"),
};
static const struct settings_group destination_group = SETTINGS_GROUP_OF(destination_rows,
    "A place that records go to. Each has its own thread, retries and state.");

/* ---- routes and lanes -------------------------------------------------- */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct route_config
static const struct settings_row route_rows[] = {
    SETTINGS_TEXT_ROW(filter, NULL, &filter, "topics that are forwarded; none of the bridge's own (sampan/v1/SITE/...)"),
    SETTINGS_TEXT_ROW(destination, NULL, &destination_name, "name of a destination of platform generic"),
    SETTINGS_TEXT_ROW(event_id, "", &pointer, "JSON pointer of the payload's id, by which a repeat is recognised"),
    SETTINGS_TEXT_ROW(event_time, "", &pointer, "JSON pointer of its time"),
    SETTINGS_WORD_ROW(event_time_unit, "iso", event_time_units, "ISO 8601 text, or a number since 1970 in this unit"),
    SETTINGS_BOOL_ROW(json, "true", "false: any bytes are taken; then no pointers"),
};
static const struct settings_group route_group = SETTINGS_GROUP_OF(route_rows,
    "Any topic to a destination of platform generic.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct lane_config
static const struct settings_row lane_rows[] = {
    SETTINGS_TEXT_ROW(name, NULL, &settings_form_device, "its name in logs and commands, unique"),
    SETTINGS_TEXT_ROW(entrance, "", &capital, "entrance; needed by yunnan"),
    SETTINGS_TEXT_ROW(gate, NULL, &gate_name, "gate: for yunnan the entrance and two digits, henan uses the last two digits"),
    SETTINGS_WORD_ROW(direction, NULL, directions, "vehicles come in, go out, or the camera tells"),
    SETTINGS_TEXT_ROW(head_camera, NULL, &settings_form_device, "device id of the camera that reads the plate"),
    SETTINGS_TEXT_ROW(body_camera, "", &settings_form_device, "device id of the camera that shows the body; none: the head camera's second picture"),
    SETTINGS_TEXT_ROW(weighbridge, "", &settings_form_device, "device id of the scale"),
    SETTINGS_WORD_ROW(weighing, "none", weighings, "none: never measured; lane: a scale in the lane; yard: a scale in the yard, by plate; difference: entry against exit"),
    SETTINGS_TEXT_ROW(cargo_type, "", &settings_form_name, "cargo when nobody says; none: it must be said"),
    SETTINGS_TEXT_ROW(cargo_unit, "T", &settings_form_name, "unit of the cargo's weight"),
    SETTINGS_REAL_ROW(default_weight, "-1", 0, 1000, "cargo weight with weighing none; -1: it must be said"),
    SETTINGS_UNSIGNED_ROW(deadline_s, "60", 5, 3600, "how long a passage waits for its parts; what is absent then is absent"),
    SETTINGS_UNSIGNED_ROW(difference_deadline_s, "86400", 600, 604800, "how long an entry waits for its exit, with weighing difference"),
    SETTINGS_BOOL_ROW(barrier_opens, "true", "the barrier swings open for a vehicle that is let through"),
    SETTINGS_TEXTS_ROW(destinations, destination_count, NULL, 1, 16, &destination_name, "names of gate destinations (yunnan, henan) that are told"),
};
static const struct settings_group lane_group = SETTINGS_GROUP_OF(lane_rows,
    "A lane of a gate: which devices make one passage, and who is told of it.");

/* ---- top level --------------------------------------------------------- */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct config
static const struct settings_row config_rows[] = {
    SETTINGS_TEXT_ROW(site, NULL, &settings_form_site, "this factory's part of every topic: sampan/v1/SITE/..."),
    SETTINGS_CHOICE_ROW(log_level, "info", log_levels, "the least severe lines that are written"),
    SETTINGS_FILE_ROW(state_folder, "", SETTINGS_FILE_ANY, "keys and tokens that platforms issued; none: the folder `state` beside store.folder"),
    SETTINGS_FILE_ROW(ledger_file, "", SETTINGS_FILE_THERE, "vehicle ledger, CSV: plate,color,vehicleId,vin,tare_t"),
    SETTINGS_UNSIGNED_ROW(payload_limit_kb, "4096", 16, 65536, "larger messages are refused; the broker's max_packet_size belongs to it"),
    SETTINGS_UNSIGNED_ROW(picture_limit_kb, "976", 16, 10240, "larger pictures hold their record; 976 are the 10^6 bytes of henan"),
    SETTINGS_UNSIGNED_ROW(crypto_threads, "0", 1, 64, "threads that seal envelopes; 0: as many as there are processors"),
    SETTINGS_GROUP_ROW(broker, &broker_group, "the MQTT broker"),
    SETTINGS_GROUP_ROW(store, &store_group, "the queue on disk"),
    SETTINGS_GROUP_ROW(uplink, &config_uplink_group, "how records are sent, for all destinations"),
    SETTINGS_GROUPS_ROW(destinations, destination_count, 64, &destination_group, "where records go"),
    SETTINGS_GROUPS_ROW(routes, route_count, 256, &route_group, "topics that are forwarded as they are"),
    SETTINGS_GROUPS_ROW(lanes, lane_count, 256, &lane_group, "gate lanes"),
};
const struct settings_group config_group = SETTINGS_GROUP_OF(config_rows,
    "Relative paths are relative to the folder of the settings file.");
/* clang-format on */
