#include "batch.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"

/* Milliseconds into the day; -1: "HH:MM:SS" it is not. */
static int64_t time_of_day(const char *text)
{
    int hour, minute, second;
    int read = 0;

    if (sscanf(text, "%2d:%2d:%2d%n", &hour, &minute, &second, &read) != 3 ||
        text[read] != 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 59)
        return -1;
    return hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
}

/* The latest instant at or before now_ms with this time of day. */
static int64_t latest(const char *time, int64_t now_ms)
{
    int64_t start_ms = 0;
    int64_t at_ms;

    if (china_day_start_ms(china_day(now_ms), &start_ms) != STATUS_OK)
        return 0;
    at_ms = start_ms + time_of_day(time);
    return at_ms <= now_ms ? at_ms : at_ms - DAY_MS;
}

struct batch_plan batch_plan_read(const char *text)
{
    struct batch_plan plan = {.last_ms = 0};
    long long last_ms = 0;

    if (sscanf(text, "%15s %15s %u %lld", plan.time, plan.next, &plan.from,
               &last_ms) != 4 ||
        time_of_day(plan.time) < 0)
        return (struct batch_plan){.last_ms = 0};
    plan.last_ms = last_ms;
    if (strcmp(plan.next, "-") == 0)
        plan.next[0] = 0;
    return plan;
}

void batch_plan_print(const struct batch_plan *plan, char text[static 96])
{
    snprintf(text, 96, "%s %s %u %lld", plan->time,
             plan->next[0] != 0 ? plan->next : "-", plan->from,
             (long long)plan->last_ms);
}

bool batch_plan_changed(const struct batch_plan *plan, const char *text)
{
    struct batch_plan before = batch_plan_read(text);

    return strcmp(plan->time, before.time) != 0 ||
           strcmp(plan->next, before.next) != 0 || plan->from != before.from ||
           plan->last_ms != before.last_ms;
}

/* The day for which a change was announced has come. */
static void take_effect(struct batch_plan *plan, int64_t now_ms)
{
    int64_t start_ms = 0;
    int64_t before_ms;

    if (plan->next[0] == 0 || china_day(now_ms) < plan->from ||
        china_day_start_ms(plan->from, &start_ms) != STATUS_OK)
        return;
    snprintf(plan->time, sizeof(plan->time), "%s", plan->next);
    plan->next[0] = 0;
    plan->from = 0;
    /* The day before had its batch at the old time. */
    before_ms = start_ms + time_of_day(plan->time) - DAY_MS;
    if (plan->last_ms < before_ms)
        plan->last_ms = before_ms;
}

void batch_plan_learn(struct batch_plan *plan, const char *registered,
                      int64_t now_ms)
{
    take_effect(plan, now_ms);
    if (time_of_day(registered) < 0)
        return;
    if (plan->time[0] == 0) {
        snprintf(plan->time, sizeof(plan->time), "%s", registered);
        plan->last_ms = latest(registered, now_ms);
    } else if (strcmp(plan->time, registered) == 0) {
        plan->next[0] = 0;
        plan->from = 0;
    } else if (strcmp(plan->next, registered) != 0) {
        snprintf(plan->next, sizeof(plan->next), "%s", registered);
        plan->from = china_day(now_ms + DAY_MS);
    }
}

int64_t batch_plan_due(const struct batch_plan *plan, int64_t now_ms)
{
    int64_t at_ms = plan->time[0] == 0 ? 0 : latest(plan->time, now_ms);

    return at_ms > plan->last_ms ? at_ms : 0;
}
