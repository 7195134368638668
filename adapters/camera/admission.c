#include "admission.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "makers.h"
#include "text.h"

static void refuse(struct admission *admission, unsigned code, const char *why)
{
    admission->code = code;
    text_put(admission->why, sizeof admission->why, why);
}

/* Hikvision last: it has any path. */
static bool maker_find(const struct cameras_config *config,
                       const struct roster *roster,
                       const struct request_head *head,
                       const struct camera_config **cameras,
                       struct admission *admission)
{
    static const int order[] = {MAKER_VZ, MAKER_DAHUA, MAKER_HIKVISION};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (!maker_has_path(&config->listen, order[i], head->path))
            continue;
        admission->camera_count = roster_at(roster, head->peer, order[i],
                                            cameras, config->camera_count);
        admission->maker = order[i];
        if (admission->camera_count > 0)
            return true;
    }
    return false;
}

static bool says_too_much(const struct request_head *head, size_t limit_bytes)
{
    return head->content_length != NULL &&
           strtoull(head->content_length, NULL, 10) > limit_bytes;
}

void admission_check(const struct cameras_config *config,
                     const struct roster *roster,
                     const struct request_head *head,
                     const struct camera_config **cameras,
                     struct admission *admission)
{
    char peer[ADDRESS_TEXT_MAX];

    *admission = (struct admission){.code = 0};
    address_print(head->peer, peer);
    if (!roster_knows(roster, head->peer)) {
        refuse(admission, 403, "no camera of the settings has this address");
    } else if (strcmp(head->method, "POST") != 0) {
        refuse(admission, 405, "cameras POST here");
    } else if (!maker_find(config, roster, head, cameras, admission)) {
        refuse(admission, 404, "");
        text_print(admission->why, sizeof admission->why,
                   "no camera at %s posts to this path; VZ: %s, Dahua: "
                   "/NotificationInfo/..., Hikvision: any",
                   peer, config->listen.vz_paths[0]);
    } else if (!maker_has_type(admission->maker, head->content_type)) {
        refuse(admission, 415, "");
        text_print(admission->why, sizeof admission->why,
                   "this type is not taken from a camera of maker %s; "
                   "allowed: %s",
                   maker_word(admission->maker), maker_types(admission->maker));
    } else if (says_too_much(head,
                             (size_t)config->listen.body_limit_kb * 1024)) {
        refuse(admission, 413, "the body is above body_limit_kb");
    }
}
