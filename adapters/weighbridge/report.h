/*
 * report.h - what is told of a scale, as docs/topics.md has it.  Pure.
 */
#ifndef SAMPAN_REPORT_H
#define SAMPAN_REPORT_H

#include <jansson.h>

#include "config.h"

#define REPORT_ID_MAX 128

/* "scale-1-20261120T083052.123": of the moment in UTC+8. */
void report_id(const struct scale_config *config, int64_t at_ms,
               char id[static REPORT_ID_MAX]);
/* The content of an event; NULL: no memory.  raw: the indicator's frame, as
 * text or hex. */
json_t *report_content(const struct scale_config *config,
                       const struct stable_report *report, const char *raw);
/* The live weight; NULL: no memory. */
json_t *report_live(const struct scale_config *config,
                    const struct stable *stable, bool holds, int64_t at_ms);

#endif
