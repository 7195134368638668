#include "yunnan.h"

#include <stdio.h>
#include <stdlib.h>

/* 6.5: 15 minutes advised, 30 at most; after 30 the platform warns, after 60
 * the enterprise is offline. */
#define HEARTBEAT_MS (15 * MINUTE_MS)

/*
 * Clause 4.1 lists other paths for 6.11 (carDate) and 6.14 (exceedVehicle);
 * the clause that defines the body is followed.  base_url ends in
 * /access/api/dataReceive.
 */
/* clang-format off */
static const struct interface interfaces[] = {
    /* clause  name                   path                   role            order       every_ms      once */
    { "6.1",  "init-auth",            "init-auth",           ROLE_SESSION,   ORDER_NONE, 0,            true,  &yunnan_init_auth },
    { "6.2",  "getToken",             "getToken",            ROLE_SESSION,   ORDER_NONE, 0,            false, &yunnan_get_token },
    { "6.3",  "enterprise",           "enterprise",          ROLE_RECORD,    ORDER_NONE, 0,            false, &yunnan_enterprise },
    { "6.4",  "cameraInfo",           "cameraInfo",          ROLE_RECORD,    ORDER_NONE, 0,            false, &yunnan_camera },
    { "6.5",  "heartBeat",            "heartBeat",           ROLE_HEARTBEAT, ORDER_NONE, HEARTBEAT_MS, false, &yunnan_heartbeat },
    { "6.11", "vehicleInfo",          "vehicleInfo",         ROLE_RECORD,    ORDER_NONE, 0,            false, &yunnan_vehicle },
    { "6.12", "nonMachinery",         "nonMachinery",        ROLE_RECORD,    ORDER_NONE, 0,            false, &yunnan_machinery },
    { "6.13", "vehicleAccess",        "vehicleAccess",       ROLE_RECORD,    ORDER_KEY,  0,            false, &yunnan_access },
    { "6.14", "exceedVehicleConfirm", "exceedVehicleConfirm", ROLE_RECORD,   ORDER_NONE, 0,            false, &yunnan_exceed_confirm },
};
/* clang-format on */

/* ---- keys and credentials ----------------------------------------------- */

static void keys_free(struct yunnan_keys *keys)
{
    if (!keys)
        return;
    rsa_key_free(keys->own);
    rsa_key_free(keys->platform);
    bytes_wipe(&keys->api_key);
    bytes_wipe(&keys->api_secret);
    free(keys);
}

static void release(struct session *session)
{
    keys_free(session->keys);
    session->keys = NULL;
}

/* A file often ends in a line break that is no part of the secret. */
static struct span trimmed(struct span text)
{
    while (text.len && text.data[text.len - 1] <= ' ')
        text.len--;
    while (text.len && text.data[0] <= ' ')
        text = span_of(text.data + 1, text.len - 1);
    return text;
}

/* What the settings import, else what /init-auth issued. */
static struct span credential(const struct bytes *setting,
                              const struct session *session, const char *name)
{
    const json_t *issued = json_object_get(session->credentials, name);

    if (setting->len)
        return trimmed(bytes_view(setting));
    return span_of(json_string_value(issued), json_string_length(issued));
}

static enum status load_key(struct span text, bool private_key,
                            const char *what, struct rsa_key **key,
                            char words[static 256])
{
    enum status status = rsa_key_read(text, private_key, key);

    if (status != STATUS_OK)
        snprintf(words, 256, "%s is no RSA key of 2048 bits or more: %s", what,
                 status_text(status));
    return status;
}

static enum status prepare(const struct destination_config *destination,
                           struct session *session, char words[static 256])
{
    const struct yunnan_config *set = &destination->yunnan;
    const struct span own =
        bytes_view(set->own_key.len ? &set->own_key : &session->own_key_pem);
    const struct span platform =
        credential(&set->platform_key, session, "platformKey");
    struct yunnan_keys *keys = calloc(1, sizeof *keys);
    enum status status = STATUS_NOMEM;

    if (!keys)
        goto out;
    if (!own.len) {
        snprintf(words, 256,
                 "there is no private key: own_key_file is not "
                 "set and none was made");
        status = STATUS_MISSING;
        goto out;
    }
    status = load_key(own, true, "our private key", &keys->own, words);
    if (status != STATUS_OK)
        goto out;
    if (platform.len &&
        (status = load_key(platform, false, "the platform's public key",
                           &keys->platform, words)) != STATUS_OK)
        goto out;
    status = bytes_copy(&keys->api_key,
                        credential(&set->api_key, session, "apiKey"));
    if (status == STATUS_OK)
        status = bytes_copy(&keys->api_secret,
                            credential(&set->api_secret, session, "apiSecret"));
    if (status != STATUS_OK)
        goto out;
    release(session);
    session->keys = keys;
    keys = NULL;
out:
    keys_free(keys);
    return status;
}

struct envelope_keys
yunnan_envelope_keys(const struct destination_config *destination,
                     const struct yunnan_keys *keys)
{
    const struct yunnan_config *set = &destination->yunnan;

    return (struct envelope_keys){
        .own = keys->own,
        .platform = keys->platform,
        .over = set->signature_over == SIGNATURE_OVER_CONTENT
                    ? ENVELOPE_OVER_CONTENT
                    : ENVELOPE_OVER_KEY_AND_CONTENT,
        .form = set->signature_form == SIGNATURE_FORM_BASE64
                    ? ENVELOPE_FORM_BASE64
                    : ENVELOPE_FORM_RAW,
    };
}

/* ---- the session -------------------------------------------------------- */

static bool registered(const struct yunnan_keys *keys)
{
    return keys->platform && keys->api_key.len && keys->api_secret.len;
}

/* 80 % of the token's life are over, or the clock was set back behind its
 * making and says nothing about its age. */
static bool token_ages(const struct session *session, int64_t now_ms)
{
    const int64_t made_at_ms = session->token_made_at_ms;
    const int64_t life_ms = session->token_expires_at_ms - made_at_ms;

    return now_ms < made_at_ms || now_ms >= made_at_ms + life_ms / 10 * 8;
}

static const struct interface *due(const struct destination_config *destination,
                                   const struct session *session,
                                   int64_t now_ms, bool *blocks)
{
    const struct yunnan_keys *keys = session->keys;

    (void)destination;
    *blocks = true;
    if (keys && !registered(keys))
        return yunnan_interface("init-auth");
    /* Without keys this call fails with words, and no record goes. */
    if (!keys || !session->token.len || now_ms >= session->token_expires_at_ms)
        return yunnan_interface("getToken");
    *blocks = false;
    return token_ages(session, now_ms) ? yunnan_interface("getToken") : NULL;
}

const struct platform platform_yunnan = {
    .name = "yunnan",
    .interfaces = interfaces,
    .interface_count = sizeof interfaces / sizeof *interfaces,
    .prepare = prepare,
    .release = release,
    .due = due,
    .passage = yunnan_passage,
    .make = yunnan_make,
    .render = yunnan_render,
    .judge = yunnan_judge,
};

const struct interface *yunnan_interface(const char *name)
{
    return platform_interface(&platform_yunnan, name);
}
