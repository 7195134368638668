#include "adapter_config.h"

const struct settings_word adapter_log_levels[] = {
    {"error", 0}, {"warn", 0}, {"info", 0}, {"debug", 0}, {NULL, 0}};

/* clang-format off */
#define SETTINGS_STRUCT struct broker_config
static const struct settings_row broker_rows[] = {
    BROKER_CONFIG_ROWS(, "", "MQTT client id; none: sampan-CLASS-NAME"),
};
const struct settings_group broker_config_group = SETTINGS_GROUP_OF(broker_rows,
    "The connection to the MQTT broker.");

#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct outbox_config
static const struct settings_row outbox_rows[] = {
    SETTINGS_FILE_ROW(folder, NULL, SETTINGS_FILE_ANY, "where the events are kept; made when absent, of mode 0700; of this adapter alone"),
    SETTINGS_UNSIGNED_ROW(quota_mb, "2048", 16, 1048576, "size of what is kept, at most; above it nothing more is taken from the devices"),
    SETTINGS_UNSIGNED_ROW(in_flight, "16", 1, 1000, "events sent and not yet receipted, at most"),
    SETTINGS_UNSIGNED_ROW(resend_s, "30", 5, 3600, "an event without a receipt is sent again after this"),
    SETTINGS_UNSIGNED_ROW(dedup_days, "40", 1, 400, "days within which a repeated event is recognised"),
};
const struct settings_group outbox_config_group = SETTINGS_GROUP_OF(outbox_rows,
    "What the devices said and the bridge has not stored yet.");
/* clang-format on */

void adapter_config_complete(struct settings *settings, const char *class,
                             struct adapter_config *config)
{
    broker_config_check(settings, "broker", &config->broker);
    if (config->name[0] == 0 &&
        settings_form_holds(&settings_form_device, config->broker.username))
        config->name = config->broker.username;
    if (config->name[0] == 0)
        settings_mistake(settings, STATUS_MISSING, "", "name",
                         "must be given when broker.username cannot be used "
                         "for it; allowed: %s",
                         settings_form_device.words);
    if (config->broker.client_id[0] == 0)
        config->broker.client_id =
            settings_print(settings, "sampan-%s-%s", class, config->name);
}
