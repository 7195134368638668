#include "bridge_parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <curl/curl.h>

#include "log.h"
#include "restore.h"
#include "state.h"

#define GRACE_MS (3 * SECOND_MS)
#define SAMPLE_EVERY_MS (10 * MINUTE_MS)

void bridge_state_folder(const struct config *config, char *path, size_t size)
{
    if (config->state_folder != NULL && config->state_folder[0] != 0)
        snprintf(path, size, "%s", config->state_folder);
    else
        snprintf(path, size, "%s/../state", config->store.folder);
}

/* ---- what the parts tell each other -------------------------------------- */

static enum status on_tick(void *arg, struct queue *queue, int64_t now_ms)
{
    return ingest_tick(((struct bridge *)arg)->ingest, queue, now_ms);
}

static void on_durable(void *arg)
{
    struct bridge *bridge = arg;
    struct queue_made made = queue_borrow_made(bridge->queue);

    intake_durable(bridge->intake);
    pthread_mutex_lock(&bridge->lock);
    for (unsigned i = 0; i < bridge->config->destination_count; i++)
        if (bridge->uplinks[i] != NULL)
            uplink_hand_over(bridge->uplinks[i], &made);
    pthread_mutex_unlock(&bridge->lock);
}

static void on_committed(void *arg)
{
    struct bridge *bridge = arg;

    intake_committed(bridge->intake);
    pthread_mutex_lock(&bridge->lock);
    for (unsigned i = 0; i < bridge->config->destination_count; i++)
        if (bridge->uplinks[i] != NULL)
            uplink_wake(bridge->uplinks[i], UINT64_MAX);
    pthread_mutex_unlock(&bridge->lock);
}

/* The committer's thread looks at the uplinks too. */
static void uplink_set(struct bridge *bridge, unsigned i, struct uplink *uplink)
{
    pthread_mutex_lock(&bridge->lock);
    bridge->uplinks[i] = uplink;
    pthread_mutex_unlock(&bridge->lock);
}

static void on_full(void *arg, bool full, const char *why)
{
    struct bridge *bridge = arg;

    log_at(full ? LOG_ERROR : LOG_INFO, full ? "full" : "room_again",
           LOG_TEXT("reason", why));
    pthread_mutex_lock(&bridge->lock);
    bridge->full = full;
    snprintf(bridge->full_why, sizeof bridge->full_why, "%s", why);
    pthread_mutex_unlock(&bridge->lock);
}

static void on_kept(void *arg, enum queue_kept kept, const char *month)
{
    (void)arg;
    log_at(LOG_WARN,
           kept == KEPT_NO_PICTURES ? "pictures_shed" : "month_dropped",
           LOG_TEXT("month", month));
}

/* ---- opening ---------------------------------------------------------- */

static enum status store_open(struct bridge *bridge)
{
    const struct store_config *store = &bridge->config->store;
    const struct queue_options options = {
        .folder = store->folder,
        .quota_bytes = (uint64_t)store->quota_mb << 20,
        .reserve_bytes = (uint64_t)store->reserve_mb << 20,
        .keep_months = (int)store->keep_months,
        .dedup_days = (int)store->dedup_days,
        .when_full = store->when_full == WHEN_FULL_STOP ? QUEUE_STOP
                                                        : QUEUE_SHED_DELIVERED,
        .now_ms = clock_wall_ms(bridge->clock),
        .digest = crypto_sha256,
    };
    struct queue_opening opening = {0};
    enum status status = queue_open(&options, &opening, &bridge->queue);

    if (opening.set_aside[0] != 0)
        log_at(LOG_ERROR, "store_set_aside",
               LOG_TEXT("folder", opening.set_aside),
               LOG_TEXT("reason", opening.reason));
    if (status != STATUS_OK) {
        log_at(LOG_ERROR, "store_not_opened", LOG_TEXT("folder", store->folder),
               LOG_TEXT("reason", opening.reason[0] != 0
                                      ? opening.reason
                                      : status_text(status)));
        return status;
    }
    log_at(LOG_INFO, "store_open", LOG_TEXT("folder", store->folder),
           LOG_NUMBER("reapplied", opening.reapplied),
           LOG_NUMBER("rebuilt", opening.rebuilt));
    return restore_counters(bridge->queue, bridge->state_folder,
                            options.now_ms);
}

static enum status rules_open(struct bridge *bridge)
{
    struct bytes words = BYTES_EMPTY;
    enum status status = ingest_open(bridge->config, &words, &bridge->ingest);

    if (words.len > 0)
        log_at(status == STATUS_OK ? LOG_WARN : LOG_ERROR, "ledger",
               LOG_TEXT("reason", bytes_text(&words)));
    bytes_free(&words);
    return status;
}

static enum status pipeline_open(struct bridge *bridge)
{
    const struct intake_options intake = {
        bridge->config, bridge->clock, bridge->ingest, links_publish, bridge};
    const struct committer_events events = {
        .tick = on_tick,
        .durable = on_durable,
        .committed = on_committed,
        .full = on_full,
        .kept = on_kept,
        .arg = bridge,
    };
    enum status status = intake_open(&intake, &bridge->intake);

    if (status != STATUS_OK)
        return status;
    return committer_open(bridge->queue, bridge->clock, &events,
                          &bridge->committer);
}

static enum status uplinks_open(struct bridge *bridge)
{
    for (unsigned i = 0; i < bridge->config->destination_count; i++) {
        const struct uplink_options options = {
            .config = bridge->config,
            .destination = &bridge->config->destinations[i],
            .state_folder = bridge->state_folder,
            .queue = bridge->queue,
            .committer = bridge->committer,
            .pool = bridge->pool,
            .clock = bridge->clock,
        };
        struct uplink *uplink = NULL;
        enum status status;

        if (!options.destination->enabled)
            continue;
        status = uplink_open(&options, &uplink);
        if (status != STATUS_OK)
            return status;
        uplink_set(bridge, i, uplink);
    }
    return STATUS_OK;
}

static enum status admin_start(struct bridge *bridge)
{
    const struct admin_options options = {
        .config = bridge->config,
        .state_folder = bridge->state_folder,
        .queue = bridge->queue,
        .committer = bridge->committer,
        .ingest = bridge->ingest,
        .pool = bridge->pool,
        .clock = bridge->clock,
        .uplinks = bridge->uplinks,
        .reply = links_admin_reply,
        .arg = bridge,
    };

    return admin_open(&options, &bridge->admin);
}

static enum status folder_make(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return STATUS_OK;
    log_at(LOG_ERROR, "folder_not_made", LOG_TEXT("folder", path),
           LOG_TEXT("reason", strerror(errno)));
    return STATUS_IO;
}

static enum status bridge_open(struct bridge *bridge)
{
    enum status (*const steps[])(struct bridge *) = {
        store_open,  rules_open,         pipeline_open,     uplinks_open,
        admin_start, links_control_open, links_source_open,
    };
    enum status status =
        crypto_pool_open(bridge->config->crypto_threads, &bridge->pool);

    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == STATUS_OK;
         i++)
        status = steps[i](bridge);
    if (status == STATUS_OK)
        intake_start(bridge->intake, bridge->committer, bridge->source);
    return status;
}

/* ---- running and closing ---------------------------------------------- */

static void health_save(struct bridge *bridge, struct span state)
{
    char path[PATH_MAX + 16];
    char beside[PATH_MAX + 24];
    FILE *file;
    bool written;

    snprintf(path, sizeof path, "%s/health.json", bridge->state_folder);
    snprintf(beside, sizeof beside, "%s.new", path);
    file = fopen(beside, "we"); /* no sync: it is new every second */
    if (file == NULL)
        return;
    written = fwrite(state.data, 1, state.len, file) == state.len;
    if (fclose(file) == 0 && written) /* a full disk must cost no handle */
        rename(beside, path);
}

static void used_sample(struct bridge *bridge, int64_t now_ms)
{
    struct queue_space space;

    if (bridge->used_then_ms != 0 &&
        now_ms - bridge->used_then_ms < SAMPLE_EVERY_MS)
        return;
    if (queue_space_read(bridge->queue, &space) != STATUS_OK)
        return;
    bridge->used_then_ms = now_ms;
    bridge->used_then_bytes = space.used_bytes;
}

static void state_tell(struct bridge *bridge)
{
    struct state_facts facts = {
        .config = bridge->config,
        .queue = bridge->queue,
        .uplinks = bridge->uplinks,
        .now_ms = clock_wall_ms(bridge->clock),
        .started_ms = bridge->started_ms,
        .broker_up = atomic_load(&bridge->broker_up),
        .broker_dropped = atomic_load(&bridge->broker_dropped),
    };
    struct bytes state = BYTES_EMPTY;
    char why[sizeof bridge->full_why];

    pthread_mutex_lock(&bridge->lock);
    facts.full = bridge->full;
    memcpy(why, bridge->full_why, sizeof why);
    pthread_mutex_unlock(&bridge->lock);
    facts.full_why = why;
    used_sample(bridge, facts.now_ms);
    facts.used_then_bytes = bridge->used_then_bytes;
    facts.used_then_ms = bridge->used_then_ms;
    if (state_write(&facts, &state) == STATUS_OK) {
        health_save(bridge, bytes_view(&state));
        if (mqtt_control_publish(bridge->control, bridge->state_topic,
                                 bytes_view(&state), 0, true) != STATUS_OK)
            log_at(LOG_DEBUG, "state_not_published", LOG_TEXT("reason", ""));
    }
    bytes_free(&state);
}

static void run(struct bridge *bridge)
{
    const struct timespec second = {1, 0};
    sigset_t stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    do
        state_tell(bridge);
    while (sigtimedwait(&stops, NULL, &second) < 0);
}

/* Requests still arrive, for receipts leave by the same connection. */
static void admin_stop(struct bridge *bridge)
{
    struct admin *admin;

    pthread_mutex_lock(&bridge->lock);
    admin = bridge->admin;
    bridge->admin = NULL;
    pthread_mutex_unlock(&bridge->lock);
    admin_close(admin);
}

static void bridge_close(struct bridge *bridge)
{
    if (bridge->source != NULL)
        mqtt_source_stop(bridge->source);
    intake_stop(bridge->intake);
    for (unsigned i = 0; i < bridge->config->destination_count; i++)
        if (bridge->uplinks[i] != NULL)
            uplink_stop(bridge->uplinks[i], GRACE_MS);
    admin_stop(bridge);
    for (unsigned i = 0; i < bridge->config->destination_count; i++) {
        struct uplink *uplink = bridge->uplinks[i];

        uplink_set(bridge, i, NULL);
        uplink_close(uplink, GRACE_MS);
    }
    committer_close(bridge->committer);
    mqtt_source_close(bridge->source);
    intake_close(bridge->intake);
    mqtt_control_close(bridge->control);
    ingest_close(bridge->ingest);
    crypto_pool_close(bridge->pool);
    queue_close(bridge->queue);
}

enum status bridge_run(const struct config *config)
{
    struct bridge bridge = {.config = config, .clock = clock_system()};
    enum status status;

    bridge_state_folder(config, bridge.state_folder,
                        sizeof bridge.state_folder);
    snprintf(bridge.state_topic, sizeof bridge.state_topic,
             "sampan/v1/%s/bridge/state", config->site);
    snprintf(bridge.admin_prefix, sizeof bridge.admin_prefix,
             "sampan/v1/%s/admin/", config->site);
    bridge.started_ms = clock_wall_ms(bridge.clock);
    bridge.uplinks =
        calloc(config->destination_count + 1, sizeof *bridge.uplinks);
    if (bridge.uplinks == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&bridge.lock, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    status = folder_make(config->store.folder);
    if (status == STATUS_OK)
        status = folder_make(bridge.state_folder);
    if (status == STATUS_OK)
        status = bridge_open(&bridge);
    if (status == STATUS_OK) {
        log_at(LOG_INFO, "started", LOG_TEXT("site", config->site),
               LOG_TEXT("version", SAMPAN_VERSION));
        run(&bridge);
        log_at(LOG_INFO, "stopping", LOG_TEXT("site", config->site));
    }
    bridge_close(&bridge);
    log_at(LOG_INFO, "stopped", LOG_TEXT("reason", status_text(status)));
    curl_global_cleanup();
    pthread_mutex_destroy(&bridge.lock);
    free(bridge.uplinks);
    return status;
}
