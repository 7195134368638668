#include "config.h"

#include <stdio.h>
#include <string.h>

#define MODBUS_RTU "modbus-rtu"
#define MODBUS_TCP "modbus-tcp"

/* clang-format off */
static const struct settings_word models[] = {
    {"yaohua-a9-continuous", 0}, {"yaohua-a9-command", 0}, {"yaohua-d2", 0},
    {"xk3118t1", 0}, {"yaohua-a12", 0}, {"st-gs", 0}, {"slash-index", 0},
    {"mt-continuous", 0}, {"big-display", 0}, {MODBUS_RTU, 0}, {MODBUS_TCP, 0},
    {NULL, 0}};
static const struct settings_word directions[] = {
    {"in", 0}, {"out", 0}, {NULL, 0}};
static const struct settings_word units[] = {
    {"kg", UNIT_KG}, {"t", UNIT_T}, {"lb", UNIT_LB}, {NULL, 0}};
static const struct settings_word checks[] = {
    {"maybe", CHECK_MAYBE}, {"sent", CHECK_SENT}, {"none", CHECK_NONE}, {NULL, 0}};
static const struct settings_word zeros[] = {
    {"unsaid", ZEROS_UNSAID}, {"sent", ZEROS_SENT}, {"left_out", ZEROS_LEFT_OUT}, {NULL, 0}};
static const struct settings_word types[] = {
    {"s16", TYPE_S16}, {"u16", TYPE_U16}, {"s32", TYPE_S32}, {"u32", TYPE_U32},
    {"float32", TYPE_FLOAT32}, {NULL, 0}};
static const struct settings_word orders[] = {
    {"big", ORDER_BIG}, {"little", ORDER_LITTLE}, {NULL, 0}};
static const struct settings_form address = {
    .characters = "A-Z", .least = 1, .most = 1, .words = "one capital letter"};

#define SETTINGS_STRUCT struct modbus_config
/* Any number of bits of a status register. */
#define BITS_ROW(name, count, text)                                           \
    {.key = #name, .type = SETTINGS_UNSIGNEDS, .initial = "",                 \
     .offset = SETTINGS_AT(const uint32_t *, name),                           \
     .second = SETTINGS_AT(unsigned, count), .least = 0, .most = 16,          \
     .min = 0, .max = 15, .help = text}
static const struct settings_row modbus_rows[] = {
    SETTINGS_UNSIGNED_ROW(unit, "1", 1, 247, "address of the transmitter"),
    SETTINGS_UNSIGNED_ROW(function, "3", 3, 4, "3: holding registers, 4: input registers"),
    SETTINGS_UNSIGNED_ROW(weight_register, "80", 0, 65535, "register of the gross weight, counted from 0 as on the wire (40081 of a manual is 80)"),
    SETTINGS_WORD_ROW(type, "s32", types, "what it holds"),
    SETTINGS_WORD_ROW(order, "big", orders, "big: high word first"),
    SETTINGS_REAL_ROW(factor, "1", 1e-9, 1e9, "the weight is the number times this"),
    SETTINGS_UNSIGNED_ROW(status_register, "65536", 0, 65535, "register of the status; 65536: there is none"),
    SETTINGS_BOOL_ROW(status_places, "false", "bits 0-2 of the status are the weight's decimal places"),
    BITS_ROW(moving_bits, moving_bit_count, "bits of the status, 0 the lowest, that say: it moves"),
    BITS_ROW(still_bits, still_bit_count, "bits that say: it is still"),
    BITS_ROW(overload_bits, overload_bit_count, "bits that say: overloaded, out of range"),
};
static const struct settings_group modbus_group = SETTINGS_GROUP_OF(modbus_rows,
    "Where a transmitter has its weight, for model modbus-rtu and modbus-tcp. Makers do not agree: its manual tells.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct stable_config
static const struct settings_row stable_rows[] = {
    SETTINGS_REAL_ROW(band, "1", 0, 100, "divisions that readings may differ by"),
    SETTINGS_REAL_ROW(seconds, "3", 0.5, 60, "how long they must not differ by more"),
    SETTINGS_UNSIGNED_ROW(readings, "5", 2, 1000, "readings within that time, at least"),
    SETTINGS_REAL_ROW(minimum, "0", 0, 500000, "a vehicle weighs at least this; 0: 50 divisions"),
    SETTINGS_REAL_ROW(maximum, "0", 0, 500000, "more is an overload; 0: 500000"),
    SETTINGS_REAL_ROW(zero_band, "0", 0, 500000, "at or below this the scale is empty; 0: 20 divisions"),
    SETTINGS_REAL_ROW(rearm_below, "0", 0, 500000, "the next vehicle counts once the weight was below this, though the scale was not empty; 0: only when it was empty"),
    SETTINGS_REAL_ROW(empty_s, "1", 0, 60, "how long it must be empty"),
    SETTINGS_REAL_ROW(age_s, "2", 0.2, 60, "a reading that old says nothing of now"),
};
static const struct settings_group stable_group = SETTINGS_GROUP_OF(stable_rows,
    "When a weight is a vehicle's weight. Weights are in the scale's `unit`.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct scale_config
static const struct settings_row scale_rows[] = {
    SETTINGS_TEXT_ROW(id, NULL, &settings_form_device, "its id in topics, and in the bridge's lanes"),
    SETTINGS_CHOICE_ROW(model, NULL, models, "how the indicator speaks (docs/devices/weighbridges.md); --probe proposes one"),
    LINE_CONFIG_ROWS("9600", "8N1"),
    SETTINGS_TEXT_ROW(lane, "", &settings_form_device, "lane of the bridge's settings; only for a scale that serves several"),
    SETTINGS_CHOICE_ROW(direction, "", directions, "which way vehicles pass it, as a note in the event"),
    SETTINGS_WORD_ROW(unit, "kg", units, "unit of the events and of the weights here, and of an indicator that tells none"),
    SETTINGS_REAL_ROW(division, NULL, 0.001, 1000, "the scale's division: the step between two weights that it shows"),
    SETTINGS_WORD_ROW(check, "maybe", checks, "mt-continuous: whether the indicator sends a check; maybe: look at each frame"),
    SETTINGS_WORD_ROW(fixed_zeros, "unsaid", zeros, "mt-continuous with divisions of 10 and more: whether the zeros at the end are sent or left out; unsaid: such weights are not used"),
    SETTINGS_TEXT_ROW(address, "A", &address, "yaohua-a9-command: the indicator's address"),
    SETTINGS_UNSIGNED_ROW(poll_ms, "200", 50, 10000, "models that are asked: how often"),
    SETTINGS_UNSIGNED_ROW(reply_ms, "500", 50, 10000, "models that are asked: how long to wait for the answer"),
    SETTINGS_UNSIGNED_ROW(silent_after_s, "10", 1, 3600, "without a weight for so long it is told offline"),
    SETTINGS_GROUP_ROW(stable, &stable_group, "when a weight is a vehicle's weight"),
    SETTINGS_GROUP_ROW(modbus, &modbus_group, "with model modbus-rtu and modbus-tcp"),
};
static const struct settings_group scale_group = SETTINGS_GROUP_OF(scale_rows,
    "A weighing indicator.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct weighbridge_config
static const struct settings_row weighbridge_rows[] = {
    ADAPTER_CONFIG_ROWS,
    SETTINGS_GROUPS_ROW(scales, scale_count, 64, &scale_group, "the weighing indicators"),
};
const struct settings_group weighbridge_config_group = SETTINGS_GROUP_OF(weighbridge_rows,
    "Relative paths are relative to the folder of the settings file.");
/* clang-format on */

bool scale_is_modbus(const struct scale_config *config)
{
    return strcmp(config->model, MODBUS_RTU) == 0 ||
           strcmp(config->model, MODBUS_TCP) == 0;
}

static int64_t milliseconds(double seconds)
{
    return (int64_t)(seconds * 1000 + 0.5);
}

struct stable_rule scale_rule(const struct scale_config *config)
{
    const struct stable_config *stable = &config->stable;
    const double division = config->division;

    return (struct stable_rule){
        .unit = (enum weight_unit)config->unit,
        .zeros = (enum fixed_zeros)config->fixed_zeros,
        .band = stable->band * division,
        .minimum = stable->minimum > 0 ? stable->minimum : 50 * division,
        .maximum = stable->maximum > 0 ? stable->maximum : 500000,
        .zero_band = stable->zero_band > 0 ? stable->zero_band : 20 * division,
        .rearm_below = stable->rearm_below,
        /* a driver climbs in or out */
        .same = 10 * division,
        .hold_ms = milliseconds(stable->seconds),
        .least = stable->readings,
        .empty_ms = milliseconds(stable->empty_s),
        .age_ms = milliseconds(stable->age_s),
    };
}

/* ---- what does not fit together ----------------------------------------- */

static void check_unique(struct settings *settings, const char *path,
                         const struct weighbridge_config *config,
                         unsigned index)
{
    const struct scale_config *scale = &config->scales[index];

    for (unsigned i = 0; i < index; i++) {
        if (strcmp(config->scales[i].id, scale->id) == 0)
            settings_mistake(settings, STATUS_INVALID, path, "id",
                             "\"%s\" is scales[%u] already; allowed: an id of "
                             "its own for each scale",
                             scale->id, i);
        if (strcmp(config->scales[i].line.port, scale->line.port) == 0)
            settings_mistake(settings, STATUS_INVALID, path, "port",
                             "%s belongs to scales[%u] already; allowed: a "
                             "port of its own for each scale",
                             scale->line.port, i);
    }
}

static void check_weights(struct settings *settings, const char *path,
                          const struct scale_config *scale)
{
    const struct stable_rule rule = scale_rule(scale);
    char group[48];

    snprintf(group, sizeof group, "%s.stable", path);
    if (rule.minimum <= rule.zero_band)
        settings_mistake(settings, STATUS_INVALID, group, "minimum",
                         "%g is within the zero band of %g; allowed: more than "
                         "that",
                         rule.minimum, rule.zero_band);
    if (rule.maximum <= rule.minimum)
        settings_mistake(settings, STATUS_INVALID, group, "maximum",
                         "%g is not above the minimum of %g; allowed: more "
                         "than that",
                         rule.maximum, rule.minimum);
    if (rule.rearm_below > 0 && rule.rearm_below <= rule.zero_band)
        settings_warn(settings, group, "rearm_below",
                      "%g is within the zero band of %g and changes nothing",
                      rule.rearm_below, rule.zero_band);
}

static bool is_asked(const struct scale_config *scale)
{
    return scale_is_modbus(scale) ||
           strcmp(scale->model, yaohua_command.name) == 0;
}

static void check_rhythm(struct settings *settings, const char *path,
                         const struct scale_config *scale)
{
    const struct stable_rule rule = scale_rule(scale);

    if (is_asked(scale) && rule.age_ms < 2 * (int64_t)scale->poll_ms)
        settings_mistake(settings, STATUS_INVALID, path, "poll_ms",
                         "%u is too slow for readings of at most %g s "
                         "(stable.age_s); allowed: half of that",
                         scale->poll_ms, scale->stable.age_s);
    if (strcmp(scale->model, MODBUS_TCP) == 0 && scale->line.port[0] == '/')
        settings_mistake(settings, STATUS_INVALID, path, "port",
                         "%s is a serial port and the model is modbus-tcp; "
                         "allowed: tcp://HOST:PORT, or model modbus-rtu",
                         scale->line.port);
}

/* Bytes of these models have eight bits. */
static bool is_binary(const struct scale_config *scale)
{
    return scale_is_modbus(scale) ||
           strcmp(scale->model, big_display.name) == 0;
}

static void check_line(struct settings *settings, const char *path,
                       const struct scale_config *scale)
{
    if (!line_speed_holds(scale->line.speed))
        settings_mistake(
            settings, STATUS_INVALID, path, "speed",
            "%u is no speed of a serial port; allowed: " LINE_SPEEDS,
            scale->line.speed);
    if (is_binary(scale) && scale->line.format[0] == '7')
        settings_mistake(settings, STATUS_INVALID, path, "format",
                         "%s carries 7 bits, and %s needs 8; allowed: 8N1, "
                         "8E1, 8O1, 8N2",
                         scale->line.format, scale->model);
}

/* Bits of a register that is not read would say nothing. */
static void check_status(struct settings *settings, const char *path,
                         const struct scale_config *scale)
{
    const struct modbus_config *modbus = &scale->modbus;
    char group[48];

    snprintf(group, sizeof group, "%s.modbus", path);
    if (modbus->status_register == REGISTER_NONE &&
        (modbus->status_places || modbus->moving_bit_count > 0 ||
         modbus->still_bit_count > 0 || modbus->overload_bit_count > 0))
        settings_mistake(settings, STATUS_MISSING, group, "status_register",
                         "must be given where a bit of the status is; "
                         "allowed: 0 to 65535");
}

void weighbridge_config_check(struct settings *settings, const void *config)
{
    const struct weighbridge_config *whole = config;

    if (whole->scale_count == 0)
        settings_mistake(settings, STATUS_MISSING, "", "scales",
                         "there is none; allowed: 1 to 64");
    for (unsigned i = 0; i < whole->scale_count; i++) {
        char path[32];

        snprintf(path, sizeof path, "scales[%u]", i);
        check_unique(settings, path, whole, i);
        check_weights(settings, path, &whole->scales[i]);
        check_rhythm(settings, path, &whole->scales[i]);
        check_line(settings, path, &whole->scales[i]);
        check_status(settings, path, &whole->scales[i]);
    }
}
