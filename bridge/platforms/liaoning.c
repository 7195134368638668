#include "liaoning.h"

#include <string.h>

#include "clock.h"

static const struct energy_family family = {
    .platform = &platform_liaoning,
    .id_name = "deviceId",
    .equipment_in_two = false,
};

/* clang-format off */
static const struct energy_detail
    registration = { &family, ENERGY_REGISTER, NULL },
    version      = { &family, ENERGY_VERSION,  "loadDicVersionURL" },
    config       = { &family, ENERGY_CONFIG,   "centerInfoURL" },
    data         = { &family, ENERGY_DATA,     "centerDataURL" };

/* A.1 registers at the platform's address itself; the other paths count only
 * until registration has told the addresses. */
static const struct interface interfaces[] = {
    { "6.2.1", "register",         "",                 ROLE_SESSION, ORDER_NONE,          0,      false, &registration },
    { "6.2.3", "versionCheck",     "versionCheck",     ROLE_SESSION, ORDER_NONE,          DAY_MS, false, &version },
    { "6.2.4", "uploadConfigData", "uploadConfigData", ROLE_SESSION, ORDER_NONE,          0,      false, &config },
    { "6.2.5", "uploadEnergyData", "uploadEnergyData", ROLE_RECORD,  ORDER_AFTER_SETTLED, 0,      false, &data },
};
/* clang-format on */

/* Never registered, or for somebody else, or elsewhere, or the registration
 * service has changed since (6.2.3). */
static bool must_register(const struct destination_config *destination,
                          const struct energy_family *of,
                          const struct session *session)
{
    const json_t *credentials = session->credentials;
    const char *seen = fields_text(credentials, "regVersionSeen");

    return session->redo || !*fields_text(credentials, of->id_name) ||
           strcmp(fields_text(credentials, "enterpriseCode"),
                  destination->energy.enterprise_code) != 0 ||
           strcmp(fields_text(credentials, "registeredAt"),
                  destination->base_url) != 0 ||
           (*seen && strcmp(fields_text(credentials, "regVersion"), seen) != 0);
}

/* Whether the configuration is another than the platform has.  One that was
 * refused waits for a change, or for tomorrow's version check. */
static bool must_configure(const struct session *session, bool *first)
{
    const struct energy_keys *keys = session->keys;
    const json_t *credentials = session->credentials;

    *first = !json_object_get(credentials, "configDigest");
    if (!keys)
        return false;
    return *first || (strcmp(fields_text(credentials, "configDigest"),
                             keys->digest) != 0 &&
                      strcmp(fields_text(credentials, "configRefused"),
                             keys->digest) != 0);
}

const struct interface *energy_due(const struct energy_family *of,
                                   const struct destination_config *destination,
                                   const struct session *session,
                                   int64_t now_ms, bool *blocks)
{
    *blocks = true;
    if (must_register(destination, of, session))
        return platform_interface(of->platform, "register");
    /* Data nobody configured would be refused; a changed configuration can
     * follow behind the data. */
    if (must_configure(session, blocks))
        return platform_interface(of->platform, "uploadConfigData");
    *blocks = false;
    if (session->checked_at_ms == 0 || now_ms < session->checked_at_ms ||
        now_ms - session->checked_at_ms >= DAY_MS)
        return platform_interface(of->platform, "versionCheck");
    return NULL;
}

static const struct interface *due(const struct destination_config *destination,
                                   const struct session *session,
                                   int64_t now_ms, bool *blocks)
{
    return energy_due(&family, destination, session, now_ms, blocks);
}

const struct platform platform_liaoning = {
    .name = "liaoning",
    .interfaces = interfaces,
    .interface_count = sizeof interfaces / sizeof *interfaces,
    .prepare = energy_prepare,
    .release = energy_release,
    .due = due,
    .make = energy_make,
    .render = energy_render,
    .judge = energy_judge,
};
