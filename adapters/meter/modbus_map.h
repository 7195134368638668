/*
 * modbus_map.h - which Modbus register of a meter is which quantity.
 *
 * A map is a YAML file of its own (profiles/ here, or an operator's):
 *
 *     name: Eastron SDM630
 *     function: 4
 *     registers:
 *       - {name: import_kwh, address: 0x0048, type: float32}
 *
 * map_open --> modbus_plan: few requests --> line --> modbus_extract --> values
 *
 * The last two are pure.
 */
#ifndef SAMPAN_MODBUS_MAP_H
#define SAMPAN_MODBUS_MAP_H

#include "modbus_frame.h"
#include "registers.h"
#include "settings.h"

enum modbus_type {
    MODBUS_U16,
    MODBUS_S16,
    MODBUS_U32,
    MODBUS_S32,
    MODBUS_U64,
    MODBUS_S64,
    MODBUS_FLOAT32,
    MODBUS_FLOAT64,
};

enum modbus_order { /* of a value's words; of a register's in 0, the map's */
                    MODBUS_ORDER_OF_MAP,
                    MODBUS_BIG,    /* high word first */
                    MODBUS_LITTLE, /* low word first ("word swapped") */
};

enum modbus_rule {
    MODBUS_PLAIN,
    MODBUS_PF_4Q, /* Schneider: |raw| > 1 is leading, 2 - |raw|, sign of raw */
};

struct modbus_register {
    const char *name;
    const char *unit; /* "" in the file: that of the standard name */
    const char *address_text;
    uint16_t address; /* on the wire: 0 .. 65535 */
    int type;         /* enum modbus_type */
    int order;        /* enum modbus_order; never 0 in an open map */
    int rule;         /* enum modbus_rule */
    double scale;
    uint32_t function; /* 3 or 4; never 0 in an open map */
};

struct modbus_map {
    const char *name; /* "Chint DTSU666" */
    const char *maker;
    const char *note;
    uint32_t unit;  /* the meter's address when it was never changed */
    uint32_t speed; /* of its serial port when it was never changed */
    const char *format;
    uint32_t function;
    int order;
    uint32_t block; /* words in one request, at most */
    uint32_t gap;   /* unused words that a request may read over */
    const struct modbus_register *registers; /* by function and address */
    unsigned register_count;
};

struct modbus_map_file; /* owns what a map points to */

/*
 * Read a map.  As settings_open and settings_verdict: anything but OK leaves
 * words with a line for each mistake (file, line, key, what is allowed), and
 * *file NULL.
 */
MUST_CHECK enum status modbus_map_open(const char *path, struct bytes *words,
                                       struct modbus_map_file **file);
const struct modbus_map *modbus_map_borrow(const struct modbus_map_file *file);
void modbus_map_close(struct modbus_map_file *file);

/* The file's table, for the manual. */
extern const struct settings_group modbus_map_group;

/* Words that a value of type takes. */
unsigned modbus_type_words(int type);

#define MODBUS_PLAN_MAX REGISTERS_MAX

struct modbus_request {
    uint8_t function;
    uint16_t start, count; /* words */
};

struct modbus_plan {
    unsigned count;
    struct modbus_request requests[MODBUS_PLAN_MAX];
    bool wanted[REGISTERS_MAX]; /* by the map's registers */
};

/*
 * Group the registers that names wants (name_count 0: all of the map) into
 * requests of at most map->block words, reading over gaps of map->gap.
 * False: *unknown is not in the map.
 */
bool modbus_plan(const struct modbus_map *map, const char *const *names,
                 size_t name_count, struct modbus_plan *plan,
                 const char **unknown);

/*
 * Add the wanted registers that request covers; data is its reply's.  A value
 * that is no number (NaN, infinite, too large) is left out, and fault names
 * the first; true as long as data has the length that was asked for.
 */
bool modbus_extract(const struct modbus_map *map,
                    const struct modbus_plan *plan,
                    const struct modbus_request *request, struct span data,
                    struct register_values *values, struct decode_fault *fault);

#endif
