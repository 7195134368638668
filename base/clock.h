/*
 * clock.h - what time it is, and China's calendar.
 *
 * Two clocks: the wall clock (Unix milliseconds; it may jump) for what is
 * written down, and the steady clock (milliseconds since some start; it never
 * jumps) for delays.  Whoever needs a time is given a struct clock, so a test
 * passes its own.  Calendar times of the platforms are always UTC+8, whatever
 * the machine's zone; China has no summer time.
 */
#ifndef SAMPAN_CLOCK_H
#define SAMPAN_CLOCK_H

#include <stdint.h>

#include "bytes.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct clock {
    int64_t (*wall_ms)(void *self);
    int64_t (*steady_ms)(void *self);
    void *self;
};

/* The machine's clocks; static. */
const struct clock *clock_system(void);
int64_t clock_wall_ms(const struct clock *clock);
int64_t clock_steady_ms(const struct clock *clock);

/* A point of the calendar in UTC+8. */
struct china_time {
    int year;   /* 1970.. */
    int month;  /* 1..12 */
    int day;    /* 1..31 */
    int hour;   /* 0..23 */
    int minute; /* 0..59 */
    int second; /* 0..59 */
    int millisecond;
};

struct china_time china_time_of(int64_t wall_ms);
/* INVALID when no such day or time of day exists. */
MUST_CHECK enum status china_time_to_ms(const struct china_time *time,
                                        int64_t *wall_ms);
/* 20261120 for any instant of that day in China. */
uint32_t china_day(int64_t wall_ms);
/* The first millisecond of a day given as 20261120; INVALID. */
MUST_CHECK enum status china_day_start_ms(uint32_t day, int64_t *wall_ms);

#define CLOCK_TEXT_MAX 32
/* "2026-11-20 08:30:45" in UTC+8. */
void clock_print_china(int64_t wall_ms, char text[static CLOCK_TEXT_MAX]);
/* "2026-11-20T08:30:45.123+08:00". */
void clock_print_iso(int64_t wall_ms, char text[static CLOCK_TEXT_MAX]);

/*
 * Read an instant: ISO 8601 with a zone ("Z", "+08:00") and up to nine digits
 * of a second's fraction (digits below the millisecond are dropped), or the
 * platforms' "2026-11-20 08:30:45" without one, which is UTC+8.  FORMAT.
 */
MUST_CHECK enum status clock_read(struct span text, int64_t *wall_ms);

#endif
