#include "config_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A destination's own group. */
struct own {
    const struct checking *checking;
    const struct destination_config *destination;
    char path[CONFIG_PATH_MAX + 16]; /* "destinations[1].yunnan" */
};

/* Keys that have a default only because other platforms lack them. */
static void need(const struct own *own, const struct settings_group *group,
                 const void *values, const char *const *keys)
{
    char because[40];

    snprintf(because, sizeof because, "for platform %.20s",
             own->destination->platform);
    for (; *keys != NULL; keys++)
        settings_need(own->checking->settings, group, own->path, values, *keys,
                      because);
}

static void check_yunnan(const struct own *own)
{
    static const char *const keys[] = {"enterprise_id", "enterprise_name",
                                       NULL};
    static const char *const issued[] = {"platform_key_file", "api_key_file",
                                         "api_secret_file"};
    const struct yunnan_config *yunnan = &own->destination->yunnan;

    need(own, &config_yunnan_group, yunnan, keys);
    if (yunnan->platform_key_file[0] == 0 && yunnan->api_key_file[0] == 0 &&
        yunnan->api_secret_file[0] == 0)
        return;
    for (size_t i = 0; i < sizeof issued / sizeof issued[0]; i++)
        settings_need(own->checking->settings, &config_yunnan_group, own->path,
                      yunnan, issued[i],
                      "with the other files that /init-auth issued");
}

static void check_henan(const struct own *own)
{
    static const char *const keys[] = {"organ",         "username",
                                       "password_file", "company_number",
                                       "company_name",  NULL};

    need(own, &config_henan_group, &own->destination->henan, keys);
}

static bool same_code(const struct energy_item_config *a,
                      const struct energy_item_config *b)
{
    return strcmp(a->process, b->process) == 0 &&
           strcmp(a->process_unit, b->process_unit) == 0 &&
           strcmp(a->equipment, b->equipment) == 0 &&
           strcmp(a->equipment_unit, b->equipment_unit) == 0 &&
           strcmp(a->energy_class, b->energy_class) == 0 &&
           strcmp(a->energy_type, b->energy_type) == 0 &&
           strcmp(a->usage, b->usage) == 0;
}

static void check_item(const struct own *own, unsigned index)
{
    const struct energy_item_config *items = own->destination->energy.items;
    const struct energy_item_config *item = &items[index];
    char path[CONFIG_PATH_MAX + 48];

    snprintf(path, sizeof path, "%s.items[%u]", own->path, index);
    for (unsigned i = 0; i < index; i++) {
        if (item->name[0] != 0 && strcmp(item->name, items[i].name) == 0)
            WRONG(own->checking, path, "name",
                  "\"%s\" is the name of items[%u] too; allowed: unique names",
                  item->name, i);
        if (item->energy_type[0] != 0 && same_code(item, &items[i]))
            WRONG(own->checking, path, "",
                  "its seven parts make the code of items[%u]; allowed: "
                  "unique codes",
                  i);
    }
    if ((item->value_min != 0 || item->value_max != 0) &&
        item->value_min >= item->value_max)
        WRONG(own->checking, path, "value_max",
              "is not above value_min (%.12g); allowed: a larger number, or "
              "both 0",
              item->value_min);
    if (item->gauge && item->rollover != 0)
        WRONG(own->checking, path, "rollover",
              "is given for a gauge; allowed: with gauge false");
}

static void check_energy(const struct own *own)
{
    const struct energy_config *energy = &own->destination->energy;
    static const char *const keys[] = {"enterprise_code", "enterprise_name",
                                       "region", "region_name", NULL};

    need(own, &config_energy_group, energy, keys);
    for (unsigned i = 0; i < energy->item_count; i++)
        check_item(own, i);
}

static void check_generic(const struct own *own)
{
    const struct generic_config *generic = &own->destination->generic;
    static const char *const keys[] = {"own_key_file", "platform_key_file"};

    for (size_t i = 0; i < 2; i++) {
        if (generic->sealed)
            settings_need(own->checking->settings, &config_generic_group,
                          own->path, generic, keys[i], "with sealed");
        else if (settings_given(own->checking->settings, own->path, keys[i]))
            WRONG(own->checking, own->path, keys[i],
                  "is given but sealed is false; allowed: with sealed");
    }
    for (unsigned i = 0; i < generic->header_count; i++) {
        char key[32];

        snprintf(key, sizeof key, "headers[%u]", i);
        if (strncasecmp(generic->headers[i], "Authorization:", 14) == 0)
            WRONG(own->checking, own->path, key,
                  "is a secret; allowed: in the file that header_file names");
    }
}

/* One row a platform: its own group, and the rules of it. */
static const struct {
    const char *platform;
    const char *group;
    void (*check)(const struct own *own);
} platforms[] = {
    {"yunnan", "yunnan", check_yunnan},
    {"henan", "henan", check_henan},
    {"liaoning", "energy", check_energy},
    {"generic", "generic", check_generic},
};

void config_check_platform(const struct checking *checking,
                           const struct destination_config *destination,
                           const char *path)
{
    struct own own = {.checking = checking, .destination = destination};
    bool known = false;

    for (size_t i = 0; i < sizeof platforms / sizeof platforms[0]; i++)
        known =
            known || strcmp(destination->platform, platforms[i].platform) == 0;
    for (size_t i = 0; known && i < sizeof platforms / sizeof platforms[0];
         i++) {
        if (strcmp(destination->platform, platforms[i].platform) == 0) {
            snprintf(own.path, sizeof own.path, "%s.%s", path,
                     platforms[i].group);
            platforms[i].check(&own);
        } else if (settings_given(checking->settings, path,
                                  platforms[i].group)) {
            WRONG(checking, path, platforms[i].group,
                  "is given but the platform is %s; allowed: with platform "
                  "%s",
                  destination->platform, platforms[i].platform);
        }
    }
}
