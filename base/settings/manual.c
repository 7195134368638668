#include "loading.h"

#include <stdio.h>
#include <string.h>

/* The groups met so far, in the order of their tables. */
#define GROUPS_MAX 32
struct manual {
    struct bytes *markdown;
    const struct settings_group *groups[GROUPS_MAX];
    char paths[GROUPS_MAX][SETTINGS_PATH_MAX];
    unsigned count;
};

/* A group that two keys share (defaults and what replaces them) has one
 * table, under the path that came first. */
static unsigned group_number(struct manual *manual,
                             const struct settings_group *group,
                             const char *path)
{
    unsigned i = 0;

    while (i < manual->count && manual->groups[i] != group)
        i++;
    if (i == manual->count && i < GROUPS_MAX) {
        manual->groups[i] = group;
        snprintf(manual->paths[i], SETTINGS_PATH_MAX, "%s", path);
        manual->count++;
    }
    return i;
}

static enum status print_default(struct manual *manual,
                                 const struct settings_row *row)
{
    if (row->type == SETTINGS_GROUP || row->type == SETTINGS_GROUPS)
        return bytes_append_text(manual->markdown, " | ");
    if (row->initial == NULL)
        return bytes_append_text(manual->markdown, " must be given | ");
    if (row->initial[0] == 0)
        return bytes_append_text(manual->markdown, " none | ");
    return bytes_print(manual->markdown, " `%s` | ", row->initial);
}

static enum status print_allowed(struct manual *manual,
                                 const struct settings_row *row,
                                 const char *path)
{
    struct bytes *out = manual->markdown;

    if (row->group != NULL) {
        char below[SETTINGS_PATH_MAX];
        unsigned number;

        snprintf(below, sizeof below, "%.150s%s%.60s%s", path,
                 path[0] == 0 ? "" : ".", row->key,
                 row->type == SETTINGS_GROUPS ? "[]" : "");
        number = group_number(manual, row->group, below);
        if (row->type == SETTINGS_GROUPS)
            return bytes_print(out, "a list of up to %u, see *%s*", row->most,
                               manual->paths[number]);
        return bytes_print(out, "see *%s*", manual->paths[number]);
    }
    return row_allowed(row, out);
}

static enum status print_row(struct manual *manual,
                             const struct settings_row *row, const char *path)
{
    enum status status = bytes_print(manual->markdown, "| `%s` |", row->key);

    if (status == STATUS_OK)
        status = print_default(manual, row);
    if (status == STATUS_OK)
        status = print_allowed(manual, row, path);
    if (status == STATUS_OK)
        status = bytes_print(manual->markdown, " | %s |\n", row->help);
    return status;
}

static enum status print_group(struct manual *manual, unsigned number)
{
    const struct settings_group *group = manual->groups[number];
    const char *path = manual->paths[number];
    enum status status;

    status = bytes_print(manual->markdown,
                         "\n## %s\n\n%s\n\n"
                         "| key | default | allowed | what it is |\n"
                         "| --- | --- | --- | --- |\n",
                         path[0] == 0 ? "Top level" : path, group->help);
    for (size_t i = 0; status == STATUS_OK && i < group->row_count; i++)
        status = print_row(manual, &group->rows[i], path);
    return status;
}

enum status settings_manual(const struct settings_group *root,
                            struct bytes *markdown)
{
    struct manual manual = {.markdown = markdown};
    enum status status = STATUS_OK;

    group_number(&manual, root, "");
    for (unsigned i = 0; status == STATUS_OK && i < manual.count; i++)
        status = print_group(&manual, i);
    return status;
}
