#include "settings.h"

#include <string.h>

static size_t member_size(const struct settings_row *row)
{
    static const size_t sizes[] = {[SETTINGS_TEXT] = sizeof(char *),
                                   [SETTINGS_WORD] = sizeof(int),
                                   [SETTINGS_UNSIGNED] = sizeof(uint32_t),
                                   [SETTINGS_BOOL] = sizeof(bool),
                                   [SETTINGS_REAL] = sizeof(double),
                                   [SETTINGS_FILE] = sizeof(char *),
                                   [SETTINGS_TEXTS] = sizeof(void *),
                                   [SETTINGS_UNSIGNEDS] = sizeof(void *),
                                   [SETTINGS_GROUPS] = sizeof(void *)};

    return row->type == SETTINGS_GROUP ? row->group->size : sizes[row->type];
}

/* What stands behind the row's second offset, 0: nothing. */
static size_t second_size(const struct settings_row *row)
{
    switch (row->type) {
    case SETTINGS_TEXTS:
    case SETTINGS_UNSIGNEDS:
    case SETTINGS_GROUPS:
        return sizeof(unsigned);
    case SETTINGS_FILE:
        return row->file & SETTINGS_FILE_LOADED ? sizeof(struct bytes) : 0;
    default:
        return 0;
    }
}

void settings_inherit(const struct settings *settings,
                      const struct settings_group *group, const char *path,
                      void *into, const void *from)
{
    for (size_t i = 0; i < group->row_count; i++) {
        const struct settings_row *row = &group->rows[i];

        if (settings_given(settings, path, row->key))
            continue;
        memcpy((char *)into + row->offset, (const char *)from + row->offset,
               member_size(row));
        if (second_size(row) > 0)
            memcpy((char *)into + row->second, (const char *)from + row->second,
                   second_size(row));
    }
}
