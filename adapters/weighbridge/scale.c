#include "scale.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "report.h"
#include "source.h"
#include "text.h"

#define REOPEN_MIN_MS 1000
#define REOPEN_MAX_MS 30000
#define LISTEN_MS 200 /* for a weight, before other things are looked at */
#define AGAIN_MS 1000 /* the courier took nothing */

struct scale {
    struct scale_world world;
    struct source source;
    struct stable stable;
    struct memory memory;

    unsigned failures;    /* to get a weight out of the line, in a row */
    int64_t reopen_at_ms; /* steady */
    int64_t weight_at_ms; /* steady; the last weight, or when it was opened */
    int64_t put_at_ms;    /* steady; when the courier may be tried again */
    bool refused;         /* by the courier, and it was told */
    bool silent;          /* and it was told */
    enum stable_reading told;

    int64_t live_at_ms; /* steady; when it was told last */
    double live_value;
    enum stable_state live_state;
    enum stable_reading live_reading;
    bool live_holds;
};

static const char *id_of(const struct scale *scale)
{
    return scale->world.config->id;
}

static int64_t steady_ms(const struct scale *scale)
{
    return clock_steady_ms(scale->world.clock);
}

static int64_t wall_ms(const struct scale *scale)
{
    return clock_wall_ms(scale->world.clock);
}

/* False: it is time to stop. */
static bool wait_ms(const struct scale *scale, int64_t ms)
{
    struct pollfd fd = {scale->world.stop_fd, POLLIN, 0};

    return poll(&fd, 1, ms < 0 ? 0 : (int)ms) <= 0;
}

/* ---- reports ------------------------------------------------------------- */

static void refused(struct scale *scale, enum status status)
{
    scale->put_at_ms = steady_ms(scale) + AGAIN_MS;
    if (!scale->refused)
        log_at(LOG_ERROR, "outbox_takes_nothing",
               LOG_TEXT("scale", id_of(scale)),
               LOG_TEXT("reason", status_text(status)));
    scale->refused = true;
}

/* What waits goes to the courier, oldest first. */
static void reports_put(struct scale *scale)
{
    const char *event_id;
    const json_t *content;
    int64_t at_ms;

    if (steady_ms(scale) < scale->put_at_ms)
        return;
    while (memory_oldest(&scale->memory, &event_id, &at_ms, &content)) {
        const struct courier_event event = {id_of(scale), "weight", event_id,
                                            at_ms, content};
        enum courier_news news;
        enum status status = courier_put(scale->world.courier, &event, &news);

        if (status_retryable(status)) {
            refused(scale, status);
            return;
        }
        if (status != STATUS_OK)
            log_at(LOG_ERROR, "weight_refused", LOG_TEXT("scale", id_of(scale)),
                   LOG_TEXT("event_id", event_id),
                   LOG_TEXT("reason", status_text(status)));
        memory_taken(&scale->memory);
    }
    if (scale->refused)
        log_at(LOG_INFO, "outbox_takes_again", LOG_TEXT("scale", id_of(scale)));
    scale->refused = false;
}

static void report(struct scale *scale, const struct stable_report *weighed)
{
    const int64_t at_ms = wall_ms(scale);
    char id[REPORT_ID_MAX];
    char gross[32];
    json_t *content =
        report_content(scale->world.config, weighed, scale->source.raw);
    enum status status = STATUS_NOMEM;

    report_id(scale->world.config, at_ms, id);
    snprintf(gross, sizeof gross, "%g", weighed->gross);
    if (content != NULL)
        status =
            memory_weighed(&scale->memory, weighed->gross, id, at_ms, content);
    json_decref(content);
    log_at(status == STATUS_OK ? LOG_INFO : LOG_ERROR,
           status == STATUS_OK || status == STATUS_IO ? "weighed"
                                                      : "weight_lost",
           LOG_TEXT("scale", id_of(scale)), LOG_TEXT("gross", gross),
           LOG_TEXT("event_id", id), LOG_TEXT("reason", status_text(status)));
    scale->put_at_ms = 0;
    reports_put(scale);
}

static void left(struct scale *scale)
{
    enum status status = memory_left(&scale->memory);

    log_at(LOG_DEBUG, "left", LOG_TEXT("scale", id_of(scale)));
    if (status != STATUS_OK)
        log_at(LOG_WARN, "memory_not_written", LOG_TEXT("scale", id_of(scale)),
               LOG_TEXT("reason", status_text(status)));
}

static void news_take(struct scale *scale, enum stable_news news,
                      const struct stable_report *weighed)
{
    switch (news) {
    case STABLE_NOTHING:
        break;
    case STABLE_ARRIVED:
        log_at(LOG_DEBUG, "arrived", LOG_TEXT("scale", id_of(scale)));
        break;
    case STABLE_REPORT:
        report(scale, weighed);
        break;
    case STABLE_SAME:
        log_at(LOG_INFO, "same_vehicle", LOG_TEXT("scale", id_of(scale)),
               LOG_TEXT("reason", "it was reported before the break"));
        break;
    case STABLE_CHANGED:
        log_at(LOG_WARN, "not_weighed", LOG_TEXT("scale", id_of(scale)),
               LOG_TEXT("reason", "another weight, but the scale was not empty "
                                  "in between"));
        break;
    case STABLE_LEFT:
        left(scale);
        break;
    }
}

/* ---- the live weight ----------------------------------------------------- */

static bool live_differs(const struct scale *scale, bool holds)
{
    const struct stable *stable = &scale->stable;

    return stable->value < scale->live_value ||
           stable->value > scale->live_value ||
           stable->state != scale->live_state ||
           stable->reading != scale->live_reading || holds != scale->live_holds;
}

static void live_tell(struct scale *scale)
{
    const int64_t now_ms = steady_ms(scale);
    const bool holds = stable_holds(&scale->stable, now_ms);
    const int64_t due_ms =
        scale->live_at_ms +
        (live_differs(scale, holds) ? SCALE_LIVE_MS : SCALE_LIVE_ANYWAY_MS);
    json_t *live;

    if (now_ms < due_ms)
        return;
    live =
        report_live(scale->world.config, &scale->stable, holds, wall_ms(scale));
    if (live != NULL)
        courier_live(scale->world.courier, id_of(scale), "live", live);
    json_decref(live);
    scale->live_at_ms = now_ms;
    scale->live_value = scale->stable.value;
    scale->live_state = scale->stable.state;
    scale->live_reading = scale->stable.reading;
    scale->live_holds = holds;
}

/* ---- what is told of the scale ------------------------------------------- */

/* A weight came: it is online, and why it may be of no use. */
static void reading_tell(struct scale *scale)
{
    const enum stable_reading reading = scale->stable.reading;
    const bool good = reading == READING_GOOD;

    if (!scale->silent && reading == scale->told)
        return;
    scale->silent = false;
    scale->told = reading;
    if (!good)
        log_at(LOG_WARN, "not_used", LOG_TEXT("scale", id_of(scale)),
               LOG_TEXT("raw", scale->source.raw),
               LOG_TEXT("reason", stable_reading_text(reading)));
    courier_status(scale->world.courier, id_of(scale), true,
                   good ? NULL : stable_reading_text(reading));
}

static void silence_tell(struct scale *scale)
{
    const struct source *source = &scale->source;
    char why[160];

    if (scale->silent ||
        steady_ms(scale) - scale->weight_at_ms <
            (int64_t)scale->world.config->silent_after_s * SECOND_MS)
        return;
    scale->silent = true;
    if (source->refusal[0] != 0)
        text_print(why, sizeof why, "it answers: %s", source->refusal);
    else if (source->bytes > 0)
        text_print(why, sizeof why,
                   "%llu bytes came and no frame of %s: are speed, format and "
                   "model right?",
                   (unsigned long long)source->bytes,
                   scale->world.config->model);
    else
        text_print(why, sizeof why, "nothing comes from it");
    courier_status(scale->world.courier, id_of(scale), false, why);
}

/* ---- the line ------------------------------------------------------------ */

static void reopen_later(struct scale *scale)
{
    int64_t delay_ms = REOPEN_MIN_MS;

    for (unsigned i = 0; i < scale->failures && delay_ms < REOPEN_MAX_MS; i++)
        delay_ms *= 2;
    if (delay_ms > REOPEN_MAX_MS)
        delay_ms = REOPEN_MAX_MS;
    scale->failures++;
    scale->reopen_at_ms = steady_ms(scale) + delay_ms;
}

static void open_failed(struct scale *scale, const char *why)
{
    reopen_later(scale);
    scale->silent = true;
    courier_status(scale->world.courier, id_of(scale), false, why);
}

static void line_up(struct scale *scale)
{
    char why[LINE_WHY_MAX] = "";
    enum status status = source_connect(&scale->source, why);

    if (status == STATUS_CLOSED)
        return; /* stop */
    if (status != STATUS_OK) {
        open_failed(scale, why);
        return;
    }
    log_at(LOG_INFO, "line_open", LOG_TEXT("scale", id_of(scale)),
           LOG_TEXT("port", scale->world.config->line.port));
    scale->weight_at_ms = steady_ms(scale);
}

static void line_lost(struct scale *scale)
{
    source_disconnect(&scale->source);
    reopen_later(scale);
    if (!wait_ms(scale, 0))
        return; /* that was the stop */
    scale->silent = true;
    courier_status(scale->world.courier, id_of(scale), false, "the line broke");
}

static void weigh(struct scale *scale)
{
    struct weight weight = {.has_value = false};
    struct stable_report weighed = {.gross = 0};
    enum status status = source_next(&scale->source, LISTEN_MS, &weight);

    if (status == STATUS_EMPTY) {
        silence_tell(scale);
        return;
    }
    if (status != STATUS_OK) {
        line_lost(scale);
        return;
    }
    scale->failures = 0;
    scale->weight_at_ms = steady_ms(scale);
    news_take(
        scale,
        stable_put(&scale->stable, &weight, scale->weight_at_ms, &weighed),
        &weighed);
    reading_tell(scale);
    live_tell(scale);
}

void scale_run(struct scale *scale)
{
    while (wait_ms(scale, 0)) {
        reports_put(scale);
        if (scale->source.line != NULL)
            weigh(scale);
        else if (steady_ms(scale) >= scale->reopen_at_ms)
            line_up(scale);
        else
            wait_ms(scale, LISTEN_MS);
    }
    source_disconnect(&scale->source);
}

/* ---- opening and closing ------------------------------------------------- */

static void remember(struct scale *scale, bool damaged)
{
    const struct stable_rule rule = scale_rule(scale->world.config);

    if (damaged)
        log_at(LOG_WARN, "memory_damaged", LOG_TEXT("scale", id_of(scale)),
               LOG_TEXT("file", bytes_text(&scale->memory.path)),
               LOG_TEXT("reason", "what it held is not known any more"));
    if (scale->memory.weighed)
        stable_resume(&scale->stable, &rule, scale->memory.gross);
    else
        stable_open(&scale->stable, &rule);
}

enum status scale_open(const struct scale_world *world, struct scale **scale)
{
    struct scale *fresh = calloc(1, sizeof *fresh);
    bool damaged;
    enum status status;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->world = *world;
    status =
        memory_open(&fresh->memory, world->folder, world->config->id, &damaged);
    if (status != STATUS_OK) {
        free(fresh);
        return status;
    }
    source_open(&fresh->source, world->config, world->clock, world->stop_fd);
    fresh->silent = true; /* the first weight is news */
    remember(fresh, damaged);
    *scale = fresh;
    return STATUS_OK;
}

void scale_close(struct scale *scale)
{
    if (scale == NULL)
        return;
    memory_close(&scale->memory);
    free(scale);
}
