/* Cameras' messages: those seen in public, and the traps that others met. */
#include "device_vectors.h"

#include <math.h>

#include "dahua.h"
#include "isapi.h"
#include "protocols.h"
#include "vz.h"

static const struct decode_protocol *protocol(const char *name)
{
    for (size_t i = 0; i < camera_protocol_count; i++)
        if (strcmp(camera_protocols[i].name, name) == 0)
            return &camera_protocols[i];
    fail_msg("there is no protocol %s", name);
    return NULL;
}

/* What the two plates of devices.json that are not valid are refused for. */
static const char *plate_fault(const json_t *vector)
{
    if (json_object_get(vector, "fault") != NULL)
        return vector_fault(vector);
    return strcmp(vector_text(vector, "id"), "cn-plate-07") == 0 ? "value"
                                                                 : "length";
}

static void every_message_seen_in_public_gives_its_values(void **state)
{
    static const struct {
        const char *name;
        size_t count;
    } rows[] = {
        {"vz-http", 6},       {"vz-mqtt", 1},    {"vz-reply", 3},
        {"vz-led-serial", 1}, {"isapi-anpr", 6}, {"dahua-itsapi", 3},
        {"dahua-event", 3},   {"cn-plate", 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            vectors_check("devices.json", protocol(rows[i].name), plate_fault),
            rows[i].count);
}

/* ---- helpers ---------------------------------------------------------------
 */

/* Memory of exactly its size, so that a sanitizer sees one byte too many. */
static struct span exact(const char *text, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    memcpy(copy, text, len);
    return span_of(copy, len);
}

static void release(struct span span)
{
    free((void *)span.data);
}

static struct capture vz_of(const char *text)
{
    struct span body = exact(text, strlen(text));
    struct capture capture;
    struct decode_fault fault;

    if (!vz_decode(body, NULL, &capture, &fault))
        fail_msg("%zu: %s", fault.offset, fault.text);
    release(body);
    return capture;
}

static struct capture isapi_of(const char *text)
{
    struct span body = exact(text, strlen(text));
    struct capture capture;
    struct decode_fault fault;

    if (!isapi_decode(body, &capture, &fault))
        fail_msg("%zu: %s", fault.offset, fault.text);
    release(body);
    return capture;
}

static struct capture itsapi_of(const char *path, const char *type,
                                const char *text)
{
    struct span body = exact(text, strlen(text));
    struct capture capture;
    struct decode_fault fault;

    if (!dahua_itsapi_decode(path, body, type, &capture, &fault))
        fail_msg("%zu: %s", fault.offset, fault.text);
    release(body);
    return capture;
}

static const char *detail(const struct capture *capture, const char *name)
{
    const char *text =
        json_string_value(json_object_get(capture->details, name));

    return text == NULL ? "" : text;
}

/* The fault that --decode of a protocol tells. */
static void refused(const char *name, const char *text, size_t len,
                    enum decode_fault_kind kind)
{
    struct span body = exact(text, len);
    json_t *frames = json_array();
    struct decode_fault fault = {.kind = DECODE_NONE};

    if (protocol(name)->decode(body, NULL, frames, &fault))
        fail_msg("taken: %s", text);
    if (fault.kind != kind)
        fail_msg("%s is %s: %s", text, decode_fault_word(fault.kind),
                 fault.text);
    assert_true(fault.offset <= len);
    json_decref(frames);
    release(body);
}

#define REFUSED(name, text, kind) refused(name, text, sizeof text - 1, kind)

/* ---- VZ ---------------------------------------------------------------------
 */

#define VZ(fields)                                                             \
    "{\"AlarmInfoPlate\":{\"serialno\":\"s-1\",\"result\":{\"PlateResult\":"   \
    "{" fields "}}}}"

static void a_plate_in_gbk_is_read(void **state)
{
    /* printf 云A12345 | iconv -t gbk | xxd */
    struct capture capture =
        vz_of(VZ("\"license\":\"\xD4\xC6"
                 "A12345\",\"colorType\":2,\"plateid\":7"));

    (void)state;
    assert_string_equal(capture.plate, "\xE4\xBA\x91"
                                       "A12345");
    assert_string_equal(capture.color, "yellow");
    assert_string_equal(capture.key, "7");
    assert_string_equal(capture.device, "s-1");
    capture_free(&capture);
}

static void a_vehicle_without_a_plate_is_a_passage(void **state)
{
    static const char *const rows[] = {
        VZ("\"license\":\"_\xE6\x97\xA0_\",\"colorType\":0"),
        VZ("\"license\":\"\",\"type\":31"),
        VZ("\"type\":0"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture capture = vz_of(rows[i]);

        assert_int_equal(capture.kind, CAPTURE_PASSAGE);
        assert_string_equal(capture.plate, "");
        assert_true(json_is_null(json_object_get(capture.details, "plate")));
        capture_free(&capture);
    }
}

static void a_new_energy_plate_is_green_whatever_the_camera_saw(void **state)
{
    struct capture capture = vz_of(VZ("\"license\":\"\xE7\xB2\xA4"
                                      "BF12345\",\"colorType\":1"));

    (void)state;
    assert_string_equal(capture.color, "green");
    assert_string_equal(detail(&capture, "color_read"), "blue");
    capture_free(&capture);
}

static void history_is_told(void **state)
{
    struct capture capture =
        vz_of(VZ("\"license\":\"ABC123\",\"isoffline\":1,\"plateid\":9"));
    struct bytes answer = BYTES_EMPTY;

    (void)state;
    assert_true(capture.history);
    assert_int_equal(vz_answer(&capture, &answer), STATUS_OK);
    assert_non_null(strstr(bytes_text(&answer), "ContinuePushOffline"));
    assert_non_null(strstr(bytes_text(&answer), "\"plateid\":9"));
    bytes_free(&answer);
    capture_free(&capture);
}

static void an_answer_never_opens_a_barrier(void **state)
{
    struct capture capture = vz_of(VZ("\"license\":\"ABC123\""));
    struct bytes answer = BYTES_EMPTY;
    json_t *told = json_object();
    struct decode_fault fault;

    (void)state;
    assert_int_equal(vz_answer(&capture, &answer), STATUS_OK);
    assert_true(vz_reply_decode(bytes_view(&answer), told, &fault));
    assert_false(json_is_true(json_object_get(told, "opens_barrier")));
    assert_true(json_is_true(json_object_get(told, "stops_resend")));
    json_decref(told);
    bytes_free(&answer);
    capture_free(&capture);
}

static void a_registration_s_password_goes_nowhere(void **state)
{
    static const char form[] = "device_name=x&user_name=admin&pass_wd=geheim"
                               "&serialno=s-7&channel_num=1";
    static const char text[] =
        "--b\r\nContent-Disposition: form-data; name=\"serialno\"\r\n\r\n"
        "s-7\r\n--b\r\nContent-Disposition: form-data; name=\"pass_wd\"\r\n\r\n"
        "geheim\r\n--b\r\nContent-Disposition: form-data; "
        "name=\"user_name\"\r\n\r\nadmin\r\n--b--\r\n";
    const struct {
        struct span body;
        const char *type;
    } rows[] = {
        {exact(text, sizeof text - 1), "multipart/form-data; boundary=b"},
        {exact(form, sizeof form - 1), "application/x-www-form-urlencoded"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct capture capture;
        struct decode_fault fault;
        char *all;

        assert_true(vz_decode(rows[i].body, rows[i].type, &capture, &fault));
        assert_int_equal(capture.kind, CAPTURE_REGISTRATION);
        assert_string_equal(capture.device, "s-7");
        all = json_dumps(capture.details, 0);
        assert_null(strstr(all, "geheim"));
        assert_null(strstr(all, "admin"));
        free(all);
        capture_free(&capture);
        release(rows[i].body);
    }
}

static void a_picture_that_is_none_costs_no_passage(void **state)
{
    /* base64 of FF D8 FF D9, of "no jpeg", and no Base64 at all */
    struct capture capture =
        vz_of(VZ("\"license\":\"ABC123\",\"imageFile\":\"/9j/2Q==\","
                 "\"imageFragmentFile\":\"bm8ganBlZw==\""));

    (void)state;
    assert_int_equal(capture.picture_count, 1);
    assert_int_equal(capture.pictures[0].jpeg.len, 4);
    assert_int_equal(
        json_array_size(json_object_get(capture.details, "picture_faults")), 1);
    capture_free(&capture);
    capture = vz_of(VZ("\"license\":\"ABC123\",\"imageFile\":\"/9j*\""));
    assert_int_equal(capture.picture_count, 0);
    capture_free(&capture);
}

static void an_odd_member_costs_no_vz_passage(void **state)
{
    struct capture capture =
        vz_of(VZ("\"license\":\"ABC123\",\"confidence\":255,\"direction\":[],"
                 "\"carColor\":-1,\"car_brand\":7,\"location\":[],"
                 "\"imageFile\":0,\"triggerType\":\"auto\",\"plateid\":9,"
                 "\"timeStamp\":{\"Timeval\":{\"sec\":1795134645,"
                 "\"usec\":1000000}}"));

    (void)state;
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    assert_string_equal(capture.plate, "ABC123");
    assert_string_equal(capture.key, "9");
    assert_int_equal(capture.at_ms, INT64_C(1795134645000));
    assert_true(isnan(capture.confidence));
    assert_int_equal(
        json_array_size(json_object_get(capture.details, "doubts")), 8);
    capture_free(&capture);
    /* No plate that can be one is a passage without a plate. */
    capture = vz_of(VZ("\"license\":5"));
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    assert_string_equal(capture.plate, "");
    capture_free(&capture);
    capture = vz_of(VZ("\"license\":\"123456789012345678901234567890ABC\""));
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    assert_string_equal(capture.plate, "");
    capture_free(&capture);
}

static void vz_numbers_in_quotes_are_numbers(void **state)
{
    struct capture capture =
        vz_of(VZ("\"license\":\"ABC123\",\"confidence\":\"95\","
                 "\"plateid\":\"12\",\"isoffline\":\"1\""));

    (void)state;
    assert_true(capture.confidence == 95);
    assert_string_equal(capture.key, "12");
    assert_true(capture.history);
    assert_null(json_object_get(capture.details, "doubts"));
    capture_free(&capture);
}

static void vz_local_time_counts_when_sec_is_absent(void **state)
{
    struct capture capture =
        vz_of(VZ("\"license\":\"ABC123\",\"timeStamp\":{\"Timeval\":{"
                 "\"decyear\":2023,\"decmon\":6,\"decday\":9,\"dechour\":16,"
                 "\"decmin\":39,\"decsec\":54,\"usec\":250000}}"));

    (void)state;
    /* as the vector vz-http-01 has both: 1686299994 */
    assert_int_equal(capture.at_ms, INT64_C(1686299994250));
    capture_free(&capture);
}

static void a_plate_over_mqtt_may_be_plain(void **state)
{
    /* B2884SCP in Base64, as in the vector vz-mqtt-01, and as no Base64 */
    static const char *const rows[][2] = {{"QjI4ODRTQ1A=", "B2884SCP"},
                                          {"B288-SCP", "B288-SCP"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct capture capture;
        struct decode_fault fault;
        char text[200];

        snprintf(text, sizeof text,
                 "{\"sn\":\"s\",\"name\":\"ivs_result\",\"payload\":{"
                 "\"AlarmInfoPlate\":{\"result\":{\"PlateResult\":{"
                 "\"license\":\"%s\"}}}}}",
                 rows[i][0]);
        assert_true(vz_mqtt_decode(span_text(text), &capture, &fault));
        assert_string_equal(capture.plate, rows[i][1]);
        capture_free(&capture);
    }
}

/* FF D8 FF D9 with lines of two letters, once bare and once as JSON has it. */
static void base64_with_line_breaks_is_a_picture(void **state)
{
    static const char *const rows[] = {
        VZ("\"license\":\"ABC123\",\"imageFile\":\"/9\r\nj/\r\n2Q\r\n==\""),
        VZ("\"license\":\"ABC123\",\"imageFile\":\"/9\nj/\n2Q==\n\""),
        VZ("\"license\":\"ABC123\","
           "\"imageFile\":\"\\/9\\r\\nj/\\n2Q==\""),
        VZ("\"license\":\"ABC123\",\"imageFile\":"
           "\"data:image/jpeg;base64,/9j/\r\n2Q==\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct capture capture = vz_of(rows[i]);

        assert_int_equal(capture.picture_count, 1);
        assert_int_equal(capture.pictures[0].jpeg.len, 4);
        assert_memory_equal(capture.pictures[0].jpeg.data, "\xFF\xD8\xFF\xD9",
                            4);
        capture_free(&capture);
    }
}

static void a_nul_behind_a_text_is_no_part_of_it(void **state)
{
    static const char json[] = VZ("\"license\":\"ABC123\"") "\0";
    static const char xml[] = "\r\n<?xml version=\"1.0\"?>"
                              "<EventNotificationAlert><eventType>ANPR"
                              "</eventType></EventNotificationAlert>\r\n\0";
    struct span text = exact(json, sizeof json);
    struct capture capture;
    struct decode_fault fault;

    (void)state;
    assert_true(vz_decode(text, NULL, &capture, &fault));
    assert_string_equal(capture.plate, "ABC123");
    capture_free(&capture);
    release(text);
    text = exact(xml, sizeof xml);
    assert_true(isapi_decode(text, &capture, &fault));
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    capture_free(&capture);
    release(text);
}

/* A device name that firmware cut in the middle of a character. */
static void a_name_cut_short_spoils_no_plate(void **state)
{
    struct capture capture =
        vz_of("{\"AlarmInfoPlate\":{\"deviceName\":\"\xE5\x8D\x97\xE9\x97\","
              "\"result\":{\"PlateResult\":{\"license\":"
              "\"\xE4\xBA\x91"
              "A12345\"}}}}");

    (void)state;
    assert_string_equal(capture.plate, "\xE4\xBA\x91"
                                       "A12345");
    assert_string_equal(detail(&capture, "device_name"), "\xE5\x8D\x97??");
    capture_free(&capture);
}

static void bad_json_is_refused_with_its_place(void **state)
{
    char deep[200];

    (void)state;
    memset(deep, '[', sizeof deep);
    REFUSED("vz-http", "", DECODE_EMPTY);
    REFUSED("vz-http", "{\"AlarmInfoPlate\":", DECODE_TRUNCATED);
    REFUSED("vz-http", "{\"AlarmInfoPlate\" 1}", DECODE_SYNTAX);
    REFUSED("vz-http", "[]", DECODE_SYNTAX);
    REFUSED("vz-http", "{\"x\":1,\"x\":2}", DECODE_SYNTAX);
    REFUSED("vz-http", "{\"x\":\"a\\u0000b\"}", DECODE_SYNTAX);
    REFUSED("vz-http", "{\"x\":1e999}", DECODE_VALUE);
    REFUSED("vz-http", "{\"other\":{}}", DECODE_UNKNOWN);
    refused("vz-http", deep, sizeof deep, DECODE_LIMIT);
}

/* ---- Hikvision
 * --------------------------------------------------------------- */

#define ISAPI(fields)                                                          \
    "<EventNotificationAlert><eventType>ANPR</eventType>" fields               \
    "</EventNotificationAlert>"

static void names_are_local_and_known_by_their_place(void **state)
{
    struct capture capture = isapi_of(
        "<n:EventNotificationAlert xmlns:n=\"http://x\"><n:eventType>ANPR"
        "</n:eventType><n:macAddress>BC:5E:33:62:2A:5C</n:macAddress>"
        "<n:ANPR><n:licensePlate>KH35192</n:licensePlate><n:vehicleType>truck"
        "</n:vehicleType><n:vehicleInfo><n:vehicleType>2</n:vehicleType>"
        "</n:vehicleInfo></n:ANPR></n:EventNotificationAlert>");

    (void)state;
    assert_string_equal(capture.plate, "KH35192");
    assert_string_equal(capture.device, "bc5e33622a5c");
    assert_string_equal(detail(&capture, "vehicle_type"), "truck");
    assert_int_equal(
        json_integer_value(json_object_get(capture.details, "vehicle_size")),
        2);
    capture_free(&capture);
}

static void a_colour_in_front_of_a_plate_is_no_part_of_it(void **state)
{
    struct capture capture =
        isapi_of(ISAPI("<ANPR><licensePlate>\xE9\xBB\x84\xE8\xB1\xAB"
                       "A12345</licensePlate><plateColor>unknown</plateColor>"
                       "</ANPR>"));

    (void)state;
    assert_string_equal(capture.plate, "\xE8\xB1\xAB"
                                       "A12345");
    assert_string_equal(capture.color, "yellow");
    capture_free(&capture);
}

static void unknown_and_noplate_are_passages_without_a_plate(void **state)
{
    static const char *const rows[] = {
        ISAPI("<ANPR><licensePlate>unknown</licensePlate></ANPR>"),
        ISAPI("<ANPR><licensePlate>noPlate</licensePlate></ANPR>"),
        ISAPI("<ANPR/>"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture capture = isapi_of(rows[i]);

        assert_int_equal(capture.kind, CAPTURE_PASSAGE);
        assert_string_equal(capture.plate, "");
        capture_free(&capture);
    }
}

static void both_flags_of_history_count(void **state)
{
    struct capture capture =
        isapi_of(ISAPI("<isDataRetransmission>true</isDataRetransmission>"
                       "<ANPR><licensePlate>A1</licensePlate></ANPR>"));

    (void)state;
    assert_true(capture.history);
    capture_free(&capture);
    capture = isapi_of(ISAPI("<ANPR><alarmDataType>1</alarmDataType>"
                             "<licensePlate>A1</licensePlate></ANPR>"));
    assert_true(capture.history);
    capture_free(&capture);
    capture = isapi_of(ISAPI("<ANPR><alarmDataType>0</alarmDataType>"
                             "<licensePlate>A1</licensePlate></ANPR>"));
    assert_false(capture.history);
    capture_free(&capture);
}

static void other_events_are_no_passages(void **state)
{
    struct capture capture =
        isapi_of("<EventNotificationAlert><eventType>videoloss</eventType>"
                 "<eventState>inactive</eventState></EventNotificationAlert>");

    (void)state;
    assert_int_equal(capture.kind, CAPTURE_HEARTBEAT);
    capture_free(&capture);
    capture = isapi_of("<EventNotificationAlert><eventType>VMD</eventType>"
                       "</EventNotificationAlert>");
    assert_int_equal(capture.kind, CAPTURE_OTHER);
    capture_free(&capture);
}

static void hostile_xml_is_refused(void **state)
{
    char deep[40 * 4 + 1] = "";

    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(deep, "<a>");
    REFUSED("isapi-anpr",
            "<!DOCTYPE a [<!ENTITY x \"aaaa\"><!ENTITY y \"&x;&x;\">]>"
            "<EventNotificationAlert><eventType>&y;</eventType>"
            "</EventNotificationAlert>",
            DECODE_LIMIT);
    refused("isapi-anpr", deep, strlen(deep), DECODE_LIMIT);
    REFUSED("isapi-anpr", "<EventNotificationAlert><eventType>ANPR",
            DECODE_TRUNCATED);
    REFUSED("isapi-anpr", "<a></b><!-- a document that ends wrongly -->",
            DECODE_SYNTAX);
    REFUSED("isapi-anpr",
            "<SomethingElseThatIsLonger></SomethingElseThatIsLonger>",
            DECODE_UNKNOWN);
    REFUSED("isapi-anpr", "<EventNotificationAlert></EventNotificationAlert>",
            DECODE_MISSING);
}

static void an_odd_element_costs_no_hikvision_passage(void **state)
{
    struct capture capture = isapi_of(
        ISAPI("<dateTime>2026-11-20T08:30:45+8:00</dateTime><UUID>u-1</UUID>"
              "<ANPR><licensePlate>A12345</licensePlate>"
              "<confidenceLevel>255</confidenceLevel><line>300</line>"
              "<direction>forwardAndReverse</direction>"
              "<detectType>video</detectType>"
              "<vehicleInfo><speed>1e3</speed></vehicleInfo>"
              "<pictureInfoList><pictureInfo>"
              "<absTime>20261120083045250</absTime>"
              "</pictureInfo></pictureInfoList></ANPR>"));

    (void)state;
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    assert_string_equal(capture.plate, "A12345");
    assert_string_equal(capture.key, "u-1");
    assert_true(isnan(capture.confidence));
    assert_int_equal(capture.lane, 0);
    assert_string_equal(capture.movement, "");
    /* 2026-11-20T00:30:45.250Z of absTime, as dateTime cannot be read */
    assert_int_equal(capture.at_ms, INT64_C(1795134645250));
    assert_int_equal(
        json_array_size(json_object_get(capture.details, "doubts")), 6);
    capture_free(&capture);
    capture = isapi_of(
        ISAPI("<dateTime>yesterday</dateTime><ANPR><licensePlate>"
              "123456789012345678901234567890AB</licensePlate></ANPR>"));
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    assert_string_equal(capture.plate, "");
    assert_int_equal(capture.at_ms, 0);
    capture_free(&capture);
}

static void a_multipart_body_is_known_by_its_first_line(void **state)
{
    static const char *const types[] = {NULL, "multipart/form-data",
                                        "application/octet-stream",
                                        "multipart/form-data; boundary = b"};
    static const char text[] = "--b\r\nContent-Type: text/xml\r\n\r\n" ISAPI(
        "<ANPR><licensePlate>A12345</licensePlate></ANPR>") "\r\n--"
                                                            "b\r\nContent-Type:"
                                                            " image/"
                                                            "jpeg\r\n\r\n\xFF"
                                                            "\xD8\xFF\xD9"
                                                            "\r\n--b--\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct span body = exact(text, sizeof text - 1);
        struct capture capture;
        struct decode_fault fault;
        size_t at = 0;

        assert_true(isapi_decode_body(body, types[i], &at, &capture, &fault));
        assert_string_equal(capture.plate, "A12345");
        assert_int_equal(capture.picture_count, 1);
        capture_free(&capture);
        release(body);
    }
}

/* A boundary that begins with dashes of its own, and a picture in which a line
 * looks like a delimiter's beginning. */
static void pictures_stay_bytes(void **state)
{
    static const char text[] =
        "----b\r\nContent-Disposition: form-data; name=\"anpr.xml\"\r\n"
        "Content-Type: text/xml\r\n\r\n" ISAPI(
            "<UUID>u-1</UUID><ANPR><licensePlate>A1</licensePlate></"
            "ANPR>") "\r\n----b\r\nContent-Disposition: form-data; "
                     "name=\"x\"; "
                     "filename=\"licensePlatePicture.jpg\"\r\nContent-"
                     "Type: "
                     "application/octet-stream\r\n\r\n"
                     "\xFF\xD8\0\r\n--\xFF\r\n----a\xFF\xD9\r\n----"
                     "b\r\n"
                     "Content-Disposition: form-data; "
                     "name=\"vehiclePicture.jpg\"\r\n\r\n"
                     "\xFF\xD8\xFF\xD9\r\n----b--\r\n";
    struct span body = exact(text, sizeof text - 1);
    struct capture capture;
    struct decode_fault fault;
    size_t at = 0;

    (void)state;
    if (!isapi_decode_body(body, "multipart/form-data; boundary=--b", &at,
                           &capture, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(at, body.len);
    assert_string_equal(capture.key, "u-1");
    assert_int_equal(capture.picture_count, 2);
    assert_int_equal(capture.pictures[0].part, PART_PLATE);
    assert_int_equal(capture.pictures[0].jpeg.len, 17);
    assert_memory_equal(capture.pictures[0].jpeg.data,
                        "\xFF\xD8\0\r\n--\xFF\r\n----a\xFF\xD9", 17);
    assert_int_equal(capture.pictures[1].part, PART_SCENE);
    capture_free(&capture);
    release(body);
}

/* ---- Dahua
 * --------------------------------------------------------------------- */

#define PASSAGE_PATH "/NotificationInfo/TollgateInfo"

static void the_path_tells_and_without_one_the_content(void **state)
{
    struct capture capture = itsapi_of("/NotificationInfo/KeepAlive?x=1", NULL,
                                       "{\"DeviceID\":\"c\"}");

    (void)state;
    assert_int_equal(capture.kind, CAPTURE_HEARTBEAT);
    assert_string_equal(capture.device, "c");
    capture_free(&capture);
    capture = itsapi_of(NULL, NULL, "{\"Active\":true,\"DeviceID\":\"c\"}");
    assert_int_equal(capture.kind, CAPTURE_HEARTBEAT);
    capture_free(&capture);
    capture = itsapi_of("/x/NotificationInfo/DeviceInfo/", NULL,
                        "{\"DeviceID\":\"c\",\"Password\":\"geheim\"}");
    assert_int_equal(capture.kind, CAPTURE_REGISTRATION);
    assert_null(json_object_get(capture.details, "Password"));
    capture_free(&capture);
}

static void the_wrapper_may_be_absent(void **state)
{
    struct capture capture = itsapi_of(
        PASSAGE_PATH, NULL,
        "{\"Plate\":{\"PlateNumber\":\"ITS1\",\"PlateColor\":\"Blue\"},"
        "\"SnapInfo\":{\"SnapTime\":\"2026-10-02 13:24:56\",\"Direction\":"
        "\"Obverse\"}}");

    (void)state;
    assert_string_equal(capture.plate, "ITS1");
    assert_string_equal(capture.color, "blue");
    assert_string_equal(capture.movement, "obverse");
    /* date -d "2026-10-02 13:24:56 +0800" +%s */
    assert_int_equal(capture.at_ms, INT64_C(1790918696000));
    /* whole seconds do not tell two vehicles apart */
    assert_string_equal(capture.key, "2026-10-02 13:24:56 ITS1");
    capture_free(&capture);
}

static void late_pictures_have_the_same_key(void **state)
{
    struct capture early = itsapi_of(
        PASSAGE_PATH, NULL,
        "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"ITS1\"},\"SnapInfo\":"
        "{\"DeviceID\":\"c\",\"AccurateTime\":\"2026-10-02 13:24:56.123\"}}}");
    struct capture late = itsapi_of(
        PASSAGE_PATH, NULL,
        "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"ITS1\"},\"SnapInfo\":"
        "{\"DeviceID\":\"c\",\"AccurateTime\":\"2026-10-02 13:24:56.123\"},"
        "\"CutoutPic\":{\"Content\":\"/9j/2Q==\"}}}");

    (void)state;
    assert_string_equal(early.key, late.key);
    assert_true(early.at_ms == late.at_ms && early.at_ms % 1000 == 123);
    assert_int_equal(early.picture_count, 0);
    assert_int_equal(late.picture_count, 1);
    assert_int_equal(late.pictures[0].part, PART_PLATE);
    capture_free(&early);
    capture_free(&late);
}

static void a_pictures_name_is_the_plates_last_resort(void **state)
{
    struct capture capture = itsapi_of(
        PASSAGE_PATH, NULL,
        "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"Unknown\"},\"NormalPic\":"
        "{\"PicName\":\"ITS1-20261002132456.jpg\"}}}");

    (void)state;
    assert_string_equal(capture.plate, "ITS1");
    capture_free(&capture);
}

static void the_xml_form_says_the_same(void **state)
{
    struct capture capture = itsapi_of(
        PASSAGE_PATH, "application/xml",
        "<Root><Picture><Plate><PlateNumber>ITS1</PlateNumber><Confidence>204"
        "</Confidence></Plate><SnapInfo><DeviceID>c</DeviceID><AccurateTime>"
        "2026-10-02 13:24:56.123</AccurateTime></SnapInfo></Picture></Root>");

    (void)state;
    assert_string_equal(capture.plate, "ITS1");
    assert_string_equal(capture.device, "c");
    assert_true(fabs(capture.confidence - 80) < 0.01);
    capture_free(&capture);
}

static void events_that_are_no_pulse_are_no_passages(void **state)
{
    static const char text[] =
        "Code=TrafficJunction;action=Start;index=0;data={\"TrafficCar\":"
        "{\"PlateNumber\":\"A1\"}}";
    struct span part = exact(text, sizeof text - 1);
    struct capture capture;
    struct decode_fault fault;

    (void)state;
    assert_true(dahua_event_decode(part, &capture, &fault));
    assert_int_equal(capture.kind, CAPTURE_OTHER);
    capture_free(&capture);
    release(part);
}

static void an_event_s_json_may_hold_braces_and_lines(void **state)
{
    static const char text[] =
        "Code=TrafficJunction;action=Pulse;index=0;data={\r\n \"Name\" : "
        "\"a}{b\",\r\n \"Object\" : { \"ObjectType\" : \"Plate\", \"Text\" : "
        "\"ITS1\" },\r\n \"UTC\" : 1700000000, \"UTCMS\" : 42 }\r\n";
    struct span part = exact(text, sizeof text - 1);
    struct capture capture;
    struct decode_fault fault;

    (void)state;
    if (!dahua_event_decode(part, &capture, &fault))
        fail_msg("%s", fault.text);
    assert_string_equal(capture.plate, "ITS1");
    assert_int_equal(capture.at_ms, INT64_C(1700000000042));
    assert_string_equal(capture.key, "1700000000.042");
    capture_free(&capture);
    release(part);
}

static void bad_pushes_are_refused(void **state)
{
    (void)state;
    REFUSED("dahua-itsapi", "{\"x\":1}", DECODE_UNKNOWN);
    REFUSED("dahua-itsapi", "{\"Picture\":{}}", DECODE_MISSING);
    REFUSED("dahua-itsapi", "{\"Picture\":5}", DECODE_VALUE);
    REFUSED("dahua-event", "Code=TrafficJunction;action=Pulse;index=0",
            DECODE_MISSING);
    REFUSED("dahua-event", "hello", DECODE_UNKNOWN);
    REFUSED("dahua-event", " \r\n", DECODE_EMPTY);
}

static void an_odd_member_costs_no_dahua_passage(void **state)
{
    struct capture capture = itsapi_of(
        "/NotificationInfo/TollgateInfo", NULL,
        "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"A12345\","
        "\"Confidence\":256,\"Channel\":\"one\"},\"Vehicle\":[],"
        "\"SnapInfo\":{\"DeviceID\":\"d1\",\"Direction\":3,"
        "\"AccurateTime\":\"2026-13-02 13:24:56\","
        "\"SnapTime\":\"2026-11-20 08:30:45\"},\"NormalPic\":\"none\"}}");

    (void)state;
    assert_int_equal(capture.kind, CAPTURE_PASSAGE);
    assert_string_equal(capture.plate, "A12345");
    assert_string_equal(capture.device, "d1");
    assert_true(isnan(capture.confidence));
    assert_int_equal(capture.at_ms, INT64_C(1795134645000));
    assert_int_equal(
        json_array_size(json_object_get(capture.details, "doubts")), 6);
    capture_free(&capture);
}

/* ---- plates
 * --------------------------------------------------------------------- */

static void no_letter_is_read_as_a_digit(void **state)
{
    (void)state;
    REFUSED("cn-plate",
            "\xE4\xBA\x91"
            "AO2345O",
            DECODE_VALUE);
    REFUSED("cn-plate", "", DECODE_EMPTY);
}
