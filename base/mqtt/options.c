#include "options.h"

#include <stdlib.h>
#include <string.h>

static bool options_valid(const struct mqtt_options *options)
{
    return options->host != NULL && options->host[0] != '\0' &&
           options->port != 0 && options->client_id != NULL &&
           options->client_id[0] != '\0' &&
           strlen(options->client_id) <= UINT16_MAX &&
           options->password.len <= UINT16_MAX &&
           options->will.len <= UINT16_MAX && options->receive_maximum != 0;
}

/* Append text and its NUL; *place is where it will be in text. */
static enum status put(struct bytes *text, struct span value, size_t *place)
{
    enum status status;

    *place = text->len;
    if ((status = bytes_append(text, value)) != STATUS_OK)
        return status;
    return bytes_append(text, span_of("", 1));
}

enum status options_copy(struct options *to, const struct mqtt_options *from)
{
    struct options made = {*from, BYTES_EMPTY};
    struct mqtt_options *mqtt = &made.mqtt;
    const char **const strings[] = {
        &mqtt->host,      &mqtt->client_id, &mqtt->username,   &mqtt->ca_file,
        &mqtt->cert_file, &mqtt->key_file,  &mqtt->will_topic,
    };
    enum { STRINGS = sizeof strings / sizeof *strings };
    size_t places[STRINGS];
    size_t password;
    size_t will;
    enum status status = STATUS_INVALID;

    if (!options_valid(from))
        goto out;
    for (size_t i = 0; i < STRINGS; i++)
        if ((status = put(&made.text, span_text(*strings[i]), &places[i])) !=
            STATUS_OK)
            goto out;
    if ((status = put(&made.text, from->password, &password)) != STATUS_OK ||
        (status = put(&made.text, from->will, &will)) != STATUS_OK)
        goto out;
    for (size_t i = 0; i < STRINGS; i++)
        *strings[i] = (const char *)made.text.data + places[i];
    if (from->will_topic == NULL)
        mqtt->will_topic = NULL;
    mqtt->password = span_of(made.text.data + password, from->password.len);
    mqtt->will = span_of(made.text.data + will, from->will.len);
    *to = made;
    return STATUS_OK;
out:
    bytes_wipe(&made.text);
    return status;
}

void options_free(struct options *options)
{
    bytes_wipe(&options->text);
    *options = (struct options){0};
}

enum status filters_copy(const char *const *filters, size_t count, char ***copy)
{
    char **made = calloc(count + 1, sizeof *made);

    if (made == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!mqtt_filter_valid(filters[i])) {
            filters_free(made);
            return STATUS_INVALID;
        }
        made[i] = strdup(filters[i]);
        if (made[i] == NULL) {
            filters_free(made);
            return STATUS_NOMEM;
        }
    }
    *copy = made;
    return STATUS_OK;
}

void filters_free(char **filters)
{
    if (filters == NULL)
        return;
    for (char **filter = filters; *filter != NULL; filter++)
        free(*filter);
    free(filters);
}
