#include "clock.h"

#include <stdio.h>
#include <time.h>

#define CHINA_OFFSET_MS (8 * HOUR_MS)

static int64_t now_ms(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *self)
{
    (void)self;
    return now_ms(CLOCK_REALTIME);
}

static int64_t system_steady_ms(void *self)
{
    (void)self;
    return now_ms(CLOCK_BOOTTIME);
}

const struct clock *clock_system(void)
{
    static const struct clock machine = {system_wall_ms, system_steady_ms,
                                         NULL};

    return &machine;
}

int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->self);
}

int64_t clock_steady_ms(const struct clock *clock)
{
    return clock->steady_ms(clock->self);
}

struct china_time china_time_of(int64_t wall_ms)
{
    int64_t shifted = wall_ms + CHINA_OFFSET_MS;
    int64_t whole = shifted / 1000 - (shifted % 1000 < 0 ? 1 : 0);
    time_t seconds = (time_t)whole;
    struct tm fields = {0};

    gmtime_r(&seconds, &fields);
    return (struct china_time){
        .year = fields.tm_year + 1900,
        .month = fields.tm_mon + 1,
        .day = fields.tm_mday,
        .hour = fields.tm_hour,
        .minute = fields.tm_min,
        .second = fields.tm_sec,
        .millisecond = (int)(shifted - whole * 1000),
    };
}

static bool fields_same(const struct china_time *a, const struct china_time *b)
{
    return a->year == b->year && a->month == b->month && a->day == b->day &&
           a->hour == b->hour && a->minute == b->minute &&
           a->second == b->second;
}

enum status china_time_to_ms(const struct china_time *time, int64_t *wall_ms)
{
    struct tm fields = {
        .tm_year = time->year - 1900,
        .tm_mon = time->month - 1,
        .tm_mday = time->day,
        .tm_hour = time->hour,
        .tm_min = time->minute,
        .tm_sec = time->second,
    };
    int64_t ms = (int64_t)timegm(&fields) * 1000 - CHINA_OFFSET_MS;
    struct china_time back = china_time_of(ms);

    /* timegm turns 31 June into 1 July: what does not come back was not a
     * date. */
    if (!fields_same(time, &back))
        return STATUS_INVALID;
    *wall_ms = ms + time->millisecond;
    return STATUS_OK;
}

uint32_t china_day(int64_t wall_ms)
{
    struct china_time t = china_time_of(wall_ms);

    return (uint32_t)(t.year * 10000 + t.month * 100 + t.day);
}

enum status china_day_start_ms(uint32_t day, int64_t *wall_ms)
{
    struct china_time time = {
        .year = (int)(day / 10000),
        .month = (int)(day / 100 % 100),
        .day = (int)(day % 100),
    };

    return china_time_to_ms(&time, wall_ms);
}

void clock_print_china(int64_t wall_ms, char text[static CLOCK_TEXT_MAX])
{
    struct china_time t = china_time_of(wall_ms);

    snprintf(text, CLOCK_TEXT_MAX, "%04d-%02d-%02d %02d:%02d:%02d",
             t.year % 10000, t.month, t.day, t.hour, t.minute, t.second);
}

void clock_print_iso(int64_t wall_ms, char text[static CLOCK_TEXT_MAX])
{
    struct china_time t = china_time_of(wall_ms);

    snprintf(text, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03d+08:00",
             t.year % 10000, t.month, t.day, t.hour, t.minute, t.second,
             t.millisecond);
}

struct reader {
    const char *at;
    const char *end;
    bool failed;
};

static int read_digits(struct reader *reader, int count)
{
    int value = 0;

    for (; count > 0; count--, reader->at++) {
        if (reader->at == reader->end || *reader->at < '0' ||
            *reader->at > '9') {
            reader->failed = true;
            return 0;
        }
        value = value * 10 + (*reader->at - '0');
    }
    return value;
}

static bool read_one_of(struct reader *reader, const char *allowed)
{
    for (; *allowed != 0; allowed++)
        if (reader->at < reader->end && *reader->at == *allowed) {
            reader->at++;
            return true;
        }
    return false;
}

static void read_fixed(struct reader *reader, const char *allowed)
{
    if (!read_one_of(reader, allowed))
        reader->failed = true;
}

static int read_fraction_ms(struct reader *reader)
{
    int value = 0;
    int digits = 0;

    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
         reader->at++, digits++)
        if (digits < 3)
            value = value * 10 + (*reader->at - '0');
    if (digits == 0 || digits > 9)
        reader->failed = true;
    for (; digits < 3; digits++)
        value *= 10;
    return value;
}

/* What stands behind the time of day, as milliseconds east of Greenwich. */
static int64_t read_zone_ms(struct reader *reader)
{
    int64_t sign;
    int hours;
    int minutes;

    if (reader->at == reader->end)
        return CHINA_OFFSET_MS;
    if (read_one_of(reader, "Zz"))
        return 0;
    sign = *reader->at == '-' ? -1 : 1;
    read_fixed(reader, "+-");
    hours = read_digits(reader, 2);
    read_one_of(reader, ":");
    minutes = read_digits(reader, 2);
    if (hours > 14 || minutes > 59)
        reader->failed = true;
    return sign * (hours * HOUR_MS + minutes * MINUTE_MS);
}

enum status clock_read(struct span text, int64_t *wall_ms)
{
    const char *start = (const char *)text.data;
    struct reader reader = {start, start + text.len, text.len == 0};
    struct china_time time = {0};
    int64_t zone_ms;
    int64_t ms;

    time.year = read_digits(&reader, 4);
    read_fixed(&reader, "-");
    time.month = read_digits(&reader, 2);
    read_fixed(&reader, "-");
    time.day = read_digits(&reader, 2);
    read_fixed(&reader, "T ");
    time.hour = read_digits(&reader, 2);
    read_fixed(&reader, ":");
    time.minute = read_digits(&reader, 2);
    read_fixed(&reader, ":");
    time.second = read_digits(&reader, 2);
    if (!reader.failed && read_one_of(&reader, "."))
        time.millisecond = read_fraction_ms(&reader);
    zone_ms = reader.failed ? 0 : read_zone_ms(&reader);
    if (reader.failed || reader.at != reader.end ||
        china_time_to_ms(&time, &ms) != STATUS_OK)
        return STATUS_FORMAT;
    *wall_ms = ms + CHINA_OFFSET_MS - zone_ms;
    return STATUS_OK;
}
