#include "mqtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "letters.h"
#include "session.h"

struct mqtt_control {
    struct options options;
    char **filters;
    struct mqtt_control_events events;
    struct letters *letters;
    struct session *session;
    struct bytes uri;
};

static void on_arrived(void *arg, const char *topic,
                       const MQTTAsync_message *message)
{
    struct mqtt_control *control = arg;
    const struct mqtt_message handed = {
        .topic = topic,
        .payload = span_of(message->payload, (size_t)message->payloadlen),
        .repeated = message->dup != 0,
        .retained = message->retained != 0,
    };

    control->events.arrived(control->events.arg, &handed);
}

/* What is retained waits before anything the owner sends on hearing of it. */
static void on_linked(void *arg, bool up, const char *why)
{
    struct mqtt_control *control = arg;

    if (!up)
        letters_unlink(control->letters);
    else if (letters_link(control->letters) != STATUS_OK)
        why = "no memory to send all retained messages again";
    control->events.linked(control->events.arg, up, why);
}

/* What cannot be sent is lost with the connection, or retained. */
static void on_idle(void *arg)
{
    struct mqtt_control *control = arg;
    struct letter *letter;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && session_has_room(control->session) &&
           (letter = letters_take(control->letters)) != NULL) {
        status = session_send(control->session, letter->topic,
                              bytes_view(&letter->payload), letter->qos,
                              letter->retained);
        letter_free(letter);
    }
}

/* An IPv6 address goes into brackets. */
static enum status write_uri(struct mqtt_control *control)
{
    const struct mqtt_options *mqtt = &control->options.mqtt;
    bool brackets = strchr(mqtt->host, ':') != NULL;

    return bytes_print(&control->uri, "%s://%s%s%s:%u",
                       mqtt->tls ? "ssl" : "tcp", brackets ? "[" : "",
                       mqtt->host, brackets ? "]" : "", mqtt->port);
}

static enum status open_session(struct mqtt_control *control)
{
    const struct session_options options = {
        .mqtt = &control->options.mqtt,
        .filters = control->filters,
        .uri = bytes_text(&control->uri),
        .tls = control->options.mqtt.tls,
        .clean = true,
        .qos = 0,
        .thread_name = "control",
    };
    const struct session_events events = {
        .arrived = on_arrived,
        .linked = on_linked,
        .idle = on_idle,
        .arg = control,
    };

    return session_open(&options, &events, &control->session);
}

enum status mqtt_control_open(const struct mqtt_options *options,
                              const char *const *filters, size_t filter_count,
                              const struct mqtt_control_events *events,
                              struct mqtt_control **control)
{
    struct mqtt_control *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->events = *events;
    *control = made; /* before the first event */
    if ((status = options_copy(&made->options, options)) != STATUS_OK ||
        (status = filters_copy(filters, filter_count, &made->filters)) !=
            STATUS_OK ||
        (status = letters_make(&made->letters)) != STATUS_OK ||
        (status = write_uri(made)) != STATUS_OK ||
        (status = open_session(made)) != STATUS_OK) {
        *control = NULL;
        mqtt_control_close(made);
        return status;
    }
    return STATUS_OK;
}

enum status mqtt_control_publish(struct mqtt_control *control,
                                 const char *topic, struct span payload,
                                 int qos, bool retained)
{
    enum status status =
        letters_put(control->letters, topic, payload, qos, retained);

    if (status == STATUS_OK)
        session_poke(control->session);
    return status;
}

void mqtt_control_close(struct mqtt_control *control)
{
    if (control == NULL)
        return;
    session_close(control->session);
    letters_free(control->letters);
    bytes_free(&control->uri);
    filters_free(control->filters);
    options_free(&control->options);
    free(control);
}
