#include "liaoning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "crypto.h"

#define WHOLE_MAX 1e15 /* above it a double is no exact decimal any more */

json_t *energy_number(double number)
{
    if (!isfinite(number))
        return NULL;
    if (fabs(number) < WHOLE_MAX && number == trunc(number))
        return json_integer((json_int_t)number);
    return json_real(number);
}

/* ---- collectItemConfig, A.4 -------------------------------------------- */

static bool put_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text ? text : "")) ==
           0;
}

static bool put_digit(json_t *object, const char *name, unsigned number)
{
    char text[16];

    snprintf(text, sizeof text, "%u", number);
    return put_text(object, name, text);
}

/* Both bounds or none: equal ones say that there are none. */
static bool put_bounds(json_t *object, const struct energy_item_config *item)
{
    if (!(item->value_max > item->value_min))
        return true;
    return json_object_set_new(object, "dataValueMax",
                               energy_number(item->value_max)) == 0 &&
           json_object_set_new(object, "dataValueMin",
                               energy_number(item->value_min)) == 0;
}

/* inputType and statType are strings here and numbers in the data upload, as
 * each example shows them. */
static json_t *item_entry(const struct energy_config *energy,
                          const struct energy_item_config *item,
                          unsigned stat_type)
{
    json_t *entry = json_object();

    if (entry && put_text(entry, "name", item->name) &&
        put_text(entry, "processCode", item->process) &&
        put_text(entry, "processUnitCode", item->process_unit) &&
        put_text(entry, "equipmentCode", item->equipment) &&
        put_text(entry, "equipmentUnitCode", item->equipment_unit) &&
        put_text(entry, "energyClassCode", item->energy_class) &&
        put_text(entry, "energyTypeCode", item->energy_type) &&
        put_text(entry, "dataUsageCode", item->usage) &&
        put_digit(entry, "inputType", item->input_type) &&
        put_bounds(entry, item) && put_digit(entry, "statType", stat_type) &&
        put_text(entry, "collectSystemName", energy->collect_system_name) &&
        put_text(entry, "remark", "") &&
        json_object_set_new(entry, "scope", json_integer(item->scope)) == 0)
        return entry;
    json_decref(entry);
    return NULL;
}

/* Every item is reported in real time (unless entered by hand, 6.2.5) and by
 * day, some by month: one entry for each. */
static json_t *item_entries(const struct energy_config *energy)
{
    json_t *list = json_array();

    for (unsigned i = 0; list && i < energy->item_count; i++) {
        const struct energy_item_config *item = &energy->items[i];
        const bool wanted[] = {item->input_type != 5, true, item->monthly};

        for (unsigned stat_type = 0; stat_type < 3; stat_type++)
            if (wanted[stat_type] &&
                json_array_append_new(
                    list, item_entry(energy, item, stat_type)) != 0) {
                json_decref(list);
                return NULL;
            }
    }
    return list;
}

/* ---- enterprise, A.4 --------------------------------------------------- */

/* The file holds the enterprise object itself, or an object with it inside. */
static json_t *read_enterprise(const struct energy_config *energy)
{
    json_t *file = call_json(bytes_view(&energy->enterprise));

    if (json_is_object(file))
        return file;
    json_decref(file);
    return NULL;
}

/* false: words tells which mandatory member is not there. */
static bool enterprise_complete(const struct energy_config *energy,
                                const json_t *enterprise,
                                char words[static 256])
{
    static const char *const mandatory[] = {
        "code",   "name",     "typeCode",           "industryCode",
        "center", "phone",    "corporationCode",    "regionCode",
        "jgzh",   "latitude", "energyConsumeLevel", "longitude"};

    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++) {
        const json_t *value = json_object_get(enterprise, mandatory[i]);

        if (value && !json_is_null(value) &&
            (!json_is_string(value) || json_string_length(value) > 0))
            continue;
        snprintf(words, 256, "enterprise_file: %s is absent", mandatory[i]);
        return false;
    }
    if (strcmp(fields_text(enterprise, "code"), energy->enterprise_code) == 0)
        return true;
    snprintf(words, 256, "enterprise_file: code is not enterprise_code %s",
             energy->enterprise_code);
    return false;
}

/* A.4 closes `enterprise` before group, process and processUnit (Nantong's
 * print of the same example shows it clearly): they are sent beside it. */
static bool put_enterprise(json_t *body, json_t *file, json_t *enterprise)
{
    static const char *const beside[] = {"group", "process", "processUnit"};
    json_t *copy = json_copy(enterprise);

    if (json_object_set_new(body, "enterprise", copy) != 0)
        return false;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        json_t *member = json_object_get(file, beside[i]);

        json_object_del(copy, beside[i]);
        if (member && json_object_set(body, beside[i], member) != 0)
            return false;
    }
    return true;
}

static enum status digest_of(const json_t *config, char digest[static 65])
{
    uint8_t hash[SHA256_SIZE];
    struct bytes text = BYTES_EMPTY;
    enum status status = fields_dump(config, &text);

    if (status == STATUS_OK)
        status = crypto_sha256(bytes_view(&text), hash);
    for (size_t i = 0; status == STATUS_OK && i < SHA256_SIZE; i++)
        snprintf(digest + 2 * i, 3, "%02x", hash[i]);
    bytes_free(&text);
    return status;
}

static enum status build(const struct energy_config *energy, json_t *file,
                         json_t *enterprise, struct energy_keys *keys)
{
    keys->config = json_object();
    if (!keys->config ||
        !put_text(keys->config, "enterpriseCode", energy->enterprise_code) ||
        json_object_set_new(keys->config, "collectItemConfig",
                            item_entries(energy)) != 0 ||
        !put_enterprise(keys->config, file, enterprise))
        return STATUS_NOMEM;
    return digest_of(keys->config, keys->digest);
}

static void keys_free(struct energy_keys *keys)
{
    if (keys)
        json_decref(keys->config);
    free(keys);
}

enum status energy_prepare(const struct destination_config *destination,
                           struct session *session, char words[static 256])
{
    const struct energy_config *energy = &destination->energy;
    struct energy_keys *keys = calloc(1, sizeof *keys);
    json_t *file = read_enterprise(energy);
    json_t *enterprise = json_object_get(file, "enterprise");
    enum status status = STATUS_OK;

    if (!json_is_object(enterprise))
        enterprise = file;
    if (!keys) {
        status = STATUS_NOMEM;
    } else if (!file) {
        snprintf(words, 256, "enterprise_file: it is not a JSON object");
        status = STATUS_FORMAT;
    } else if (!enterprise_complete(energy, enterprise, words)) {
        status = STATUS_FORMAT; /* waiting cures nothing: a fault */
    } else if ((status = build(energy, file, enterprise, keys)) == STATUS_OK) {
        energy_release(session);
        session->keys = keys;
        keys = NULL;
    }
    json_decref(file);
    keys_free(keys);
    return status;
}

void energy_release(struct session *session)
{
    keys_free(session->keys);
    session->keys = NULL;
}
