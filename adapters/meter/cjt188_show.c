#include <stdio.h>
#include <string.h>

#include "cjt188_data.h"
#include "shows.h"

#define LENGTH_AT 10
#define DATA_AT 11
#define CONTROL_AT 9
#define REFUSAL 0x40

static bool memory(struct decode_fault *fault)
{
    return decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
}

/* clang-format off */
static const struct function {
    uint8_t code;
    const char *word;
} functions[] = {
    { 0x01, "read" },
    { 0x03, "read address" },
    { 0x04, "write" },
    { 0x09, "read key version" },
    { 0x15, "write address" },
    { 0x16, "set the motor's counter" },
};
/* clang-format on */

static const struct function *function_find(uint8_t control)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (functions[i].code == (control & 0x3F))
            return &functions[i];
    return NULL;
}

/* ---- values ------------------------------------------------------------ */

static bool number_show(json_t *json, const char *key,
                        const struct cjt188_number *number, bool raw)
{
    return !number->there ||
           show_put(json, key,
                    decimal_json(raw ? number->raw : number->number));
}

static bool code_show(json_t *json, const char *key, uint8_t code)
{
    char text[3];

    snprintf(text, sizeof text, "%02X", code);
    return show_text(json, key, text);
}

/* Water and gas: as sent, with the code of the unit. */
static bool totals_show(json_t *json, const struct cjt188_reading *reading)
{
    const struct cjt188_number *total = &reading->numbers[CJT188_TOTAL];
    const struct cjt188_number *settle = &reading->numbers[CJT188_SETTLE];

    return number_show(json, "total", total, true) &&
           code_show(json, "total_unit", total->unit) &&
           number_show(json, "settle", settle, true) &&
           code_show(json, "settle_unit", settle->unit);
}

static bool units_show(json_t *json, const struct cjt188_reading *reading)
{
    json_t *codes = json_array();
    bool good = codes != NULL;

    for (int i = CJT188_HEAT_SETTLE; good && i <= CJT188_VOLUME; i++) {
        char text[3];

        snprintf(text, sizeof text, "%02X", reading->numbers[i].unit);
        good = json_array_append_new(codes, json_string(text)) == 0;
    }
    return show_put(json, "units", codes) && good;
}

static bool is_joule(const struct cjt188_number *number)
{
    return number->there && strstr(number->name, "_gj") != NULL;
}

/* Heat: in the units of the registers, for the keys name them. */
static bool heat_show(json_t *json, const struct cjt188_reading *reading)
{
    const struct cjt188_number *numbers = reading->numbers;

    return units_show(json, reading) &&
           number_show(json,
                       is_joule(&numbers[CJT188_HEAT_SETTLE])
                           ? "heat_settle_gj"
                           : "heat_settle_kwh",
                       &numbers[CJT188_HEAT_SETTLE], false) &&
           number_show(json,
                       is_joule(&numbers[CJT188_HEAT]) ? "heat_now_gj"
                                                       : "heat_now_kwh",
                       &numbers[CJT188_HEAT], false) &&
           number_show(json, "power", &numbers[CJT188_POWER], false) &&
           number_show(json, "flow", &numbers[CJT188_FLOW], false) &&
           number_show(json, "volume_m3", &numbers[CJT188_VOLUME], false) &&
           number_show(json, "supply_c", &numbers[CJT188_SUPPLY], false) &&
           number_show(json, "return_c", &numbers[CJT188_RETURN], false) &&
           number_show(json, "work_hours", &numbers[CJT188_HOURS], false);
}

/* YYYYMMDDhhmmss, as the meter has it. */
static bool clock_show(json_t *json, const char *key, struct span clock)
{
    char text[15];

    if (clock.len == 0)
        return true;
    for (size_t i = 0; i < clock.len; i++)
        snprintf(text + i * 2, 3, "%02X", clock.data[clock.len - 1 - i]);
    return show_text(json, key, text);
}

/* Bits by the standard, unless the maker used those that it leaves free. */
static bool status_show(json_t *json, struct span status)
{
    static const char *const valves[] = {"open", "closed", "unknown", "fault"};

    if (status.len == 0)
        return true;
    if (!show_hex(json, "status", status))
        return false;
    if ((status.data[0] & 0xF8) != 0 || status.data[1] != 0)
        return true;
    return show_text(json, "valve", valves[status.data[0] & 3]) &&
           show_put(json, "battery_low",
                    json_boolean((status.data[0] & 4) != 0));
}

static bool values_show(const struct cjt188_frame *frame, json_t *json,
                        struct decode_fault *fault)
{
    struct register_values values = {.count = 0};
    struct cjt188_reading reading;
    bool heat = frame->type >> 4 == 2;

    if (!cjt188_read(frame, &values, fault))
        return false;
    if (!cjt188_take(frame->type,
                     span_of(frame->data + CJT188_DI_BYTES,
                             frame->length - CJT188_DI_BYTES),
                     &reading, fault))
        return false;
    return ((heat ? heat_show(json, &reading) : totals_show(json, &reading)) &&
            clock_show(json, heat ? "clock" : "time", reading.clock) &&
            status_show(json, reading.status) && show_values(json, &values) &&
            (!reading.unit_first ||
             show_put(json, "unit_first", json_true())) &&
            (reading.surplus == 0 || show_integer(json, "extra_payload_bytes",
                                                  (int64_t)reading.surplus))) ||
           memory(fault);
}

/* ---- frames ------------------------------------------------------------ */

static bool di_show(const struct cjt188_frame *frame, json_t *json,
                    struct decode_fault *fault)
{
    char address[CJT188_ADDRESS_TEXT];
    struct span payload;
    char serial[3];

    if (frame->length < CJT188_DI_BYTES)
        return decode_fail(fault, DECODE_LENGTH, LENGTH_AT,
                           "the length is %u; control %02X needs %d or more",
                           frame->length, frame->control, CJT188_DI_BYTES);
    payload =
        span_of(frame->data + CJT188_DI_BYTES, frame->length - CJT188_DI_BYTES);
    snprintf(serial, sizeof serial, "%02X", frame->data[2]);
    if (!show_hex(json, "di_bytes", span_of(frame->data, 2)) ||
        !show_text(json, "ser", serial) ||
        (payload.len > 0 && !show_hex(json, "payload", payload)))
        return memory(fault);
    cjt188_address_print(&frame->address, address);
    if (frame->control == 0x83 && !show_text(json, "read_address", address))
        return memory(fault);
    if (frame->control == 0x81 && cjt188_is_current(frame) &&
        cjt188_has_fields(frame->type))
        return values_show(frame, json, fault);
    return true;
}

static bool head_show(const struct cjt188_frame *frame,
                      const struct decode_fault *passed_over, json_t *json)
{
    bool refusal = !cjt188_is_request(frame) && (frame->control & REFUSAL) != 0;
    char address[CJT188_ADDRESS_TEXT];

    cjt188_address_print(&frame->address, address);
    return show_integer(json, "prefix_bytes", (int64_t)frame->noise) &&
           code_show(json, "type", frame->type) &&
           show_text(json, "class", cjt188_class(frame->type)) &&
           show_text(json, "address", address) &&
           code_show(json, "control", frame->control) &&
           show_integer(json, "length", frame->length) &&
           show_text(json, "kind",
                     cjt188_is_request(frame) ? "request"
                     : refusal                ? "refusal"
                                              : "reply") &&
           show_passed_over(json, passed_over);
}

static bool frame_show(const struct cjt188_frame *frame, json_t *json,
                       struct decode_fault *fault)
{
    const struct function *function = function_find(frame->control);
    struct decode_fault passed_over = *fault;

    if (!head_show(frame, &passed_over, json))
        return memory(fault);
    if (function == NULL)
        return decode_fail(fault, DECODE_UNKNOWN, CONTROL_AT,
                           "control %02X is not one of CJ/T 188",
                           frame->control);
    if (!show_text(json, "function", function->word))
        return memory(fault);
    if (!cjt188_is_request(frame) && (frame->control & REFUSAL) != 0)
        return show_hex(json, "error_bytes",
                        span_of(frame->data, frame->length)) ||
               memory(fault);
    return di_show(frame, json, fault);
}

static bool one(struct span rest, json_t *frames, size_t *taken,
                const void *arg, struct decode_fault *fault)
{
    struct cjt188_frame frame;
    json_t *json;
    bool good;

    (void)arg;
    if (cjt188_scan(rest, &frame, fault) != SCAN_FRAME)
        return false;
    *taken = frame.noise + frame.size;
    json = json_object();
    good = json == NULL ? memory(fault) : frame_show(&frame, json, fault);
    if (!good)
        fault->offset += frame.noise;
    else if (json_array_append(frames, json) != 0)
        good = memory(fault);
    json_decref(json);
    return good;
}

bool cjt188_decode(struct span input, const char *content_type, json_t *frames,
                   struct decode_fault *fault)
{
    (void)content_type;
    return show_all(input, frames, fault, one, NULL);
}
