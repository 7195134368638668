#include "device_vectors.h"

#include "modbus_frame.h"

/* The SDM630's reply of 230.2 V (devices.json, modbus-rtu-01). */
#define VOLTS 0x01, 0x04, 0x04, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x38
/* The request that it answers: registers 0 and 1 by function 04, as manuals of
 * that meter print it. */
#define ASK_VOLTS 0x01, 0x04, 0x00, 0x00, 0x00, 0x02, 0x71, 0xCB

static const struct modbus_want want_volts = {
    .unit = 1, .function = 4, .count = 2};

static enum scan scan(const uint8_t *bytes, size_t len,
                      const struct modbus_want *want,
                      struct modbus_frame *frame, struct decode_fault *fault)
{
    return modbus_rtu_scan(span_of(bytes, len), want, frame, fault);
}

static void every_frame_seen_in_public_gives_its_values(void **state)
{
    (void)state;
    assert_int_equal(
        vectors_check("devices.json", &modbus_rtu_protocol, vector_fault), 25);
}

static void every_made_frame_gives_its_values_or_its_fault(void **state)
{
    (void)state;
    assert_int_equal(
        vectors_check("meter_frames.json", &modbus_rtu_protocol, vector_fault),
        15);
    assert_int_equal(
        vectors_check("meter_frames.json", &modbus_tcp_protocol, vector_fault),
        9);
}

static void the_crc_is_that_of_the_catalogue(void **state)
{
    (void)state;
    /* CRC-16/MODBUS, check value of the CRC catalogue */
    assert_int_equal(modbus_crc(span_text("123456789")), 0x4B37);
}

static void a_request_is_made_as_the_maker_prints_it(void **state)
{
    static const uint8_t expected[] = {ASK_VOLTS};
    /* the example of "Modbus Messaging on TCP/IP", 1.0b */
    static const uint8_t expected_tcp[] = {0x15, 0x01, 0x00, 0x00, 0x00, 0x06,
                                           0xFF, 0x03, 0x00, 0x04, 0x00, 0x01};
    uint8_t rtu[MODBUS_ASK_RTU_BYTES];
    uint8_t tcp[MODBUS_ASK_TCP_BYTES];

    (void)state;
    modbus_rtu_ask(1, 4, 0, 2, rtu);
    assert_memory_equal(rtu, expected, sizeof expected);
    modbus_tcp_ask(0x1501, 0xFF, 3, 4, 1, tcp);
    assert_memory_equal(tcp, expected_tcp, sizeof expected_tcp);
}

static void a_reply_between_glitches_is_found(void **state)
{
    static const uint8_t bytes[] = {0x00, VOLTS, 0x00};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(scan(bytes, sizeof bytes, &want_volts, &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.noise, 1);
    assert_int_equal(frame.size, 9);
    assert_int_equal(frame.data.len, 4);
    assert_int_equal(modbus_word(frame.data, 0), 0x4366);
    assert_int_equal(modbus_word(frame.data, 1), 0x3334);
}

static void a_glitch_of_the_units_own_number_costs_nothing(void **state)
{
    static const uint8_t bytes[] = {0x01, VOLTS};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(scan(bytes, sizeof bytes, &want_volts, &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.noise, 1);
}

static void the_echo_of_the_request_is_noise(void **state)
{
    static const uint8_t bytes[] = {ASK_VOLTS, VOLTS};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(scan(bytes, sizeof bytes, &want_volts, &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.shape, MODBUS_DATA);
    assert_int_equal(frame.noise, 8);
}

static void every_beginning_of_a_reply_asks_for_more(void **state)
{
    static const uint8_t bytes[] = {VOLTS};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    for (size_t len = 0; len < sizeof bytes; len++) {
        uint8_t *part = malloc(len + 1);

        memcpy(part, bytes, len);
        assert_int_equal(scan(part, len, &want_volts, &frame, &fault),
                         SCAN_MORE);
        assert_int_equal(frame.noise, 0);
        free(part);
    }
}

static void any_one_wrong_bit_is_noticed(void **state)
{
    static const uint8_t bytes[] = {VOLTS};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        uint8_t wrong[sizeof bytes];

        memcpy(wrong, bytes, sizeof bytes);
        wrong[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(
            scan(wrong, sizeof wrong, &want_volts, &frame, &fault), SCAN_FRAME);
    }
}

static void a_wrong_check_tells_the_right_one(void **state)
{
    static const uint8_t bytes[] = {0x01, 0x04, 0x04, 0x43, 0x66,
                                    0x33, 0x34, 0x1B, 0x39};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(scan(bytes, sizeof bytes, &want_volts, &frame, &fault),
                     SCAN_NONE);
    assert_int_equal(fault.kind, DECODE_CHECKSUM);
    assert_int_equal(fault.offset, 7);
    assert_non_null(strstr(fault.text, "1B 39"));
    assert_non_null(strstr(fault.text, "1B 38"));
}

static void another_units_reply_is_not_taken(void **state)
{
    static const struct modbus_want other = {
        .unit = 2, .function = 4, .count = 2};
    static const uint8_t bytes[] = {VOLTS};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(scan(bytes, sizeof bytes, &other, &frame, &fault),
                     SCAN_NONE);
    assert_int_equal(frame.noise, sizeof bytes);
    assert_int_equal(fault.kind, DECODE_START);
}

static void a_reply_of_another_count_is_not_taken(void **state)
{
    static const struct modbus_want more = {
        .unit = 1, .function = 4, .count = 4};
    static const uint8_t bytes[] = {VOLTS};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_not_equal(scan(bytes, sizeof bytes, &more, &frame, &fault),
                         SCAN_FRAME);
}

static void an_exception_answers_too(void **state)
{
    static const struct modbus_want want = {
        .unit = 1, .function = 3, .count = 2};
    /* devices.json, modbus-rtu-04 */
    static const uint8_t bytes[] = {0x01, 0x83, 0x02, 0xC0, 0xF1};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(scan(bytes, sizeof bytes, &want, &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.shape, MODBUS_EXCEPTION);
    assert_int_equal(frame.exception, 2);
    assert_non_null(strstr(modbus_exception_text(2), "address"));
}

/* A reply that fits the example of "Modbus Messaging on TCP/IP", 1.0b. */
#define TCP_REPLY                                                              \
    0x15, 0x01, 0x00, 0x00, 0x00, 0x05, 0xFF, 0x03, 0x02, 0x00, 0x05
static const struct modbus_want want_tcp = {
    .unit = 0xFF, .function = 3, .count = 1, .transaction = 0x1501};

static void a_tcp_reply_is_taken_whole_only(void **state)
{
    static const uint8_t bytes[] = {TCP_REPLY};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_int_equal(
            modbus_tcp_scan(span_of(bytes, len), &want_tcp, &frame, &fault),
            SCAN_MORE);
    assert_int_equal(modbus_tcp_scan(span_of(bytes, sizeof bytes), &want_tcp,
                                     &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(modbus_word(frame.data, 0), 5);
    assert_int_equal(frame.unit, 0xFF);
}

static void a_late_tcp_reply_is_passed_over(void **state)
{
    static const uint8_t bytes[] = {0x15, 0x00, 0x00, 0x00, 0x00, 0x05,
                                    0xFF, 0x03, 0x02, 0x00, 0x09, TCP_REPLY};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(modbus_tcp_scan(span_of(bytes, sizeof bytes), &want_tcp,
                                     &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.noise, 11);
    assert_int_equal(frame.transaction, 0x1501);
    assert_int_equal(modbus_word(frame.data, 0), 5);
    /* and alone it is nothing to keep */
    assert_int_equal(
        modbus_tcp_scan(span_of(bytes, 11), &want_tcp, &frame, &fault),
        SCAN_MORE);
    assert_int_equal(frame.noise, 11);
}

static void what_is_no_tcp_header_ends_the_connection(void **state)
{
    static const uint8_t protocol[] = {0x15, 0x01, 0x00, 0x01, 0x00, 0x05,
                                       0xFF, 0x03, 0x02, 0x00, 0x05};
    static const uint8_t length[] = {0x15, 0x01, 0x00, 0x00, 0xFF, 0xFF, 0xFF};
    struct decode_fault fault;
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(modbus_tcp_scan(span_of(protocol, sizeof protocol),
                                     &want_tcp, &frame, &fault),
                     SCAN_NONE);
    assert_int_equal(fault.kind, DECODE_START);
    assert_int_equal(modbus_tcp_scan(span_of(length, sizeof length), &want_tcp,
                                     &frame, &fault),
                     SCAN_NONE);
    assert_int_equal(fault.kind, DECODE_LENGTH);
}

static json_t *decoded(const struct decode_protocol *protocol,
                       struct span bytes, bool *good)
{
    struct decode_fault fault = {DECODE_NONE, 0, ""};
    json_t *frames = json_array();

    *good = protocol->decode(bytes, NULL, frames, &fault);
    return frames;
}

static void two_frames_and_a_glitch_decode_as_two(void **state)
{
    static const uint8_t bytes[] = {0x00, ASK_VOLTS, 0x00, VOLTS, 0x00};
    bool good;
    json_t *frames =
        decoded(&modbus_rtu_protocol, span_of(bytes, sizeof bytes), &good);

    (void)state;
    assert_true(good);
    assert_int_equal(json_array_size(frames), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(frames, 0), "kind")),
        "read request");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(frames, 1), "kind")),
        "read reply");
    json_decref(frames);
}

static void a_float_that_is_no_number_is_not_told(void **state)
{
    static const uint8_t start[] = {0x01, 0x03, 0x04, 0x7F, 0xC0, 0x00, 0x00};
    uint16_t crc = modbus_crc(span_of(start, sizeof start));
    uint8_t bytes[9];
    bool good;
    json_t *frames;

    (void)state;
    memcpy(bytes, start, sizeof start);
    bytes[7] = (uint8_t)crc;
    bytes[8] = (uint8_t)(crc >> 8);
    frames = decoded(&modbus_rtu_protocol, span_of(bytes, sizeof bytes), &good);
    assert_true(good);
    assert_null(json_object_get(json_array_get(frames, 0), "float"));
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(frames, 0), "u32")),
        0x7FC00000);
    json_decref(frames);
}
