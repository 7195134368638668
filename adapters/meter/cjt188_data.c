#include "cjt188_data.h"

#include <string.h>

#define VALUE_BYTES 4
#define UNIT_BYTES 1

/* ---- units ------------------------------------------------------------- */

enum dimension { ENERGY, POWER, VOLUME, FLOW };

/* clang-format off */

/* CJ/T 188, table of unit codes; joules and watt-hours have registers of
 * their own, for 1 kWh is no whole number of decimals of a GJ. */
static const struct unit {
    uint8_t code;
    enum dimension dimension;
    bool joule;
    int8_t power; /* of ten, to kWh, GJ, kW, m3 or m3/h */
} units[] = {
    { 0x02, ENERGY, false, -3 }, /* Wh */
    { 0x05, ENERGY, false,  0 }, /* kWh */
    { 0x08, ENERGY, false,  3 }, /* MWh */
    { 0x0A, ENERGY, false,  5 }, /* MWh x 100 */
    { 0x01, ENERGY, true,  -9 }, /* J */
    { 0x0B, ENERGY, true,  -6 }, /* kJ */
    { 0x0E, ENERGY, true,  -3 }, /* MJ */
    { 0x11, ENERGY, true,   0 }, /* GJ */
    { 0x13, ENERGY, true,   2 }, /* GJ x 100 */
    { 0x14, POWER,  false, -3 }, /* W */
    { 0x17, POWER,  false,  0 }, /* kW */
    { 0x1A, POWER,  false,  3 }, /* MW */
    { 0x29, VOLUME, false, -3 }, /* L */
    { 0x2C, VOLUME, false,  0 }, /* m3 */
    { 0x32, FLOW,   false, -3 }, /* L/h */
    { 0x35, FLOW,   false,  0 }, /* m3/h */
};

struct slot {
    enum cjt188_field field;
    enum dimension dimension;
    uint8_t places;
    const char *name, *joule_name;
};

static const struct slot water_slots[] = {
    { CJT188_TOTAL,  VOLUME, 2, "volume_m3", NULL },
    { CJT188_SETTLE, VOLUME, 2, "settle_volume_m3", NULL },
};

static const struct slot heat_slots[] = {
    { CJT188_HEAT_SETTLE, ENERGY, 2, "settle_heat_kwh", "settle_heat_gj" },
    { CJT188_HEAT,        ENERGY, 2, "heat_kwh", "heat_gj" },
    { CJT188_POWER,       POWER,  2, "heat_power_kw", NULL },
    { CJT188_FLOW,        FLOW,   4, "flow_m3h", NULL },
    { CJT188_VOLUME,      VOLUME, 2, "volume_m3", NULL },
};

/* Behind the slots of heat: three bytes each, no unit. */
static const struct {
    enum cjt188_field field;
    uint8_t places;
    const char *name;
} bare_slots[] = {
    { CJT188_SUPPLY, 2, "supply_c" },
    { CJT188_RETURN, 2, "return_c" },
    { CJT188_HOURS,  0, "work_h" },
};
#define BARE_SLOTS (sizeof bare_slots / sizeof bare_slots[0])
#define BARE_BYTES 3
/* clang-format on */

static const struct unit *unit_find(uint8_t code, enum dimension dimension)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].code == code && units[i].dimension == dimension)
            return &units[i];
    return NULL;
}

static bool is_absent(struct span field)
{
    for (size_t i = 0; i < field.len; i++)
        if (field.data[i] != 0xFF)
            return false;
    return true;
}

/* ---- fields ------------------------------------------------------------ */

static size_t unit_at(size_t slot, bool unit_first)
{
    return slot * (VALUE_BYTES + UNIT_BYTES) + (unit_first ? 0 : VALUE_BYTES);
}

/* How many of the slots' units fall where they belong.  A unit of FF belongs
 * to a field that is absent. */
static size_t units_fitting(const struct slot *slots, size_t count,
                            struct span payload, bool unit_first)
{
    size_t fitting = 0;

    for (size_t i = 0; i < count; i++) {
        uint8_t code = payload.data[unit_at(i, unit_first)];

        fitting += code == 0xFF || unit_find(code, slots[i].dimension) != NULL;
    }
    return fitting;
}

static bool number_take(struct span field, size_t offset, uint8_t places,
                        struct cjt188_number *number,
                        struct decode_fault *fault)
{
    size_t wrong = 0;

    number->there = !is_absent(field);
    if (!number->there ||
        decimal_from_bcd(field, places, false, &number->raw, &wrong))
        return true;
    return decode_fail(fault, DECODE_VALUE, offset + wrong,
                       "byte %02X is not BCD", field.data[wrong]);
}

static bool slot_take(const struct slot *slot, struct span payload, size_t at,
                      bool unit_first, struct cjt188_number *number,
                      struct decode_fault *fault)
{
    size_t value_at = at + (unit_first ? UNIT_BYTES : 0);
    size_t code_at = at + (unit_first ? 0 : VALUE_BYTES);
    const struct unit *unit;

    number->unit = payload.data[code_at];
    if (!number_take(span_of(payload.data + value_at, VALUE_BYTES), value_at,
                     slot->places, number, fault) ||
        !number->there)
        return fault->kind == DECODE_NONE;
    unit = unit_find(number->unit, slot->dimension);
    if (unit == NULL)
        return decode_fail(fault, DECODE_VALUE, code_at,
                           "%02X is no unit of this field, neither behind nor "
                           "in front of the value",
                           number->unit);
    number->name = unit->joule ? slot->joule_name : slot->name;
    if (!decimal_shift(number->raw, unit->power, &number->number))
        return decode_fail(fault, DECODE_VALUE, value_at,
                           "the value is too large for its unit");
    return true;
}

static bool bare_take(struct span payload, size_t *used,
                      struct cjt188_reading *reading,
                      struct decode_fault *fault)
{
    for (size_t i = 0; i < BARE_SLOTS; i++) {
        struct cjt188_number *number = &reading->numbers[bare_slots[i].field];

        if (payload.len - *used < BARE_BYTES)
            return true;
        if (!number_take(span_of(payload.data + *used, BARE_BYTES), *used,
                         bare_slots[i].places, number, fault))
            return false;
        number->number = number->raw;
        number->name = bare_slots[i].name;
        *used += BARE_BYTES;
    }
    return true;
}

static struct span piece_take(struct span payload, size_t size, size_t *used)
{
    struct span piece = span_of(payload.data + *used, size);

    if (payload.len - *used < size)
        return span_of(NULL, 0);
    *used += size;
    return piece;
}

bool cjt188_take(uint8_t type, struct span payload,
                 struct cjt188_reading *reading, struct decode_fault *fault)
{
    bool heat = type >> 4 == 2;
    const struct slot *slots = heat ? heat_slots : water_slots;
    size_t count = heat ? sizeof heat_slots / sizeof heat_slots[0]
                        : sizeof water_slots / sizeof water_slots[0];
    size_t used = count * (VALUE_BYTES + UNIT_BYTES);

    *fault = (struct decode_fault){.kind = DECODE_NONE};
    memset(reading, 0, sizeof *reading);
    if (payload.len < used)
        return decode_fail(fault, DECODE_LENGTH, payload.len,
                           "the values need %zu bytes; there are %zu", used,
                           payload.len);
    reading->unit_first = units_fitting(slots, count, payload, false) < count &&
                          units_fitting(slots, count, payload, true) == count;
    for (size_t i = 0; i < count; i++)
        if (!slot_take(&slots[i], payload, i * (VALUE_BYTES + UNIT_BYTES),
                       reading->unit_first, &reading->numbers[slots[i].field],
                       fault))
            return false;
    if (heat && !bare_take(payload, &used, reading, fault))
        return false;
    reading->clock = piece_take(payload, 7, &used);
    reading->status = piece_take(payload, 2, &used);
    reading->surplus = payload.len - used;
    return true;
}

bool cjt188_has_fields(uint8_t type)
{
    return type >= 0x10 && type <= 0x39;
}

static bool slots_say(const struct slot *slots, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(slots[i].name, name) == 0 ||
            (slots[i].joule_name != NULL &&
             strcmp(slots[i].joule_name, name) == 0))
            return true;
    return false;
}

bool cjt188_says(const char *name)
{
    for (size_t i = 0; i < BARE_SLOTS; i++)
        if (strcmp(bare_slots[i].name, name) == 0)
            return true;
    return slots_say(water_slots, sizeof water_slots / sizeof water_slots[0],
                     name) ||
           slots_say(heat_slots, sizeof heat_slots / sizeof heat_slots[0],
                     name);
}

bool cjt188_is_current(const struct cjt188_frame *frame)
{
    return frame->length >= CJT188_DI_BYTES &&
           ((frame->data[0] == 0x1F && frame->data[1] == 0x90) ||
            (frame->data[0] == 0x90 && frame->data[1] == 0x1F));
}

/* ---- registers --------------------------------------------------------- */

static uint8_t bcd_of(uint8_t byte)
{
    return (byte >> 4) > 9 || (byte & 15) > 9
               ? UINT8_MAX
               : (uint8_t)((byte >> 4) * 10 + (byte & 15));
}

/* ss mm hh DD MM YY CC; what is no moment is left out: many meters send
 * zeros, and a wrong clock must not cost the reading. */
static void clock_take(struct span bytes, struct register_clock *clock)
{
    struct register_clock read = {.has_date = true, .has_time = true};

    if (bytes.len < 7)
        return;
    read.second = bcd_of(bytes.data[0]);
    read.minute = bcd_of(bytes.data[1]);
    read.hour = bcd_of(bytes.data[2]);
    read.day = bcd_of(bytes.data[3]);
    read.month = bcd_of(bytes.data[4]);
    read.year = (uint16_t)(bcd_of(bytes.data[6]) * 100 + bcd_of(bytes.data[5]));
    if (register_clock_valid(&read))
        *clock = read;
}

static bool reply_holds(const struct cjt188_frame *frame,
                        struct decode_fault *fault)
{
    if (frame->control == 0xC1)
        return decode_fail(fault, DECODE_MISSING, 9, "the meter refuses");
    if (frame->control != 0x81)
        return decode_fail(fault, DECODE_UNKNOWN, 9,
                           "control %02X is no reply to reading; that is 81",
                           frame->control);
    if (!cjt188_is_current(frame))
        return decode_fail(fault, DECODE_UNKNOWN, 11,
                           "it is no reply to 901F, the current values");
    if (!cjt188_has_fields(frame->type))
        return decode_fail(fault, DECODE_UNKNOWN, 1,
                           "the values of type %02X are not known; known are "
                           "water 10 to 19, heat 20 to 29, gas 30 to 39",
                           frame->type);
    return true;
}

bool cjt188_read(const struct cjt188_frame *frame,
                 struct register_values *values, struct decode_fault *fault)
{
    unsigned before = values->count;
    struct cjt188_reading reading;
    struct span payload;

    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (!reply_holds(frame, fault))
        return false;
    payload =
        span_of(frame->data + CJT188_DI_BYTES, frame->length - CJT188_DI_BYTES);
    if (!cjt188_take(frame->type, payload, &reading, fault)) {
        fault->offset += 11 + CJT188_DI_BYTES;
        return false;
    }
    if (values->count + CJT188_FIELDS > REGISTERS_MAX)
        return decode_fail(fault, DECODE_LIMIT, 0,
                           "there are more than %d values", REGISTERS_MAX);
    for (size_t i = 0; i < CJT188_FIELDS; i++) {
        const struct cjt188_number *number = &reading.numbers[i];

        if (number->there &&
            !register_add(values, number->name,
                          register_find(number->name)->unit, number->number))
            return decode_fail(fault, DECODE_LIMIT, 0, "no room for %s",
                               number->name);
    }
    if (values->count == before)
        return decode_fail(fault, DECODE_VALUE, 11 + CJT188_DI_BYTES,
                           "every value is absent (FF)");
    clock_take(reading.clock, &values->clock);
    return true;
}
