/*
 * ledger.h - the vehicles that are known: plate and colour to vehicle number,
 * VIN and tare.
 *
 * From CSV (RFC 4180, UTF-8, a BOM is skipped): a header line with plate and
 * any of color, vehicleId, vin, tare_t in any order; other columns are
 * ignored.
 */
#ifndef SAMPAN_LEDGER_H
#define SAMPAN_LEDGER_H

#include "queue.h"

struct vehicle {
    char id[64];   /* "": not known */
    char vin[18];  /* "": not known */
    double tare_t; /* < 0: not known */
};

/* Checks only, when queue is NULL.  INVALID: the header is not usable; then
 * nothing was put.  words: one line for each refused row. */
MUST_CHECK enum status ledger_import(struct queue *queue, struct span csv,
                                     unsigned *count, struct bytes *words);

/* The vehicle of a plate and colour; when the colour is not in the ledger
 * and only one of that plate is, that one (cameras err in colours).
 * NOT_FOUND. */
MUST_CHECK enum status ledger_find(struct queue *queue, const char *plate,
                                   const char *color, struct vehicle *vehicle);

#endif
