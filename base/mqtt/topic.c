#include "mqtt.h"

#include <string.h>

/* The length of the level at text: up to the next "/" or the end. */
static size_t level_len(const char *text)
{
    return strcspn(text, "/");
}

static bool level_equal(const char *a, const char *b, size_t a_len,
                        size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

bool mqtt_topic_matches(const char *filter, const char *topic)
{
    /* 4.7.2: a leading wildcard does not match $SYS and the like. */
    if (topic[0] == '$' && filter[0] != '$')
        return false;
    for (;;) {
        size_t filter_len = level_len(filter);
        size_t topic_len = level_len(topic);

        if (filter_len == 1 && filter[0] == '#')
            return true;
        if (!(filter_len == 1 && filter[0] == '+') &&
            !level_equal(filter, topic, filter_len, topic_len))
            return false;
        filter += filter_len;
        topic += topic_len;
        if (*topic == '\0') /* 4.7.1.2: "a/#" matches "a" as well */
            return *filter == '\0' || strcmp(filter, "/#") == 0;
        if (*filter == '\0')
            return false;
        filter++;
        topic++;
    }
}

bool mqtt_filter_valid(const char *filter)
{
    size_t len = strlen(filter);

    if (len == 0 || len > UINT16_MAX)
        return false;
    for (;;) {
        size_t level = level_len(filter);
        bool wild = strcspn(filter, "+#") < level;

        if (wild && level != 1)
            return false; /* a wildcard fills its level */
        if (wild && filter[0] == '#')
            return filter[1] == '\0'; /* and # is the last */
        filter += level;
        if (*filter == '\0')
            return true;
        filter++;
    }
}
