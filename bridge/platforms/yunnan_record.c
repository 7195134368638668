#include "yunnan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "picture.h"

/* Our own member of a passage's record: the instant to the millisecond, for
 * the recordId.  It never becomes a fact. */
#define AT_MS "$at_ms"

/* ---- passage: 6.13 ------------------------------------------------------ */

/* Neutral colours to table 7.6.  Cameras' own numbers are never passed on. */
static const struct {
    const char *color, *code;
} plate_colors[] = {
    {"blue", "0"},  {"yellow", "1"}, {"white", "2"},        {"black", "3"},
    {"green", "4"}, {"other", "5"},  {"yellow_green", "6"},
};

static const char *color_code(const char *color)
{
    for (size_t i = 0; i < sizeof plate_colors / sizeof *plate_colors; i++)
        if (strcmp(plate_colors[i].color, color) == 0)
            return plate_colors[i].code;
    return "";
}

static const char *direction_code(const char *direction)
{
    if (strcmp(direction, "in") == 0)
        return "0";
    return strcmp(direction, "out") == 0 ? "1" : "";
}

static bool set_text(json_t *record, const char *name, const char *text)
{
    return !*text || json_object_set_new(record, name, json_string(text)) == 0;
}

static bool set_member(json_t *record, const char *name, json_t *value)
{
    return !value || json_object_set(record, name, value) == 0;
}

static bool fill_access(json_t *record, const json_t *passage, int64_t at_ms)
{
    /* clang-format off */
    static const struct {
        const char *name, *from;
    } texts[] = {
        { "entranceId", "entrance" }, { "gateId", "gate" },
        { "vehicleId", "vehicle_id" }, { "licensePlate", "plate" },
        { "vin", "vin" }, { "cargoType", "cargo_type" },
        { "cargoUnit", "cargo_unit" },
    }, others[] = {
        { "cargoWeight", "cargo_weight_t" }, { "carHeadImg", "head" },
        { "carImg", "body" },
    };
    /* clang-format on */
    char time[CLOCK_TEXT_MAX];
    bool good;

    clock_print_china(at_ms, time);
    good = set_text(record, "accessTime", time) &&
           set_text(record, "plateColor",
                    color_code(fields_text(passage, "color"))) &&
           set_text(record, "accessType",
                    direction_code(fields_text(passage, "direction"))) &&
           json_object_set_new(record, AT_MS, json_integer(at_ms)) == 0;
    for (size_t i = 0; good && i < sizeof texts / sizeof *texts; i++)
        good = set_text(record, texts[i].name,
                        fields_text(passage, texts[i].from));
    for (size_t i = 0; good && i < sizeof others / sizeof *others; i++)
        good = set_member(record, others[i].name,
                          json_object_get(passage, others[i].from));
    return good;
}

enum status yunnan_passage(
    const struct destination_config *destination, const json_t *passage,
    struct passage_record records[static PASSAGE_RECORDS_MAX], size_t *count)
{
    const json_t *at_ms = json_object_get(passage, "at_ms");
    json_t *record;

    (void)destination;
    *count = 0;
    if (!json_is_integer(at_ms))
        return STATUS_FORMAT;
    record = json_object();
    if (!record || !fill_access(record, passage, json_integer_value(at_ms))) {
        json_decref(record);
        return STATUS_NOMEM;
    }
    records[0] =
        (struct passage_record){yunnan_interface("vehicleAccess"), record, -1};
    *count = 1;
    return STATUS_OK;
}

/* ---- the example's types to the table's --------------------------------- */

/* "2.5" as a number; NULL when it is none. */
static json_t *number_of(const char *text)
{
    const size_t sign = *text == '-';
    const size_t whole = strspn(text + sign, "0123456789");
    const char *behind = text + sign + whole;
    char *end;

    if (!whole || whole > 15)
        return NULL;
    if (!*behind)
        return json_integer(strtoll(text, NULL, 10));
    if (*behind != '.' || strspn(behind + 1, "0123456789") == 0)
        return NULL;
    const double number = strtod(text, &end);
    return *end ? NULL : json_real(number);
}

/* 2023-10-02 as 20231002. */
static json_t *day_of(const char *text)
{
    char day[9];

    if (!fields_date_valid(text, "yyyy-MM-dd"))
        return NULL;
    snprintf(day, sizeof day, "%.4s%.2s%.2s", text, text + 5, text + 8);
    return json_string(day);
}

static json_t *text_of(json_int_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)number);
    return json_string(text);
}

/* A picture that stands in the record itself, as the data URI of 6.13. */
static json_t *uri_of(const char *name, const json_t *value)
{
    struct bytes uri = BYTES_EMPTY;
    json_t *text = NULL;
    char words[256];

    if (picture_append(name, value, NULL, PICTURE_DATA_URI, &uri, words) ==
        STATUS_OK)
        text = json_stringn(bytes_text(&uri), uri.len);
    bytes_free(&uri);
    return text;
}

/* What the field's table wants instead of value; NULL: leave it. */
static json_t *as_table(const struct field *field, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text && (field->kind == FIELD_NUMBER || field->kind == FIELD_INTEGER))
        return number_of(text);
    if (text && field->kind == FIELD_DATE &&
        strcmp(field->format, "yyyyMMdd") == 0)
        return day_of(text);
    if (text && *text && field->kind == FIELD_PICTURE)
        return uri_of(field->name, value);
    if (json_is_integer(value) &&
        (field->kind == FIELD_CODE || field->kind == FIELD_TEXT))
        return text_of(json_integer_value(value));
    return NULL;
}

/* cargoWeight, status, recordingEnabled, cameraType and the dates have other
 * types in the examples than in the tables: the table's type is sent. */
static void take_examples(const struct yunnan_detail *detail, json_t *record)
{
    for (size_t i = 0; i < detail->field_count; i++) {
        const struct field *field = &detail->fields[i];
        json_t *better = as_table(field, json_object_get(record, field->name));

        if (better)
            json_object_set_new(record, field->name, better);
    }
}

/* ---- numbers that are put together -------------------------------------- */

/* The piece of text that letter stands for: its length, -1 when text has
 * something else there. */
static int form_piece(char letter, const char *text, const json_t *record)
{
    const char *wanted = letter == 'E'   ? fields_text(record, "enterpriseId")
                         : letter == 'G' ? fields_text(record, "entranceId")
                         : letter == 'A' ? fields_text(record, "accessType")
                                         : NULL;
    char time[15];

    if (wanted)
        return strncmp(text, wanted, strlen(wanted)) == 0 ? (int)strlen(wanted)
                                                          : -1;
    if (letter == '9')
        return isdigit((unsigned char)*text) ? 1 : -1;
    if (letter != 'T')
        return *text == letter ? 1 : -1;
    snprintf(time, sizeof time, "%s", text);
    return fields_date_valid(time, "yyyyMMddHHmmss") ? 14 : -1;
}

static bool form_matches(const char *form, const char *text,
                         const json_t *record)
{
    for (; *form; form++) {
        const int len = form_piece(*form, text, record);

        if (len < 0)
            return false;
        text += len;
    }
    return !*text;
}

static void check_forms(const struct yunnan_detail *detail,
                        const json_t *record, struct faults *faults)
{
    for (const struct yunnan_form *row = detail->forms; row->field; row++) {
        const char *text = fields_text(record, row->field);

        if (*text && !form_matches(row->form, text, record))
            faults_add_impossible(faults, "%s is \"%.60s\"; wanted: %s",
                                  row->field, text, row->words);
    }
}

/* recordId: the access time with 4 digits of 0.1 ms, so 18; enterprise;
 * type; serial. */
static enum status number_access(json_t *record, int64_t at_ms, uint64_t serial)
{
    const char *enterprise = fields_text(record, "enterpriseId");
    const char *type = fields_text(record, "accessType");
    int64_t access_ms;
    struct china_time t;
    char text[128];
    int tenths;

    if (clock_read(span_text(fields_text(record, "accessTime")), &access_ms) !=
            STATUS_OK ||
        strlen(enterprise) != YUNNAN_ENTERPRISE_LEN || strlen(type) != 1)
        return STATUS_OK; /* faults say so; it is numbered when completed */
    t = china_time_of(access_ms);
    tenths = at_ms >= access_ms && at_ms < access_ms + SECOND_MS
                 ? (int)(at_ms - access_ms) * 10
                 : 0;
    snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02d%04d%s%s%05u",
             t.year % 10000, t.month, t.day, t.hour, t.minute, t.second, tenths,
             enterprise, type, (unsigned)(serial % 100000));
    return json_object_set_new(record, "recordId", json_string(text)) == 0
               ? STATUS_OK
               : STATUS_NOMEM;
}

/* ---- make --------------------------------------------------------------- */

static bool has_field(const struct yunnan_detail *detail, const char *name)
{
    for (size_t i = 0; i < detail->field_count; i++)
        if (strcmp(detail->fields[i].name, name) == 0)
            return true;
    return false;
}

static void check_enterprise(const struct destination_config *destination,
                             const json_t *record, struct faults *faults)
{
    const char *ours = destination->yunnan.enterprise_id;
    const char *theirs = fields_text(record, "enterpriseId");

    if (*theirs && strcmp(theirs, ours) != 0)
        faults_add_impossible(faults,
                              "enterpriseId is \"%.40s\"; this destination's "
                              "is %s",
                              theirs, ours);
}

/* Our copy of record: with the enterprise's number, in the tables' types. */
static json_t *work_copy(const struct destination_config *destination,
                         const struct yunnan_detail *detail,
                         const json_t *record, int64_t *at_ms)
{
    json_t *work = json_copy((json_t *)record);

    if (!work)
        return NULL;
    *at_ms = json_integer_value(json_object_get(work, AT_MS));
    json_object_del(work, AT_MS);
    take_examples(detail, work);
    if (has_field(detail, "enterpriseId") &&
        !*fields_text(work, "enterpriseId") &&
        !set_text(work, "enterpriseId", destination->yunnan.enterprise_id)) {
        json_decref(work);
        return NULL;
    }
    return work;
}

static void name_record(const struct yunnan_detail *detail,
                        const json_t *record, struct made *made)
{
    const char *gate = fields_text(record, "gateId");

    call_words(span_text(fields_text(record, detail->number)), made->number,
               sizeof made->number);
    call_words(span_text(fields_text(record, detail->subject)), made->subject,
               sizeof made->subject);
    if (detail == &yunnan_access)
        call_words(span_text(*gate ? gate : fields_text(record, "entranceId")),
                   made->order_key, sizeof made->order_key);
}

static enum status write_facts(const struct yunnan_detail *detail,
                               const json_t *record, struct made *made)
{
    json_t *facts = fields_copy(detail->fields, detail->field_count, record);
    enum status status =
        facts ? fields_dump(facts, &made->facts) : STATUS_NOMEM;

    json_decref(facts);
    return status;
}

enum status yunnan_make(const struct destination_config *destination,
                        const struct interface *interface, const json_t *record,
                        const struct making *making, struct made *made)
{
    const struct yunnan_detail *detail = interface->detail;
    struct faults faults = {"", ""};
    enum status status = STATUS_OK;
    int64_t at_ms;
    json_t *work;

    if (!json_is_object(record) || detail->kind != YUNNAN_RECORD)
        return STATUS_FORMAT;
    if (!(work = work_copy(destination, detail, record, &at_ms)))
        return STATUS_NOMEM;
    if (detail == &yunnan_access && !*fields_text(work, "recordId"))
        status = number_access(work, at_ms, making->serial);
    if (status != STATUS_OK)
        goto out;
    fields_check(detail->fields, detail->field_count, work, "", &faults);
    check_enterprise(destination, work, &faults);
    check_forms(detail, work, &faults);
    if (detail->rule)
        detail->rule(work, &faults);
    faults_settle(&faults, made);
    name_record(detail, work, made);
    status = write_facts(detail, work, made);
out:
    json_decref(work);
    return status;
}
