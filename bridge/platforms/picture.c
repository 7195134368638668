#include "picture.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "crypto.h"
#include "fields.h"

static const char uri_head[] = "data:image/jpeg;base64,";

bool picture_reference(const json_t *value, uint64_t *event,
                       const char **pointer)
{
    const json_t *number = json_object_get(value, "$event");
    const json_t *text = json_object_get(value, "pointer");

    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        !json_is_string(text))
        return false;
    if (event)
        *event = (uint64_t)json_integer_value(number);
    if (pointer)
        *pointer = json_string_value(text);
    return true;
}

/* What is left of text behind a data URI's head. */
static struct span base64_of(struct span text)
{
    static const char *const heads[] = {uri_head, "data:image/jpg;base64,"};

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const size_t len = strlen(heads[i]);

        if (text.len >= len &&
            strncasecmp((const char *)text.data, heads[i], len) == 0)
            return span_of(text.data + len, text.len - len);
    }
    return text;
}

/* NULL and the JPEG in *raw, or what is wrong. */
static const char *decode(struct span base64, struct bytes *raw)
{
    /* Line breaks every 64 characters are the most there can be. */
    if (base64.len > PICTURE_BYTES_MAX / 3 * 4 / 64 * 66 + 128)
        return "is larger than 1000000 bytes";
    if (base64_decode(base64, true, raw) != STATUS_OK)
        return "is not Base64";
    if (raw->len > PICTURE_BYTES_MAX)
        return "is larger than 1000000 bytes";
    if (raw->len < 4 || memcmp(raw->data, "\xff\xd8\xff", 3) != 0)
        return "is not a JPEG picture";
    return NULL;
}

const char *picture_fault(struct span text)
{
    struct bytes raw = BYTES_EMPTY;
    const char *fault = decode(base64_of(text), &raw);

    bytes_free(&raw);
    return fault;
}

static bool has_break(struct span text)
{
    return memchr(text.data, '\n', text.len) ||
           memchr(text.data, '\r', text.len);
}

static enum status append_text(struct span text, enum picture_form form,
                               struct bytes *to, const char **fault)
{
    struct span base64 = base64_of(text);
    struct bytes raw = BYTES_EMPTY;
    enum status status = STATUS_OK;

    if ((*fault = decode(base64, &raw)) != NULL) {
        status = STATUS_INVALID;
        goto out;
    }
    if (form == PICTURE_RAW) {
        status = bytes_append(to, bytes_view(&raw));
        goto out;
    }
    if (form == PICTURE_DATA_URI &&
        (status = bytes_append_text(to, uri_head)) != STATUS_OK)
        goto out;
    status = has_break(base64) ? base64_encode(bytes_view(&raw), to)
                               : bytes_append(to, base64);
out:
    bytes_free(&raw);
    return status;
}

enum status picture_append(const char *name, const json_t *value,
                           const struct lookup *lookup, enum picture_form form,
                           struct bytes *to, char words[static 256])
{
    struct span text = {0};
    const char *pointer;
    const char *fault = NULL;
    uint64_t event;
    enum status status;

    if (picture_reference(value, &event, &pointer)) {
        status = lookup->text(lookup->self, event, pointer, &text);
        if (status != STATUS_OK) {
            snprintf(words, 256, "%s: event %llu has no %s: %s", name,
                     (unsigned long long)event, pointer, status_text(status));
            return status;
        }
    } else {
        text = span_of(json_string_value(value), json_string_length(value));
    }
    if ((status = append_text(text, form, to, &fault)) != STATUS_OK)
        snprintf(words, 256, "%s %s", name,
                 fault ? fault : status_text(status));
    return status;
}

static enum status write_member(const char *name, const json_t *value,
                                const struct lookup *lookup,
                                enum picture_form form, struct bytes *to,
                                char words[static 256])
{
    enum status status;

    if (!picture_reference(value, NULL, NULL))
        return fields_dump(value, to);
    if ((status = bytes_append_text(to, "\"")) != STATUS_OK)
        return status;
    status = picture_append(name, value, lookup, form, to, words);
    return status == STATUS_OK ? bytes_append_text(to, "\"") : status;
}

enum status picture_write_record(const json_t *record,
                                 const struct lookup *lookup,
                                 enum picture_form form, struct bytes *to,
                                 char words[static 256])
{
    const char *before = "{\"";
    enum status status = STATUS_OK;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)record, name, value)
    {
        /* Names are the platforms' own: letters, digits, '_'. */
        if ((status = bytes_print(to, "%s%s\":", before, name)) != STATUS_OK)
            return status;
        status = write_member(name, value, lookup, form, to, words);
        if (status != STATUS_OK)
            return status;
        before = ",\"";
    }
    return bytes_append_text(to, json_object_size(record) ? "}" : "{}");
}
