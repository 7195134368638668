#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

/* Two rounds are never nearer than this; between those that a success begins
 * it doubles while they bring nothing. */
#define ROUND_GAP_MS (5 * SECOND_MS)

static bool is_daily(const struct uplink *uplink)
{
    return uplink->session.credentials != NULL &&
           json_is_string(
               json_object_get(uplink->session.credentials, "uploadTime"));
}

/* The next "HH:MM:SS" of China after now; energy platforms give it. */
static int64_t next_upload_time(const struct uplink *uplink, int64_t now_ms)
{
    const char *text = json_string_value(
        json_object_get(uplink->session.credentials, "uploadTime"));
    struct china_time time = china_time_of(now_ms);
    int64_t at_ms;

    if (sscanf(text, "%2d:%2d:%2d", &time.hour, &time.minute, &time.second) !=
        3)
        return now_ms + DAY_MS;
    time.millisecond = 0;
    if (china_time_to_ms(&time, &at_ms) != STATUS_OK)
        return now_ms + DAY_MS;
    return at_ms > now_ms ? at_ms : at_ms + DAY_MS;
}

static void plan(struct uplink *uplink)
{
    int64_t now_ms = engine_wall_ms(uplink);
    struct rounds *rounds = &uplink->rounds;

    rounds->next_wall_ms = is_daily(uplink) ? next_upload_time(uplink, now_ms)
                                            : now_ms + rounds->interval_ms;
    uplink->now.next_round_ms = rounds->next_wall_ms;
}

void rounds_open(struct uplink *uplink)
{
    uplink->rounds.interval_ms =
        (int64_t)uplink->options.destination->uplink.round_s * SECOND_MS;
    uplink->rounds.gap_ms = ROUND_GAP_MS;
    uplink->rounds.last_steady_ms = INT64_MIN / 2;
    plan(uplink);
}

void rounds_begin(struct uplink *uplink)
{
    struct rounds *rounds = &uplink->rounds;
    struct queue_space space;

    if (rounds->running ||
        queue_space_read(uplink->options.queue, &space) != STATUS_OK)
        return;
    rounds->running = true;
    rounds->accepted_any = false;
    rounds->highest = 0;
    rounds->until = space.newest_seq;
    rounds->last_steady_ms = engine_steady_ms(uplink);
    uplink->lanes[SOURCE_PARKED] = (struct lane_state){0, true, 0};
    log_at(LOG_DEBUG, "round", LOG_TEXT("uplink", uplink->now.destination));
}

void rounds_due(struct uplink *uplink)
{
    struct rounds *rounds = &uplink->rounds;
    int64_t now_ms = engine_wall_ms(uplink);
    int64_t longest_ms = is_daily(uplink) ? DAY_MS : rounds->interval_ms;

    /* A wall clock that went back must not postpone the round for ever. */
    if (rounds->next_wall_ms > now_ms + longest_ms)
        plan(uplink);
    if (!rounds->running && now_ms >= rounds->next_wall_ms &&
        condition_sends(uplink))
        rounds_begin(uplink);
}

void rounds_drained(struct uplink *uplink)
{
    struct rounds *rounds = &uplink->rounds;
    const struct uplink_config *limits = &uplink->options.destination->uplink;
    struct schedule_counts counts = schedule_counts(uplink->schedule);

    if (!rounds->running || counts.candidates[SOURCE_PARKED] > 0)
        return;
    rounds->running = false;
    rounds->interval_ms = rounds->accepted_any || rounds->highest == 0
                              ? (int64_t)limits->round_s * SECOND_MS
                              : rounds->interval_ms * 2;
    if (rounds->interval_ms > (int64_t)limits->round_max_s * SECOND_MS)
        rounds->interval_ms = (int64_t)limits->round_max_s * SECOND_MS;
    uplink->now.needs_operator =
        rounds->highest >= limits->operator_after_rounds;
    plan(uplink);
}

void rounds_accepted(struct uplink *uplink)
{
    struct rounds *rounds = &uplink->rounds;
    int64_t first_ms =
        (int64_t)uplink->options.destination->uplink.round_s * SECOND_MS;

    rounds->accepted_any = true;
    rounds->gap_ms = ROUND_GAP_MS;
    if (rounds->running || rounds->interval_ms == first_ms)
        return; /* else it was drained before its answers came */
    rounds->interval_ms = first_ms;
    plan(uplink);
}

/* One bad record fails between the successes of others, so this alone does
 * not show that the destination is back: the gap grows until a parked record
 * is accepted. */
void rounds_success(struct uplink *uplink)
{
    struct rounds *rounds = &uplink->rounds;
    int64_t most_ms =
        (int64_t)uplink->options.destination->uplink.round_max_s * SECOND_MS;
    int64_t since_ms = engine_steady_ms(uplink) - rounds->last_steady_ms;
    int64_t at_ms = engine_wall_ms(uplink);

    if (is_daily(uplink) || rounds->running)
        return;
    if (since_ms < rounds->gap_ms)
        at_ms += rounds->gap_ms - since_ms;
    if (at_ms >= rounds->next_wall_ms)
        return;
    rounds->gap_ms *= 2;
    if (rounds->gap_ms > most_ms)
        rounds->gap_ms = most_ms;
    rounds->next_wall_ms = at_ms;
    uplink->now.next_round_ms = rounds->next_wall_ms;
}
