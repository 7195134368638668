#include "bus.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "log.h"
#include "reading.h"
#include "rota.h"
#include "text.h"

#define OPEN_TIMEOUT_MS 5000
#define REOPEN_MIN_MS 1000
#define REOPEN_MAX_MS 30000
#define DOWN_AFTER 3 /* failures to open in a row */
#define IDLE_MS (30 * SECOND_MS)
/* A machine without a battery for its clock begins in 1970. */
#define CLOCK_SET_MS INT64_C(1704067200000) /* 2024-01-01 UTC */
/* Rounds of several buses do not begin in the same instant. */
#define SPREAD_PERCENT 1
#define SPREAD_MAX_MS 5000

/* A reading that the courier did not take yet. */
struct pending {
    struct station *station;
    int64_t mark_ms, at_ms;
    json_t *content;
};

struct bus {
    struct bus_options options;
    struct station **stations;
    size_t count;
    struct rota *rota;
    struct dialog *dialog;

    struct line *line;    /* NULL: down */
    unsigned failures;    /* to open it, in a row */
    int64_t reopen_at_ms; /* steady */
    int64_t used_at_ms;   /* steady */

    struct pending pending[BUS_PENDING_MAX];
    size_t pending_count;
    bool full;       /* the courier said so, and it was told */
    bool clock_told; /* that it is not set */

    /* of the running round, for its line in the log */
    unsigned read, silent;
    int64_t began_ms; /* steady */
};

static const char *port_of(const struct bus *bus)
{
    return bus->options.config->line.port;
}

static int64_t steady_ms(const struct bus *bus)
{
    return clock_steady_ms(bus->options.clock);
}

/* False: it is time to stop. */
static bool wait_ms(const struct bus *bus, int64_t ms)
{
    struct pollfd fd = {bus->options.stop_fd, POLLIN, 0};

    return poll(&fd, 1, ms < 0 ? 0 : (int)ms) <= 0;
}

static bool stopping(const struct bus *bus)
{
    return !wait_ms(bus, 0);
}

/* ---- readings ------------------------------------------------------------ */

static enum status put(struct bus *bus, const struct pending *reading)
{
    char id[READING_ID_MAX];
    const char *meter = reading->station->config->id;
    enum courier_news news;
    const struct courier_event event = {.device = meter,
                                        .leaf = "reading",
                                        .event_id = id,
                                        .at_ms = reading->at_ms,
                                        .content = reading->content};
    enum status status;

    reading_id(meter, reading->mark_ms, id);
    status = courier_put(bus->options.courier, &event, &news);
    if (status == STATUS_OK &&
        marks_set(bus->options.marks, meter, reading->mark_ms) != STATUS_OK)
        log_at(LOG_WARN, "mark_not_kept", LOG_TEXT("meter", meter));
    return status;
}

static void tell_full(struct bus *bus, enum status status)
{
    if (!bus->full)
        log_at(LOG_ERROR, "outbox_takes_nothing", LOG_TEXT("bus", port_of(bus)),
               LOG_TEXT("reason", status_text(status)));
    bus->full = true;
}

static void pending_drop(struct bus *bus, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_decref(bus->pending[i].content);
    bus->pending_count -= count;
    memmove(bus->pending, bus->pending + count,
            bus->pending_count * sizeof bus->pending[0]);
}

/* Hand over what waits, oldest first. */
static void pending_put(struct bus *bus)
{
    size_t done = 0;

    for (; done < bus->pending_count; done++) {
        const struct pending *reading = &bus->pending[done];
        enum status status = put(bus, reading);

        if (status_retryable(status)) {
            tell_full(bus, status);
            break;
        }
        if (status != STATUS_OK)
            log_at(LOG_ERROR, "reading_refused",
                   LOG_TEXT("meter", reading->station->config->id),
                   LOG_TEXT("reason", status_text(status)));
    }
    pending_drop(bus, done);
    if (bus->full && bus->pending_count == 0) {
        log_at(LOG_INFO, "outbox_takes_again", LOG_TEXT("bus", port_of(bus)));
        bus->full = false;
    }
}

static void pending_add(struct bus *bus, const struct pending *reading)
{
    if (bus->pending_count == BUS_PENDING_MAX) {
        log_at(LOG_ERROR, "reading_lost",
               LOG_TEXT("meter", bus->pending[0].station->config->id),
               LOG_TEXT("reason", "the outbox has taken nothing for too long"));
        pending_drop(bus, 1);
    }
    bus->pending[bus->pending_count++] = *reading;
}

/* What the dialog brought becomes an event. */
static void deliver(struct bus *bus, struct station *station, int64_t mark_ms,
                    int64_t at_ms)
{
    struct pending reading = {station, mark_ms, at_ms, NULL};
    enum status status = reading_make(bus->dialog, at_ms, &reading.content);

    if (status == STATUS_OK) {
        pending_add(bus, &reading);
        pending_put(bus);
        return;
    }
    log_at(LOG_WARN, "nothing_read", LOG_TEXT("meter", station->config->id),
           LOG_TEXT("reason", status == STATUS_EMPTY ? bus->dialog->reasons[0]
                                                     : status_text(status)));
}

/* ---- what is told of a meter --------------------------------------------- */

static void tell_offline(struct bus *bus, const struct station *station,
                         const char *why)
{
    courier_status(bus->options.courier, station->config->id, false, why);
    log_at(LOG_WARN, "offline", LOG_TEXT("meter", station->config->id),
           LOG_TEXT("bus", port_of(bus)), LOG_TEXT("reason", why));
}

static void was_silent(struct bus *bus, size_t meter)
{
    const struct station *station = bus->stations[meter];
    char since[CLOCK_TEXT_MAX];
    char why[DIALOG_REASON_MAX + 2 * CLOCK_TEXT_MAX];

    bus->silent++;
    log_at(LOG_DEBUG, "silent", LOG_TEXT("meter", station->config->id),
           LOG_TEXT("reason", bus->dialog->reasons[0]));
    if (rota_silent(bus->rota, meter, steady_ms(bus)) != ROTA_OFFLINE)
        return;
    clock_print_china(clock_wall_ms(bus->options.clock), since);
    text_print(why, sizeof why, "%s (%s)", bus->dialog->reasons[0], since);
    tell_offline(bus, station, why);
}

static void has_answered(struct bus *bus, const struct rota_turn *turn,
                         int64_t at_ms)
{
    struct station *station = bus->stations[turn->meter];
    bool news =
        rota_answered(bus->rota, turn->meter, steady_ms(bus)) == ROTA_ONLINE;

    bus->read++;
    courier_status(bus->options.courier, station->config->id, true, NULL);
    if (news)
        log_at(LOG_INFO, "online", LOG_TEXT("meter", station->config->id),
               LOG_TEXT("bus", port_of(bus)),
               LOG_TEXT("address", station->anybody
                                       ? station->learned
                                       : station->config->address));
    deliver(bus, station, turn->mark_ms, at_ms);
}

static void tell_missed(struct bus *bus)
{
    for (size_t i = 0; i < bus->count; i++) {
        uint64_t missed = rota_take_missed(bus->rota, i);

        if (missed > 0)
            log_at(LOG_WARN, "marks_missed",
                   LOG_TEXT("meter", bus->stations[i]->config->id),
                   LOG_NUMBER("count", missed));
    }
}

/* ---- the line ------------------------------------------------------------ */

static void line_lost(struct bus *bus, const char *why)
{
    line_close(bus->line);
    bus->line = NULL;
    bus->reopen_at_ms = steady_ms(bus);
    if (!stopping(bus))
        log_at(LOG_WARN, "line_lost", LOG_TEXT("bus", port_of(bus)),
               LOG_TEXT("reason", why));
}

/* A server that closed an idle connection has told so by now. */
static void line_check(struct bus *bus)
{
    uint8_t heap[64];
    size_t got;
    enum status status;

    if (bus->line == NULL || steady_ms(bus) - bus->used_at_ms < IDLE_MS)
        return;
    status = line_read(bus->line, heap, sizeof heap, 0, &got);
    if (status != STATUS_OK && status != STATUS_EMPTY)
        line_lost(bus, "closed while nothing was asked");
}

static void open_failed(struct bus *bus, const char *why)
{
    int64_t delay_ms = REOPEN_MIN_MS;

    for (unsigned i = 0; i < bus->failures && delay_ms < REOPEN_MAX_MS; i++)
        delay_ms *= 2;
    if (delay_ms > REOPEN_MAX_MS)
        delay_ms = REOPEN_MAX_MS;
    bus->reopen_at_ms = steady_ms(bus) + delay_ms;
    bus->failures++;
    if (bus->failures == 1)
        log_at(LOG_ERROR, "line_not_opened", LOG_TEXT("bus", port_of(bus)),
               LOG_TEXT("reason", why));
    if (bus->failures == DOWN_AFTER)
        for (size_t i = 0; i < bus->count; i++)
            tell_offline(bus, bus->stations[i], why);
}

/* True: the line is there.  False: not yet, and a while was waited. */
static bool line_ready(struct bus *bus)
{
    char why[LINE_WHY_MAX];
    int64_t due_ms;

    line_check(bus);
    if (bus->line != NULL)
        return true;
    due_ms = bus->reopen_at_ms - steady_ms(bus);
    if (due_ms > 0) {
        /* Not all of it: marks go by, readings wait to be handed over. */
        (void)wait_ms(bus,
                      due_ms < ROTA_WAIT_MAX_MS ? due_ms : ROTA_WAIT_MAX_MS);
        return false;
    }
    if (line_open(&bus->options.config->line, bus->options.stop_fd,
                  OPEN_TIMEOUT_MS, why, &bus->line) != STATUS_OK) {
        if (!stopping(bus))
            open_failed(bus, why);
        return false;
    }
    bus->failures = 0;
    log_at(LOG_INFO, "line_opened", LOG_TEXT("bus", port_of(bus)));
    return true;
}

/* ---- rounds -------------------------------------------------------------- */

static void ask(struct bus *bus, const struct rota_turn *turn)
{
    const struct bus_config *config = bus->options.config;
    const struct dialog_options how = {
        .retries = turn->brief ? 0 : config->retries,
        .answer_timeout_ms = config->answer_timeout_ms,
        .gap_ms = config->gap_ms};
    int64_t at_ms = 0;
    bool whole;

    dialog_start(bus->dialog, bus->stations[turn->meter], &how);
    whole = exchange_all(bus->line, &config->line, bus->options.clock,
                         bus->dialog, &at_ms);
    bus->used_at_ms = steady_ms(bus);
    if (!whole && stopping(bus))
        return;
    /* A gateway may close when a meter does not answer: it counts as silent,
     * so that the others get their turn. */
    if (bus->dialog->answered)
        has_answered(bus, turn, at_ms);
    else
        was_silent(bus, turn->meter);
    if (!whole)
        line_lost(bus, "the port or the connection was closed");
}

static void end_round(struct bus *bus)
{
    if (bus->read + bus->silent == 0)
        return;
    if (marks_save(bus->options.marks) != STATUS_OK)
        log_at(LOG_WARN, "marks_not_saved", LOG_TEXT("bus", port_of(bus)));
    log_at(LOG_INFO, "round", LOG_TEXT("bus", port_of(bus)),
           LOG_NUMBER("read", bus->read), LOG_NUMBER("silent", bus->silent),
           LOG_NUMBER("ms", steady_ms(bus) - bus->began_ms));
    bus->read = 0;
    bus->silent = 0;
}

static bool clock_is_set(struct bus *bus)
{
    bool set = clock_wall_ms(bus->options.clock) >= CLOCK_SET_MS;

    if (!set && !bus->clock_told)
        log_at(LOG_ERROR, "clock_not_set", LOG_TEXT("bus", port_of(bus)),
               LOG_TEXT("reason", "nothing is read until it is"));
    bus->clock_told = !set;
    return set;
}

/* One step; how long to wait before the next. */
static int64_t step(struct bus *bus)
{
    struct rota_turn turn;
    int64_t pause_ms = 0;

    pending_put(bus);
    if (!clock_is_set(bus))
        return ROTA_WAIT_MAX_MS;
    if (!rota_next(bus->rota, clock_wall_ms(bus->options.clock), steady_ms(bus),
                   &turn, &pause_ms)) {
        end_round(bus);
        return pause_ms;
    }
    tell_missed(bus);
    if (bus->read + bus->silent == 0)
        bus->began_ms = steady_ms(bus);
    if (line_ready(bus))
        ask(bus, &turn);
    return 0;
}

void bus_run(struct bus *bus)
{
    while (wait_ms(bus, bus->count == 0 ? ROTA_WAIT_MAX_MS : step(bus)))
        continue;
    end_round(bus);
    pending_put(bus);
    if (bus->pending_count > 0)
        log_at(LOG_ERROR, "readings_lost", LOG_TEXT("bus", port_of(bus)),
               LOG_NUMBER("count", bus->pending_count),
               LOG_TEXT("reason", "stopped while the outbox takes nothing"));
}

/* ---- making -------------------------------------------------------------- */

static enum status add_station(struct bus *bus,
                               const struct station_config *config)
{
    const char *key = "";
    char why[STATION_WHY_MAX] = "";
    enum status status = station_make(config, bus->options.profile_folder,
                                      &bus->stations[bus->count], &key, why);

    if (status == STATUS_OK)
        bus->count++;
    else
        log_at(LOG_ERROR, "meter_not_usable", LOG_TEXT("meter", config->id),
               LOG_TEXT("key", key), LOG_TEXT("reason", why));
    return status;
}

/* A number of the port's name: rounds of all buses are spread by it. */
static int64_t spread_of(const struct bus_config *config)
{
    int64_t least_ms = HOUR_MS;
    uint32_t hash = 2166136261U;

    for (unsigned i = 0; i < config->meter_count; i++)
        if (config->meters[i].every_minutes * MINUTE_MS < least_ms)
            least_ms = config->meters[i].every_minutes * MINUTE_MS;
    for (const char *at = config->line.port; *at != 0; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619U;
    least_ms = least_ms * SPREAD_PERCENT / 100;
    return hash % (least_ms < SPREAD_MAX_MS ? least_ms : SPREAD_MAX_MS);
}

static enum status rota_make(struct bus *bus)
{
    const struct bus_config *config = bus->options.config;
    int64_t every_ms[METER_STATIONS_MAX];
    int64_t mark_ms;
    enum status status;

    for (size_t i = 0; i < bus->count; i++)
        every_ms[i] = config->meters[i].every_minutes * MINUTE_MS;
    status = rota_open(every_ms, bus->count, spread_of(config), &bus->rota);
    for (size_t i = 0; i < bus->count && status == STATUS_OK; i++)
        if (marks_find(bus->options.marks, config->meters[i].id, &mark_ms))
            rota_known(bus->rota, i, mark_ms);
    return status;
}

enum status bus_open(const struct bus_options *options, struct bus **bus)
{
    struct bus *made = calloc(1, sizeof *made);
    enum status status = STATUS_NOMEM;
    unsigned count = options->config->meter_count;

    if (made == NULL)
        return status;
    made->options = *options;
    made->dialog = calloc(1, sizeof *made->dialog);
    made->stations = calloc(count + 1, sizeof(struct station *));
    if (made->dialog == NULL || made->stations == NULL)
        goto out;
    status = STATUS_OK;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++)
        status = add_station(made, &options->config->meters[i]);
    if (status == STATUS_OK)
        status = rota_make(made);
    if (status == STATUS_OK) {
        *bus = made;
        made = NULL;
    }
out:
    bus_close(made);
    return status;
}

void bus_close(struct bus *bus)
{
    if (bus == NULL)
        return;
    line_close(bus->line);
    pending_drop(bus, bus->pending_count);
    rota_close(bus->rota);
    for (size_t i = 0; i < bus->count; i++)
        station_free(bus->stations[i]);
    free(bus->stations);
    free(bus->dialog);
    free(bus);
}
