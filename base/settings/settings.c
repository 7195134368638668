#include "loading.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISTAKES_MAX 100

struct held { /* one piece of memory */
    struct held *next;
    max_align_t data[];
};

struct secret {
    struct bytes content;
    struct secret *next;
};

struct mistake {
    unsigned line;
    unsigned order;
    bool warning;
    enum status kind;
    const char *text;
};

struct settings {
    const char *path;
    const struct node *root;
    struct held *held;
    struct secret *secrets;
    struct mistake mistakes[MISTAKES_MAX];
    unsigned mistake_count;
    unsigned warning_count; /* of them */
    bool no_memory;
};

/* ---- memory ------------------------------------------------------------ */

void *settings_hold(struct settings *settings, size_t size)
{
    struct held *held;

    held = calloc(1, sizeof *held + size);
    if (held == NULL) {
        settings->no_memory = true;
        return NULL;
    }
    held->next = settings->held;
    settings->held = held;
    return held->data;
}

void settings_no_memory(struct settings *settings)
{
    settings->no_memory = true;
}

const char *settings_hold_text(struct settings *settings, const char *text,
                               size_t len)
{
    char *copy = settings_hold(settings, len + 1);

    if (copy != NULL)
        memcpy(copy, text, len);
    return copy;
}

enum status settings_hold_secret(struct settings *settings,
                                 struct bytes *content)
{
    struct secret *secret = settings_hold(settings, sizeof *secret);

    if (secret == NULL)
        return STATUS_NOMEM;
    bytes_move(&secret->content, content);
    secret->next = settings->secrets;
    settings->secrets = secret;
    return STATUS_OK;
}

static const char *hold_print(struct settings *settings, const char *format,
                              va_list arguments)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, arguments);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    text = settings_hold(settings, (size_t)(len < 0 ? 0 : len) + 1);
    if (text != NULL && len > 0)
        vsnprintf(text, (size_t)len + 1, format, arguments);
    return text;
}

const char *settings_print(struct settings *settings, const char *format, ...)
{
    va_list arguments;
    const char *text;

    va_start(arguments, format);
    text = hold_print(settings, format, arguments);
    va_end(arguments);
    return text;
}

void settings_close(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (struct secret *secret = settings->secrets; secret != NULL;
         secret = secret->next)
        bytes_wipe(&secret->content);
    while (settings->held != NULL) {
        struct held *held = settings->held;

        settings->held = held->next;
        free(held);
    }
    free(settings);
}

/* ---- mistakes ---------------------------------------------------------- */

bool settings_has_mistakes(const struct settings *settings)
{
    return settings->mistake_count > settings->warning_count;
}

bool settings_gave_up(const struct settings *settings)
{
    return settings->no_memory || settings->mistake_count == MISTAKES_MAX;
}

const char *settings_file_path(const struct settings *settings)
{
    return settings->path;
}

static void mistake_add(struct settings *settings, struct mistake mistake)
{
    if (settings_gave_up(settings) || mistake.text == NULL)
        return;
    mistake.order = settings->mistake_count;
    settings->warning_count += mistake.warning;
    settings->mistakes[settings->mistake_count++] = mistake;
}

static void path_join(char path[static SETTINGS_PATH_MAX], const char *group,
                      const char *key)
{
    snprintf(path, SETTINGS_PATH_MAX, "%.150s%s%.100s", group,
             group[0] != 0 && key[0] != 0 ? "." : "", key);
}

/* The line of a key, or of the nearest thing around it that is there. */
static unsigned line_near(const struct settings *settings, const char *path)
{
    char shorter[SETTINGS_PATH_MAX];
    const struct node *node = tree_find(settings->root, path);

    snprintf(shorter, sizeof shorter, "%s", path);
    while (node == NULL && shorter[0] != 0) {
        size_t end = strlen(shorter) - 1;

        while (end > 0 && shorter[end] != '.' && shorter[end] != '[')
            end--;
        shorter[end] = 0;
        node = tree_find(settings->root, shorter);
    }
    return node == NULL ? 1 : node->line;
}

static void mistake_print(struct settings *settings, struct mistake mistake,
                          const char *path, const char *format,
                          va_list arguments)
{
    const char *words = hold_print(settings, format, arguments);

    if (words == NULL)
        return;
    mistake.text = settings_print(settings, "%s:%u: %s%s%s%s", settings->path,
                                  mistake.line, path, path[0] != 0 ? ": " : "",
                                  mistake.warning ? "warning: " : "", words);
    mistake_add(settings, mistake);
}

void settings_mistake_at(struct settings *settings, unsigned line,
                         const char *path, const char *format, ...)
{
    struct mistake mistake = {.line = line, .kind = STATUS_FORMAT};
    va_list arguments;

    va_start(arguments, format);
    mistake_print(settings, mistake, path, format, arguments);
    va_end(arguments);
}

void settings_mistake(struct settings *settings, enum status kind,
                      const char *group, const char *key, const char *format,
                      ...)
{
    struct mistake mistake = {.kind = kind};
    char path[SETTINGS_PATH_MAX];
    va_list arguments;

    path_join(path, group, key);
    mistake.line = line_near(settings, path);
    va_start(arguments, format);
    mistake_print(settings, mistake, path, format, arguments);
    va_end(arguments);
}

void settings_warn(struct settings *settings, const char *group,
                   const char *key, const char *format, ...)
{
    struct mistake mistake = {.warning = true};
    char path[SETTINGS_PATH_MAX];
    va_list arguments;

    path_join(path, group, key);
    mistake.line = line_near(settings, path);
    va_start(arguments, format);
    mistake_print(settings, mistake, path, format, arguments);
    va_end(arguments);
}

static const struct settings_row *row_of(const struct settings_group *group,
                                         const char *key)
{
    size_t i = 0;

    while (i < group->row_count && strcmp(group->rows[i].key, key) != 0)
        i++;
    assert(i < group->row_count); /* keys are written by programmers */
    return &group->rows[i];
}

void settings_need(struct settings *settings,
                   const struct settings_group *group, const char *path,
                   const void *values, const char *key, const char *because)
{
    const struct settings_row *row = row_of(group, key);
    struct bytes allowed = BYTES_EMPTY;
    const char *value;

    memcpy(&value, (const char *)values + row->offset, sizeof value);
    if (value[0] != 0)
        return;
    if (row_allowed(row, &allowed) == STATUS_OK)
        settings_mistake(settings, STATUS_MISSING, path, key,
                         "must be given %s; allowed: %s", because,
                         bytes_text(&allowed));
    else
        settings->no_memory = true;
    bytes_free(&allowed);
}

void settings_check_pair(struct settings *settings, const char *path,
                         const char *cert_file, const char *key_file)
{
    if (cert_file[0] != 0 && key_file[0] == 0)
        settings_mistake(settings, STATUS_INVALID, path, "cert_file",
                         "is given without key_file; allowed: both or none");
    if (key_file[0] != 0 && cert_file[0] == 0)
        settings_mistake(settings, STATUS_INVALID, path, "key_file",
                         "is given without cert_file; allowed: both or none");
}

static int by_line(const void *a, const void *b)
{
    const struct mistake *one = a;
    const struct mistake *two = b;

    if (one->line != two->line)
        return one->line < two->line ? -1 : 1;
    return one->order < two->order ? -1 : one->order > two->order;
}

static enum status gravest(const struct settings *settings)
{
    static const enum status order[] = {STATUS_FORMAT, STATUS_INVALID,
                                        STATUS_MISSING, STATUS_DENIED};

    for (size_t rank = 0; rank < sizeof order / sizeof order[0]; rank++)
        for (unsigned i = 0; i < settings->mistake_count; i++)
            if (!settings->mistakes[i].warning &&
                settings->mistakes[i].kind == order[rank])
                return order[rank];
    return STATUS_OK;
}

enum status settings_verdict(struct settings *settings, struct bytes *words)
{
    enum status status = STATUS_OK;

    if (settings->no_memory)
        return STATUS_NOMEM;
    qsort(settings->mistakes, settings->mistake_count,
          sizeof settings->mistakes[0], by_line);
    for (unsigned i = 0; status == STATUS_OK && i < settings->mistake_count;
         i++)
        status = bytes_print(words, "%s\n", settings->mistakes[i].text);
    return status == STATUS_OK ? gravest(settings) : status;
}

/* ---- loading ----------------------------------------------------------- */

static enum status text_read(const char *path, struct bytes *text,
                             struct bytes *words)
{
    enum status status = bytes_read_file(text, path, SETTINGS_LIMIT_BYTES);
    enum status said = STATUS_OK;

    if (status == STATUS_INVALID)
        said = bytes_print(words, "%s: is too large; allowed: 1 MiB\n", path);
    else if (status == STATUS_NOT_FOUND)
        said = bytes_print(words, "%s: there is no such file\n", path);
    else if (status != STATUS_OK)
        said = bytes_print(words, "%s: cannot be read\n", path);
    return said == STATUS_OK ? status : said;
}

static enum status parse(struct settings *settings,
                         const struct settings_group *root, struct span text,
                         void *into)
{
    struct raw *raw = NULL;
    enum status status;

    settings->root = tree_read(settings, text);
    if (settings->root != NULL)
        shape_check(settings, root, settings->root);
    if (settings->no_memory)
        return STATUS_NOMEM;
    if (settings_has_mistakes(settings))
        return STATUS_FORMAT;
    status = raw_open(settings, root, text, &raw);
    if (status != STATUS_OK)
        return status;
    fill_group(settings, root, "", raw_slots(raw), into);
    raw_close(raw);
    return settings->no_memory ? STATUS_NOMEM : STATUS_OK;
}

enum status settings_open(const char *path, const struct settings_group *root,
                          void *into, struct bytes *words,
                          struct settings **settings)
{
    struct bytes text = BYTES_EMPTY;
    struct settings *fresh = NULL;
    enum status status;

    *settings = NULL;
    if ((status = text_read(path, &text, words)) != STATUS_OK)
        goto out;
    status = STATUS_NOMEM;
    if ((fresh = calloc(1, sizeof *fresh)) == NULL)
        goto out;
    if ((fresh->path = settings_hold_text(fresh, path, strlen(path))) == NULL)
        goto out;
    status = parse(fresh, root, bytes_view(&text), into);
    if (status == STATUS_FORMAT)
        status = settings_verdict(fresh, words);
    if (status != STATUS_OK)
        goto out;
    *settings = fresh; /* the only line that gives it away */
    fresh = NULL;
out:
    if (status != STATUS_OK)
        memset(into, 0, root->size);
    settings_close(fresh);
    bytes_free(&text);
    return status;
}

bool settings_given(const struct settings *settings, const char *path,
                    const char *key)
{
    char whole[SETTINGS_PATH_MAX];

    path_join(whole, path, key);
    return tree_find(settings->root, whole) != NULL;
}
