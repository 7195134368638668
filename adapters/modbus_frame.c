#include "modbus_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRC_BYTES 2
#define HEADER_BYTES 7 /* MBAP: transaction, protocol, length, unit */
#define REFUSED 0x80

/*
 * Modbus Application Protocol 1.1b3, section 6, without the unit in front and
 * the check behind.  A request that a reply could be mistaken for (coils, 3
 * bytes) comes first.
 */
/* clang-format off */
static const struct layout {
    uint8_t first, last;    /* functions */
    enum modbus_shape shape;
    uint8_t fixed;          /* bytes, the function among them */
    uint8_t count_at;       /* of the byte that counts the rest; 0: no rest */
} layouts[] = {
    { 0x01, 0x04, MODBUS_ASK,       5, 0 },
    { 0x01, 0x04, MODBUS_DATA,      2, 1 },
    { 0x05, 0x06, MODBUS_SET,       5, 0 },
    { 0x0F, 0x10, MODBUS_SET_DONE,  5, 0 },
    { 0x0F, 0x10, MODBUS_SET_MANY,  6, 5 },
    { 0x81, 0x86, MODBUS_EXCEPTION, 2, 0 },
    { 0x8F, 0x90, MODBUS_EXCEPTION, 2, 0 },
};
#define LAYOUTS (sizeof layouts / sizeof layouts[0])
/* clang-format on */

uint16_t modbus_crc(struct span bytes)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return crc;
}

uint16_t modbus_word(struct span data, size_t index)
{
    return (uint16_t)(data.data[index * 2] << 8 | data.data[index * 2 + 1]);
}

static uint16_t word_at(struct span bytes, size_t offset)
{
    return (uint16_t)(bytes.data[offset] << 8 | bytes.data[offset + 1]);
}

static bool is_bits(uint8_t function)
{
    return function == 1 || function == 2 || function == 0x0F;
}

static size_t data_bytes(uint8_t function, uint16_t count)
{
    return is_bits(function) ? (count + 7U) / 8U : count * 2U;
}

/* ---- what follows the unit --------------------------------------------- */

static bool layout_has(const struct layout *layout, uint8_t function)
{
    return function >= layout->first && function <= layout->last;
}

/* The size of the layout, or 0 when too few bytes are there to tell. */
static size_t layout_size(const struct layout *layout, struct span bytes)
{
    if (layout->count_at == 0)
        return layout->fixed;
    if (bytes.len <= layout->count_at)
        return 0;
    return layout->fixed + (size_t)bytes.data[layout->count_at];
}

static bool range_holds(struct span bytes, unsigned words_most,
                        unsigned bits_most)
{
    unsigned start = word_at(bytes, 1);
    unsigned count = word_at(bytes, 3);
    unsigned most = is_bits(bytes.data[0]) ? bits_most : words_most;

    return count >= 1 && count <= most && start + count <= 0x10000;
}

static bool data_holds(struct span bytes)
{
    uint8_t count = bytes.data[1];

    return count > 0 && (is_bits(bytes.data[0])
                             ? count <= 250
                             : count % 2 == 0 && count <= MODBUS_WORDS_MAX * 2);
}

/* Whether whole bytes keep to what the shape allows. */
static bool shape_holds(enum modbus_shape shape, struct span bytes)
{
    switch (shape) {
    case MODBUS_ASK:
        return range_holds(bytes, MODBUS_WORDS_MAX, 2000);
    case MODBUS_DATA:
        return data_holds(bytes);
    case MODBUS_SET:
        return bytes.data[0] == 6 || word_at(bytes, 3) == 0 ||
               word_at(bytes, 3) == 0xFF00;
    case MODBUS_SET_DONE:
        return range_holds(bytes, 123, 1968);
    case MODBUS_SET_MANY:
        return range_holds(bytes, 123, 1968) &&
               data_bytes(bytes.data[0], word_at(bytes, 3)) == bytes.data[5];
    case MODBUS_EXCEPTION:
        return bytes.data[1] != 0;
    }
    return false;
}

/* Whether the layout may be what is waited for, as far as bytes go. */
static bool is_wanted(const struct modbus_want *want,
                      const struct layout *layout, struct span bytes)
{
    if (want == NULL)
        return true;
    if (layout->shape == MODBUS_EXCEPTION)
        return bytes.data[0] == (want->function | REFUSED);
    return layout->shape == MODBUS_DATA && bytes.data[0] == want->function &&
           (bytes.len < 2 ||
            bytes.data[1] == data_bytes(want->function, want->count));
}

static void frame_fill(const struct layout *layout, struct span bytes,
                       struct modbus_frame *frame)
{
    size_t data = layout->fixed;

    frame->function = bytes.data[0];
    frame->shape = layout->shape;
    if (layout->shape == MODBUS_EXCEPTION) {
        frame->exception = bytes.data[1];
        return;
    }
    if (layout->shape != MODBUS_DATA)
        frame->start = word_at(bytes, 1);
    if (layout->shape == MODBUS_SET)
        data = 3;
    else if (layout->shape != MODBUS_DATA)
        frame->count = word_at(bytes, 3);
    frame->data = span_of(bytes.data + data, bytes.len - data);
}

/* ---- RTU --------------------------------------------------------------- */

/* The first of each kind that the scan met. */
struct misses {
    struct decode_fault fault; /* CHECKSUM before TRUNCATED before the rest */
    bool begun;                /* something may become a frame */
    size_t begun_at;
};

static void miss_checksum(struct misses *misses, struct span bytes,
                          size_t offset, size_t size)
{
    const uint8_t *check = bytes.data + offset + size - CRC_BYTES;
    uint16_t crc = modbus_crc(span_of(bytes.data + offset, size - CRC_BYTES));

    if (misses->fault.kind != DECODE_CHECKSUM)
        decode_fail(&misses->fault, DECODE_CHECKSUM, offset + size - CRC_BYTES,
                    "the CRC is %02X %02X; of these bytes it is %02X %02X",
                    check[0], check[1], crc & 0xFF, crc >> 8);
}

/* A last byte may be a unit, but tells nothing. */
static void miss_rest(struct misses *misses, size_t offset, size_t len)
{
    if (misses->begun)
        return;
    misses->begun = true;
    misses->begun_at = offset;
    if (misses->fault.kind != DECODE_CHECKSUM &&
        (offset == 0 || offset + 1 < len))
        decode_fail(&misses->fault, DECODE_TRUNCATED, len,
                    "the bytes end before the frame is whole");
}

/* Whether a whole frame of this layout begins at offset. */
static bool rtu_take(const struct layout *layout, struct span bytes,
                     size_t offset, struct modbus_frame *frame,
                     struct misses *misses)
{
    struct span rest = span_of(bytes.data + offset, bytes.len - offset);
    struct span inner = span_of(rest.data + 1, rest.len - 1);
    size_t inner_size = layout_size(layout, inner);
    size_t size = inner_size + 1 + CRC_BYTES;

    if (inner_size == 0 || rest.len < size) {
        if (size <= MODBUS_RTU_MAX)
            miss_rest(misses, offset, bytes.len);
        return false;
    }
    if (size > MODBUS_RTU_MAX || !shape_holds(layout->shape, inner))
        return false;
    /* With its check behind it, the CRC of a frame is 0. */
    if (modbus_crc(span_of(rest.data, size)) != 0) {
        miss_checksum(misses, bytes, offset, size);
        return false;
    }
    frame->noise = offset;
    frame->size = size;
    frame->unit = rest.data[0];
    frame_fill(layout, span_of(inner.data, inner_size), frame);
    return true;
}

static bool rtu_take_at(struct span bytes, size_t offset,
                        const struct modbus_want *want,
                        struct modbus_frame *frame, struct misses *misses)
{
    struct span inner =
        span_of(bytes.data + offset + 1, bytes.len - offset - 1);

    if (want != NULL && bytes.data[offset] != want->unit)
        return false;
    if (inner.len == 0) {
        miss_rest(misses, offset, bytes.len);
        return false;
    }
    for (size_t i = 0; i < LAYOUTS; i++)
        if (layout_has(&layouts[i], inner.data[0]) &&
            is_wanted(want, &layouts[i], inner) &&
            rtu_take(&layouts[i], bytes, offset, frame, misses))
            return true;
    return false;
}

enum scan modbus_rtu_scan(struct span bytes, const struct modbus_want *want,
                          struct modbus_frame *frame,
                          struct decode_fault *fault)
{
    struct misses misses = {.begun = false};

    memset(frame, 0, sizeof *frame);
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    for (size_t i = 0; i < bytes.len; i++)
        if (rtu_take_at(bytes, i, want, frame, &misses))
            return SCAN_FRAME;
    if (misses.fault.kind != DECODE_NONE)
        *fault = misses.fault;
    else if (bytes.len == 0)
        decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    else if (want != NULL)
        decode_fail(fault, DECODE_START, 0,
                    "there is no answer of unit %u to function %02X",
                    want->unit, want->function);
    else
        decode_fail(fault, DECODE_START, 0,
                    "no frame begins here; known functions are 01 to 06, 0F "
                    "and 10");
    if (misses.begun || bytes.len == 0) {
        frame->noise = misses.begun_at;
        return SCAN_MORE;
    }
    frame->noise = bytes.len;
    return SCAN_NONE;
}

/* ---- TCP --------------------------------------------------------------- */

static bool header_holds(struct span header, struct decode_fault *fault)
{
    uint16_t protocol = word_at(header, 2);
    uint16_t length = word_at(header, 4);

    if (protocol != 0)
        return decode_fail(fault, DECODE_START, 2,
                           "the protocol of the header is %u; Modbus is 0",
                           protocol);
    if (length < 3 || length > MODBUS_TCP_MAX - HEADER_BYTES + 1)
        return decode_fail(fault, DECODE_LENGTH, 4,
                           "the length in the header is %u; allowed: 3 to %u",
                           length, MODBUS_TCP_MAX - HEADER_BYTES + 1);
    return true;
}

/* inner: from the function on, of exactly the header's length. */
static bool tcp_take(struct span inner, const struct modbus_want *want,
                     struct modbus_frame *frame, struct decode_fault *fault)
{
    bool known = false;

    for (size_t i = 0; i < LAYOUTS; i++) {
        if (!layout_has(&layouts[i], inner.data[0]))
            continue;
        known = true;
        if (!is_wanted(want, &layouts[i], inner) ||
            layout_size(&layouts[i], inner) != inner.len ||
            !shape_holds(layouts[i].shape, inner))
            continue;
        frame_fill(&layouts[i], inner, frame);
        return true;
    }
    if (!known)
        return decode_fail(fault, DECODE_UNKNOWN, HEADER_BYTES,
                           "function %02X is not known; known are 01 to 06, "
                           "0F and 10",
                           inner.data[0]);
    return decode_fail(fault, DECODE_LENGTH, HEADER_BYTES + 1,
                       "function %02X with %zu bytes is not what was asked "
                       "for, or not of its form",
                       inner.data[0], inner.len);
}

/* A frame at the start of bytes, which are moved on. */
static enum scan tcp_take_first(struct span bytes,
                                const struct modbus_want *want,
                                struct modbus_frame *frame,
                                struct decode_fault *fault)
{
    size_t size;

    if (bytes.len < HEADER_BYTES) {
        decode_fail(fault, DECODE_TRUNCATED, bytes.len,
                    "a header has %d bytes; there are %zu", HEADER_BYTES,
                    bytes.len);
        return SCAN_MORE;
    }
    if (!header_holds(bytes, fault))
        return SCAN_NONE;
    size = word_at(bytes, 4) + (size_t)HEADER_BYTES - 1;
    if (bytes.len < size) {
        decode_fail(fault, DECODE_TRUNCATED, bytes.len,
                    "the header tells of %zu bytes; there are %zu", size,
                    bytes.len);
        return SCAN_MORE;
    }
    frame->size = size;
    frame->transaction = word_at(bytes, 0);
    frame->unit = bytes.data[6];
    if (want != NULL &&
        (frame->transaction != want->transaction || frame->unit != want->unit))
        return SCAN_FRAME; /* another's: the caller goes on */
    if (!tcp_take(span_of(bytes.data + HEADER_BYTES, size - HEADER_BYTES), want,
                  frame, fault))
        return SCAN_NONE;
    return SCAN_FRAME;
}

enum scan modbus_tcp_scan(struct span bytes, const struct modbus_want *want,
                          struct modbus_frame *frame,
                          struct decode_fault *fault)
{
    size_t noise = 0;

    for (;;) {
        struct span rest = span_of(bytes.data + noise, bytes.len - noise);
        enum scan scan;

        memset(frame, 0, sizeof *frame);
        *fault = (struct decode_fault){.kind = DECODE_NONE};
        scan = tcp_take_first(rest, want, frame, fault);
        fault->offset += noise;
        if (scan == SCAN_FRAME && want != NULL && frame->function == 0) {
            noise += frame->size;
            continue;
        }
        frame->noise = scan == SCAN_NONE ? bytes.len : noise;
        return scan;
    }
}

/* ---- requests ---------------------------------------------------------- */

static void word_put(uint8_t *to, uint16_t word)
{
    to[0] = (uint8_t)(word >> 8);
    to[1] = (uint8_t)word;
}

void modbus_rtu_ask(uint8_t unit, uint8_t function, uint16_t start,
                    uint16_t count, uint8_t out[static MODBUS_ASK_RTU_BYTES])
{
    uint16_t crc;

    out[0] = unit;
    out[1] = function;
    word_put(out + 2, start);
    word_put(out + 4, count);
    crc = modbus_crc(span_of(out, 6));
    out[6] = (uint8_t)crc;
    out[7] = (uint8_t)(crc >> 8);
}

void modbus_tcp_ask(uint16_t transaction, uint8_t unit, uint8_t function,
                    uint16_t start, uint16_t count,
                    uint8_t out[static MODBUS_ASK_TCP_BYTES])
{
    word_put(out, transaction);
    word_put(out + 2, 0);
    word_put(out + 4, MODBUS_ASK_TCP_BYTES - 6);
    out[6] = unit;
    out[7] = function;
    word_put(out + 8, start);
    word_put(out + 10, count);
}

const char *modbus_exception_text(uint8_t exception)
{
    static const char *const texts[] = {
        "no reason",
        "no such function (illegal function)",
        "no such register (illegal data address)",
        "a count or value that is not allowed (illegal data value)",
        "the device failed (server device failure)",
        "it takes longer (acknowledge)",
        "it is busy (server device busy)",
        "not done (negative acknowledge)",
        "its memory is damaged (memory parity error)",
        "a reason of the maker's own",
        "the gateway has no path (gateway path unavailable)",
        "no answer behind the gateway (gateway target device failed)",
    };

    return exception < sizeof texts / sizeof texts[0]
               ? texts[exception]
               : "a reason of the maker's own";
}

/* ---- --decode ---------------------------------------------------------- */

#define SHAPE_WORDS(X)                                                         \
    X(MODBUS_ASK, "read request")                                              \
    X(MODBUS_DATA, "read reply")                                               \
    X(MODBUS_SET, "write")                                                     \
    X(MODBUS_SET_MANY, "write request")                                        \
    X(MODBUS_SET_DONE, "write reply")                                          \
    X(MODBUS_EXCEPTION, "exception")

static const char *shape_word(enum modbus_shape shape)
{
    static const char *const words[] = {
#define X(name, word) [name] = word,
        SHAPE_WORDS(X)
#undef X
    };

    return words[shape];
}

/* A float holds seven digits; 230.20001 would be one too many. */
static json_t *float_json(uint32_t bits)
{
    float value;
    char text[32];

    memcpy(&value, &bits, sizeof value);
    snprintf(text, sizeof text, "%.7g", (double)value);
    return json_real(strtod(text, NULL));
}

/* What one or two registers may mean; which, only the meter's list says. */
static bool numbers_put(json_t *json, struct span data)
{
    uint16_t high = modbus_word(data, 0);
    uint32_t both;
    json_t *real;

    if (data.len == 2)
        return json_object_set_new(json, "u16", json_integer(high)) == 0 &&
               json_object_set_new(json, "s16", json_integer((int16_t)high)) ==
                   0;
    if (data.len != 4)
        return true;
    both = (uint32_t)high << 16 | modbus_word(data, 1);
    real = float_json(both);
    /* NaN and infinity are no JSON */
    if (real != NULL && json_object_set_new(json, "float", real) != 0)
        return false;
    return json_object_set_new(json, "u32", json_integer(both)) == 0 &&
           json_object_set_new(json, "s32", json_integer((int32_t)both)) == 0;
}

static bool registers_put(json_t *json, struct span data)
{
    json_t *array = json_array();
    bool good = array != NULL;

    for (size_t i = 0; good && i < data.len / 2; i++)
        good = json_array_append_new(array,
                                     json_integer(modbus_word(data, i))) == 0;
    return json_object_set_new(json, "registers", array) == 0 && good;
}

static bool data_put(json_t *json, const struct modbus_frame *frame)
{
    if (frame->data.len == 0)
        return true;
    if (json_object_set_new(json, "data", decode_json_hex(frame->data)) != 0)
        return false;
    if (is_bits(frame->function) || frame->function == 5)
        return true;
    return registers_put(json, frame->data) && numbers_put(json, frame->data);
}

static bool shape_put(json_t *json, const struct modbus_frame *frame)
{
    bool good = true;

    if (frame->shape == MODBUS_EXCEPTION)
        return json_object_set_new(json, "exception",
                                   json_integer(frame->exception)) == 0 &&
               json_object_set_new(
                   json, "exception_text",
                   json_string(modbus_exception_text(frame->exception))) == 0;
    if (frame->shape != MODBUS_DATA)
        good =
            json_object_set_new(json, "start", json_integer(frame->start)) == 0;
    if (good && frame->count > 0)
        good =
            json_object_set_new(json, "count", json_integer(frame->count)) == 0;
    if (good && frame->function == 0x10)
        good = json_object_set_new(json, "fc16", json_true()) == 0;
    return good && data_put(json, frame);
}

static bool frame_put(json_t *frames, const struct modbus_frame *frame,
                      size_t prefix, bool tcp)
{
    json_t *json =
        json_pack("{s:I, s:i, s:i, s:s}", "prefix_bytes", (json_int_t)prefix,
                  "unit", frame->unit, "function", frame->function, "kind",
                  shape_word(frame->shape));
    bool good = json != NULL && shape_put(json, frame);

    if (good && tcp)
        good = json_object_set_new(json, "transaction",
                                   json_integer(frame->transaction)) == 0;
    return json_array_append_new(frames, json) == 0 && good;
}

/* Behind a frame, bytes that a line without bias makes. */
static bool is_glitch(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != 0 && bytes.data[i] != 0xFF)
            return false;
    return true;
}

typedef enum scan scan_function(struct span bytes,
                                const struct modbus_want *want,
                                struct modbus_frame *frame,
                                struct decode_fault *fault);

static bool decode_all(struct span input, bool tcp, json_t *frames,
                       struct decode_fault *fault)
{
    scan_function *scan = tcp ? modbus_tcp_scan : modbus_rtu_scan;
    struct modbus_frame frame;
    size_t at = 0;

    while (at == 0 || at < input.len) {
        struct span rest = span_of(input.data + at, input.len - at);

        if (!decode_room(frames, at, fault))
            return false;
        if (scan(rest, NULL, &frame, fault) != SCAN_FRAME) {
            fault->offset += at;
            return !tcp && at > 0 && is_glitch(rest);
        }
        if (!frame_put(frames, &frame, frame.noise, tcp))
            return decode_fail(fault, DECODE_MEMORY, at,
                               "there is no memory left");
        at += frame.noise + frame.size;
    }
    return true;
}

static bool rtu_decode(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return decode_all(input, false, frames, fault);
}

static bool tcp_decode(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return decode_all(input, true, frames, fault);
}

const struct decode_protocol modbus_rtu_protocol = {
    .name = "modbus-rtu",
    .about = "Modbus on a serial line, functions 01 to 06, 0F and 10",
    .decode = rtu_decode};

const struct decode_protocol modbus_tcp_protocol = {
    .name = "modbus-tcp",
    .about = "Modbus in TCP, functions 01 to 06, 0F and 10",
    .decode = tcp_decode};
