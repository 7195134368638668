/*
 * csv.h - RFC 4180: rows of cells, quoted or not.  Pure.
 */
#ifndef SAMPAN_CSV_H
#define SAMPAN_CSV_H

#include "bytes.h"

#define CSV_CELLS_MAX 32
#define CSV_CELL_BYTES 128

struct csv {
    struct span text; /* what is left */
    unsigned line;    /* where the row began, from 1 */
    unsigned next_line;
    unsigned count; /* cells of the row */
    char cells[CSV_CELLS_MAX][CSV_CELL_BYTES];
    const char *fault; /* NULL: the row is good */
};

void csv_open(struct csv *csv, struct span text);
/* The next row that is not blank; false at the end. */
bool csv_next(struct csv *csv);

#endif
