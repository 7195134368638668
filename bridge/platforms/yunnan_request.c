#include "yunnan.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "picture.h"

/* What render works with, in one place. */
struct rendering {
    const struct destination_config *destination;
    const struct yunnan_keys *keys;
    const struct session *session;
    struct span facts;
    const struct lookup *lookup;
    struct request *request;
};

/* ---- bodies before the envelope ----------------------------------------- */

static enum status dump_object(json_t *object, struct bytes *plain)
{
    enum status status = object ? fields_dump(object, plain) : STATUS_NOMEM;

    json_decref(object);
    return status;
}

/* 6.1: the only call in clear. */
static enum status write_init_auth(const struct rendering *r,
                                   struct bytes *plain)
{
    struct bytes key = BYTES_EMPTY;
    enum status status = rsa_key_public_base64(r->keys->own, &key);

    if (status == STATUS_OK)
        status = dump_object(json_pack("{s:s, s:s, s:s}", "enterpriseId",
                                       r->destination->yunnan.enterprise_id,
                                       "enterpriseName",
                                       r->destination->yunnan.enterprise_name,
                                       "publicKey", bytes_text(&key)),
                             plain);
    bytes_free(&key);
    return status;
}

/* 6.2 */
static enum status write_get_token(const struct rendering *r,
                                   struct bytes *plain)
{
    return dump_object(json_pack("{s:s, s:s}", "apiKey",
                                 bytes_text(&r->keys->api_key), "apiSecret",
                                 bytes_text(&r->keys->api_secret)),
                       plain);
}

/* 6.5 */
static enum status write_heartbeat(const struct rendering *r,
                                   struct bytes *plain)
{
    return dump_object(json_pack("{s:s}", "enterpriseId",
                                 r->destination->yunnan.enterprise_id),
                       plain);
}

/* Facts are the record but for its pictures; without references they go as
 * they are. */
static enum status write_record(const struct rendering *r, struct bytes *plain)
{
    json_t *record;
    enum status status;

    if (r->facts.len && !memmem(r->facts.data, r->facts.len, "\"$event\"", 8))
        return bytes_append(plain, r->facts);
    record = call_json(r->facts);
    if (!json_is_object(record)) {
        snprintf(r->request->words, sizeof r->request->words,
                 "the stored facts are no JSON object");
        json_decref(record);
        return STATUS_FORMAT;
    }
    status = picture_write_record(record, r->lookup, PICTURE_DATA_URI, plain,
                                  r->request->words);
    json_decref(record);
    return status;
}

static enum status (*const writers[])(const struct rendering *,
                                      struct bytes *) = {
    [YUNNAN_INIT_AUTH] = write_init_auth,
    [YUNNAN_GET_TOKEN] = write_get_token,
    [YUNNAN_HEARTBEAT] = write_heartbeat,
    [YUNNAN_RECORD] = write_record,
};

/* ---- headers (4.2) ------------------------------------------------------ */

/*
 * "All requests carry both" cannot hold before there is a token: /init-auth
 * carries neither, /getToken X-Client-Id.  4.2 calls the client's number
 * appKey, 6.1 apiKey: it is one value.
 */
static enum status write_headers(const struct rendering *r,
                                 enum yunnan_kind kind)
{
    struct bytes bearer = BYTES_EMPTY;
    enum status status = STATUS_OK;

    if (kind != YUNNAN_INIT_AUTH)
        status = call_header(r->request, "X-Client-Id",
                             bytes_view(&r->keys->api_key));
    if (status == STATUS_OK && kind != YUNNAN_INIT_AUTH &&
        kind != YUNNAN_GET_TOKEN) {
        status =
            bytes_print(&bearer, "Bearer %s", bytes_text(&r->session->token));
        if (status == STATUS_OK)
            status =
                call_header(r->request, "Authorization", bytes_view(&bearer));
    }
    bytes_wipe(&bearer);
    return status;
}

/* What kind needs and the session lacks, or NULL. */
static const char *lacking(const struct session *session, enum yunnan_kind kind)
{
    const struct yunnan_keys *keys = session->keys;

    if (!keys)
        return "the keys are not loaded";
    if (kind == YUNNAN_INIT_AUTH)
        return NULL;
    if (!keys->platform || !keys->api_key.len || !keys->api_secret.len)
        return "not registered: apiKey, apiSecret or the platform's key is "
               "not there";
    if (kind != YUNNAN_GET_TOKEN && !session->token.len)
        return "there is no token";
    return NULL;
}

/* ---- render ------------------------------------------------------------- */

static enum status write_body(const struct rendering *r, enum yunnan_kind kind)
{
    const struct envelope_keys keys =
        yunnan_envelope_keys(r->destination, r->keys);
    struct bytes plain = BYTES_EMPTY;
    enum status status = writers[kind](r, &plain);

    if (status != STATUS_OK)
        goto out;
    if (kind == YUNNAN_INIT_AUTH)
        bytes_move(&r->request->body, &plain);
    else
        status = envelope_seal(&keys, bytes_view(&plain), &r->request->body);
out:
    bytes_wipe(&plain); /* may hold apiSecret */
    return status;
}

enum status yunnan_render(const struct destination_config *destination,
                          const struct interface *interface,
                          const struct session *session, struct span facts,
                          const struct lookup *lookup, int64_t now_ms,
                          struct request *request)
{
    const struct yunnan_detail *detail = interface->detail;
    const struct rendering r = {destination, session->keys, session,
                                facts,       lookup,        request};
    const char *lack = lacking(session, detail->kind);
    enum status status;

    (void)now_ms;
    if (lack) {
        snprintf(request->words, sizeof request->words, "%s", lack);
        return STATUS_MISSING;
    }
    if ((status = call_url(destination, interface, &request->url)) != STATUS_OK)
        return status;
    request->content_type = "application/json";
    if ((status = write_headers(&r, detail->kind)) != STATUS_OK)
        return status;
    return write_body(&r, detail->kind);
}
