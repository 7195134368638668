/*
 * config_parts.h - what the files of config share, and nobody else sees.
 *
 *   config_tables.c     the rows
 *   config_check.c      rules between keys: destinations, routes, limits
 *   config_lanes.c      rules of the gate lanes
 *   config_platforms.c  rules of each platform's own keys
 *   config_manual.c     docs/settings.md
 */
#ifndef SAMPAN_CONFIG_PARTS_H
#define SAMPAN_CONFIG_PARTS_H

#include "config.h"

#include "settings.h"

extern const struct settings_group config_group; /* struct config */
extern const struct settings_group config_uplink_group;
extern const struct settings_group config_yunnan_group;
extern const struct settings_group config_henan_group;
extern const struct settings_group config_energy_group;
extern const struct settings_group config_generic_group;

#define CONFIG_PATH_MAX 64

/* Where a rule stands: the values and the words they came from. */
struct checking {
    const struct config *config;
    struct settings *settings;
};

void config_check(const struct checking *checking);
void config_check_lanes(const struct checking *checking);
/* path: of the destination, "destinations[1]" */
void config_check_platform(const struct checking *checking,
                           const struct destination_config *destination,
                           const char *path);

/* A mistake of kind INVALID. */
#define WRONG(checking, path, key, ...)                                        \
    settings_mistake((checking)->settings, STATUS_INVALID, path, key,          \
                     __VA_ARGS__)

#endif
