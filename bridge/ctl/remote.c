#include "remote.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mqtt.h"

#define PASSWORD_MAX 4096
#define CONNECT_S                                                              \
    5 /* a broker on the same box answers at once or not at all                \
       */

struct remote {
    struct remote_options options;
    struct mqtt_control *control;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool linked;   /* under lock */
    char why[256]; /* under lock */
    json_t *reply; /* under lock: the answer to id, once it is there */
    char id[40];   /* under lock: what is waited for */
    unsigned asked;
};

static void arrived(void *arg, const struct mqtt_message *message)
{
    struct remote *remote = arg;
    json_t *reply = json_loadb((const char *)message->payload.data,
                               message->payload.len, 0, NULL);
    const char *id = json_string_value(json_object_get(reply, "id"));

    pthread_mutex_lock(&remote->lock);
    if (remote->reply == NULL && id != NULL && strcmp(id, remote->id) == 0) {
        remote->reply = reply;
        reply = NULL;
        pthread_cond_signal(&remote->changed);
    }
    pthread_mutex_unlock(&remote->lock);
    json_decref(reply);
}

static void linked(void *arg, bool up, const char *why)
{
    struct remote *remote = arg;

    pthread_mutex_lock(&remote->lock);
    remote->linked = up;
    snprintf(remote->why, sizeof remote->why, "%s", why);
    pthread_cond_signal(&remote->changed);
    pthread_mutex_unlock(&remote->lock);
}

static enum status password_read(const char *path, struct bytes *password)
{
    enum status status = bytes_read_file(password, path, PASSWORD_MAX);

    if (status == STATUS_OK && password->len > 0 &&
        password->data[password->len - 1] == '\n')
        password->len--;
    return status;
}

/* Wait until *flag or *there; false when the time is over. */
static bool wait_for(struct remote *remote, unsigned seconds, const bool *flag,
                     json_t *const *there)
{
    struct timespec until;
    int code = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    while (code == 0 && !(flag != NULL ? *flag : *there != NULL))
        code = pthread_cond_timedwait(&remote->changed, &remote->lock, &until);
    return code == 0;
}

static enum status remote_connect(struct remote *remote, struct span password)
{
    const struct remote_options *options = &remote->options;
    const struct mqtt_control_events events = {arrived, linked, remote};
    char client_id[128];
    char filter[256];
    const char *filters[] = {filter};
    struct mqtt_options mqtt = {
        .host = options->host,
        .port = (uint16_t)options->port,
        .client_id = client_id,
        .username = options->user,
        .password = password,
        .tls = options->ca_file != NULL,
        .ca_file = options->ca_file == NULL ? "" : options->ca_file,
        .cert_file = "",
        .key_file = "",
        .keepalive_s = 30,
        .receive_maximum = 100,
    };

    snprintf(client_id, sizeof client_id, "sampanctl-%s-%ld", options->user,
             (long)getpid());
    snprintf(filter, sizeof filter, "sampan/v1/%s/admin/%s/reply",
             options->site, options->user);
    return mqtt_control_open(&mqtt, filters, 1, &events, &remote->control);
}

enum status remote_open(const struct remote_options *options,
                        char words[static 512], struct remote **remote)
{
    struct remote *fresh = calloc(1, sizeof *fresh);
    struct bytes password = BYTES_EMPTY;
    enum status status = STATUS_OK;

    words[0] = 0;
    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->options = *options;
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_cond_init(&fresh->changed, NULL);
    if (options->password_file != NULL)
        status = password_read(options->password_file, &password);
    if (status != STATUS_OK)
        snprintf(words, 512, "%s: %s", options->password_file,
                 status_text(status));
    else
        status = remote_connect(fresh, bytes_view(&password));
    bytes_wipe(&password);
    if (status == STATUS_OK) {
        pthread_mutex_lock(&fresh->lock);
        if (!wait_for(fresh, CONNECT_S, &fresh->linked, NULL)) {
            status = STATUS_OFFLINE;
            snprintf(words, 512, "the broker %s:%u does not let us in: %s",
                     options->host, options->port,
                     fresh->why[0] != 0 ? fresh->why : "no connection");
        }
        pthread_mutex_unlock(&fresh->lock);
    }
    if (status != STATUS_OK) {
        remote_close(fresh);
        return status;
    }
    *remote = fresh;
    return STATUS_OK;
}

static enum status question_send(struct remote *remote, json_t *request)
{
    char topic[256];
    char *text = json_dumps(request, JSON_COMPACT);
    enum status status;

    if (text == NULL)
        return STATUS_NOMEM;
    snprintf(topic, sizeof topic, "sampan/v1/%s/admin/%s/request",
             remote->options.site, remote->options.user);
    status =
        mqtt_control_publish(remote->control, topic, span_text(text), 1, false);
    free(text);
    return status;
}

enum status remote_ask(struct remote *remote, json_t *request, json_t **reply)
{
    enum status status;

    pthread_mutex_lock(&remote->lock);
    snprintf(remote->id, sizeof remote->id, "%ld-%u", (long)getpid(),
             ++remote->asked);
    json_object_set_new(request, "id", json_string(remote->id));
    pthread_mutex_unlock(&remote->lock);
    status = question_send(remote, request);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&remote->lock);
    if (!wait_for(remote, remote->options.timeout_s, NULL, &remote->reply))
        status = STATUS_OFFLINE;
    *reply = remote->reply;
    remote->reply = NULL;
    remote->id[0] = 0;
    pthread_mutex_unlock(&remote->lock);
    return status;
}

void remote_close(struct remote *remote)
{
    if (remote == NULL)
        return;
    mqtt_control_close(remote->control);
    json_decref(remote->reply);
    pthread_cond_destroy(&remote->changed);
    pthread_mutex_destroy(&remote->lock);
    free(remote);
}
