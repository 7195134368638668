#include "device_vectors.h"

#include "codes.h"
#include "paper_codes.h"

static const char *check_fault(const json_t *vector)
{
    (void)vector;
    return "checksum";
}

static void every_code_seen_in_public_gives_its_parts(void **state)
{
    static const struct {
        struct decode_protocol protocol;
        size_t count;
    } rows[] = {
        {{"gb32100-uscc", "", true, uscc_decode}, 5},
        {{"vin", "", true, vin_decode}, 5},
        {{"iccid", "", true, iccid_decode}, 4},
        {{"necc-datacode", "", true, data_code_decode}, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            vectors_check("devices.json", &rows[i].protocol, check_fault),
            rows[i].count);
}

static void refused(bool (*decode)(struct span, const char *, json_t *,
                                   struct decode_fault *),
                    const char *text, enum decode_fault_kind kind,
                    size_t offset)
{
    struct decode_fault fault = {DECODE_NONE, 0, ""};
    json_t *frames = json_array();

    assert_false(decode(span_text(text), NULL, frames, &fault));
    assert_int_equal(fault.kind, kind);
    assert_int_equal(fault.offset, offset);
    assert_int_equal(json_array_size(frames), 0);
    json_decref(frames);
}

static void what_is_no_code_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    refused(uscc_decode, " \n", DECODE_EMPTY, 0);
    refused(uscc_decode, "9133000057397305", DECODE_LENGTH, 0);
    refused(uscc_decode, " 9133O000573973053F\n", DECODE_VALUE, 5);
    refused(vin_decode, "1M8GDM9AXKPO42788", DECODE_VALUE, 11);
    refused(vin_decode, "1m8gdm9axkp042788", DECODE_VALUE, 1);
    refused(vin_decode, "1M8GDM9AXKP0427880", DECODE_LENGTH, 0);
    refused(vin_decode, "  1M8GDM9A1KP042788", DECODE_CHECKSUM, 10);
    refused(iccid_decode, "898606170200124345", DECODE_LENGTH, 0);
    refused(iccid_decode, "99860617020012434530", DECODE_VALUE, 0);
    refused(iccid_decode, "8986061702001243453G", DECODE_VALUE, 19);
    refused(data_code_decode, "04-01-000-0040200-30", DECODE_LENGTH, 0);
    refused(data_code_decode, "04-01-0000-04020A-30", DECODE_VALUE, 16);
    refused(data_code_decode,
            "0401000004020030040100000402003004010000040200300401",
            DECODE_LENGTH, 0);
}

/* ISO/IEC 7812-1's own example, and one digit changed. */
static void luhn_finds_a_changed_digit(void **state)
{
    (void)state;
    assert_true(luhn_holds("79927398713"));
    assert_false(luhn_holds("79927398710"));
}

/* GB 11714's own example. */
static void an_organisation_code_has_its_check(void **state)
{
    (void)state;
    assert_int_equal(organisation_check("D2143569"), 'X');
    assert_int_equal(organisation_check("d2143569"), 0);
}
