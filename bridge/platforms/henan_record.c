#include "henan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "clock.h"

#define LSH_LEN 25       /* 6.4: 10 + 2 + 1 + 12 */
#define LSH_TIME 13      /* where its time begins */
#define SHIFT_MAX_S 3600 /* a whole hour of one gate is taken: give up */
#define YSL_CHARACTERS_MAX 4
#define TONNES_TEXT_MAX 330 /* any double, printed without exponent */

/* Set a member; a NULL text leaves it absent.  false: no memory. */
static bool put(json_t *record, const char *name, const char *text)
{
    return !text || json_object_set_new(record, name, json_string(text)) == 0;
}

/* ---- the serial number, 6.4 -------------------------------------------- */

static bool all_digits(const char *text, size_t len)
{
    return strspn(text, "0123456789") >= len;
}

/* The lsh that a driving record's facts make, shift_s seconds later than the
 * passage; false when a part is not there or not good. */
static bool lsh_of(const json_t *record, int64_t shift_s,
                   char lsh[static LSH_LEN + 1])
{
    const char *company = fields_text(record, "qybh");
    const char *gate = fields_text(record, "dzbh");
    const char *state = fields_text(record, "tgzt");
    struct china_time time;
    int64_t at_ms;

    if (strlen(company) != 10 || !all_digits(company, 10) ||
        strlen(gate) != 2 || !all_digits(gate, 2) ||
        (strcmp(state, "1") != 0 && strcmp(state, "2") != 0) ||
        clock_read(span_text(fields_text(record, "tgsjq")), &at_ms) !=
            STATUS_OK)
        return false;
    time = china_time_of(at_ms + shift_s * SECOND_MS);
    snprintf(lsh, LSH_LEN + 1, "%s%s%c%02u%02u%02u%02u%02u%02u", company, gate,
             *state == '1' ? 'A' : 'B', (unsigned)time.year % 100,
             (unsigned)time.month % 100, (unsigned)time.day % 100,
             (unsigned)time.hour % 100, (unsigned)time.minute % 100,
             (unsigned)time.second % 100);
    return true;
}

/* Give the record the first lsh that nobody has. */
static enum status assign_lsh(json_t *record, const struct making *making,
                              struct faults *faults, json_int_t *shift_s)
{
    char lsh[LSH_LEN + 1] = "";

    for (*shift_s = 0; *shift_s <= SHIFT_MAX_S; (*shift_s)++) {
        if (!lsh_of(record, *shift_s, lsh))
            return STATUS_OK; /* the field that is wrong says so itself */
        if (making->taken && making->taken(making->self, lsh))
            continue;
        return put(record, "lsh", lsh) ? STATUS_OK : STATUS_NOMEM;
    }
    *shift_s = 0;
    faults_add_impossible(
        faults, "lsh: every second of this gate is taken for an hour, first %s",
        lsh);
    return STATUS_OK;
}

/* A number that somebody else gave must be one that 6.4 allows and that fits
 * the record's own fields. */
static void check_lsh(const json_t *record, struct faults *faults)
{
    const char *lsh = fields_text(record, "lsh");
    const char *company = fields_text(record, "qybh");
    const char *gate = fields_text(record, "dzbh");
    const char *state = fields_text(record, "tgzt");

    if (strlen(lsh) != LSH_LEN)
        return; /* absent, or the table's row says so */
    if (!all_digits(lsh, 12) || !strchr("AB", lsh[12]) ||
        !fields_date_valid(lsh + LSH_TIME, "yyMMddHHmmss"))
        faults_add_impossible(faults,
                              "lsh is \"%s\"; wanted: company (10), gate (2), "
                              "A or B, yyMMddHHmmss",
                              lsh);
    else if (*company && strncmp(lsh, company, 10) != 0)
        faults_add_impossible(faults, "lsh %s is not of qybh %s", lsh, company);
    else if (*gate && strncmp(lsh + 10, gate, 2) != 0)
        faults_add_impossible(faults, "lsh %s is not of dzbh %s", lsh, gate);
    else if (*state && lsh[12] != (*state == '1' ? 'A' : 'B'))
        faults_add_impossible(faults, "lsh %s is not of tgzt %s", lsh, state);
}

/* ---- tonnes, specs README: at most four characters --------------------- */

/* With as many digits behind the point as fit: 12.345 -> 12.3. */
static void print_tonnes(double tonnes, char text[static TONNES_TEXT_MAX])
{
    for (int decimals = 2; decimals >= 0; decimals--) {
        snprintf(text, TONNES_TEXT_MAX, "%.*f", decimals, tonnes);
        if (strlen(text) <= YSL_CHARACTERS_MAX)
            break;
    }
    if (strchr(text, '.')) {
        text += strlen(text);
        while (text[-1] == '0')
            *--text = 0;
        if (text[-1] == '.')
            *--text = 0;
    }
}

/* Whether value is a weight that must be written anew; *tonnes is it. */
static bool needs_rounding(const json_t *value, double *tonnes)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_number(value)) {
        *tonnes = json_number_value(value);
        return *tonnes >= 0;
    }
    if (!text || strlen(text) <= YSL_CHARACTERS_MAX ||
        text[strspn(text, "0123456789.")])
        return false; /* good as it is, or the table's row refuses it */
    *tonnes = strtod(text, &end);
    return *end == 0;
}

static bool round_tonnes(json_t *record)
{
    json_t *value = json_object_get(record, "ysl");
    char text[TONNES_TEXT_MAX];
    double tonnes;

    if (!needs_rounding(value, &tonnes))
        return true;
    print_tonnes(tonnes, text);
    return json_object_set(record, "$ysl_exact", value) == 0 &&
           put(record, "ysl", text);
}

/* ---- make -------------------------------------------------------------- */

static bool is_absent(const json_t *record, const char *name)
{
    const json_t *value = json_object_get(record, name);

    return !value || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

/* What the settings or the followed record know is filled in when the record
 * does not say it. */
static bool fill(json_t *record, const struct henan_detail *detail,
                 const char *name, const char *text)
{
    for (size_t i = 0; i < detail->field_count; i++)
        if (strcmp(detail->fields[i].name, name) == 0 && text && *text &&
            is_absent(record, name))
            return put(record, name, text);
    return true;
}

static bool fill_all(const struct destination_config *destination,
                     const struct henan_detail *detail, json_t *record)
{
    const struct henan_config *henan = &destination->henan;

    return fill(record, detail, "qybh", henan->company_number) &&
           fill(record, detail, "qymc", henan->company_name) &&
           fill(record, detail, "companyCode", henan->company_number) &&
           (detail->kind == HENAN_DRIVING ||
            fill(record, detail, "lsh",
                 fields_text(record, "$number_of_followed")));
}

/* Our own members apart from the platform's, which fields_check knows. */
static json_t *take_own(json_t *record)
{
    static const char *const names[] = {"$shift_s", "$ysl_exact"};
    json_t *own = json_object();

    for (size_t i = 0; own && i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(record, names[i]);

        if (value)
            json_object_set(own, names[i], value);
        json_object_del(record, names[i]);
    }
    json_object_del(record, "$number_of_followed");
    return own;
}

static void check_driving(const json_t *record, struct faults *faults)
{
    const char *from = fields_text(record, "tgsjq");
    const char *until = fields_text(record, "tgsjz");

    if (*from && *until && strcmp(until, from) < 0)
        faults_add_impossible(faults, "tgsjz %s is before tgsjq %s", until,
                              from);
}

static bool has(const json_t *record, const char *name)
{
    return json_is_object(json_object_get(record, name)) ||
           *fields_text(record, name);
}

/* 4.1.2, 4.1.7: the licence and the list must not both be empty. */
static void check_vehicle(const json_t *record, struct faults *faults)
{
    if (!has(record, "drivingLicenseImg") && !has(record, "drivingLicenseImg2"))
        faults_add_absent(faults, "drivingLicenseImg or drivingLicenseImg2");
}

/* The rules that no row of a table can say. */
static void check_rules(const struct destination_config *destination,
                        const struct henan_detail *detail, const json_t *record,
                        struct faults *faults)
{
    const char *company = fields_text(record, "qybh");

    if (*company && strcmp(company, destination->henan.company_number) != 0)
        faults_add_impossible(faults, "qybh is %s; the settings say %s",
                              company, destination->henan.company_number);
    check_lsh(record, faults);
    if (detail->kind == HENAN_DRIVING)
        check_driving(record, faults);
    if (detail->kind == HENAN_VEHICLE)
        check_vehicle(record, faults);
}

static const char *first_text(const json_t *record, const char *const *names)
{
    for (; names[1]; names++)
        if (*fields_text(record, *names))
            break;
    return fields_text(record, *names);
}

/* Number, subject and key: what the queue knows a record by. */
static void name_record(const struct henan_detail *detail, const json_t *record,
                        struct made *made)
{
    static const char *const subjects[] = {"cphm", "license", "mhyPlate",
                                           "mhyFrameNo", NULL};
    const char *lsh = fields_text(record, "lsh");
    const char *key =
        detail->kind == HENAN_DRIVING ? fields_text(record, "dzbh") : lsh;

    call_words(span_text(first_text(record, subjects)), made->subject,
               sizeof made->subject);
    call_words(span_text(key), made->order_key, sizeof made->order_key);
    if (strlen(lsh) != LSH_LEN)
        return;
    /* Of photos and goods too the number names one record. */
    if (detail->kind == HENAN_DRIVING)
        snprintf(made->number, sizeof made->number, "%s", lsh);
    else
        snprintf(made->number, sizeof made->number, "%s/%.8s", lsh,
                 detail->kind == HENAN_GOODS ? "goods"
                                             : fields_text(record, "zpbh"));
}

static enum status write_facts(const struct henan_detail *detail,
                               const json_t *record, const json_t *own,
                               struct made *made)
{
    json_t *facts = fields_copy(detail->fields, detail->field_count, record);
    enum status status = STATUS_NOMEM;

    if (facts && json_object_update(facts, (json_t *)own) == 0)
        status = fields_dump(facts, &made->facts);
    json_decref(facts);
    return status;
}

/* work is a copy of the record that may be changed. */
static enum status make_from(const struct destination_config *destination,
                             const struct henan_detail *detail, json_t *work,
                             const struct making *making, struct made *made)
{
    struct faults faults = {0};
    json_int_t shift_s = 0;
    json_t *own = NULL;
    enum status status = STATUS_NOMEM;

    if (!fill_all(destination, detail, work) ||
        (detail->kind == HENAN_GOODS && !round_tonnes(work)) ||
        !(own = take_own(work)))
        goto out;
    if (detail->kind == HENAN_DRIVING && is_absent(work, "lsh") &&
        (status = assign_lsh(work, making, &faults, &shift_s)) != STATUS_OK)
        goto out;
    if (shift_s > 0)
        json_object_set_new(own, "$shift_s", json_integer(shift_s));
    fields_check(detail->fields, detail->field_count, work, "", &faults);
    check_rules(destination, detail, work, &faults);
    faults_settle(&faults, made);
    name_record(detail, work, made);
    status = write_facts(detail, work, own, made);
out:
    json_decref(own);
    return status;
}

enum status henan_make(const struct destination_config *destination,
                       const struct interface *interface, const json_t *record,
                       const struct making *making, struct made *made)
{
    json_t *work;
    enum status status;

    *made = (struct made){0};
    if (interface->role != ROLE_RECORD)
        return STATUS_INVALID;
    if (!json_is_object(record)) {
        made->state = MADE_IMPOSSIBLE;
        snprintf(made->reason, sizeof made->reason,
                 "the record is not a JSON object");
        return bytes_append_text(&made->facts, "{}");
    }
    if (!(work = json_copy((json_t *)record)))
        return STATUS_NOMEM;
    status = make_from(destination, interface->detail, work, making, made);
    json_decref(work);
    if (status != STATUS_OK)
        made_free(made);
    return status;
}
