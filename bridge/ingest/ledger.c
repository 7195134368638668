#include "ledger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "excerpt.h"
#include "notes.h"
#include "plate.h"

#define TARE_MAX_T 100.0

enum column { PLATE, COLOR, VEHICLE_ID, VIN, TARE, COLUMNS };
static const char *const column_names[COLUMNS] = {
    [PLATE] = "plate", [COLOR] = "color", [VEHICLE_ID] = "vehicleId",
    [VIN] = "vin",     [TARE] = "tare_t",
};

struct row {
    char plate[PLATE_MAX];
    const char *color;
    struct vehicle vehicle;
};

static enum status add_words(struct bytes *words, unsigned line,
                             const char *what)
{
    return bytes_print(words, "ledger line %u: %s\n", line, what);
}

/* ---- rows --------------------------------------------------------------- */

static bool known_color(const char *color)
{
    for (size_t i = 0; plate_colors[i] != NULL; i++)
        if (strcmp(plate_colors[i], color) == 0)
            return true;
    return *color == 0;
}

/* ISO 3779: 17 characters, no I, O, Q. */
static bool is_vin(const char *vin)
{
    return *vin == 0 ||
           (strlen(vin) == 17 &&
            strspn(vin, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789") == 17);
}

static bool read_tare(const char *text, double *tare_t)
{
    char *end;

    *tare_t = -1;
    if (*text == 0)
        return true;
    if (strspn(text, "0123456789.") < strlen(text))
        return false;
    *tare_t = strtod(text, &end);
    return *end == 0 && isfinite(*tare_t) && *tare_t >= 0 &&
           *tare_t <= TARE_MAX_T;
}

/* NULL when the row is good, else what is wrong with it. */
static const char *read_row(const struct csv *csv, const int *columns,
                            struct row *row)
{
    const char *cells[COLUMNS];

    for (int i = 0; i < COLUMNS; i++)
        cells[i] = columns[i] >= 0 && (unsigned)columns[i] < csv->count
                       ? csv->cells[columns[i]]
                       : "";
    if (csv->fault != NULL)
        return csv->fault;
    plate_read(cells[PLATE], row->plate);
    row->color = cells[COLOR];
    if (row->plate[0] == 0 || strlen(row->plate) > 63)
        return "plate is absent or longer than 20 characters";
    if (!known_color(row->color))
        return "color is not known; allowed are blue yellow white black green "
               "yellow_green other";
    if (strlen(cells[VEHICLE_ID]) >= sizeof(row->vehicle.id))
        return "vehicleId is longer than 63 bytes";
    if (!is_vin(cells[VIN]))
        return "vin is not one; allowed are 17 of A-Z 0-9 without I, O, Q";
    if (!read_tare(cells[TARE], &row->vehicle.tare_t))
        return "tare_t is not allowed; allowed is 0 to 100 (tonnes)";
    snprintf(row->vehicle.id, sizeof(row->vehicle.id), "%s", cells[VEHICLE_ID]);
    snprintf(row->vehicle.vin, sizeof(row->vehicle.vin), "%s", cells[VIN]);
    return NULL;
}

/* Which cell holds which column; false: there is no plate. */
static bool read_header(struct csv *csv, int *columns)
{
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = -1;
    if (!csv_next(csv) || csv->fault != NULL)
        return false;
    for (unsigned cell = 0; cell < csv->count; cell++)
        for (int i = 0; i < COLUMNS; i++)
            if (strcmp(csv->cells[cell], column_names[i]) == 0)
                columns[i] = (int)cell;
    return columns[PLATE] >= 0;
}

/* ---- notes -------------------------------------------------------------- */

static void vehicle_key(const char *plate, const char *color,
                        char key[static 256])
{
    snprintf(key, 256, "%.95s/%.15s", plate, color);
}

/* "tare vin id": the id comes last because it may hold blanks. */
static enum status put_vehicle(struct queue *queue, const struct row *row)
{
    const struct vehicle *vehicle = &row->vehicle;
    char key[256];
    char text[160];
    char old[160];

    vehicle_key(row->plate, row->color, key);
    snprintf(text, sizeof(text), "%.6g %s %s", vehicle->tare_t,
             vehicle->vin[0] != 0 ? vehicle->vin : "-", vehicle->id);
    if (note_read_text(queue, "ledger", key, old, sizeof(old)) == STATUS_OK &&
        strcmp(text, old) == 0)
        return STATUS_OK;
    return note_put_text(queue, "ledger", key, text);
}

static bool parse_vehicle(const char *text, struct vehicle *vehicle)
{
    char *at;
    size_t len;

    vehicle->tare_t = strtod(text, &at);
    if (*at++ != ' ' || (len = strcspn(at, " ")) >= sizeof(vehicle->vin))
        return false;
    snprintf(vehicle->vin, sizeof(vehicle->vin), "%.*s", (int)len, at);
    if (strcmp(vehicle->vin, "-") == 0)
        vehicle->vin[0] = 0;
    at += len;
    snprintf(vehicle->id, sizeof(vehicle->id), "%s", *at == ' ' ? at + 1 : "");
    return true;
}

static enum status find_exactly(struct queue *queue, const char *plate,
                                const char *color, struct vehicle *vehicle)
{
    char key[256];
    char text[160];
    enum status status;

    vehicle_key(plate, color, key);
    status = note_read_text(queue, "ledger", key, text, sizeof(text));
    if (status == STATUS_OK && !parse_vehicle(text, vehicle))
        status = STATUS_CORRUPT;
    return status;
}

enum status ledger_find(struct queue *queue, const char *plate,
                        const char *color, struct vehicle *vehicle)
{
    struct vehicle other;
    unsigned found = 0;
    enum status status = find_exactly(queue, plate, color, vehicle);

    if (status != STATUS_NOT_FOUND)
        return status;
    status = find_exactly(queue, plate, "", vehicle);
    if (status != STATUS_NOT_FOUND)
        return status;
    for (size_t i = 0; plate_colors[i] != NULL; i++) {
        status = find_exactly(queue, plate, plate_colors[i], &other);
        if (status == STATUS_OK) {
            *vehicle = other;
            found++;
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return found == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status ledger_import(struct queue *queue, struct span csv, unsigned *count,
                          struct bytes *words)
{
    struct csv reader;
    struct row row;
    int columns[COLUMNS];
    enum status status = STATUS_OK;
    const char *fault;

    *count = 0;
    csv_open(&reader, csv);
    if (!read_header(&reader, columns)) {
        status = add_words(words, 1,
                           "this is no header; wanted is plate and any of "
                           "color, vehicleId, vin, tare_t, commas between");
        return status == STATUS_OK ? STATUS_INVALID : status;
    }
    while (status == STATUS_OK && csv_next(&reader)) {
        fault = read_row(&reader, columns, &row);
        if (fault != NULL) {
            status = add_words(words, reader.line, fault);
            continue;
        }
        ++*count;
        if (queue != NULL)
            status = put_vehicle(queue, &row);
    }
    return status;
}
