#include "bridge_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_mqtt.h"
#include "log.h"

#define DROPPED_TOPIC "$SYS/broker/publish/messages/dropped"

/* ---- what comes and goes ---------------------------------------------- */

void links_publish(void *arg, const char *topic, struct span payload)
{
    struct bridge *bridge = arg;

    if (bridge->control != NULL &&
        mqtt_control_publish(bridge->control, topic, payload, 1, false) !=
            STATUS_OK)
        log_at(LOG_DEBUG, "not_published", LOG_TEXT("topic", topic));
}

void links_admin_reply(void *arg, const char *user, struct span json)
{
    struct bridge *bridge = arg;
    char topic[256];

    snprintf(topic, sizeof topic, "%s%s/reply", bridge->admin_prefix, user);
    links_publish(bridge, topic, json);
}

static void source_arrived(void *arg, const struct mqtt_message *message)
{
    intake_arrived(((struct bridge *)arg)->intake, message);
}

static void source_linked(void *arg, bool up, const char *why)
{
    struct bridge *bridge = arg;

    atomic_store(&bridge->broker_up, up);
    log_at(up ? LOG_INFO : LOG_WARN, up ? "broker_up" : "broker_down",
           LOG_TEXT("reason", why));
}

static void control_linked(void *arg, bool up, const char *why)
{
    (void)arg;
    log_at(LOG_DEBUG, up ? "control_up" : "control_down",
           LOG_TEXT("reason", why));
}

/* admin/USER/request -> USER; false when the topic is another. */
static bool user_of(const struct bridge *bridge, const char *topic,
                    char user[static 64])
{
    size_t prefix = strlen(bridge->admin_prefix);
    const char *slash;

    if (strncmp(topic, bridge->admin_prefix, prefix) != 0)
        return false;
    slash = strchr(topic + prefix, '/');
    if (slash == NULL || strcmp(slash, "/request") != 0 ||
        slash - (topic + prefix) > 63 || slash == topic + prefix)
        return false; /* an outcome's actor has 63 at most */
    memcpy(user, topic + prefix, (size_t)(slash - (topic + prefix)));
    user[slash - (topic + prefix)] = 0;
    return true;
}

static void control_arrived(void *arg, const struct mqtt_message *message)
{
    struct bridge *bridge = arg;
    char user[64];

    if (strcmp(message->topic, DROPPED_TOPIC) == 0) {
        char digits[24] = "";

        memcpy(digits, message->payload.data,
               message->payload.len < 23 ? message->payload.len : 23);
        atomic_store(&bridge->broker_dropped, strtoull(digits, NULL, 10));
    } else if (!message->retained && user_of(bridge, message->topic, user)) {
        pthread_mutex_lock(&bridge->lock);
        if (bridge->admin != NULL) /* else we are stopping */
            admin_request(bridge->admin, user, message->payload);
        pthread_mutex_unlock(&bridge->lock);
    }
}

/* ---- the clients ------------------------------------------------------ */

static struct mqtt_options client_options(const struct bridge *bridge,
                                          const char *client_id)
{
    const struct intake_config *intake = &bridge->config->broker;
    struct mqtt_options options = broker_mqtt_options(&intake->link, client_id);

    options.receive_maximum = (uint16_t)intake->receive_maximum;
    options.session_expiry_s = intake->session_expiry_s;
    options.limit_bytes = (size_t)intake->pending_mb << 20;
    return options;
}

enum status links_control_open(struct bridge *bridge)
{
    const struct mqtt_control_events events = {control_arrived, control_linked,
                                               bridge};
    struct mqtt_options options;
    char client_id[160];
    char admin_filter[128];
    const char *filters[] = {admin_filter, DROPPED_TOPIC};

    snprintf(client_id, sizeof client_id, "%s-control",
             bridge->config->broker.link.client_id);
    snprintf(admin_filter, sizeof admin_filter, "%s+/request",
             bridge->admin_prefix);
    options = client_options(bridge, client_id);
    options.will_topic = bridge->state_topic;
    options.will = span_text("{\"online\":false,\"full\":false}");
    return mqtt_control_open(&options, filters, 2, &events, &bridge->control);
}

#define OWN_FILTERS 4

enum status links_source_open(struct bridge *bridge)
{
    static const char *const classes[OWN_FILTERS] = {"camera", "weighbridge",
                                                     "meter", "up"};
    const struct mqtt_source_events events = {source_arrived, source_linked,
                                              bridge};
    const struct config *config = bridge->config;
    size_t count = OWN_FILTERS + config->route_count;
    const char **filters = calloc(count, sizeof *filters);
    char own[OWN_FILTERS][96];
    struct mqtt_options options;
    enum status status;

    if (filters == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < OWN_FILTERS; i++) {
        snprintf(own[i], sizeof own[i], "sampan/v1/%s/%s/+/+", config->site,
                 classes[i]);
        filters[i] = own[i];
    }
    for (unsigned i = 0; i < config->route_count; i++)
        filters[OWN_FILTERS + i] = config->routes[i].filter;
    options = client_options(bridge, config->broker.link.client_id);
    status =
        mqtt_source_open(&options, filters, count, &events, &bridge->source);
    free(filters);
    return status;
}
