#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fields.h"

static const struct code codes[] = {{"1", "one"}, {"2", "two"}, {NULL, NULL}};

/* What fields_check says of one value of one field. */
static void assert_faults(struct field field, const char *json,
                          const char *impossible, const char *absent)
{
    json_t *record = json_object();
    struct faults faults = {"", ""};

    if (json)
        json_object_set_new(record, "f",
                            json_loads(json, JSON_DECODE_ANY, NULL));
    field.name = "f";
    fields_check(&field, 1, record, "item[2].", &faults);
    assert_string_equal(faults.impossible, impossible);
    assert_string_equal(faults.absent, absent);
    json_decref(record);
}

static void each_kind_refuses_what_it_is_not(void **state)
{
    const struct field text = FIELD_OF_TEXT("", MANDATORY, 2, 3);
    const struct field decimal = FIELD_OF_DECIMAL("", OPTIONAL, 2, -5, 5, 5);
    const struct field integer = FIELD_OF_INTEGER("", OPTIONAL, 0, 9);
    const struct field number = FIELD_OF_NUMBER("", OPTIONAL, 2, 0, 0);
    const struct field digits = FIELD_OF_DIGITS("", OPTIONAL, 1, 2);
    const struct field constant = FIELD_OF_CONSTANT("", OPTIONAL, "A");
    struct field coded = FIELD_OF_INTEGER("", OPTIONAL, 0, 0);
    const struct {
        struct field field;
        const char *json, *impossible;
    } rows[] = {
        {text, "\"云南\"", ""},
        {text, "\"云\"", "item[2].f has 1 characters; 2 to 3 are wanted"},
        {text, "[]", "item[2].f is an array; a string is wanted"},
        {text, "true", "item[2].f is true or false; a string is wanted"},
        {decimal, "\"-4.25\"", ""},
        {decimal, "\"4.255\"",
         "item[2].f is 4.255; at most 2 digits behind the point"},
        {decimal, "\"6\"", "item[2].f is 6; -5 to 5 are allowed"},
        {decimal, "\"4.\"", "item[2].f is \"4.\"; a decimal number is wanted"},
        {decimal, "\".5\"", "item[2].f is \".5\"; a decimal number is wanted"},
        {decimal, "\"1e1\"",
         "item[2].f is \"1e1\"; a decimal number is wanted"},
        {decimal, "\"-\"", "item[2].f is \"-\"; a decimal number is wanted"},
        {decimal, "4",
         "item[2].f is a number; a string with a decimal number "
         "is wanted"},
        {integer, "9", ""},
        {integer, "10", "item[2].f is 10; 0 to 9 are allowed"},
        {integer, "1.0", "item[2].f is a number; a whole number is wanted"},
        {number, "12.34", ""},
        {number, "-1e9", ""},
        {number, "12.345",
         "item[2].f is 12.345; at most 2 digits behind the point"},
        {digits, "\"12\"", ""},
        {digits, "\"1a\"", "item[2].f is \"1a\"; digits are wanted"},
        {constant, "\"A\"", ""},
        {constant, "\"B\"", "item[2].f is \"B\"; wanted: A"},
        {constant, "1", "item[2].f is \"\"; wanted: A"},
        {coded, "1", ""},
        {coded, "3", "item[2].f is \"3\"; allowed: 1 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        coded = rows[i].field;
        if (i >= sizeof rows / sizeof *rows - 2)
            coded.codes = codes;
        assert_faults(coded, rows[i].json, rows[i].impossible, "");
    }
}

static void presence_tells_absent_from_empty(void **state)
{
    const struct field optional = FIELD_OF_TEXT("", OPTIONAL, 1, 0);
    const struct field mandatory = FIELD_OF_TEXT("", MANDATORY, 1, 0);
    const struct field may_be_empty = FIELD_OF_TEXT("", MAY_BE_EMPTY, 1, 0);
    static const char *const values[] = {NULL, "null", "\"\"", "\" \\t\""};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_faults(optional, values[i], "", "");
        assert_faults(mandatory, values[i], "", "item[2].f is absent");
        assert_faults(may_be_empty, values[i], "",
                      i < 2 ? "item[2].f is absent" : "");
    }
}

static void dates_are_days_that_exist(void **state)
{
    static const struct {
        const char *text, *format;
        bool valid;
    } rows[] = {
        {"20240229", "yyyyMMdd", true},
        {"20230229", "yyyyMMdd", false},
        {"20231301", "yyyyMMdd", false},
        {"2023130", "yyyyMMdd", false},
        {"202310011", "yyyyMMdd", false},
        {"2023-10-01", "yyyyMMdd", false},
        {"20231020083045", "yyyyMMddHHmmss", true},
        {"20231020083060", "yyyyMMddHHmmss", false},
        {"2023-10-20 23:59:59", "yyyy-MM-dd HH:mm:ss", true},
        {"2023-10-20T23:59:59", "yyyy-MM-dd HH:mm:ss", false},
        {"2023-10-20 24:00:00", "yyyy-MM-dd HH:mm:ss", false},
        {"", "yyyyMMdd", false},
        {"23:59", "HH:mm", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(fields_date_valid(rows[i].text, rows[i].format),
                         rows[i].valid);
}

static void faults_that_do_not_fit_end_in_dots(void **state)
{
    struct faults faults = {"", ""};
    struct made made = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        faults_add_absent(&faults, "车牌");
        faults_add_impossible(&faults, "车牌 %d", i);
    }
    faults_settle(&faults, &made);
    assert_int_equal(made.state, MADE_IMPOSSIBLE);
    assert_true(strlen(made.reason) < sizeof made.reason);
    assert_string_equal(made.reason + strlen(made.reason) - 3, "...");
    assert_string_equal(faults.absent + strlen(faults.absent) - 3, "...");
    /* Whole characters only: jansson takes nothing else. */
    json_t *text = json_string(made.reason);
    assert_non_null(text);
    json_decref(text);
    text = json_string(faults.absent);
    assert_non_null(text);
    json_decref(text);
}

static void a_hostile_name_is_cut(void **state)
{
    const struct field field = FIELD_OF_TEXT("known", OPTIONAL, 1, 0);
    char name[1000];
    json_t *record = json_object();
    struct faults faults = {"", ""};

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    json_object_set_new(record, name, json_true());
    fields_check(&field, 1, record, "", &faults);
    assert_string_equal(faults.impossible,
                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx is no field "
                        "here");
    json_decref(record);
}

static void numbers_are_written_as_they_were_read(void **state)
{
    static const char *const texts[] = {
        "12.34", "121.6156", "0.1", "102.7123", "31.2286", "5", "1000000"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        struct bytes text = BYTES_EMPTY;

        assert_int_equal(fields_dump(value, &text), STATUS_OK);
        assert_string_equal(bytes_text(&text), texts[i]);
        bytes_free(&text);
        json_decref(value);
    }
}
