#include "lanes.h"

#include <string.h>

#include "clock.h"

/* A device whose clock was never set (2024-01-01), or runs ahead. */
#define PLAUSIBLE_FROM_MS (INT64_C(1704067200) * SECOND_MS)

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text != NULL ? text : "";
}

const struct lane_config *lane_named(const struct config *config,
                                     const char *name)
{
    for (unsigned i = 0; i < config->lane_count; i++)
        if (same(config->lanes[i].name, name))
            return &config->lanes[i];
    return NULL;
}

static bool lane_has_camera(const struct lane_config *lane, const char *device)
{
    return same(lane->head_camera, device) || same(lane->body_camera, device);
}

/* May the lane be meant?  A device that names a lane means that one. */
static bool lane_meant(const struct lane_config *lane,
                       const struct config *config, const json_t *json)
{
    const char *named = text_of(json, "lane");

    return same(lane->name, named) || lane_named(config, named) == NULL;
}

const struct lane_config *lane_of_capture(const struct config *config,
                                          const struct message *message)
{
    for (unsigned i = 0; i < config->lane_count; i++)
        if (lane_has_camera(&config->lanes[i], message->device) &&
            lane_meant(&config->lanes[i], config, message->json))
            return &config->lanes[i];
    return NULL;
}

const struct lane_config *lane_of_weight(const struct config *config,
                                         const struct message *message,
                                         unsigned *at)
{
    while (*at < config->lane_count) {
        const struct lane_config *lane = &config->lanes[(*at)++];

        if (lane->weighing != WEIGHING_NONE &&
            same(lane->weighbridge, message->device) &&
            lane_meant(lane, config, message->json))
            return lane;
    }
    return NULL;
}

bool lane_wants(const struct config *config, const struct message *message)
{
    unsigned at = 0;

    if (message->class == MESSAGE_CAPTURE)
        return lane_of_capture(config, message) != NULL;
    return lane_of_weight(config, message, &at) != NULL;
}

int64_t lane_instant(const struct message *message)
{
    if (message->received_at_ms < PLAUSIBLE_FROM_MS)
        return message->event_at_ms; /* it is our own that was never set */
    if (message->event_at_ms < PLAUSIBLE_FROM_MS ||
        message->event_at_ms > message->received_at_ms + DAY_MS)
        return message->received_at_ms;
    return message->event_at_ms;
}
