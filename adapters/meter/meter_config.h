/*
 * meter_config.h - the settings of sampan-meter, as its YAML file gives them.
 */
#ifndef SAMPAN_METER_CONFIG_H
#define SAMPAN_METER_CONFIG_H

#include "adapter_config.h"
#include "line.h"

enum meter_protocol {
    METER_DLT645_2007,
    METER_DLT645_1997,
    METER_CJT188,
    METER_MODBUS_RTU,
    METER_MODBUS_TCP,
};

struct station_config {
    const char *id; /* of its topics */
    int protocol;   /* enum meter_protocol */
    const char *address;
    const char *type;    /* CJ/T 188: two hexadecimal digits */
    const char *profile; /* Modbus: the name of a register map */
    const char *const *registers;
    unsigned register_count; /* 0: the usual ones */
    int every_minutes;
    const char *ct, *pt; /* ratios of the transformers, decimal */
};

struct bus_config {
    struct line_config line;
    uint32_t gap_ms;
    uint32_t answer_timeout_ms;
    uint32_t retries;
    const struct station_config *meters;
    unsigned meter_count;
};

#define METER_BUSES_MAX 32
#define METER_STATIONS_MAX 250 /* a bus */

struct meter_config {
    struct adapter_config adapter;
    const char *profile_folder;
    const struct bus_config *buses;
    unsigned bus_count;
};

extern const struct settings_group meter_config_group;

/* "dlt645-2007"; static. */
const char *meter_protocol_name(int protocol);
/* One that has frames of its own in TCP. */
bool meter_protocol_is_tcp(int protocol);
bool meter_protocol_is_modbus(int protocol);

/* The program's own rules, each broken one by settings_mistake; and a warning
 * for a bus that is too slow for its meters. */
void meter_config_check(struct settings *settings, const void *config);

#endif
