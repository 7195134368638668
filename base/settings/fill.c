#include "loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One group being filled. */
struct fill {
    struct settings *settings;
    const char *path; /* of the group */
    char *into;
};

/* What every mistake in a row's value ends with. */
static void wrong(struct fill *fill, const struct settings_row *row,
                  enum status kind, const char *entry, const char *text,
                  const char *why)
{
    struct bytes allowed = BYTES_EMPTY;
    char key[SETTINGS_PATH_MAX];
    bool hidden = row->form != NULL && row->form->hidden;
    bool quoted = text != NULL && text[0] != 0 && !hidden;
    enum status status = entry[0] != 0 ? value_allowed(row, &allowed)
                                       : row_allowed(row, &allowed);

    if (status != STATUS_OK)
        settings_no_memory(fill->settings);
    snprintf(key, sizeof key, "%s%s", row->key, entry);
    settings_mistake(fill->settings, kind, fill->path, key,
                     "%s%.60s%s%s; allowed: %s", quoted ? "\"" : "",
                     quoted ? text : "", quoted ? "\" " : "", why,
                     bytes_text(&allowed));
    bytes_free(&allowed);
}

static enum status kind_of(const char *why)
{
    return strncmp(why, "is not a ", 9) == 0 ? STATUS_FORMAT : STATUS_INVALID;
}

static void fill_scalar(struct fill *fill, const struct settings_row *row,
                        const struct raw_slot *slot)
{
    void *out = fill->into + row->offset;
    const char *given = slot == NULL ? NULL : slot->value;
    const char *text = row->initial;
    const char *why = NULL;

    if (text != NULL)
        (void)value_read(row, text, out);
    else if (row->type == SETTINGS_TEXT || row->type == SETTINGS_FILE)
        *(const char **)out = "";
    if (given != NULL) {
        text = settings_hold_text(fill->settings, given, strlen(given));
        why = text == NULL ? NULL : value_read(row, text, out);
    }
    if (why != NULL)
        wrong(fill, row, kind_of(why), "", text, why);
    else if (text == NULL)
        wrong(fill, row, STATUS_MISSING, "", NULL, "must be given");
    else if (row->type == SETTINGS_FILE && text[0] != 0)
        file_read(fill->settings, row, fill->path, text, fill->into);
}

/* ---- lists ------------------------------------------------------------- */

static size_t element_size(const struct settings_row *row)
{
    if (row->type == SETTINGS_GROUPS)
        return row->group->size;
    return row->type == SETTINGS_TEXTS ? sizeof(char *) : sizeof(uint32_t);
}

static unsigned initial_count(const struct settings_row *row)
{
    unsigned count = row->initial != NULL && row->initial[0] != 0;

    for (const char *at = row->initial; at != NULL && *at != 0; at++)
        count += *at == ',';
    return count;
}

static void fill_entry(struct fill *fill, const struct settings_row *row,
                       unsigned index, const char *text, void *out)
{
    char entry[16];
    const char *held = settings_hold_text(fill->settings, text, strlen(text));
    const char *why;

    if (held == NULL)
        return;
    why = value_read(row, held, out);
    if (why == NULL)
        return;
    snprintf(entry, sizeof entry, "[%u]", index);
    wrong(fill, row, kind_of(why), entry, held, why);
}

/* "5, 30, 120" */
static void fill_initial(struct fill *fill, const struct settings_row *row,
                         char *list)
{
    const char *at = row->initial;

    for (unsigned i = 0; at != NULL && *at != 0; i++) {
        char text[64];
        size_t len = strcspn(at, ",");

        snprintf(text, sizeof text, "%.*s", (int)len, at);
        fill_entry(fill, row, i, text, list + i * element_size(row));
        at += len;
        at += strspn(at, ", ");
    }
}

static void fill_groups(struct fill *fill, const struct settings_row *row,
                        const struct raw_slot *slot, char *list)
{
    const struct raw_slot *slots = slot->value;

    for (unsigned i = 0; i < slot->count; i++) {
        char below[SETTINGS_PATH_MAX];

        snprintf(below, sizeof below, "%.150s%s%s[%u]", fill->path,
                 fill->path[0] == 0 ? "" : ".", row->key, i);
        fill_group(fill->settings, row->group, below,
                   slots + i * row->group->row_count,
                   list + i * element_size(row));
    }
}

static bool count_is_wrong(struct fill *fill, const struct settings_row *row,
                           unsigned count)
{
    if (count >= row->least && count <= row->most)
        return false;
    if (row->least == row->most)
        settings_mistake(fill->settings, STATUS_INVALID, fill->path, row->key,
                         "has %u entries; allowed: exactly %u", count,
                         row->least);
    else
        settings_mistake(fill->settings, STATUS_INVALID, fill->path, row->key,
                         "has %u entries; allowed: %u to %u", count, row->least,
                         row->most);
    return true;
}

static void fill_list(struct fill *fill, const struct settings_row *row,
                      const struct raw_slot *slot)
{
    bool given = settings_given(fill->settings, fill->path, row->key);
    unsigned count =
        given ? (slot == NULL ? 0 : slot->count) : initial_count(row);
    char *list;

    if (!given && row->initial == NULL) {
        wrong(fill, row, STATUS_MISSING, "", NULL, "must be given");
        return;
    }
    if (given && count_is_wrong(fill, row, count))
        return;
    if (count == 0)
        return;
    list = settings_hold(fill->settings, count * element_size(row));
    if (list == NULL)
        return;
    if (!given)
        fill_initial(fill, row, list);
    else if (row->type == SETTINGS_GROUPS)
        fill_groups(fill, row, slot, list);
    else
        for (unsigned i = 0; i < count; i++)
            fill_entry(fill, row, i, ((const char *const *)slot->value)[i],
                       list + i * element_size(row));
    memcpy(fill->into + row->offset, &list, sizeof list);
    memcpy(fill->into + row->second, &count, sizeof count);
}

/* ---- groups ------------------------------------------------------------ */

static void fill_below(struct fill *fill, const struct settings_row *row,
                       const struct raw_slot *slot)
{
    char below[SETTINGS_PATH_MAX];

    snprintf(below, sizeof below, "%.150s%s%s", fill->path,
             fill->path[0] == 0 ? "" : ".", row->key);
    fill_group(fill->settings, row->group, below,
               slot == NULL ? NULL : slot->value, fill->into + row->offset);
}

void fill_group(struct settings *settings, const struct settings_group *group,
                const char *path, const struct raw_slot *slots, void *into)
{
    struct fill fill = {settings, path, into};

    memset(into, 0, group->size);
    for (size_t i = 0; i < group->row_count; i++) {
        const struct settings_row *row = &group->rows[i];
        const struct raw_slot *slot = slots == NULL ? NULL : &slots[i];

        switch (row->type) {
        case SETTINGS_GROUP:
            fill_below(&fill, row, slot);
            break;
        case SETTINGS_GROUPS:
        case SETTINGS_TEXTS:
        case SETTINGS_UNSIGNEDS:
            fill_list(&fill, row, slot);
            break;
        default:
            fill_scalar(&fill, row, slot);
        }
    }
}
