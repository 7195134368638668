#include "courier_parts.h"

#include <string.h>

#include "log.h"

struct heard {
    struct courier *courier;
    const char *device;
    bool any;
};

static void receipt_each(void *arg, const char *id, uint32_t revision,
                         const char *reason)
{
    struct heard *heard = arg;

    if (flights_end(&heard->courier->flights, heard->device, id, revision,
                    reason))
        heard->any = true;
}

static void receipt_heard(struct courier *courier,
                          const struct mqtt_message *message)
{
    struct heard heard = {courier, message->topic + strlen(courier->receipt),
                          false};

    pthread_mutex_lock(&courier->lock);
    bridge_word_receipt(message->payload, receipt_each, &heard);
    if (heard.any) {
        courier->news = true;
        pthread_cond_signal(&courier->changed);
    }
    pthread_mutex_unlock(&courier->lock);
}

/* What was out when the bridge went may never have reached it. */
static void state_heard(struct courier *courier,
                        const struct mqtt_message *message)
{
    struct bridge_state now;
    struct bridge_state before;

    if (!bridge_word_state(message->payload, &now))
        return;
    pthread_mutex_lock(&courier->lock);
    before = courier->state;
    courier->state = now;
    if (now.online && !before.online) {
        flights_recall(&courier->flights);
        courier->cursor = 0;
    }
    if (now.online != before.online || now.full != before.full) {
        courier->news = true;
        pthread_cond_signal(&courier->changed);
    }
    pthread_mutex_unlock(&courier->lock);
    if (now.online != before.online)
        log_at(now.online ? LOG_INFO : LOG_WARN,
               now.online ? "bridge_there" : "bridge_gone",
               LOG_TEXT("reason", now.online ? "" : "it is not running"));
    if (now.full != before.full)
        log_at(now.full ? LOG_WARN : LOG_INFO,
               now.full ? "bridge_full" : "bridge_has_room",
               LOG_TEXT("reason", now.full ? "events are held here" : ""));
}

void courier_arrived(void *arg, const struct mqtt_message *message)
{
    struct courier *courier = arg;

    if (strcmp(message->topic, courier->state_topic) == 0)
        state_heard(courier, message);
    else if (strncmp(message->topic, courier->receipt,
                     strlen(courier->receipt)) == 0)
        receipt_heard(courier, message);
}

void courier_linked(void *arg, bool up, const char *why)
{
    struct courier *courier = arg;

    pthread_mutex_lock(&courier->lock);
    courier->linked = up;
    courier->news = true;
    flights_recall(&courier->flights);
    courier->cursor = 0;
    pthread_cond_signal(&courier->changed);
    pthread_mutex_unlock(&courier->lock);
    log_at(up ? LOG_INFO : LOG_WARN, up ? "broker_up" : "broker_down",
           LOG_TEXT("reason", why));
}
