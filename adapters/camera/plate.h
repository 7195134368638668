/*
 * plate.h - Chinese number plates by their shape (GA 36-2018).
 *
 * A shape says what a plate may be, never more: O and 0, I and 1 are not
 * folded into each other, a reader's mistake stays visible.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_PLATE_H
#define SAMPAN_PLATE_H

#include "decode.h"

enum plate_kind {
    PLATE_FOREIGN, /* no Chinese shape, and none is claimed */
    PLATE_INVALID, /* begins as a Chinese plate and is none; see reason */
    PLATE_ORDINARY,
    PLATE_ENERGY_SMALL,
    PLATE_ENERGY_LARGE,
    PLATE_TRAILER,
    PLATE_LEARNER,
    PLATE_POLICE,
    PLATE_HONG_KONG,
    PLATE_MACAU,
    PLATE_EMBASSY,
    PLATE_CONSULATE,
    PLATE_ARMED_POLICE,
    PLATE_ARMY,
    PLATE_TEMPORARY,
};

struct plate {
    enum plate_kind kind;
    char text[32];     /* upper case, without blanks, '-', '.' and dots */
    unsigned length;   /* in characters, of text */
    char fuel;         /* its letter, of new-energy plates; else 0 */
    bool pure;         /* of them: battery only */
    const char *color; /* that this kind has (topics.md), "": several */
    struct decode_fault fault; /* of FOREIGN and INVALID: LENGTH, VALUE ... */
};

/* What text (UTF-8) is; any text gives an answer. */
void plate_read(struct span text, struct plate *plate);

/* "new-energy small"; static. */
const char *plate_kind_word(enum plate_kind kind);

/*
 * The colour of a plate that a camera calls color ("" : not said).  A
 * new-energy shape settles it, whatever the camera saw; other kinds that have
 * one colour only give it when the camera gives none.  Static or color.
 */
const char *plate_settle_color(const struct plate *plate, const char *color);

/* Whether text is a camera's word for a vehicle without a plate, or one whose
 * plate it could not read: "", "unknown", "noPlate", "_无_" and others. */
bool plate_is_none(struct span text);

/* For --decode: kind, length, fuel, expect_color.  False: fault. */
bool plate_decode(struct span text, json_t *details,
                  struct decode_fault *fault);

#endif
