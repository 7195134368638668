#include "mqtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "relay.h"
#include "session.h"

#define MESSAGE_OVERHEAD 128 /* what a message costs besides its bytes */

struct mqtt_source {
    struct options options;
    char **filters;
    struct mqtt_source_events events;
    struct tickets *tickets;
    struct relay *relay;
    struct session *session;
    char uri[sizeof "tcp://127.0.0.1:65535"];
};

/* Without a ticket it is not handed over, and the broker sends it again. */
static void on_arrived(void *arg, const char *topic,
                       const MQTTAsync_message *message)
{
    struct mqtt_source *source = arg;
    struct mqtt_message handed = {
        .topic = topic,
        .payload = span_of(message->payload, (size_t)message->payloadlen),
        .repeated = message->dup != 0,
        .retained = message->retained != 0,
    };

    if (message->qos > 0 &&
        tickets_hand_over(source->tickets, (uint16_t)message->msgid,
                          handed.payload.len + strlen(topic) + MESSAGE_OVERHEAD,
                          &handed.ticket) != STATUS_OK) {
        relay_break(source->relay, "no memory for a message");
        return;
    }
    source->events.arrived(source->events.arg, &handed);
}

static void on_linked(void *arg, bool up, const char *why)
{
    struct mqtt_source *source = arg;

    source->events.linked(source->events.arg, up, why);
}

static void explain(void *arg, char why[static SESSION_WHY_MAX])
{
    struct mqtt_source *source = arg;

    _Static_assert(RELAY_WHY_MAX <= SESSION_WHY_MAX, "it fits");
    relay_why(source->relay, why);
}

static enum status open_session(struct mqtt_source *source)
{
    const struct session_options options = {
        .mqtt = &source->options.mqtt,
        .filters = source->filters,
        .uri = source->uri,
        .tls = false, /* the relay's */
        .clean = false,
        .qos = 1,
        .thread_name = "source",
    };
    const struct session_events events = {
        .arrived = on_arrived,
        .explain = explain,
        .linked = on_linked,
        .arg = source,
    };

    snprintf(source->uri, sizeof source->uri, "tcp://127.0.0.1:%u",
             relay_port(source->relay));
    return session_open(&options, &events, &source->session);
}

enum status mqtt_source_open(const struct mqtt_options *options,
                             const char *const *filters, size_t filter_count,
                             const struct mqtt_source_events *events,
                             struct mqtt_source **source)
{
    struct mqtt_source *made;
    enum status status;

    if (options->limit_bytes == 0 || filter_count == 0)
        return STATUS_INVALID;
    if ((made = calloc(1, sizeof *made)) == NULL)
        return STATUS_NOMEM;
    made->events = *events;
    *source = made; /* before the first event */
    if ((status = options_copy(&made->options, options)) != STATUS_OK ||
        (status = filters_copy(filters, filter_count, &made->filters)) !=
            STATUS_OK ||
        (status = tickets_make(&made->tickets)) != STATUS_OK ||
        (status = relay_open(&made->options.mqtt, made->tickets,
                             &made->relay)) != STATUS_OK ||
        (status = open_session(made)) != STATUS_OK) {
        *source = NULL;
        mqtt_source_close(made);
        return status;
    }
    return STATUS_OK;
}

void mqtt_source_settle(struct mqtt_source *source, const uint64_t *tickets,
                        size_t count)
{
    tickets_settle(source->tickets, tickets, count);
    relay_wake(source->relay);
}

void mqtt_source_stop(struct mqtt_source *source)
{
    relay_stop(source->relay);
}

size_t mqtt_source_pending(const struct mqtt_source *source)
{
    return tickets_pending(source->tickets);
}

void mqtt_source_close(struct mqtt_source *source)
{
    if (source == NULL)
        return;
    if (source->relay != NULL)
        relay_stop(source->relay);
    session_close(source->session);
    relay_close(source->relay);
    tickets_free(source->tickets);
    filters_free(source->filters);
    options_free(&source->options);
    free(source);
}
