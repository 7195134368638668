/*
 * options.h - a copy of struct mqtt_options that outlives the caller's.
 */
#ifndef SAMPAN_MQTT_OPTIONS_H
#define SAMPAN_MQTT_OPTIONS_H

#include "mqtt.h"

/* The strings point into text, which is wiped at the end. */
struct options {
    struct mqtt_options mqtt; /* no string is NULL but will_topic */
    struct bytes text;
};

/* INVALID: no host, port or client id, or a will without size bounds. */
MUST_CHECK enum status options_copy(struct options *to,
                                    const struct mqtt_options *from);
void options_free(struct options *options);

/* Filters as an array of owned strings that ends with NULL. */
MUST_CHECK enum status filters_copy(const char *const *filters, size_t count,
                                    char ***copy);
void filters_free(char **filters);

#endif
