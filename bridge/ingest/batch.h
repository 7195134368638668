/*
 * batch.h - when an energy batch is due.
 *
 *     registered uploadTime --learn--> plan --due--> until this instant
 *
 * Liaoning 6.3.1.2 j: the platform names a time of day.  A change of it takes
 * effect the next day.  Calendar times are UTC+8.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_BATCH_H
#define SAMPAN_BATCH_H

#include <stdbool.h>
#include <stdint.h>

struct batch_plan {
    char time[16];   /* "01:05:00", in force; "" before the first */
    char next[16];   /* what takes effect on the day from; "" */
    uint32_t from;   /* 20261120 */
    int64_t last_ms; /* the upload time up to which batches were made */
};

struct batch_plan batch_plan_read(const char *text);
void batch_plan_print(const struct batch_plan *plan, char text[static 96]);
bool batch_plan_changed(const struct batch_plan *plan, const char *text);
/* What the platform says now; not a time of day: ignored. */
void batch_plan_learn(struct batch_plan *plan, const char *registered,
                      int64_t now_ms);
/* The upload time that has come, or 0. */
int64_t batch_plan_due(const struct batch_plan *plan, int64_t now_ms);

#endif
