#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "text.h"

#define COLUMNS_MAX 20
#define CELL_MAX 512

struct column {
    char name[40];
    int width;
};

static size_t columns_of(const char *text, struct column *columns)
{
    size_t count = 0;

    while (*text != 0 && count < COLUMNS_MAX) {
        size_t len = strcspn(text, " ");

        snprintf(columns[count].name, sizeof columns[count].name, "%.*s",
                 (int)len, text);
        columns[count].width = (int)len;
        count++;
        text += len;
        text += strspn(text, " ");
    }
    return count;
}

/* Control characters could move the cursor of whoever reads this. */
static void made_harmless(char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

static void cell_of(const json_t *value, char cell[static CELL_MAX])
{
    char *dumped;

    if (value == NULL || json_is_null(value)) {
        snprintf(cell, CELL_MAX, "-");
    } else if (json_is_string(value)) {
        text_put(cell, CELL_MAX, json_string_value(value));
    } else {
        dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
                                       JSON_REAL_PRECISION(15));
        text_put(cell, CELL_MAX, dumped == NULL ? "" : dumped);
        free(dumped);
    }
    made_harmless(cell);
}

/* On a terminal: a Chinese character takes two places. */
static int width_of(const char *cell)
{
    wchar_t wide[CELL_MAX];
    size_t len = mbstowcs(wide, cell, CELL_MAX);
    int width;

    if (len == (size_t)-1)
        return (int)strlen(cell);
    width = wcswidth(wide, len);
    return width < 0 ? (int)len : width;
}

static void cell_print(const char *cell, int width, bool last)
{
    int pad = last ? 0 : width - width_of(cell) + 2;

    printf("%s%*s", cell, pad > 0 ? pad : 0, "");
}

void print_table(const json_t *rows, const char *names)
{
    struct column columns[COLUMNS_MAX];
    size_t count = columns_of(names, columns);
    char cell[CELL_MAX];
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < count; c++) {
            cell_of(json_object_get(row, columns[c].name), cell);
            if (width_of(cell) > columns[c].width)
                columns[c].width = width_of(cell);
        }
    }
    for (size_t c = 0; c < count; c++)
        cell_print(columns[c].name, columns[c].width, c + 1 == count);
    putchar('\n');
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < count; c++) {
            cell_of(json_object_get(row, columns[c].name), cell);
            cell_print(cell, columns[c].width, c + 1 == count);
        }
        putchar('\n');
    }
}

static void csv_cell(const char *cell, bool last)
{
    bool quote = strpbrk(cell, ",\"") != NULL;
    char *end;

    if (quote)
        putchar('"');
    /* A spreadsheet must not take a plate or a reason for a formula; quotes
     * do not keep it from that, an apostrophe does. */
    if (cell[0] != 0 && strchr("=+-@", cell[0]) != NULL && cell[1] != 0 &&
        (strtod(cell, &end), *end != 0))
        putchar('\'');
    for (; *cell != 0; cell++) {
        if (*cell == '"')
            putchar('"');
        putchar(*cell);
    }
    if (quote)
        putchar('"');
    fputs(last ? "\r\n" : ",", stdout);
}

void print_csv(const json_t *rows, const char *names)
{
    struct column columns[COLUMNS_MAX];
    size_t count = columns_of(names, columns);
    char cell[CELL_MAX];
    const json_t *row;
    size_t i;

    for (size_t c = 0; c < count; c++)
        csv_cell(columns[c].name, c + 1 == count);
    json_array_foreach(rows, i, row) for (size_t c = 0; c < count; c++)
    {
        cell_of(json_object_get(row, columns[c].name), cell);
        csv_cell(cell, c + 1 == count);
    }
}

void print_object(const json_t *object, int depth)
{
    char cell[CELL_MAX];
    char key[CELL_MAX];
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        text_put(key, sizeof key, name);
        made_harmless(key);
        if (json_is_object(value)) {
            printf("%*s%s:\n", depth * 2, "", key);
            print_object(value, depth + 1);
            continue;
        }
        cell_of(value, cell);
        printf("%*s%s: %s\n", depth * 2, "", key, cell);
    }
}

void print_words(FILE *file, const char *words)
{
    for (; words != NULL && *words != 0; words++)
        putc((unsigned char)*words < ' ' && *words != '\n' ? ' ' : *words,
             file);
}
