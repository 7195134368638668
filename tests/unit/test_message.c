#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jpeg.h"
#include "json_pointer.h"
#include "json_scan.h"
#include "message.h"

#define NOW_MS INT64_C(1795132800000) /* 2026-11-20T08:00:00+08:00 */
#define TIME "\"time\":\"2026-11-20T08:30:45.5+08:00\""
#define AT_MS INT64_C(1795134645500) /* date -d ... +%s */
#define HEAD "{\"event_id\":\"e1\"," TIME

static const struct route_config routes[] = {
    {"plant/+/temp", "sink", "/id", "/t", EVENT_TIME_MS, true},
    {"plant/#", "sink", "/meta/key", "/meta/at", EVENT_TIME_ISO, true},
    {"raw/#", "sink", "", "", EVENT_TIME_ISO, false},
    {"ns/#", "sink", "/id", "/t", EVENT_TIME_NS, true},
    {"sec/#", "sink", "/id", "/t", EVENT_TIME_S, true},
};

static const struct destination_config destinations[] = {
    {.name = "yunnan", .platform = "yunnan"},
};

static const struct config config = {
    .site = "steel",
    .payload_limit_kb = 64,
    .picture_limit_kb = 8,
    .destinations = destinations,
    .destination_count = 1,
    .routes = routes,
    .route_count = 5,
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct message));
    return *state == NULL;
}

static int teardown(void **state)
{
    message_free(*state);
    free(*state);
    return 0;
}

static struct message *read_bytes(void **state, const char *topic,
                                  const void *payload, size_t len)
{
    struct message *message = *state;

    message_free(message);
    assert_int_equal(
        message_read(&config, topic, span_of(payload, len), NOW_MS, message),
        STATUS_OK);
    return message;
}

static struct message *read_text(void **state, const char *topic,
                                 const char *payload)
{
    return read_bytes(state, topic, payload, strlen(payload));
}

#define CAMERA "sampan/v1/steel/camera/cam1/capture"
#define SCALE "sampan/v1/steel/weighbridge/w1/weight"
#define METER "sampan/v1/steel/meter/m1/reading"
#define UP "sampan/v1/steel/up/yunnan/vehicleAccess"

/* The message is refused, and its reason holds all of the words. */
static void assert_refused(void **state, const char *topic, const char *payload,
                           const char *words)
{
    const struct message *message = read_text(state, topic, payload);

    assert_false(message->valid);
    assert_null(message->json);
    if (strstr(message->reason, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", message->reason, words);
}

static void assert_taken(void **state, const char *topic, const char *payload)
{
    const struct message *message = read_text(state, topic, payload);

    if (!message->valid)
        fail_msg("refused: %s", message->reason);
}

/* ---- topics ------------------------------------------------------------- */

static void a_capture_is_read_with_its_identity(void **state)
{
    const struct message *message = read_text(
        state, CAMERA,
        HEAD ",\"revision\":3,\"plate\":\"\xe4\xba\x91"
             "A12345\",\"color\":\"yellow_green\",\"direction\":\"in\"}");

    assert_true(message->valid);
    assert_int_equal(message->class, MESSAGE_CAPTURE);
    assert_string_equal(message->kind, "camera/capture");
    assert_string_equal(message->device, "cam1");
    assert_string_equal(message->event_id, "e1");
    assert_int_equal(message->event_at_ms, AT_MS);
    assert_int_equal(message->revision, 3);
    assert_int_equal(message->received_at_ms, NOW_MS);
    assert_string_equal(bytes_text(&message->topic), CAMERA);
}

static void every_class_of_topic_is_known(void **state)
{
    assert_taken(state, SCALE,
                 HEAD ",\"gross\":31200,\"unit\":\"kg\",\"stable\":true}");
    assert_taken(state, METER,
                 HEAD ",\"registers\":{\"total\":{\"value\":12.5,\"unit\":"
                      "\"kWh\"}}}");
    assert_taken(state, UP, HEAD ",\"record\":{\"vin\":\"x\"}}");
    assert_string_equal(((struct message *)*state)->kind, "up/yunnan");
    assert_string_equal(((struct message *)*state)->interface, "vehicleAccess");
    assert_taken(state, "sampan/v1/steel/camera/cam1/status",
                 "{\"online\":true}");
    assert_int_equal(((struct message *)*state)->class, MESSAGE_STATUS);
}

static void a_strangers_topic_is_refused(void **state)
{
    static const char *const topics[] = {
        "sampan/v1/other/camera/cam1/capture",
        "sampan/v2/steel/camera/cam1/capture",
        "sampan/v1/steel/camera/cam1",
        "sampan/v1/steel/camera//capture",
        "sampan/v1/steel/camera/cam1/capture/more",
        "sampan/v1/steel/oven/o1/capture",
        "sampan/v1/steel/camera/cam1/weight",
        "elsewhere",
        "",
    };

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics)[0]; i++) {
        assert_refused(state, topics[i], HEAD "}", "topic: ");
        assert_int_equal(((struct message *)*state)->class, MESSAGE_ALIEN);
    }
}

static void a_record_for_nobody_is_refused_under_one_kind(void **state)
{
    const struct message *message = *state;

    assert_refused(state, "sampan/v1/steel/up/nobody/x", HEAD ",\"record\":{}}",
                   "no destination \"nobody\"");
    assert_string_equal(message->kind, "up/unknown");
    assert_string_equal(message->event_id, "e1");
    assert_refused(state, "sampan/v1/steel/up/nobody/x", "{", "nobody");
}

static void a_reason_is_utf8_whatever_the_topic_is(void **state)
{
    char topic[400];
    const char *reason;
    size_t step;

    for (size_t i = 0; i + 3 < sizeof(topic); i += 3)
        memcpy(topic + i, "\xe4\xba\x91", 4);
    assert_refused(state, topic, HEAD "}", "...");
    reason = ((struct message *)*state)->reason;
    for (; *reason != 0; reason += step) {
        step = json_scan_utf8(span_text(reason));
        assert_true(step > 0);
    }
}

/* ---- bad input ---------------------------------------------------------- */

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    static const char *const payloads[] = {
        "{",
        "[1,2",
        "nul",
        "{\"a\":}",
        "{\"a\" 1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":.5}",
        "{\"a\":1,}",
        "[1,]",
        "{\"a\":1.}",
        "\"abc",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":tru}",
        "\x01",
        "-",
        "{\"a\":1e}",
        "{,}",
        "{\"a\":\"\n\"}",
    };

    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads)[0]; i++)
        assert_refused(state, CAMERA, payloads[i], "is not JSON: byte ");
    assert_refused(state, CAMERA, "[]", "is not a JSON object");
    assert_refused(state, CAMERA, "3", "is not allowed JSON");
}

static void an_empty_payload_is_refused(void **state)
{
    assert_refused(state, CAMERA, "", "the payload is empty");
    assert_refused(state, "raw/x", "", "the payload is empty");
}

static void trailing_garbage_is_refused(void **state)
{
    assert_refused(state, CAMERA, HEAD "} x", "nothing more");
    assert_refused(state, CAMERA, HEAD "}{}", "nothing more");
}

static void a_name_said_twice_is_refused(void **state)
{
    assert_refused(state, CAMERA, HEAD ",\"plate\":\"A\",\"plate\":\"B\"}",
                   "duplicate");
}

static void bytes_that_are_no_utf8_are_refused(void **state)
{
    static const char *const plates[] = {
        "\xff",
        "\xc0\xaf",
        "\xe4\xba",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\x80",
        "\xf0\x80\x80\x80",
    };
    char payload[200];

    for (size_t i = 0; i < sizeof(plates) / sizeof(plates)[0]; i++) {
        snprintf(payload, sizeof(payload), HEAD ",\"plate\":\"%s\"}",
                 plates[i]);
        assert_refused(state, CAMERA, payload, "expected is UTF-8");
    }
}

static void a_zero_byte_is_refused(void **state)
{
    static const char payload[] = HEAD ",\"plate\":\"A\0B\"}";
    const struct message *message =
        read_bytes(state, CAMERA, payload, sizeof(payload) - 1);

    assert_false(message->valid);
    assert_refused(state, CAMERA, HEAD ",\"plate\":\"A\\u0000B\"}",
                   "is not allowed JSON");
}

static void nesting_beyond_32_is_refused(void **state)
{
    char payload[4096];
    size_t at;

    for (int depth = 30; depth <= 2000; depth += 1970) {
        at = (size_t)snprintf(payload, sizeof(payload), HEAD ",\"x\":");
        memset(payload + at, '[', (size_t)depth);
        memset(payload + at + depth, ']', (size_t)depth);
        strcpy(payload + at + 2 * depth > payload + 4090
                   ? payload + 4090
                   : payload + at + 2 * depth,
               "}");
        if (depth == 30)
            assert_taken(state, CAMERA, payload);
        else
            assert_refused(state, CAMERA, payload, "nesting of at most 32");
    }
}

static void too_large_a_payload_is_refused_and_its_beginning_kept(void **state)
{
    size_t len = 65 * 1024;
    char *payload = malloc(len);
    const struct message *message;

    memset(payload, ' ', len);
    message = read_bytes(state, CAMERA, payload, len);
    assert_false(message->valid);
    assert_string_equal(message->reason,
                        "the payload is 66560 bytes; allowed are 65536");
    assert_int_equal(message->payload.len, 4096);
    free(payload);
}

static void every_wrong_member_is_named(void **state)
{
    static const struct {
        const char *topic, *payload, *words;
    } rows[] = {
        {CAMERA, "{" TIME "}", "event_id: is absent"},
        {CAMERA, "{\"event_id\":null," TIME "}", "event_id: is not text"},
        {CAMERA, "{\"event_id\":7," TIME "}", "event_id: is not text"},
        {CAMERA, "{\"event_id\":\"\"," TIME "}", "allowed are 1 to 127"},
        {CAMERA, "{\"event_id\":\"e\"}", "time: is absent"},
        {CAMERA, "{\"event_id\":\"e\",\"time\":\"2026-11-20 08:30:45\"}",
         "time: \"2026-11-20 08:30:45\" is no instant with a zone"},
        {CAMERA, "{\"event_id\":\"e\",\"time\":\"2026-02-30T00:00:00Z\"}",
         "is no instant"},
        {CAMERA, "{\"event_id\":\"e\",\"time\":1795134645}", "time: is not"},
        {CAMERA, HEAD ",\"color\":\"purple\"}",
         "color: \"purple\" is not known; allowed are blue yellow white black "
         "green yellow_green other"},
        {CAMERA, HEAD ",\"color\":\"blue yellow\"}", "is not known"},
        {CAMERA, HEAD ",\"color\":2}", "color: is not text"},
        {CAMERA, HEAD ",\"plate\":\"123456789012345678901\"}",
         "plate: is 21 characters long; allowed are 0 to 20"},
        {CAMERA, HEAD ",\"plate\":12}", "plate: is not text"},
        {CAMERA, HEAD ",\"direction\":\"up\"}", "allowed are in out"},
        {CAMERA, HEAD ",\"confidence\":101}", "confidence: is 101"},
        {CAMERA, HEAD ",\"confidence\":\"9\"}", "is not a number"},
        {CAMERA, HEAD ",\"revision\":-1}", "revision: is -1; allowed is 0"},
        {CAMERA, HEAD ",\"revision\":1.5}", "is not a whole number"},
        {CAMERA, HEAD ",\"pictures\":{}}", "pictures: is not an array"},
        {CAMERA, HEAD ",\"pictures\":[1,2,3,4,5,6,7,8,9]}",
         "holds 9 pictures; allowed are 0 to 8"},
        {CAMERA, HEAD ",\"pictures\":[7]}", "is not an object"},
        {CAMERA, HEAD ",\"pictures\":[{\"jpeg\":\"/9j/\"}]}",
         "pictures[0].kind: is absent"},
        {CAMERA, HEAD ",\"pictures\":[{\"kind\":\"tail\",\"jpeg\":\"/9j/\"}]}",
         "allowed are head body plate scene"},
        {CAMERA, HEAD ",\"pictures\":[{\"kind\":\"head\"}]}",
         "pictures[0].jpeg: is absent or not text"},
        {SCALE, HEAD ",\"gross\":1,\"unit\":\"kg\",\"stable\":false}",
         "only stable weights"},
        {SCALE, HEAD ",\"gross\":1,\"unit\":\"kg\"}", "stable: is absent"},
        {SCALE, HEAD ",\"gross\":-1,\"unit\":\"kg\",\"stable\":true}",
         "gross: is -1; allowed is 0 to 500000"},
        {SCALE, HEAD ",\"gross\":1,\"unit\":\"g\",\"stable\":true}",
         "allowed are kg t lb"},
        {SCALE, HEAD ",\"gross\":1e999,\"unit\":\"kg\",\"stable\":true}",
         "is not allowed JSON"},
        {METER, HEAD ",\"registers\":{}}", "registers: is not an object of 1"},
        {METER, HEAD ",\"registers\":{\"a\":5}}",
         "registers.a.: is not an object"},
        {METER, HEAD ",\"registers\":{\"a\":{\"value\":\"5\"}}}",
         "registers.a.value: is not a number"},
        {METER, HEAD ",\"registers\":{\"a\":{\"value\":1e19}}}",
         "registers.a.value: is 1e+19"},
        {UP, HEAD "}", "record: is absent"},
        {UP, HEAD ",\"record\":[]}", "record: is not an object"},
        {UP, HEAD ",\"record\":{\"img\":{\"$event\":1,\"pointer\":\"/x\"}}}",
         "a member's name begins with $"},
        {UP, HEAD ",\"record\":{\"a\":[{\"\\u0024number\":\"x\"}]}}",
         "a member's name begins with $"},
        {UP, HEAD ",\"record\":{\"a\":{\"$large\":0}}}", "reserved"},
        {"sampan/v1/steel/meter/m1/status", "{\"online\":1}",
         "online: allowed are true and false"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows)[0]; i++)
        assert_refused(state, rows[i].topic, rows[i].payload, rows[i].words);
}

static void a_refused_message_still_says_who_it_was(void **state)
{
    assert_refused(state, CAMERA, HEAD ",\"color\":\"purple\"}", "color");
    assert_string_equal(((struct message *)*state)->event_id, "e1");
    assert_int_equal(((struct message *)*state)->event_at_ms, AT_MS);
}

static void unknown_members_and_null_are_let_pass(void **state)
{
    assert_taken(state, CAMERA,
                 HEAD ",\"plate\":null,\"color\":null,\"maker\":{\"x\":[1]},"
                      "\"confidence\":99.5}");
    assert_taken(state, CAMERA, HEAD ",\"plate\":\"\"}");
}

/* ---- pictures ----------------------------------------------------------- */

/* A capture with a picture whose Base64 is start, then count times "AAAA",
 * then end. */
static struct message *read_picture(void **state, const char *start,
                                    size_t count, const char *end)
{
    struct bytes payload = BYTES_EMPTY;
    struct message *message;

    assert_int_equal(bytes_append_text(&payload,
                                       HEAD ",\"pictures\":[{\"kind\":\"head\","
                                            "\"jpeg\":\""),
                     STATUS_OK);
    assert_int_equal(bytes_append_text(&payload, start), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bytes_append_text(&payload, "AAAA"), STATUS_OK);
    assert_int_equal(bytes_append_text(&payload, end), STATUS_OK);
    assert_int_equal(bytes_append_text(&payload, "\"}]}"), STATUS_OK);
    message = read_bytes(state, CAMERA, payload.data, payload.len);
    bytes_free(&payload);
    return message;
}

static void pictures_small_and_large_are_taken(void **state)
{
    assert_true(read_picture(state, "/9j/", 10, "")->valid);
    assert_true(read_picture(state, "/9j/", 2000, "")->valid);
    assert_true(read_picture(state, "/9j/", 2000, "AA==")->valid);
    assert_true(read_picture(state, "/9j/", 2000, "AAA=")->valid);
    /* 8 KB are 8192 bytes: 4 + 2729 groups are 8190, "AAA=" 2 more. */
    assert_true(read_picture(state, "/9j/", 2729, "AAA=")->valid);
}

static void a_large_picture_is_not_copied_into_the_tree(void **state)
{
    const struct message *message = read_picture(state, "/9j/", 2000, "");
    const json_t *jpeg =
        json_pointer_get(message->json, "/pictures/0/jpeg/$large");
    struct span text;

    assert_true(json_is_integer(jpeg));
    assert_int_equal(json_integer_value(jpeg), 0);
    assert_int_equal(json_pointer_string(bytes_view(&message->payload),
                                         "/pictures/0/jpeg", &text),
                     STATUS_OK);
    assert_int_equal(text.len, 8004);
    assert_memory_equal(text.data, "/9j/AAAA", 8);
}

static void bad_pictures_are_refused(void **state)
{
    static const struct {
        const char *start;
        size_t count;
        const char *end, *words;
    } rows[] = {
        {"", 0, "", "pictures[0].jpeg: is empty"},
        {"/9j/", 3, "AA", "is cut short"},
        {"/9j/", 2000, "A", "is cut short"},
        {"/9j/", 2000, "AAA", "is cut short"},
        {"/9j/", 2000, "AB==", "is cut short"},
        {"/9j/", 2000, "AAA!", "is not Base64"},
        {"/9j/", 2000, "A=AA", "is not Base64"},
        {"/9j/", 3, "AA=A", "is not Base64"},
        {"/9j/", 3, "====", "is not Base64"},
        {"/9j/", 3, "A A=", "is not Base64"},
        {"/9j_", 3, "", "is not Base64"},
        {"iVBO", 2000, "", "is not a JPEG"},
        {"/9j", 0, "", "is cut short"},
        {"/9j/", 2730, "AA==", "is 8194 bytes; allowed are 8192"},
        {"/9j/", 5000, "", "is 15003 bytes; allowed are 8192"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows)[0]; i++) {
        const struct message *message =
            read_picture(state, rows[i].start, rows[i].count, rows[i].end);

        assert_false(message->valid);
        if (strstr(message->reason, rows[i].words) == NULL)
            fail_msg("row %zu: %s", i, message->reason);
    }
}

static void a_made_up_large_reference_beside_a_real_one_is_refused(void **state)
{
    struct bytes payload = BYTES_EMPTY;
    const struct message *message;

    assert_int_equal(
        bytes_print(&payload,
                    HEAD ",\"pictures\":[{\"kind\":\"head\",\"jpeg\":{\"$large"
                         "\":0}}],\"x\":\"/9j/%04000d\"}",
                    0),
        STATUS_OK);
    message = read_bytes(state, CAMERA, payload.data, payload.len);
    assert_false(message->valid);
    assert_non_null(strstr(message->reason, "reserved"));
    bytes_free(&payload);
}

/* ---- the schemas' examples ---------------------------------------------- */

#define EXAMPLES TEST_VECTORS "/../../docs/schema/examples"

static const struct {
    const char *schema, *topic;
} schemas[] = {
    {"capture.", CAMERA},
    {"weight.", SCALE},
    {"reading.", METER},
    {"record.", UP},
    {"status.", "sampan/v1/steel/camera/cam1/status"},
    {"live.", "sampan/v1/steel/weighbridge/w1/live"},
};

/* false: the file is of no message that we read. */
static bool read_example(void **state, const char *name)
{
    struct bytes payload = BYTES_EMPTY;
    char path[512];
    const char *topic = NULL;
    const struct message *message;

    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas)[0]; i++)
        if (strncmp(name, schemas[i].schema, strlen(schemas[i].schema)) == 0)
            topic = schemas[i].topic;
    if (topic == NULL)
        return false;
    snprintf(path, sizeof(path), "%s/%s", EXAMPLES, name);
    assert_int_equal(bytes_read_file(&payload, path, 1 << 20), STATUS_OK);
    message = read_bytes(state, topic, payload.data, payload.len);
    if (message->valid != (strstr(name, ".valid.") != NULL))
        fail_msg("%s: \"%s\"", name, message->reason);
    bytes_free(&payload);
    return true;
}

static void the_schemas_examples_are_judged_as_they_say(void **state)
{
    DIR *folder = opendir(EXAMPLES);
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        if (strstr(entry->d_name, ".json") != NULL)
            count += read_example(state, entry->d_name);
    closedir(folder);
    assert_true(count >= 30);
}

/* ---- routes ------------------------------------------------------------- */

static void a_routed_message_gets_id_and_time_by_pointer(void **state)
{
    const struct message *message = read_text(
        state, "plant/a/temp",
        "{\"v\":[1,{\"x\":\"}\"}], \"id\" : 4711 ,\"t\":1795134645500}");

    assert_true(message->valid);
    assert_int_equal(message->class, MESSAGE_ROUTED);
    assert_string_equal(message->kind, "route");
    assert_string_equal(message->device, "plant/a/temp");
    assert_string_equal(message->event_id, "4711");
    assert_int_equal(message->event_at_ms, AT_MS);
    assert_null(message->json);
}

static void the_second_route_fills_what_the_first_does_not_find(void **state)
{
    const struct message *message = read_text(
        state, "plant/a/temp",
        "{\"meta\":{\"key\":\"k\",\"at\":\"2026-11-20T00:30:45.500Z\"}}");

    assert_string_equal(message->event_id, "k");
    assert_int_equal(message->event_at_ms, AT_MS);
}

static void times_come_in_seconds_and_nanoseconds(void **state)
{
    assert_int_equal(
        read_text(state, "ns/x", "{\"t\":1795134645500123456}")->event_at_ms,
        AT_MS);
    assert_int_equal(
        read_text(state, "sec/x", "{\"t\":1795134645}")->event_at_ms,
        AT_MS - 500);
    assert_int_equal(
        read_text(state, "sec/x", "{\"t\":1795134645.5}")->event_at_ms, AT_MS);
    assert_int_equal(
        read_text(state, "sec/x", "{\"t\":\"1795134645.5007\"}")->event_at_ms,
        AT_MS);
    assert_int_equal(read_text(state, "sec/x", "{\"t\":-5}")->event_at_ms, 0);
    assert_int_equal(read_text(state, "sec/x", "{\"t\":null}")->event_at_ms, 0);
    assert_int_equal(read_text(state, "sec/x", "{\"t\":1e99}")->event_at_ms,
                     1000);
}

static void a_route_without_json_takes_any_bytes(void **state)
{
    const struct message *message = read_bytes(state, "raw/x", "\xff\0{", 3);

    assert_true(message->valid);
    assert_string_equal(message->event_id, "");
    assert_refused(state, "plant/x", "\xff", "is not JSON");
}

static void a_long_topic_is_told_apart_by_its_hash(void **state)
{
    char topic[300] = "raw/";
    char device[64];

    memset(topic + 4, 'a', 200);
    strcpy(device, read_text(state, topic, "x")->device);
    topic[203] = 'b';
    assert_int_equal(strlen(device), 16);
    assert_string_not_equal(read_text(state, topic, "x")->device, device);
}

/* ---- pointers (RFC 6901 section 5) -------------------------------------- */

static const char rfc6901[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,"
                              "\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
                              "\"k\\\"l\":6,\" \":7,\"m~n\":8}";

static void the_examples_of_rfc_6901_are_found(void **state)
{
    static const struct {
        const char *pointer, *raw;
    } rows[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/foo/1", "\"baz\""},
        {"", rfc6901},
    };
    json_t *root = json_loads(rfc6901, 0, NULL);
    struct span value;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows)[0]; i++) {
        char *dump = json_dumps(json_pointer_get(root, rows[i].pointer),
                                JSON_COMPACT | JSON_ENCODE_ANY);

        assert_string_equal(dump, rows[i].raw);
        free(dump);
        assert_int_equal(
            json_pointer_raw(span_text(rfc6901), rows[i].pointer, &value),
            STATUS_OK);
        assert_true(span_equal_text(value, rows[i].raw));
    }
    assert_int_equal(json_integer_value(json_pointer_get(root, "/i\\j")), 5);
    assert_int_equal(json_integer_value(json_pointer_get(root, "/k\"l")), 6);
    json_decref(root);
}

static void pointers_to_nothing_find_nothing(void **state)
{
    static const char *const pointers[] = {
        "foo",      "/foo/2", "/foo/-", "/foo/01",
        "/foo/0/0", "/bar",   "/foo/ ", "/foo/99999999999999999999",
    };
    json_t *root = json_loads(rfc6901, 0, NULL);
    struct span value;

    (void)state;
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers)[0]; i++) {
        assert_null(json_pointer_get(root, pointers[i]));
        assert_int_equal(
            json_pointer_raw(span_text(rfc6901), pointers[i], &value),
            STATUS_NOT_FOUND);
    }
    json_decref(root);
}

static void a_pointer_on_broken_text_stays_inside_it(void **state)
{
    static const char *const texts[] = {
        "",         "{",          "{\"a\"",  "{\"a\":", "{\"a\":\"",   "[",
        "[1",       "{\"b\":[1,", "{\"a\\",  "\"",      "{\"b\":\"\\", "[[[",
        "{\"b\":1", "{\"b\":1,",  "{\"b\" ",
    };
    struct span value;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts)[0]; i++) {
        size_t len = strlen(texts[i]);
        char *copy = malloc(len + 1); /* exact: a tool sees a step too far */

        memcpy(copy, texts[i], len);
        if (json_pointer_raw(span_of(copy, len), "/a/0", &value) == STATUS_OK)
            assert_true(value.len <= len);
        if (json_pointer_raw(span_of(copy, len), "/0", &value) == STATUS_OK)
            assert_true(value.len <= len);
        free(copy);
    }
}

static void a_string_is_found_only_when_it_is_plain(void **state)
{
    struct span content;

    (void)state;
    assert_int_equal(
        json_pointer_string(span_text("{\"a\": \"xy\" }"), "/a", &content),
        STATUS_OK);
    assert_true(span_equal_text(content, "xy"));
    assert_int_equal(
        json_pointer_string(span_text("{\"a\":\"x\\ny\"}"), "/a", &content),
        STATUS_FORMAT);
    assert_int_equal(
        json_pointer_string(span_text("{\"a\":1}"), "/a", &content),
        STATUS_FORMAT);
}

static void a_pointer_is_written_with_its_escapes(void **state)
{
    struct bytes pointer = BYTES_EMPTY;

    (void)state;
    assert_int_equal(json_pointer_append(&pointer, "a/b~c"), STATUS_OK);
    assert_int_equal(json_pointer_append(&pointer, "0"), STATUS_OK);
    assert_string_equal(bytes_text(&pointer), "/a~1b~0c/0");
    bytes_free(&pointer);
}
