#include "liaoning_side.h"

static int setup(void **state)
{
    return side_open(state);
}

static int teardown(void **state)
{
    return side_close(state);
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

/* ---- registration ------------------------------------------------------ */

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

/* ---- what is due ------------------------------------------------------- */

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

/* ---- answers ----------------------------------------------------------- */

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
