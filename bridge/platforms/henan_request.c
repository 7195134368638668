#include "henan.h"

#include <stdio.h>

#include "call.h"
#include "picture.h"

/* Append text as a JSON string.  Written here because tokens and passwords
 * pass through, and only struct bytes are wiped. */
static enum status append_string(struct bytes *to, struct span text)
{
    enum status status = bytes_append_text(to, "\"");

    for (size_t i = 0; status == STATUS_OK && i < text.len; i++) {
        const uint8_t c = text.data[i];

        if (c < 0x20)
            status = bytes_print(to, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            status = bytes_print(to, "\\%c", c);
        else
            status = bytes_append(to, span_of(&c, 1));
    }
    return status == STATUS_OK ? bytes_append_text(to, "\"") : status;
}

static enum status append_member(struct bytes *to, const char *name,
                                 struct span text)
{
    const char *before = to->len == 0 ? "{" : ",";
    enum status status = bytes_print(to, "%s\"%s\":", before, name);

    return status == STATUS_OK ? append_string(to, text) : status;
}

/* {"organ":...,"ipctype":... */
static enum status open_wrapper(const struct destination_config *destination,
                                const struct interface *interface,
                                struct bytes *body)
{
    enum status status =
        append_member(body, "organ", span_text(destination->henan.organ));

    if (status != STATUS_OK)
        return status;
    return append_member(body, "ipctype", span_text(interface->name));
}

static enum status
write_token_call(const struct destination_config *destination,
                 const struct interface *interface, struct bytes *body)
{
    const struct henan_config *henan = &destination->henan;
    enum status status;

    if ((status = open_wrapper(destination, interface, body)) != STATUS_OK)
        return status;
    status = append_member(body, "username", span_text(henan->username));
    if (status != STATUS_OK)
        return status;
    status = append_member(body, "password", bytes_view(&henan->password));
    return status == STATUS_OK ? bytes_append_text(body, "}") : status;
}

/* Append {organ, ipctype, access_token, value}. */
static enum status write_wrapped(const struct destination_config *destination,
                                 const struct interface *interface,
                                 const struct session *session,
                                 const json_t *value,
                                 const struct lookup *lookup,
                                 struct bytes *body, char *words)
{
    enum status status;

    if ((status = open_wrapper(destination, interface, body)) != STATUS_OK)
        return status;
    status = append_member(body, "access_token", bytes_view(&session->token));
    if (status != STATUS_OK)
        return status;
    if ((status = bytes_append_text(body, ",\"value\":")) != STATUS_OK)
        return status;
    status = picture_write_record(value, lookup, PICTURE_BASE64, body, words);
    return status == STATUS_OK ? bytes_append_text(body, "}") : status;
}

/* 5.2: parts `file` and `info`; info is the JSON without the picture. */
static enum status write_parts(const struct destination_config *destination,
                               const struct interface *interface,
                               const struct session *session, json_t *value,
                               const struct lookup *lookup,
                               struct request *request)
{
    struct request_part *file = &request->parts[0];
    struct request_part *info = &request->parts[1];
    json_t *picture = json_incref(json_object_get(value, "base64Image"));
    enum status status;

    *file = (struct request_part){.name = "file", .content_type = "image/jpeg"};
    *info = (struct request_part){.name = "info",
                                  .content_type = "text/plain; charset=UTF-8"};
    request->part_count = 2;
    json_object_del(value, "base64Image");
    status = picture_append("base64Image", picture, lookup, PICTURE_RAW,
                            &file->content, request->words);
    if (status != STATUS_OK)
        goto out;
    /* With parts there is no body: its storage, empty to every reader, keeps
     * the file's name for as long as the request lives. */
    status = bytes_print(&request->body, "%s_%s.jpg", fields_text(value, "lsh"),
                         fields_text(value, "zpbh"));
    if (status != STATUS_OK)
        goto out;
    request->body.len = 0;
    file->file_name = (const char *)request->body.data;
    status = write_wrapped(destination, interface, session, value, lookup,
                           &info->content, request->words);
out:
    json_decref(picture);
    return status;
}

static enum status write_json(const struct destination_config *destination,
                              const struct interface *interface,
                              const struct session *session, json_t *value,
                              const struct lookup *lookup,
                              struct request *request)
{
    const struct henan_detail *detail = interface->detail;

    request->content_type = "application/json";
    if (detail->token_inside &&
        json_object_set_new(value, "accessToken",
                            json_stringn((const char *)session->token.data,
                                         session->token.len)) != 0)
        return STATUS_NOMEM;
    if (detail->printed_flat && destination->henan.flat)
        return picture_write_record(value, lookup, PICTURE_BASE64,
                                    &request->body, request->words);
    return write_wrapped(destination, interface, session, value, lookup,
                         &request->body, request->words);
}

/* The facts without our own members; NULL: not what make wrote. */
static json_t *value_of(struct span facts)
{
    json_t *value = call_json(facts);
    const char *name;
    json_t *member;
    void *next;

    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    json_object_foreach_safe(value, next, name, member)
    {
        if (name[0] == '$')
            json_object_del(value, name);
    }
    return value;
}

static enum status render_record(const struct destination_config *destination,
                                 const struct interface *interface,
                                 const struct session *session,
                                 struct span facts, const struct lookup *lookup,
                                 struct request *request)
{
    const struct henan_detail *detail = interface->detail;
    json_t *value;
    enum status status;

    if (session->token.len == 0) {
        snprintf(request->words, sizeof request->words,
                 "there is no access_token yet");
        return STATUS_MISSING;
    }
    if (!(value = value_of(facts))) {
        snprintf(request->words, sizeof request->words,
                 "the facts are not a JSON object");
        return STATUS_FORMAT;
    }
    if (detail->kind == HENAN_PHOTO && !destination->henan.inline_photo)
        status = write_parts(destination, interface, session, value, lookup,
                             request);
    else
        status =
            write_json(destination, interface, session, value, lookup, request);
    json_decref(value);
    return status;
}

enum status henan_render(const struct destination_config *destination,
                         const struct interface *interface,
                         const struct session *session, struct span facts,
                         const struct lookup *lookup, int64_t now_ms,
                         struct request *request)
{
    enum status status;

    (void)now_ms;
    *request = (struct request){0};
    status = call_url(destination, interface, &request->url);
    if (status != STATUS_OK)
        return status;
    status = call_header(request, "Accept", span_text("application/json"));
    if (status != STATUS_OK)
        return status;
    if (interface->role == ROLE_RECORD)
        return render_record(destination, interface, session, facts, lookup,
                             request);
    request->content_type = "application/json";
    return write_token_call(destination, interface, &request->body);
}
