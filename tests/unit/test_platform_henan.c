#include "henan_side.h"

static int setup(void **state)
{
    return side_open(state);
}

static int teardown(void **state)
{
    return side_close(state);
}

/* A passage's driving record, in wire fields. */
static json_t *driving(void)
{
    return json_pack("{ssssssssssssss}", "dzbh", "01", "cphm", "豫A12345",
                     "cpys", "1", "tgsjq", "2026-11-20 08:30:45", "tgsjz",
                     "2026-11-20 08:30:58", "tgzt", "1", "bgzt", "1");
}

static json_t *photo(const char *number, uint64_t event)
{
    return json_pack("{ssssssssssss s{sIss} ss}", "$number_of_followed",
                     "411002000101A261120083045", "dzbh", "01", "cphm",
                     "豫A12345", "cpys", "1", "zpbh", number, "zplx", "1",
                     "base64Image", "$event", (json_int_t)event, "pointer",
                     event == 4711 ? "/pictures/0/jpeg" : "/pictures/1/jpeg",
                     "pzsj", "2026-11-20 08:30:46");
}

/* ---- records and requests ---------------------------------------------- */

static void render_case(struct fixture *f, const json_t *row,
                        const struct made *made, const char *body)
{
    struct request request = {0};
    json_t *got;

    assert_int_equal(render(f, text_of(row, "interface"),
                            bytes_view(&made->facts), &request),
                     STATUS_OK);
    assert_string_equal(bytes_text(&request.url), text_of(row, "url"));
    assert_string_equal(request.content_type, "application/json");
    assert_int_equal(request.header_count, 1);
    assert_string_equal(bytes_text(&request.headers[0]),
                        "Accept: application/json");
    assert_int_equal(request.part_count, 0);
    got = parse(&request.body);
    assert_json(got, json_object_get(row, body));
    json_decref(got);
    request_free(&request);
}

static void records_become_the_requests_of_the_specification(void **state)
{
    struct fixture *f = *state;
    json_t *file;
    json_t *row;
    size_t i;

    file = load_file("henan_records.json");
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        struct made made = {0};
        json_t *facts;

        make(f, text_of(row, "interface"), json_object_get(row, "record"),
             &made);
        assert_string_equal(made.reason, "");
        assert_int_equal(made.state, MADE_READY);
        assert_string_equal(made.number, text_of(row, "number"));
        assert_string_equal(made.subject, text_of(row, "subject"));
        assert_string_equal(made.order_key, text_of(row, "order_key"));
        facts = parse(&made.facts);
        assert_json(facts, json_object_get(row, "facts"));
        json_decref(facts);

        f->destination.henan.inline_photo =
            json_is_true(json_object_get(row, "inline"));
        f->destination.henan.flat = false;
        render_case(f, row, &made, "body");
        f->destination.henan.flat = true;
        render_case(f, row, &made,
                    json_object_get(row, "flat_body") ? "flat_body" : "body");
        made_free(&made);
    }
    json_decref(file);
}

static void facts_are_made_again_under_the_same_number(void **state)
{
    struct fixture *f = *state;
    json_t *record = driving();
    struct made first = {0};
    struct made second = {0};
    json_t *facts;

    make(f, "shareDrivingRecord", record, &first);
    json_object_set_new(f->taken, first.number, json_true());
    facts = parse(&first.facts);
    make(f, "shareDrivingRecord", facts, &second);
    assert_int_equal(second.state, MADE_READY);
    assert_string_equal(second.number, first.number);
    assert_string_equal(bytes_text(&second.facts), bytes_text(&first.facts));
    made_free(&first);
    made_free(&second);
    json_decref(facts);
    json_decref(record);
}

static void a_taken_second_shifts_the_serial_number_and_says_so(void **state)
{
    struct fixture *f = *state;
    json_t *record = driving();
    struct made made = {0};
    json_t *facts;

    json_object_set_new(record, "tgsjq", json_string("2026-12-31 23:59:59"));
    json_object_set_new(record, "tgsjz", json_string("2026-12-31 23:59:59"));
    json_object_set_new(f->taken, "411002000101A261231235959", json_true());
    json_object_set_new(f->taken, "411002000101A270101000000", json_true());
    make(f, "shareDrivingRecord", record, &made);
    assert_int_equal(made.state, MADE_READY);
    assert_string_equal(made.number, "411002000101A270101000001");
    facts = parse(&made.facts);
    assert_string_equal(text_of(facts, "lsh"), "411002000101A270101000001");
    assert_string_equal(text_of(facts, "tgsjq"), "2026-12-31 23:59:59");
    assert_int_equal(json_integer_value(json_object_get(facts, "$shift_s")), 2);
    json_decref(facts);
    json_decref(record);
    made_free(&made);
}

static void the_shift_is_kept_and_never_sent(void **state)
{
    struct fixture *f = *state;
    json_t *record = driving();
    struct made first = {0};
    struct made second = {0};
    struct request request = {0};
    json_t *facts;
    json_t *body;

    json_object_set_new(f->taken, "411002000101A261120083045", json_true());
    make(f, "shareDrivingRecord", record, &first);
    facts = parse(&first.facts);
    make(f, "shareDrivingRecord", facts, &second);
    assert_string_equal(bytes_text(&second.facts), bytes_text(&first.facts));
    assert_non_null(strstr(bytes_text(&second.facts), "\"$shift_s\":1"));
    assert_int_equal(
        render(f, "shareDrivingRecord", bytes_view(&second.facts), &request),
        STATUS_OK);
    body = parse(&request.body);
    assert_int_equal(json_object_size(json_object_get(body, "value")), 10);
    assert_null(strstr(bytes_text(&request.body), "$shift_s"));
    json_decref(body);
    json_decref(facts);
    json_decref(record);
    made_free(&first);
    made_free(&second);
    request_free(&request);
}

static bool always_taken(void *self, const char *number)
{
    (void)self;
    (void)number;
    return true;
}

static void an_hour_of_taken_seconds_is_impossible(void **state)
{
    struct fixture *f = *state;
    json_t *record = driving();
    struct made made = {0};

    f->making.taken = always_taken;
    make(f, "shareDrivingRecord", record, &made);
    assert_int_equal(made.state, MADE_IMPOSSIBLE);
    assert_non_null(strstr(made.reason, "taken for an hour"));
    json_decref(record);
    made_free(&made);
}

static void a_held_driving_record_has_its_number_already(void **state)
{
    struct fixture *f = *state;
    json_t *record = driving();
    struct made made = {0};

    json_object_del(record, "cphm");
    make(f, "shareDrivingRecord", record, &made);
    assert_int_equal(made.state, MADE_HELD);
    assert_string_equal(made.reason, "cphm is absent");
    assert_string_equal(made.number, "411002000101A261120083045");
    json_decref(record);
    made_free(&made);
}

static void a_record_that_is_no_object_is_impossible(void **state)
{
    struct fixture *f = *state;
    json_t *record = json_string("hello");
    struct made made = {0};

    make(f, "shareDrivingRecord", record, &made);
    assert_int_equal(made.state, MADE_IMPOSSIBLE);
    json_decref(record);
    made_free(&made);
}

static void the_token_call_makes_no_record(void **state)
{
    struct fixture *f = *state;
    json_t *record = json_object();
    struct made made = {0};

    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, "getAccessToken"),
                                       record, &f->making, &made),
                     STATUS_INVALID);
    json_decref(record);
}

/* ---- every fault ------------------------------------------------------- */

static void holds_without(struct fixture *f, const json_t *row,
                          const char *member, json_t *instead)
{
    json_t *record = json_copy(json_object_get(row, "base"));
    struct made made = {0};

    if (instead)
        json_object_set(record, member, instead);
    else
        json_object_del(record, member);
    /* A driving record would get a new number under its old facts. */
    if (strcmp(text_of(row, "interface"), "shareDrivingRecord") == 0)
        json_object_del(record, "lsh");
    make(f, text_of(row, "interface"), record, &made);
    if (made.state != MADE_HELD || !strstr(made.reason, member) ||
        !strstr(made.reason, "absent"))
        fail_msg("%s without %s: state %d, \"%s\"", text_of(row, "interface"),
                 member, (int)made.state, made.reason);
    made_free(&made);
    json_decref(record);
}

static void an_absent_mandatory_field_holds_the_record(void **state)
{
    struct fixture *f = *state;
    json_t *empty = json_string("");
    json_t *file;
    json_t *row;
    json_t *name;
    size_t i;
    size_t k;

    file = load_file("henan_faults.json");
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        json_array_foreach(json_object_get(row, "absent_holds"), k, name)
        {
            holds_without(f, row, json_string_value(name), NULL);
            holds_without(f, row, json_string_value(name), json_null());
            holds_without(f, row, json_string_value(name), empty);
        }
    }
    json_decref(empty);
    json_decref(file);
}

static void refuses(struct fixture *f, const json_t *row, const json_t *change)
{
    json_t *record = json_copy(json_object_get(row, "base"));
    const char *reason = text_of(change, "reason");
    struct made made = {0};

    json_object_update(record, json_object_get(change, "set"));
    make(f, text_of(row, "interface"), record, &made);
    if (made.state != MADE_IMPOSSIBLE || !strstr(made.reason, reason))
        fail_msg("%s wanted \"%s\": state %d, \"%s\"",
                 text_of(row, "interface"), reason, (int)made.state,
                 made.reason);
    made_free(&made);
    json_decref(record);
}

static void an_impossible_value_rejects_the_record(void **state)
{
    struct fixture *f = *state;
    json_t *file;
    json_t *row;
    json_t *change;
    size_t i;
    size_t k;

    file = load_file("henan_faults.json");
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        struct made made = {0};

        make(f, text_of(row, "interface"), json_object_get(row, "base"), &made);
        assert_string_equal(made.reason, "");
        assert_int_equal(made.state, MADE_READY);
        made_free(&made);
        json_array_foreach(json_object_get(row, "impossible"), k, change)
            refuses(f, row, change);
    }
    json_decref(file);
}

/* specs README: tonnes rounded to fit 4 characters. */
static void tonnes_fit_four_characters(void **state)
{
    static const struct {
        double tonnes;
        const char *sent;
    } rows[] = {
        {0, "0"},       {0.004, "0"},   {0.25, "0.25"},  {5, "5"},
        {5.5, "5.5"},   {9.996, "10"},  {12.34, "12.3"}, {32.456, "32.5"},
        {99.96, "100"}, {123.4, "123"}, {999.6, "1000"}, {9999.4, "9999"},
        {49.999, "50"}, {30.04, "30"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *record = json_pack(
            "{ssssssssssso ss}", "lsh", "411002000101A261120083045", "dzbh",
            "01", "cphm", "豫A12345", "cpys", "1", "hwmc", "煤", "ysl",
            json_real(rows[i].tonnes), "djsj", "2026-11-20 08:30:45");
        struct made made = {0};
        json_t *facts;

        make(f, "shareGoodsRecord", record, &made);
        assert_string_equal(made.reason, "");
        facts = parse(&made.facts);
        assert_string_equal(text_of(facts, "ysl"), rows[i].sent);
        assert_float_equal(
            json_number_value(json_object_get(facts, "$ysl_exact")),
            rows[i].tonnes, 1e-9);
        json_decref(facts);
        json_decref(record);
        made_free(&made);
    }
}

static void tonnes_written_too_long_are_rounded_as_well(void **state)
{
    struct fixture *f = *state;
    json_t *record =
        json_pack("{ssssssssssssss}", "lsh", "411002000101A261120083045",
                  "dzbh", "01", "cphm", "豫A12345", "cpys", "1", "hwmc", "煤",
                  "ysl", "32.456", "djsj", "2026-11-20 08:30:45");
    struct made made = {0};

    make(f, "shareGoodsRecord", record, &made);
    assert_int_equal(made.state, MADE_READY);
    assert_non_null(strstr(bytes_text(&made.facts), "\"ysl\":\"32.5\""));
    assert_non_null(
        strstr(bytes_text(&made.facts), "\"$ysl_exact\":\"32.456\""));
    json_decref(record);
    made_free(&made);
}

/* ---- passages ---------------------------------------------------------- */

static void passages_make_their_records(void **state)
{
    struct fixture *f = *state;
    json_t *file;
    json_t *row;
    size_t i;

    file = load_file("henan_passage.json");
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        struct passage_record records[PASSAGE_RECORDS_MAX];
        const json_t *expected = json_object_get(row, "records");
        size_t count = 0;

        assert_int_equal(f->platform->passage(&f->destination,
                                              json_object_get(row, "passage"),
                                              records, &count),
                         STATUS_OK);
        assert_int_equal(count, json_array_size(expected));
        for (size_t k = 0; k < count; k++) {
            const json_t *one = json_array_get(expected, k);

            assert_string_equal(records[k].interface->name,
                                text_of(one, "interface"));
            assert_int_equal(
                records[k].follows,
                json_integer_value(json_object_get(one, "follows")));
            assert_json(records[k].record, json_object_get(one, "record"));
            json_decref(records[k].record);
        }
    }
    json_decref(file);
}

/* 7.1, 4.1.4: every neutral value and the code it becomes. */
static void every_neutral_value_has_its_code(void **state)
{
    static const struct {
        const char *member, *value, *field, *code;
    } rows[] = {
        {"color", "\"blue\"", "cpys", "0"},
        {"color", "\"yellow\"", "cpys", "1"},
        {"color", "\"white\"", "cpys", "2"},
        {"color", "\"black\"", "cpys", "3"},
        {"color", "\"green\"", "cpys", "4"},
        {"color", "\"yellow_green\"", "cpys", "4"},
        {"color", "\"other\"", "cpys", "5"},
        {"color", "\"\"", "cpys", NULL},
        {"direction", "\"in\"", "tgzt", "1"},
        {"direction", "\"out\"", "tgzt", "2"},
        {"direction", "\"across\"", "tgzt", NULL},
        {"barrier_open", "true", "bgzt", "1"},
        {"barrier_open", "false", "bgzt", "0"},
        {"barrier_open", "\"true\"", "bgzt", NULL},
        {"gate", "\"A01\"", "dzbh", "01"},
        {"gate", "\"7\"", "dzbh", NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct passage_record records[PASSAGE_RECORDS_MAX];
        size_t count = 0;
        json_t *passage = json_object();
        const char *got;

        json_object_set_new(passage, rows[i].member,
                            json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        assert_int_equal(
            f->platform->passage(&f->destination, passage, records, &count),
            STATUS_OK);
        got = text_of(records[0].record, rows[i].field);
        if (rows[i].code)
            assert_string_equal(got, rows[i].code);
        else
            assert_null(got);
        for (size_t k = 0; k < count; k++)
            json_decref(records[k].record);
        json_decref(passage);
    }
}

static void a_photo_without_its_picture_is_held(void **state)
{
    struct fixture *f = *state;
    json_t *record = photo("2", 4711);
    struct made made = {0};

    json_object_del(record, "base64Image");
    make(f, "sharePhotoInfo", record, &made);
    assert_int_equal(made.state, MADE_HELD);
    assert_string_equal(made.reason, "base64Image is absent");
    assert_string_equal(made.number, "411002000101A261120083045/2");
    assert_null(strstr(bytes_text(&made.facts), "$number_of_followed"));
    json_decref(record);
    made_free(&made);
}

/* ---- photos ------------------------------------------------------------ */

static void assert_info(const struct request_part *part)
{
    json_t *info = parse(&part->content);
    json_t *expected = json_pack(
        "{ssssss s{ssssssssssssssssss}}", "organ", "4110020001", "ipctype",
        "sharePhotoInfo", "access_token", TOKEN, "value", "lsh",
        "411002000101A261120083045", "qybh", "4110020001", "qymc",
        "许昌某钢铁有限公司", "dzbh", "01", "cphm", "豫A12345", "cpys", "1",
        "zpbh", "2", "zplx", "1", "pzsj", "2026-11-20 08:30:46");

    assert_json(info, expected);
    json_decref(info);
    json_decref(expected);
}

/* 5.2 */
static void a_photo_is_sent_in_two_parts(void **state)
{
    struct fixture *f = *state;
    json_t *record = photo("2", 4712); /* stored with a data URI's head */
    struct made made = {0};
    struct request request = {0};

    make(f, "sharePhotoInfo", record, &made);
    assert_int_equal(made.state, MADE_READY);
    assert_int_equal(
        render(f, "sharePhotoInfo", bytes_view(&made.facts), &request),
        STATUS_OK);
    assert_string_equal(
        bytes_text(&request.url),
        "http://city.example:8080/ysgk/restapi/transportControl/put_file");
    assert_null(request.content_type);
    assert_int_equal(request.body.len, 0);
    assert_int_equal(request.part_count, 2);
    assert_string_equal(request.parts[0].name, "file");
    assert_string_equal(request.parts[0].file_name,
                        "411002000101A261120083045_2.jpg");
    assert_string_equal(request.parts[0].content_type, "image/jpeg");
    assert_int_equal(request.parts[0].content.len, sizeof jpeg);
    assert_memory_equal(request.parts[0].content.data, jpeg, sizeof jpeg);
    assert_string_equal(request.parts[1].name, "info");
    assert_null(request.parts[1].file_name);
    assert_info(&request.parts[1]);
    json_decref(record);
    made_free(&made);
    request_free(&request);
}

static void a_picture_that_is_gone_says_so(void **state)
{
    struct fixture *f = *state;
    json_t *record = photo("1", 4711);
    struct made made = {0};
    struct request request = {0};

    f->pictures[0] = NULL;
    make(f, "sharePhotoInfo", record, &made);
    assert_int_equal(
        render(f, "sharePhotoInfo", bytes_view(&made.facts), &request),
        STATUS_NOT_FOUND);
    assert_non_null(strstr(request.words, "base64Image"));
    assert_non_null(strstr(request.words, "4711"));
    json_decref(record);
    made_free(&made);
    request_free(&request);
}

/* A JPEG of len bytes as Base64. */
static struct bytes big_picture(size_t len)
{
    struct bytes raw = BYTES_EMPTY;
    struct bytes text = BYTES_EMPTY;

    assert_int_equal(bytes_reserve(&raw, len), STATUS_OK);
    memset(raw.data, 0, len);
    memcpy(raw.data, jpeg, sizeof jpeg);
    raw.len = len;
    assert_int_equal(base64_encode(bytes_view(&raw), &text), STATUS_OK);
    bytes_free(&raw);
    return text;
}

static void photos_above_one_megabyte_are_refused(void **state)
{
    static const struct {
        size_t len;
        enum made_state made;
        enum status rendered;
    } rows[] = {
        {1000000, MADE_READY, STATUS_OK},
        {1000001, MADE_IMPOSSIBLE, STATUS_INVALID},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct bytes text = big_picture(rows[i].len);
        json_t *record = photo("1", 4711);
        struct made made = {0};
        struct request request = {0};

        f->pictures[0] = bytes_text(&text);
        make(f, "sharePhotoInfo", record, &made);
        assert_int_equal(
            render(f, "sharePhotoInfo", bytes_view(&made.facts), &request),
            rows[i].rendered);
        if (rows[i].rendered != STATUS_OK)
            assert_non_null(strstr(request.words, "larger than 1000000"));
        made_free(&made);
        request_free(&request);

        json_object_set_new(record, "base64Image",
                            json_string(bytes_text(&text)));
        make(f, "sharePhotoInfo", record, &made);
        assert_int_equal(made.state, rows[i].made);
        json_decref(record);
        made_free(&made);
        bytes_free(&text);
    }
}

static void facts_that_are_no_object_are_not_rendered(void **state)
{
    struct fixture *f = *state;
    struct request request = {0};

    assert_int_equal(
        render(f, "shareDrivingRecord", span_text("[1]"), &request),
        STATUS_FORMAT);
    assert_string_not_equal(request.words, "");
    request_free(&request);
}
