/*
 * print.h - the bridge's answers for people: tables whose columns stand under
 * each other also with Chinese plates in them, and CSV for spreadsheets.
 */
#ifndef SAMPAN_PRINT_H
#define SAMPAN_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Rows are objects; columns is a list of their members, "a b c". */
void print_table(const json_t *rows, const char *columns);
void print_csv(const json_t *rows, const char *columns);
/* An object as "name: value" lines, nested ones indented. */
void print_object(const json_t *object, int depth);
/* Lines as they came, without what could move the cursor; NULL: nothing. */
void print_words(FILE *file, const char *words);

#endif
