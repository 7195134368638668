/*
 * loading.h - what the files of settings share, and nobody else sees.
 *
 *   tree.c     text -> nodes: which key is on which line (libyaml)
 *   shape.c    nodes against the table: unknown, repeated, wrong kind
 *   raw.c      text -> raw values, every scalar still a text (libcyaml)
 *   fill.c     raw values -> the program's struct: types, bounds, words
 *   file.c     what a *_file key names
 *   inherit.c  one struct's values where another gives none
 *   settings.c owns all of it, and the mistakes
 */
#ifndef SAMPAN_SETTINGS_LOADING_H
#define SAMPAN_SETTINGS_LOADING_H

#include "settings.h"

#define SETTINGS_LIMIT_BYTES (1024 * 1024)
#define SETTINGS_SECRET_LIMIT_BYTES (64 * 1024)
#define SETTINGS_PATH_MAX 256

enum node_kind { NODE_SCALAR, NODE_MAPPING, NODE_SEQUENCE };

/* A place in the file. */
struct node {
    enum node_kind kind;
    const char *key; /* in a mapping; NULL in a sequence */
    unsigned line;
    unsigned count; /* of children */
    struct node *child, *last, *next;
};

/* Zeroed memory that lives as long as settings; NULL is remembered. */
void *settings_hold(struct settings *settings, size_t size);
/* Memory failed elsewhere: the verdict will say so. */
void settings_no_memory(struct settings *settings);
const char *settings_hold_text(struct settings *settings, const char *text,
                               size_t len);
/* Take over content, to be wiped in the end; NOMEM leaves it the caller's. */
MUST_CHECK enum status settings_hold_secret(struct settings *settings,
                                            struct bytes *content);
/* A mistake that has a line and no key of the table. */
void settings_mistake_at(struct settings *settings, unsigned line,
                         const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool settings_has_mistakes(const struct settings *settings);
/* No memory, or as many mistakes as anyone reads. */
bool settings_gave_up(const struct settings *settings);
const char *settings_file_path(const struct settings *settings);

/* tree.c: NULL after a mistake. */
struct node *tree_read(struct settings *settings, struct span text);
const struct node *tree_find(const struct node *root, const char *path);

/* shape.c */
void shape_check(struct settings *settings, const struct settings_group *group,
                 const struct node *root);

/* raw.c: per row of a group one slot; a scalar's is a char *, a list's an
 * array of char * or of struct raw_slot[row_count], a group's a
 * struct raw_slot[row_count]; NULL where nothing is given. */
struct raw_slot {
    void *value;
    uint32_t count;
};
struct raw;
MUST_CHECK enum status raw_open(struct settings *settings,
                                const struct settings_group *root,
                                struct span text, struct raw **raw);
const struct raw_slot *raw_slots(const struct raw *raw);
void raw_close(struct raw *raw);

/* fill.c */
void fill_group(struct settings *settings, const struct settings_group *group,
                const char *path, const struct raw_slot *slots, void *into);

/* value.c: a text as row wants it, stored at out.  NULL, or what is wrong
 * (static).  Bounds hold unless the text is the row's default. */
const char *value_read(const struct settings_row *row, const char *text,
                       void *out);
/* Ends the sentence "allowed: ...": of the row, or of one entry of a list. */
MUST_CHECK enum status row_allowed(const struct settings_row *row,
                                   struct bytes *words);
MUST_CHECK enum status value_allowed(const struct settings_row *row,
                                     struct bytes *words);

/* file.c: look at, and load, the file that a row names. */
void file_read(struct settings *settings, const struct settings_row *row,
               const char *path, const char *file, void *into);

#endif
