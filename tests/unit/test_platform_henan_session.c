#include "henan_side.h"

static int setup(void **state)
{
    return side_open(state);
}

static int teardown(void **state)
{
    return side_close(state);
}

/* ---- session ----------------------------------------------------------- */

static void the_token_call_is_as_printed(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};

    assert_int_equal(render(f, "getAccessToken", span_text(""), &request),
                     STATUS_OK);
    assert_string_equal(
        bytes_text(&request.url),
        "http://city.example:8080/ysgk/restapi/transportControl/get_data");
    assert_string_equal(bytes_text(&request.body),
                        "{\"organ\":\"4110020001\","
                        "\"ipctype\":\"getAccessToken\","
                        "\"username\":\"test\",\"password\":\"123\"}");
    request_free(&request);
}

static void a_password_of_any_characters_is_quoted(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};
    json_t *body;

    bytes_clear(&f->destination.henan.password);
    assert_int_equal(
        bytes_append_text(&f->destination.henan.password, "a\"b\\c\t密"),
        STATUS_OK);
    assert_int_equal(render(f, "getAccessToken", span_text(""), &request),
                     STATUS_OK);
    body = parse(&request.body);
    assert_string_equal(text_of(body, "password"), "a\"b\\c\t密");
    json_decref(body);
    request_free(&request);
}

static void another_path_can_be_set(void **state)
{
    static const struct path_config path = {"getAccessToken", "/x/token"};
    struct fixture *f = *state;
    struct request request = {0};

    f->destination.paths = &path;
    f->destination.path_count = 1;
    assert_int_equal(render(f, "getAccessToken", span_text(""), &request),
                     STATUS_OK);
    assert_string_equal(bytes_text(&request.url),
                        "http://city.example:8080/ysgk/x/token");
    request_free(&request);
}

static void no_record_is_rendered_without_a_token(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};

    bytes_free(&f->session.token);
    assert_int_equal(render(f, "shareDrivingRecord", span_text("{}"), &request),
                     STATUS_MISSING);
    assert_non_null(strstr(request.words, "access_token"));
    request_free(&request);
}

/* 4.1.1, with the blanks that its example has. */
static void the_token_answer_opens_the_session(void **state)
{
    struct fixture *f = *state;
    struct judgement judgement;

    bytes_clear(&f->session.token);
    judge(f, "getAccessToken", 200,
          "{\"code\":\"200\",\"status\":\"服务器已成功处理了请求\","
          "\"access_token\":\" 2688321E7F11B4F902678E2759EDCCFC\","
          "\"datetime\":\" 2026-11-20 08:31:00\"}",
          &judgement);
    assert_int_equal(judgement.verdict, VERDICT_ACCEPTED);
    assert_string_equal(bytes_text(&f->session.token), TOKEN);
    assert_int_equal(f->session.token_made_at_ms, PASSED_MS);
    assert_int_equal(f->session.token_expires_at_ms, PASSED_MS + 2 * HOUR_MS);
    assert_int_equal(judgement.platform_time_ms, PASSED_MS + 15000);
    assert_false(f->session.credentials_changed);
    assert_null(judgement.value);
}

static void a_token_answer_without_a_token_is_unknown(void **state)
{
    static const char *const bodies[] = {
        "{\"code\":\"200\"}",
        "{\"code\":\"200\",\"access_token\":\"\"}",
        "{\"code\":\"200\",\"access_token\":7}",
        "{\"code\":\"200\",\"access_token\":\"a b\"}",
        "{\"code\":\"200\",\"access_token\":\"a\\nb\"}",
        "{\"code\":\"200\",\"access_token\":\"a\\u0000\"}",
        "{\"code\":\"200\",\"data\":[]}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct judgement judgement;

        judge(f, "getAccessToken", 200, bodies[i], &judgement);
        assert_int_equal(judgement.verdict, VERDICT_UNKNOWN);
        assert_string_equal(bytes_text(&f->session.token), TOKEN); /* kept */
    }
}

static void a_token_inside_data_is_found(void **state)
{
    struct fixture *f = *state;
    struct judgement judgement;

    judge(f, "getAccessToken", 200,
          "{\"result\":\"success\",\"data\":{\"access_token\":\"NEW\"}}",
          &judgement);
    assert_int_equal(judgement.verdict, VERDICT_ACCEPTED);
    assert_string_equal(bytes_text(&f->session.token), "NEW");
    assert_int_equal(judgement.platform_time_ms, 0);
}

static void the_token_is_renewed_at_eighty_percent(void **state)
{
    static const struct {
        int64_t after_ms;
        bool due, blocks;
    } rows[] = {
        {0, false, false},
        {96 * MINUTE_MS - 1, false, false},
        {96 * MINUTE_MS, true, false}, /* 80 % of two hours */
        {120 * MINUTE_MS - 1, true, false},
        {120 * MINUTE_MS, true, true},
        {-1, true, false}, /* the clock was set back */
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool blocks = true;
        const struct interface *due =
            f->platform->due(&f->destination, &f->session,
                             PASSED_MS + rows[i].after_ms, &blocks);

        assert_int_equal(due != NULL, rows[i].due);
        assert_int_equal(blocks, rows[i].blocks);
        if (due)
            assert_string_equal(due->name, "getAccessToken");
    }
}

static void records_wait_for_the_first_token(void **state)
{
    struct fixture *f = *state;
    bool blocks = false;

    bytes_free(&f->session.token);
    assert_non_null(
        f->platform->due(&f->destination, &f->session, PASSED_MS, &blocks));
    assert_true(blocks);
}

/* ---- answers ----------------------------------------------------------- */

static void check_answer(struct fixture *f, const json_t *row,
                         const char *interface, const char *verdict)
{
    struct judgement judgement;

    if (!text_of(row, verdict))
        return;
    judge(f, interface, (long)json_integer_value(json_object_get(row, "http")),
          text_of(row, "body"), &judgement);
    if (strcmp(verdict_name(judgement.verdict), text_of(row, verdict)) != 0)
        fail_msg("%s %s is %s, wanted %s", interface, text_of(row, "body"),
                 verdict_name(judgement.verdict), text_of(row, verdict));
    if (text_of(row, "code"))
        assert_string_equal(judgement.code, text_of(row, "code"));
    if (text_of(row, "words") && strcmp(verdict, "verdict") == 0)
        assert_string_equal(judgement.words, text_of(row, "words"));
    json_decref(judgement.value);
}

static void every_answer_has_its_verdict(void **state)
{
    static const char *const names[] = {
        "shareDrivingRecord", "sharePhotoInfo",    "shareGoodsRecord",
        "shareVehInfo",       "shareInnerVehInfo", "shareInnerMHYElec",
        "getCheckVehicle"};
    struct fixture *f = *state;
    json_t *file;
    json_t *row;
    size_t i;

    file = load_file("henan_answers.json");
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            check_answer(f, row, names[k], "verdict");
        check_answer(f, row, "getAccessToken", "session");
    }
    json_decref(file);
}

static void the_settings_words_come_first(void **state)
{
    static const struct pattern_config pattern = {"格式校验失败", VERDICT_BUSY};
    struct fixture *f = *state;
    struct judgement judgement;

    f->destination.patterns = &pattern;
    f->destination.pattern_count = 1;
    judge(f, "shareDrivingRecord", 200,
          "{\"code\":\"952\",\"status\":\"格式校验失败\"}", &judgement);
    assert_int_equal(judgement.verdict, VERDICT_BUSY);
    assert_string_equal(judgement.code, "952");
}

static void the_settings_words_cannot_make_a_token(void **state)
{
    static const struct pattern_config pattern = {"密码", VERDICT_ACCEPTED};
    struct fixture *f = *state;
    struct judgement judgement;

    f->destination.patterns = &pattern;
    f->destination.pattern_count = 1;
    judge(f, "getAccessToken", 200,
          "{\"code\":\"400\",\"status\":\"密码错误\"}", &judgement);
    assert_int_equal(judgement.verdict, VERDICT_FAULT);
}

/* 4.1.3; some servers send the object as a string. */
static void a_vehicle_check_answers_its_value(void **state)
{
    static const char *const bodies[] = {
        "{\"code\":\"200\",\"status\":\"ok\",\"value\":"
        "{\"license\":\"豫A12345\",\"isControl\":\"0\"}}",
        "{\"code\":\"200\",\"status\":\"ok\",\"value\":"
        "\"{\\\"license\\\":\\\"豫A12345\\\",\\\"isControl\\\":\\\"0\\\"}\"}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct judgement judgement;

        judge(f, "getCheckVehicle", 200, bodies[i], &judgement);
        assert_int_equal(judgement.verdict, VERDICT_ACCEPTED);
        assert_string_equal(text_of(judgement.value, "isControl"), "0");
        json_decref(judgement.value);
    }
}

static void hostile_words_come_out_printable(void **state)
{
    struct fixture *f = *state;
    struct judgement judgement;

    judge(f, "shareDrivingRecord", 200,
          "{\"code\":\"952\\n\",\"status\":\"a\\u0007b\\u001b[31m\"}",
          &judgement);
    assert_int_equal(judgement.verdict, VERDICT_UNKNOWN);
    for (const char *at = judgement.words; *at; at++)
        assert_true((uint8_t)*at >= 0x20);
    for (const char *at = judgement.code; *at; at++)
        assert_true((uint8_t)*at >= 0x20);
}
