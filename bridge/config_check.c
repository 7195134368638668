#include "config_parts.h"

#include <stdio.h>
#include <string.h>

/* ---- top level --------------------------------------------------------- */

static void check_broker(const struct checking *checking)
{
    const struct intake_config *broker = &checking->config->broker;
    uint64_t pending_kb = (uint64_t)broker->pending_mb * 1024;

    broker_config_check(checking->settings, "broker", &broker->link);
    if (pending_kb < 2 * (uint64_t)checking->config->payload_limit_kb)
        WRONG(checking, "broker", "pending_mb",
              "%u MB do not hold two messages of payload_limit_kb (%u); "
              "allowed: %u and more",
              broker->pending_mb, checking->config->payload_limit_kb,
              (checking->config->payload_limit_kb + 511) / 512);
}

static void check_limits(const struct checking *checking)
{
    const struct config *config = checking->config;

    if (config->picture_limit_kb > config->payload_limit_kb)
        WRONG(checking, "", "picture_limit_kb",
              "is above payload_limit_kb (%u), which holds the picture; "
              "allowed: at most that",
              config->payload_limit_kb);
}

static void check_uplink(const struct checking *checking, const char *path,
                         const struct uplink_config *uplink)
{
    for (unsigned i = 1; i < uplink->resend_after_count; i++)
        if (uplink->resend_after_s[i] != 0 && /* 0: said already */
            uplink->resend_after_s[i] <= uplink->resend_after_s[i - 1]) {
            WRONG(checking, path, "resend_after_s",
                  "does not ascend; allowed: each wait longer than the last");
            break;
        }
    if (uplink->round_max_s < uplink->round_s)
        WRONG(checking, path, "round_max_s",
              "is below round_s (%u); allowed: at least that", uplink->round_s);
}

/* ---- destinations ------------------------------------------------------ */

static void check_tls(const struct checking *checking, const char *path,
                      const struct destination_config *destination)
{
    bool https = strncmp(destination->base_url, "https://", 8) == 0;

    settings_check_pair(checking->settings, path, destination->cert_file,
                        destination->key_file);
    if (!https && destination->ca_file[0] != 0)
        WRONG(checking, path, "ca_file",
              "is given but base_url is no https address; allowed: with "
              "https only");
    if (!https && destination->cert_file[0] != 0)
        WRONG(checking, path, "cert_file",
              "is given but base_url is no https address; allowed: with "
              "https only");
    if (https && !destination->verify_server)
        settings_warn(checking->settings, path, "verify_server",
                      "false believes whoever answers; only for a test");
}

static void check_paths(const struct checking *checking, const char *path,
                        const struct destination_config *destination)
{
    for (unsigned i = 1; i < destination->path_count; i++)
        for (unsigned k = 0; k < i; k++)
            if (strcmp(destination->paths[i].interface,
                       destination->paths[k].interface) == 0) {
                char below[CONFIG_PATH_MAX + 24];

                snprintf(below, sizeof below, "%s.paths[%u]", path, i);
                WRONG(checking, below, "interface",
                      "\"%s\" is given in paths[%u] already; allowed: once",
                      destination->paths[i].interface, k);
                break;
            }
}

static void check_destination(const struct checking *checking, unsigned index)
{
    const struct config *config = checking->config;
    const struct destination_config *destination = &config->destinations[index];
    char path[CONFIG_PATH_MAX];
    char below[CONFIG_PATH_MAX + 8];

    snprintf(path, sizeof path, "destinations[%u]", index);
    snprintf(below, sizeof below, "%s.uplink", path);
    for (unsigned i = 0; i < index; i++)
        if (strcmp(destination->name, config->destinations[i].name) == 0)
            WRONG(checking, path, "name",
                  "\"%s\" is the name of destinations[%u] too; allowed: "
                  "unique names",
                  destination->name, i);
    check_tls(checking, path, destination);
    check_paths(checking, path, destination);
    if (settings_given(checking->settings, path, "uplink"))
        check_uplink(checking, below, &destination->uplink);
    config_check_platform(checking, destination, path);
}

/* ---- routes ------------------------------------------------------------ */

static size_t level_len(const char *filter)
{
    return strcspn(filter, "/");
}

static bool level_is(const char *filter, char wildcard)
{
    return level_len(filter) == 1 && filter[0] == wildcard;
}

/* Is there a topic that both filters match? */
static bool filters_overlap(const char *a, const char *b)
{
    for (;;) {
        size_t a_len = level_len(a);
        size_t b_len = level_len(b);

        if (level_is(a, '#') || level_is(b, '#'))
            return true;
        if (!level_is(a, '+') && !level_is(b, '+') &&
            (a_len != b_len || memcmp(a, b, a_len) != 0))
            return false;
        a += a_len;
        b += b_len;
        if (*a == 0 || *b == 0) /* "a/#" matches "a" too */
            return strcmp(a, b) == 0 || strcmp(a, "/#") == 0 ||
                   strcmp(b, "/#") == 0;
        a++;
        b++;
    }
}

static void check_route_target(const struct checking *checking,
                               const char *path,
                               const struct route_config *route)
{
    const struct destination_config *destination =
        config_destination(checking->config, route->destination);

    if (route->destination[0] == 0)
        return; /* said already */
    if (destination == NULL)
        WRONG(checking, path, "destination",
              "\"%s\" is no destination's name; allowed: a name from "
              "destinations",
              route->destination);
    else if (strcmp(destination->platform, "generic") != 0)
        WRONG(checking, path, "destination",
              "\"%s\" is of platform %s; allowed: one of platform generic",
              route->destination, destination->platform);
}

static void check_route_payload(const struct checking *checking,
                                const char *path,
                                const struct route_config *route)
{
    if (route->json)
        return;
    if (route->event_id[0] != 0)
        WRONG(checking, path, "event_id",
              "points into JSON but json is false; allowed: with json only");
    if (route->event_time[0] != 0)
        WRONG(checking, path, "event_time",
              "points into JSON but json is false; allowed: with json only");
}

static void check_route(const struct checking *checking, unsigned index)
{
    const struct config *config = checking->config;
    const struct route_config *route = &config->routes[index];
    char path[CONFIG_PATH_MAX];
    char ours[CONFIG_PATH_MAX];

    snprintf(path, sizeof path, "routes[%u]", index);
    snprintf(ours, sizeof ours, "sampan/v1/%.40s/#", config->site);
    if (route->filter[0] != 0 && filters_overlap(route->filter, ours))
        WRONG(checking, path, "filter",
              "\"%s\" takes the bridge's own topics %s in; allowed: filters "
              "beside them",
              route->filter, ours);
    for (unsigned i = 0; i < index; i++)
        if (route->filter[0] != 0 &&
            strcmp(route->filter, config->routes[i].filter) == 0 &&
            strcmp(route->destination, config->routes[i].destination) == 0)
            WRONG(checking, path, "filter",
                  "\"%s\" goes to %s in routes[%u] already; allowed: once",
                  route->filter, route->destination, i);
    check_route_target(checking, path, route);
    check_route_payload(checking, path, route);
}

void config_check(const struct checking *checking)
{
    const struct config *config = checking->config;

    check_broker(checking);
    check_limits(checking);
    check_uplink(checking, "uplink", &config->uplink);
    for (unsigned i = 0; i < config->destination_count; i++)
        check_destination(checking, i);
    for (unsigned i = 0; i < config->route_count; i++)
        check_route(checking, i);
    config_check_lanes(checking);
}
