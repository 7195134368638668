#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "protocols.h"
#include "yaohua.h"

/* ---- help --------------------------------------------------------------- */

static const struct decode_protocol *protocol_of(const char *name)
{
    for (size_t i = 0; i < weighbridge_protocol_count; i++)
        if (strcmp(weighbridge_protocols[i].name, name) == 0)
            return &weighbridge_protocols[i];
    return NULL;
}

/* The frames in text (hex unless the protocol's input is text), or NULL. */
static json_t *decode_text(const char *protocol, const char *text,
                           struct decode_fault *fault)
{
    const struct decode_protocol *row = protocol_of(protocol);
    struct bytes input = BYTES_EMPTY;
    json_t *frames = json_array();
    bool good;

    assert_non_null(row);
    if (row->text)
        assert_int_equal(bytes_append_text(&input, text), STATUS_OK);
    else
        assert_true(decode_hex(span_text(text), &input, fault));
    good = row->decode(bytes_view(&input), NULL, frames, fault);
    bytes_free(&input);
    if (good)
        return frames;
    json_decref(frames);
    return NULL;
}

static json_t *decode_one(const char *protocol, const char *text)
{
    struct decode_fault fault = {0};
    json_t *frames = decode_text(protocol, text, &fault);
    json_t *one;

    if (frames == NULL)
        fail_msg("%s: %s: %s", protocol, text, fault.text);
    assert_int_equal(json_array_size(frames), 1);
    one = json_incref(json_array_get(frames, 0));
    json_decref(frames);
    return one;
}

static double value_of(const char *protocol, const char *text)
{
    json_t *one = decode_one(protocol, text);
    const double value = json_number_value(json_object_get(one, "value"));

    assert_non_null(json_object_get(one, "value"));
    json_decref(one);
    return value;
}

static enum decode_fault_kind fault_of(const char *protocol, const char *text)
{
    struct decode_fault fault = {0};
    json_t *frames = decode_text(protocol, text, &fault);

    assert_null(frames);
    assert_true(fault.text[0] != 0);
    return fault.kind;
}

#define STREAM_MAX 64

/* What a reader makes of bytes that come in pieces of step bytes. */
struct stream {
    struct scale_reader reader;
    double values[STREAM_MAX];
    size_t count;
};

static void stream_feed(struct stream *stream, const void *data, size_t len,
                        size_t step)
{
    const uint8_t *at = data;
    struct weight weight;

    while (len > 0) {
        const size_t piece = step < len ? step : len;

        assert_int_equal(scale_reader_put(&stream->reader, span_of(at, piece)),
                         piece);
        while (scale_reader_next(&stream->reader, false, &weight)) {
            assert_true(stream->count < STREAM_MAX);
            stream->values[stream->count++] = weight_value(&weight);
        }
        at += piece;
        len -= piece;
    }
}

#define FEED(stream, literal)                                                  \
    stream_feed((stream), (literal), sizeof(literal) - 1, 256)

/* Vectors yaohua-a9-continuous-04, -05, -06 */
#define Y240 "\x02+00024001D\x03"
#define Y140 "\x02+00014001E\x03"
#define Y3290 "\x02+003290013\x03"

/* ---- the vectors -------------------------------------------------------- */

static bool is_ours(const char *protocol)
{
    return protocol_of(protocol) != NULL;
}

static void check_members(const char *id, const json_t *want, const json_t *got)
{
    const char *key;
    const json_t *value;

    json_object_foreach((json_t *)want, key, value)
    {
        const json_t *own = json_object_get(got, key);

        if (own == NULL || json_typeof(own) != json_typeof(value))
            fail_msg("%s: %s is absent or of another type", id, key);
        if (json_is_real(value)) {
            /* the vectors round single floats */
            const double difference =
                fabs(json_real_value(own) - json_real_value(value));
            const double grain =
                strcmp(key, "float") == 0
                    ? fmax(5e-4, fabs(json_real_value(value)) * 1e-6)
                    : 0;

            if (difference > grain)
                fail_msg("%s: %s is %.17g", id, key, json_real_value(own));
        } else if (!json_equal(own, value)) {
            fail_msg("%s: %s differs", id, key);
        }
    }
}

static void check_vector(const json_t *vector)
{
    const char *id = json_string_value(json_object_get(vector, "id"));
    const char *protocol =
        json_string_value(json_object_get(vector, "protocol"));
    const char *text = json_string_value(json_object_get(
        vector, json_object_get(vector, "hex") ? "hex" : "text"));
    struct decode_fault fault = {0};
    json_t *frames = decode_text(protocol, text, &fault);

    if (json_is_true(json_object_get(vector, "valid"))) {
        if (frames == NULL)
            fail_msg("%s: %s", id, fault.text);
        assert_int_equal(json_array_size(frames), 1);
        check_members(id, json_object_get(vector, "decoded"),
                      json_array_get(frames, 0));
    } else {
        assert_null(frames);
        assert_int_equal(fault.kind, DECODE_CHECKSUM);
    }
    json_decref(frames);
}

static void every_vector_of_a_scale_is_decoded_or_refused(void **state)
{
    json_error_t error;
    json_t *file = json_load_file(TEST_VECTORS "/devices.json", 0, &error);
    const json_t *vector;
    size_t index;
    size_t checked = 0;

    (void)state;
    assert_non_null(file);
    json_array_foreach(json_object_get(file, "vectors"), index, vector)
    {
        if (!is_ours(json_string_value(json_object_get(vector, "protocol"))))
            continue;
        check_vector(vector);
        checked++;
    }
    assert_int_equal(checked, 9 + 7 + 6 + 4 + 25);
    json_decref(file);
}

/* ---- each language ------------------------------------------------------ */

static void a_yaohua_frame_is_refused_for_each_wrong_byte(void **state)
{
    (void)state;
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "03 2B 30 30 30 32 34 30 30 31 44 03"),
        DECODE_START);
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "02 20 30 30 30 32 34 30 30 31 44 03"),
        DECODE_VALUE);
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "02 2B 30 30 30 3A 34 30 30 31 44 03"),
        DECODE_VALUE);
    /* five decimal places; the check would be right: 1D ^ 05 */
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "02 2B 30 30 30 32 34 30 35 31 38 03"),
        DECODE_VALUE);
    /* 3D is what 30H + n would make of D */
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "02 2B 30 30 30 32 34 30 30 31 3D 03"),
        DECODE_VALUE);
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "02 2B 30 30 30 32 34 30 30 31 44 0D"),
        DECODE_LENGTH);
    assert_int_equal(
        fault_of("yaohua-a9-continuous", "02 2B 30 30 30 32 34 30 30 31 44"),
        DECODE_TRUNCATED);
    assert_int_equal(fault_of("yaohua-a9-command", "02 41 47 30 36 03"),
                     DECODE_VALUE);
    assert_int_equal(fault_of("yaohua-a9-command", "02 41 41 30 31 03"),
                     DECODE_CHECKSUM);
}

static void a_fault_tells_its_offset_from_the_start(void **state)
{
    struct decode_fault fault = {0};

    (void)state;
    /* behind a good frame of 12 bytes one whose check, at 9, is wrong */
    assert_null(decode_text("yaohua-a9-continuous",
                            "02 2B 30 30 30 32 34 30 30 31 44 03"
                            "02 2B 30 30 30 32 34 30 30 31 45 03",
                            &fault));
    assert_int_equal(fault.kind, DECODE_CHECKSUM);
    assert_int_equal(fault.offset, 12 + 9);
}

/* As devices.md 2.2 and the vectors: 02 41 41 30 30 03, 02 41 44 30 35 03. */
static void a_yaohua_is_asked_as_its_manual_says(void **state)
{
    uint8_t out[YAOHUA_ASK_BYTES];

    (void)state;
    yaohua_ask('A', YAOHUA_HANDSHAKE, out);
    assert_memory_equal(out,
                        "\x02"
                        "AA00\x03",
                        sizeof out);
    yaohua_ask('A', 'D', out);
    assert_memory_equal(out,
                        "\x02"
                        "AD05\x03",
                        sizeof out);
    /* 5A ^ 42 = 18 */
    yaohua_ask('Z', YAOHUA_GROSS, out);
    assert_memory_equal(out,
                        "\x02"
                        "ZB18\x03",
                        sizeof out);
}

static void reversed_digits_are_read_from_the_right(void **state)
{
    (void)state;
    assert_true(value_of("yaohua-d2", "=0862000=") == 2680);
    assert_true(value_of("yaohua-d2", "=51.070-=") == -70.15);
    assert_true(value_of("yaohua-d2", "=000000-=") == 0);
    assert_false(signbit(value_of("yaohua-d2", "=000000-=")));
    assert_true(value_of("yaohua-d2", "=51.070\r\n") == 70.15);
    /* where does it end? */
    assert_int_equal(fault_of("yaohua-d2", "=51.070"), DECODE_TRUNCATED);
    assert_int_equal(fault_of("yaohua-d2", "=51.0.0="), DECODE_VALUE);
    assert_int_equal(fault_of("yaohua-d2", "=51="), DECODE_VALUE);
    assert_int_equal(fault_of("yaohua-d2", "=-51.070="), DECODE_VALUE);
    assert_int_equal(fault_of("yaohua-d2", "=1234567890="), DECODE_VALUE);
}

static void the_same_sign_in_front_is_another_model(void **state)
{
    (void)state;
    assert_true(value_of("xk3118t1", "=00004.8(kg)") == 4.8);
    assert_true(value_of("xk3118t1", "=-0004.8(kg)") == -4.8);
    assert_true(value_of("xk3118t1", "=00047.8(t)") == 47.8);
    assert_int_equal(fault_of("xk3118t1", "=51.070="), DECODE_VALUE);
    assert_int_equal(fault_of("yaohua-d2", "=00004.8(kg)"), DECODE_VALUE);
    assert_int_equal(fault_of("xk3118t1", "=00004.8(kg"), DECODE_TRUNCATED);
    assert_int_equal(fault_of("xk3118t1", "=00004.8(oz)"), DECODE_VALUE);
}

static void a_line_with_commas_says_still_moving_or_overload(void **state)
{
    json_t *one;

    (void)state;
    one = decode_one("st-gs", "US,NT,- 0120 kg\r\n");
    assert_true(json_is_false(json_object_get(one, "stable")));
    assert_string_equal(json_string_value(json_object_get(one, "mode")), "net");
    assert_true(json_number_value(json_object_get(one, "value")) == -120);
    json_decref(one);
    /* a number behind OL is none */
    one = decode_one("st-gs", "OL,GS,+      \r\n");
    assert_true(json_is_true(json_object_get(one, "overload")));
    assert_null(json_object_get(one, "value"));
    json_decref(one);
    one = decode_one("st-gs", "OL,GS,+/\r\n");
    json_decref(one);
    assert_true(value_of("st-gs", "ST,GS,+0123456\r\n") == 123456);
    assert_true(value_of("st-gs", "ST,GS,  47.82t\r\n") == 47.82);
    /* as public drivers of this family have them in their comments */
    assert_true(value_of("st-gs", "ST,GS,    -5.3,kg\r\n") == -5.3);
    assert_true(value_of("st-gs", "ST,GS,  +  0.450 kg\r\n") == 0.45);
    assert_true(value_of("st-gs", "ST,GS, 0.0,kg\r\n") == 0);
    /* a torn number is a wrong number */
    assert_int_equal(fault_of("st-gs", "ST,GS,  -5.3,\r\n"), DECODE_VALUE);
    assert_int_equal(fault_of("st-gs", "ST,GS,   -"), DECODE_TRUNCATED);
    assert_int_equal(fault_of("st-gs", "ST,GS,+012"), DECODE_TRUNCATED);
    assert_int_equal(fault_of("st-gs", "ST,GS,+12.\r\n"), DECODE_VALUE);
    assert_int_equal(fault_of("st-gs", "ST,GS,+1 2kg\r\n"), DECODE_VALUE);
    assert_int_equal(fault_of("st-gs", "ST,GS,+kg\r\n"), DECODE_VALUE);
    assert_int_equal(fault_of("st-gs", "ST,XS,+  13.88kg\r\n"), DECODE_VALUE);
    assert_int_equal(fault_of("st-gs", "ZZ,GS,+  13.88kg\r\n"), DECODE_START);
    assert_int_equal(fault_of("st-gs", "ST,GS,+1234567890kg\r\n"),
                     DECODE_VALUE);
}

static void several_lines_give_several_objects(void **state)
{
    struct decode_fault fault = {0};
    json_t *frames = decode_text(
        "scale-ascii", "\r\nST,GS,+  13.88kg\r\nUS,GS,+  14.00kg\r\n", &fault);

    (void)state;
    assert_non_null(frames);
    assert_int_equal(json_array_size(frames), 2);
    json_decref(frames);
    frames = decode_text("scale-ascii", "=51.070=51.070=", &fault);
    assert_non_null(frames);
    assert_int_equal(json_array_size(frames), 2);
    json_decref(frames);
}

static void a_shape_of_no_model_is_refused(void **state)
{
    (void)state;
    assert_int_equal(fault_of("scale-ascii", "hello"), DECODE_START);
    assert_int_equal(fault_of("scale-ascii", "=00004.8"), DECODE_TRUNCATED);
    assert_int_equal(fault_of("scale-ascii", "ww00012"), DECODE_TRUNCATED);
    assert_int_equal(fault_of("scale-ascii", "wx00012kg"), DECODE_START);
}

/* The layout of devices.md 2.4, bit by bit. */
static void toledo_status_words_say_what_their_bits_mean(void **state)
{
    json_t *one;

    (void)state;
    /* SWA 2D: 0.001; SWB 2B: lb, net, negative, moving; SWC 22: tonnes */
    one = decode_one("mt-continuous", "02 2D 2B 22 20 34 37 38 32 30 20 31 35 "
                                      "30 30 30 0D");
    assert_true(json_real_value(json_object_get(one, "value")) == -47.82);
    assert_true(json_real_value(json_object_get(one, "tare")) == 15.0);
    assert_string_equal(json_string_value(json_object_get(one, "unit")), "t");
    assert_string_equal(json_string_value(json_object_get(one, "mode")), "net");
    assert_true(json_is_true(json_object_get(one, "motion")));
    assert_true(json_is_false(json_object_get(one, "kg")));
    json_decref(one);
    /* out of range: SWB bit 2, and then the field may be blank */
    one = decode_one("mt-continuous", "02 2A 34 20 20 20 20 20 20 20 20 20 20 "
                                      "20 20 30 0D");
    assert_true(json_is_true(json_object_get(one, "overload")));
    assert_null(json_object_get(one, "value"));
    json_decref(one);
    assert_int_equal(fault_of("mt-continuous", "02 2A 30 20 20 20 20 20 20 20 "
                                               "20 20 20 20 20 30 0D"),
                     DECODE_VALUE);
}

static void toledo_comes_short_with_parity_and_with_a_check(void **state)
{
    (void)state;
    /* the form without tare */
    assert_true(value_of("mt-continuous", "02 2A 30 20 30 30 30 36 31 30 0D") ==
                610);
    /* even parity in bit 7 of vector 02's bytes: those with an odd number of
     * ones have it set */
    assert_true(value_of("mt-continuous", "82 AA 30 A0 30 30 30 36 B1 30 30 30 "
                                          "30 30 30 30 8D") == 610);
    assert_int_equal(fault_of("mt-continuous", "02 31 30 20 20 20 20 32 30 30 "
                                               "20 20 20 20 30 30 0D 1F"),
                     DECODE_CHECKSUM);
    assert_int_equal(fault_of("mt-continuous", "02 2A 30 20 30 30 2D 36 31 30 "
                                               "30 30 30 30 30 30 0D"),
                     DECODE_VALUE);
    /* one blank more than the layout allows */
    assert_int_equal(fault_of("mt-continuous", "02 2A 30 20 20 20 20 20 36 31 "
                                               "30 20 20 20 20 20 30 0D"),
                     DECODE_LENGTH);
}

/* With the factor 10 it is not known whether the zero is in the field. */
static void a_fixed_zero_leaves_the_value_open(void **state)
{
    json_t *one = decode_one("mt-continuous", "02 31 30 20 20 20 20 31 32 30 "
                                              "20 20 20 20 20 30 0D");

    (void)state;
    assert_null(json_object_get(one, "value"));
    assert_int_equal(json_integer_value(json_object_get(one, "factor")), 10);
    json_decref(one);
}

/* FF, flags, lowest pair first: 2 places, still: 12 34 56 is 5634.12 */
static void a_big_display_has_its_digits_in_pairs(void **state)
{
    json_t *one;

    (void)state;
    one = decode_one("big-display", "FF 12 12 34 56");
    assert_true(json_real_value(json_object_get(one, "value")) == 5634.12);
    assert_true(json_is_true(json_object_get(one, "stable")));
    json_decref(one);
    assert_true(value_of("big-display", "FF 20 80 12 00") == -1280);
    one = decode_one("big-display", "FF 80 00 00 00");
    assert_true(json_is_true(json_object_get(one, "overload")));
    assert_true(json_is_false(json_object_get(one, "stable")));
    json_decref(one);
    assert_int_equal(fault_of("big-display", "FF 12 12 3A 56"), DECODE_VALUE);
    assert_int_equal(fault_of("big-display", "FF 16 12 34 56"), DECODE_VALUE);
    assert_int_equal(fault_of("big-display", "FF 12 12 34"), DECODE_TRUNCATED);
}

/* ---- the reader --------------------------------------------------------- */

static void frames_come_whole_however_they_are_torn(void **state)
{
    (void)state;
    for (size_t step = 1; step <= 36; step++) {
        struct stream s = {.reader.model = &yaohua_continuous};

        stream_feed(&s, Y240 Y140 Y3290, 36, step);
        assert_int_equal(s.count, 3);
        assert_true(s.values[0] == 240);
        assert_true(s.values[1] == 140);
        assert_true(s.values[2] == 3290);
        assert_int_equal(s.reader.noise, 0);
    }
}

static void noise_between_frames_costs_no_frame(void **state)
{
    struct stream s = {.reader.model = &yaohua_continuous};

    (void)state;
    /* a false beginning directly in front of a frame, and half a frame */
    FEED(&s, "\xff\x00\x02\x02" Y240 "\x02+0001" Y140 "\x03\x03" Y3290);
    assert_int_equal(s.count, 3);
    assert_true(s.values[1] == 140);
    assert_int_equal(s.reader.noise, 4 + 6 + 2);
    assert_int_equal(s.reader.bad_checks, 0);
}

static void a_wrong_check_is_counted_and_gives_no_weight(void **state)
{
    struct stream s = {.reader.model = &yaohua_continuous};

    (void)state;
    for (int i = 0; i < 5; i++)
        FEED(&s, "\x02+00924001D\x03" Y240); /* a 9 for a 0 */
    assert_int_equal(s.count, 5);
    assert_true(s.values[4] == 240);
    assert_int_equal(s.reader.bad_checks, 5);
}

static void a_doubled_byte_spoils_one_frame(void **state)
{
    struct stream s = {.reader.model = &yaohua_continuous};

    (void)state;
    FEED(&s, Y240 "\x02+000224001D\x03" Y240);
    assert_int_equal(s.count, 2);
    assert_true(s.values[0] == 240 && s.values[1] == 240);
}

static void an_endless_beginning_does_not_fill_the_reader(void **state)
{
    static const struct scale_model *const all[] = {
        &yaohua_continuous, &yaohua_command, &yaohua_d2,     &xk3118t1,
        &yaohua_a12,        &st_gs,          &mt_continuous, &big_display};
    static const char heap[] = "\x02=wSTO+0 \xff";

    (void)state;
    for (size_t m = 0; m < sizeof all / sizeof all[0]; m++)
        for (size_t c = 0; c < sizeof heap - 1; c++) {
            struct stream s = {.reader.model = all[m]};
            uint8_t flood[256];

            memset(flood, heap[c], sizeof flood);
            for (int i = 0; i < 100; i++)
                stream_feed(&s, flood, sizeof flood, sizeof flood);
            assert_int_equal(s.count, 0);
            assert_true(s.reader.len <= SCALE_FRAME_MAX);
        }
}

/* A byte lost in a text makes another number: 13.88 becomes 1.88. */
static void a_text_counts_when_it_is_as_long_as_the_last(void **state)
{
    struct stream s = {.reader.model = &st_gs};

    (void)state;
    FEED(&s, "ST,GS,+  13.88kg\r\n");
    assert_int_equal(s.count, 0); /* the first: nothing to compare it with */
    FEED(&s, "ST,GS,+  13.88kg\r\nST,GS,+  1.88kg\r\nST,GS,+  13.88kg\r\n"
             "ST,GS,+  13.88kg\r\n");
    assert_int_equal(s.count, 2);
    assert_true(s.values[0] == 13.88 && s.values[1] == 13.88);
    assert_int_equal(s.reader.odd, 3);
    assert_int_equal(s.reader.noise, 0);
}

static void toledo_checks_are_told_from_the_next_frame(void **state)
{
    struct stream without = {.reader.model = &mt_continuous};
    struct stream with = {.reader.model = &mt_continuous};
    struct weight weight;

    (void)state;
    /* vector 02, four times, and then the line is silent */
    FEED(&without, "\x02*0 000610000000\r"
                   "\x02*0 000610000000\r\x02*0 000610000000\r"
                   "\x02*0 000610000000\r");
    assert_int_equal(without.count, 2);
    assert_true(scale_reader_next(&without.reader, true, &weight));
    assert_true(weight_value(&weight) == 610);
    assert_int_equal(without.reader.noise, 0);
    /* vector 01 with its check; the third is damaged */
    FEED(&with, "\x02"
                "10    200    00\r\x1e\x02"
                "10    200    00\r\x1e\x02"
                "10    210    00\r\x1e\x02"
                "10    200    00\r\x1e");
    assert_int_equal(with.count, 2);
    assert_int_equal(with.reader.bad_checks, 1);
}

/* A weight whose check is 02, which is also how a frame begins. */
static void a_check_of_02_is_told_from_a_beginning(void **state)
{
    uint8_t frame[18] = "\x02*0 000000000000\r";
    unsigned sum = 0;
    struct stream with = {.reader.model = &mt_continuous};
    struct stream without = {.reader.model = &mt_continuous};
    struct weight weight;

    (void)state;
    /* raise digits until the sum of the low seven bits is 7E */
    for (size_t i = 0; i < 17; i++)
        sum += frame[i];
    for (size_t i = 9; (sum & 0x7f) != 0x7e; sum++) {
        if (frame[i] == '9')
            i--;
        frame[i]++;
    }
    frame[17] = 0x02;
    for (int i = 0; i < 4; i++)
        stream_feed(&with, frame, 18, 18);
    assert_true(scale_reader_next(&with.reader, true, &weight));
    assert_int_equal(with.count, 2);
    assert_int_equal(with.reader.noise, 0);
    for (int i = 0; i < 4; i++)
        stream_feed(&without, frame, 17, 17);
    assert_true(scale_reader_next(&without.reader, true, &weight));
    assert_int_equal(without.count, 2);
    assert_int_equal(without.reader.noise, 0);
}

static void what_came_before_a_break_is_forgotten(void **state)
{
    struct stream s = {.reader.model = &yaohua_continuous};

    (void)state;
    FEED(&s, "\x02+00024");
    scale_reader_forget(&s.reader);
    FEED(&s, "001D\x03" Y140);
    assert_int_equal(s.count, 1);
    assert_true(s.values[0] == 140);
}

/* ---- units -------------------------------------------------------------- */

static void metric_units_are_converted_and_pounds_are_not(void **state)
{
    double value = 0;

    (void)state;
    assert_true(weight_convert(47.82, UNIT_T, UNIT_KG, &value));
    assert_true(value == 47820);
    assert_true(weight_convert(47820, UNIT_KG, UNIT_T, &value));
    assert_true(value == 47.82);
    assert_true(weight_convert(4782, UNIT_UNSAID, UNIT_LB, &value));
    assert_true(value == 4782);
    assert_false(weight_convert(1, UNIT_LB, UNIT_KG, &value));
    assert_false(weight_convert(1, UNIT_KG, UNIT_LB, &value));
    assert_false(weight_convert(1, UNIT_OTHER, UNIT_KG, &value));
}
