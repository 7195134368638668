#include "csv.h"

#include <string.h>

#include "json_scan.h"

void csv_open(struct csv *csv, struct span text)
{
    memset(csv, 0, sizeof(*csv));
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = span_of(text.data + 3, text.len - 3);
    csv->text = text;
    csv->next_line = 1;
}

static bool take(struct csv *csv, uint8_t *byte)
{
    if (csv->text.len == 0)
        return false;
    *byte = csv->text.data[0];
    csv->text = span_of(csv->text.data + 1, csv->text.len - 1);
    csv->next_line += *byte == '\n';
    return true;
}

static void put(struct csv *csv, char *cell, size_t *len, uint8_t byte)
{
    if (*len == CSV_CELL_BYTES - 1)
        csv->fault = "a cell is longer than 127 bytes";
    else if (byte == 0)
        csv->fault = "it holds a zero byte";
    else
        cell[(*len)++] = (char)byte;
}

/* Behind the opening quote, up to behind the closing one. */
static void take_quoted(struct csv *csv, char *cell, size_t *len)
{
    uint8_t byte;

    while (take(csv, &byte)) {
        if (byte != '"')
            put(csv, cell, len, byte);
        else if (csv->text.len > 0 && csv->text.data[0] == '"')
            put(csv, cell, len, take(csv, &byte) ? byte : 0);
        else
            return;
    }
    csv->fault = "a quote is not closed";
}

/* One cell into cell (cut of blanks around it); true: the row goes on. */
static bool take_cell(struct csv *csv, char *cell)
{
    size_t len = 0;
    bool quoted = false;
    uint8_t byte = 0;

    while (take(csv, &byte) && byte != ',' && byte != '\n') {
        if (byte == '"' && len == 0 && !quoted) {
            quoted = true;
            take_quoted(csv, cell, &len);
        } else if (byte == '\r' && csv->text.len > 0 &&
                   csv->text.data[0] == '\n') {
            continue;
        } else if (byte != ' ' || (len > 0 && !quoted)) {
            put(csv, cell, &len, byte);
        }
        byte = 0;
    }
    while (!quoted && len > 0 &&
           (cell[len - 1] == ' ' || cell[len - 1] == '\r'))
        len--;
    cell[len] = 0;
    return byte == ',';
}

static bool is_utf8(const char *text)
{
    size_t left = strlen(text);
    size_t step;

    for (; left > 0; left -= step, text += step)
        if ((step = json_scan_utf8(span_of(text, left))) == 0)
            return false;
    return true;
}

static void take_row(struct csv *csv)
{
    char surplus[CSV_CELL_BYTES];
    bool more = true;

    csv->line = csv->next_line;
    csv->count = 0;
    csv->fault = NULL;
    while (more) {
        bool fits = csv->count < CSV_CELLS_MAX;
        char *cell = fits ? csv->cells[csv->count] : surplus;

        more = take_cell(csv, cell);
        if (!fits)
            csv->fault = "it has more than 32 cells";
        else if (!is_utf8(cell))
            csv->fault = "it is not UTF-8";
        csv->count += fits;
    }
}

bool csv_next(struct csv *csv)
{
    while (csv->text.len > 0) {
        take_row(csv);
        if (csv->count > 1 || csv->cells[0][0] != 0 || csv->fault != NULL)
            return true;
    }
    return false;
}
