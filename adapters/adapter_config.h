/*
 * adapter_config.h - the settings that every adapter has, as its YAML file
 * gives them; an adapter's own struct begins with this one.
 *
 *     site: plant-1
 *     log_level: info
 *     broker: {host: 127.0.0.1, username: cameras, password_file: ...}
 *     outbox: {folder: /var/lib/sampan/camera, quota_mb: 2048}
 */
#ifndef SAMPAN_ADAPTER_CONFIG_H
#define SAMPAN_ADAPTER_CONFIG_H

#include "broker_config.h"
#include "settings.h"

struct outbox_config {
    const char *folder;
    uint32_t quota_mb;   /* events kept until their receipt, at most: 2048 */
    uint32_t in_flight;  /* unreceipted at a time: 16 */
    uint32_t resend_s;   /* without a receipt: 30 */
    uint32_t dedup_days; /* 40 */
};

struct adapter_config {
    const char *site;
    const char *log_level;
    const char *name; /* this adapter's own, below its class, for its status */
    struct broker_config broker;
    struct outbox_config outbox;
};

/*
 * The rows of these, to be put first in an adapter's own table:
 *
 *     struct camera_config { struct adapter_config adapter; ... };
 *     #define SETTINGS_STRUCT struct camera_config
 *     static const struct settings_row rows[] = {
 *         ADAPTER_CONFIG_ROWS,
 *         SETTINGS_GROUPS_ROW(cameras, camera_count, 200, &camera_group,
 * "..."),
 *     };
 */
extern const struct settings_group broker_config_group;
extern const struct settings_group outbox_config_group;
extern const struct settings_word adapter_log_levels[];

#define ADAPTER_CONFIG_ROWS                                                    \
    {.key = "site",                                                            \
     .type = SETTINGS_TEXT,                                                    \
     .initial = NULL,                                                          \
     .offset = SETTINGS_AT(const char *, adapter.site),                        \
     .form = &settings_form_site,                                              \
     .help =                                                                   \
         "the factory's name in every topic, as in the bridge's settings"},    \
        {.key = "name",                                                        \
         .type = SETTINGS_TEXT,                                                \
         .initial = "",                                                        \
         .offset = SETTINGS_AT(const char *, adapter.name),                    \
         .form = &settings_form_device,                                        \
         .help =                                                               \
             "this adapter's own id for its status; none: broker.username"},   \
        {.key = "log_level",                                                   \
         .type = SETTINGS_TEXT,                                                \
         .initial = "info",                                                    \
         .offset = SETTINGS_AT(const char *, adapter.log_level),               \
         .words = adapter_log_levels,                                          \
         .help = "how much is logged"},                                        \
        {.key = "broker",                                                      \
         .type = SETTINGS_GROUP,                                               \
         .initial = "",                                                        \
         .offset = offsetof(SETTINGS_STRUCT, adapter.broker),                  \
         .group = &broker_config_group,                                        \
         .help = "the MQTT broker"},                                           \
    {                                                                          \
        .key = "outbox", .type = SETTINGS_GROUP, .initial = "",                \
        .offset = offsetof(SETTINGS_STRUCT, adapter.outbox),                   \
        .group = &outbox_config_group,                                         \
        .help = "what is kept until the bridge has it"                         \
    }

/* After loading: what is not given and can be derived (name, client_id); what
 * does not fit together becomes a mistake. */
void adapter_config_complete(struct settings *settings, const char *class,
                             struct adapter_config *config);

#endif
