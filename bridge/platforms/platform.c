#include "platform.h"

#include <string.h>

extern const struct platform platform_generic;
extern const struct platform platform_yunnan;
extern const struct platform platform_henan;
extern const struct platform platform_liaoning;

/* One row a platform, each defined in the file of its name. */
static const struct platform *const platform_table[] = {
    &platform_generic,
    &platform_yunnan,
    &platform_henan,
    &platform_liaoning,
    NULL, /* the end */
};

const struct platform *platform_find(const char *name)
{
    for (size_t i = 0; platform_table[i]; i++)
        if (strcmp(platform_table[i]->name, name) == 0)
            return platform_table[i];
    return NULL;
}

const struct interface *platform_interface(const struct platform *platform,
                                           const char *name)
{
    for (size_t i = 0; i < platform->interface_count; i++)
        if (strcmp(platform->interfaces[i].name, name) == 0)
            return &platform->interfaces[i];
    return NULL;
}

/* A request holds tokens and passwords, so everything is wiped. */
void request_free(struct request *request)
{
    bytes_wipe(&request->url);
    for (size_t i = 0; i < request->header_count; i++)
        bytes_wipe(&request->headers[i]);
    bytes_wipe(&request->body);
    for (size_t i = 0; i < request->part_count; i++)
        bytes_wipe(&request->parts[i].content);
    *request = (struct request){0};
}

void made_free(struct made *made)
{
    bytes_free(&made->facts);
    *made = (struct made){0};
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_ACCEPTED] = "accepted", [VERDICT_DUPLICATE] = "duplicate",
        [VERDICT_RENEW] = "renew",       [VERDICT_BUSY] = "busy",
        [VERDICT_REFUSED] = "refused",   [VERDICT_FAULT] = "fault",
        [VERDICT_UNKNOWN] = "unknown",
    };

    return names[verdict];
}
