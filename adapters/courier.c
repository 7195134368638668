#include "courier_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_mqtt.h"
#include "json_text.h"
#include "log.h"

int64_t courier_steady_ms(const struct courier *courier)
{
    return clock_steady_ms(courier->options.clock);
}

int64_t courier_wall_ms(const struct courier *courier)
{
    return clock_wall_ms(courier->options.clock);
}

/* ---- events -------------------------------------------------------------- */

static bool topic_level(const char *text, size_t most)
{
    size_t length = strlen(text);

    return length > 0 && length <= most && strpbrk(text, "/+#") == NULL;
}

/* Full is told once, and its end too. */
static void full_tell(struct courier *courier, enum status status)
{
    bool full = status == STATUS_FULL;
    bool news;

    pthread_mutex_lock(&courier->lock);
    news = courier->full_told != full && (full || status == STATUS_OK);
    if (news)
        courier->full_told = full;
    pthread_mutex_unlock(&courier->lock);
    if (news)
        log_at(
            full ? LOG_ERROR : LOG_INFO,
            full ? "outbox_full" : "outbox_has_room",
            LOG_TEXT("folder", courier->options.config->outbox.folder),
            LOG_TEXT("reason", full ? "devices must keep what they have" : ""));
}

static void put_count(struct courier *courier, enum outbox_news news)
{
    pthread_mutex_lock(&courier->lock);
    if (news == OUTBOX_REPEAT) {
        courier->stats.repeats++;
    } else {
        courier->news = true;
        pthread_cond_signal(&courier->changed);
    }
    pthread_mutex_unlock(&courier->lock);
}

/* The content without what only tells that it was said late; empty: it does
 * not tell that. */
static enum status telling_text(const json_t *content, struct bytes *text)
{
    json_t *copy;
    enum status status;

    if (json_object_get(content, "history") == NULL)
        return STATUS_OK;
    copy = json_copy((json_t *)(uintptr_t)content);
    if (copy == NULL)
        return STATUS_NOMEM;
    json_object_del(copy, "history");
    status = json_text(copy, text);
    json_decref(copy);
    return status;
}

enum status courier_put(struct courier *courier,
                        const struct courier_event *event,
                        enum courier_news *news)
{
    static const enum courier_news told[] = {
        [OUTBOX_NEW] = COURIER_NEW,
        [OUTBOX_EDITION] = COURIER_EDITION,
        [OUTBOX_REPEAT] = COURIER_REPEAT,
    };
    struct outbox_event kept = {.device = event->device,
                                .leaf = event->leaf,
                                .event_id = event->event_id,
                                .at_ms = event->at_ms};
    struct bytes content = BYTES_EMPTY;
    struct bytes telling = BYTES_EMPTY;
    enum outbox_news result = OUTBOX_NEW;
    enum status status;

    if (!topic_level(event->device, OUTBOX_DEVICE_MAX) ||
        !topic_level(event->leaf, OUTBOX_LEAF_MAX) ||
        !json_is_object(event->content))
        return STATUS_INVALID;
    if ((status = json_text(event->content, &content)) == STATUS_OK)
        status = telling_text(event->content, &telling);
    kept.content = bytes_view(&content);
    kept.telling = bytes_view(&telling);
    if (status == STATUS_OK)
        status = outbox_put(courier->outbox, &kept, courier_wall_ms(courier),
                            &result);
    bytes_free(&content);
    bytes_free(&telling);
    full_tell(courier, status);
    if (status != STATUS_OK)
        return status;
    put_count(courier, result);
    *news = told[result];
    return STATUS_OK;
}

void courier_live(struct courier *courier, const char *device, const char *leaf,
                  const json_t *content)
{
    struct bytes text = BYTES_EMPTY;
    char topic[COURIER_TOPIC_MAX];

    snprintf(topic, sizeof topic, "%s%s/%s", courier->prefix, device, leaf);
    if (json_text(content, &text) == STATUS_OK &&
        mqtt_control_publish(courier->control, topic, bytes_view(&text), 0,
                             false) != STATUS_OK)
        log_at(LOG_DEBUG, "live_dropped", LOG_TEXT("device", device));
    bytes_free(&text);
}

void courier_stats(struct courier *courier, struct courier_stats *stats)
{
    struct outbox_figures figures;

    outbox_figures(courier->outbox, &figures);
    pthread_mutex_lock(&courier->lock);
    *stats = courier->stats;
    stats->in_flight = courier->flights.count;
    stats->linked = courier->linked;
    stats->held = courier->state.full;
    pthread_mutex_unlock(&courier->lock);
    stats->kept = figures.kept;
    stats->kept_bytes = figures.kept_bytes;
    stats->oldest_at_ms = figures.oldest_at_ms;
}

/* ---- opening and closing ------------------------------------------------- */

static enum status outbox_start(struct courier *courier)
{
    const struct outbox_config *config = &courier->options.config->outbox;
    const struct outbox_options options = {
        .folder = config->folder,
        .quota_bytes = (uint64_t)config->quota_mb << 20,
        .dedup_days = (int)config->dedup_days,
        .now_ms = courier_wall_ms(courier),
    };
    struct outbox_opening opening = {.reason = ""};
    struct outbox_figures figures;
    enum status status = outbox_open(&options, &opening, &courier->outbox);

    if (opening.set_aside[0] != 0)
        log_at(LOG_ERROR, "outbox_set_aside",
               LOG_TEXT("folder", opening.set_aside),
               LOG_TEXT("reason", opening.reason));
    if (status != STATUS_OK) {
        log_at(LOG_ERROR, "outbox_not_opened",
               LOG_TEXT("folder", config->folder),
               LOG_TEXT("reason", status_text(status)));
        return status;
    }
    outbox_figures(courier->outbox, &figures);
    log_at(LOG_INFO, "outbox_open", LOG_TEXT("folder", config->folder),
           LOG_NUMBER("kept", figures.kept),
           LOG_NUMBER("rejected", figures.rejected));
    return STATUS_OK;
}

static enum status control_start(struct courier *courier)
{
    const struct broker_config *broker = &courier->options.config->broker;
    struct mqtt_options options =
        broker_mqtt_options(broker, broker->client_id);
    const struct mqtt_control_events events = {courier_arrived, courier_linked,
                                               courier};
    char receipts[sizeof courier->receipt + 1];
    const char *const filters[] = {receipts, courier->state_topic};

    snprintf(receipts, sizeof receipts, "%s+", courier->receipt);
    options.receive_maximum = 1000;
    options.will_topic = courier->status_topic;
    options.will = span_text("{\"online\":false}");
    return mqtt_control_open(&options, filters, 2, &events, &courier->control);
}

static void topics_write(struct courier *courier)
{
    const char *site = courier->options.config->site;
    const char *class = courier->options.class;

    snprintf(courier->prefix, sizeof courier->prefix, "sampan/v1/%s/%s/", site,
             class);
    snprintf(courier->receipt, sizeof courier->receipt,
             "sampan/v1/%s/receipt/%s/", site, class);
    snprintf(courier->state_topic, sizeof courier->state_topic,
             "sampan/v1/%s/bridge/state", site);
    snprintf(courier->status_topic, sizeof courier->status_topic, "%s%s/status",
             courier->prefix, courier->options.config->name);
}

static void waiting_init(struct courier *courier)
{
    pthread_condattr_t steady;

    pthread_mutex_init(&courier->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&courier->changed, &steady);
    pthread_condattr_destroy(&steady);
}

static void courier_free(struct courier *courier)
{
    mqtt_control_close(courier->control);
    outbox_close(courier->outbox);
    flights_free(&courier->flights);
    bytes_free(&courier->content);
    bytes_free(&courier->message);
    free(courier->devices);
    pthread_cond_destroy(&courier->changed);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}

enum status courier_open(const struct courier_options *options,
                         struct courier **courier)
{
    struct courier *fresh = calloc(1, sizeof *fresh);
    enum status status;

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->options = *options;
    waiting_init(fresh);
    topics_write(fresh);
    status = flights_make(&fresh->flights, options->config->outbox.in_flight);
    if (status == STATUS_OK)
        status = outbox_start(fresh);
    if (status == STATUS_OK)
        status = control_start(fresh);
    if (status == STATUS_OK &&
        pthread_create(&fresh->thread, NULL, courier_send, fresh) != 0)
        status = STATUS_NOMEM;
    if (status != STATUS_OK) {
        courier_free(fresh);
        return status;
    }
    courier_status_begin(fresh);
    *courier = fresh;
    return STATUS_OK;
}

void courier_close(struct courier *courier)
{
    if (courier == NULL)
        return;
    pthread_mutex_lock(&courier->lock);
    courier->closing = true;
    pthread_cond_signal(&courier->changed);
    pthread_mutex_unlock(&courier->lock);
    pthread_join(courier->thread, NULL);
    courier_status_end(courier);
    courier_free(courier);
}
