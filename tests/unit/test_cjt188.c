/* CJ/T 188: frames seen in public and made ones, requests, noise, orders. */
#include "device_vectors.h"

#include "cjt188.h"
#include "protocols.h"

static const struct decode_protocol *protocol(void)
{
    for (size_t i = 0; i < METER_PROTOCOLS; i++)
        if (strcmp(meter_protocols[i].name, "cjt188") == 0)
            return &meter_protocols[i];
    fail_msg("no such protocol");
    return NULL;
}

static void every_frame_seen_in_public_gives_its_values(void **state)
{
    (void)state;
    assert_int_equal(vectors_check("devices.json", protocol(), vector_fault),
                     11);
}

static void every_made_frame_gives_its_values_or_its_fault(void **state)
{
    (void)state;
    assert_true(vectors_check("meter_frames.json", protocol(), vector_fault) >
                10);
}

static struct cjt188_address address(const char *text)
{
    struct cjt188_address read;

    assert_true(cjt188_address_read(text, &read));
    return read;
}

static void check_request(const char *id, const struct cjt188_request *request)
{
    json_t *all = vectors_load("devices.json");
    json_t *vector;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(all, "vectors"), i, vector)
    {
        size_t len;
        uint8_t *bytes;
        size_t fe = 0;

        if (strcmp(vector_text(vector, "id"), id) != 0)
            continue;
        found = true;
        bytes = vector_bytes(vector, &len);
        while (bytes[fe] == 0xFE)
            fe++;
        assert_int_equal(request->len - 4, len - fe);
        assert_memory_equal(request->bytes + 4, bytes + fe, len - fe);
        free(bytes);
    }
    assert_true(found);
    json_decref(all);
}

static void requests_are_those_seen_in_public(void **state)
{
    struct cjt188_address meter = address("78330011223344");
    struct cjt188_request request;

    (void)state;
    cjt188_ask_data(0x10, &meter, CJT188_1F_90, 0, &request);
    check_request("cjt188-01", &request);
    cjt188_ask_data(0x10, &cjt188_anybody, CJT188_90_1F, 0x90, &request);
    check_request("cjt188-10", &request);
    cjt188_ask_address(0x10, &cjt188_anybody, 0xA7, &request);
    check_request("cjt188-07", &request);
    cjt188_ask_address(0x10, &cjt188_anybody, 0x02, &request);
    check_request("cjt188-08", &request);
}

static void an_address_is_what_the_label_says(void **state)
{
    static const char *const bad[] = {"", "123456789012345", "12 4", "12G4",
                                      "-1"};
    struct cjt188_address read = address("5011223344");
    char text[CJT188_ADDRESS_TEXT];

    (void)state;
    cjt188_address_print(&read, text);
    assert_string_equal(text, "00005011223344");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(cjt188_address_read(bad[i], &read));
}

static void whoever_is_asked_for_anybody_fits(void **state)
{
    struct cjt188_address one = address("78330011223344");
    struct cjt188_address other = address("78330011223345");

    (void)state;
    assert_true(cjt188_address_fits(&cjt188_anybody, &one));
    assert_true(cjt188_address_fits(&one, &one));
    assert_false(cjt188_address_fits(&one, &other));
}

/* 123.00 m3 (devices.json, cjt188-03). */
static const uint8_t water[] = {
    0x68, 0x10, 0x01, 0x00, 0x00, 0x05, 0x08, 0x00, 0x00, 0x81, 0x16, 0x90,
    0x1F, 0x00, 0x00, 0x23, 0x01, 0x00, 0x2C, 0x00, 0x00, 0x00, 0x00, 0x2C,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x48, 0x16};

static void every_beginning_of_a_frame_asks_for_more(void **state)
{
    struct cjt188_frame frame;
    struct decode_fault fault;

    (void)state;
    for (size_t len = 0; len < sizeof water; len++) {
        uint8_t *part = malloc(len + 1);

        memcpy(part, water, len);
        assert_int_equal(cjt188_scan(span_of(part, len), &frame, &fault),
                         SCAN_MORE);
        free(part);
    }
}

static void any_one_wrong_bit_is_noticed(void **state)
{
    struct cjt188_frame frame;
    struct decode_fault fault;

    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof water; bit++) {
        uint8_t bytes[sizeof water];

        memcpy(bytes, water, sizeof water);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_not_equal(
            cjt188_scan(span_of(bytes, sizeof bytes), &frame, &fault),
            SCAN_FRAME);
    }
}

static void a_frame_is_found_behind_noise_and_its_own_echo(void **state)
{
    struct cjt188_address meter = address("00000805000001");
    struct cjt188_request request;
    struct cjt188_frame frame;
    struct decode_fault fault;
    uint8_t bytes[128] = {0xFF, 0x00, 0x68, 0x10};
    size_t len = 4;

    (void)state;
    cjt188_ask_data(0x10, &meter, CJT188_90_1F, 0, &request);
    memcpy(bytes + len, request.bytes, request.len);
    len += request.len;
    memcpy(bytes + len, water, sizeof water);
    len += sizeof water;
    assert_int_equal(cjt188_scan(span_of(bytes, len), &frame, &fault),
                     SCAN_FRAME);
    assert_true(cjt188_is_request(&frame));
    len -= frame.noise + frame.size;
    memmove(bytes, bytes + frame.noise + frame.size, len);
    assert_int_equal(cjt188_scan(span_of(bytes, len), &frame, &fault),
                     SCAN_FRAME);
    assert_false(cjt188_is_request(&frame));
    assert_true(cjt188_address_fits(&meter, &frame.address));
}

static void water_gives_its_volume_and_no_clock_of_zeros(void **state)
{
    struct register_values *values = calloc(1, sizeof *values);
    struct cjt188_frame frame;
    struct decode_fault fault;
    char text[DECIMAL_TEXT_MAX];

    (void)state;
    assert_non_null(values);
    assert_int_equal(cjt188_scan(span_of(water, sizeof water), &frame, &fault),
                     SCAN_FRAME);
    assert_true(cjt188_read(&frame, values, &fault));
    assert_non_null(register_value(values, "volume_m3"));
    decimal_print(register_value(values, "volume_m3")->number, text);
    assert_string_equal(text, "123.00");
    assert_false(register_clock_valid(&values->clock));
    free(values);
}
