#include "makers.h"

#include <string.h>
#include <strings.h>

#include "dahua.h"
#include "isapi.h"
#include "vz.h"

/* ---- where -------------------------------------------------------------- */

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);

    return strncmp(path, top, len) == 0 &&
           (path[len] == 0 || path[len] == '/' || top[len - 1] == '/');
}

bool maker_has_path(const struct listen_config *listen, int maker,
                    const char *path)
{
    if (maker == MAKER_DAHUA)
        return is_below(path, "/NotificationInfo");
    if (maker == MAKER_HIKVISION)
        return true;
    for (unsigned i = 0; maker == MAKER_VZ && i < listen->vz_path_count; i++)
        if (is_below(path, listen->vz_paths[i]))
            return true;
    return false;
}

/* ---- what --------------------------------------------------------------- */

#define TYPES_MAX 6

/* Firmware is careless with its type, and what is refused for it is lost: the
 * two at the end say nothing.  multipart is VZ's registration. */
static const struct {
    const char *words;
    const char *types[TYPES_MAX]; /* beginnings */
} taken[] = {
    [MAKER_VZ] = {"application/json (or text, a form for the registration)",
                  {"application/json", "text/", "multipart/form-data",
                   "application/x-www-form-urlencoded",
                   "application/octet-stream"}},
    [MAKER_HIKVISION] = {"multipart/form-data, multipart/mixed, text/xml, "
                         "application/xml",
                         {"multipart/", "text/", "application/xml",
                          "application/x-www-form-urlencoded",
                          "application/octet-stream"}},
    [MAKER_DAHUA] = {"application/json, text/xml, application/xml",
                     {"application/json", "text/", "application/xml",
                      "application/x-www-form-urlencoded",
                      "application/octet-stream"}},
};

bool maker_has_type(int maker, const char *content_type)
{
    if (content_type == NULL || content_type[0] == 0)
        return true;
    for (size_t i = 0; i < TYPES_MAX; i++) {
        const char *type = taken[maker].types[i];

        if (type != NULL && strncasecmp(content_type, type, strlen(type)) == 0)
            return true;
    }
    return false;
}

const char *maker_types(int maker)
{
    return taken[maker].words;
}

/* ---- how ---------------------------------------------------------------- */

bool maker_decode(const struct intake_message *message, size_t *at,
                  struct capture *capture, struct decode_fault *fault)
{
    const char *type = message->content_type;

    if (message->cameras[0]->maker == MAKER_HIKVISION)
        return isapi_decode_body(message->body, type, at, capture, fault);
    *at = message->body.len;
    if (message->cameras[0]->maker == MAKER_DAHUA)
        return dahua_itsapi_decode(message->path, message->body, type, capture,
                                   fault);
    if (message->path == NULL)
        return vz_mqtt_decode(message->body, capture, fault);
    return vz_decode(message->body, type, capture, fault);
}

/* ---- the answer --------------------------------------------------------- */

static enum status vz_reply(const struct capture *capture,
                            struct answer *answer)
{
    answer->type = "application/json";
    if (answer->code == 200)
        return vz_answer(capture, &answer->body);
    /* Without "retransfer_stop": it is to come again. */
    return bytes_append_text(&answer->body,
                             "{\"Response_AlarmInfoPlate\":{\"info\":\"no\"}}");
}

static enum status dahua_reply(const struct camera_config *camera,
                               struct answer *answer)
{
    if (answer->code != 200 || camera == NULL)
        return bytes_append_text(&answer->body, "{\"Result\":false}");
    if (camera->answer[0] != '{')
        answer->type = "text/plain";
    return bytes_append_text(&answer->body, camera->answer);
}

enum status maker_answer(int maker, const struct camera_config *camera,
                         const struct capture *capture, enum outcome outcome,
                         struct answer *answer)
{
    *answer = (struct answer){
        .code = outcome == OUTCOME_LATER      ? 503
                : outcome == OUTCOME_STRANGER ? 403
                                              : 200,
        .type = "application/json",
    };
    if (maker == MAKER_VZ)
        return vz_reply(capture, answer);
    if (maker == MAKER_DAHUA)
        return dahua_reply(camera, answer);
    answer->type = "text/plain";
    return STATUS_OK; /* Hikvision wants 200 and reads nothing */
}
