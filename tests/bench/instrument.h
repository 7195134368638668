/*
 * instrument.h - what the instruments of the bench share: clocks, CPU time and
 * the end of a program that cannot measure.
 */
#ifndef SAMPAN_BENCH_INSTRUMENT_H
#define SAMPAN_BENCH_INSTRUMENT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The instruments of a run compare their times: the wall clock. */
static inline uint64_t wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

/* User and system time of this process. */
static inline uint64_t cpu_us(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

_Noreturn static inline void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static inline int compare_u32(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* values is sorted; part is 0.5 for the median. */
static inline uint32_t part_of(const uint32_t *values, size_t count,
                               double part)
{
    size_t at = (size_t)((double)count * part);

    if (count == 0)
        return 0;
    return values[at < count ? at : count - 1];
}

#endif
