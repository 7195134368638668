/*
 * reading.h - what a dialog brought, as the event of docs/topics.md.
 *
 *     event_id   ID-20261120T0830: the meter and the mark, in UTC+8
 *     time       when the first answer came, by this machine's clock
 *     meter_time what the meter's own clock said, when that is possible and
 *                within a day of ours
 *     registers  the values, times the ratios of the transformers
 *     missing    {register: why} for those that were wanted and not had
 *
 * Pure.
 */
#ifndef SAMPAN_METER_READING_H
#define SAMPAN_METER_READING_H

#include <jansson.h>

#include "dialog.h"

#define READING_ID_MAX 128

void reading_id(const char *meter, int64_t mark_ms,
                char id[static READING_ID_MAX]);

/*
 * The members beside event_id and time; the caller frees *content.
 *
 * EMPTY: nothing was read, there is no event.  NOMEM.
 */
MUST_CHECK enum status reading_make(const struct dialog *dialog,
                                    int64_t read_at_ms, json_t **content);

#endif
