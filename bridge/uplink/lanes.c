#include "engine.h"

#define RESCAN_MS SECOND_MS
#define READS_MAX 50 /* of a lane in one refill: more than are known */
#define HORIZON_MS MINUTE_MS

static const enum queue_lane lane_of[SOURCES] = {
    [SOURCE_FRESH] = LANE_FRESH,
    [SOURCE_BACKLOG] = LANE_FRESH,
    [SOURCE_PARKED] = LANE_PARKED,
    [SOURCE_REPLAY] = LANE_REPLAY,
};

/* Where the reading of a lane begins. */
static uint64_t lane_start(const struct uplink *uplink, enum source source)
{
    return source == SOURCE_FRESH ? uplink->horizon : 0;
}

void lanes_wake(struct uplink *uplink, uint64_t from)
{
    static const enum source renewed[] = {SOURCE_FRESH, SOURCE_BACKLOG,
                                          SOURCE_REPLAY};

    if (from == UINT64_MAX &&
        uplink->lanes[SOURCE_FRESH].cursor >= uplink->durable)
        return; /* it was handed over */
    for (size_t i = 0; i < sizeof renewed / sizeof *renewed; i++) {
        struct lane_state *lane = &uplink->lanes[renewed[i]];
        uint64_t start = lane_start(uplink, renewed[i]);

        if (from <= lane->cursor)
            lane->cursor = from > start ? from - 1 : start;
        lane->maybe_more = true;
    }
}

/* Records that wait since an outage of a week must not stand before those of
 * today: the store's fresh lane is read from two places. */
void lanes_horizon(struct uplink *uplink)
{
    struct queue_space space;

    if (queue_space_read(uplink->options.queue, &space) != STATUS_OK)
        return;
    uplink->horizon = space.newest_seq;
    uplink->horizon_next_ms = engine_steady_ms(uplink) + HORIZON_MS;
    uplink->lanes[SOURCE_FRESH] = (struct lane_state){uplink->horizon, true, 0};
    uplink->lanes[SOURCE_BACKLOG] = (struct lane_state){0, true, 0};
}

bool lanes_row_fits(const struct queue_delivery *row, enum source source)
{
    return row->lane == lane_of[source] &&
           row->state ==
               (source == SOURCE_PARKED ? STATE_PARKED : STATE_WAITING);
}

/* false: there is no memory for it; it is looked at again later. */
static bool candidate_add(struct uplink *uplink, enum source source,
                          uint64_t id)
{
    struct queue_delivery row;

    if (schedule_knows(uplink->schedule, id) ||
        queue_delivery_read(uplink->options.queue, id, &row) != STATUS_OK ||
        !lanes_row_fits(&row, source))
        return true;
    if (source == SOURCE_PARKED && row.rounds > uplink->rounds.highest)
        uplink->rounds.highest = row.rounds;
    return schedule_add(uplink->schedule, source, id, row.order_key) ==
           STATUS_OK;
}

/* What came back into a lane (completed, released by ingest) has an old id:
 * an exhausted lane is read from its start again once a second. */
static void lane_rescan(struct uplink *uplink, enum source source)
{
    struct lane_state *lane = &uplink->lanes[source];
    int64_t now_ms = engine_steady_ms(uplink);

    if (lane->maybe_more || source == SOURCE_PARKED ||
        now_ms < lane->rescan_at_ms)
        return;
    lane->rescan_at_ms = now_ms + RESCAN_MS;
    lane->cursor = lane_start(uplink, source);
    lane->maybe_more = true;
}

/* The last id a source may have. */
static uint64_t lane_end(const struct uplink *uplink, enum source source)
{
    if (source == SOURCE_PARKED)
        return uplink->rounds.until;
    return source == SOURCE_BACKLOG ? uplink->horizon : UINT64_MAX;
}

/* One read of a lane; false: it is exhausted, or there is no room. */
static bool lane_read(struct uplink *uplink, enum source source)
{
    struct lane_state *lane = &uplink->lanes[source];
    uint64_t ids[REFILL_COUNT];
    size_t room = schedule_room(uplink->schedule, source);
    size_t count = room < REFILL_COUNT ? room : REFILL_COUNT;
    size_t most = count;
    uint64_t until;

    if (!lane->maybe_more || count == 0 ||
        queue_lane_read(uplink->options.queue,
                        uplink->options.destination->name, lane_of[source],
                        lane->cursor, ids, &count, &until) != STATUS_OK)
        return false;
    lane->maybe_more = count == most;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] > lane_end(uplink, source)) {
            lane->maybe_more = false;
            return false;
        }
        if (!candidate_add(uplink, source, ids[i])) {
            lane->maybe_more = true; /* looked at again later */
            return false;
        }
        lane->cursor = ids[i];
    }
    if (until > lane->cursor)
        lane->cursor = until;
    return lane->maybe_more;
}

/* Most of what a rescan reads is known already, so a few reads may be needed
 * before something new is found. */
static void lane_refill(struct uplink *uplink, enum source source)
{
    int reads = READS_MAX;

    lane_rescan(uplink, source);
    while (reads-- > 0 && lane_read(uplink, source))
        ;
}

void lanes_refill(struct uplink *uplink)
{
    struct schedule_counts counts = schedule_counts(uplink->schedule);

    /* More may come than goes: then what is fresh becomes a backlog too. */
    if (!uplink->lanes[SOURCE_BACKLOG].maybe_more &&
        counts.candidates[SOURCE_BACKLOG] == 0 &&
        engine_steady_ms(uplink) >= uplink->horizon_next_ms)
        lanes_horizon(uplink);
    for (int source = 0; source < SOURCES; source++)
        if (counts.candidates[source] + REFILL_COUNT <= CANDIDATES_MAX)
            lane_refill(uplink, (enum source)source);
    if (!uplink->lanes[SOURCE_PARKED].maybe_more)
        rounds_drained(uplink);
}

void lanes_take_over(struct uplink *uplink)
{
    struct lane_state *lane = &uplink->lanes[SOURCE_FRESH];
    const struct handed *taken = &uplink->taken;

    if (!condition_sends(uplink) || lane->maybe_more ||
        lane->cursor < taken->after)
        return;
    for (size_t i = 0; i < taken->count; i++) {
        const struct queue_fresh *fresh = &taken->list[i];

        if (fresh->id <= lane->cursor)
            continue;
        if (schedule_room(uplink->schedule, SOURCE_FRESH) == 0 ||
            schedule_add(uplink->schedule, SOURCE_FRESH, fresh->id,
                         fresh->order_key) == STATUS_NOMEM)
            return;
        lane->cursor = fresh->id;
    }
    if (taken->until > lane->cursor)
        lane->cursor = taken->until;
}
