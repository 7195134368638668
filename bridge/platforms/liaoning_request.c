#include "liaoning.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "clock.h"

/* The settings' path, else the address that registration gave, else the
 * interface's own path. */
static enum status write_url(const struct destination_config *destination,
                             const struct interface *interface,
                             const struct session *session, struct bytes *url)
{
    const struct energy_detail *detail = interface->detail;
    const bool set = call_path(destination, interface) != interface->path;
    const char *given =
        detail->url_name ? fields_text(session->credentials, detail->url_name)
                         : "";

    if (*given && !set)
        return bytes_append_text(url, given);
    return call_url(destination, interface, url);
}

static bool put_text(json_t *body, const char *name, const char *text)
{
    return json_object_set_new(body, name, json_string(text ? text : "")) == 0;
}

static bool put_id(json_t *body, const struct energy_family *family,
                   const struct session *session)
{
    return put_text(body, family->id_name,
                    fields_text(session->credentials, family->id_name));
}

/* A.1 */
static json_t *registration_body(const struct energy_config *energy)
{
    json_t *body = json_object();

    if (body && put_text(body, "enterpriseCode", energy->enterprise_code) &&
        put_text(body, "enterpriseName", energy->enterprise_name) &&
        put_text(body, "region", energy->region) &&
        put_text(body, "regionName", energy->region_name))
        return body;
    json_decref(body);
    return NULL;
}

/* A.3 */
static json_t *version_body(const struct energy_family *family,
                            const struct session *session)
{
    json_t *body = json_object();

    if (body && put_id(body, family, session))
        return body;
    json_decref(body);
    return NULL;
}

/* A.4 */
static json_t *config_body(const struct energy_family *family,
                           const struct session *session)
{
    const struct energy_keys *keys = session->keys;
    json_t *body = json_object();

    if (body && put_id(body, family, session) &&
        json_object_update(body, keys->config) == 0)
        return body;
    json_decref(body);
    return NULL;
}

/* A.5: uploadDate is the time of this attempt. */
static json_t *data_body(const struct destination_config *destination,
                         const struct energy_family *family,
                         const struct session *session, json_t *facts,
                         int64_t now_ms)
{
    json_t *data = json_object_get(facts, "data");
    json_t *body = json_object();
    char now[CLOCK_TEXT_MAX];
    json_t *member;
    size_t i;

    clock_print_china(now_ms, now);
    json_array_foreach(data, i, member)
    {
        if (!put_text(member, "uploadDate", now)) {
            json_decref(body);
            return NULL;
        }
    }
    if (body && put_id(body, family, session) &&
        put_text(body, "enterpriseCode", destination->energy.enterprise_code) &&
        json_object_set(body, "data", data) == 0)
        return body;
    json_decref(body);
    return NULL;
}

/* What the session lacks for this call, NULL when nothing. */
static const char *lacks(const struct energy_detail *detail,
                         const struct session *session)
{
    if (detail->call != ENERGY_REGISTER &&
        !*fields_text(session->credentials, detail->family->id_name))
        return "the device is not registered yet";
    if (detail->call == ENERGY_CONFIG && !session->keys)
        return "the configuration is not prepared yet";
    return NULL;
}

static json_t *body_of(const struct destination_config *destination,
                       const struct energy_detail *detail,
                       const struct session *session, json_t *facts,
                       int64_t now_ms)
{
    switch (detail->call) {
    case ENERGY_REGISTER:
        return registration_body(&destination->energy);
    case ENERGY_VERSION:
        return version_body(detail->family, session);
    case ENERGY_CONFIG:
        return config_body(detail->family, session);
    case ENERGY_DATA:
        break;
    }
    return data_body(destination, detail->family, session, facts, now_ms);
}

enum status energy_render(const struct destination_config *destination,
                          const struct interface *interface,
                          const struct session *session, struct span facts,
                          const struct lookup *lookup, int64_t now_ms,
                          struct request *request)
{
    const struct energy_detail *detail = interface->detail;
    const char *lack = lacks(detail, session);
    json_t *content = NULL;
    json_t *body = NULL;
    enum status status;

    (void)lookup;
    *request = (struct request){.content_type = "application/json"};
    if (lack) {
        snprintf(request->words, sizeof request->words, "%s", lack);
        return STATUS_MISSING;
    }
    status = write_url(destination, interface, session, &request->url);
    if (status != STATUS_OK)
        return status;
    if (detail->call == ENERGY_DATA) {
        content = call_json(facts);
        if (!json_is_array(json_object_get(content, "data"))) {
            snprintf(request->words, sizeof request->words,
                     "the facts hold no data");
            status = STATUS_FORMAT;
            goto out;
        }
    }
    body = body_of(destination, detail, session, content, now_ms);
    status = body ? fields_dump(body, &request->body) : STATUS_NOMEM;
out:
    json_decref(body);
    json_decref(content);
    return status;
}
