#include "rota.h"

#include <stdlib.h>

#include "clock.h"

#define FIRST_DELAY_MS (5 * SECOND_MS)
#define OFFLINE_DELAY_MS (30 * SECOND_MS)
#define OFFLINE_DELAY_MAX_MS (15 * MINUTE_MS)
#define CHINA_MS (8 * HOUR_MS)
#define NEVER INT64_MIN

struct meter {
    int64_t every_ms;
    int64_t mark_ms;  /* the newest mark that began; NEVER: none yet */
    bool due;         /* mark_ms has not been read */
    unsigned asked;   /* for mark_ms */
    unsigned silent;  /* times in a row */
    bool answered;    /* once, since the start */
    int64_t after_ms; /* steady: not to be asked before */
    int64_t read_ms;  /* steady: of the last reading; NEVER: none */
    uint64_t missed;
};

struct rota {
    int64_t spread_ms;
    size_t count;
    struct meter meters[];
};

enum status rota_open(const int64_t *every_ms, size_t count, int64_t spread_ms,
                      struct rota **rota)
{
    struct rota *made =
        calloc(1, sizeof *made + count * sizeof made->meters[0]);

    if (made == NULL)
        return STATUS_NOMEM;
    made->spread_ms = spread_ms;
    made->count = count;
    for (size_t i = 0; i < count; i++)
        made->meters[i] = (struct meter){.every_ms = every_ms[i],
                                         .mark_ms = NEVER,
                                         .after_ms = NEVER,
                                         .read_ms = NEVER};
    *rota = made;
    return STATUS_OK;
}

void rota_close(struct rota *rota)
{
    free(rota);
}

void rota_known(struct rota *rota, size_t meter, int64_t mark_ms)
{
    rota->meters[meter].mark_ms = mark_ms;
}

int64_t rota_mark_of(int64_t every_ms, int64_t wall_ms)
{
    int64_t china = wall_ms + CHINA_MS;
    int64_t past = china % every_ms;

    return wall_ms - (past < 0 ? past + every_ms : past);
}

/* ---- marks -------------------------------------------------------------- */

/* The marks that are over without a reading when mark_ms begins. */
static uint64_t missed_before(const struct meter *meter, int64_t mark_ms)
{
    uint64_t unread = meter->due ? 1 : 0;

    if (meter->mark_ms == NEVER || mark_ms < meter->mark_ms)
        return unread; /* the first one, or the clock was set back */
    /* Less than an interval: mark_ms is of a start with another one. */
    if (mark_ms - meter->mark_ms < meter->every_ms)
        return unread;
    return unread +
           (uint64_t)((mark_ms - meter->mark_ms) / meter->every_ms - 1);
}

static void begin_mark(struct meter *meter, int64_t mark_ms)
{
    int64_t apart_ms = meter->every_ms / 4;

    meter->missed += missed_before(meter, mark_ms);
    meter->mark_ms = mark_ms;
    meter->due = true;
    meter->asked = 0;
    /* Delays within a mark end with it; those of an offline meter go on. */
    if (meter->silent < ROTA_OFFLINE_AFTER)
        meter->after_ms = NEVER;
    if (meter->read_ms != NEVER && meter->after_ms < meter->read_ms + apart_ms)
        meter->after_ms = meter->read_ms + apart_ms;
}

/* Whether mark_ms, which the clock says, is to be read.  A clock that is set
 * back by less than an interval comes to the mark that was read again. */
static bool is_news(const struct meter *meter, int64_t mark_ms, int64_t wall_ms)
{
    if (meter->mark_ms == NEVER || mark_ms > meter->mark_ms)
        return true;
    return meter->mark_ms - wall_ms >= meter->every_ms;
}

static void begin_marks(struct rota *rota, int64_t wall_ms)
{
    for (size_t i = 0; i < rota->count; i++) {
        struct meter *meter = &rota->meters[i];
        /* The first one after a start is asked at once. */
        int64_t spread_ms = meter->mark_ms == NEVER ? 0 : rota->spread_ms;
        int64_t mark_ms = rota_mark_of(meter->every_ms, wall_ms - spread_ms);

        if (is_news(meter, mark_ms, wall_ms))
            begin_mark(meter, mark_ms);
    }
}

/* ---- turns -------------------------------------------------------------- */

static bool is_offline(const struct meter *meter)
{
    return meter->silent >= ROTA_OFFLINE_AFTER;
}

/* Online before offline.  Of those online, who was asked less for this mark
 * goes first, then the older mark's; of those offline, who has waited longest
 * since its delay ended. */
static bool goes_before(const struct meter *a, const struct meter *b)
{
    if (is_offline(a) != is_offline(b))
        return is_offline(b);
    if (is_offline(a))
        return a->after_ms < b->after_ms;
    if (a->asked != b->asked)
        return a->asked < b->asked;
    return a->mark_ms < b->mark_ms;
}

static int64_t shorter(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* Until something can change. */
static int64_t wait_of(const struct rota *rota, int64_t wall_ms,
                       int64_t steady_ms)
{
    int64_t wait_ms = ROTA_WAIT_MAX_MS;

    for (size_t i = 0; i < rota->count; i++) {
        const struct meter *meter = &rota->meters[i];
        int64_t next_ms =
            rota_mark_of(meter->every_ms, wall_ms - rota->spread_ms) +
            meter->every_ms + rota->spread_ms;

        wait_ms = shorter(wait_ms, next_ms - wall_ms);
        if (meter->due && meter->after_ms > steady_ms)
            wait_ms = shorter(wait_ms, meter->after_ms - steady_ms);
    }
    return wait_ms < 1 ? 1 : wait_ms;
}

bool rota_next(struct rota *rota, int64_t wall_ms, int64_t steady_ms,
               struct rota_turn *turn, int64_t *wait_ms)
{
    const struct meter *best = NULL;

    begin_marks(rota, wall_ms);
    for (size_t i = 0; i < rota->count; i++) {
        const struct meter *meter = &rota->meters[i];

        if (meter->due && meter->after_ms <= steady_ms &&
            (best == NULL || goes_before(meter, best)))
            best = meter;
    }
    if (best == NULL) {
        *wait_ms = wait_of(rota, wall_ms, steady_ms);
        return false;
    }
    *turn = (struct rota_turn){.meter = (size_t)(best - rota->meters),
                               .mark_ms = best->mark_ms,
                               .brief = is_offline(best)};
    return true;
}

enum rota_news rota_answered(struct rota *rota, size_t meter, int64_t steady_ms)
{
    struct meter *one = &rota->meters[meter];
    bool news = is_offline(one) || !one->answered;

    one->due = false;
    one->silent = 0;
    one->answered = true;
    one->read_ms = steady_ms;
    one->after_ms = NEVER;
    return news ? ROTA_ONLINE : ROTA_SAME;
}

/* 5 s and 10 s while it may be noise, then 30 s, 1 min, 2 min ... */
static int64_t delay_of(const struct meter *meter)
{
    int64_t most_ms = shorter(meter->every_ms, OFFLINE_DELAY_MAX_MS);
    unsigned doublings = meter->silent - 1;
    int64_t delay_ms = FIRST_DELAY_MS;

    if (is_offline(meter)) {
        doublings = meter->silent - ROTA_OFFLINE_AFTER;
        delay_ms = OFFLINE_DELAY_MS;
    }
    while (doublings-- > 0 && delay_ms < most_ms)
        delay_ms *= 2;
    return shorter(delay_ms, most_ms);
}

enum rota_news rota_silent(struct rota *rota, size_t meter, int64_t steady_ms)
{
    struct meter *one = &rota->meters[meter];

    one->asked++;
    if (one->silent < UINT32_MAX)
        one->silent++;
    one->after_ms = steady_ms + delay_of(one);
    return one->silent == ROTA_OFFLINE_AFTER ? ROTA_OFFLINE : ROTA_SAME;
}

uint64_t rota_take_missed(struct rota *rota, size_t meter)
{
    uint64_t missed = rota->meters[meter].missed;

    rota->meters[meter].missed = 0;
    return missed;
}
