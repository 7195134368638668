#include "mqtt_push.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker_mqtt.h"
#include "log.h"
#include "quiet.h"

#define LIMIT_BYTES ((size_t)16 << 20) /* not stored yet, in memory */
#define SESSION_S 604800
#define RECEIVE_MAXIMUM 100
#define RETRY_S 2
#define SERIAL_MAX 64

struct letter {
    struct letter *next;
    uint64_t ticket;
    char serial[SERIAL_MAX]; /* first level of its topic */
    struct bytes payload;
};

struct mqtt_push {
    struct mqtt_push_options options;
    struct mqtt_source *source;
    const struct camera_config **cameras; /* of maker vz with an identity */
    size_t camera_count;
    struct quiet stranger, memory;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t news;
    struct letter *first, **last;
    bool ends;
    pthread_t thread;
    bool running;
};

/* ---- the list ----------------------------------------------------------- */

static void letter_free(struct letter *letter)
{
    bytes_free(&letter->payload);
    free(letter);
}

/* In Paho's thread.  Without memory the message stays with the broker. */
static void arrived(void *arg, const struct mqtt_message *message)
{
    struct mqtt_push *push = arg;
    struct letter *letter = calloc(1, sizeof *letter);
    size_t len = strcspn(message->topic, "/");
    unsigned held;

    if (letter == NULL ||
        bytes_copy(&letter->payload, message->payload) != STATUS_OK) {
        if (quiet_pass(&push->memory, clock_steady_ms(push->options.clock),
                       &held))
            log_at(LOG_ERROR, "no_memory", LOG_TEXT("topic", message->topic));
        free(letter);
        return;
    }
    letter->ticket = message->ticket;
    snprintf(letter->serial, sizeof letter->serial, "%.*s",
             len < SERIAL_MAX ? (int)len : 0, message->topic);
    pthread_mutex_lock(&push->mutex);
    *push->last = letter;
    push->last = &letter->next;
    pthread_cond_signal(&push->news);
    pthread_mutex_unlock(&push->mutex);
}

static void linked(void *arg, bool up, const char *why)
{
    (void)arg;
    log_at(up ? LOG_INFO : LOG_WARN, up ? "push_linked" : "push_unlinked",
           LOG_TEXT("reason", why == NULL ? "" : why));
}

/* NULL: it is to end. */
static struct letter *letter_take(struct mqtt_push *push)
{
    struct letter *letter;

    pthread_mutex_lock(&push->mutex);
    while (push->first == NULL && !push->ends)
        pthread_cond_wait(&push->news, &push->mutex);
    letter = push->ends ? NULL : push->first;
    if (letter != NULL) {
        push->first = letter->next;
        if (push->first == NULL)
            push->last = &push->first;
    }
    pthread_mutex_unlock(&push->mutex);
    return letter;
}

/* True: it is to end. */
static bool pause_or_end(struct mqtt_push *push)
{
    struct timespec until;
    bool ends;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_S;
    pthread_mutex_lock(&push->mutex);
    while (!push->ends &&
           pthread_cond_timedwait(&push->news, &push->mutex, &until) == 0)
        continue;
    ends = push->ends;
    pthread_mutex_unlock(&push->mutex);
    return ends;
}

/* ---- the work ----------------------------------------------------------- */

static const struct camera_config *camera_of(const struct mqtt_push *push,
                                             const char *serial)
{
    for (size_t i = 0; i < push->camera_count; i++)
        if (identity_same(push->cameras[i]->identity, serial))
            return push->cameras[i];
    return NULL;
}

static void turn_away(struct mqtt_push *push, const struct letter *letter)
{
    unsigned held;

    roster_count(push->options.roster, TALLY_REFUSED, 1);
    if (quiet_pass(&push->stranger, clock_steady_ms(push->options.clock),
                   &held))
        log_at(LOG_WARN, "unknown_camera", LOG_TEXT("identity", letter->serial),
               LOG_TEXT("reason", "no camera of maker vz has this identity"),
               LOG_NUMBER("not_logged", held));
}

/* False: not now. */
static bool letter_keep(struct mqtt_push *push, const struct letter *letter)
{
    const struct camera_config *camera = camera_of(push, letter->serial);
    const struct intake_message message = {&camera, 1, NULL, NULL,
                                           bytes_view(&letter->payload)};
    const struct camera_config *sender;
    struct capture capture;
    enum outcome outcome;

    if (camera == NULL) {
        turn_away(push, letter);
        return true;
    }
    outcome = intake_take(push->options.intake, &message, &sender, &capture);
    capture_free(&capture);
    return outcome != OUTCOME_LATER;
}

static void *work(void *arg)
{
    struct mqtt_push *push = arg;
    struct letter *letter;

    while ((letter = letter_take(push)) != NULL) {
        bool ends = false;

        while (!letter_keep(push, letter) && !ends)
            ends = pause_or_end(push);
        if (!ends && letter->ticket != 0)
            mqtt_source_settle(push->source, &letter->ticket, 1);
        letter_free(letter);
    }
    return NULL;
}

/* ---- opening ------------------------------------------------------------ */

static enum status cameras_find(struct mqtt_push *push)
{
    const struct cameras_config *config = push->options.config;

    push->cameras = calloc(config->camera_count, sizeof push->cameras[0]);
    if (push->cameras == NULL)
        return STATUS_NOMEM;
    for (unsigned i = 0; i < config->camera_count; i++)
        if (config->cameras[i].maker == MAKER_VZ &&
            config->cameras[i].identity[0] != 0)
            push->cameras[push->camera_count++] = &config->cameras[i];
    return STATUS_OK;
}

static enum status source_open(struct mqtt_push *push)
{
    const struct cameras_config *config = push->options.config;
    const struct broker_config *broker = &config->adapter.broker;
    const struct mqtt_source_events events = {arrived, linked, push};
    struct bytes client_id = BYTES_EMPTY;
    enum status status = bytes_print(&client_id, "%s-push", broker->client_id);
    struct mqtt_options options =
        broker_mqtt_options(broker, bytes_text(&client_id));

    options.receive_maximum = RECEIVE_MAXIMUM;
    options.session_expiry_s = SESSION_S;
    options.limit_bytes = LIMIT_BYTES;
    if (status == STATUS_OK)
        status = mqtt_source_open(&options, config->mqtt_push.filters,
                                  config->mqtt_push.filter_count, &events,
                                  &push->source);
    bytes_free(&client_id);
    return status;
}

static void locks_make(struct mqtt_push *push)
{
    pthread_condattr_t steady;

    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&push->mutex, NULL);
    pthread_cond_init(&push->news, &steady);
    pthread_condattr_destroy(&steady);
    push->last = &push->first;
}

enum status mqtt_push_open(const struct mqtt_push_options *options,
                           struct mqtt_push **push)
{
    struct mqtt_push *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = *options;
    locks_make(made);
    status = cameras_find(made);
    if (status == STATUS_OK)
        status = source_open(made);
    if (status == STATUS_OK) {
        made->running = pthread_create(&made->thread, NULL, work, made) == 0;
        status = made->running ? STATUS_OK : STATUS_IO;
    }
    if (status == STATUS_OK)
        *push = made;
    else
        mqtt_push_close(made);
    return status;
}

static void end_tell(struct mqtt_push *push)
{
    pthread_mutex_lock(&push->mutex);
    push->ends = true;
    pthread_cond_broadcast(&push->news);
    pthread_mutex_unlock(&push->mutex);
}

void mqtt_push_close(struct mqtt_push *push)
{
    if (push == NULL)
        return;
    end_tell(push);
    if (push->running)
        pthread_join(push->thread, NULL);
    if (push->source != NULL)
        mqtt_source_close(push->source);
    while (push->first != NULL) {
        struct letter *letter = push->first;

        push->first = letter->next;
        letter_free(letter);
    }
    pthread_cond_destroy(&push->news);
    pthread_mutex_destroy(&push->mutex);
    free(push->cameras);
    free(push);
}
