/*
 * name_pattern.h - what a camera writes into the names of the files that it
 * uploads, read by a pattern of the settings.
 *
 *     {plate}_{color}_{time:%Y%m%d%H%M%S%3}_{kind}.jpg
 *     {*}/{time:%Y-%m-%d}/{key}_{time:%H.%M.%S}[{plate}]{*}.jpg
 *
 *   {plate}   the plate, perhaps with its colour's character in front
 *   {color}   its colour, in Chinese or English (blue)
 *   {time:F}  F as in strftime: %Y %m %d %H %M %S (fixed width; %y: two
 *             digits), %3 three digits of a millisecond, %s ten of seconds
 *             since 1970; all else as it stands.  UTC+8.  May stand twice,
 *             as date and as time of day
 *   {key}     what all files of one passage have in common
 *   {move}    the camera's word for the movement
 *   {lane}    digits
 *   {*}       anything, also nothing
 *
 * All else stands for itself, the case of ASCII letters not counted.  Fields
 * take as little as lets the whole name match; only {*} and {color} may be
 * empty, and only {*} crosses a '/'.  Between two fields there is text.  A
 * pattern with a '/' is for the path below the watched folder, any other for
 * the file's name alone.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_NAME_PATTERN_H
#define SAMPAN_NAME_PATTERN_H

#include "bytes.h"

#define PATTERN_ITEMS_MAX 32
#define PATTERN_WHY_MAX 160

enum pattern_field {
    FIELD_TEXT, /* stands for itself */
    FIELD_PLATE,
    FIELD_COLOR,
    FIELD_TIME,
    FIELD_KEY,
    FIELD_MOVE,
    FIELD_LANE,
    FIELD_ANY,
};

struct pattern_item {
    enum pattern_field field;
    struct span text; /* of TEXT itself, of TIME its format */
};

/* Borrows the pattern's text. */
struct name_pattern {
    struct pattern_item items[PATTERN_ITEMS_MAX];
    size_t count;
    bool whole_path; /* has a '/' */
};

/* What a name says; "" and 0 when it does not.  Whole UTF-8. */
struct name_facts {
    char plate[64];
    char color[32];
    char key[128];
    char move[16];
    unsigned lane;
    int64_t at_ms; /* 0: none */
};

/* False: why tells what is wrong with it. */
bool name_pattern_read(const char *pattern, struct name_pattern *into,
                       char why[static PATTERN_WHY_MAX]);

/* path: below the watched folder, UTF-8 or GBK.  False: it does not match. */
bool name_pattern_match(const struct name_pattern *pattern, const char *path,
                        struct name_facts *facts);

/* What all does not say yet is taken from one. */
void name_facts_join(struct name_facts *all, const struct name_facts *one);

#endif
