#include "meter_program.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "log.h"
#include "probe.h"
#include "protocols.h"

#define MARKS_FILE "marks"

struct lane {
    struct bus *bus;
    pthread_t thread;
};

static void *lane_run(void *bus)
{
    bus_run(bus);
    return NULL;
}

/* Everything of a bus before the first thread starts, so that what is wrong
 * stops the program at once. */
static enum status lanes_open(const struct program_world *world,
                              struct marks *marks, struct lane *lanes)
{
    const struct meter_config *config = world->config;
    enum status status = STATUS_OK;

    for (unsigned i = 0; i < config->bus_count && status == STATUS_OK; i++) {
        const struct bus_options options = {.config = &config->buses[i],
                                            .profile_folder =
                                                config->profile_folder,
                                            .courier = world->courier,
                                            .marks = marks,
                                            .clock = world->clock,
                                            .stop_fd = world->stop_fd};

        status = bus_open(&options, &lanes[i].bus);
    }
    return status;
}

static void lanes_run(const struct program_world *world, struct lane *lanes,
                      unsigned count)
{
    struct pollfd stop = {world->stop_fd, POLLIN, 0};
    unsigned started = 0;

    while (started < count && pthread_create(&lanes[started].thread, NULL,
                                             lane_run, lanes[started].bus) == 0)
        started++;
    if (started < count)
        log_at(LOG_ERROR, "threads_missing",
               LOG_NUMBER("buses_not_read", count - started));
    while (poll(&stop, 1, -1) <= 0)
        continue;
    while (started > 0)
        pthread_join(lanes[--started].thread, NULL);
}

static enum status marks_make(const struct meter_config *config,
                              struct marks **marks)
{
    struct bytes path = BYTES_EMPTY;
    enum status status =
        bytes_print(&path, "%s/" MARKS_FILE, config->adapter.outbox.folder);

    if (status == STATUS_OK)
        status = marks_open(bytes_text(&path), marks);
    bytes_free(&path);
    return status;
}

static enum status run(const struct program_world *world)
{
    const struct meter_config *config = world->config;
    struct marks *marks = NULL;
    struct lane *lanes = calloc(config->bus_count, sizeof *lanes);
    enum status status = STATUS_NOMEM;

    if (lanes == NULL)
        goto out;
    if ((status = marks_make(config, &marks)) != STATUS_OK ||
        (status = lanes_open(world, marks, lanes)) != STATUS_OK)
        goto out;
    lanes_run(world, lanes, config->bus_count);
out:
    for (unsigned i = 0; lanes != NULL && i < config->bus_count; i++)
        bus_close(lanes[i].bus);
    marks_close(marks);
    free(lanes);
    return status;
}

const struct program meter_program = {
    .name = "sampan-meter",
    .class = "meter",
    .about = "reads energy, water, gas and heat meters on serial lines "
             "and TCP",
    .protocols = meter_protocols,
    .protocol_count = METER_PROTOCOLS,
    .settings = &meter_config_group,
    .config_size = sizeof(struct meter_config),
    .check = meter_config_check,
    .run = run,
    .probe = probe,
};
