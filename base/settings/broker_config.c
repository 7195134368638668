#include "broker_config.h"

#include "settings.h"

const struct settings_form broker_config_client_id = {
    .characters = "a-zA-Z0-9_-",
    .least = 1,
    .most = 56,
    .words = "1 to 56 letters, digits, _ and -"};

void broker_config_check(struct settings *settings, const char *path,
                         const struct broker_config *broker)
{
    static const char only_tls[] =
        "is given but tls is false; allowed: with tls only";

    if (!broker->tls && broker->ca_file[0] != 0)
        settings_mistake(settings, STATUS_INVALID, path, "ca_file", only_tls);
    if (!broker->tls && broker->cert_file[0] != 0)
        settings_mistake(settings, STATUS_INVALID, path, "cert_file", only_tls);
    settings_check_pair(settings, path, broker->cert_file, broker->key_file);
    if (broker->username[0] == 0 && broker->password_file[0] != 0)
        settings_mistake(settings, STATUS_INVALID, path, "password_file",
                         "is given without username; allowed: both or "
                         "username alone");
}
