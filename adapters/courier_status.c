#include "courier_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "log.h"
#include "text.h"

#define DEVICES_MAX 1000 /* whose status is told */

/* The devices' statuses name the adapter: when that is offline, so are they. */
static void status_publish(struct courier *courier, const char *topic,
                           bool online, const char *why, bool of_device)
{
    char time[CLOCK_TEXT_MAX];
    struct bytes text = BYTES_EMPTY;
    json_t *json;

    clock_print_iso(courier_wall_ms(courier), time);
    json = json_pack("{s:b, s:s}", "online", (int)online, "time", time);
    if (json != NULL && of_device)
        json_object_set_new(json, "via",
                            json_string(courier->options.config->name));
    if (json != NULL && why[0] != 0)
        json_object_set_new(json, "why", json_string(why));
    if (json == NULL || json_text(json, &text) != STATUS_OK ||
        mqtt_control_publish(courier->control, topic, bytes_view(&text), 1,
                             true) != STATUS_OK)
        log_at(LOG_WARN, "status_not_published", LOG_TEXT("topic", topic));
    json_decref(json);
    bytes_free(&text);
}

static void device_publish(struct courier *courier, const char *device,
                           bool online, const char *why)
{
    char topic[COURIER_TOPIC_MAX];

    snprintf(topic, sizeof topic, "%s%s/status", courier->prefix, device);
    status_publish(courier, topic, online, why, true);
}

/* The lock is held; NULL: there are too many, or no memory. */
static struct device *device_find(struct courier *courier, const char *name)
{
    struct device *more;

    for (size_t i = 0; i < courier->device_count; i++)
        if (strcmp(courier->devices[i].name, name) == 0)
            return &courier->devices[i];
    if (courier->device_count == DEVICES_MAX)
        return NULL;
    more =
        realloc(courier->devices, (courier->device_count + 1) * sizeof *more);
    if (more == NULL)
        return NULL;
    courier->devices = more;
    more += courier->device_count++;
    *more = (struct device){.online = false};
    text_put(more->name, sizeof more->name, name);
    more->why[0] = '\n'; /* unlike any: the first word is news */
    return more;
}

void courier_status(struct courier *courier, const char *device, bool online,
                    const char *why)
{
    struct device *known;
    char words[sizeof known->why];
    bool news;

    text_put(words, sizeof words, why == NULL ? "" : why);
    pthread_mutex_lock(&courier->lock);
    known = device_find(courier, device);
    news = known != NULL &&
           (known->online != online || strcmp(known->why, words) != 0);
    if (news) {
        known->online = online;
        memcpy(known->why, words, sizeof words);
    }
    pthread_mutex_unlock(&courier->lock);
    if (!news)
        return;
    log_at(online ? LOG_INFO : LOG_WARN, online ? "online" : "offline",
           LOG_TEXT("device", device), LOG_TEXT("reason", words));
    device_publish(courier, device, online, words);
}

void courier_status_begin(struct courier *courier)
{
    status_publish(courier, courier->status_topic, true, "", false);
}

void courier_status_end(struct courier *courier)
{
    for (size_t i = 0; i < courier->device_count; i++)
        if (courier->devices[i].online)
            device_publish(courier, courier->devices[i].name, false,
                           "the adapter was stopped");
    status_publish(courier, courier->status_topic, false, "stopped", false);
}
