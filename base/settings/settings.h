/*
 * settings.h - a program's YAML file, read by a table.
 *
 * A key is one row: its name, its type, its default, what is allowed, where
 * its value goes in the program's struct, and one line of help.  The loader,
 * the words about a mistake and the manual page all come from that row.
 *
 *   settings_open ---> struct filled, mistakes so far kept in settings
 *       |                  | the program's own rules: settings_mistake
 *       v                  v
 *     words           settings_verdict ---> words, all mistakes by line
 *                          |
 *                          v
 *                     settings_close: everything the struct points to
 *
 * settings_open refuses at once what has no agreed shape (not YAML, unknown
 * or repeated keys, a list where a text belongs), since nothing can be said
 * about its values.  Everything later is collected, so an operator sees all
 * mistakes in one run, each as
 *
 *     FILE:LINE: KEY: what is wrong; allowed: what is allowed
 *
 * Values are borrowed from settings: texts, lists and the contents of files
 * live until settings_close, which wipes the contents.  Aliases, a second
 * document and files above 1 MiB are refused.  One thread at a time.
 */
#ifndef SAMPAN_SETTINGS_H
#define SAMPAN_SETTINGS_H

#include <stdint.h>

#include "bytes.h"

/* ---- tables ------------------------------------------------------------ */

enum settings_type {
    SETTINGS_TEXT,      /* const char *, never NULL */
    SETTINGS_WORD,      /* int or an enum: the number of one of words */
    SETTINGS_UNSIGNED,  /* uint32_t */
    SETTINGS_BOOL,      /* bool */
    SETTINGS_REAL,      /* double */
    SETTINGS_FILE,      /* const char *: a path */
    SETTINGS_TEXTS,     /* const char *const *, and an unsigned count */
    SETTINGS_UNSIGNEDS, /* const uint32_t *, and an unsigned count */
    SETTINGS_GROUP,     /* a struct inside the struct */
    SETTINGS_GROUPS,    /* const struct *, and an unsigned count */
};

/* What a text must look like. */
struct settings_form {
    const char *characters; /* "a-z0-9-": ranges, and '-' last; NULL: any */
    unsigned least, most;   /* bytes */
    bool (*valid)(const char *text); /* NULL: nothing more is asked */
    const char *words; /* "6 digits": ends the sentence "allowed: ..." */
    bool hidden;       /* may hold a password: a wrong text is not repeated */
};

struct settings_word {
    const char *word; /* NULL ends the list */
    int value;
};

/*
 * What is demanded of a SETTINGS_FILE that is given.  A relative path is
 * relative to the settings file's folder, and is stored joined to it.
 */
enum settings_file {
    SETTINGS_FILE_ANY = 0,     /* a folder, or made later: not looked at */
    SETTINGS_FILE_THERE = 1,   /* a regular file that can be read */
    SETTINGS_FILE_PRIVATE = 3, /* and that only its owner may read */
    SETTINGS_FILE_LOADED = 4,  /* at most 64 KiB, content to a struct bytes */
};

struct settings_group;

struct settings_row {
    const char *key;
    enum settings_type type;
    /* As it would be written ("5, 30, 120" for a list); NULL: the key must be
     * given.  A default need not lie within what is allowed. */
    const char *initial;
    size_t offset;
    size_t second;        /* of a list's count, or of a loaded file's bytes */
    double min, max;      /* of a number, or of each number of a list */
    unsigned least, most; /* entries of a list */
    const struct settings_form *form;   /* of a text, or of each in a list */
    const struct settings_word *words;  /* a WORD's, or a TEXT's */
    const struct settings_group *group; /* a GROUP's, or each GROUPS entry's */
    enum settings_file file;
    const char *help; /* one line, without a full stop */
};

struct settings_group {
    const char *help; /* a sentence or two above the manual's table */
    size_t size;      /* of the struct */
    const struct settings_row *rows;
    size_t row_count;
};

/*
 * Rows are written with these, with SETTINGS_STRUCT defined as the struct the
 * table fills (#undef and #define it again for the next table).  A member of
 * the wrong C type does not compile.
 */
#define SETTINGS_AT(c_type, member)                                            \
    (offsetof(SETTINGS_STRUCT, member) +                                       \
     _Generic(((SETTINGS_STRUCT *)0)->member, c_type : 0U))
#define SETTINGS_TEXT_ROW(name, standard, shape, text)                         \
    {                                                                          \
        .key = #name, .type = SETTINGS_TEXT, .initial = standard,              \
        .offset = SETTINGS_AT(const char *, name), .form = shape, .help = text \
    }
#define SETTINGS_CHOICE_ROW(name, standard, choice, text)                      \
    {                                                                          \
        .key = #name, .type = SETTINGS_TEXT, .initial = standard,              \
        .offset = SETTINGS_AT(const char *, name), .words = choice,            \
        .help = text                                                           \
    }
#define SETTINGS_WORD_ROW(name, standard, choice, text)                        \
    {                                                                          \
        .key = #name, .type = SETTINGS_WORD, .initial = standard,              \
        .offset =                                                              \
            offsetof(SETTINGS_STRUCT, name) +                                  \
            0 * sizeof(char[sizeof((SETTINGS_STRUCT *)0)->name == sizeof(int)  \
                                ? 1                                            \
                                : -1]),                                        \
        .words = choice, .help = text                                          \
    }
#define SETTINGS_UNSIGNED_ROW(name, standard, low, high, text)                 \
    {                                                                          \
        .key = #name, .type = SETTINGS_UNSIGNED, .initial = standard,          \
        .offset = SETTINGS_AT(uint32_t, name), .min = low, .max = high,        \
        .help = text                                                           \
    }
#define SETTINGS_BOOL_ROW(name, standard, text)                                \
    {                                                                          \
        .key = #name, .type = SETTINGS_BOOL, .initial = standard,              \
        .offset = SETTINGS_AT(bool, name), .help = text                        \
    }
#define SETTINGS_REAL_ROW(name, standard, low, high, text)                     \
    {                                                                          \
        .key = #name, .type = SETTINGS_REAL, .initial = standard,              \
        .offset = SETTINGS_AT(double, name), .min = low, .max = high,          \
        .help = text                                                           \
    }
#define SETTINGS_FILE_ROW(name, standard, demand, text)                        \
    {                                                                          \
        .key = #name, .type = SETTINGS_FILE, .initial = standard,              \
        .offset = SETTINGS_AT(const char *, name), .file = demand,             \
        .help = text                                                           \
    }
/* A secret: only its owner may read it; content gets it without one final
 * line break. */
#define SETTINGS_SECRET_ROW(name, content, text)                               \
    {                                                                          \
        .key = #name, .type = SETTINGS_FILE, .initial = "",                    \
        .offset = SETTINGS_AT(const char *, name),                             \
        .second = SETTINGS_AT(struct bytes, content),                          \
        .file = SETTINGS_FILE_PRIVATE | SETTINGS_FILE_LOADED, .help = text     \
    }
#define SETTINGS_CONTENT_ROW(name, content, text)                              \
    {                                                                          \
        .key = #name, .type = SETTINGS_FILE, .initial = "",                    \
        .offset = SETTINGS_AT(const char *, name),                             \
        .second = SETTINGS_AT(struct bytes, content),                          \
        .file = SETTINGS_FILE_THERE | SETTINGS_FILE_LOADED, .help = text       \
    }
#define SETTINGS_TEXTS_ROW(name, count, standard, low, high, shape, text)      \
    {                                                                          \
        .key = #name, .type = SETTINGS_TEXTS, .initial = standard,             \
        .offset = SETTINGS_AT(const char *const *, name),                      \
        .second = SETTINGS_AT(unsigned, count), .least = low, .most = high,    \
        .form = shape, .help = text                                            \
    }
#define SETTINGS_UNSIGNEDS_ROW(name, count, standard, n, low, high, text)      \
    {                                                                          \
        .key = #name, .type = SETTINGS_UNSIGNEDS, .initial = standard,         \
        .offset = SETTINGS_AT(const uint32_t *, name),                         \
        .second = SETTINGS_AT(unsigned, count), .least = n, .most = n,         \
        .min = low, .max = high, .help = text                                  \
    }
#define SETTINGS_GROUP_ROW(name, table, text)                                  \
    {                                                                          \
        .key = #name, .type = SETTINGS_GROUP, .initial = "",                   \
        .offset = offsetof(SETTINGS_STRUCT, name), .group = table,             \
        .help = text                                                           \
    }
#define SETTINGS_GROUPS_ROW(name, count, high, table, text)                    \
    {                                                                          \
        .key = #name, .type = SETTINGS_GROUPS, .initial = "",                  \
        .offset = offsetof(SETTINGS_STRUCT, name),                             \
        .second = SETTINGS_AT(unsigned, count), .most = high, .group = table,  \
        .help = text                                                           \
    }
#define SETTINGS_GROUP_OF(table, text)                                         \
    {                                                                          \
        text, sizeof(SETTINGS_STRUCT), table, sizeof table / sizeof table[0]   \
    }

/* Forms that several programs need. */
extern const struct settings_form settings_form_line;    /* any, up to 256 */
extern const struct settings_form settings_form_name;    /* any, up to 128 */
extern const struct settings_form settings_form_site;    /* a topic's SITE */
extern const struct settings_form settings_form_device;  /* a topic's ID */
extern const struct settings_form settings_form_host;    /* name or address */
extern const struct settings_form settings_form_url;     /* http or https */
extern const struct settings_form settings_form_visible; /* no spaces */

/* Is text of this form? */
bool settings_form_holds(const struct settings_form *form, const char *text);

/* ---- loading ----------------------------------------------------------- */

struct settings;

/*
 * Read the file at path into *into, whose struct root describes; whatever
 * *into holds before is overwritten.  OK: the shape was right and every
 * member has a value; mistakes in values wait for settings_verdict.
 *
 * FORMAT (the shape is wrong), NOT_FOUND, INVALID (too large), IO, NOMEM:
 * words holds the reasons, *settings is NULL, *into holds nothing to free.
 */
MUST_CHECK enum status settings_open(const char *path,
                                     const struct settings_group *root,
                                     void *into, struct bytes *words,
                                     struct settings **settings);
void settings_close(struct settings *settings);

/*
 * A mistake in the value of key in the group at path ("" for the top,
 * "destinations[1].yunnan"): FORMAT, INVALID, MISSING or DENIED.
 */
void settings_mistake(struct settings *settings, enum status kind,
                      const char *path, const char *key, const char *format,
                      ...) __attribute__((format(printf, 5, 6)));
/* The same, for what is allowed but hardly meant. */
void settings_warn(struct settings *settings, const char *path, const char *key,
                   const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A mistake of kind MISSING when the text or file key of *values, the struct
 * of the group at path, is empty: "must be given BECAUSE; allowed: ...". */
void settings_need(struct settings *settings,
                   const struct settings_group *group, const char *path,
                   const void *values, const char *key, const char *because);

/* Mistakes of kind INVALID in cert_file or key_file of the group at path, when
 * one is given without the other. */
void settings_check_pair(struct settings *settings, const char *path,
                         const char *cert_file, const char *key_file);

/* Whether the file gives key in the group at path. */
bool settings_given(const struct settings *settings, const char *path,
                    const char *key);

/* Members of *into that the file does not give in the group at path get
 * *from's; both are structs of group. */
void settings_inherit(const struct settings *settings,
                      const struct settings_group *group, const char *path,
                      void *into, const void *from);

/* A text that lives until settings_close; NULL: no memory, and the verdict
 * says so. */
const char *settings_print(struct settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * OK: nothing is wrong; words holds the warnings, if any.  Otherwise the kind
 * of the gravest mistake (FORMAT, INVALID, MISSING, DENIED, in this order)
 * and words gets a line for each, by line of the file.  NOMEM.
 */
MUST_CHECK enum status settings_verdict(struct settings *settings,
                                        struct bytes *words);

/* Append the manual's tables of root and all groups below it, in Markdown. */
MUST_CHECK enum status settings_manual(const struct settings_group *root,
                                       struct bytes *markdown);

#endif
