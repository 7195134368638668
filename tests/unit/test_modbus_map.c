/*
 * Register maps: the profiles that are shipped, what a bad one is told, how
 * registers become requests, and what words say.  Expected values come from
 * captures (devices.json) or from Python's struct.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "modbus_map.h"

static const char *const profiles[] = {
    "adl400",  "adl400-float", "adw300",           "dtsu666",
    "generic", "dtsu666-h",    "schneider-pm5xxx", "sdm630"};
#define PROFILES (sizeof profiles / sizeof *profiles)

static struct modbus_map_file *open_profile(const char *name)
{
    char path[512];
    struct bytes words = BYTES_EMPTY;
    struct modbus_map_file *file = NULL;

    snprintf(path, sizeof path, "%s/%s.yaml", METER_PROFILES, name);
    if (modbus_map_open(path, &words, &file) != STATUS_OK)
        fail_msg("%s", bytes_text(&words));
    bytes_free(&words);
    return file;
}

/* The map that text describes; its file is removed again. */
static enum status open_text(const char *text, struct bytes *words,
                             struct modbus_map_file **file)
{
    char path[] = "/tmp/test-map-XXXXXX";
    int fd = mkstemp(path);
    enum status status;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    status = modbus_map_open(path, words, file);
    unlink(path);
    return status;
}

static struct modbus_map_file *map_of(const char *text)
{
    struct bytes words = BYTES_EMPTY;
    struct modbus_map_file *file = NULL;

    if (open_text(text, &words, &file) != STATUS_OK)
        fail_msg("%s", bytes_text(&words));
    bytes_free(&words);
    return file;
}

static void every_profile_is_good_and_planned_within_its_limits(void **state)
{
    struct modbus_plan *plan = malloc(sizeof *plan);
    const char *unknown;

    (void)state;
    assert_non_null(plan);
    for (size_t i = 0; i < PROFILES; i++) {
        struct modbus_map_file *file = open_profile(profiles[i]);
        const struct modbus_map *map = modbus_map_borrow(file);
        unsigned words = 0;

        assert_true(map->register_count > 0);
        assert_true(modbus_plan(map, NULL, 0, plan, &unknown));
        for (unsigned r = 0; r < plan->count; r++) {
            assert_in_range(plan->requests[r].count, 1, map->block);
            assert_in_range(plan->requests[r].count, 1, 125);
            words += plan->requests[r].count;
        }
        for (unsigned r = 0; r < map->register_count; r++) {
            const struct modbus_register *one = &map->registers[r];
            bool covered = false;

            for (unsigned q = 0; q < plan->count; q++)
                if (plan->requests[q].function == one->function &&
                    one->address >= plan->requests[q].start &&
                    one->address + modbus_type_words(one->type) <=
                        (unsigned)plan->requests[q].start +
                            plan->requests[q].count)
                    covered = true;
            assert_true(covered);
        }
        assert_true(words >= map->register_count);
        modbus_map_close(file);
    }
    free(plan);
}

/* One register, the words of its reply, and what it says. */
static void check_value(const char *lines, struct span data, const char *name,
                        const char *expected)
{
    struct modbus_map_file *file = map_of(lines);
    struct modbus_plan *plan = malloc(sizeof *plan);
    struct register_values *values = calloc(1, sizeof *values);
    struct decode_fault fault = {.kind = DECODE_NONE};
    const struct register_value *value;
    char text[DECIMAL_TEXT_MAX] = "absent";
    const char *unknown;

    assert_non_null(plan);
    assert_non_null(values);
    assert_true(modbus_plan(modbus_map_borrow(file), NULL, 0, plan, &unknown));
    assert_int_equal(plan->count, 1);
    assert_true(modbus_extract(modbus_map_borrow(file), plan,
                               &plan->requests[0], data, values, &fault));
    value = register_value(values, name);
    if (value != NULL)
        decimal_print(value->number, text);
    assert_string_equal(text, expected);
    assert_int_equal(value == NULL, fault.kind != DECODE_NONE);
    modbus_map_close(file);
    free(values);
    free(plan);
}

#define HEAD "name: T\nregisters:\n  - {name: x, unit: V, address: 0, "
#define BYTES_OF(...)                                                          \
    span_of((const uint8_t[]){__VA_ARGS__},                                    \
            sizeof((const uint8_t[]){__VA_ARGS__}))

static void every_type_and_order_is_read(void **state)
{
    (void)state;
    check_value(HEAD "type: u16}\n", BYTES_OF(0x0F, 0xAB), "x", "4011");
    check_value(HEAD "type: s16}\n", BYTES_OF(0xFF, 0xFE), "x", "-2");
    check_value(HEAD "type: s32}\n", BYTES_OF(0xFF, 0xFF, 0xC1, 0xEF), "x",
                "-15889");
    check_value(HEAD "type: s32, order: little}\n",
                BYTES_OF(0xC1, 0xEF, 0xFF, 0xFF), "x", "-15889");
    check_value(HEAD "type: u32, scale: 0.01}\n",
                BYTES_OF(0x00, 0x01, 0xE2, 0x40), "x", "1234.56");
    check_value(HEAD "type: s64, scale: 0.001}\n",
                BYTES_OF(0, 0, 0, 0, 0x00, 0xBC, 0x61, 0x4E), "x", "12345.678");
    check_value(HEAD "type: float32}\n", BYTES_OF(0x43, 0x65, 0xE6, 0x66), "x",
                "229.9");
    check_value(HEAD "type: float32, order: little}\n",
                BYTES_OF(0xE6, 0x66, 0x43, 0x65), "x", "229.9");
    check_value(HEAD "type: float64}\n",
                BYTES_OF(0x40, 0x93, 0x4A, 0x3D, 0x70, 0xA3, 0xD7, 0x0A), "x",
                "1234.56");
}

static void what_is_no_number_is_absent_and_told(void **state)
{
    (void)state;
    check_value(HEAD "type: float32}\n", BYTES_OF(0x7F, 0xC0, 0, 0), "x",
                "absent");
    check_value(HEAD "type: float32}\n", BYTES_OF(0xFF, 0x80, 0, 0), "x",
                "absent");
}

/* 1.9922 of a capture (devices.json, modbus-rtu-13): leading, 2 - 1.9922. */
static void schneiders_power_factor_has_four_quadrants(void **state)
{
    (void)state;
    check_value(HEAD "type: float32, rule: pf_4q}\n",
                BYTES_OF(0x3F, 0x4C, 0xCC, 0xCD), "x", "0.8");
    check_value(HEAD "type: float32, rule: pf_4q}\n",
                BYTES_OF(0xBF, 0x4C, 0xCC, 0xCD), "x", "-0.8");
    check_value(HEAD "type: float32, rule: pf_4q}\n",
                BYTES_OF(0x3F, 0xC0, 0, 0), "x", "0.5");
    check_value(HEAD "type: float32, rule: pf_4q}\n",
                BYTES_OF(0xBF, 0xC0, 0, 0), "x", "-0.5");
    check_value(HEAD "type: float32, rule: pf_4q}\n",
                BYTES_OF(0x3F, 0x80, 0, 0), "x", "1");
}

static void data_of_another_length_is_refused(void **state)
{
    struct modbus_map_file *file = map_of(HEAD "type: u32}\n");
    struct modbus_plan *plan = malloc(sizeof *plan);
    struct register_values *values = calloc(1, sizeof *values);
    struct decode_fault fault = {.kind = DECODE_NONE};
    const char *unknown;

    (void)state;
    assert_true(modbus_plan(modbus_map_borrow(file), NULL, 0, plan, &unknown));
    assert_false(modbus_extract(modbus_map_borrow(file), plan,
                                &plan->requests[0], BYTES_OF(1, 2, 3), values,
                                &fault));
    assert_int_not_equal(fault.kind, DECODE_NONE);
    assert_null(register_value(values, "x"));
    modbus_map_close(file);
    free(values);
    free(plan);
}

static void only_what_is_wanted_is_asked(void **state)
{
    struct modbus_map_file *file = open_profile("sdm630");
    const struct modbus_map *map = modbus_map_borrow(file);
    struct modbus_plan *plan = malloc(sizeof *plan);
    const char *const two[] = {"import_kwh", "frequency_hz"};
    const char *const none[] = {"import_kwh", "no_such"};
    const char *unknown = NULL;

    (void)state;
    assert_true(modbus_plan(map, two, 2, plan, &unknown));
    assert_int_equal(plan->count, 1); /* 0046 to 0049 */
    assert_int_equal(plan->requests[0].start, 0x46);
    assert_int_equal(plan->requests[0].count, 4);
    assert_int_equal(plan->requests[0].function, 4);
    assert_false(modbus_plan(map, none, 2, plan, &unknown));
    assert_string_equal(unknown, "no_such");
    modbus_map_close(file);
    free(plan);
}

static void a_bad_map_is_told_with_line_and_key(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"name: [", ""},
        {"name: T\n", "registers"},
        {HEAD "type: u128}\n", ":3: registers[0].type"},
        {HEAD "type: u16, rule: magic}\n", ":3: registers[0].rule"},
        {HEAD "type: u16}\nfunction: 6\n", ":4: function"},
        {"name: T\nregisters:\n  - {name: x, unit: V, address: 65536, "
         "type: u16}\n",
         ":3: registers[0].address"},
        {"name: T\nregisters:\n  - {name: x, unit: V, address: 65535, "
         "type: u32}\n",
         ":3: registers[0]"},
        {"name: T\nregisters:\n  - {name: x, unit: V, address: 0, type: u16}\n"
         "  - {name: x, unit: V, address: 1, type: u16}\n",
         ":4: registers[1].name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes words = BYTES_EMPTY;
        struct modbus_map_file *file = NULL;

        if (open_text(rows[i].text, &words, &file) == STATUS_OK)
            fail_msg("taken: %s", rows[i].text);
        assert_null(file);
        if (strstr(bytes_text(&words), rows[i].part) == NULL)
            fail_msg("\"%s\" is not in: %s", rows[i].part, bytes_text(&words));
        bytes_free(&words);
    }
}
