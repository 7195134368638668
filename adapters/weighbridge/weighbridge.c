#include "weighbridge.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "log.h"
#include "probe.h"
#include "protocols.h"
#include "scale.h"

struct lane {
    struct scale *scale;
    pthread_t thread;
};

static void *lane_run(void *scale)
{
    pthread_setname_np(pthread_self(), "scale");
    scale_run(scale);
    return NULL;
}

static enum status lanes_open(const struct program_world *world,
                              struct lane *lanes)
{
    const struct weighbridge_config *config = world->config;
    enum status status = STATUS_OK;

    for (unsigned i = 0; i < config->scale_count && status == STATUS_OK; i++) {
        const struct scale_world one = {
            .config = &config->scales[i],
            .folder = config->adapter.outbox.folder,
            .courier = world->courier,
            .clock = world->clock,
            .stop_fd = world->stop_fd,
        };

        status = scale_open(&one, &lanes[i].scale);
    }
    return status;
}

static void lanes_run(const struct program_world *world, struct lane *lanes,
                      unsigned count)
{
    struct pollfd stop = {world->stop_fd, POLLIN, 0};
    unsigned started = 0;

    while (started < count &&
           pthread_create(&lanes[started].thread, NULL, lane_run,
                          lanes[started].scale) == 0)
        started++;
    if (started < count)
        log_at(LOG_ERROR, "threads_missing",
               LOG_NUMBER("scales_not_read", count - started));
    while (poll(&stop, 1, -1) <= 0)
        continue;
    while (started > 0)
        pthread_join(lanes[--started].thread, NULL);
}

static enum status run(const struct program_world *world)
{
    const struct weighbridge_config *config = world->config;
    struct lane *lanes = calloc(config->scale_count, sizeof *lanes);
    enum status status = STATUS_NOMEM;

    if (lanes != NULL)
        status = lanes_open(world, lanes);
    if (status == STATUS_OK)
        lanes_run(world, lanes, config->scale_count);
    for (unsigned i = 0; lanes != NULL && i < config->scale_count; i++)
        scale_close(lanes[i].scale);
    free(lanes);
    return status;
}

struct program weighbridge_program(void)
{
    return (struct program){
        .name = "sampan-weighbridge",
        .class = "weighbridge",
        .about = "reads weighing indicators on serial lines and TCP",
        .protocols = weighbridge_protocols,
        .protocol_count = weighbridge_protocol_count,
        .settings = &weighbridge_config_group,
        .config_size = sizeof(struct weighbridge_config),
        .check = weighbridge_config_check,
        .run = run,
        .probe = probe,
    };
}
