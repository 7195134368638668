/*
 * station.h - a meter as it is asked: its address, the questions that read
 * it, and what was learned of its habits.
 *
 * What it learns is never written down: after a restart it is learned again.
 * A station belongs to one bus, and to that bus's thread.
 */
#ifndef SAMPAN_METER_STATION_H
#define SAMPAN_METER_STATION_H

#include "cjt188.h"
#include "dlt645.h"
#include "meter_config.h"
#include "modbus_map.h"

enum station_topic {
    STATION_DATA,
    STATION_DATE, /* of its clock */
    STATION_TIME,
};

struct station_question {
    enum station_topic topic;
    uint32_t di;                  /* DL/T 645 */
    struct modbus_request modbus; /* Modbus */
};

#define STATION_QUESTIONS_MAX 160
#define STATION_NAMES_MAX REGISTERS_MAX
#define STATION_WHY_MAX 512

struct station {
    const struct station_config *config; /* borrowed */
    union {
        struct dlt645_address dlt645;
        struct cjt188_address cjt188;
        uint8_t unit;
    } address;
    bool anybody; /* the address is the wildcard */
    uint8_t type; /* CJ/T 188 */
    struct modbus_map_file *file;
    const struct modbus_map *map;
    struct modbus_plan plan;
    const char *names[STATION_NAMES_MAX]; /* what a reading should hold */
    unsigned name_count;                  /* 0: whatever it says */
    struct decimal ratios[RATIO_BOTH + 1];

    /* What is asked; changes when a meter has not a block as such. */
    struct station_question questions[STATION_QUESTIONS_MAX];
    unsigned question_count;
    enum cjt188_order order;
    bool order_known;
    char learned[CJT188_ADDRESS_TEXT]; /* who answered to the wildcard */
};

/*
 * Work config out.  INVALID: why tells which key is wrong (*key, static) and
 * what is allowed.  NOMEM.
 */
MUST_CHECK enum status station_make(const struct station_config *config,
                                    const char *profile_folder,
                                    struct station **station, const char **key,
                                    char why[static STATION_WHY_MAX]);
void station_free(struct station *station);

/* The same meter: equal addresses of one protocol family. */
bool station_same(const struct station *a, const struct station *b);

/* Put in place of question index what reads the same piece by piece.  False:
 * there are no pieces, or no room for them. */
bool station_split(struct station *station, unsigned index);
/* Leave the question out from now on. */
void station_drop(struct station *station, unsigned index);
/* Whether question index would read the register name. */
bool station_covers(const struct station *station, unsigned index,
                    const char *name);

/* What one reading takes on the bus when the meter answers promptly. */
int64_t station_duration_ms(const struct station *station,
                            const struct bus_config *bus);

#endif
