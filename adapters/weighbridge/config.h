/*
 * config.h - the settings of sampan-weighbridge.
 */
#ifndef SAMPAN_WEIGHBRIDGE_CONFIG_H
#define SAMPAN_WEIGHBRIDGE_CONFIG_H

#include "adapter_config.h"
#include "line.h"
#include "model.h"
#include "stable.h"

enum modbus_type { TYPE_S16, TYPE_U16, TYPE_S32, TYPE_U32, TYPE_FLOAT32 };
enum modbus_order { ORDER_BIG, ORDER_LITTLE };

#define REGISTER_NONE 65536

/* Where a weighing transmitter has its weight. */
struct modbus_config {
    uint32_t unit;
    uint32_t function; /* 3 or 4 */
    uint32_t weight_register;
    int type;  /* enum modbus_type */
    int order; /* enum modbus_order */
    double factor;
    uint32_t status_register; /* REGISTER_NONE: it has none */
    bool status_places;       /* its bits 0-2 are decimal places */
    const uint32_t *moving_bits;
    unsigned moving_bit_count;
    const uint32_t *still_bits;
    unsigned still_bit_count;
    const uint32_t *overload_bits;
    unsigned overload_bit_count;
};

struct stable_config {
    double band; /* divisions */
    double seconds;
    uint32_t readings;
    double minimum;
    double maximum;
    double zero_band;
    double rearm_below;
    double empty_s;
    double age_s;
};

struct scale_config {
    const char *id;
    const char *model;
    struct line_config line;
    const char *lane;
    const char *direction;
    int unit; /* enum weight_unit */
    double division;
    int check;       /* enum scale_check */
    int fixed_zeros; /* enum fixed_zeros */
    const char *address;
    uint32_t poll_ms;
    uint32_t reply_ms;
    uint32_t silent_after_s;
    struct stable_config stable;
    struct modbus_config modbus;
};

struct weighbridge_config {
    struct adapter_config adapter; /* first: program.h */
    const struct scale_config *scales;
    unsigned scale_count;
};

extern const struct settings_group weighbridge_config_group;

/* What does not fit together becomes a mistake. */
void weighbridge_config_check(struct settings *settings, const void *config);

/* The rule that the settings of a scale state, with what is derived. */
struct stable_rule scale_rule(const struct scale_config *config);
/* "modbus-rtu" or "modbus-tcp". */
bool scale_is_modbus(const struct scale_config *config);

#endif
