#include <stdio.h>
#include <string.h>

#include "dlt645_data.h"
#include "shows.h"

#define CONTROL_AT 8
#define LENGTH_AT 9
#define DATA_AT 10
#define REPLY 0x80
#define REFUSAL 0x40
#define MORE 0x20
#define FUNCTION 0x1F

enum content { BARE, READ, FOLLOWING, WRITE, ADDRESS };

/* clang-format off */
static const struct function {
    uint8_t code;         /* of the request */
    enum content content; /* of DATA */
    const char *word;
} functions_2007[] = {
    { 0x03, BARE,      "security" },
    { 0x08, BARE,      "time broadcast" },
    { 0x11, READ,      "read" },
    { 0x12, FOLLOWING, "read following" },
    { 0x13, ADDRESS,   "read address" },
    { 0x14, WRITE,     "write" },
    { 0x15, BARE,      "write address" },
    { 0x16, BARE,      "freeze" },
    { 0x17, BARE,      "change speed" },
    { 0x18, BARE,      "change password" },
    { 0x19, BARE,      "clear demand" },
    { 0x1A, BARE,      "clear meter" },
    { 0x1B, BARE,      "clear events" },
    { 0x1C, BARE,      "control" },
    { 0x1D, BARE,      "outputs" },
}, functions_1997[] = {
    { 0x01, READ,      "read" },
    { 0x02, FOLLOWING, "read following" },
    { 0x03, READ,      "read again" },
    { 0x04, WRITE,     "write" },
    { 0x08, BARE,      "time broadcast" },
    { 0x0A, BARE,      "write address" },
    { 0x0C, BARE,      "change speed" },
    { 0x0F, BARE,      "change password" },
    { 0x10, BARE,      "clear demand" },
};

static const struct edition {
    enum dlt645_edition edition;
    const char *name, *other;
    const struct function *functions;
    size_t count;
    size_t di_bytes;
} editions[] = {
    { DLT645_2007, "DL/T 645-2007", "1997", functions_2007,
      sizeof functions_2007 / sizeof functions_2007[0], 4 },
    { DLT645_1997, "DL/T 645-1997", "2007", functions_1997,
      sizeof functions_1997 / sizeof functions_1997[0], 2 },
};
/* clang-format on */

static const struct function *function_find(const struct edition *edition,
                                            uint8_t control)
{
    for (size_t i = 0; i < edition->count; i++)
        if (edition->functions[i].code == (control & FUNCTION))
            return &edition->functions[i];
    return NULL;
}

/* ---- DATA -------------------------------------------------------------- */

static bool memory(struct decode_fault *fault)
{
    return decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
}

/* What the payload at offset of the frame says. */
static bool payload_show(const struct edition *edition, uint32_t di,
                         struct span payload, size_t offset, json_t *json,
                         struct decode_fault *fault)
{
    struct register_values values = {.count = 0};
    struct dlt645_taken taken;

    if (!show_hex(json, "payload", payload))
        return memory(fault);
    if (!dlt645_take(edition->edition, di, payload, &values, &taken, fault)) {
        fault->offset += offset;
        return fault->kind == DECODE_UNKNOWN;
    }
    if (!show_values(json, &values) ||
        (taken.text[0] != 0 && !show_text(json, "text", taken.text)) ||
        (taken.used < payload.len &&
         !show_integer(json, "extra_payload_bytes",
                       (int64_t)(payload.len - taken.used))))
        return memory(fault);
    return true;
}

/* DATA that begins with an identifier; in a following frame of 2007 (and in
 * the request for it) a frame number ends it. */
static bool di_show(const struct edition *edition,
                    const struct dlt645_frame *frame, enum content content,
                    json_t *json, struct decode_fault *fault)
{
    size_t front = edition->di_bytes;
    size_t back = content == FOLLOWING && edition->edition == DLT645_2007;
    struct span payload;
    uint32_t di = 0;
    char text[9];

    if (frame->length < front + back)
        return decode_fail(fault, DECODE_LENGTH, LENGTH_AT,
                           "the length is %u; control %02X needs %zu or more",
                           frame->length, frame->control, front + back);
    for (size_t i = 0; i < front; i++)
        di |= (uint32_t)frame->data[i] << (i * 8);
    snprintf(text, sizeof text, "%0*X", (int)front * 2, di);
    payload = span_of(frame->data + front, frame->length - front - back);
    if (!show_text(json, "di", text) ||
        (back > 0 &&
         !show_integer(json, "frame_number", frame->data[frame->length - 1])))
        return memory(fault);
    if (dlt645_is_request(frame))
        return payload.len == 0 || show_hex(json, "data", payload) ||
               memory(fault);
    if (content == FOLLOWING || (frame->control & MORE) != 0) {
        /* a piece of a payload: a value may go on in the next frame */
        return show_hex(json, "payload", payload) || memory(fault);
    }
    return payload_show(edition, di, payload, DATA_AT + front, json, fault);
}

static bool address_show(const struct dlt645_frame *frame, json_t *json,
                         struct decode_fault *fault)
{
    struct dlt645_address address;
    char text[DLT645_ADDRESS_TEXT];

    if (dlt645_is_request(frame) && frame->length == 0)
        return true;
    if (frame->length < DLT645_ADDRESS_BYTES)
        return decode_fail(fault, DECODE_LENGTH, LENGTH_AT,
                           "the length is %u; an address has %d bytes",
                           frame->length, DLT645_ADDRESS_BYTES);
    memcpy(address.bytes, frame->data, DLT645_ADDRESS_BYTES);
    dlt645_address_print(&address, text);
    return show_text(json, "read_address", text) || memory(fault);
}

static bool refusal_show(const struct edition *edition,
                         const struct dlt645_frame *frame, json_t *json,
                         struct decode_fault *fault)
{
    char why[DECODE_TEXT_MAX];
    char word[3];
    bool no_such_data;

    if (frame->length < 1)
        return decode_fail(fault, DECODE_LENGTH, LENGTH_AT,
                           "the length is 0; a refusal has its reason");
    snprintf(word, sizeof word, "%02X", frame->data[0]);
    (void)dlt645_is_refusal(edition->edition, frame, why, &no_such_data);
    return (show_text(json, "error_word", word) &&
            show_text(json, "error_text", why)) ||
           memory(fault);
}

static bool data_show(const struct edition *edition,
                      const struct function *function,
                      const struct dlt645_frame *frame, json_t *json,
                      struct decode_fault *fault)
{
    struct span data = span_of(frame->data, frame->length);

    if (!dlt645_is_request(frame) && (frame->control & REFUSAL) != 0)
        return refusal_show(edition, frame, json, fault);
    switch (function->content) {
    case READ:
    case FOLLOWING:
        return di_show(edition, frame, function->content, json, fault);
    case WRITE: /* and it is acknowledged without data */
        if (dlt645_is_request(frame))
            return di_show(edition, frame, function->content, json, fault);
        break;
    case ADDRESS:
        return address_show(frame, json, fault);
    case BARE:
        break;
    }
    return data.len == 0 || show_hex(json, "data", data) || memory(fault);
}

/* ---- frames ------------------------------------------------------------ */

static const char *kind_word(const struct dlt645_frame *frame)
{
    if (dlt645_is_request(frame))
        return "request";
    return (frame->control & REFUSAL) != 0 ? "refusal" : "reply";
}

static bool head_show(const struct dlt645_frame *frame,
                      const struct decode_fault *passed_over, json_t *json)
{
    char address[DLT645_ADDRESS_TEXT];
    char control[3];

    dlt645_address_print(&frame->address, address);
    snprintf(control, sizeof control, "%02X", frame->control);
    return show_integer(json, "prefix_bytes", (int64_t)frame->noise) &&
           show_text(json, "address", address) &&
           show_text(json, "control", control) &&
           show_integer(json, "length", frame->length) &&
           show_text(json, "kind", kind_word(frame)) &&
           ((frame->control & MORE) == 0 ||
            show_put(json, "more", json_true())) &&
           show_passed_over(json, passed_over);
}

static bool frame_show(const struct edition *edition,
                       const struct dlt645_frame *frame, json_t *json,
                       struct decode_fault *fault)
{
    const struct function *function = function_find(edition, frame->control);
    struct decode_fault passed_over = *fault;

    if (!head_show(frame, &passed_over, json))
        return memory(fault);
    if (function == NULL)
        return decode_fail(fault, DECODE_UNKNOWN, CONTROL_AT,
                           "control %02X is not one of %s; is it %s?",
                           frame->control, edition->name, edition->other);
    if (!show_text(json, "function", function->word))
        return memory(fault);
    return data_show(edition, function, frame, json, fault);
}

/* A frame that cannot be shown whole is a fault, and not shown. */
static bool one(struct span rest, json_t *frames, size_t *taken,
                const void *arg, struct decode_fault *fault)
{
    const struct edition *edition = arg;
    struct dlt645_frame frame;
    json_t *json;
    bool good;

    if (dlt645_scan(rest, &frame, fault) != SCAN_FRAME)
        return false;
    *taken = frame.noise + frame.size;
    json = json_object();
    good =
        json == NULL ? memory(fault) : frame_show(edition, &frame, json, fault);
    if (!good)
        fault->offset += frame.noise;
    else if (json_array_append(frames, json) != 0)
        good = memory(fault);
    json_decref(json);
    return good;
}

bool dlt645_2007_decode(struct span input, const char *content_type,
                        json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return show_all(input, frames, fault, one, &editions[DLT645_2007]);
}

bool dlt645_1997_decode(struct span input, const char *content_type,
                        json_t *frames, struct decode_fault *fault)
{
    (void)content_type;
    return show_all(input, frames, fault, one, &editions[DLT645_1997]);
}
