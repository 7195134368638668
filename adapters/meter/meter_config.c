#include "meter_config.h"

#include <string.h>

/* clang-format off */

/* ---- what texts must look like ----------------------------------------- */

#define FORM(name, allowed, low, high, test, text)                            \
    static const struct settings_form name = {                                \
        .characters = allowed, .least = low, .most = high, .valid = test,     \
        .words = text}

/* 80, 3.8: digits, and a point within them */
static bool is_ratio(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;

    if (whole == 0 || whole > 6 || strspn(text, "0.") == strlen(text))
        return false;
    return text[whole] == 0 || (part > 0 && part <= 4 && text[whole + 1 + part] == 0);
}

static bool is_type(const char *text)
{
    return strspn(text, "0123456789ABCDEFabcdef") == 2;
}

FORM(address, "0-9A-Fa-f", 1, 14, NULL, "the digits on the meter's label, or its Modbus unit");
FORM(type, NULL, 2, 2, is_type, "two hexadecimal digits");
FORM(profile, "a-z0-9-", 1, 40, NULL, "1 to 40 small letters, digits and -: the file's name without .yaml");
FORM(ratio, "0-9.", 1, 11, is_ratio, "a number above 0, at most 6 digits before and 4 after the point");

/* ---- words -------------------------------------------------------------- */

static const struct settings_word protocols[] = {
    {"dlt645-2007", METER_DLT645_2007}, {"dlt645-1997", METER_DLT645_1997},
    {"cjt188", METER_CJT188}, {"modbus-rtu", METER_MODBUS_RTU},
    {"modbus-tcp", METER_MODBUS_TCP}, {NULL, 0}};
static const struct settings_word intervals[] = {
    {"1", 1}, {"5", 5}, {"15", 15}, {"30", 30}, {"60", 60}, {NULL, 0}};

/* ---- meters -------------------------------------------------------------- */

#define SETTINGS_STRUCT struct station_config
static const struct settings_row station_rows[] = {
    SETTINGS_TEXT_ROW(id, NULL, &settings_form_device, "the meter's id in its topics, as the bridge's energy items name it"),
    SETTINGS_WORD_ROW(protocol, NULL, protocols, "what it speaks"),
    SETTINGS_TEXT_ROW(address, NULL, &address, "DL/T 645: up to 12 digits of its label; CJ/T 188: up to 14; Modbus: its unit, 1 to 247. Zeros in front may be left out; AAAAAAAAAAAA (12 or 14 times A): whoever is there, when it is alone on its bus"),
    SETTINGS_TEXT_ROW(type, "10", &type, "CJ/T 188: 10 cold water, 11 hot water, 20 heat, 30 gas; AA any"),
    SETTINGS_TEXT_ROW(profile, "", &profile, "Modbus: the register map, a file of profile_folder without .yaml; needed"),
    SETTINGS_TEXTS_ROW(registers, register_count, "", 0, 64, &settings_form_device, "registers to read, by their names (docs/devices/registers.md, or the profile); none: the usual ones of the protocol, all of the profile"),
    SETTINGS_WORD_ROW(every_minutes, "15", intervals, "read at each full 1, 5, 15, 30 or 60 minutes of the clock in UTC+8"),
    SETTINGS_TEXT_ROW(ct, "1", &ratio, "ratio of the current transformer (150/5: 30), when the meter shows the secondary side, as DL/T 645 meters do: multiplies current, power and energy"),
    SETTINGS_TEXT_ROW(pt, "1", &ratio, "ratio of the voltage transformer (10 kV/100 V: 100), likewise: multiplies voltage, power and energy"),
};
static const struct settings_group station_group = SETTINGS_GROUP_OF(station_rows,
    "A meter. No password is ever needed: nothing is written to a meter.");

/* ---- buses ---------------------------------------------------------------- */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct bus_config
static const struct settings_row bus_rows[] = {
    LINE_CONFIG_ROWS("2400", "8E1"),
    SETTINGS_UNSIGNED_ROW(gap_ms, "50", 0, 5000, "silence between an answer and the next question"),
    SETTINGS_UNSIGNED_ROW(answer_timeout_ms, "1000", 50, 30000, "how long a meter may think; what its answer takes on the wire is added"),
    SETTINGS_UNSIGNED_ROW(retries, "2", 0, 10, "a question without a good answer is asked again so many times"),
    SETTINGS_GROUPS_ROW(meters, meter_count, METER_STATIONS_MAX, &station_group, "the meters on it"),
};
static const struct settings_group bus_group = SETTINGS_GROUP_OF(bus_rows,
    "A line with its meters: a serial port, a serial server, or a Modbus TCP meter or gateway. DL/T 645 meters leave the works with 2400 8E1 (2007) or 1200 8E1 (1997), Modbus meters mostly with 9600 8N1. Protocols may be mixed on a line as long as speed and format are the same; modbus-tcp needs a line of its own.");

/* ---- all ------------------------------------------------------------------ */

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct meter_config
static const struct settings_row meter_rows[] = {
    ADAPTER_CONFIG_ROWS,
    SETTINGS_FILE_ROW(profile_folder, "/usr/share/sampan/profiles", SETTINGS_FILE_ANY, "where the register maps of Modbus meters are"),
    SETTINGS_GROUPS_ROW(buses, bus_count, METER_BUSES_MAX, &bus_group, "the lines, each read on its own"),
};
const struct settings_group meter_config_group = SETTINGS_GROUP_OF(meter_rows,
    "The meters of a factory.");
/* clang-format on */

const char *meter_protocol_name(int protocol)
{
    return protocols[protocol].word;
}

bool meter_protocol_is_tcp(int protocol)
{
    return protocol == METER_MODBUS_TCP;
}

bool meter_protocol_is_modbus(int protocol)
{
    return protocol == METER_MODBUS_RTU || protocol == METER_MODBUS_TCP;
}
