#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* What config_load gives away: the struct, and what it points to. */
struct loaded {
    struct config config; /* the first member: config_free goes back */
    struct settings *settings;
};

/* "/var/lib/sampan/store" -> "/var/lib/sampan/state" */
static void place_state(struct config *config, struct settings *settings)
{
    const char *folder = config->store.folder;
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    while (len > 0 && folder[len - 1] != '/')
        len--;
    if (config->state_folder[0] == 0)
        config->state_folder =
            settings_print(settings, "%.*sstate", (int)len, folder);
}

/* A destination's uplink: its own keys, and the top level's for the rest.
 * The list is in memory that settings holds and only this file may write. */
static void inherit_uplinks(struct config *config, struct settings *settings)
{
    struct destination_config *destinations =
        (struct destination_config *)config->destinations;
    char path[CONFIG_PATH_MAX];

    for (unsigned i = 0; i < config->destination_count; i++) {
        snprintf(path, sizeof path, "destinations[%u].uplink", i);
        settings_inherit(settings, &config_uplink_group, path,
                         &destinations[i].uplink, &config->uplink);
    }
}

enum status config_load(const char *path, struct bytes *words,
                        struct config **config)
{
    struct loaded *loaded = calloc(1, sizeof *loaded);
    struct checking checking;
    enum status status = STATUS_NOMEM;

    *config = NULL;
    if (loaded == NULL)
        goto out;
    status = settings_open(path, &config_group, &loaded->config, words,
                           &loaded->settings);
    if (status != STATUS_OK)
        goto out;
    place_state(&loaded->config, loaded->settings);
    inherit_uplinks(&loaded->config, loaded->settings);
    checking = (struct checking){&loaded->config, loaded->settings};
    config_check(&checking);
    status = settings_verdict(loaded->settings, words);
    if (status != STATUS_OK)
        goto out;
    *config = &loaded->config; /* the only line that gives it away */
    loaded = NULL;
out:
    if (loaded != NULL)
        config_free(&loaded->config);
    return status;
}

void config_free(struct config *config)
{
    struct loaded *loaded = (struct loaded *)config;

    if (loaded == NULL)
        return;
    settings_close(loaded->settings);
    free(loaded);
}

const struct destination_config *config_destination(const struct config *config,
                                                    const char *name)
{
    for (unsigned i = 0; i < config->destination_count; i++)
        if (strcmp(config->destinations[i].name, name) == 0)
            return &config->destinations[i];
    return NULL;
}
