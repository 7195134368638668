/*
 * exchange.h - one question of a dialog over a line: silence before it, the
 * question, and what comes back until it is settled or its time is up.
 */
#ifndef SAMPAN_METER_EXCHANGE_H
#define SAMPAN_METER_EXCHANGE_H

#include "clock.h"
#include "dialog.h"

/* OK: settled, well or badly, and dialog knows.  Anything else: the line is
 * broken, or CLOSED by its stop_fd. */
MUST_CHECK enum status exchange(struct line *line,
                                const struct line_config *config,
                                const struct clock *clock,
                                struct dialog *dialog,
                                const struct dialog_send *send);

/* The whole dialog; false: the line broke, and dialog was told.  *first_at_ms
 * gets the wall clock's time of the first answer. */
bool exchange_all(struct line *line, const struct line_config *config,
                  const struct clock *clock, struct dialog *dialog,
                  int64_t *first_at_ms);

#endif
