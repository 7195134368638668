#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "config.h"
#include "platform.h"

/* 2026-11-21 01:05:00 in China */
#define ATTEMPT_MS INT64_C(1795194300000)
#define DEVICE "0ef6ecea08bf84c7b639c3e9b84ed546"
#define ENTERPRISE "91330000573973053F"

static const struct energy_item_config items[] = {
    {.name = "全厂-二次能源-电力-购进已消费",
     .process = "00",
     .process_unit = "00",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "02",
     .energy_type = "3300",
     .usage = "11",
     .interval_minutes = 15,
     .input_type = 4,
     .scope = 1,
     .monthly = true,
     .value_min = 0,
     .value_max = 300000},
    {.name = "产量",
     .process = "04",
     .process_unit = "01",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "04",
     .energy_type = "0200",
     .usage = "30",
     .interval_minutes = 15,
     .input_type = 5,
     .scope = 2},
    {.name = "每小时",
     .process = "00",
     .process_unit = "00",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "02",
     .energy_type = "3300",
     .usage = "20",
     .interval_minutes = 60,
     .input_type = 4,
     .scope = 1},
    {.name = "坏编码",
     .process = "00",
     .process_unit = "00",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "02",
     .energy_type = "33",
     .usage = "20",
     .interval_minutes = 15,
     .input_type = 4,
     .scope = 1},
};

struct fixture {
    const struct platform *platform;
    struct destination_config destination;
    struct session session;
    struct making making;
    json_t *taken;
};

static bool is_taken(void *self, const char *number)
{
    const struct fixture *f = self;

    return json_object_get(f->taken, number) != NULL;
}

static json_t *load_file(const char *name)
{
    char path[512];
    json_error_t error;
    json_t *file;

    snprintf(path, sizeof path, "%s/%s", TEST_VECTORS, name);
    file = json_load_file(path, 0, &error);
    if (!file)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    assert_true(json_array_size(json_object_get(file, "cases")) > 0);
    return file;
}

static void set_enterprise(struct fixture *f, const json_t *content)
{
    char *text = json_dumps(content, JSON_ENCODE_ANY);

    assert_non_null(text);
    bytes_clear(&f->destination.energy.enterprise);
    assert_int_equal(bytes_append_text(&f->destination.energy.enterprise, text),
                     STATUS_OK);
    free(text);
}

static void prepare(struct fixture *f)
{
    char words[256] = "";

    if (f->platform->prepare(&f->destination, &f->session, words) != STATUS_OK)
        fail_msg("%s", words);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    json_t *file = load_file("liaoning_calls.json");
    json_t *enterprise = json_object_get(file, "enterprise");
    struct energy_config *energy = &f->destination.energy;

    f->platform = platform_find("liaoning");
    f->destination.name = "province";
    f->destination.platform = "liaoning";
    f->destination.base_url = "https://energy.example";
    energy->enterprise_code = ENTERPRISE;
    energy->enterprise_name = "示例钢铁有限责任公司";
    energy->region = "210101";
    energy->region_name = "市辖区";
    energy->collect_system_name = "能源采集系统";
    energy->items = items;
    energy->item_count = 4;
    json_object_update(enterprise, json_object_get(file, "beside"));
    set_enterprise(f, enterprise);
    f->session.credentials =
        json_pack("{ssssss}", "deviceId", DEVICE, "enterpriseCode", ENTERPRISE,
                  "registeredAt", "https://energy.example");
    f->taken = json_object();
    f->making = (struct making){ATTEMPT_MS, 1, is_taken, f};
    prepare(f);
    json_decref(file);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    f->platform->release(&f->session);
    assert_null(f->session.keys);
    json_decref(f->session.credentials);
    json_decref(f->taken);
    bytes_free(&f->destination.energy.enterprise);
    free(f);
    return 0;
}

/* ---- help -----------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const char *credential(const struct fixture *f, const char *name)
{
    return text_of(f->session.credentials, name);
}

static const struct interface *interface_of(const struct fixture *f,
                                            const char *name)
{
    const struct interface *interface = platform_interface(f->platform, name);

    assert_non_null(interface);
    return interface;
}

static json_t *parse(const struct bytes *bytes)
{
    json_t *value = json_loadb((const char *)bytes->data, bytes->len, 0, NULL);

    assert_non_null(value);
    return value;
}

static void assert_json(const json_t *got, const json_t *expected)
{
    const size_t flags =
        JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15);
    char *left = json_dumps(got, flags);
    char *right = json_dumps(expected, flags);

    assert_non_null(left);
    assert_non_null(right);
    assert_string_equal(left, right);
    free(left);
    free(right);
}

static void make(struct fixture *f, const json_t *record, struct made *made)
{
    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, "uploadEnergyData"),
                                       record, &f->making, made),
                     STATUS_OK);
}

static enum status render(struct fixture *f, const char *interface,
                          struct span facts, struct request *request)
{
    return f->platform->render(&f->destination, interface_of(f, interface),
                               &f->session, facts, NULL, ATTEMPT_MS, request);
}

static enum verdict judge(struct fixture *f, const char *interface, long http,
                          const char *body, struct judgement *judgement)
{
    const struct answer answer = {.http_status = http, .body = span_text(body)};

    f->platform->judge(&f->destination, interface_of(f, interface), &f->session,
                       &answer, ATTEMPT_MS, judgement);
    return judgement->verdict;
}

static const char *due(struct fixture *f, bool *blocks)
{
    const struct interface *interface =
        f->platform->due(&f->destination, &f->session, ATTEMPT_MS, blocks);

    return interface ? interface->name : "";
}

static void assert_url(struct fixture *f, const char *interface,
                       const char *url)
{
    struct request request = {0};

    assert_int_equal(render(f, interface, span_text("{\"data\":[]}"), &request),
                     STATUS_OK);
    assert_string_equal(bytes_text(&request.url), url);
    request_free(&request);
}

/* A.1, with its addresses that have no scheme. */
static const char registered[] =
    "{\"responseCode\":\"0\",\"responseMessage\":\"RECEIVE SUCCESS\","
    "\"deviceId\":\"" DEVICE "\","
    "\"loadConfigURL\":\"192.168.1.2:81/downloadBaseData\","
    "\"loadDicVersionURL\":\"192.168.1.3:81/versionCheck\","
    "\"centerInfoURL\":\"http://192.168.1.4:81/uploadConfigData\","
    "\"centerDataURL\":\"HTTPS://192.168.1.5:81/uploadEnergyData\","
    "\"centerInfoDownloadURL\":\"192.168.1.7:81/downloadConfigData\","
    "\"centerDataDownloadURL\":\"192.168.1.8:81/downloadEnergyData\","
    "\"uploadTime\":\"01:05:00\"}";

static void answer_registration(struct fixture *f)
{
    struct judgement judgement;

    assert_int_equal(judge(f, "register", 200, registered, &judgement),
                     VERDICT_ACCEPTED);
}

static void answer_version(struct fixture *f, const char *reg, const char *dic)
{
    struct judgement judgement;
    char body[256];

    snprintf(body, sizeof body,
             "{\"responseCode\":\"0\",\"responseMessage\":\"RECEIVESUCCESS\","
             "\"regVersion\":%s,\"dicVersion\":%s}",
             reg, dic);
    assert_int_equal(judge(f, "versionCheck", 200, body, &judgement),
                     VERDICT_ACCEPTED);
}

static void answer_config(struct fixture *f, const char *code,
                          enum verdict verdict)
{
    struct judgement judgement;
    char body[128];

    snprintf(body, sizeof body,
             "{\"responseCode\":\"%s\",\"responseMessage\":\"\"}", code);
    assert_int_equal(judge(f, "uploadConfigData", 200, body, &judgement),
                     verdict);
}

/* A configuration of its own: the same file with another telephone. */
static void change_enterprise(struct fixture *f)
{
    json_t *file = load_file("liaoning_calls.json");
    json_t *enterprise = json_object_get(file, "enterprise");

    json_object_set_new(enterprise, "phone", json_string("024-9"));
    set_enterprise(f, enterprise);
    prepare(f);
    json_decref(file);
}

/* ---- requests, annex A ------------------------------------------------------
 */

static void render_case(struct fixture *f, const json_t *row,
                        const struct bytes *facts)
{
    struct request request = {0};
    json_t *body;

    assert_int_equal(
        render(f, text_of(row, "interface"), bytes_view(facts), &request),
        STATUS_OK);
    assert_string_equal(bytes_text(&request.url), text_of(row, "url"));
    assert_string_equal(request.content_type, "application/json");
    assert_int_equal(request.part_count, 0);
    body = parse(&request.body);
    assert_json(body, json_object_get(row, "body"));
    json_decref(body);
    request_free(&request);
}

static void calls_are_as_annex_a_prints_them(void **state)
{
    struct fixture *f = *state;
    json_t *file = load_file("liaoning_calls.json");
    json_t *row;
    size_t i;

    f->destination.energy.item_count = 2; /* the good ones of the file */
    prepare(f);
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        struct made made = {0};

        if (json_object_get(row, "record")) {
            json_t *facts;

            make(f, json_object_get(row, "record"), &made);
            assert_string_equal(made.reason, "");
            assert_int_equal(made.state, MADE_READY);
            assert_string_equal(made.number, text_of(row, "number"));
            facts = parse(&made.facts);
            assert_json(facts, json_object_get(row, "facts"));
            json_decref(facts);
        }
        render_case(f, row, &made.facts);
        made_free(&made);
    }
    json_decref(file);
}

/* The text of a number, not only its value: 0.1 and not 0.1000...01. */
static void numbers_are_written_short(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.1, "\"dataValue\":0.1,"},
        {123.45, "\"dataValue\":123.45,"},
        {1.0 / 3, "\"dataValue\":0.333333,"},
        {2.0000001, "\"dataValue\":2,"},
        {299999.999999, "\"dataValue\":299999.999999,"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made = {0};
        json_t *record =
            json_pack("{s[{ss si sI sf sb}]}", "items", "item", items[0].name,
                      "stat_type", 0, "at_ms", (json_int_t)1795104900000,
                      "value", rows[i].value, "valid", 1);

        make(f, record, &made);
        assert_int_equal(made.state, MADE_READY);
        assert_non_null(strstr(bytes_text(&made.facts), rows[i].text));
        made_free(&made);
        json_decref(record);
    }
}

static void a_file_with_the_enterprise_inside_means_the_same(void **state)
{
    struct fixture *f = *state;
    json_t *file = load_file("liaoning_calls.json");
    json_t *content = json_deep_copy(json_object_get(file, "beside"));

    f->destination.energy.item_count = 2;
    json_object_set(content, "enterprise", json_object_get(file, "enterprise"));
    set_enterprise(f, content);
    prepare(f);
    render_case(f, json_array_get(json_object_get(file, "cases"), 2),
                &BYTES_EMPTY);
    json_decref(content);
    json_decref(file);
}

static void an_enterprise_file_that_lacks_something_says_what(void **state)
{
    static const char *const mandatory[] = {"code",
                                            "name",
                                            "typeCode",
                                            "industryCode",
                                            "regionCode",
                                            "center",
                                            "corporationCode",
                                            "jgzh",
                                            "energyConsumeLevel",
                                            "latitude",
                                            "longitude",
                                            "phone"};
    struct fixture *f = *state;
    json_t *file = load_file("liaoning_calls.json");
    const json_t *good = json_object_get(file, "enterprise");

    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++) {
        json_t *content = json_copy((json_t *)good);
        char words[256] = "";

        json_object_del(content, mandatory[i]);
        set_enterprise(f, content);
        assert_int_equal(
            f->platform->prepare(&f->destination, &f->session, words),
            STATUS_MISSING);
        assert_non_null(strstr(words, mandatory[i]));
        json_decref(content);
    }
    json_decref(file);
}

static void an_enterprise_file_of_somebody_else_is_not_taken(void **state)
{
    struct fixture *f = *state;
    json_t *file = load_file("liaoning_calls.json");
    json_t *content = json_object_get(file, "enterprise");
    char words[256] = "";

    json_object_set_new(content, "code", json_string("914403001922038216"));
    set_enterprise(f, content);
    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_MISSING);
    assert_non_null(strstr(words, ENTERPRISE));
    json_decref(file);
}

static void an_enterprise_file_that_is_no_object_is_refused(void **state)
{
    static const char *const contents[] = {"", "[]", "{", "\"x\""};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        char words[256] = "";

        bytes_clear(&f->destination.energy.enterprise);
        assert_int_equal(
            bytes_append_text(&f->destination.energy.enterprise, contents[i]),
            STATUS_OK);
        assert_int_equal(
            f->platform->prepare(&f->destination, &f->session, words),
            STATUS_FORMAT);
        assert_string_not_equal(words, "");
    }
}

static void nothing_but_registration_goes_without_a_device_id(void **state)
{
    static const char *const names[] = {"versionCheck", "uploadConfigData",
                                        "uploadEnergyData"};
    struct fixture *f = *state;

    json_object_clear(f->session.credentials);
    for (size_t i = 0; i < 3; i++) {
        struct request request = {0};

        assert_int_equal(
            render(f, names[i], span_text("{\"data\":[]}"), &request),
            STATUS_MISSING);
        assert_string_not_equal(request.words, "");
        request_free(&request);
    }
    assert_url(f, "register", "https://energy.example");
}

static void facts_without_data_are_not_rendered(void **state)
{
    static const char *const facts[] = {"", "{}", "[]", "{\"data\":1}"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        struct request request = {0};

        assert_int_equal(
            render(f, "uploadEnergyData", span_text(facts[i]), &request),
            STATUS_FORMAT);
        request_free(&request);
    }
}

static void a_path_of_the_settings_replaces_the_registered_address(void **state)
{
    static const struct path_config path = {"uploadEnergyData", "vpn/data"};
    struct fixture *f = *state;

    answer_registration(f);
    f->destination.paths = &path;
    f->destination.path_count = 1;
    assert_url(f, "uploadEnergyData", "https://energy.example/vpn/data");
    assert_url(f, "versionCheck", "https://192.168.1.3:81/versionCheck");
}

/* ---- make
 * -------------------------------------------------------------------- */

static enum made_state state_of(const char *name)
{
    if (strcmp(name, "ready") == 0)
        return MADE_READY;
    return strcmp(name, "held") == 0 ? MADE_HELD : MADE_IMPOSSIBLE;
}

static void every_fault_of_a_batch_is_told(void **state)
{
    struct fixture *f = *state;
    json_t *file = load_file("liaoning_faults.json");
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        const char *form = text_of(row, "form");
        json_t *one = json_copy(json_object_get(file, form));
        json_t *record = json_pack(
            "{s[O]}", strcmp(form, "wire") == 0 ? "data" : "items", one);
        struct made made = {0};

        json_object_update(one, json_object_get(row, "set"));
        if (text_of(row, "without"))
            json_object_del(one, text_of(row, "without"));
        make(f, record, &made);
        if (made.state != state_of(text_of(row, "state")) ||
            !strstr(made.reason, text_of(row, "reason")))
            fail_msg("case %zu: state %d, \"%s\"", i, (int)made.state,
                     made.reason);
        made_free(&made);
        json_decref(record);
        json_decref(one);
    }
    json_decref(file);
}

static void shapes_that_are_no_batch_are_impossible_or_held(void **state)
{
    static const struct {
        const char *record;
        enum made_state state;
        const char *reason;
    } rows[] = {
        {"[]", MADE_IMPOSSIBLE, "not a JSON object"},
        {"{}", MADE_HELD, "data is absent"},
        {"{\"items\":[]}", MADE_HELD, "data is absent"},
        {"{\"data\":[]}", MADE_HELD, "data is absent"},
        {"{\"data\":5}", MADE_IMPOSSIBLE, "data is not an array"},
        {"{\"items\":{}}", MADE_IMPOSSIBLE, "items is not an array"},
        {"{\"data\":[5]}", MADE_IMPOSSIBLE, "data[0] is not an object"},
        {"{\"items\":[null]}", MADE_IMPOSSIBLE, "items[0].item is"},
        {"{\"deviceId\":\"x\"}", MADE_IMPOSSIBLE, "deviceId is no field here"},
        {"{\"batch\":\"20261120\"}", MADE_IMPOSSIBLE, "wanted: yyyy-MM-dd"},
        {"{\"batch\":\"2026-02-30\"}", MADE_IMPOSSIBLE, "wanted: yyyy-MM-dd"},
        {"{\"$number\":\"x\"}", MADE_IMPOSSIBLE, "$number x is none of"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *record = json_loads(rows[i].record, 0, NULL);
        struct made made = {0};

        make(f, record, &made);
        assert_int_equal(made.state, rows[i].state);
        assert_non_null(strstr(made.reason, rows[i].reason));
        json_decref(record);
        made_free(&made);
    }
}

/* One meter gone wild must not cost the day's batch. */
static void a_value_out_of_bounds_is_told_as_not_valid(void **state)
{
    static const struct {
        double value;
        bool valid;
    } rows[] = {{0, true}, {300000, true}, {300000.5, false}, {-0.5, false}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made = {0};
        json_t *facts;
        json_t *record =
            json_pack("{s[{ss si sI sf sb}]}", "items", "item", items[0].name,
                      "stat_type", 0, "at_ms", (json_int_t)1795104900000,
                      "value", rows[i].value, "valid", 1);
        const json_t *one;

        make(f, record, &made);
        assert_int_equal(made.state, MADE_READY);
        facts = parse(&made.facts);
        one = json_array_get(json_object_get(facts, "data"), 0);
        assert_int_equal(json_is_true(json_object_get(one, "valid")),
                         rows[i].valid);
        assert_float_equal(json_number_value(json_object_get(one, "dataValue")),
                           rows[i].value, 1e-9);
        json_decref(facts);
        json_decref(record);
        made_free(&made);
    }
}

static json_t *batch(const char *day)
{
    json_t *file = load_file("liaoning_faults.json");
    json_t *record =
        json_pack("{s[O]}", "items", json_object_get(file, "item"));

    if (day)
        json_object_set_new(record, "batch", json_string(day));
    json_decref(file);
    return record;
}

static void a_batch_without_a_day_is_of_today(void **state)
{
    struct fixture *f = *state;
    json_t *record = batch(NULL);
    struct made made = {0};

    make(f, record, &made);
    assert_string_equal(made.number, ENTERPRISE "/20261121");
    json_decref(record);
    made_free(&made);
}

static void a_second_batch_of_a_day_has_its_own_number(void **state)
{
    struct fixture *f = *state;
    json_t *record = batch("2026-11-20");
    struct made made = {0};

    json_object_set_new(f->taken, ENTERPRISE "/20261120", json_true());
    json_object_set_new(f->taken, ENTERPRISE "/20261120/2", json_true());
    make(f, record, &made);
    assert_string_equal(made.number, ENTERPRISE "/20261120/3");
    json_decref(record);
    made_free(&made);
}

static void facts_are_made_again_under_the_same_number(void **state)
{
    struct fixture *f = *state;
    json_t *record = batch("2026-11-20");
    struct made first = {0};
    struct made second = {0};
    json_t *facts;

    make(f, record, &first);
    json_object_set_new(f->taken, first.number, json_true());
    facts = parse(&first.facts);
    f->making.now_ms += 3 * DAY_MS;
    make(f, facts, &second);
    assert_int_equal(second.state, MADE_READY);
    assert_string_equal(second.number, first.number);
    assert_string_equal(bytes_text(&second.facts), bytes_text(&first.facts));
    json_decref(facts);
    json_decref(record);
    made_free(&first);
    made_free(&second);
}

static void session_calls_make_no_record(void **state)
{
    struct fixture *f = *state;
    json_t *record = batch(NULL);
    struct made made = {0};

    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, "register"), record,
                                       &f->making, &made),
                     STATUS_INVALID);
    json_decref(record);
}

/* ---- registration
 * -------------------------------------------------------------- */

static void registration_tells_device_addresses_and_upload_time(void **state)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"deviceId", DEVICE},
        {"loadConfigURL", "https://192.168.1.2:81/downloadBaseData"},
        {"loadDicVersionURL", "https://192.168.1.3:81/versionCheck"},
        {"centerInfoURL", "http://192.168.1.4:81/uploadConfigData"},
        {"centerDataURL", "HTTPS://192.168.1.5:81/uploadEnergyData"},
        {"centerInfoDownloadURL", "https://192.168.1.7:81/downloadConfigData"},
        {"centerDataDownloadURL", "https://192.168.1.8:81/downloadEnergyData"},
        {"uploadTime", "01:05:00"},
        {"enterpriseCode", ENTERPRISE},
        {"registeredAt", "https://energy.example"},
    };
    struct fixture *f = *state;

    json_object_clear(f->session.credentials);
    f->session.redo = true;
    answer_registration(f);
    assert_true(f->session.credentials_changed);
    assert_false(f->session.redo);
    assert_int_equal(json_object_size(f->session.credentials),
                     sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(credential(f, rows[i].name), rows[i].value);
    assert_url(f, "versionCheck", "https://192.168.1.3:81/versionCheck");
    assert_url(f, "uploadConfigData", "http://192.168.1.4:81/uploadConfigData");
    assert_url(f, "uploadEnergyData",
               "HTTPS://192.168.1.5:81/uploadEnergyData");
}

static void a_closed_network_may_go_without_tls(void **state)
{
    struct fixture *f = *state;

    f->destination.energy.plain_http = true;
    answer_registration(f);
    assert_string_equal(credential(f, "loadDicVersionURL"),
                        "http://192.168.1.3:81/versionCheck");
    assert_string_equal(credential(f, "centerDataURL"),
                        "HTTPS://192.168.1.5:81/uploadEnergyData");
}

static void addresses_that_cannot_be_used_leave_the_default(void **state)
{
    static const char *const bad[] = {
        "",          "ftp://h/x", "file:///etc/passwd", "h/x y", "h/\\r\\nX: 1",
        "h/\\u0000", "\\u4e2d/x", "h/<script>"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct judgement judgement;
        char body[256];

        answer_registration(f);
        snprintf(body, sizeof body,
                 "{\"responseCode\":\"0\",\"deviceId\":\"D\","
                 "\"centerDataURL\":\"%s\",\"loadDicVersionURL\":7}",
                 bad[i]);
        /* a NUL in a string is no JSON that we take */
        if (judge(f, "register", 200, body, &judgement) != VERDICT_ACCEPTED)
            continue;
        assert_null(credential(f, "centerDataURL"));
        assert_null(credential(f, "uploadTime"));
        assert_url(f, "uploadEnergyData",
                   "https://energy.example/uploadEnergyData");
        assert_url(f, "versionCheck", "https://energy.example/versionCheck");
    }
}

static void an_upload_time_of_another_form_is_dropped(void **state)
{
    static const char *const bad[] = {"1:05:00", "01:05", "25:00:00",
                                      "01:05:00;", "x"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct judgement judgement;
        char body[128];

        answer_registration(f);
        snprintf(body, sizeof body,
                 "{\"responseCode\":0,\"deviceId\":\"D\","
                 "\"uploadTime\":\"%s\"}",
                 bad[i]);
        assert_int_equal(judge(f, "register", 200, body, &judgement),
                         VERDICT_ACCEPTED);
        assert_null(credential(f, "uploadTime"));
    }
}

static void a_registration_without_a_device_id_is_unknown(void **state)
{
    static const char *const bodies[] = {
        "{\"responseCode\":\"0\"}",
        "{\"responseCode\":\"0\",\"deviceId\":\"\"}",
        "{\"responseCode\":\"0\",\"deviceId\":5}",
        "{\"responseCode\":\"0\",\"deviceId\":\"a\\nb\"}",
        "{\"responseCode\":\"0\",\"deviceId\":"
        "\"00000000000000000000000000000000000000000000000000000000000000000\""
        "}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct judgement judgement;

        f->session.redo = true;
        assert_int_equal(judge(f, "register", 200, bodies[i], &judgement),
                         VERDICT_UNKNOWN);
        assert_string_not_equal(judgement.words, "");
        assert_string_equal(credential(f, "deviceId"), DEVICE); /* kept */
        assert_true(f->session.redo);
    }
}

/* ---- what is due
 * ------------------------------------------------------------------ */

static void registration_configuration_and_check_come_in_turn(void **state)
{
    struct fixture *f = *state;
    bool blocks = false;

    json_object_clear(f->session.credentials);
    assert_string_equal(due(f, &blocks), "register");
    assert_true(blocks);
    answer_registration(f);
    assert_string_equal(due(f, &blocks), "uploadConfigData");
    assert_true(blocks);
    answer_config(f, "0", VERDICT_ACCEPTED);
    assert_int_equal(strlen(credential(f, "configDigest")), 64);
    assert_string_equal(due(f, &blocks), "versionCheck");
    assert_false(blocks);
    answer_version(f, "\"125\"", "\"125\"");
    assert_int_equal(f->session.checked_at_ms, ATTEMPT_MS);
    assert_string_equal(due(f, &blocks), "");
    assert_false(blocks);
}

static void settle(struct fixture *f)
{
    answer_registration(f);
    answer_config(f, "0", VERDICT_ACCEPTED);
    answer_version(f, "\"125\"", "\"125\"");
}

static void versions_are_checked_once_a_day(void **state)
{
    static const struct {
        int64_t ago_ms;
        const char *due;
    } rows[] = {{0, ""},
                {DAY_MS - 1, ""},
                {DAY_MS, "versionCheck"},
                {-1, "versionCheck"}}; /* the clock was set back */
    struct fixture *f = *state;
    bool blocks;

    settle(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        f->session.checked_at_ms = ATTEMPT_MS - rows[i].ago_ms;
        assert_string_equal(due(f, &blocks), rows[i].due);
        assert_false(blocks);
    }
}

static void another_registration_version_registers_again(void **state)
{
    struct fixture *f = *state;
    bool blocks = false;

    settle(f);
    assert_string_equal(credential(f, "regVersion"), "125");
    answer_version(f, "126", "\"125\"");
    assert_true(f->session.redo);
    f->session.redo = false; /* as after a restart */
    assert_string_equal(due(f, &blocks), "register");
    assert_true(blocks);
    answer_registration(f);
    assert_string_equal(credential(f, "regVersion"), "126");
    assert_string_equal(due(f, &blocks), "uploadConfigData");
    assert_false(blocks); /* data need not wait for it */
    answer_config(f, "0", VERDICT_ACCEPTED);
    assert_string_equal(due(f, &blocks), "");
}

static void another_base_data_version_is_remembered(void **state)
{
    struct fixture *f = *state;
    bool blocks;

    settle(f);
    f->session.credentials_changed = false;
    answer_version(f, "\"125\"", "\"125\"");
    assert_false(f->session.credentials_changed);
    answer_version(f, "\"125\"", "130");
    assert_true(f->session.credentials_changed);
    assert_string_equal(credential(f, "dicVersion"), "130");
    assert_false(f->session.redo);
    assert_string_equal(due(f, &blocks), "");
}

static void a_version_answer_without_versions_changes_nothing(void **state)
{
    struct fixture *f = *state;
    bool blocks;

    settle(f);
    answer_version(f, "null", "\"\"");
    assert_string_equal(credential(f, "regVersion"), "125");
    assert_string_equal(credential(f, "dicVersion"), "125");
    assert_string_equal(due(f, &blocks), "");
}

static void another_enterprise_or_address_registers_again(void **state)
{
    struct fixture *f = *state;
    bool blocks;

    settle(f);
    f->destination.base_url = "https://other.example";
    assert_string_equal(due(f, &blocks), "register");
    f->destination.base_url = "https://energy.example";
    assert_string_equal(due(f, &blocks), "");
    f->destination.energy.enterprise_code = "914403001922038216";
    assert_string_equal(due(f, &blocks), "register");
    assert_true(blocks);
}

static void a_changed_configuration_is_sent_beside_the_data(void **state)
{
    struct fixture *f = *state;
    bool blocks = true;

    settle(f);
    change_enterprise(f);
    assert_string_equal(due(f, &blocks), "uploadConfigData");
    assert_false(blocks);
    answer_config(f, "0", VERDICT_ACCEPTED);
    assert_string_equal(due(f, &blocks), "");
}

static void a_refused_change_waits_for_another_or_for_tomorrow(void **state)
{
    struct fixture *f = *state;
    bool blocks;

    settle(f);
    change_enterprise(f);
    answer_config(f, "E2002", VERDICT_REFUSED);
    assert_string_equal(due(f, &blocks), "");
    answer_version(f, "\"125\"", "\"125\"");
    assert_string_equal(due(f, &blocks), "uploadConfigData");
    assert_false(blocks);
}

static void a_refused_first_configuration_is_a_fault(void **state)
{
    struct fixture *f = *state;
    bool blocks = false;

    answer_config(f, "E2002", VERDICT_FAULT);
    assert_string_equal(due(f, &blocks), "uploadConfigData");
    assert_true(blocks);
}

static void an_unknown_device_registers_again(void **state)
{
    static const char *const names[] = {"uploadEnergyData", "versionCheck",
                                        "uploadConfigData"};
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++) {
        struct judgement judgement;
        bool blocks = false;

        settle(f);
        assert_int_equal(judge(f, names[i], 200,
                               "{\"responseCode\":\"E2002\","
                               "\"responseMessage\":\"设备序列号不存在\"}",
                               &judgement),
                         VERDICT_RENEW);
        assert_string_equal(due(f, &blocks), "register");
        assert_true(blocks);
    }
}

/* ---- answers
 * ------------------------------------------------------------------------ */

static void check_answer(struct fixture *f, const json_t *row,
                         const char *column, const char *interface)
{
    const char *wanted = text_of(row, column);
    json_t *kept = json_deep_copy(f->session.credentials);
    struct judgement judgement;

    if (strcmp(column, "changed") == 0)
        json_object_set_new(f->session.credentials, "configDigest",
                            json_string("0123"));
    if (wanted) {
        judge(f, interface,
              (long)json_integer_value(json_object_get(row, "http")),
              text_of(row, "body"), &judgement);
        if (strcmp(verdict_name(judgement.verdict), wanted) != 0)
            fail_msg("%s: %s is %s, wanted %s", column, text_of(row, "body"),
                     verdict_name(judgement.verdict), wanted);
        if (text_of(row, "code"))
            assert_string_equal(judgement.code, text_of(row, "code"));
        if (text_of(row, "words"))
            assert_string_equal(judgement.words, text_of(row, "words"));
        assert_null(judgement.value);
    }
    json_decref(f->session.credentials);
    f->session.credentials = kept;
    f->session.redo = false;
}

static void every_answer_has_its_verdict(void **state)
{
    struct fixture *f = *state;
    json_t *file = load_file("liaoning_answers.json");
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        check_answer(f, row, "data", "uploadEnergyData");
        check_answer(f, row, "version", "versionCheck");
        check_answer(f, row, "register", "register");
        check_answer(f, row, "config", "uploadConfigData");
        check_answer(f, row, "changed", "uploadConfigData");
    }
    json_decref(file);
}

static void the_settings_words_come_first(void **state)
{
    static const struct pattern_config pattern = {"参数格式", VERDICT_BUSY};
    struct fixture *f = *state;
    struct judgement judgement;

    f->destination.patterns = &pattern;
    f->destination.pattern_count = 1;
    assert_int_equal(judge(f, "uploadEnergyData", 200,
                           "{\"responseCode\":\"E2002\","
                           "\"responseMessage\":\"参数格式不合法\"}",
                           &judgement),
                     VERDICT_BUSY);
}

/* ---- GB 32100
 * ------------------------------------------------------------------------- */

static void credit_codes_are_checked_by_their_last_character(void **state)
{
    json_t *file = load_file("uscc.json");
    json_t *row;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "cases"), i, row)
        assert_int_equal(uscc_valid(text_of(row, "text")),
                         json_is_true(json_object_get(row, "valid")));
    json_decref(file);
}

static void a_credit_code_of_another_form_is_none(void **state)
{
    static const char *const codes[] = {
        "",
        "91330000573973053",   /* 17 */
        "91330000573973053FF", /* 19 */
        "91330000573973053f",  /* a small letter */
        "9133000O573973053F",  /* O for 0 */
        "91330000537973053F",  /* two digits changed places */
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_false(uscc_valid(codes[i]));
}
