#include "reading.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"

void reading_id(const char *meter, int64_t mark_ms,
                char id[static READING_ID_MAX])
{
    struct china_time mark = china_time_of(mark_ms);

    snprintf(id, READING_ID_MAX, "%.100s-%04d%02d%02dT%02d%02d", meter,
             mark.year, mark.month, mark.day, mark.hour, mark.minute);
}

static bool is_wanted(const struct station *station, const char *name)
{
    for (unsigned i = 0; i < station->name_count; i++)
        if (strcmp(station->names[i], name) == 0)
            return true;
    return station->name_count == 0;
}

/* Tariffs share a row of register_find, and maps may have names of their own:
 * those are as the meter says. */
static enum register_ratio ratio_of(const char *name)
{
    const struct register_name *row = register_find(name);

    return row == NULL ? RATIO_NONE : row->ratio;
}

/* NULL: no memory.  A number that would lose digits is left out (*fits). */
static json_t *number_of(const struct station *station,
                         const struct register_value *value, bool *fits)
{
    struct decimal number;

    *fits = decimal_multiply(value->number,
                             station->ratios[ratio_of(value->name)], &number);
    return *fits ? decimal_json(number) : NULL;
}

/* ---- members ------------------------------------------------------------- */

static enum status put(json_t *object, const char *name, json_t *value)
{
    return value != NULL && json_object_set_new(object, name, value) == 0
               ? STATUS_OK
               : STATUS_NOMEM;
}

static enum status put_value(const struct station *station, json_t *registers,
                             const struct register_value *value)
{
    bool fits = true;
    json_t *number = number_of(station, value, &fits);
    json_t *member;

    if (!fits)
        return STATUS_OK; /* told as missing */
    if (number == NULL)
        return STATUS_NOMEM;
    member = json_pack("{s:o}", "value", number);
    if (member != NULL && value->unit[0] != 0 &&
        put(member, "unit", json_string(value->unit)) != STATUS_OK) {
        json_decref(member);
        return STATUS_NOMEM;
    }
    return put(registers, value->name, member);
}

static enum status put_registers(const struct dialog *dialog, json_t *registers)
{
    const struct register_values *values = &dialog->values;
    enum status status = STATUS_OK;

    for (unsigned i = 0; i < values->count && status == STATUS_OK; i++)
        if (is_wanted(dialog->station, values->values[i].name))
            status = put_value(dialog->station, registers, &values->values[i]);
    if (status == STATUS_OK && json_object_size(registers) == 0)
        status = STATUS_EMPTY;
    return status;
}

static enum status put_missing(const struct dialog *dialog,
                               const json_t *registers, json_t *content)
{
    const struct station *station = dialog->station;
    json_t *missing = json_object();
    enum status status = missing == NULL ? STATUS_NOMEM : STATUS_OK;

    for (unsigned i = 0; i < station->name_count && status == STATUS_OK; i++) {
        const char *name = station->names[i];

        if (json_object_get(registers, name) == NULL)
            status = put(missing, name,
                         json_string(register_value(&dialog->values, name)
                                         ? "it has too many digits"
                                         : dialog_reason(dialog, name)));
    }
    if (status == STATUS_OK && json_object_size(missing) > 0)
        status = put(content, "missing", json_incref(missing));
    json_decref(missing);
    return status;
}

/* A meter's clock is China's time. */
static bool clock_ms(const struct register_clock *clock, int64_t read_at_ms,
                     int64_t *at_ms)
{
    const struct china_time time = {
        clock->year,   clock->month,  clock->day,      clock->hour,
        clock->minute, clock->second, .millisecond = 0};

    return clock->has_date && clock->has_time && register_clock_valid(clock) &&
           china_time_to_ms(&time, at_ms) == STATUS_OK &&
           *at_ms - read_at_ms <= DAY_MS && read_at_ms - *at_ms <= DAY_MS;
}

static enum status put_clock(const struct dialog *dialog, int64_t read_at_ms,
                             json_t *content)
{
    char text[CLOCK_TEXT_MAX];
    int64_t at_ms;

    if (!clock_ms(&dialog->values.clock, read_at_ms, &at_ms))
        return STATUS_OK;
    clock_print_iso(at_ms, text);
    return put(content, "meter_time", json_string(text));
}

enum status reading_make(const struct dialog *dialog, int64_t read_at_ms,
                         json_t **content)
{
    json_t *made = json_object();
    json_t *registers = json_object();
    enum status status = STATUS_NOMEM;

    if (made == NULL || registers == NULL)
        goto out;
    if ((status = put_registers(dialog, registers)) != STATUS_OK ||
        (status = put(made, "registers", json_incref(registers))) !=
            STATUS_OK ||
        (status = put_clock(dialog, read_at_ms, made)) != STATUS_OK ||
        (status = put_missing(dialog, registers, made)) != STATUS_OK)
        goto out;
    *content = made;
    made = NULL;
out:
    json_decref(registers);
    json_decref(made);
    return status;
}
