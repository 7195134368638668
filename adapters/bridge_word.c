#include "bridge_word.h"

#include <jansson.h>

static json_t *word_read(struct span payload)
{
    json_t *json;

    if (payload.len > BRIDGE_WORD_MAX)
        return NULL;
    json = json_loadb((const char *)payload.data, payload.len,
                      JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static uint32_t revision_of(const json_t *revisions, const char *id)
{
    json_int_t revision = json_integer_value(json_object_get(revisions, id));

    return revision < 0 || revision > UINT32_MAX ? 0 : (uint32_t)revision;
}

bool bridge_word_receipt(struct span payload,
                         void (*each)(void *arg, const char *id,
                                      uint32_t revision, const char *reason),
                         void *arg)
{
    json_t *json = word_read(payload);
    const json_t *revisions = json_object_get(json, "revisions");
    bool good = json != NULL;
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(json, "stored"), i, one)
    {
        const char *id = json_string_value(one);

        if (id != NULL)
            each(arg, id, revision_of(revisions, id), NULL);
    }
    json_array_foreach(json_object_get(json, "rejected"), i, one)
    {
        const char *id = json_string_value(json_object_get(one, "id"));
        const char *reason = json_string_value(json_object_get(one, "reason"));

        if (id != NULL && reason != NULL)
            each(arg, id, revision_of(revisions, id), reason);
    }
    json_decref(json);
    return good;
}

bool bridge_word_state(struct span payload, struct bridge_state *state)
{
    json_t *json = word_read(payload);
    const json_t *online = json_object_get(json, "online");
    const json_t *full = json_object_get(json, "full");
    bool good = json_is_boolean(online) && json_is_boolean(full);

    if (good)
        *state =
            (struct bridge_state){json_is_true(online), json_is_true(full)};
    json_decref(json);
    return good;
}
