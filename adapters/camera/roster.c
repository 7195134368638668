#include "roster.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"

enum presence { PRESENCE_UNKNOWN, PRESENCE_ONLINE, PRESENCE_OFFLINE };

struct seat {
    enum presence presence;
    int64_t heard_at_ms; /* steady; at first when the program began */
    int64_t heard_wall_ms;
};

struct roster {
    const struct cameras_config *config;
    struct courier *courier;
    const struct clock *clock;
    pthread_mutex_t mutex;
    struct seat *seats; /* one a camera, in the settings' order */
    atomic_uint_fast64_t tallies[TALLY_COUNT];
};

enum status roster_make(const struct cameras_config *config,
                        struct courier *courier, const struct clock *clock,
                        struct roster **roster)
{
    struct roster *made = calloc(1, sizeof *made);

    if (made == NULL)
        return STATUS_NOMEM;
    made->seats = calloc(config->camera_count, sizeof *made->seats);
    if (made->seats == NULL) {
        free(made);
        return STATUS_NOMEM;
    }
    made->config = config;
    made->courier = courier;
    made->clock = clock;
    pthread_mutex_init(&made->mutex, NULL);
    for (unsigned i = 0; i < config->camera_count; i++)
        made->seats[i].heard_at_ms = clock_steady_ms(clock);
    *roster = made;
    return STATUS_OK;
}

void roster_free(struct roster *roster)
{
    if (roster == NULL)
        return;
    pthread_mutex_destroy(&roster->mutex);
    free(roster->seats);
    free(roster);
}

/* ---- who ---------------------------------------------------------------- */

static bool may_post(const struct camera_config *camera,
                     const struct sockaddr *peer)
{
    struct address_range range;

    for (unsigned i = 0; i < camera->address_count; i++)
        if (address_range_read(camera->addresses[i], &range) &&
            address_range_has(&range, peer))
            return true;
    return false;
}

size_t roster_at(const struct roster *roster, const struct sockaddr *peer,
                 int maker, const struct camera_config **cameras, size_t max)
{
    size_t count = 0;

    for (unsigned i = 0; i < roster->config->camera_count && count < max; i++)
        if (roster->config->cameras[i].maker == maker &&
            may_post(&roster->config->cameras[i], peer))
            cameras[count++] = &roster->config->cameras[i];
    return count;
}

bool roster_knows(const struct roster *roster, const struct sockaddr *peer)
{
    for (unsigned i = 0; i < roster->config->camera_count; i++)
        if (may_post(&roster->config->cameras[i], peer))
            return true;
    return false;
}

/* ---- when --------------------------------------------------------------- */

/* Told under the lock, so that the last word told is the last that happened. */
void roster_heard(struct roster *roster, const struct camera_config *camera)
{
    struct seat *seat = &roster->seats[camera - roster->config->cameras];

    pthread_mutex_lock(&roster->mutex);
    seat->heard_at_ms = clock_steady_ms(roster->clock);
    seat->heard_wall_ms = clock_wall_ms(roster->clock);
    if (seat->presence != PRESENCE_ONLINE) {
        seat->presence = PRESENCE_ONLINE;
        courier_status(roster->courier, camera->id, true, NULL);
    }
    pthread_mutex_unlock(&roster->mutex);
}

static void seat_silent(struct roster *roster,
                        const struct camera_config *camera, struct seat *seat)
{
    char time[CLOCK_TEXT_MAX];
    char why[64] = "nothing heard yet";

    if (seat->heard_wall_ms != 0) {
        clock_print_china(seat->heard_wall_ms, time);
        snprintf(why, sizeof why, "nothing heard since %s", time);
    }
    seat->presence = PRESENCE_OFFLINE;
    courier_status(roster->courier, camera->id, false, why);
}

void roster_tick(struct roster *roster)
{
    int64_t now_ms = clock_steady_ms(roster->clock);

    pthread_mutex_lock(&roster->mutex);
    for (unsigned i = 0; i < roster->config->camera_count; i++) {
        const struct camera_config *camera = &roster->config->cameras[i];
        struct seat *seat = &roster->seats[i];

        if (camera->silent_after_s > 0 && seat->presence != PRESENCE_OFFLINE &&
            now_ms - seat->heard_at_ms >= camera->silent_after_s * SECOND_MS)
            seat_silent(roster, camera, seat);
    }
    pthread_mutex_unlock(&roster->mutex);
}

/* ---- how much ----------------------------------------------------------- */

void roster_count(struct roster *roster, enum tally tally, uint64_t more)
{
    atomic_fetch_add(&roster->tallies[tally], more);
}

uint64_t roster_tally(const struct roster *roster, enum tally tally)
{
    return atomic_load(&roster->tallies[tally]);
}
