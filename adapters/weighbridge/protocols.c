#include "protocols.h"

#include "form.h"
#include "modbus_frame.h"

static bool describe_value(const struct scale_model *model,
                           const struct weight *weight, json_t *object)
{
    if (!weight->has_value || weight->zeros > 0)
        return true; /* what is not sure is not printed as if it were */
    return describe_set(object, "value",
                        model->whole && weight->places == 0
                            ? json_integer(weight->unscaled)
                            : json_real(weight_value(weight)));
}

static bool describe_common(const struct weight *weight, json_t *object)
{
    static const char *const modes[] = {
        [MODE_GROSS] = "gross", [MODE_NET] = "net", [MODE_TARE] = "tare"};
    const char *unit = weight_unit_word(weight->unit);

    if (unit != NULL && !describe_set(object, "unit", json_string(unit)))
        return false;
    if (weight->mode != MODE_UNSAID &&
        !describe_set(object, "mode", json_string(modes[weight->mode])))
        return false;
    if (weight->motion != MOTION_UNSAID &&
        !describe_set(object, "stable",
                      json_boolean(weight->motion == MOTION_STILL)))
        return false;
    return !weight->overload || describe_set(object, "overload", json_true());
}

static bool describe(const struct scale_model *model, struct span bytes,
                     const struct weight *weight, json_t *frames)
{
    json_t *object = json_object();
    const bool good =
        object != NULL && describe_value(model, weight, object) &&
        describe_common(weight, object) &&
        (model->describe == NULL || model->describe(bytes, weight, object)) &&
        describe_set(object, "frame", decode_json_hex(bytes));

    if (!good) {
        json_decref(object);
        return false;
    }
    return json_array_append_new(frames, object) == 0;
}

/* A byte that is in no frame is a fault: what is decoded is what was meant to
 * be decoded.  A running reader goes on instead. */
static bool decode(const struct scale_model *model, struct span input,
                   json_t *frames, struct decode_fault *fault)
{
    const struct scale_options options = {CHECK_MAYBE};
    struct scale_frame frame;
    size_t at = 0;

    while (at < input.len) {
        const struct span rest = span_of(input.data + at, input.len - at);
        const enum scan scan =
            scale_scan(model, &options, rest, true, &frame, fault);
        const size_t blank = scale_blanks(model, rest);

        if (blank == rest.len && at > 0)
            return true;
        if (scan != SCAN_FRAME || frame.noise > blank) {
            fault->offset += at;
            return false;
        }
        if (!decode_room(frames, at, fault))
            return false;
        if (!describe(model, span_of(rest.data + blank, frame.size),
                      &frame.weight, frames))
            return decode_fail(fault, DECODE_MEMORY, at,
                               "there is no memory left");
        at += blank + frame.size;
    }
    return true;
}

#define DECODER(model)                                                         \
    static bool decode_##model(struct span input, const char *content_type,    \
                               json_t *frames, struct decode_fault *fault)     \
    {                                                                          \
        (void)content_type;                                                    \
        return decode(&model, input, frames, fault);                           \
    }

DECODER(yaohua_continuous)
DECODER(yaohua_command)
DECODER(scale_ascii)
DECODER(yaohua_d2)
DECODER(xk3118t1)
DECODER(yaohua_a12)
DECODER(st_gs)
DECODER(slash_index)
DECODER(mt_continuous)
DECODER(big_display)

static bool decode_modbus_rtu(struct span input, const char *content_type,
                              json_t *frames, struct decode_fault *fault)
{
    return modbus_rtu_protocol.decode(input, content_type, frames, fault);
}

static bool decode_modbus_tcp(struct span input, const char *content_type,
                              json_t *frames, struct decode_fault *fault)
{
    return modbus_tcp_protocol.decode(input, content_type, frames, fault);
}

const struct decode_protocol weighbridge_protocols[] = {
    {"yaohua-a9-continuous", "Yaohua XK3190-A9 and relatives, tF = 0", false,
     decode_yaohua_continuous},
    {"yaohua-a9-command", "the same, tF = 1: requests and replies", false,
     decode_yaohua_command},
    {"scale-ascii", "any of the five text models below, by its shape", true,
     decode_scale_ascii},
    {"yaohua-d2", "=51.070= is 70.15", true, decode_yaohua_d2},
    {"xk3118t1", "=00004.8(kg)", true, decode_xk3118t1},
    {"yaohua-a12", "wn-0000.1kg", true, decode_yaohua_a12},
    {"st-gs", "ST,GS,+  13.88kg", true, decode_st_gs},
    {"slash-index", "+007.12/3 G S", true, decode_slash_index},
    {"mt-continuous", "Mettler Toledo continuous output", false,
     decode_mt_continuous},
    {"big-display", "FF, flags, three BCD bytes", false, decode_big_display},
    {"modbus-rtu", "Modbus frames of a serial line", false, decode_modbus_rtu},
    {"modbus-tcp", "Modbus frames of a TCP connection", false,
     decode_modbus_tcp},
};
const size_t weighbridge_protocol_count =
    sizeof weighbridge_protocols / sizeof weighbridge_protocols[0];
