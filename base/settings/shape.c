#include "loading.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 64
#define KEY_MAX 48

static void check_group(struct settings *settings,
                        const struct settings_group *group,
                        const struct node *node, const char *path);

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must change (Levenshtein); both below KEY_MAX. */
static unsigned distance(const char *from, const char *to)
{
    unsigned row[KEY_MAX + 1];
    unsigned to_len = (unsigned)strlen(to);

    for (unsigned i = 0; i <= to_len; i++)
        row[i] = i;
    for (unsigned i = 1; from[i - 1] != 0; i++) {
        unsigned corner = row[0];

        row[0] = i;
        for (unsigned k = 1; k <= to_len; k++) {
            unsigned change = corner + (from[i - 1] != to[k - 1]);

            corner = row[k];
            row[k] = least(change, least(row[k], row[k - 1]) + 1);
        }
    }
    return row[to_len];
}

static const char *nearest(const struct settings_group *group, const char *key)
{
    const char *best = NULL;
    unsigned best_distance = KEY_MAX;

    if (strlen(key) >= KEY_MAX)
        return NULL;
    for (size_t i = 0; i < group->row_count; i++) {
        unsigned d = distance(key, group->rows[i].key);

        if (d < best_distance) {
            best_distance = d;
            best = group->rows[i].key;
        }
    }
    return best_distance <= 1 + strlen(key) / 3 ? best : NULL;
}

/* password: who writes the secret itself is told of password_file. */
static const char *file_key(const struct settings_group *group, const char *key)
{
    for (size_t i = 0; i < group->row_count; i++) {
        const char *known = group->rows[i].key;
        size_t len = strlen(key);

        if (strncmp(known, key, len) == 0 && strcmp(known + len, "_file") == 0)
            return known;
    }
    return NULL;
}

static void unknown_key(struct settings *settings,
                        const struct settings_group *group,
                        const struct node *node, const char *path)
{
    struct bytes keys = BYTES_EMPTY;
    const char *meant = nearest(group, node->key);
    enum status status = STATUS_OK;

    if (meant == NULL)
        meant = file_key(group, node->key);
    for (size_t i = 0; status == STATUS_OK && i < group->row_count; i++)
        status =
            bytes_print(&keys, "%s%s", i > 0 ? ", " : "", group->rows[i].key);
    if (status != STATUS_OK)
        settings_no_memory(settings);
    settings_mistake_at(
        settings, node->line, path, "there is no such key%s%s%s; allowed: %s",
        meant != NULL ? "; did you mean " : "", meant != NULL ? meant : "",
        meant != NULL ? "?" : "", bytes_text(&keys));
    bytes_free(&keys);
}

static bool kind_is(struct settings *settings, const struct node *node,
                    enum node_kind kind, const char *path)
{
    static const char *const names[] = {
        [NODE_SCALAR] = "one value",
        [NODE_MAPPING] = "keys and values below it",
        [NODE_SEQUENCE] = "a list",
    };

    if (node->kind == kind)
        return true;
    settings_mistake_at(settings, node->line, path, "is %s; allowed: %s",
                        names[node->kind], names[kind]);
    return false;
}

static void check_list(struct settings *settings,
                       const struct settings_row *row, const struct node *node,
                       const char *path)
{
    char below[SETTINGS_PATH_MAX];
    unsigned index = 0;

    if (!kind_is(settings, node, NODE_SEQUENCE, path))
        return;
    for (const struct node *child = node->child; child != NULL;
         child = child->next) {
        snprintf(below, sizeof below, "%.200s[%u]", path, index++);
        if (row->type == SETTINGS_GROUPS)
            check_group(settings, row->group, child, below);
        else
            kind_is(settings, child, NODE_SCALAR, below);
    }
}

static void check_value(struct settings *settings,
                        const struct settings_row *row, const struct node *node,
                        const char *path)
{
    switch (row->type) {
    case SETTINGS_GROUP:
        check_group(settings, row->group, node, path);
        return;
    case SETTINGS_GROUPS:
    case SETTINGS_TEXTS:
    case SETTINGS_UNSIGNEDS:
        check_list(settings, row, node, path);
        return;
    default:
        kind_is(settings, node, NODE_SCALAR, path);
    }
}

static size_t row_named(const struct settings_group *group, const char *key)
{
    size_t i = 0;

    while (i < group->row_count && strcmp(group->rows[i].key, key) != 0)
        i++;
    return i;
}

static void check_group(struct settings *settings,
                        const struct settings_group *group,
                        const struct node *node, const char *path)
{
    const struct node *seen[ROWS_MAX] = {NULL};
    char below[SETTINGS_PATH_MAX];

    assert(group->row_count <= ROWS_MAX);
    if (!kind_is(settings, node, NODE_MAPPING, path))
        return;
    for (const struct node *child = node->child;
         child != NULL && !settings_gave_up(settings); child = child->next) {
        size_t row = row_named(group, child->key);

        snprintf(below, sizeof below, "%.150s%s%.100s", path,
                 path[0] == 0 ? "" : ".", child->key);
        if (row == group->row_count) {
            unknown_key(settings, group, child, below);
        } else if (seen[row] != NULL) {
            settings_mistake_at(settings, child->line, below,
                                "is given already in line %u; allowed: once",
                                seen[row]->line);
        } else {
            seen[row] = child;
            check_value(settings, &group->rows[row], child, below);
        }
    }
}

void shape_check(struct settings *settings, const struct settings_group *group,
                 const struct node *root)
{
    check_group(settings, group, root, "");
}
