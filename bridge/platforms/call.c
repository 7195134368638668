#include "call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "text.h"

const char *call_path(const struct destination_config *destination,
                      const struct interface *interface)
{
    for (unsigned i = 0; i < destination->path_count; i++)
        if (strcmp(destination->paths[i].interface, interface->name) == 0)
            return destination->paths[i].path;
    return interface->path;
}

enum status call_url(const struct destination_config *destination,
                     const struct interface *interface, struct bytes *url)
{
    const char *path = call_path(destination, interface);

    path += *path == '/';
    return bytes_print(url, "%s%s%s", destination->base_url, *path ? "/" : "",
                       path);
}

enum status call_header(struct request *request, const char *name,
                        struct span value)
{
    struct bytes header = BYTES_EMPTY;
    enum status status;

    if (request->header_count ==
        sizeof request->headers / sizeof *request->headers)
        return STATUS_INVALID;
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x20 || value.data[i] == 0x7f)
            return STATUS_INVALID;
    if ((status = bytes_print(&header, "%s: ", name)) != STATUS_OK)
        goto out;
    if ((status = bytes_append(&header, value)) != STATUS_OK)
        goto out;
    bytes_move(&request->headers[request->header_count++], &header);
out:
    bytes_wipe(&header);
    return status;
}

/* ---- words to verdicts -------------------------------------------------- */

static bool contains(struct span text, const char *words)
{
    const size_t len = strlen(words);

    for (size_t i = 0; len && i + len <= text.len; i++)
        if (strncasecmp((const char *)text.data + i, words, len) == 0)
            return true;
    return false;
}

bool call_match(const struct call_pattern *patterns, struct span text,
                enum verdict *verdict)
{
    for (; patterns->contains; patterns++)
        if (contains(text, patterns->contains)) {
            *verdict = patterns->verdict;
            return true;
        }
    return false;
}

bool call_match_settings(const struct destination_config *destination,
                         struct span text, enum verdict *verdict)
{
    for (unsigned i = 0; i < destination->pattern_count; i++)
        if (contains(text, destination->patterns[i].contains)) {
            *verdict = (enum verdict)destination->patterns[i].verdict;
            return true;
        }
    return false;
}

enum verdict call_http_verdict(long http_status)
{
    /* clang-format off */
    static const struct {
        long first, last;
        enum verdict verdict;
    } rows[] = {
        { 200, 299, VERDICT_ACCEPTED },
        { 400, 400, VERDICT_REFUSED },
        { 401, 401, VERDICT_RENEW },
        { 403, 405, VERDICT_FAULT },
        { 408, 408, VERDICT_BUSY },
        { 409, 409, VERDICT_DUPLICATE },
        { 413, 413, VERDICT_REFUSED },
        { 422, 422, VERDICT_REFUSED },
        { 425, 425, VERDICT_BUSY },
        { 429, 429, VERDICT_BUSY },
        { 500, 599, VERDICT_BUSY },
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (http_status >= rows[i].first && http_status <= rows[i].last)
            return rows[i].verdict;
    return VERDICT_UNKNOWN;
}

/* ---- words from outside ------------------------------------------------- */

static bool control(struct span text, size_t len)
{
    return text.data[0] < 0x20 || text.data[0] == 0x7f ||
           (len == 2 && text.data[0] == 0xc2 && text.data[1] < 0xa0);
}

void call_words(struct span text, char *words, size_t size)
{
    size_t used = 0;

    while (text.len) {
        size_t len = text_character(text);
        const char *written = (const char *)text.data;
        size_t write = len;

        if (!len || control(text, len)) {
            written = len ? " " : "?";
            write = 1;
        }
        if (used + write >= size)
            break;
        memcpy(words + used, written, write);
        used += write;
        len = len ? len : 1;
        text = span_of(text.data + len, text.len - len);
    }
    words[used] = '\0';
}

void call_json_words(const json_t *value, char *words, size_t size)
{
    struct bytes text = BYTES_EMPTY;

    words[0] = '\0';
    if (json_is_string(value))
        call_words(span_of(json_string_value(value), json_string_length(value)),
                   words, size);
    else if (value && !json_is_null(value) &&
             fields_dump(value, &text) == STATUS_OK)
        call_words(bytes_view(&text), words, size);
    bytes_free(&text);
}

json_t *call_json(struct span body)
{
    return body.len ? json_loadb((const char *)body.data, body.len,
                                 JSON_DECODE_ANY, NULL)
                    : NULL;
}
