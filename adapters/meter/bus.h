/*
 * bus.h - a line and its meters: asks, and hands readings to the courier.
 *
 *     bus_open --> bus_run (a thread of its own, until stop_fd) --> bus_close
 *
 *            line_open           round after round (rota.h)
 *     DOWN ------------> UP ------------------------------> UP
 *      ^                  |
 *      +--- it broke -----+   opened again after 1, 2, 4 .. 30 s
 *
 * When the courier takes nothing (its outbox or the disk is full), polling
 * goes on and the newest BUS_PENDING_MAX readings wait in memory; one that has
 * to go is logged as an error.  A meter is told offline when it was silent
 * three times, or its line could not be opened three times, and online by its
 * next answer.
 */
#ifndef SAMPAN_METER_BUS_H
#define SAMPAN_METER_BUS_H

#include "courier.h"
#include "marks.h"
#include "meter_config.h"

#define BUS_PENDING_MAX 256

struct bus;

struct bus_options {
    const struct bus_config *config; /* borrowed until bus_close, as all */
    const char *profile_folder;
    struct courier *courier;
    struct marks *marks;
    const struct clock *clock;
    int stop_fd;
};

/* INVALID (logged): a profile that was good when it was checked is no more.
 * NOMEM. */
MUST_CHECK enum status bus_open(const struct bus_options *options,
                                struct bus **bus);
void bus_run(struct bus *bus);
void bus_close(struct bus *bus);

#endif
