#include "config_parts.h"

#include <stdio.h>
#include <string.h>

static bool given(const char *text)
{
    return text[0] != 0;
}

static bool same(const char *a, const char *b)
{
    return given(a) && strcmp(a, b) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_in_two_digits(const char *text)
{
    size_t len = strlen(text);

    return len >= 2 && is_digit(text[len - 1]) && is_digit(text[len - 2]);
}

/* Yunnan 6.12, 6.13: entrance "A", gate "A01". */
static void check_for_yunnan(const struct checking *checking, const char *path,
                             const struct lane_config *lane)
{
    if (!given(lane->entrance)) {
        WRONG(checking, path, "entrance",
              "is needed by a yunnan destination; allowed: one capital "
              "letter");
        return;
    }
    if (given(lane->gate) &&
        (strlen(lane->gate) != 3 || lane->gate[0] != lane->entrance[0] ||
         !ends_in_two_digits(lane->gate)))
        WRONG(checking, path, "gate",
              "\"%s\" does not suit a yunnan destination; allowed: entrance "
              "%s and two digits",
              lane->gate, lane->entrance);
}

/* Henan: the record number holds two digits of the gate. */
static void check_for_henan(const struct checking *checking, const char *path,
                            const struct lane_config *lane)
{
    if (given(lane->gate) && !ends_in_two_digits(lane->gate))
        WRONG(checking, path, "gate",
              "\"%s\" does not suit a henan destination; allowed: two digits "
              "at the end",
              lane->gate);
}

static bool tells(const struct checking *checking,
                  const struct lane_config *lane, const char *platform)
{
    for (unsigned i = 0; i < lane->destination_count; i++) {
        const struct destination_config *destination =
            config_destination(checking->config, lane->destinations[i]);

        if (destination != NULL && strcmp(destination->platform, platform) == 0)
            return true;
    }
    return false;
}

static bool is_gate_platform(const char *platform)
{
    return strcmp(platform, "yunnan") == 0 || strcmp(platform, "henan") == 0;
}

static void check_target(const struct checking *checking, const char *path,
                         const struct lane_config *lane, unsigned index)
{
    const char *name = lane->destinations[index];
    const struct destination_config *destination =
        config_destination(checking->config, name);
    char key[32];

    snprintf(key, sizeof key, "destinations[%u]", index);
    for (unsigned i = 0; i < index; i++)
        if (strcmp(name, lane->destinations[i]) == 0)
            WRONG(checking, path, key, "\"%s\" is named twice; allowed: once",
                  name);
    if (destination == NULL)
        WRONG(checking, path, key,
              "\"%s\" is no destination's name; allowed: a name from "
              "destinations",
              name);
    else if (given(destination->platform) &&
             !is_gate_platform(destination->platform))
        WRONG(checking, path, key,
              "\"%s\" is of platform %s; allowed: gate platforms (yunnan, "
              "henan)",
              name, destination->platform);
}

static void check_weighing(const struct checking *checking, const char *path,
                           const struct lane_config *lane)
{
    bool none = lane->weighing == WEIGHING_NONE;

    if (none && given(lane->weighbridge))
        WRONG(checking, path, "weighbridge",
              "is given but weighing is none; allowed: with another weighing");
    if (!none && !given(lane->weighbridge))
        WRONG(checking, path, "weighbridge",
              "must be given, since weighing is not none; allowed: a device "
              "id");
    if (!none && settings_given(checking->settings, path, "default_weight"))
        WRONG(checking, path, "default_weight",
              "is given but the cargo is weighed; allowed: with weighing "
              "none");
}

/* A picture must tell its lane, and at a scale in the lane so must a weight;
 * one scale may serve a lane in and a lane out. */
static void check_shared(const struct checking *checking, const char *path,
                         const struct lane_config *lane,
                         const struct lane_config *other, unsigned other_index)
{
    const char *cameras[] = {lane->head_camera, lane->body_camera};
    static const char *const keys[] = {"head_camera", "body_camera"};

    for (unsigned i = 0; i < 2; i++)
        if (same(cameras[i], other->head_camera) ||
            same(cameras[i], other->body_camera))
            WRONG(checking, path, keys[i],
                  "\"%s\" belongs to lanes[%u]; allowed: one lane a camera "
                  "(direction by_camera serves both ways)",
                  cameras[i], other_index);
    if (same(lane->weighbridge, other->weighbridge) &&
        lane->weighing == WEIGHING_LANE && other->weighing == WEIGHING_LANE &&
        (lane->direction == other->direction ||
         lane->direction == DIRECTION_BY_CAMERA ||
         other->direction == DIRECTION_BY_CAMERA))
        WRONG(checking, path, "weighbridge",
              "\"%s\" is the scale of lanes[%u] in the same direction; "
              "allowed: one lane a direction, or weighing yard",
              lane->weighbridge, other_index);
}

/* Henan chapters 5.2 and 8: photos of 10^6 bytes, records of 12 months. */
static void check_henan_limits(const struct checking *checking)
{
    const struct config *config = checking->config;

    for (unsigned i = 0; i < config->destination_count; i++) {
        if (strcmp(config->destinations[i].platform, "henan") != 0)
            continue;
        if (config->picture_limit_kb > 976)
            WRONG(checking, "", "picture_limit_kb",
                  "is above the 10^6 bytes that henan takes (%s); allowed: "
                  "at most 976",
                  config->destinations[i].name);
        if (config->store.keep_months < 13)
            settings_warn(checking->settings, "store", "keep_months",
                          "henan (%s) asks for twelve whole months, which "
                          "need 13",
                          config->destinations[i].name);
        return;
    }
}

void config_check_lanes(const struct checking *checking)
{
    const struct config *config = checking->config;
    char path[CONFIG_PATH_MAX];

    for (unsigned i = 0; i < config->lane_count; i++) {
        const struct lane_config *lane = &config->lanes[i];

        snprintf(path, sizeof path, "lanes[%u]", i);
        for (unsigned k = 0; k < i; k++) {
            if (same(lane->name, config->lanes[k].name))
                WRONG(checking, path, "name",
                      "\"%s\" is the name of lanes[%u] too; allowed: unique "
                      "names",
                      lane->name, k);
            check_shared(checking, path, lane, &config->lanes[k], k);
        }
        for (unsigned k = 0; k < lane->destination_count; k++)
            check_target(checking, path, lane, k);
        if (tells(checking, lane, "yunnan"))
            check_for_yunnan(checking, path, lane);
        if (tells(checking, lane, "henan"))
            check_for_henan(checking, path, lane);
        check_weighing(checking, path, lane);
    }
    check_henan_limits(checking);
}
