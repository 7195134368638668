#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "decimal.h"
#include "json_text.h"
#include "registers.h"

static const char *printed(struct decimal number)
{
    static char text[DECIMAL_TEXT_MAX];

    decimal_print(number, text);
    return text;
}

static void check_double(double value, const char *text)
{
    struct decimal number;

    assert_true(decimal_from_double(value, &number));
    assert_string_equal(printed(number), text);
}

static void check_float(float value, const char *text)
{
    struct decimal number;

    assert_true(decimal_from_float(value, &number));
    assert_string_equal(printed(number), text);
}

static void bcd_is_read_low_byte_first(void **state)
{
    static const uint8_t bcd[] = {0x56, 0x34, 0x12, 0x00};
    struct decimal number;
    size_t wrong;

    (void)state;
    assert_true(decimal_from_bcd(span_of(bcd, 4), 2, false, &number, &wrong));
    assert_string_equal(printed(number), "1234.56");
    assert_true(decimal_from_bcd(span_of(bcd, 4), 0, false, &number, &wrong));
    assert_string_equal(printed(number), "123456");
    assert_true(decimal_from_bcd(span_of(bcd, 4), 8, false, &number, &wrong));
    assert_string_equal(printed(number), "0.00123456");
}

static void the_top_bit_is_a_minus_only_where_it_is_a_sign(void **state)
{
    static const uint8_t bcd[] = {0x45, 0x23, 0x81};
    struct decimal number;
    size_t wrong;

    (void)state;
    assert_true(decimal_from_bcd(span_of(bcd, 3), 4, true, &number, &wrong));
    assert_string_equal(printed(number), "-1.2345");
    assert_true(decimal_from_bcd(span_of(bcd, 3), 4, false, &number, &wrong));
    assert_string_equal(printed(number), "81.2345");
}

static void what_is_no_bcd_is_named(void **state)
{
    static const uint8_t low[] = {0x00, 0x0A, 0x00};
    static const uint8_t high[] = {0x00, 0x00, 0xA0};
    struct decimal number;
    size_t wrong = 9;

    (void)state;
    assert_false(decimal_from_bcd(span_of(low, 3), 0, false, &number, &wrong));
    assert_int_equal(wrong, 1);
    assert_false(decimal_from_bcd(span_of(high, 3), 0, false, &number, &wrong));
    assert_int_equal(wrong, 2);
}

static void floats_have_as_few_digits_as_bring_them_back(void **state)
{
    (void)state;
    check_float(229.9F, "229.9");
    check_float(0.0F, "0");
    check_float(-5.0F, "-5");
    check_float(123456.78F, "123456.78");
    check_float(16777216.0F, "16777216");
    check_double(1234.56, "1234.56");
    check_double(0.001, "0.001");
    check_double(1e17, "100000000000000000");
    check_double(-1e-18, "-0.000000000000000001");
    check_double(4e-19, "0.000000000000000000");
    check_double(5e-324, "0");
}

static void what_is_no_number_or_too_large_is_refused(void **state)
{
    struct decimal number;

    (void)state;
    assert_false(decimal_from_float(NAN, &number));
    assert_false(decimal_from_float(INFINITY, &number));
    assert_false(decimal_from_float(3e38F, &number));
    assert_false(decimal_from_double(1e18, &number));
    assert_false(decimal_from_double(-1e300, &number));
    assert_true(decimal_from_double(9.99e17, &number));
}

static void products_are_exact(void **state)
{
    struct decimal number = {123456, 2};

    (void)state;
    assert_true(decimal_multiply(number, (struct decimal){40, 0}, &number));
    assert_string_equal(printed(number), "49382.40");
    assert_true(decimal_multiply(number, (struct decimal){-1, 3}, &number));
    assert_string_equal(printed(number), "-49.38240");
    assert_false(decimal_multiply((struct decimal){1000000000, 0},
                                  (struct decimal){1000000000, 0}, &number));
    /* digits behind the point give way */
    assert_true(decimal_multiply((struct decimal){123456789012345678, 9},
                                 (struct decimal){15, 1}, &number));
    assert_string_equal(printed(number), "185185183.518518517");
}

static void a_shift_moves_the_point(void **state)
{
    struct decimal number = {1234567, 2};

    (void)state;
    assert_true(decimal_shift(number, -3, &number));
    assert_string_equal(printed(number), "12.34567");
    assert_true(decimal_shift(number, 5, &number));
    assert_string_equal(printed(number), "1234567");
    assert_true(decimal_shift(number, 2, &number));
    assert_string_equal(printed(number), "123456700");
    assert_false(decimal_shift(number, 18, &number));
}

static void json_says_what_the_meter_shows(void **state)
{
    struct bytes text = BYTES_EMPTY;
    json_t *json =
        json_pack("[o, o, o, o]", decimal_json((struct decimal){123456, 2}),
                  decimal_json((struct decimal){2201, 1}),
                  decimal_json((struct decimal){-1, 4}),
                  decimal_json((struct decimal){2761, 0}));

    (void)state;
    assert_non_null(json);
    assert_int_equal(json_text(json, &text), STATUS_OK);
    assert_string_equal(bytes_text(&text), "[1234.56,220.1,-0.0001,2761]");
    bytes_free(&text);
    json_decref(json);
}

static void a_tariff_is_a_register_from_1_to_63(void **state)
{
    (void)state;
    assert_string_equal(register_find("import_tariff_1_kwh")->unit, "kWh");
    assert_string_equal(register_find("import_tariff_63_kwh")->unit, "kWh");
    assert_null(register_find("import_tariff_0_kwh"));
    assert_null(register_find("import_tariff_01_kwh"));
    assert_null(register_find("import_tariff_64_kwh"));
    assert_null(register_find("import_tariff_x_kwh"));
    assert_null(register_find("import_tariff_1_kw"));
    assert_null(register_find(""));
}

static void a_value_that_comes_again_replaces_the_first(void **state)
{
    struct register_values *values = calloc(1, sizeof *values);

    (void)state;
    assert_true(register_add(values, "a", "V", (struct decimal){1, 0}));
    assert_true(register_add(values, "a", "V", (struct decimal){2, 0}));
    assert_int_equal(values->count, 1);
    assert_int_equal(register_value(values, "a")->number.unscaled, 2);
    assert_null(register_value(values, "b"));
    free(values);
}

static void values_beyond_the_room_are_refused(void **state)
{
    struct register_values *values = calloc(1, sizeof *values);
    char name[16];

    (void)state;
    for (int i = 0; i < REGISTERS_MAX; i++) {
        snprintf(name, sizeof name, "r%d", i);
        assert_true(register_add(values, name, "", (struct decimal){i, 0}));
    }
    assert_false(register_add(values, "one_more", "", (struct decimal){0, 0}));
    assert_true(register_add(values, "r0", "", (struct decimal){7, 0}));
    assert_false(register_add(values, "a_name_that_is_longer_than_31_ch", "",
                              (struct decimal){0, 0}));
    assert_false(
        register_add(values, "r1", "units_of_12_", (struct decimal){0, 0}));
    free(values);
}

static void a_clock_must_be_possible(void **state)
{
    struct register_clock clock = {.has_date = true,
                                   .has_time = true,
                                   .year = 2024,
                                   .month = 2,
                                   .day = 29,
                                   .hour = 23,
                                   .minute = 59,
                                   .second = 59};

    (void)state;
    assert_true(register_clock_valid(&clock));
    clock.year = 2026;
    assert_false(register_clock_valid(&clock));
    clock.has_date = false;
    assert_true(register_clock_valid(&clock));
    clock.second = 60;
    assert_false(register_clock_valid(&clock));
    clock.has_time = false;
    assert_false(register_clock_valid(&clock));
}

/* docs/devices/registers.md is the list that operators and makers see. */
static void every_register_is_in_the_document(void **state)
{
    struct bytes document = BYTES_EMPTY;
    size_t count;
    const struct register_name *names = register_names(&count);

    (void)state;
    assert_int_equal(bytes_read_file(&document, REGISTERS_MD, 65536),
                     STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        static const char *const ratios[] = {"", "CT", "PT", "CT x PT"};
        char row[200];

        snprintf(row, sizeof row, "| `%s` | %s | %s | %s | %s |\n",
                 names[i].name, names[i].unit, names[i].what,
                 names[i].counter ? "counter" : "", ratios[names[i].ratio]);
        if (strstr(bytes_text(&document), row) == NULL)
            fail_msg("not in the document: %s", row);
    }
    bytes_free(&document);
}
