/* The log's records byte for byte.  The expected bytes were written with
 * Python's msgpack 1.0.3 and zlib.crc32. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "record.h"

/* clang-format off */
static const uint8_t event_bytes[] = {
    0x26, 0xa3, 0xef, 0x2a, 0x01, 0x9c, 0xae, 0x63, 0x61, 0x6d, 0x65, 0x72,
    0x61, 0x2f, 0x63, 0x61, 0x70, 0x74, 0x75, 0x72, 0x65, 0xa4, 0x63, 0x61,
    0x6d, 0x31, 0xa1, 0x74, 0xa2, 0x65, 0x31, 0xa0, 0xcf, 0x00, 0x00, 0x01,
    0xa1, 0xf7, 0x1c, 0x72, 0x18, 0xcf, 0x00, 0x00, 0x01, 0xa1, 0xf7, 0x1c,
    0x76, 0x00, 0x03, 0x01, 0x00, 0x04, 0xcf, 0x11, 0x22, 0x33, 0x44, 0x55,
    0x66, 0x77, 0x88, 0x62, 0x6f, 0x64, 0x79,
};
static const uint8_t delivery_bytes[] = {
    0xc0, 0x3f, 0x1a, 0x4d, 0x02, 0x9b, 0xa6, 0x79, 0x75, 0x6e, 0x6e, 0x61,
    0x6e, 0xa7, 0x76, 0x65, 0x68, 0x69, 0x63, 0x6c, 0x65, 0xa0, 0xa2, 0x52,
    0x31, 0xa2, 0x41, 0x31, 0x00, 0x00, 0x07, 0x01, 0xcf, 0x00, 0x00, 0x01,
    0xa1, 0xf7, 0x1c, 0x76, 0x00, 0x92, 0x05, 0xcd, 0x01, 0x2c, 0x7b, 0x7d,
};
static const uint8_t outcome_bytes[] = {
    0xd2, 0x77, 0x73, 0x1c, 0x03, 0x9f, 0x09, 0x00, 0x01, 0x00, 0x04, 0x00,
    0xfb, 0xa2, 0x6c, 0x69, 0xa4, 0x70, 0x61, 0x72, 0x6b, 0xa9, 0x6e, 0x6f,
    0x20, 0x61, 0x6e, 0x73, 0x77, 0x65, 0x72, 0xc4, 0x02, 0x01, 0x02, 0x00,
    0xa6, 0x79, 0x75, 0x6e, 0x6e, 0x61, 0x6e, 0xa7, 0x76, 0x65, 0x68, 0x69,
    0x63, 0x6c, 0x65, 0xce, 0x01, 0x35, 0x29, 0x00, 0x00, 0x01, 0x02, 0x03,
    0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
    0x1c, 0x1d, 0x1e, 0x1f, 0x46,
};
static const uint8_t fate_bytes[] = {
    0x2d, 0xd2, 0x10, 0xa4, 0x04, 0x95, 0x05, 0x01, 0x00, 0xad, 0x6d, 0x65,
    0x74, 0x65, 0x72, 0x2f, 0x72, 0x65, 0x61, 0x64, 0x69, 0x6e, 0x67, 0xce,
    0x01, 0x35, 0x29, 0x00,
};
static const uint8_t repeat_bytes[] = {
    0x30, 0x3f, 0xe4, 0xef, 0x05, 0x92, 0xa1, 0x6b, 0x01,
};
static const uint8_t note_bytes[] = {
    0x52, 0xdf, 0xe5, 0xde, 0x06, 0x91, 0xc4, 0x03, 0x73, 0x2f, 0x6b, 0x76,
};
/* clang-format on */

static const uint64_t sources[] = {5, 300};
static const uint8_t hash[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static const uint8_t answer[] = {1, 2};

static struct record event_record(void)
{
    return (struct record){
        .kind = RECORD_EVENT,
        .event = {.kind = span_text("camera/capture"),
                  .device = span_text("cam1"),
                  .topic = span_text("t"),
                  .event_id = span_text("e1"),
                  .reason = span_text(""),
                  .event_at_ms = 1795147199000,
                  .received_at_ms = 1795147200000,
                  .revision = 3,
                  .fate = FATE_JOINING,
                  .body_len = 4,
                  .body_hash = 0x1122334455667788,
                  .body = span_text("body")},
    };
}

static struct record delivery_record(void)
{
    return (struct record){
        .kind = RECORD_DELIVERY,
        .delivery = {.destination = span_text("yunnan"),
                     .interface = span_text("vehicle"),
                     .number = span_text("R1"),
                     .subject = span_text("A1"),
                     .state = STATE_WAITING,
                     .follows = 7,
                     .after = AFTER_SETTLED,
                     .made_at_ms = 1795147200000,
                     .events = sources,
                     .event_count = 2,
                     .facts = span_text("{}")},
    };
}

static struct record outcome_record(void)
{
    return (struct record){
        .kind = RECORD_OUTCOME,
        .outcome = {.delivery = 9,
                    .from = STATE_WAITING,
                    .state = STATE_PARKED,
                    .attempts = 4,
                    .cause = CAUSE_ANSWER,
                    .at_ms = -5,
                    .actor = span_text("li"),
                    .verb = span_text("park"),
                    .reason = span_text("no answer"),
                    .answer = span_of(answer, 2),
                    .destination = span_text("yunnan"),
                    .interface = span_text("vehicle"),
                    .made_day = 20261120,
                    .hash = hash,
                    .facts = span_text("F")},
    };
}

static void assert_bytes(struct record record, struct span want)
{
    struct bytes fields = BYTES_EMPTY;
    uint8_t *written;
    size_t size;

    assert_int_equal(record_encode(&record, &fields), STATUS_OK);
    size = record_size(&record, fields.len);
    assert_int_equal(size, want.len);
    written = malloc(size);
    assert_non_null(written);
    record_write(&record, bytes_view(&fields), written);
    assert_memory_equal(written, want.data, size);
    free(written);
    bytes_free(&fields);
}

#define BYTES_OF(array) span_of((array), sizeof(array))

static void every_kind_is_written_as_another_tool_writes_it(void **state)
{
    (void)state;
    assert_bytes(event_record(), BYTES_OF(event_bytes));
    assert_bytes(delivery_record(), BYTES_OF(delivery_bytes));
    assert_bytes(outcome_record(), BYTES_OF(outcome_bytes));
    assert_bytes(
        (struct record){.kind = RECORD_FATE,
                        .fate = {5, FATE_JOINING, FATE_USED,
                                 span_text("meter/reading"), 20261120}},
        BYTES_OF(fate_bytes));
    assert_bytes(
        (struct record){.kind = RECORD_REPEAT, .repeat = {span_text("k"), 1}},
        BYTES_OF(repeat_bytes));
    assert_bytes((struct record){.kind = RECORD_NOTE,
                                 .note = {span_text("s/k"), span_text("v")}},
                 BYTES_OF(note_bytes));
}

static void an_event_is_read(void **state)
{
    struct record record;

    (void)state;
    assert_int_equal(record_read(BYTES_OF(event_bytes), &record), STATUS_OK);
    assert_int_equal(record.kind, RECORD_EVENT);
    assert_true(span_equal_text(record.event.kind, "camera/capture"));
    assert_true(span_equal_text(record.event.event_id, "e1"));
    assert_int_equal(record.event.revision, 3);
    assert_int_equal(record.event.fate, FATE_JOINING);
    assert_int_equal(record.event.body_hash, 0x1122334455667788);
    assert_true(span_equal_text(record.event.body, "body"));
}

static void a_delivery_is_read(void **state)
{
    struct record record;

    (void)state;
    assert_int_equal(record_read(BYTES_OF(delivery_bytes), &record), STATUS_OK);
    assert_true(span_equal_text(record.delivery.number, "R1"));
    assert_int_equal(record.delivery.follows, 7);
    assert_int_equal(record.delivery.after, AFTER_SETTLED);
    assert_int_equal(record.delivery.event_count, 2);
    assert_int_equal(record.delivery.event_list[1], 300);
    assert_true(span_equal_text(record.delivery.facts, "{}"));
}

static void an_outcome_is_read(void **state)
{
    struct record record;
    struct span fields;
    struct span facts;

    (void)state;
    assert_int_equal(record_read(BYTES_OF(outcome_bytes), &record), STATUS_OK);
    assert_int_equal(record.outcome.state, STATE_PARKED);
    assert_int_equal(record.outcome.at_ms, -5);
    assert_true(span_equal_text(record.outcome.reason, "no answer"));
    assert_memory_equal(record.outcome.hash, hash, sizeof hash);
    assert_true(span_equal_text(record.outcome.facts, "F"));
    assert_int_equal(record_chained(BYTES_OF(outcome_bytes), &fields, &facts),
                     STATUS_OK);
    assert_ptr_equal(fields.data, outcome_bytes + 5);
    assert_ptr_equal(fields.data + fields.len + 32, facts.data);
    assert_true(span_equal_text(facts, "F"));
}

/* Whatever is cut off or changed is told, and nothing is read beyond. */
static void no_damage_goes_unseen(void **state)
{
    struct span whole = BYTES_OF(outcome_bytes);
    struct record record;

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *part = malloc(len + 1);

        assert_non_null(part);
        memcpy(part, whole.data, len);
        assert_int_equal(record_read(span_of(part, len), &record),
                         STATUS_CORRUPT);
        free(part);
    }
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        uint8_t *changed = malloc(whole.len);

        assert_non_null(changed);
        memcpy(changed, whole.data, whole.len);
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(record_read(span_of(changed, whole.len), &record),
                         STATUS_CORRUPT);
        /* Without the CRC anything may be read, but within bounds. */
        (void)!record_peek(span_of(changed, whole.len), &record);
        free(changed);
    }
}

static void a_hash_tells_runs_and_their_borders_apart(void **state)
{
    (void)state;
    assert_int_not_equal(hash_span(0, span_text("a")),
                         hash_span(0, span_text("b")));
    assert_int_not_equal(hash_span(0, span_text("")),
                         hash_span(1, span_text("")));
    assert_int_not_equal(
        hash_span(hash_span(0, span_text("ab")), span_text("c")),
        hash_span(hash_span(0, span_text("a")), span_text("bc")));
    assert_int_not_equal(hash_span(0, span_of("\0", 1)),
                         hash_span(0, span_of("\0\0", 2)));
}
