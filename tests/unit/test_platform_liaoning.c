#include "liaoning_side.h"

static int setup(void **state)
{
    return side_open(state);
}

static int teardown(void **state)
{
    return side_close(state);
}

/* ---- requests, annex A ------------------------------------------------- */

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
            STATUS_FORMAT);
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
                     STATUS_FORMAT);
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

/* ---- make -------------------------------------------------------------- */

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
