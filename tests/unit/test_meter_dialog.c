#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dialog.h"

/*
 * Frames marked V are those of tests/vectors/devices.json with that id; the
 * others are put together here, by frame() and crc() below, from the layout in
 * DL/T 645 and the Modbus specification.
 */

static const struct dialog_options patient = {2, 1000, 50};

static const char map_text[] =
    "name: test map\n"
    "function: 4\n"
    "gap: 8\n"
    "registers:\n"
    "  - {name: voltage_a_v, address: 0x0000, type: float32}\n"
    "  - {name: frequency_hz, address: 0x0006, type: float32}\n"
    "  - {name: import_kwh, address: 0x0100, type: float32}\n";

/* ---- the world ----------------------------------------------------------- */

struct world {
    char folder[64];
    struct station_config config;
    struct station *station;
    struct dialog dialog;
    struct dialog_send send;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    char path[128];
    FILE *file;

    if (world == NULL)
        return 1;
    strcpy(world->folder, "/tmp/test_meter_dialogXXXXXX");
    if (mkdtemp(world->folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/test.yaml", world->folder);
    file = fopen(path, "w");
    if (file == NULL || fputs(map_text, file) < 0 || fclose(file) != 0)
        return 1;
    world->config = (struct station_config){.id = "m1",
                                            .type = "10",
                                            .profile = "",
                                            .every_minutes = 15,
                                            .ct = "1",
                                            .pt = "1"};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char path[128];

    station_free(world->station);
    snprintf(path, sizeof path, "%s/test.yaml", world->folder);
    unlink(path);
    rmdir(world->folder);
    free(world);
    return 0;
}

static void start(struct world *world, int protocol, const char *address,
                  const char *const *names, unsigned count)
{
    const char *key = "";
    char why[STATION_WHY_MAX] = "";

    world->config.protocol = protocol;
    world->config.address = address;
    world->config.registers = names;
    world->config.register_count = count;
    if (meter_protocol_is_modbus(protocol))
        world->config.profile = "test";
    if (station_make(&world->config, world->folder, &world->station, &key,
                     why) != STATUS_OK)
        fail_msg("%s: %s", key, why);
    dialog_start(&world->dialog, world->station, &patient);
}

/* ---- frames -------------------------------------------------------------- */

/* "68 AA" to bytes; the number of them. */
static size_t hex(const char *text, uint8_t *bytes)
{
    size_t count = 0;
    unsigned byte;
    int used;

    while (sscanf(text, "%2x%n", &byte, &used) == 1) {
        bytes[count++] = (uint8_t)byte;
        text += used;
    }
    return count;
}

/* Send what is due; it must be these bytes. */
static void expect(struct world *world, const char *text)
{
    uint8_t bytes[300];
    size_t len = hex(text, bytes);

    assert_true(dialog_next(&world->dialog, &world->send));
    assert_int_equal(world->send.bytes.len, len);
    assert_memory_equal(world->send.bytes.data, bytes, len);
}

static bool hear(struct world *world, const char *text)
{
    uint8_t bytes[1100];

    return dialog_hear(&world->dialog, span_of(bytes, hex(text, bytes)));
}

/* A frame of DL/T 645 from the meter 161: control, data as meant. */
static const char *frame(uint8_t control, const char *data)
{
    static char text[900];
    uint8_t bytes[300] = {0x68, 0x61, 0x01, 0, 0, 0, 0, 0x68, control};
    size_t len = hex(data, bytes + 10);
    uint8_t sum = 0;

    bytes[9] = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        bytes[10 + i] = (uint8_t)(bytes[10 + i] + 0x33);
    for (size_t i = 0; i < 10 + len; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[10 + len] = sum;
    bytes[11 + len] = 0x16;
    for (size_t i = 0; i < 12 + len; i++)
        sprintf(text + 3 * i, "%02X ", bytes[i]);
    return text;
}

/* A Modbus RTU frame: its bytes and the CRC of the specification's C example,
 * bit by bit. */
static const char *rtu(const char *data)
{
    static char text[900];
    uint8_t bytes[300];
    size_t len = hex(data, bytes);
    unsigned crc = 0xFFFF;

    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    bytes[len++] = (uint8_t)(crc & 0xFF);
    bytes[len++] = (uint8_t)(crc >> 8);
    for (size_t i = 0; i < len; i++)
        sprintf(text + 3 * i, "%02X ", bytes[i]);
    return text;
}

static void assert_value(struct world *world, const char *name,
                         const char *expected)
{
    const struct register_value *value =
        register_value(&world->dialog.values, name);
    char text[DECIMAL_TEXT_MAX];

    assert_non_null(value);
    decimal_print(value->number, text);
    assert_string_equal(text, expected);
}

/* Let the rest of the dialog be silent. */
static void end(struct world *world)
{
    while (dialog_next(&world->dialog, &world->send))
        dialog_silence(&world->dialog);
}

static void start_voltage(struct world *world)
{
    static const char *const names[] = {"voltage_a_v"};

    start(world, METER_DLT645_2007, "161", names, 1);
}

/* Of meter 161: Ua, the date, the time of day. */
#define ASK_UA "FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16"
#define UA "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16" /* V 02 */

/* ---- DL/T 645 ------------------------------------------------------------ */

static void answer_gives_its_exact_value(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_int_equal(world->send.timeout_ms, 1000);
    assert_int_equal(world->send.quiet_ms, 50);
    assert_true(hear(world, UA));
    assert_value(world, "voltage_a_v", "100.1");
    assert_true(world->dialog.answered);
}

static void answer_in_pieces_is_put_together(void **state)
{
    struct world *world = *state;
    uint8_t bytes[64];
    size_t len = hex("FE FE " UA, bytes);

    start_voltage(world);
    expect(world, ASK_UA);
    for (size_t i = 0; i + 1 < len; i++)
        assert_false(dialog_hear(&world->dialog, span_of(bytes + i, 1)));
    assert_true(dialog_hear(&world->dialog, span_of(bytes + len - 1, 1)));
    assert_value(world, "voltage_a_v", "100.1");
}

static void echo_of_the_question_is_no_answer(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_false(hear(world, ASK_UA));
    assert_true(hear(world, UA));
    assert_value(world, "voltage_a_v", "100.1");
}

static void late_answer_to_another_question_is_passed_over(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    /* V 03: Ia of the same meter, with a check byte of 16 */
    assert_false(hear(world, "68 61 01 00 00 00 00 68 91 07 33 34 35 35 CC 7C "
                             "33 16 16"));
    assert_true(hear(world, UA));
    assert_value(world, "voltage_a_v", "100.1");
    assert_null(register_value(&world->dialog.values, "current_a_a"));
}

static void another_meters_answer_is_passed_over(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    /* V 13: Ua of 123456789012 */
    assert_false(hear(world, "FE FE 68 12 90 78 56 34 12 68 91 06 33 34 34 35 "
                             "38 56 7B 16"));
    assert_true(hear(world, UA));
    assert_value(world, "voltage_a_v", "100.1");
}

static void noise_around_an_answer_does_no_harm(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_false(hear(world, "D8 B0 4C BD D1 47 68 00 68 FF 00"));
    assert_true(hear(world, UA " 00 00"));
    assert_value(world, "voltage_a_v", "100.1");
}

static void flood_without_a_frame_stays_bounded(void **state)
{
    struct world *world = *state;
    uint8_t heap[700];

    start_voltage(world);
    expect(world, ASK_UA);
    memset(heap, 0x68, sizeof heap);
    for (int i = 0; i < 50; i++)
        assert_false(dialog_hear(&world->dialog, span_of(heap, sizeof heap)));
    assert_true(world->dialog.heap_len <= DIALOG_HEAP_MAX);
    assert_true(hear(world, UA));
}

static void damaged_answer_is_asked_for_again(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_false(hear(world, "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 "
                             "11 16"));
    dialog_silence(&world->dialog);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    assert_value(world, "voltage_a_v", "100.1");
}

static void silent_meter_is_asked_as_often_as_told_and_no_more(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    for (int i = 0; i < 3; i++) {
        expect(world, ASK_UA);
        dialog_silence(&world->dialog);
    }
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_false(world->dialog.answered);
    assert_string_equal(dialog_reason(&world->dialog, "voltage_a_v"),
                        "no answer");
}

static void reason_tells_what_was_wrong_with_the_bytes(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    for (int i = 0; i < 3; i++) {
        assert_true(dialog_next(&world->dialog, &world->send));
        assert_false(hear(world, "68 01 88 C5 00 00"));
        dialog_silence(&world->dialog);
    }
    assert_string_not_equal(dialog_reason(&world->dialog, "voltage_a_v"),
                            "no answer");
}

static void meter_that_falls_silent_keeps_what_it_said(void **state)
{
    static const char *const names[] = {"voltage_a_v", "current_a_a",
                                        "active_power_kw", "frequency_hz"};
    struct world *world = *state;
    unsigned asked = 0;

    start(world, METER_DLT645_2007, "161", names, 4);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    while (dialog_next(&world->dialog, &world->send)) {
        dialog_silence(&world->dialog);
        asked++;
    }
    assert_int_equal(asked, 6); /* two questions, each three times */
    assert_true(world->dialog.answered);
    assert_value(world, "voltage_a_v", "100.1");
    assert_string_equal(dialog_reason(&world->dialog, "current_a_a"),
                        "no answer");
    assert_string_equal(dialog_reason(&world->dialog, "frequency_hz"),
                        "not asked: it stopped answering");
}

static void refused_register_is_missing_with_the_meters_words(void **state)
{
    static const char *const names[] = {"frequency_hz", "voltage_a_v"};
    struct world *world = *state;

    start(world, METER_DLT645_2007, "161", names, 2);
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0xD1, "04"))); /* password */
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    assert_value(world, "voltage_a_v", "100.1");
    assert_non_null(
        strstr(dialog_reason(&world->dialog, "frequency_hz"), "password"));
}

static void refused_block_is_asked_piece_by_piece_for_good(void **state)
{
    static const char *const names[] = {"voltage_a_v", "voltage_b_v",
                                        "voltage_c_v"};
    struct world *world = *state;

    start(world, METER_DLT645_2007, "161", names, 3);
    /* 0201FF00, and 0201 01, 02, 03 00 after its refusal */
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 32 34 35 15 "
                  "16");
    assert_true(hear(world, frame(0xD1, "02")));
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "00 02 01 02 05 23")));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0xD1, "02")));
    end(world);
    assert_value(world, "voltage_b_v", "230.5");
    assert_string_not_equal(dialog_reason(&world->dialog, "voltage_c_v"),
                            "no answer");

    dialog_start(&world->dialog, world->station, &patient);
    expect(world, ASK_UA);
}

static void following_frames_make_one_answer(void **state)
{
    static const char *const names[] = {"voltage_a_v", "voltage_b_v",
                                        "voltage_c_v"};
    struct world *world = *state;

    start(world, METER_DLT645_2007, "161", names, 3);
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0xB1, "00 FF 01 02 01 10")));
    /* control 12, the identifier, number 1 */
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 12 05 33 32 34 35 34 "
                  "4B 16");
    dialog_silence(&world->dialog);
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 12 05 33 32 34 35 34 "
                  "4B 16");
    assert_true(hear(world, frame(0x92, "00 FF 01 02 05 23 50 23 01")));
    end(world);
    assert_value(world, "voltage_a_v", "100.1");
    assert_value(world, "voltage_b_v", "230.5");
    assert_value(world, "voltage_c_v", "235.0");
}

/* A following frame of 1997 has no number: whether the one that was lost is
 * sent again, or the one behind it, nobody can tell. */
static void reply_of_1997_with_a_lost_piece_begins_again(void **state)
{
    static const char *const names[] = {"voltage_a_v", "voltage_b_v",
                                        "voltage_c_v"};
    struct world *world = *state;

    start(world, METER_DLT645_1997, "161", names, 3);
    /* B61F: 52 E9 on the wire; control 01, then 02 */
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 01 02 52 E9 70 16");
    assert_true(hear(world, frame(0xA1, "1F B6 00 01")));
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 02 02 52 E9 71 16");
    dialog_silence(&world->dialog);
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 01 02 52 E9 70 16");
    assert_true(hear(world, frame(0x81, "1F B6 00 01 30 02 31 02")));
    assert_value(world, "voltage_a_v", "100");
    assert_value(world, "voltage_b_v", "230");
    assert_value(world, "voltage_c_v", "231");
}

static void reply_of_1997_that_is_never_whole_is_given_up(void **state)
{
    static const char *const names[] = {"voltage_a_v", "voltage_b_v"};
    struct world *world = *state;
    unsigned begun = 0;

    start(world, METER_DLT645_1997, "161", names, 2);
    while (dialog_next(&world->dialog, &world->send) && begun < 10) {
        if (world->dialog.at > 0 || world->dialog.following) {
            dialog_silence(&world->dialog);
            continue;
        }
        assert_true(hear(world, frame(0xA1, "1F B6 00 01")));
        begun++;
    }
    assert_int_equal(begun, 3);
    assert_string_equal(dialog_reason(&world->dialog, "voltage_a_v"),
                        "no answer");
}

/* A fifth tariff, as several provinces have one. */
static void refused_block_is_asked_for_all_that_is_wanted_of_it(void **state)
{
    static const char *const names[] = {"import_kwh", "import_tariff_5_kwh"};
    struct world *world = *state;

    start(world, METER_DLT645_2007, "161", names, 2);
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0xD1, "02")));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "00 00 01 00 56 34 12 00")));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "00 05 01 00 78 56 00 00")));
    assert_value(world, "import_kwh", "1234.56");
    assert_value(world, "import_tariff_5_kwh", "56.78");
}

static void wildcard_learns_who_answered(void **state)
{
    static const char *const names[] = {"voltage_a_v"};
    struct world *world = *state;

    start(world, METER_DLT645_2007, "AAAAAAAAAAAA", names, 1);
    assert_true(world->station->anybody);
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, UA));
    assert_string_equal(world->station->learned, "000000000161");
    assert_value(world, "voltage_a_v", "100.1");
}

static void clock_is_read_behind_the_registers(void **state)
{
    struct world *world = *state;
    const struct register_clock *clock = &world->dialog.values.clock;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    /* 04000101, weekday 5, 2026-11-20; 04000102, 08:30:45 */
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 11 04 34 34 33 37 19 "
                  "16");
    assert_true(hear(world, frame(0x91, "01 01 00 04 05 20 11 26")));
    expect(world, "FE FE FE FE 68 61 01 00 00 00 00 68 11 04 35 34 33 37 1A "
                  "16");
    assert_true(hear(world, frame(0x91, "02 01 00 04 45 30 08")));
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_true(clock->has_date && clock->has_time);
    assert_int_equal(clock->year, 2026);
    assert_int_equal(clock->month, 11);
    assert_int_equal(clock->day, 20);
    assert_int_equal(clock->hour, 8);
    assert_int_equal(clock->minute, 30);
    assert_int_equal(clock->second, 45);
}

static void date_is_read_again_when_midnight_may_have_passed(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "01 01 00 04 05 20 11 26")));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "02 01 00 04 02 00 00")));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "01 01 00 04 06 21 11 26")));
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_int_equal(world->dialog.values.clock.day, 21);
}

/* Yesterday's date with a time of today would be a whole day wrong. */
static void date_that_midnight_left_behind_is_none(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "01 01 00 04 05 20 11 26")));
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, frame(0x91, "02 01 00 04 02 00 00")));
    end(world);
    assert_false(world->dialog.values.clock.has_date);
}

static void meter_without_a_clock_is_not_asked_for_it_again(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    for (int i = 0; i < 2; i++) {
        assert_true(dialog_next(&world->dialog, &world->send));
        assert_true(hear(world, frame(0xD1, "02")));
    }
    assert_false(dialog_next(&world->dialog, &world->send));
    dialog_start(&world->dialog, world->station, &patient);
    expect(world, ASK_UA);
    assert_true(hear(world, UA));
    assert_false(dialog_next(&world->dialog, &world->send));
}

static void payload_that_is_no_bcd_is_missing_and_not_a_number(void **state)
{
    static const char *const names[] = {"import_kwh"};
    struct world *world = *state;

    start(world, METER_DLT645_2007, "910004360618", names, 1);
    assert_true(dialog_next(&world->dialog, &world->send));
    /* V 29 */
    assert_true(hear(world, "68 18 06 36 04 00 91 68 91 08 33 33 34 33 33 33 "
                            "41 33 F9 16"));
    assert_null(register_value(&world->dialog.values, "import_kwh"));
    assert_string_not_equal(dialog_reason(&world->dialog, "import_kwh"),
                            "no answer");
}

static void broken_line_is_the_reason_for_the_rest(void **state)
{
    struct world *world = *state;

    start_voltage(world);
    expect(world, ASK_UA);
    dialog_break(&world->dialog, "the line broke");
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_string_equal(dialog_reason(&world->dialog, "voltage_a_v"),
                        "the line broke");
}

static void edition_of_1997_asks_by_its_own_identifiers(void **state)
{
    static const char *const names[] = {"import_kwh"};
    struct world *world = *state;

    start(world, METER_DLT645_1997, "123456789012", names, 1);
    /* V 02, with four FE; and V 03 */
    expect(world, "FE FE FE FE 68 12 90 78 56 34 12 68 01 02 43 C3 8F 16");
    assert_true(hear(world, "68 12 90 78 56 34 12 68 81 06 43 C3 33 33 34 33 "
                            "E0 16"));
    assert_value(world, "import_kwh", "100.00");
}

/* ---- CJ/T 188 ------------------------------------------------------------ */

/* V 04: 1F 90, of 00000805000001; the check is the same in either order. */
#define ASK_WATER "68 10 01 00 00 05 08 00 00 01 03 1F 90 00 39 16"
#define ASK_WATER_TURNED "68 10 01 00 00 05 08 00 00 01 03 90 1F 00 39 16"
#define WATER /* V 03 */                                                       \
    "FE FE FE 68 10 01 00 00 05 08 00 00 81 16 90 1F 00 00 23 01 00 2C 00 00 " \
    "00 00 2C 00 00 00 00 00 00 00 00 00 48 16"

/* The question without the FE in front of it. */
static void expect_water(struct world *world, const char *text)
{
    uint8_t bytes[64];
    size_t len = hex(text, bytes);

    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(world->send.bytes.len >= len);
    assert_memory_equal(world->send.bytes.data + world->send.bytes.len - len,
                        bytes, len);
}

static void water_meter_is_asked_in_both_orders_until_one_is_known(void **state)
{
    struct world *world = *state;

    start(world, METER_CJT188, "805000001", NULL, 0);
    expect_water(world, ASK_WATER);
    dialog_silence(&world->dialog);
    expect_water(world, ASK_WATER_TURNED);
    assert_true(hear(world, WATER));
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_value(world, "volume_m3", "123.00");
    assert_false(world->dialog.values.clock.has_date);

    for (int i = 0; i < 2; i++) {
        dialog_start(&world->dialog, world->station, &patient);
        expect_water(world, ASK_WATER_TURNED);
        assert_true(hear(world, WATER));
    }
}

static void water_meter_that_was_changed_is_found_in_its_order(void **state)
{
    struct world *world = *state;

    start(world, METER_CJT188, "805000001", NULL, 0);
    world->station->order = CJT188_90_1F;
    world->station->order_known = true;
    for (int i = 0; i < 3; i++) {
        expect_water(world, ASK_WATER_TURNED);
        dialog_silence(&world->dialog);
    }
    assert_false(dialog_next(&world->dialog, &world->send));
    dialog_start(&world->dialog, world->station, &patient);
    expect_water(world, ASK_WATER);
}

static void water_meter_that_refuses_one_order_is_asked_in_another(void **state)
{
    struct world *world = *state;

    start(world, METER_CJT188, "805000001", NULL, 0);
    expect_water(world, ASK_WATER);
    /* control C1, length 3: SER and two bytes of status */
    assert_true(hear(world, "68 10 01 00 00 05 08 00 00 C1 03 00 02 00 4C 16"));
    expect_water(world, ASK_WATER_TURNED);
    assert_true(hear(world, WATER));
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_value(world, "volume_m3", "123.00");
}

static void another_water_meters_answer_is_passed_over(void **state)
{
    struct world *world = *state;

    start(world, METER_CJT188, "805000001", NULL, 0);
    assert_true(dialog_next(&world->dialog, &world->send));
    /* V 05 */
    assert_false(hear(world, "FE FE FE 68 10 18 00 00 40 40 92 00 81 16 90 1F "
                             "00 29 00 00 00 2C 29 00 00 00 2C 00 00 00 00 00 "
                             "00 00 00 23 B5 16"));
    assert_true(hear(world, WATER));
    assert_value(world, "volume_m3", "123.00");
}

/* ---- Modbus -------------------------------------------------------------- */

#define ASK_ALL "01 04 00 00 00 08 F1 CC" /* 0000 to 0007 */

static void start_modbus(struct world *world, int protocol)
{
    static const char *const names[] = {"voltage_a_v", "frequency_hz"};

    start(world, protocol, "1", names, 2);
}

/* 230.2 V (V 01 of modbus-rtu), words that nobody wants, 50 Hz */
#define ALL_WORDS "43 66 33 34 00 00 00 00 00 00 00 00 42 48 00 00"

static void registers_are_read_over_a_gap_in_one_question(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_RTU);
    expect(world, ASK_ALL);
    assert_true(hear(world, rtu("01 04 10 " ALL_WORDS)));
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_value(world, "voltage_a_v", "230.20001");
    assert_value(world, "frequency_hz", "50");
}

static void glitches_around_a_modbus_answer_do_no_harm(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_RTU);
    expect(world, ASK_ALL);
    assert_false(hear(world, "00 00"));
    assert_false(hear(world, ASK_ALL)); /* its echo */
    assert_true(hear(world, rtu("01 04 10 " ALL_WORDS)));
    assert_value(world, "frequency_hz", "50");
}

static void illegal_address_over_a_gap_is_asked_piece_by_piece(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_RTU);
    expect(world, ASK_ALL);
    assert_true(hear(world, rtu("01 84 02")));
    expect(world, "01 04 00 00 00 02 71 CB");
    assert_true(hear(world, "01 04 04 43 66 33 34 1B 38")); /* V 01 */
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_true(hear(world, rtu("01 84 02")));
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_value(world, "voltage_a_v", "230.20001");
    assert_string_not_equal(dialog_reason(&world->dialog, "frequency_hz"),
                            "no answer");
}

static void answer_after_a_repeat_is_followed_by_a_silence(void **state)
{
    static const char *const names[] = {"voltage_a_v", "import_kwh"};
    struct world *world = *state;

    start(world, METER_MODBUS_RTU, "1", names, 2);
    assert_true(dialog_next(&world->dialog, &world->send));
    dialog_silence(&world->dialog);
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_int_equal(world->send.quiet_ms, 50); /* the same question */
    assert_true(hear(world, "01 04 04 43 66 33 34 1B 38"));
    /* The answer to the first asking may still come, and would be taken for
     * the energy. */
    assert_true(dialog_next(&world->dialog, &world->send));
    assert_int_equal(world->send.quiet_ms, 1000);
    assert_true(hear(world, rtu("01 04 04 42 9C 66 66")));
    assert_value(world, "import_kwh", "78.2");
}

static void busy_meter_is_asked_again(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_RTU);
    expect(world, ASK_ALL);
    assert_true(hear(world, rtu("01 84 06")));
    expect(world, ASK_ALL);
    assert_true(hear(world, rtu("01 04 10 " ALL_WORDS)));
    assert_value(world, "frequency_hz", "50");
}

static void gateway_without_the_meter_is_a_silent_meter(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_TCP);
    for (int i = 0; i < 3; i++) {
        char answer[64];

        assert_true(dialog_next(&world->dialog, &world->send));
        sprintf(answer, "00 %02X 00 00 00 03 01 84 0B", i + 1);
        assert_true(hear(world, answer));
    }
    assert_false(dialog_next(&world->dialog, &world->send));
    assert_false(world->dialog.answered);
    assert_string_not_equal(dialog_reason(&world->dialog, "frequency_hz"),
                            "no answer");
}

static void answer_of_another_transaction_is_passed_over(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_TCP);
    expect(world, "00 01 00 00 00 06 01 04 00 00 00 08");
    dialog_silence(&world->dialog);
    expect(world, "00 02 00 00 00 06 01 04 00 00 00 08");
    assert_int_equal(world->send.quiet_ms, 50);
    assert_false(hear(world, "00 01 00 00 00 13 01 04 10 00 00 00 00 00 00 00 "
                             "00 00 00 00 00 00 00 00 00"));
    assert_true(hear(world, "00 02 00 00 00 13 01 04 10 " ALL_WORDS));
    assert_value(world, "voltage_a_v", "230.20001");
}

static void value_that_is_no_number_is_missing(void **state)
{
    struct world *world = *state;

    start_modbus(world, METER_MODBUS_RTU);
    expect(world, ASK_ALL);
    assert_true(hear(world, rtu("01 04 10 7F C0 00 00 00 00 00 00 00 00 00 00 "
                                "42 48 00 00")));
    assert_null(register_value(&world->dialog.values, "voltage_a_v"));
    assert_value(world, "frequency_hz", "50");
    assert_string_not_equal(dialog_reason(&world->dialog, "voltage_a_v"),
                            "the meter did not say it");
}
