#include "registers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define TARIFF_MAX 63 /* DL/T 645-2007 */

/* clang-format off */

/* Of the whole and of each phase; and of the phases alone. */
#define PHASES(start, end, unit, what, counter, ratio)                        \
    { start "_a" end, unit, what " of phase A", counter, ratio },             \
    { start "_b" end, unit, what " of phase B", counter, ratio },             \
    { start "_c" end, unit, what " of phase C", counter, ratio }
#define WHOLE(start, end, unit, what, counter, ratio)                         \
    { start end, unit, what, counter, ratio },                                \
    PHASES(start, end, unit, what, counter, ratio)

static const struct register_name names[] = {
    /* energy */
    WHOLE("import", "_kwh", "kWh", "active energy taken", true, RATIO_BOTH),
    { "import_tariff_N_kwh", "kWh", "active energy taken in tariff N",
      true, RATIO_BOTH },
    WHOLE("export", "_kwh", "kWh", "active energy given back", true,
          RATIO_BOTH),
    { "export_tariff_N_kwh", "kWh", "active energy given back in tariff N",
      true, RATIO_BOTH },
    { "total_kwh", "kWh", "active energy taken and given back, added",
      true, RATIO_BOTH },
    { "combined_kwh", "kWh", "active energy as the meter is set to combine it",
      false, RATIO_BOTH },
    { "combined_tariff_N_kwh", "kWh", "the same in tariff N",
      false, RATIO_BOTH },
    { "import_kvarh", "kvarh", "reactive energy taken", true, RATIO_BOTH },
    { "export_kvarh", "kvarh", "reactive energy given back",
      true, RATIO_BOTH },
    { "reactive_1_kvarh", "kvarh", "combined reactive energy 1",
      false, RATIO_BOTH },
    { "reactive_1_tariff_N_kvarh", "kvarh", "the same in tariff N",
      false, RATIO_BOTH },
    { "reactive_2_kvarh", "kvarh", "combined reactive energy 2",
      false, RATIO_BOTH },
    { "reactive_2_tariff_N_kvarh", "kvarh", "the same in tariff N",
      false, RATIO_BOTH },
    { "import_demand_kw", "kW", "highest demand of this month",
      false, RATIO_BOTH },
    /* what flows now */
    PHASES("voltage", "_v", "V", "voltage", false, RATIO_PT),
    { "voltage_ab_v", "V", "voltage between A and B", false, RATIO_PT },
    { "voltage_bc_v", "V", "voltage between B and C", false, RATIO_PT },
    { "voltage_ca_v", "V", "voltage between C and A", false, RATIO_PT },
    PHASES("current", "_a", "A", "current", false, RATIO_CT),
    { "current_n_a", "A", "current in neutral", false, RATIO_CT },
    WHOLE("active_power", "_kw", "kW", "active power", false, RATIO_BOTH),
    WHOLE("reactive_power", "_kvar", "kvar", "reactive power", false,
          RATIO_BOTH),
    WHOLE("apparent_power", "_kva", "kVA", "apparent power", false,
          RATIO_BOTH),
    WHOLE("power_factor", "", "", "power factor", false, RATIO_NONE),
    { "frequency_hz", "Hz", "frequency", false, RATIO_NONE },
    /* water, gas, heat */
    { "volume_m3", "m3", "volume", true, RATIO_NONE },
    { "settle_volume_m3", "m3", "volume at the last settlement day",
      true, RATIO_NONE },
    { "heat_kwh", "kWh", "heat (cold of a cooling meter), meter set to kWh",
      true, RATIO_NONE },
    { "settle_heat_kwh", "kWh", "the same at the last settlement day",
      true, RATIO_NONE },
    { "heat_gj", "GJ", "heat (cold of a cooling meter), meter set to GJ",
      true, RATIO_NONE },
    { "settle_heat_gj", "GJ", "the same at the last settlement day",
      true, RATIO_NONE },
    { "heat_power_kw", "kW", "heat power", false, RATIO_NONE },
    { "flow_m3h", "m3/h", "flow", false, RATIO_NONE },
    { "supply_c", "C", "supply temperature", false, RATIO_NONE },
    { "return_c", "C", "return temperature", false, RATIO_NONE },
    { "work_h", "h", "hours of work", true, RATIO_NONE },
};
#define NAMES (sizeof names / sizeof names[0])
/* clang-format on */

const struct register_name *register_names(size_t *count)
{
    *count = NAMES;
    return names;
}

/* "import_tariff_12_kwh" against "import_tariff_N_kwh". */
static bool name_fits(const char *pattern, const char *name)
{
    const char *place = strchr(pattern, 'N');
    size_t front;
    char *end;
    unsigned long tariff;

    if (place == NULL)
        return strcmp(pattern, name) == 0;
    front = (size_t)(place - pattern);
    if (strncmp(pattern, name, front) != 0 || name[front] < '1' ||
        name[front] > '9')
        return false;
    tariff = strtoul(name + front, &end, 10);
    return tariff <= TARIFF_MAX && strcmp(end, place + 1) == 0;
}

const struct register_name *register_find(const char *name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (name_fits(names[i].name, name))
            return &names[i];
    return NULL;
}

const struct register_value *
register_value(const struct register_values *values, const char *name)
{
    for (unsigned i = 0; i < values->count; i++)
        if (strcmp(values->values[i].name, name) == 0)
            return &values->values[i];
    return NULL;
}

bool register_add(struct register_values *values, const char *name,
                  const char *unit, struct decimal number)
{
    struct register_value *value =
        (struct register_value *)register_value(values, name);

    if (strlen(name) >= REGISTER_NAME_MAX || strlen(unit) >= REGISTER_UNIT_MAX)
        return false;
    if (value == NULL) {
        if (values->count == REGISTERS_MAX)
            return false;
        value = &values->values[values->count++];
    }
    text_put(value->name, sizeof value->name, name);
    text_put(value->unit, sizeof value->unit, unit);
    value->number = number;
    return true;
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool date_valid(const struct register_clock *clock)
{
    return clock->year >= 2000 && clock->year <= 2099 && clock->month >= 1 &&
           clock->month <= 12 && clock->day >= 1 &&
           clock->day <= days_of(clock->year, clock->month);
}

static bool time_valid(const struct register_clock *clock)
{
    return clock->hour <= 23 && clock->minute <= 59 && clock->second <= 59;
}

bool register_clock_valid(const struct register_clock *clock)
{
    return (clock->has_date || clock->has_time) &&
           (!clock->has_date || date_valid(clock)) &&
           (!clock->has_time || time_valid(clock));
}
