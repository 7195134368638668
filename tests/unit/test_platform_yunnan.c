#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "clock.h"
#include "config.h"
#include "crypto.h"
#include "platform.h"
#include "platform_side.h"

/* Records, faults and answers are in tests/vectors/yunnan_*.json, written by
 * hand from the specification; keys and sealed answers in crypto.json. */

#define NOW_MS INT64_C(1795134645000) /* 2026-11-20 08:30:45 in China */
#define TOKEN "LpVxYz1aBcDeFgHiJkLmNoPqRs"

struct fixture {
    const struct platform *platform;
    struct destination_config destination;
    struct pattern_config patterns[2];
    struct session session;
    json_t *keys; /* crypto.json */
    json_t *records;
    const char *picture; /* at /pictures/0/jpeg of every event; NULL: gone */
};

static json_t *load(const char *name)
{
    char path[4096];
    json_t *value;

    snprintf(path, sizeof path, "%s/%s", TEST_VECTORS, name);
    value = json_load_file(path, 0, NULL);
    assert_non_null(value);
    return value;
}

static void set_bytes(struct bytes *bytes, const char *text)
{
    assert_int_equal(bytes_copy(bytes, span_text(text)), STATUS_OK);
}

static void prepare_ok(struct fixture *f)
{
    char words[256] = "";

    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_OK);
    assert_string_equal(words, "");
}

/* Registered by what was issued, with a token. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->platform = platform_find("yunnan");
    assert_non_null(f->platform);
    f->keys = load("crypto.json");
    f->records = load("yunnan_records.json");
    f->picture = "/9j/4AAQSkZJRgD/2Q==";
    f->patterns[0] = (struct pattern_config){"夜间维护", VERDICT_BUSY};
    f->patterns[1] = (struct pattern_config){"Wartung", VERDICT_BUSY};
    f->destination.name = "province";
    f->destination.platform = "yunnan";
    f->destination.base_url =
        "https://yunnan.example:8443/access/api/dataReceive";
    f->destination.patterns = f->patterns;
    f->destination.pattern_count = 2;
    f->destination.yunnan.enterprise_id = "91110000710934615P001X";
    f->destination.yunnan.enterprise_name = "蓝海星辰生物科技";
    set_bytes(&f->session.own_key_pem, text_at(json_object_get(f->keys, "own"),
                                               "private", "pkcs8_pem", NULL));
    f->session.credentials = json_pack(
        "{s:s, s:s, s:s}", "apiKey", "YN_Mn2dE7xQa9Bc1fRt4sLpVxYz", "apiSecret",
        "3k9mQ2nR8sLpVxYzlaBcDeFgHiJkLmNoPqRsTuV", "platformKey",
        text_at(json_object_get(f->keys, "platform"), "public",
                "spki_der_base64", NULL));
    set_bytes(&f->session.token, TOKEN);
    f->session.token_made_at_ms = NOW_MS;
    f->session.token_expires_at_ms = NOW_MS + 7200 * SECOND_MS;
    prepare_ok(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    f->platform->release(&f->session);
    bytes_wipe(&f->session.own_key_pem);
    bytes_wipe(&f->session.token);
    bytes_wipe(&f->destination.yunnan.own_key);
    bytes_wipe(&f->destination.yunnan.platform_key);
    bytes_wipe(&f->destination.yunnan.api_key);
    bytes_wipe(&f->destination.yunnan.api_secret);
    json_decref(f->session.credentials);
    json_decref(f->keys);
    json_decref(f->records);
    free(f);
    return 0;
}

static const struct interface *interface_of(const struct fixture *f,
                                            const char *name)
{
    const struct interface *interface = platform_interface(f->platform, name);

    assert_non_null(interface);
    return interface;
}

static enum status find_text(void *self, uint64_t event, const char *pointer,
                             struct span *text)
{
    struct fixture *f = self;

    (void)event;
    if (!f->picture)
        return STATUS_NOT_FOUND;
    if (strcmp(pointer, "/pictures/0/jpeg") == 0)
        *text = span_text(f->picture);
    else if (strcmp(pointer, "/pictures/1/jpeg") == 0)
        *text = span_text("data:image/jpeg;base64,/9j/4AAQSkZJRgD/2Q==");
    else
        return STATUS_FORMAT;
    return STATUS_OK;
}

static const char *optional_text(json_t *value, const char *name)
{
    const char *text = json_string_value(json_object_get(value, name));

    return text ? text : "";
}

static void assert_json(struct span text, json_t *expected)
{
    char *dump = json_dumps(expected, JSON_COMPACT | JSON_REAL_PRECISION(15));

    assert_int_equal(text.len, strlen(dump));
    assert_memory_equal(text.data, dump, text.len); /* the order too */
    free(dump);
}

static struct made make_ok(struct fixture *f, const char *interface,
                           const json_t *record)
{
    const struct making making = {.now_ms = NOW_MS, .serial = 42};
    struct made made = {0};

    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, interface), record,
                                       &making, &made),
                     STATUS_OK);
    return made;
}

/* ---- make ---------------------------------------------------------------- */

static void records_become_the_facts_of_the_tables(void **state)
{
    struct fixture *f = *state;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->records, "cases"), i, row)
    {
        struct made made = make_ok(f, text_at(row, "interface", NULL, NULL),
                                   json_object_get(row, "record"));

        assert_string_equal(made.reason, "");
        assert_int_equal(made.state, MADE_READY);
        assert_string_equal(made.number, text_at(row, "number", NULL, NULL));
        assert_string_equal(made.subject, text_at(row, "subject", NULL, NULL));
        assert_string_equal(made.order_key,
                            text_at(row, "order_key", NULL, NULL));
        assert_json(bytes_view(&made.facts), json_object_get(row, "facts"));
        made_free(&made);
    }
    assert_int_equal(i, 7);
}

static void facts_made_again_stay_what_they_are(void **state)
{
    struct fixture *f = *state;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->records, "cases"), i, row)
    {
        json_t *facts = json_object_get(row, "facts");
        struct made made =
            make_ok(f, text_at(row, "interface", NULL, NULL), facts);

        assert_int_equal(made.state, MADE_READY);
        assert_string_equal(made.number, text_at(row, "number", NULL, NULL));
        assert_json(bytes_view(&made.facts), facts);
        made_free(&made);
    }
}

static void a_passage_is_one_access_record(void **state)
{
    static const char *const names[] = {[MADE_READY] = "ready",
                                        [MADE_HELD] = "held",
                                        [MADE_IMPOSSIBLE] = "impossible"};
    struct fixture *f = *state;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->records, "passages"), i, row)
    {
        struct passage_record records[PASSAGE_RECORDS_MAX];
        struct made made;
        size_t count;

        assert_int_equal(f->platform->passage(&f->destination,
                                              json_object_get(row, "passage"),
                                              records, &count),
                         STATUS_OK);
        assert_int_equal(count, 1);
        assert_ptr_equal(records[0].interface,
                         interface_of(f, "vehicleAccess"));
        assert_int_equal(records[0].follows, -1);
        made = make_ok(f, "vehicleAccess", records[0].record);
        assert_string_equal(made.reason, text_at(row, "reason", NULL, NULL));
        assert_string_equal(names[made.state],
                            text_at(row, "state", NULL, NULL));
        assert_string_equal(made.number, text_at(row, "number", NULL, NULL));
        assert_json(bytes_view(&made.facts), json_object_get(row, "facts"));
        made_free(&made);
        json_decref(records[0].record);
    }
    assert_int_equal(i, 2);
}

static void colors_and_directions_are_those_of_the_tables(void **state)
{
    static const struct {
        const char *color, *code;
    } rows[] = {{"blue", "0"},        {"yellow", "1"}, {"white", "2"},
                {"black", "3"},       {"green", "4"},  {"other", "5"},
                {"yellow_green", "6"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct passage_record records[PASSAGE_RECORDS_MAX];
        json_t *passage =
            json_pack("{s:s, s:s, s:I}", "color", rows[i].color, "direction",
                      i % 2 ? "out" : "in", "at_ms", (json_int_t)NOW_MS);
        size_t count;

        assert_int_equal(
            f->platform->passage(&f->destination, passage, records, &count),
            STATUS_OK);
        assert_string_equal(
            text_at(records[0].record, "plateColor", NULL, NULL), rows[i].code);
        assert_string_equal(
            text_at(records[0].record, "accessType", NULL, NULL),
            i % 2 ? "1" : "0");
        json_decref(records[0].record);
        json_decref(passage);
    }
}

static void a_passage_without_time_is_none(void **state)
{
    struct fixture *f = *state;
    struct passage_record records[PASSAGE_RECORDS_MAX];
    json_t *passage = json_pack("{s:s}", "plate", "云A12345");
    size_t count = 9;

    assert_int_equal(
        f->platform->passage(&f->destination, passage, records, &count),
        STATUS_FORMAT);
    assert_int_equal(count, 0);
    json_decref(passage);
}

/* The case's record with the changes of a fault. */
static json_t *changed_record(struct fixture *f, json_t *fault)
{
    const char *wanted = text_at(fault, "interface", NULL, NULL);
    json_t *record = NULL;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->records, "cases"), i, row)
    {
        if (!record &&
            strcmp(text_at(row, "interface", NULL, NULL), wanted) == 0)
            record = json_deep_copy(json_object_get(row, "record"));
    }
    assert_non_null(record);
    json_array_foreach(json_object_get(fault, "remove"), i, row)
    {
        assert_int_equal(json_object_del(record, json_string_value(row)), 0);
    }
    if (json_object_get(fault, "set"))
        json_object_update(record, json_object_get(fault, "set"));
    return record;
}

static void every_fault_is_named_with_what_is_allowed(void **state)
{
    static const char *const names[] = {[MADE_READY] = "ready",
                                        [MADE_HELD] = "held",
                                        [MADE_IMPOSSIBLE] = "impossible"};
    struct fixture *f = *state;
    json_t *faults = load("yunnan_faults.json");
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(faults, "cases"), i, row)
    {
        json_t *record = changed_record(f, row);
        json_t *number = json_object_get(row, "number");
        struct made made =
            make_ok(f, text_at(row, "interface", NULL, NULL), record);

        assert_string_equal(made.reason, text_at(row, "reason", NULL, NULL));
        assert_string_equal(names[made.state],
                            text_at(row, "state", NULL, NULL));
        assert_true(made.facts.len > 2);
        if (number)
            assert_string_equal(made.number, json_string_value(number));
        made_free(&made);
        json_decref(record);
    }
    assert_true(i > 30);
    json_decref(faults);
}

static void a_picture_over_a_million_bytes_is_refused(void **state)
{
    struct fixture *f = *state;
    static uint8_t jpeg[1000001] = {0xff, 0xd8, 0xff, 0xe0};
    struct bytes text = BYTES_EMPTY;

    for (size_t len = 1000000; len <= 1000001; len++) {
        json_t *record = json_deep_copy(json_object_get(
            json_array_get(json_object_get(f->records, "cases"), 0), "record"));
        struct made made;

        bytes_clear(&text);
        assert_int_equal(base64_encode(span_of(jpeg, len), &text), STATUS_OK);
        json_object_set_new(record, "carImg", json_string(bytes_text(&text)));
        made = make_ok(f, "vehicleAccess", record);
        assert_string_equal(
            made.reason,
            len == 1000000 ? "" : "carImg is larger than 1000000 bytes");
        made_free(&made);
        json_decref(record);
    }
    bytes_free(&text);
}

static void numbers_differ_by_their_serial(void **state)
{
    struct fixture *f = *state;
    const json_t *record = json_object_get(
        json_array_get(json_object_get(f->records, "cases"), 0), "record");
    static const struct {
        uint64_t serial;
        const char *end;
    } rows[] = {{0, "X100000"}, {99999, "X199999"}, {100001, "X100001"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct making making = {.serial = rows[i].serial};
        struct made made = {0};

        assert_int_equal(f->platform->make(&f->destination,
                                           interface_of(f, "vehicleAccess"),
                                           record, &making, &made),
                         STATUS_OK);
        assert_int_equal(strlen(made.number), 18 + 22 + 1 + 5);
        assert_string_equal(made.number + 39, rows[i].end);
        made_free(&made);
    }
}

static void what_is_no_record_cannot_be_made(void **state)
{
    struct fixture *f = *state;
    const struct making making = {.serial = 1};
    struct made made = {0};
    json_t *array = json_array();
    json_t *object = json_object();

    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, "vehicleAccess"), array,
                                       &making, &made),
                     STATUS_FORMAT);
    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, "getToken"), object,
                                       &making, &made),
                     STATUS_FORMAT);
    json_decref(array);
    json_decref(object);
}

/* ---- render -------------------------------------------------------------- */

static enum status render(struct fixture *f, const char *interface,
                          struct span facts, struct request *request)
{
    const struct lookup lookup = {.text = find_text, .self = f};

    return f->platform->render(&f->destination, interface_of(f, interface),
                               &f->session, facts, &lookup, NOW_MS, request);
}

static struct envelope_keys as_set(const struct fixture *f)
{
    return (struct envelope_keys){
        .over = f->destination.yunnan.signature_over == SIGNATURE_OVER_CONTENT
                    ? ENVELOPE_OVER_CONTENT
                    : ENVELOPE_OVER_KEY_AND_CONTENT,
        .form = f->destination.yunnan.signature_form == SIGNATURE_FORM_BASE64
                    ? ENVELOPE_FORM_BASE64
                    : ENVELOPE_FORM_RAW};
}

static void assert_plain(struct fixture *f, const struct request *request,
                         json_t *expected)
{
    const struct envelope_keys keys = as_set(f);
    struct bytes plain = BYTES_EMPTY;

    platform_opens(f->keys, &keys, bytes_view(&request->body), &plain);
    assert_json(bytes_view(&plain), expected);
    bytes_free(&plain);
}

static void records_are_sealed_with_their_pictures(void **state)
{
    struct fixture *f = *state;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->records, "cases"), i, row)
    {
        char *facts = json_dumps(json_object_get(row, "facts"),
                                 JSON_COMPACT | JSON_REAL_PRECISION(15));
        json_t *plain = json_object_get(row, "plain");
        struct request request = {0};

        assert_int_equal(render(f, text_at(row, "interface", NULL, NULL),
                                span_text(facts), &request),
                         STATUS_OK);
        assert_string_equal(bytes_text(&request.url),
                            text_at(row, "url", NULL, NULL));
        assert_string_equal(request.content_type, "application/json");
        assert_int_equal(request.header_count, 2);
        assert_string_equal(bytes_text(&request.headers[0]),
                            "X-Client-Id: YN_Mn2dE7xQa9Bc1fRt4sLpVxYz");
        assert_string_equal(bytes_text(&request.headers[1]),
                            "Authorization: Bearer " TOKEN);
        assert_plain(f, &request,
                     plain ? plain : json_object_get(row, "facts"));
        request_free(&request);
        free(facts);
    }
}

static void the_signature_follows_its_switches(void **state)
{
    struct fixture *f = *state;

    for (int setting = 0; setting < 4; setting++) {
        json_t *expected =
            json_pack("{s:s}", "enterpriseId", "91110000710934615P001X");
        struct request request = {0};

        f->destination.yunnan.signature_over =
            setting & 1 ? SIGNATURE_OVER_CONTENT
                        : SIGNATURE_OVER_KEY_AND_CONTENT;
        f->destination.yunnan.signature_form =
            setting & 2 ? SIGNATURE_FORM_BASE64 : SIGNATURE_FORM_RAW;
        assert_int_equal(render(f, "heartBeat", span_text(""), &request),
                         STATUS_OK);
        assert_string_equal(
            bytes_text(&request.url),
            "https://yunnan.example:8443/access/api/dataReceive/heartBeat");
        assert_int_equal(request.header_count, 2);
        assert_plain(f, &request, expected);
        request_free(&request);
        json_decref(expected);
    }
}

static void every_path_is_a_switch(void **state)
{
    struct fixture *f = *state;
    const struct path_config paths[] = {{"vehicleInfo", "/carDate"},
                                        {"heartBeat", "v2/heartBeat"}};
    struct request request = {0};

    f->destination.paths = paths;
    f->destination.path_count = 2;
    assert_int_equal(render(f, "vehicleInfo", span_text("{}"), &request),
                     STATUS_OK);
    assert_string_equal(
        bytes_text(&request.url),
        "https://yunnan.example:8443/access/api/dataReceive/carDate");
    request_free(&request);
    assert_int_equal(render(f, "heartBeat", span_text(""), &request),
                     STATUS_OK);
    assert_string_equal(
        bytes_text(&request.url),
        "https://yunnan.example:8443/access/api/dataReceive/v2/heartBeat");
    request_free(&request);
}

static void headers_begin_with_the_token_call(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};
    json_t *expected =
        json_pack("{s:s, s:s, s:s}", "enterpriseId", "91110000710934615P001X",
                  "enterpriseName", "蓝海星辰生物科技", "publicKey",
                  text_at(json_object_get(f->keys, "own"), "public",
                          "spki_der_base64", NULL));

    assert_int_equal(render(f, "init-auth", span_text(""), &request),
                     STATUS_OK);
    assert_int_equal(request.header_count, 0);
    assert_json(bytes_view(&request.body), expected);
    request_free(&request);
    json_decref(expected);

    expected =
        json_pack("{s:s, s:s}", "apiKey", "YN_Mn2dE7xQa9Bc1fRt4sLpVxYz",
                  "apiSecret", "3k9mQ2nR8sLpVxYzlaBcDeFgHiJkLmNoPqRsTuV");
    assert_int_equal(render(f, "getToken", span_text(""), &request), STATUS_OK);
    assert_int_equal(request.header_count, 1);
    assert_string_equal(bytes_text(&request.headers[0]),
                        "X-Client-Id: YN_Mn2dE7xQa9Bc1fRt4sLpVxYz");
    assert_plain(f, &request, expected);
    request_free(&request);
    json_decref(expected);
}

static void a_picture_found_bad_is_said_when_it_is_sent(void **state)
{
    static const struct {
        const char *picture;
        enum status status;
        const char *words;
    } rows[] = {
        {NULL, STATUS_NOT_FOUND,
         "carImg: event 4711 has no /pictures/0/jpeg: there is no such thing"},
        {"", STATUS_INVALID, "carImg is not a JPEG picture"},
        {"###", STATUS_INVALID, "carImg is not Base64"},
        {"iVBORw0KGgo=", STATUS_INVALID, "carImg is not a JPEG picture"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request request = {0};

        f->picture = rows[i].picture;
        assert_int_equal(
            render(f, "vehicleAccess",
                   span_text("{\"carImg\":{\"$event\":4711,\"pointer\":\"/"
                             "pictures/0/jpeg\"}}"),
                   &request),
            rows[i].status);
        assert_string_equal(request.words, rows[i].words);
        request_free(&request);
    }
}

static void without_session_nothing_is_rendered(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};

    bytes_wipe(&f->session.token);
    assert_int_equal(render(f, "heartBeat", span_text(""), &request),
                     STATUS_MISSING);
    assert_string_equal(request.words, "there is no token");
    request_free(&request);
    f->platform->release(&f->session);
    assert_int_equal(render(f, "getToken", span_text(""), &request),
                     STATUS_MISSING);
    assert_string_equal(request.words, "the keys are not loaded");
    request_free(&request);
}

/* ---- session ------------------------------------------------------------- */

static const char *due_name(struct fixture *f, int64_t now_ms, bool *blocks)
{
    const struct interface *interface =
        f->platform->due(&f->destination, &f->session, now_ms, blocks);

    return interface ? interface->name : "";
}

static void the_token_is_renewed_at_eighty_percent(void **state)
{
    struct fixture *f = *state;
    const int64_t life_ms = 7200 * SECOND_MS;
    static const struct {
        int64_t percent_of_life;
        const char *name;
        bool blocks;
    } rows[] = {{0, "", false},          {79, "", false},
                {80, "getToken", false}, {99, "getToken", false},
                {100, "getToken", true}, {-1, "getToken", false}};
    bool blocks;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(
            due_name(f, NOW_MS + life_ms / 100 * rows[i].percent_of_life,
                     &blocks),
            rows[i].name);
        assert_int_equal(blocks, rows[i].blocks);
    }
    bytes_wipe(&f->session.token);
    assert_string_equal(due_name(f, NOW_MS, &blocks), "getToken");
    assert_true(blocks);
    f->platform->release(&f->session);
    assert_string_equal(due_name(f, NOW_MS, &blocks), "getToken");
    assert_true(blocks);
}

static void a_new_destination_registers_first(void **state)
{
    struct fixture *f = *state;
    bool blocks = false;

    json_object_clear(f->session.credentials);
    prepare_ok(f);
    assert_string_equal(due_name(f, NOW_MS, &blocks), "init-auth");
    assert_true(blocks);
    assert_true(interface_of(f, "init-auth")->once_only);
}

static void imported_credentials_win_over_issued_ones(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};
    bool blocks;

    json_object_clear(f->session.credentials);
    set_bytes(&f->destination.yunnan.api_key, "imported\n");
    set_bytes(&f->destination.yunnan.api_secret, "secret\r\n");
    set_bytes(&f->destination.yunnan.platform_key,
              text_at(json_object_get(f->keys, "platform"), "public",
                      "spki_pem", NULL));
    prepare_ok(f);
    bytes_wipe(&f->session.token);
    assert_string_equal(due_name(f, NOW_MS, &blocks), "getToken");
    assert_int_equal(render(f, "getToken", span_text(""), &request), STATUS_OK);
    assert_string_equal(bytes_text(&request.headers[0]),
                        "X-Client-Id: imported");
    request_free(&request);
}

static void keys_that_cannot_be_loaded_are_named(void **state)
{
    struct fixture *f = *state;
    char words[256] = "";

    set_bytes(&f->destination.yunnan.platform_key, "nonsense");
    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_FORMAT);
    assert_non_null(strstr(words, "the platform's public key"));
    set_bytes(&f->destination.yunnan.own_key, "nonsense");
    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_FORMAT);
    assert_non_null(strstr(words, "our private key"));
    bytes_wipe(&f->destination.yunnan.own_key);
    bytes_wipe(&f->session.own_key_pem);
    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_MISSING);
    assert_non_null(strstr(words, "own_key_file"));
}

static struct judgement judge(struct fixture *f, const char *interface,
                              long http, const char *body)
{
    const struct answer answer = {.http_status = http, .body = span_text(body)};
    struct judgement judgement;

    f->platform->judge(&f->destination, interface_of(f, interface), &f->session,
                       &answer, NOW_MS, &judgement);
    return judgement;
}

static void registration_keeps_what_was_issued(void **state)
{
    struct fixture *f = *state;
    struct judgement judgement;

    json_decref(f->session.credentials);
    f->session.credentials = NULL;
    judgement =
        judge(f, "init-auth", 200,
              "{\"code\":200,\"message\":\"获取成功\",\"data\":{"
              "\"apiKey\":\"K\",\"apiSecret\":\"S\",\"publicKey\":\"P\"}}");
    assert_int_equal(judgement.verdict, VERDICT_ACCEPTED);
    assert_null(judgement.value);
    assert_true(f->session.credentials_changed);
    assert_string_equal(text_at(f->session.credentials, "apiKey", NULL, NULL),
                        "K");
    assert_string_equal(
        text_at(f->session.credentials, "apiSecret", NULL, NULL), "S");
    assert_string_equal(
        text_at(f->session.credentials, "platformKey", NULL, NULL), "P");
}

static void registration_keeps_even_half_of_what_was_issued(void **state)
{
    struct fixture *f = *state;
    struct judgement judgement;

    json_object_clear(f->session.credentials);
    judgement = judge(f, "init-auth", 200,
                      "{\"code\":200,\"data\":{\"apiKey\":\"K\"}}");
    assert_int_equal(judgement.verdict, VERDICT_FAULT);
    assert_non_null(strstr(judgement.words, "works only once"));
    assert_true(f->session.credentials_changed);
    assert_string_equal(text_at(f->session.credentials, "apiKey", NULL, NULL),
                        "K");
}

static char *sealed_body(struct fixture *f, json_t *body, size_t which)
{
    json_t *whole = json_deep_copy(body);
    json_t *opened = json_array_get(json_object_get(f->keys, "opened"), which);
    char *text;

    json_object_set(whole, "aesKey", json_object_get(opened, "aesKey"));
    json_object_set(whole, "data", json_object_get(opened, "data"));
    text = json_dumps(whole, JSON_COMPACT);
    json_decref(whole);
    return text;
}

static void a_token_is_opened_and_kept_for_its_life(void **state)
{
    struct fixture *f = *state;
    json_t *body = json_pack("{s:i, s:s}", "code", 200, "message", "获取成功");
    char *text = sealed_body(f, body, 0);
    struct judgement judgement;

    bytes_wipe(&f->session.token);
    f->session.token_expires_at_ms = 0;
    judgement = judge(f, "getToken", 200, text);
    assert_int_equal(judgement.verdict, VERDICT_ACCEPTED);
    assert_null(judgement.value);
    assert_string_equal(bytes_text(&f->session.token), TOKEN);
    assert_int_equal(f->session.token_made_at_ms, NOW_MS);
    assert_int_equal(f->session.token_expires_at_ms, NOW_MS + 7200 * SECOND_MS);
    assert_false(f->session.credentials_changed);
    free(text);
    json_decref(body);
}

static void every_answer_has_its_verdict(void **state)
{
    struct fixture *f = *state;
    json_t *answers = load("yunnan_answers.json");
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(answers, "cases"), i, row)
    {
        json_t *body = json_object_get(row, "body");
        json_t *sealed = json_object_get(row, "sealed");
        json_t *value = json_object_get(row, "value");
        char *text =
            sealed ? sealed_body(f, body, (size_t)json_integer_value(sealed))
            : body ? json_dumps(body, JSON_COMPACT)
                   : strdup(optional_text(row, "text"));
        struct judgement judgement =
            judge(f, text_at(row, "interface", NULL, NULL),
                  (long)json_integer_value(json_object_get(row, "http")), text);

        if (strcmp(verdict_name(judgement.verdict),
                   text_at(row, "verdict", NULL, NULL)) != 0 ||
            !strstr(judgement.words, text_at(row, "words", NULL, NULL)))
            print_message("case %zu: %s: %s\n", i,
                          verdict_name(judgement.verdict), judgement.words);
        assert_string_equal(verdict_name(judgement.verdict),
                            text_at(row, "verdict", NULL, NULL));
        assert_string_equal(judgement.code, text_at(row, "code", NULL, NULL));
        assert_non_null(
            strstr(judgement.words, text_at(row, "words", NULL, NULL)));
        assert_true(!value ? !judgement.value
                           : json_equal(judgement.value, value));
        json_decref(judgement.value);
        free(text);
    }
    assert_true(i > 60);
    json_decref(answers);
}
