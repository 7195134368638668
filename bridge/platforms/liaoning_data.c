#include "liaoning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

#define DECIMALS 6
#define SCALE 1e6
#define WHOLE_MAX 1e15
#define BATCHES_MAX 99 /* of one day */
#define PREFIX_SIZE 32

/* clang-format off */
/* A.5: every member is mandatory.  `valid` is checked by hand (true, false);
 * uploadDate is the time of the attempt and is set when it is sent. */
static const struct field data_fields[] = {
    FIELD_OF_TEXT("dataCode", MANDATORY, 1, 32),
    FIELD_OF_NUMBER("dataValue", MANDATORY, DECIMALS, 0, 0),
    FIELD_OF_INTEGER("inputType", MANDATORY, 1, 7), /* table B.1 */
    FIELD_OF_INTEGER("statType", MANDATORY, 0, 3),  /* real time, day, month, year */
    FIELD_OF_DATE("statDate", MANDATORY, "yyyy-MM-dd HH:mm:ss"),
    FIELD_OF_INTEGER("scope", MANDATORY, 1, 4),     /* A.4 */
};
/* clang-format on */
#define DATA_FIELD_COUNT (sizeof data_fields / sizeof *data_fields)

/* ---- dataCode, B.1, B.3, B.4 ------------------------------------------- */

void energy_data_code(const struct energy_family *family,
                      const struct energy_item_config *item,
                      char code[static ENERGY_CODE_SIZE])
{
    snprintf(code, ENERGY_CODE_SIZE, "%.2s-%.2s-%.2s%s%.2s-%.2s%.4s-%.2s",
             item->process, item->process_unit, item->equipment,
             family->equipment_in_two ? "-" : "", item->equipment_unit,
             item->energy_class, item->energy_type, item->usage);
}

/* Whether code has the family's form: 'd' stands for a digit. */
static bool code_valid(const struct energy_family *family, const char *code)
{
    const char *form = family->equipment_in_two ? "dd-dd-dd-dd-dddddd-dd"
                                                : "dd-dd-dddd-dddddd-dd";

    for (; *form && *code; form++, code++)
        if (*form == 'd' ? *code < '0' || *code > '9' : *code != *form)
            return false;
    return *form == *code;
}

/* The parts of the settings, each of its own length. */
static void check_parts(const struct energy_item_config *item,
                        const char *prefix, struct faults *faults)
{
    const struct {
        const char *name, *text;
        size_t len;
    } parts[] = {
        {"process", item->process, 2},
        {"process_unit", item->process_unit, 2},
        {"equipment", item->equipment, 2},
        {"equipment_unit", item->equipment_unit, 2},
        {"energy_class", item->energy_class, 2},
        {"energy_type", item->energy_type, 4},
        {"usage", item->usage, 2},
    };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i].text) != parts[i].len ||
            strspn(parts[i].text, "0123456789") != parts[i].len)
            faults_add_impossible(
                faults,
                "%sitem: %s of the settings is \"%.32s\"; %zu digits "
                "are wanted",
                prefix, parts[i].name, parts[i].text, parts[i].len);
}

/* ---- one item of the day -> one member of data ------------------------- */

static const struct energy_item_config *
find_item(const struct energy_config *energy, const char *name)
{
    for (unsigned i = 0; i < energy->item_count; i++)
        if (strcmp(energy->items[i].name, name) == 0)
            return &energy->items[i];
    return NULL;
}

/* 6.2.5: labels are fixed marks of the item's own interval. */
static void check_interval(const struct energy_item_config *item,
                           const json_t *entry, const char *prefix,
                           struct faults *faults)
{
    const int64_t interval_ms = item->interval_minutes * MINUTE_MS;
    const int64_t at_ms = json_integer_value(json_object_get(entry, "at_ms"));

    if (json_integer_value(json_object_get(entry, "stat_type")) == 0 &&
        interval_ms > 0 && at_ms % interval_ms != 0)
        faults_add_impossible(faults, "%sat_ms is no mark of %u minutes",
                              prefix, (unsigned)item->interval_minutes);
}

/* A value outside the declared bounds is told as it is, and as not valid:
 * one meter gone wild must not cost the day's batch. */
static bool within_bounds(const struct energy_item_config *item, double value)
{
    return !(item->value_max > item->value_min) ||
           (value >= item->value_min && value <= item->value_max);
}

static bool put(json_t *object, const char *name, json_t *value)
{
    return !value || json_object_set_new(object, name, value) == 0;
}

static json_t *stat_date(const json_t *entry)
{
    const json_t *at_ms = json_object_get(entry, "at_ms");
    char text[CLOCK_TEXT_MAX];

    if (!json_is_integer(at_ms))
        return NULL; /* absent, and said so by the check */
    clock_print_china(json_integer_value(at_ms), text);
    return json_string(text);
}

static json_t *rounded(const json_t *value)
{
    /* What is no number is for the check to name; a double this large has
     * no sixth decimal. */
    if (!json_is_number(value) || fabs(json_number_value(value)) > WHOLE_MAX)
        return json_deep_copy(value);
    return energy_number(round(json_number_value(value) * SCALE) / SCALE);
}

static json_t *wire_member(const struct energy_family *family,
                           const struct energy_item_config *item,
                           const json_t *entry)
{
    const json_t *value = json_object_get(entry, "value");
    const bool valid = !json_is_false(json_object_get(entry, "valid")) &&
                       within_bounds(item, json_number_value(value));
    json_t *wire = json_object();
    char code[ENERGY_CODE_SIZE];

    energy_data_code(family, item, code);
    if (wire && put(wire, "dataCode", json_string(code)) &&
        put(wire, "dataValue", rounded(value)) &&
        put(wire, "inputType", json_integer(item->input_type)) &&
        put(wire, "statType",
            json_deep_copy(json_object_get(entry, "stat_type"))) &&
        put(wire, "statDate", stat_date(entry)) &&
        put(wire, "scope", json_integer(item->scope)) &&
        put(wire, "valid", json_boolean(valid)))
        return wire;
    json_decref(wire);
    return NULL;
}

/* Append the items in wire form to data.  false: no memory. */
static bool convert(const struct destination_config *destination,
                    const struct energy_family *family, const json_t *items,
                    json_t *data, struct faults *faults)
{
    size_t i;
    json_t *entry;

    json_array_foreach(items, i, entry)
    {
        const char *name = fields_text(entry, "item");
        const struct energy_item_config *item =
            find_item(&destination->energy, name);
        char prefix[PREFIX_SIZE];

        snprintf(prefix, sizeof prefix, "items[%zu].", i);
        if (!item) {
            faults_add_impossible(
                faults, "%sitem is \"%.64s\"; the settings have no such item",
                prefix, name);
            continue;
        }
        check_parts(item, prefix, faults);
        check_interval(item, entry, prefix, faults);
        if (json_array_append_new(data, wire_member(family, item, entry)) != 0)
            return false;
    }
    return true;
}

/* ---- the check of what is sent ----------------------------------------- */

/* The start of the period, or for real time the mark that ends it: fixed
 * labels of 15 minutes at the finest, 00:00, the 1st, 1 January. */
static bool on_mark(json_int_t stat_type, const char *date)
{
    struct china_time time;
    int64_t at_ms;

    if (clock_read(span_text(date), &at_ms) != STATUS_OK)
        return true; /* its row says what is wrong */
    time = china_time_of(at_ms);
    if (stat_type == 0)
        return time.second == 0 && time.minute % 15 == 0;
    return time.hour == 0 && time.minute == 0 && time.second == 0 &&
           (stat_type < 2 || time.day == 1) &&
           (stat_type < 3 || time.month == 1);
}

static void check_member(const struct energy_family *family, const json_t *wire,
                         const char *prefix, struct faults *faults)
{
    const char *code = fields_text(wire, "dataCode");
    const char *date = fields_text(wire, "statDate");
    const json_int_t stat_type =
        json_integer_value(json_object_get(wire, "statType"));
    const json_t *valid = json_object_get(wire, "valid");
    json_t *rest = json_copy((json_t *)wire);
    char name[PREFIX_SIZE + 8];

    json_object_del(rest, "valid");
    json_object_del(rest, "uploadDate");
    fields_check(data_fields, DATA_FIELD_COUNT, rest, prefix, faults);
    json_decref(rest);
    if (*code && !code_valid(family, code))
        faults_add_impossible(
            faults, "%sdataCode is \"%.32s\"; wanted: %s", prefix, code,
            family->equipment_in_two ? "00-00-00-00-000000-00"
                                     : "00-00-0000-000000-00");
    if (*date && !on_mark(stat_type, date))
        faults_add_impossible(faults,
                              "%sstatDate %.32s is no mark of statType "
                              "%d",
                              prefix, date, (int)stat_type);
    if (!valid || json_is_null(valid)) {
        snprintf(name, sizeof name, "%svalid", prefix);
        faults_add_absent(faults, name);
    }
    if (valid && !json_is_null(valid) && !json_is_boolean(valid))
        faults_add_impossible(faults, "%svalid is not true or false", prefix);
}

/* Check each member and keep what is sent of it in facts. */
static bool settle_members(const struct energy_family *family,
                           const json_t *data, json_t *kept,
                           struct faults *faults)
{
    char prefix[PREFIX_SIZE];
    size_t i;
    json_t *wire;

    json_array_foreach(data, i, wire)
    {
        json_t *copy;
        json_t *valid = json_object_get(wire, "valid");

        snprintf(prefix, sizeof prefix, "data[%zu].", i);
        if (!json_is_object(wire)) {
            faults_add_impossible(faults, "data[%zu] is not an object", i);
            continue;
        }
        check_member(family, wire, prefix, faults);
        copy = fields_copy(data_fields, DATA_FIELD_COUNT, wire);
        if (valid)
            json_object_set(copy, "valid", valid);
        if (json_array_append_new(kept, copy) != 0)
            return false;
    }
    return true;
}

/* ---- make -------------------------------------------------------------- */

/* The day of the batch: "2026-11-20", or that of now. */
static uint32_t batch_day(const json_t *record, const struct making *making,
                          struct faults *faults)
{
    const char *text = fields_text(record, "batch");
    unsigned year, month, day;

    if (!json_object_get(record, "batch"))
        return china_day(making->now_ms);
    if (!fields_date_valid(text, "yyyy-MM-dd") ||
        sscanf(text, "%4u-%2u-%2u", &year, &month, &day) != 3) {
        faults_add_impossible(faults, "batch is \"%.32s\"; wanted: yyyy-MM-dd",
                              text);
        return 0;
    }
    return year * 10000 + month * 100 + day;
}

/* enterpriseCode/yyyyMMdd, and /2, /3 behind it for more batches of a day. */
static void assign_number(const struct destination_config *destination,
                          const json_t *record, const struct making *making,
                          struct faults *faults, struct made *made)
{
    const char *given = fields_text(record, "$number");
    const char *code = destination->energy.enterprise_code;
    uint32_t day;

    if (*given && strlen(given) < sizeof made->number &&
        strncmp(given, code, strlen(code)) == 0 && given[strlen(code)] == '/') {
        memcpy(made->number, given, strlen(given) + 1);
        return;
    }
    if (*given)
        faults_add_impossible(faults, "$number %.64s is none of %s", given,
                              code);
    day = batch_day(record, making, faults);
    snprintf(made->number, sizeof made->number, "%.32s/%08u", code,
             (unsigned)day);
    for (unsigned i = 2; i <= BATCHES_MAX && making->taken &&
                         making->taken(making->self, made->number);
         i++)
        snprintf(made->number, sizeof made->number, "%.32s/%08u/%u", code,
                 (unsigned)day, i);
}

static void refuse_strangers(const json_t *record, struct faults *faults)
{
    static const char *const known[] = {"data", "items", "batch", "$number"};
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)record, name, value)
    {
        bool found = false;

        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            faults_add_impossible(faults, "%.64s is no field here", name);
    }
}

/* All members in wire form: ready ones (`data`), then items. */
static json_t *collect(const struct destination_config *destination,
                       const struct energy_family *family, const json_t *record,
                       struct faults *faults)
{
    const json_t *ready = json_object_get(record, "data");
    const json_t *items = json_object_get(record, "items");
    json_t *data = json_array();

    if (ready && !json_is_array(ready))
        faults_add_impossible(faults, "data is not an array");
    if (items && !json_is_array(items))
        faults_add_impossible(faults, "items is not an array");
    if (data && ready)
        json_array_extend(data, (json_t *)ready);
    if (data && !convert(destination, family, items, data, faults)) {
        json_decref(data);
        return NULL;
    }
    if (json_array_size(data) == 0 && json_array_size(items) == 0)
        faults_add_absent(faults, "data");
    return data;
}

static enum status write_facts(const json_t *kept, struct made *made)
{
    json_t *facts = json_pack("{sssO}", "$number", made->number, "data", kept);
    enum status status =
        facts ? fields_dump(facts, &made->facts) : STATUS_NOMEM;

    json_decref(facts);
    return status;
}

enum status energy_make(const struct destination_config *destination,
                        const struct interface *interface, const json_t *record,
                        const struct making *making, struct made *made)
{
    const struct energy_detail *detail = interface->detail;
    struct faults faults = {0};
    json_t *kept = json_array();
    json_t *data = NULL;
    enum status status = STATUS_NOMEM;

    *made = (struct made){0};
    if (detail->call != ENERGY_DATA) {
        status = STATUS_INVALID;
        goto out;
    }
    if (!json_is_object(record))
        faults_add_impossible(&faults, "the record is not a JSON object");
    refuse_strangers(record, &faults);
    data = collect(destination, detail->family, record, &faults);
    if (!data || !kept || !settle_members(detail->family, data, kept, &faults))
        goto out;
    assign_number(destination, record, making, &faults, made);
    faults_settle(&faults, made);
    status = write_facts(kept, made);
out:
    json_decref(data);
    json_decref(kept);
    if (status != STATUS_OK)
        made_free(made);
    return status;
}
