#include "loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

/*
 * The table as libcyaml's schema.  Every scalar is a string and every key is
 * optional there: types, bounds and absent keys are judged later, all at
 * once, where libcyaml would stop at the first.
 */
struct raw {
    cyaml_config_t config;
    cyaml_schema_value_t schema;
    void *data; /* NULL when the file gives nothing */
    char last_words[256];
};

static const enum cyaml_flag optional_pointer =
    (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL);

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static bool mapping_value(struct settings *settings,
                          const struct settings_group *group,
                          enum cyaml_flag flags, cyaml_schema_value_t *value);

static bool list_value(struct settings *settings,
                       const struct settings_row *row,
                       cyaml_schema_value_t *value)
{
    cyaml_schema_value_t *entry = NULL;

    value->type = CYAML_SEQUENCE;
    value->flags = optional_pointer;
    value->sequence.max = CYAML_UNLIMITED;
    if (row->type != SETTINGS_GROUPS) {
        value->sequence.entry = &text_value;
        value->data_size = sizeof(char *);
        return true;
    }
    entry = settings_hold(settings, sizeof *entry);
    if (entry == NULL ||
        !mapping_value(settings, row->group, CYAML_FLAG_DEFAULT, entry))
        return false;
    value->sequence.entry = entry;
    value->data_size = entry->data_size;
    return true;
}

static bool field_value(struct settings *settings,
                        const struct settings_row *row,
                        cyaml_schema_value_t *value)
{
    switch (row->type) {
    case SETTINGS_GROUP:
        return mapping_value(settings, row->group, optional_pointer, value);
    case SETTINGS_GROUPS:
    case SETTINGS_TEXTS:
    case SETTINGS_UNSIGNEDS:
        return list_value(settings, row, value);
    default:
        *value = text_value;
        value->flags = optional_pointer;
        return true;
    }
}

static bool mapping_value(struct settings *settings,
                          const struct settings_group *group,
                          enum cyaml_flag flags, cyaml_schema_value_t *value)
{
    cyaml_schema_field_t *fields =
        settings_hold(settings, (group->row_count + 1) * sizeof *fields);

    if (fields == NULL)
        return false;
    for (size_t i = 0; i < group->row_count; i++) {
        size_t slot = i * sizeof(struct raw_slot);

        fields[i].key = group->rows[i].key;
        fields[i].data_offset =
            (uint32_t)(slot + offsetof(struct raw_slot, value));
        fields[i].count_offset =
            (uint32_t)(slot + offsetof(struct raw_slot, count));
        fields[i].count_size = sizeof(uint32_t);
        if (!field_value(settings, &group->rows[i], &fields[i].value))
            return false;
    }
    value->type = CYAML_MAPPING;
    value->flags = flags;
    value->data_size = (uint32_t)(group->row_count * sizeof(struct raw_slot));
    value->mapping.fields = fields;
    return true;
}

static void keep_words(cyaml_log_t level, void *context, const char *format,
                       va_list arguments)
{
    struct raw *raw = context;

    /* The first line says what is wrong, the others where: known already. */
    if (level >= CYAML_LOG_ERROR && raw->last_words[0] == 0)
        vsnprintf(raw->last_words, sizeof raw->last_words, format, arguments);
    raw->last_words[strcspn(raw->last_words, "\n")] = 0;
}

static void *memory(void *context, void *data, size_t size)
{
    (void)context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

enum status raw_open(struct settings *settings,
                     const struct settings_group *root, struct span text,
                     struct raw **raw)
{
    struct raw *fresh = calloc(1, sizeof *fresh);
    cyaml_err_t error;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->config = (cyaml_config_t){.log_fn = keep_words,
                                     .log_ctx = fresh,
                                     .mem_fn = memory,
                                     .log_level = CYAML_LOG_ERROR,
                                     .flags = CYAML_CFG_NO_ALIAS};
    if (!mapping_value(settings, root, CYAML_FLAG_POINTER, &fresh->schema)) {
        free(fresh);
        return STATUS_NOMEM;
    }
    error = cyaml_load_data(text.data, text.len, &fresh->config, &fresh->schema,
                            &fresh->data, NULL);
    if (error == CYAML_OK) {
        *raw = fresh;
        return STATUS_OK;
    }
    if (error != CYAML_ERR_OOM)
        settings_mistake_at(settings, 1, "", "%s (%s)", fresh->last_words,
                            cyaml_strerror(error));
    free(fresh);
    return error == CYAML_ERR_OOM ? STATUS_NOMEM : STATUS_FORMAT;
}

const struct raw_slot *raw_slots(const struct raw *raw)
{
    return raw->data;
}

void raw_close(struct raw *raw)
{
    if (raw == NULL)
        return;
    if (raw->data != NULL)
        cyaml_free(&raw->config, &raw->schema, raw->data, 0);
    free(raw);
}
