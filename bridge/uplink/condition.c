#include "engine.h"

#include <string.h>

#include "log.h"
#include "text.h"

/* No upload before the clock is past the year this was written in: a box
 * without a battery clock starts in 1970. */
#define PLAUSIBLE_FROM_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

const char *uplink_condition_name(enum uplink_condition condition)
{
    static const char *const names[] = {
        [UPLINK_STARTING] = "starting",
        [UPLINK_UP] = "up",
        [UPLINK_UNREACHABLE] = "unreachable",
        [UPLINK_PAUSED] = "paused",
        [UPLINK_FAULT] = "fault",
        [UPLINK_NO_SESSION] = "no_session",
        [UPLINK_NO_CLOCK] = "no_clock",
    };

    return names[condition];
}

bool condition_clock_plausible(const struct uplink *uplink)
{
    return engine_wall_ms(uplink) >= PLAUSIBLE_FROM_MS;
}

void condition_set(struct uplink *uplink, enum uplink_condition condition,
                   const char *reason)
{
    struct uplink_status *now = &uplink->now;

    if (now->condition == condition && strcmp(now->reason, reason) == 0)
        return;
    if (condition == UPLINK_UP && now->condition != UPLINK_UP)
        lanes_horizon(uplink);
    now->condition = condition;
    text_put(now->reason, sizeof now->reason, reason);
    log_at(condition == UPLINK_UP ? LOG_INFO : LOG_WARN, "condition",
           LOG_TEXT("uplink", now->destination),
           LOG_TEXT("is", uplink_condition_name(condition)),
           LOG_TEXT("reason", reason));
}

bool condition_sends(const struct uplink *uplink)
{
    return uplink->now.condition == UPLINK_UP && !uplink->stopping;
}

void condition_reached(struct uplink *uplink)
{
    uplink->probe_call.delay_ms = 0;
    if (uplink->now.condition == UPLINK_UNREACHABLE ||
        uplink->now.condition == UPLINK_STARTING)
        condition_set(uplink, UPLINK_NO_SESSION, "");
}

void condition_unreachable(struct uplink *uplink, const char *words)
{
    uplink->failing = true;
    if (uplink->now.condition == UPLINK_PAUSED ||
        uplink->now.condition == UPLINK_FAULT)
        return;
    if (uplink->now.condition != UPLINK_UNREACHABLE)
        calls_probe_soon(uplink);
    condition_set(uplink, UPLINK_UNREACHABLE, words);
}

void condition_fault(struct uplink *uplink, const char *words)
{
    uplink->failing = true;
    uplink->fault_until_ms =
        engine_steady_ms(uplink) +
        (int64_t)uplink->options.destination->uplink.round_s * SECOND_MS;
    if (!uplink->paused)
        condition_set(uplink, UPLINK_FAULT, words);
}

void condition_review(struct uplink *uplink)
{
    struct uplink_status *now = &uplink->now;

    if (uplink->paused) {
        condition_set(uplink, UPLINK_PAUSED, uplink->pause_reason);
        return;
    }
    if (!condition_clock_plausible(uplink)) {
        condition_set(uplink, UPLINK_NO_CLOCK,
                      "the clock of this machine is not set; uploads wait "
                      "until it is");
        return;
    }
    if (now->condition == UPLINK_PAUSED || now->condition == UPLINK_NO_CLOCK)
        condition_set(uplink, UPLINK_NO_SESSION, "");
    if (now->condition == UPLINK_FAULT &&
        engine_steady_ms(uplink) >= uplink->fault_until_ms) {
        calls_token_drop(uplink);
        condition_set(uplink, UPLINK_NO_SESSION, "trying again after a fault");
    }
}
