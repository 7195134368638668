#include "station.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* What a meter thinks before it answers, for estimates only. */
#define THINKING_MS 100
#define TCP_ANSWER_MS 20 /* a TCP device's own time */

/* What is read when the settings name nothing. */
static const char *const names_2007[] = {
    "import_kwh",      "export_kwh",   "reactive_1_kvarh", "reactive_2_kvarh",
    "active_power_kw", "power_factor", "voltage_a_v",      "voltage_b_v",
    "voltage_c_v",     "current_a_a",  "current_b_a",      "current_c_a",
};
static const char *const names_1997[] = {
    "import_kwh",  "export_kwh",  "active_power_kw",
    "voltage_a_v", "voltage_b_v", "voltage_c_v",
    "current_a_a", "current_b_a", "current_c_a",
};

/* ---- what the settings say ---------------------------------------------- */

/* What a mistake is found in. */
struct making {
    struct station *station;
    const char *profile_folder;
    const char **key;
    char *why;
};

static enum status wrong(const struct making *making, const char *key,
                         const char *text, const char *value)
{
    *making->key = key;
    text_print(making->why, STATION_WHY_MAX, text, value);
    return STATUS_INVALID;
}

/* "3.8"; its form was checked when it was read. */
static struct decimal ratio_of(const char *text)
{
    struct decimal ratio = {0, 0};
    bool part = false;

    for (; *text != 0; text++) {
        if (*text == '.') {
            part = true;
            continue;
        }
        ratio.unscaled = ratio.unscaled * 10 + (*text - '0');
        ratio.places = (uint8_t)(ratio.places + (part ? 1 : 0));
    }
    return ratio;
}

static enum status ratios_read(const struct making *making)
{
    struct decimal *ratios = making->station->ratios;
    const struct station_config *config = making->station->config;

    ratios[RATIO_NONE] = (struct decimal){1, 0};
    ratios[RATIO_CT] = ratio_of(config->ct);
    ratios[RATIO_PT] = ratio_of(config->pt);
    if (!decimal_multiply(ratios[RATIO_CT], ratios[RATIO_PT],
                          &ratios[RATIO_BOTH]))
        return wrong(making, "ct", "ct times pt has too many digits%s", "");
    return STATUS_OK;
}

static void names_take(struct station *station, const char *const *names,
                       size_t count)
{
    station->name_count = 0;
    for (size_t i = 0; i < count && i < STATION_NAMES_MAX; i++)
        station->names[station->name_count++] = names[i];
}

static bool ask_also(struct station *station, struct station_question question)
{
    if (station->question_count == STATION_QUESTIONS_MAX)
        return false;
    station->questions[station->question_count++] = question;
    return true;
}

/* ---- DL/T 645 ------------------------------------------------------------ */

static enum dlt645_edition edition_of(const struct station *station)
{
    return station->config->protocol == METER_DLT645_1997 ? DLT645_1997
                                                          : DLT645_2007;
}

static bool is_dlt645(const struct station *station)
{
    return station->config->protocol == METER_DLT645_2007 ||
           station->config->protocol == METER_DLT645_1997;
}

static enum status dlt645_make(const struct making *making)
{
    struct station *station = making->station;
    enum dlt645_edition edition = edition_of(station);
    uint32_t dis[DLT645_PLAN_MAX];
    size_t count = 0;
    const char *unknown = NULL;

    if (!dlt645_address_read(station->config->address,
                             &station->address.dlt645))
        return wrong(making, "address",
                     "\"%s\" is no address of DL/T 645; allowed: 1 to 12 "
                     "digits, AAAAAAAAAAAA",
                     station->config->address);
    station->anybody = memcmp(&station->address.dlt645, &dlt645_anybody,
                              sizeof dlt645_anybody) == 0;
    if (station->config->register_count == 0 && edition == DLT645_2007)
        names_take(station, names_2007, sizeof names_2007 / sizeof *names_2007);
    else if (station->config->register_count == 0)
        names_take(station, names_1997, sizeof names_1997 / sizeof *names_1997);
    if (!dlt645_plan(edition, station->names, station->name_count, dis, &count,
                     &unknown))
        return wrong(making, "registers",
                     "\"%s\" cannot be read by this protocol (or these are "
                     "too many); allowed: the names of "
                     "docs/devices/registers.md that have an identifier",
                     unknown == NULL ? "?" : unknown);
    for (size_t i = 0; i < count; i++)
        (void)ask_also(station, (struct station_question){.di = dis[i]});
    (void)ask_also(station,
                   (struct station_question){.topic = STATION_DATE,
                                             .di = dlt645_di_date(edition)});
    (void)ask_also(station,
                   (struct station_question){.topic = STATION_TIME,
                                             .di = dlt645_di_time(edition)});
    return STATUS_OK;
}

/* ---- CJ/T 188 ------------------------------------------------------------ */

static enum status cjt188_make(const struct making *making)
{
    struct station *station = making->station;

    if (!cjt188_address_read(station->config->address,
                             &station->address.cjt188))
        return wrong(making, "address",
                     "\"%s\" is no address of CJ/T 188; allowed: 1 to 14 "
                     "digits, AAAAAAAAAAAAAA",
                     station->config->address);
    station->anybody = memcmp(&station->address.cjt188, &cjt188_anybody,
                              sizeof cjt188_anybody) == 0;
    station->type = (uint8_t)strtoul(station->config->type, NULL, 16);
    if (station->type != CJT188_ANY_TYPE && !cjt188_has_fields(station->type))
        return wrong(making, "type",
                     "\"%s\" is a type whose values are not known; allowed: "
                     "10 to 19 water, 20 to 29 heat, 30 to 39 gas, AA any",
                     station->config->type);
    for (unsigned i = 0; i < station->name_count; i++)
        if (!cjt188_says(station->names[i]))
            return wrong(making, "registers",
                         "\"%s\" is nothing that CJ/T 188 meters say; allowed: "
                         "the names of docs/devices/registers.md for water, "
                         "gas and heat",
                         station->names[i]);
    (void)ask_also(station, (struct station_question){.topic = STATION_DATA});
    return STATUS_OK;
}

/* ---- Modbus -------------------------------------------------------------- */

static enum status map_make(const struct making *making)
{
    struct station *station = making->station;
    struct bytes path = BYTES_EMPTY;
    struct bytes words = BYTES_EMPTY;
    enum status status = bytes_print(
        &path, "%s/%s.yaml", making->profile_folder, station->config->profile);

    if (status == STATUS_OK)
        status = modbus_map_open(bytes_text(&path), &words, &station->file);
    if (status == STATUS_OK)
        station->map = modbus_map_borrow(station->file);
    else if (status == STATUS_NOT_FOUND)
        status = wrong(making, "profile",
                       "there is no %s; allowed: a file of profile_folder "
                       "without .yaml",
                       bytes_text(&path));
    else if (status != STATUS_NOMEM)
        status =
            wrong(making, "profile", "is not good: %s", bytes_text(&words));
    bytes_free(&words);
    bytes_free(&path);
    return status;
}

static enum status plan_make(const struct making *making)
{
    struct station *station = making->station;
    const struct modbus_map *map = station->map;
    const char *unknown = NULL;

    if (!modbus_plan(map, station->names, station->name_count, &station->plan,
                     &unknown))
        return wrong(making, "registers",
                     "\"%s\" is not in the profile; allowed: its names",
                     unknown == NULL ? "?" : unknown);
    for (unsigned i = 0; i < station->plan.count; i++)
        (void)ask_also(station, (struct station_question){
                                    .modbus = station->plan.requests[i]});
    for (unsigned i = 0;
         station->config->register_count == 0 && i < map->register_count; i++)
        if (station->name_count < STATION_NAMES_MAX)
            station->names[station->name_count++] = map->registers[i].name;
    return STATUS_OK;
}

static enum status modbus_make(const struct making *making)
{
    struct station *station = making->station;
    const char *text = station->config->address;
    char *end = NULL;
    unsigned long unit = strtoul(text, &end, 10);
    unsigned long most =
        meter_protocol_is_tcp(station->config->protocol) ? 255 : 247;
    enum status status;

    if (*end != 0 || unit > most ||
        (unit == 0 && most == 247)) /* 0 is the broadcast */
        return wrong(making, "address",
                     "\"%s\" is no Modbus unit; allowed: 1 to 247 "
                     "(modbus-tcp: 0 to 255)",
                     text);
    if (station->config->profile[0] == 0)
        return wrong(making, "profile",
                     "must be given for Modbus; allowed: a file of "
                     "profile_folder without .yaml%s",
                     "");
    station->address.unit = (uint8_t)unit;
    status = map_make(making);
    return status == STATUS_OK ? plan_make(making) : status;
}

/* ---- all ----------------------------------------------------------------- */

static enum status protocol_make(const struct making *making)
{
    const struct station_config *config = making->station->config;

    if (!meter_protocol_is_modbus(config->protocol) && config->profile[0] != 0)
        return wrong(making, "profile", "is for Modbus; allowed: none for %s",
                     meter_protocol_name(config->protocol));
    if (is_dlt645(making->station))
        return dlt645_make(making);
    if (config->protocol == METER_CJT188)
        return cjt188_make(making);
    return modbus_make(making);
}

enum status station_make(const struct station_config *config,
                         const char *profile_folder, struct station **station,
                         const char **key, char why[static STATION_WHY_MAX])
{
    struct station *made = calloc(1, sizeof *made);
    const struct making making = {made, profile_folder, key, why};
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->config = config;
    names_take(made, config->registers, config->register_count);
    status = ratios_read(&making);
    if (status == STATUS_OK)
        status = protocol_make(&making);
    if (status != STATUS_OK) {
        station_free(made);
        return status;
    }
    *station = made;
    return STATUS_OK;
}

void station_free(struct station *station)
{
    if (station == NULL)
        return;
    modbus_map_close(station->file);
    free(station);
}

bool station_same(const struct station *a, const struct station *b)
{
    if (is_dlt645(a) && is_dlt645(b))
        return dlt645_address_fits(&a->address.dlt645, &b->address.dlt645) ||
               dlt645_address_fits(&b->address.dlt645, &a->address.dlt645);
    if (a->config->protocol != b->config->protocol)
        return false;
    if (a->config->protocol == METER_CJT188)
        return cjt188_address_fits(&a->address.cjt188, &b->address.cjt188) ||
               cjt188_address_fits(&b->address.cjt188, &a->address.cjt188);
    return a->address.unit == b->address.unit;
}

/* ---- habits -------------------------------------------------------------- */

void station_drop(struct station *station, unsigned index)
{
    station->question_count--;
    memmove(&station->questions[index], &station->questions[index + 1],
            (station->question_count - index) * sizeof station->questions[0]);
}

static bool put_in_place(struct station *station, unsigned index,
                         const struct station_question *pieces, unsigned count)
{
    if (count == 0 ||
        station->question_count - 1 + count > STATION_QUESTIONS_MAX)
        return false;
    memmove(&station->questions[index + count], &station->questions[index + 1],
            (station->question_count - index - 1) *
                sizeof station->questions[0]);
    memcpy(&station->questions[index], pieces, count * sizeof *pieces);
    station->question_count += count - 1;
    return true;
}

static bool reads(const struct modbus_request *request,
                  const struct modbus_register *one)
{
    return one->function == request->function &&
           one->address >= request->start &&
           one->address + modbus_type_words(one->type) <=
               (unsigned)request->start + request->count;
}

/* A request for each register that a refused one covered. */
static bool modbus_split(struct station *station, unsigned index)
{
    const struct modbus_request whole = station->questions[index].modbus;
    struct station_question pieces[MODBUS_WORDS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < station->map->register_count; i++) {
        const struct modbus_register *one = &station->map->registers[i];

        if (station->plan.wanted[i] && reads(&whole, one) &&
            count < MODBUS_WORDS_MAX)
            pieces[count++] = (struct station_question){
                .modbus = {whole.function, one->address,
                           (uint16_t)modbus_type_words(one->type)}};
    }
    if (count == 1 && pieces[0].modbus.count == whole.count)
        return false;
    return put_in_place(station, index, pieces, count);
}

static bool wants(const struct station *station, uint32_t di)
{
    for (unsigned i = 0; i < station->name_count; i++)
        if (dlt645_di_of(edition_of(station), station->names[i]) == di)
            return true;
    return false;
}

/* A question for each register that a refused block was asked for. */
static bool dlt645_split(struct station *station, unsigned index)
{
    uint32_t members[DLT645_MEMBERS_MAX];
    size_t count = dlt645_members(edition_of(station),
                                  station->questions[index].di, members);
    struct station_question pieces[DLT645_MEMBERS_MAX];
    unsigned wanted = 0;

    for (size_t i = 0; i < count; i++)
        if (wants(station, members[i]))
            pieces[wanted++] = (struct station_question){.di = members[i]};
    return put_in_place(station, index, pieces, wanted);
}

bool station_split(struct station *station, unsigned index)
{
    if (station->questions[index].topic != STATION_DATA)
        return false;
    if (is_dlt645(station))
        return dlt645_split(station, index);
    return meter_protocol_is_modbus(station->config->protocol) &&
           modbus_split(station, index);
}

static bool dlt645_covers(const struct station *station, uint32_t asked,
                          const char *name)
{
    enum dlt645_edition edition = edition_of(station);
    uint32_t di = dlt645_di_of(edition, name);
    uint32_t members[DLT645_MEMBERS_MAX];
    size_t count = dlt645_members(edition, asked, members);

    for (size_t i = 0; i < count; i++)
        if (members[i] == di)
            return true;
    return asked == di;
}

static bool modbus_covers(const struct station *station,
                          const struct modbus_request *request,
                          const char *name)
{
    for (unsigned i = 0; i < station->map->register_count; i++)
        if (strcmp(station->map->registers[i].name, name) == 0)
            return reads(request, &station->map->registers[i]);
    return false;
}

bool station_covers(const struct station *station, unsigned index,
                    const char *name)
{
    const struct station_question *question = &station->questions[index];

    if (question->topic != STATION_DATA)
        return false;
    if (is_dlt645(station))
        return dlt645_covers(station, question->di, name);
    if (station->config->protocol == METER_CJT188)
        return true;
    return modbus_covers(station, &question->modbus, name);
}

/* ---- estimates ----------------------------------------------------------- */

/* Bytes of a question and its answer, preambles and an average block. */
static size_t traffic_of(const struct station *station, unsigned index)
{
    const struct station_question *question = &station->questions[index];

    if (is_dlt645(station))
        return 20 + 28;
    if (station->config->protocol == METER_CJT188)
        return 20 + 64;
    return MODBUS_ASK_TCP_BYTES + 9 + 2U * question->modbus.count;
}

int64_t station_duration_ms(const struct station *station,
                            const struct bus_config *bus)
{
    int64_t duration_ms = 0;
    bool tcp = meter_protocol_is_tcp(station->config->protocol);

    for (unsigned i = 0; i < station->question_count; i++)
        duration_ms +=
            bus->gap_ms +
            (tcp ? TCP_ANSWER_MS
                 : THINKING_MS +
                       line_duration_ms(&bus->line, traffic_of(station, i)));
    return duration_ms;
}
