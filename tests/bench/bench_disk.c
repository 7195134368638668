/*
 * bench_disk FOLDER COUNT SIZE GROUP RATE in-place|growing - what the disk
 * itself can do.
 *
 * Writes COUNT blocks of SIZE bytes one behind the other and calls fdatasync
 * after every GROUP of them, RATE groups a second (0: at once).  "in-place":
 * the file has its size before the clock starts; "growing": it gets it, as a
 * month of the store does.  Prints {"blocks_s": R, "p50_us": T, "p99_us": T}:
 * blocks a second and how long a group took to be written and synced.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instrument.h"

static void write_group(int file, const uint8_t *block, size_t size,
                        size_t group)
{
    for (size_t i = 0; i < group; i++)
        if (write(file, block, size) != (ssize_t)size)
            give_up("write");
    if (fdatasync(file) != 0)
        give_up("fdatasync");
}

/* All of it once, so that the timed writes change no size. */
static void prepare(int file, const uint8_t *block, size_t size, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (write(file, block, size) != (ssize_t)size)
            give_up("write");
    if (fsync(file) != 0 || lseek(file, 0, SEEK_SET) != 0)
        give_up("fsync");
}

static void sleep_until(uint64_t at_ns)
{
    struct timespec until = {(time_t)(at_ns / 1000000000),
                             (long)(at_ns % 1000000000)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
    char path[4096];
    int file;

    if (argc != 7) {
        fprintf(stderr, "bench_disk FOLDER COUNT SIZE GROUP RATE "
                        "in-place|growing\n");
        return 2;
    }
    const size_t count = strtoul(argv[2], NULL, 10);
    const size_t size = strtoul(argv[3], NULL, 10);
    const size_t group = strtoul(argv[4], NULL, 10);
    const double rate = strtod(argv[5], NULL);
    const size_t groups = count / group;
    uint8_t *block = malloc(size);
    uint32_t *took_us = calloc(groups, sizeof *took_us);

    snprintf(path, sizeof path, "%s/bench_disk.XXXXXX", argv[1]);
    if (block == NULL || took_us == NULL || (file = mkstemp(path)) < 0)
        give_up(path);
    unlink(path);
    memset(block, 'x', size);
    if (strcmp(argv[6], "in-place") == 0)
        prepare(file, block, size, count);

    const uint64_t start = clock_ns(CLOCK_MONOTONIC);
    for (size_t i = 0; i < groups; i++) {
        uint64_t began;

        if (rate > 0)
            sleep_until(start + (uint64_t)((double)i / rate * 1e9));
        began = clock_ns(CLOCK_MONOTONIC);
        write_group(file, block, size, group);
        took_us[i] = (uint32_t)((clock_ns(CLOCK_MONOTONIC) - began) / 1000);
    }
    const double all = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
    qsort(took_us, groups, sizeof *took_us, compare_u32);
    printf("{\"blocks_s\": %.1f, \"p50_us\": %" PRIu32 ", \"p99_us\": %" PRIu32
           "}\n",
           (double)(groups * group) / all, part_of(took_us, groups, 0.5),
           part_of(took_us, groups, 0.99));
    free(took_us);
    free(block);
    close(file);
    return 0;
}
