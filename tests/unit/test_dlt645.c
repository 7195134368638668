#include "device_vectors.h"

#include "dlt645.h"
#include "protocols.h"

static const struct decode_protocol *protocol_of(const char *name)
{
    for (size_t i = 0; i < METER_PROTOCOLS; i++)
        if (strcmp(meter_protocols[i].name, name) == 0)
            return &meter_protocols[i];
    fail_msg("%s is no protocol", name);
    return NULL;
}

/* Of devices.json's negative cases, which does not say it itself. */
static const char *public_fault(const json_t *vector)
{
    const char *id = vector_text(vector, "id");

    if (strcmp(id, "dlt645-2007-12") == 0)
        return "checksum";
    if (strcmp(id, "dlt645-2007-29") == 0)
        return "value";
    return "none";
}

static void every_frame_seen_in_public_gives_its_values(void **state)
{
    (void)state;
    assert_int_equal(
        vectors_check("devices.json", protocol_of("dlt645-2007"), public_fault),
        36);
    assert_int_equal(
        vectors_check("devices.json", protocol_of("dlt645-1997"), public_fault),
        7);
}

static void every_made_frame_gives_its_values_or_its_fault(void **state)
{
    (void)state;
    assert_int_equal(vectors_check("meter_frames.json",
                                   protocol_of("dlt645-2007"), vector_fault),
                     55);
    assert_int_equal(vectors_check("meter_frames.json",
                                   protocol_of("dlt645-1997"), vector_fault),
                     27);
}

/* ---- addresses ----------------------------------------------------------- */

static struct dlt645_address address(const char *text)
{
    struct dlt645_address read;

    assert_true(dlt645_address_read(text, &read));
    return read;
}

static void an_address_is_the_number_on_the_label(void **state)
{
    static const uint8_t wire[] = {0x12, 0x90, 0x78, 0x56, 0x34, 0x12};
    struct dlt645_address read = address("123456789012");
    char text[DLT645_ADDRESS_TEXT];

    (void)state;
    assert_memory_equal(read.bytes, wire, sizeof wire);
    dlt645_address_print(&read, text);
    assert_string_equal(text, "123456789012");
    read = address("161");
    dlt645_address_print(&read, text);
    assert_string_equal(text, "000000000161");
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",  "1234567890123", "12345678901x", "1A",
        "A", "0x12",          " 161",         "AAAAAAAAAAA1"};
    struct dlt645_address read;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(dlt645_address_read(wrong[i], &read));
}

static void a_wildcard_fits_every_byte(void **state)
{
    struct dlt645_address meter = address("123456789012");
    struct dlt645_address near = address("AAAAAAAA9012");
    struct dlt645_address far = address("AAAAAAAA9013");
    struct dlt645_address all = address("999999999999");

    (void)state;
    assert_true(dlt645_address_fits(&dlt645_anybody, &meter));
    assert_true(dlt645_address_fits(&near, &meter));
    assert_false(dlt645_address_fits(&far, &meter));
    assert_true(dlt645_address_fits(&all, &meter));
    assert_true(dlt645_address_fits(&meter, &meter));
}

/* ---- requests ------------------------------------------------------------ */

/* The request equals the frame of devices.json (or meter_frames.json). */
static void check_request(const char *file, const char *id,
                          const struct dlt645_request *request)
{
    json_t *all = vectors_load(file);
    json_t *vector;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(all, "vectors"), i, vector)
    {
        size_t len;
        size_t preamble;
        uint8_t *bytes;

        if (strcmp(vector_text(vector, "id"), id) != 0)
            continue;
        found = true;
        bytes = vector_bytes(vector, &len);
        for (preamble = 0; bytes[preamble] == 0xFE;)
            preamble++;
        assert_int_equal(request->len - 4, len - preamble);
        assert_memory_equal(request->bytes, "\xFE\xFE\xFE\xFE", 4);
        assert_memory_equal(request->bytes + 4, bytes + preamble,
                            len - preamble);
        free(bytes);
    }
    assert_true(found);
    json_decref(all);
}

static void requests_are_those_seen_in_public(void **state)
{
    struct dlt645_address meter = address("123456789012");
    struct dlt645_request request;

    (void)state;
    dlt645_ask_data(DLT645_2007, &meter, 0x00010000, &request);
    check_request("devices.json", "dlt645-2007-10", &request);
    dlt645_ask_address(DLT645_2007, &dlt645_anybody, &request);
    check_request("devices.json", "dlt645-2007-31", &request);
    dlt645_ask_data(DLT645_1997, &meter, 0x9010, &request);
    check_request("devices.json", "dlt645-1997-02", &request);
    dlt645_ask_address(DLT645_1997, &dlt645_anybody, &request);
    check_request("devices.json", "dlt645-1997-05", &request);
    meter = address("202311070042");
    dlt645_ask_following(DLT645_2007, &meter, 0x0001FF00, 1, &request);
    check_request("meter_frames.json", "made-dlt645-2007-27", &request);
    dlt645_ask_following(DLT645_1997, &meter, 0x901F, 1, &request);
    check_request("meter_frames.json", "made-dlt645-1997-21", &request);
}

/* ---- scanning ------------------------------------------------------------ */

/* Ua 100.1 V (devices.json, dlt645-2007-02). */
#define VOLTS                                                                  \
    0x68, 0x61, 0x01, 0x00, 0x00, 0x00, 0x00, 0x68, 0x91, 0x06, 0x33, 0x34,    \
        0x34, 0x35, 0x34, 0x43, 0x10, 0x16

static void every_beginning_of_a_frame_asks_for_more(void **state)
{
    static const uint8_t bytes[] = {VOLTS};
    struct dlt645_frame frame;
    struct decode_fault fault;

    (void)state;
    for (size_t len = 0; len < sizeof bytes; len++) {
        uint8_t *part = malloc(len + 1);

        memcpy(part, bytes, len);
        assert_int_equal(dlt645_scan(span_of(part, len), &frame, &fault),
                         SCAN_MORE);
        assert_int_equal(frame.noise, 0);
        free(part);
    }
}

static void noise_is_dropped_up_to_what_may_begin_a_frame(void **state)
{
    static const uint8_t bytes[] = {0xFE, 0xFE, 0x16, 0x68, 0x61, 0x01};
    static const uint8_t noise[] = {0xFE, 0x68, 1, 2, 3, 4, 5, 6, 7, 8};
    struct dlt645_frame frame;
    struct decode_fault fault;

    (void)state;
    assert_int_equal(dlt645_scan(span_of(bytes, sizeof bytes), &frame, &fault),
                     SCAN_MORE);
    assert_int_equal(frame.noise, 3);
    assert_int_equal(fault.kind, DECODE_TRUNCATED);
    assert_int_equal(dlt645_scan(span_of(noise, sizeof noise), &frame, &fault),
                     SCAN_NONE);
    assert_int_equal(frame.noise, sizeof noise);
}

static void any_one_wrong_bit_is_noticed(void **state)
{
    static const uint8_t bytes[] = {VOLTS};
    struct dlt645_frame frame;
    struct decode_fault fault;

    (void)state;
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        uint8_t wrong[sizeof bytes];

        memcpy(wrong, bytes, sizeof bytes);
        wrong[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(
            dlt645_scan(span_of(wrong, sizeof wrong), &frame, &fault),
            SCAN_FRAME);
    }
}

static void a_beginning_that_claims_much_costs_no_frame(void **state)
{
    /* 68 .. 68 91 FF in the noise claims 267 bytes */
    static const uint8_t bytes[] = {0x68, 1,    2,    3,    4,    5,
                                    6,    0x68, 0x91, 0xFF, VOLTS};
    struct dlt645_frame frame;
    struct decode_fault fault;

    (void)state;
    assert_int_equal(dlt645_scan(span_of(bytes, sizeof bytes), &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.noise, 10);
    assert_int_equal(frame.size, 18);
}

static void bytes_come_one_by_one(void **state)
{
    static const uint8_t stream[] = {0x00, 0x68,  0x68, 0xFE, VOLTS,
                                     0x68, VOLTS, 0x16, 0xFE, VOLTS};
    uint8_t held[64];
    struct dlt645_frame frame;
    struct decode_fault fault;
    size_t len = 0;
    int frames = 0;

    (void)state;
    for (size_t i = 0; i < sizeof stream; i++) {
        size_t drop = 0;
        enum scan scan;

        held[len++] = stream[i];
        scan = dlt645_scan(span_of(held, len), &frame, &fault);
        drop = frame.noise + (scan == SCAN_FRAME ? frame.size : 0);
        frames += scan == SCAN_FRAME;
        assert_true(drop <= len);
        memmove(held, held + drop, len - drop);
        len -= drop;
    }
    assert_int_equal(frames, 3);
}

static void a_damaged_frame_is_told_of(void **state)
{
    static const uint8_t bytes[] = {0x68, 0x61, 0x01, 0x00, 0x00, 0x00, 0x00,
                                    0x68, 0x91, 0x06, 0x33, 0x34, 0x34, 0x35,
                                    0x34, 0x44, 0x10, 0x16, VOLTS};
    struct dlt645_frame frame;
    struct decode_fault fault;

    (void)state;
    assert_int_equal(dlt645_scan(span_of(bytes, sizeof bytes), &frame, &fault),
                     SCAN_FRAME);
    assert_int_equal(frame.noise, 18);
    assert_int_equal(fault.kind, DECODE_CHECKSUM);
    assert_int_equal(fault.offset, 16);
    assert_non_null(strstr(fault.text, "is 10"));
    assert_non_null(strstr(fault.text, "is 11"));
}

/* ---- gathering ----------------------------------------------------------- */

/* A frame as it is after the scan. */
static struct dlt645_frame frame_of(const char *meter, uint8_t control,
                                    const char *data, size_t len)
{
    struct dlt645_frame frame = {.control = control, .length = (uint8_t)len};

    frame.address = address(meter);
    memcpy(frame.data, data, len);
    return frame;
}

#define METER "202311070042"
#define DI "\x00\xFF\x01\x00" /* 0001FF00 */

static void a_reply_in_three_frames_becomes_one(void **state)
{
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct register_values values = {.count = 0};
    struct dlt645_frame frame;

    (void)state;
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    frame = frame_of(METER, 0xB1, DI "\x78\x56\x34", 7);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_MORE);
    assert_int_equal(gather.next, 1);
    frame = frame_of(METER, 0xB2, DI "\x12\x01\x00\x01", 8);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_MORE);
    assert_int_equal(gather.next, 2);
    /* the first once more, as a repeat on a slow line */
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_IGNORED);
    frame = frame_of(METER, 0x92, DI "\x00\x01\x02", 7);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_WHOLE);
    assert_int_equal(gather.len, 8);
    assert_true(dlt645_read(DLT645_2007, 0x0001FF00,
                            span_of(gather.payload, gather.len), &values,
                            &fault));
    assert_int_equal(values.count, 2);
    assert_int_equal(register_value(&values, "import_kwh")->number.unscaled,
                     12345678);
    assert_int_equal(
        register_value(&values, "import_tariff_1_kwh")->number.unscaled,
        1000001);
}

static void the_1997_edition_follows_without_numbers(void **state)
{
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct dlt645_frame frame;

    (void)state;
    dlt645_gather_start(&gather, DLT645_1997, &dlt645_anybody, 0x901F);
    frame = frame_of(METER, 0xA1, "\x1F\x90\x78\x56", 4);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_MORE);
    frame = frame_of(METER, 0x82, "\x1F\x90\x34\x12", 4);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_WHOLE);
    assert_int_equal(gather.len, 4);
    assert_memory_equal(gather.payload, "\x78\x56\x34\x12", 4);
}

static void what_answers_something_else_is_ignored(void **state)
{
    struct dlt645_address asked = address(METER);
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct dlt645_frame frame;

    (void)state;
    dlt645_gather_start(&gather, DLT645_2007, &asked, 0x0001FF00);
    /* our own request */
    frame = frame_of(METER, 0x11, DI, 4);
    assert_true(dlt645_is_request(&frame));
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_IGNORED);
    /* another meter */
    frame = frame_of("202311070043", 0x91, DI "\x78\x56\x34\x12", 8);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_IGNORED);
    /* the late answer to another identifier */
    frame = frame_of(METER, 0x91, "\x00\x00\x01\x00\x78\x56\x34\x12", 8);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_IGNORED);
    /* a following frame that nobody asked for */
    frame = frame_of(METER, 0x92, DI "\x78\x01", 6);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_IGNORED);
    assert_int_equal(gather.len, 0);
}

static void whoever_began_must_go_on(void **state)
{
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct dlt645_frame frame;

    (void)state;
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    frame = frame_of(METER, 0xB1, DI "\x78", 5);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_MORE);
    frame = frame_of("202311070043", 0x92, DI "\x78\x01", 6);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_IGNORED);
}

static void a_refusal_has_its_words(void **state)
{
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct dlt645_frame frame = frame_of(METER, 0xD1, "\x02", 1);
    char why[DECODE_TEXT_MAX];
    bool no_such_data;

    (void)state;
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_REFUSED);
    assert_non_null(strstr(fault.text, "no such data"));
    assert_true(dlt645_is_refusal(DLT645_2007, &frame, why, &no_such_data));
    assert_true(no_such_data);
    frame.data[0] = 0x06;
    assert_true(dlt645_is_refusal(DLT645_2007, &frame, why, &no_such_data));
    assert_false(no_such_data);
    assert_string_equal(why, "no such data, wrong password or not authorised");
    frame.data[0] = 0xFF;
    assert_true(dlt645_is_refusal(DLT645_2007, &frame, why, &no_such_data));
    frame.control = 0x91;
    assert_false(dlt645_is_refusal(DLT645_2007, &frame, why, &no_such_data));
}

static void frames_without_end_are_refused(void **state)
{
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct dlt645_frame frame = frame_of(METER, 0xB1, DI, 4);
    enum dlt645_news news;
    unsigned frames = 0;

    (void)state;
    /* nothing, and more */
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_WRONG);
    assert_int_equal(fault.kind, DECODE_LENGTH);
    /* ever more */
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    frame.length = 200;
    do {
        news = dlt645_gather(&gather, &frame, &fault);
        frame.control = 0xB2;
        frame.data[199] = gather.next;
        assert_true(++frames < 300);
    } while (news == DLT645_MORE);
    assert_int_equal(news, DLT645_WRONG);
    assert_int_equal(fault.kind, DECODE_LIMIT);
    assert_int_equal(frames, 6); /* five of 195 or 196 bytes have room */
    /* one byte at a time */
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    frame.control = 0xB1;
    frame.length = 5;
    frames = 0;
    do {
        news = dlt645_gather(&gather, &frame, &fault);
        frame.control = 0xB2;
        frame.length = 6;
        frame.data[5] = gather.next;
        assert_true(++frames < 300);
    } while (news == DLT645_MORE);
    assert_int_equal(news, DLT645_WRONG);
    assert_int_equal(frames, 256);
}

static void a_frame_number_that_leaps_is_wrong(void **state)
{
    struct dlt645_gather gather;
    struct decode_fault fault;
    struct dlt645_frame frame = frame_of(METER, 0xB1, DI "\x78", 5);

    (void)state;
    dlt645_gather_start(&gather, DLT645_2007, &dlt645_anybody, 0x0001FF00);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_MORE);
    frame = frame_of(METER, 0x92, DI "\x78\x02", 6);
    assert_int_equal(dlt645_gather(&gather, &frame, &fault), DLT645_WRONG);
    assert_int_equal(fault.kind, DECODE_VALUE);
}

/* ---- values -------------------------------------------------------------- */

static void what_fails_adds_nothing(void **state)
{
    /* the second voltage has a letter */
    static const uint8_t payload[] = {0x01, 0x23, 0x0A, 0x23, 0x98, 0x22};
    struct register_values values = {.count = 0};
    struct decode_fault fault;

    (void)state;
    assert_false(dlt645_read(DLT645_2007, 0x0201FF00,
                             span_of(payload, sizeof payload), &values,
                             &fault));
    assert_int_equal(fault.kind, DECODE_VALUE);
    assert_int_equal(fault.offset, 2);
    assert_int_equal(values.count, 0);
    assert_false(dlt645_read(DLT645_2007, 0x12345678,
                             span_of(payload, sizeof payload), &values,
                             &fault));
    assert_int_equal(fault.kind, DECODE_UNKNOWN);
}

static void date_and_time_make_one_clock(void **state)
{
    static const uint8_t date[] = {0x05, 0x20, 0x11, 0x26};
    static const uint8_t time[] = {0x45, 0x30, 0x08};
    struct register_values values = {.count = 0};
    struct decode_fault fault;

    (void)state;
    assert_true(dlt645_read(DLT645_2007, dlt645_di_date(DLT645_2007),
                            span_of(date, 4), &values, &fault));
    assert_true(values.clock.has_date);
    assert_false(values.clock.has_time);
    assert_true(dlt645_read(DLT645_2007, dlt645_di_time(DLT645_2007),
                            span_of(time, 3), &values, &fault));
    assert_true(values.clock.has_date);
    assert_int_equal(values.clock.year, 2026);
    assert_int_equal(values.clock.month, 11);
    assert_int_equal(values.clock.day, 20);
    assert_int_equal(values.clock.hour, 8);
    assert_int_equal(values.clock.minute, 30);
    assert_int_equal(values.clock.second, 45);
    assert_int_equal(dlt645_di_date(DLT645_1997), 0xC010);
    assert_int_equal(dlt645_di_time(DLT645_1997), 0xC011);
}

/* ---- identifiers --------------------------------------------------------- */

static void a_register_has_its_identifier_in_each_edition(void **state)
{
    static const struct {
        const char *name;
        uint32_t di_2007, di_1997;
    } pairs[] = {
        {"import_kwh", 0x00010000, 0x9010},
        {"export_kwh", 0x00020000, 0x9020},
        {"reactive_1_kvarh", 0x00030000, 0x9110},
        {"reactive_2_kvarh", 0x00040000, 0x9120},
        {"import_tariff_3_kwh", 0x00010300, 0x9013},
        {"voltage_a_v", 0x02010100, 0xB611},
        {"voltage_c_v", 0x02010300, 0xB613},
        {"current_b_a", 0x02020200, 0xB622},
        {"active_power_kw", 0x02030000, 0xB630},
        {"active_power_c_kw", 0x02030300, 0xB633},
        {"reactive_power_kvar", 0x02040000, 0xB640},
        {"power_factor_a", 0x02060100, 0xB651},
        {"import_demand_kw", 0x01010000, 0xA010},
        {"apparent_power_kva", 0x02050000, DLT645_NO_DI},
        {"frequency_hz", 0x02800002, DLT645_NO_DI},
        {"combined_kwh", 0x00000000, DLT645_NO_DI},
        {"import_tariff_15_kwh", 0x00010F00, DLT645_NO_DI},
        {"volume_m3", DLT645_NO_DI, DLT645_NO_DI},
        {"", DLT645_NO_DI, DLT645_NO_DI},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(dlt645_di_of(DLT645_2007, pairs[i].name),
                         pairs[i].di_2007);
        assert_int_equal(dlt645_di_of(DLT645_1997, pairs[i].name),
                         pairs[i].di_1997);
    }
}

static void two_of_a_block_are_asked_for_at_once(void **state)
{
    static const char *const names[] = {"import_kwh",  "voltage_a_v",
                                        "voltage_b_v", "frequency_hz",
                                        "voltage_c_v", "current_a_a"};
    static const char *const twice[] = {"voltage_a_v", "voltage_a_v"};
    static const char *const wrong[] = {"import_kwh", "volume_m3"};
    uint32_t dis[DLT645_PLAN_MAX];
    const char *unknown;
    size_t count;

    (void)state;
    assert_true(dlt645_plan(DLT645_2007, names, 6, dis, &count, &unknown));
    assert_int_equal(count, 4);
    assert_int_equal(dis[0], 0x00010000);
    assert_int_equal(dis[1], 0x0201FF00);
    assert_int_equal(dis[2], 0x02800002);
    assert_int_equal(dis[3], 0x02020100);
    assert_true(dlt645_plan(DLT645_2007, twice, 2, dis, &count, &unknown));
    assert_int_equal(count, 1);
    assert_int_equal(dis[0], 0x02010100);
    assert_false(dlt645_plan(DLT645_2007, wrong, 2, dis, &count, &unknown));
    assert_string_equal(unknown, "volume_m3");
    assert_false(dlt645_plan(DLT645_1997, names, 6, dis, &count, &unknown));
    assert_string_equal(unknown, "frequency_hz");
    assert_true(dlt645_plan(DLT645_2007, NULL, 0, dis, &count, &unknown));
    assert_int_equal(count, 0);
}

static void a_block_has_members_to_ask_for_instead(void **state)
{
    uint32_t members[DLT645_MEMBERS_MAX];

    (void)state;
    assert_int_equal(dlt645_members(DLT645_2007, 0x0201FF00, members), 3);
    assert_int_equal(members[0], 0x02010100);
    assert_int_equal(members[2], 0x02010300);
    assert_int_equal(dlt645_members(DLT645_2007, 0x0203FF00, members), 4);
    assert_int_equal(members[0], 0x02030000);
    assert_int_equal(dlt645_members(DLT645_2007, 0x0001FF00, members), 64);
    assert_int_equal(members[4], 0x00010400);
    assert_int_equal(dlt645_members(DLT645_1997, 0xB61F, members), 3);
    assert_int_equal(members[1], 0xB612);
    assert_int_equal(dlt645_members(DLT645_2007, 0x00010000, members), 0);
    assert_int_equal(dlt645_members(DLT645_2007, 0x12345678, members), 0);
}

/* ---- who is on the bus --------------------------------------------------- */

/* What a bus with these meters lets one hear. */
static enum dlt645_heard bus_answers(const char *const *meters, size_t count,
                                     const struct dlt645_address *asked,
                                     const char **who)
{
    size_t answers = 0;

    for (size_t i = 0; i < count; i++) {
        struct dlt645_address meter = address(meters[i]);

        if (dlt645_address_fits(asked, &meter)) {
            answers++;
            *who = meters[i];
        }
    }
    return answers == 0   ? DLT645_SILENCE
           : answers == 1 ? DLT645_ONE
                          : DLT645_GARBLED;
}

static unsigned search_finds(const char *const *meters, size_t count,
                             unsigned *asked)
{
    struct dlt645_search search;
    struct dlt645_address at;
    unsigned found = 0;

    *asked = 0;
    dlt645_search_start(&search);
    while (dlt645_search_next(&search, &at)) {
        const char *who = NULL;
        enum dlt645_heard heard = bus_answers(meters, count, &at, &who);

        ++*asked;
        found += heard == DLT645_ONE;
        dlt645_search_heard(&search, heard);
    }
    return found;
}

static void a_search_finds_every_meter_of_a_bus(void **state)
{
    static const char *const meters[] = {"202311070042", "202311070043",
                                         "202311079942", "000000000042",
                                         "999999999999", "000000000000"};
    unsigned asked;

    (void)state;
    assert_int_equal(search_finds(meters, 6, &asked), 6);
    /* once all, then by the last two digits, then the 42s by the next two */
    assert_int_equal(asked, 1 + 100 + 100 + 100);
    assert_int_equal(search_finds(meters, 1, &asked), 1);
    assert_int_equal(asked, 1);
    assert_int_equal(search_finds(NULL, 0, &asked), 0);
    assert_int_equal(asked, 1);
}

static void a_search_on_a_line_of_noise_ends(void **state)
{
    struct dlt645_search search;
    struct dlt645_address at;
    unsigned asked = 0;

    (void)state;
    dlt645_search_start(&search);
    while (dlt645_search_next(&search, &at)) {
        asked++;
        dlt645_search_heard(&search, DLT645_GARBLED);
    }
    assert_int_equal(asked, DLT645_SEARCH_MAX);
}
