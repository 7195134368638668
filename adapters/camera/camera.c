#include "camera.h"

#include <malloc.h>
#include <poll.h>
#include <stdio.h>

#include "listener.h"
#include "log.h"
#include "mqtt_push.h"
#include "protocols.h"
#include "upload.h"

#define TICK_MS 1000
#define TOLD_EVERY_MS MINUTE_MS
/* Pictures come and go: memory of this size and more goes back at once. */
#define MAP_BYTES (64 << 10)

/* All parts; each is NULL when the settings have no use for it. */
struct parts {
    const struct program_world *world;
    const struct cameras_config *config;
    struct roster *roster;
    struct intake *intake;
    struct listener *listener;
    struct upload *upload;
    struct mqtt_push *push;
    uint64_t told[TALLY_COUNT];
    int64_t told_at_ms;
};

/* ---- what was counted --------------------------------------------------- */

static const char *const words[] = {
#define X(name, word) [TALLY_##name] = word,
    TALLY_TABLE(X)
#undef X
};

/* Once a minute, when something changed; since the last line. */
static void tell(struct parts *parts)
{
    struct log_field fields[TALLY_COUNT + 5];
    struct courier_stats stats;
    size_t count = 0;

    for (int i = 0; i < TALLY_COUNT; i++) {
        uint64_t now = roster_tally(parts->roster, (enum tally)i);

        if (now != parts->told[i])
            fields[count++] = LOG_NUMBER(words[i], now - parts->told[i]);
        parts->told[i] = now;
    }
    if (count == 0)
        return;
    courier_stats(parts->world->courier, &stats);
    fields[count++] = LOG_NUMBER("kept", stats.kept);
    fields[count++] = LOG_NUMBER("kept_bytes", stats.kept_bytes);
    fields[count++] = LOG_TEXT("linked", stats.linked ? "yes" : "no");
    fields[count++] = LOG_TEXT("held", stats.held ? "yes" : "no");
    fields[count] = (struct log_field){NULL, NULL, 0};
    log_write(LOG_INFO, "last_minute", fields);
}

/* ---- opening and running ------------------------------------------------ */

static bool is_pushed_to(const struct cameras_config *config)
{
    for (unsigned i = 0; i < config->camera_count; i++)
        if (config->cameras[i].address_count > 0)
            return true;
    return false;
}

static enum status listener_start(struct parts *parts)
{
    const struct listener_options options = {parts->config, parts->world->clock,
                                             parts->roster, parts->intake};
    const struct listen_config *listen = &parts->config->listen;
    char why[LISTENER_WHY_MAX] = "";
    enum status status;

    if (!is_pushed_to(parts->config))
        return STATUS_OK;
    status = listener_open(&options, why, &parts->listener);
    if (status == STATUS_OK)
        log_at(LOG_INFO, "listening", LOG_TEXT("address", listen->address),
               LOG_NUMBER("port", listen->port),
               LOG_TEXT("tls", listen->cert_file[0] != 0 ? "yes" : "no"));
    else
        log_at(LOG_ERROR, "not_listening", LOG_TEXT("reason", why));
    return status;
}

static enum status parts_open(struct parts *parts)
{
    const struct program_world *world = parts->world;
    const struct cameras_config *config = parts->config;
    enum status status;

    if ((status = roster_make(config, world->courier, world->clock,
                              &parts->roster)) != STATUS_OK)
        return status;
    if ((status =
             intake_open(&(struct intake_options){config, world->courier,
                                                  world->clock, parts->roster},
                         &parts->intake)) != STATUS_OK)
        return status;
    if (config->mqtt_push.enabled &&
        (status = mqtt_push_open(
             &(struct mqtt_push_options){config, world->clock, parts->roster,
                                         parts->intake},
             &parts->push)) != STATUS_OK)
        return status;
    if ((status = listener_start(parts)) != STATUS_OK)
        return status;
    /* Last: its thread ends only when the program is told to. */
    return upload_open(&(struct upload_options){config, world->clock,
                                                parts->intake, world->stop_fd},
                       &parts->upload);
}

static void tick(struct parts *parts)
{
    int64_t now_ms = clock_steady_ms(parts->world->clock);

    roster_tick(parts->roster);
    if (parts->listener != NULL)
        listener_tick(parts->listener);
    if (now_ms - parts->told_at_ms >= TOLD_EVERY_MS) {
        parts->told_at_ms = now_ms;
        tell(parts);
    }
}

static enum status run(const struct program_world *world)
{
    struct parts parts = {
        .world = world,
        .config = world->config,
        .told_at_ms = clock_steady_ms(world->clock),
    };
    struct pollfd stop = {.fd = world->stop_fd, .events = POLLIN};
    enum status status;

    mallopt(M_MMAP_THRESHOLD, MAP_BYTES);
    status = parts_open(&parts);
    while (status == STATUS_OK && poll(&stop, 1, TICK_MS) == 0)
        tick(&parts);
    listener_close(parts.listener);
    mqtt_push_close(parts.push);
    upload_close(parts.upload);
    if (status == STATUS_OK)
        tell(&parts);
    intake_close(parts.intake);
    roster_free(parts.roster);
    return status;
}

void camera_program(struct program *program)
{
    *program = (struct program){
        .name = "sampan-camera",
        .class = "camera",
        .about = "takes what plate cameras push and upload to the broker",
        .protocols = camera_protocols,
        .protocol_count = camera_protocol_count,
        .settings = &cameras_config_group,
        .config_size = sizeof(struct cameras_config),
        .check = cameras_config_check,
        .run = run,
        .probe = NULL,
    };
}
