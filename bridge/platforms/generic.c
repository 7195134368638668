#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "config.h"
#include "crypto.h"
#include "platform.h"

/*
 * Any HTTP receiver: the stored message is posted as it came.  With the
 * setting `sealed` it is posted in the envelope of Yunnan V1.1 clause 4.3.
 *
 * Facts are {"event": ID} and nothing else, so that rendering needs no JSON
 * library.
 */

static const struct interface interfaces[] = {
    {"", "post", "", ROLE_RECORD, ORDER_NONE, 0, false, NULL},
};

/* ---- keys of a sealed destination ---------------------------------------- */

struct generic_keys {
    struct rsa_key *own;
    struct rsa_key *platform;
};

static void release(struct session *session)
{
    struct generic_keys *keys = session->keys;

    if (keys) {
        rsa_key_free(keys->own);
        rsa_key_free(keys->platform);
        free(keys);
    }
    session->keys = NULL;
}

static enum status prepare(const struct destination_config *destination,
                           struct session *session, char words[static 256])
{
    const struct generic_config *set = &destination->generic;
    struct generic_keys *keys;
    enum status status;

    release(session);
    if (!set->sealed)
        return STATUS_OK;
    if (!(keys = calloc(1, sizeof *keys)))
        return STATUS_NOMEM;
    session->keys = keys;
    status = rsa_key_read(bytes_view(&set->own_key), true, &keys->own);
    if (status != STATUS_OK) {
        snprintf(words, 256, "own_key_file: %s", status_text(status));
        goto out;
    }
    status =
        rsa_key_read(bytes_view(&set->platform_key), false, &keys->platform);
    if (status != STATUS_OK)
        snprintf(words, 256, "platform_key_file: %s", status_text(status));
out:
    if (status != STATUS_OK)
        release(session);
    return status;
}

/* ---- make ---------------------------------------------------------------- */

static enum status make(const struct destination_config *destination,
                        const struct interface *interface, const json_t *record,
                        const struct making *making, struct made *made)
{
    const json_t *event = json_object_get(record, "event");

    (void)destination;
    (void)interface;
    (void)making;
    if (json_object_size(record) != 1 || !json_is_integer(event) ||
        json_integer_value(event) < 0)
        return STATUS_FORMAT;
    made->state = MADE_READY;
    return bytes_print(&made->facts, "{\"event\":%" JSON_INTEGER_FORMAT "}",
                       json_integer_value(event));
}

/* ---- render -------------------------------------------------------------- */

/* {"event":4711}, as make wrote it. */
static bool read_facts(struct span facts, uint64_t *event)
{
    static const char head[] = "{\"event\":";
    const size_t start = sizeof head - 1;

    *event = 0;
    if (facts.len < start + 2 || facts.len > start + 20 ||
        memcmp(facts.data, head, start) != 0 ||
        facts.data[facts.len - 1] != '}')
        return false;
    for (size_t i = start; i < facts.len - 1; i++) {
        if (facts.data[i] < '0' || facts.data[i] > '9')
            return false;
        *event = *event * 10 + (uint64_t)(facts.data[i] - '0');
    }
    return true;
}

/* A whole header of the settings. */
static enum status add_line(struct request *request, struct span line)
{
    const uint8_t *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    char name[128];
    size_t len;

    if (!colon)
        return STATUS_INVALID;
    len = (size_t)(colon - line.data);
    if (len >= sizeof name)
        return STATUS_INVALID;
    memcpy(name, line.data, len);
    name[len] = '\0';
    line = span_of(colon + 1, line.len - len - 1);
    while (line.len && *line.data == ' ')
        line = span_of(line.data + 1, line.len - 1);
    while (line.len && line.data[line.len - 1] <= ' ')
        line.len--; /* a secret's file ends in a line break */
    return call_header(request, name, line);
}

static enum status write_headers(const struct generic_config *set,
                                 struct request *request)
{
    enum status status = STATUS_OK;

    for (unsigned i = 0; status == STATUS_OK && i < set->header_count; i++)
        status = add_line(request, span_text(set->headers[i]));
    if (status == STATUS_OK && set->secret_header.len)
        status = add_line(request, bytes_view(&set->secret_header));
    if (status != STATUS_OK)
        snprintf(request->words, sizeof request->words,
                 "headers: at most %zu of the form \"Name: value\"",
                 sizeof request->headers / sizeof *request->headers);
    return status;
}

static enum status read_body(const struct lookup *lookup, uint64_t event,
                             struct request *request, struct bytes *body)
{
    enum status status = lookup->body(lookup->self, event, body);

    if (status != STATUS_OK)
        snprintf(request->words, sizeof request->words, "event %" PRIu64 ": %s",
                 event, status_text(status));
    return status;
}

static enum status seal_body(const struct session *session,
                             const struct lookup *lookup, uint64_t event,
                             struct request *request)
{
    const struct generic_keys *keys = session->keys;
    struct bytes body = BYTES_EMPTY;
    enum status status = read_body(lookup, event, request, &body);

    if (status == STATUS_OK && !keys) {
        snprintf(request->words, sizeof request->words,
                 "the keys are not loaded");
        status = STATUS_MISSING;
    }
    if (status == STATUS_OK)
        status = envelope_seal(
            &(const struct envelope_keys){.own = keys->own,
                                          .platform = keys->platform},
            bytes_view(&body), &request->body);
    bytes_free(&body);
    return status;
}

static enum status render(const struct destination_config *destination,
                          const struct interface *interface,
                          const struct session *session, struct span facts,
                          const struct lookup *lookup, int64_t now_ms,
                          struct request *request)
{
    const struct generic_config *set = &destination->generic;
    uint64_t event;
    enum status status;

    (void)now_ms;
    if (!read_facts(facts, &event)) {
        snprintf(request->words, sizeof request->words,
                 "the stored facts name no event");
        return STATUS_FORMAT;
    }
    if ((status = call_url(destination, interface, &request->url)) != STATUS_OK)
        return status;
    request->content_type =
        set->sealed || !set->content_type || !*set->content_type
            ? "application/json"
            : set->content_type;
    if ((status = write_headers(set, request)) != STATUS_OK)
        return status;
    return set->sealed ? seal_body(session, lookup, event, request)
                       : read_body(lookup, event, request, &request->body);
}

/* ---- judge --------------------------------------------------------------- */

static bool refused_by_setting(const struct generic_config *set,
                               long http_status)
{
    for (unsigned i = 0; i < set->refused_status_count; i++)
        if (strtol(set->refused_status[i], NULL, 10) == http_status)
            return true;
    return false;
}

/* There is no token to renew, so 401 says that the settings are wrong. */
static enum verdict verdict_of(const struct destination_config *destination,
                               const struct answer *answer)
{
    enum verdict verdict;

    if (call_match_settings(destination, answer->body, &verdict))
        return verdict;
    if (refused_by_setting(&destination->generic, answer->http_status))
        return VERDICT_REFUSED;
    verdict = call_http_verdict(answer->http_status);
    return verdict == VERDICT_RENEW ? VERDICT_FAULT : verdict;
}

static void judge(const struct destination_config *destination,
                  const struct interface *interface, struct session *session,
                  const struct answer *answer, int64_t now_ms,
                  struct judgement *judgement)
{
    (void)interface;
    (void)session;
    (void)now_ms;
    *judgement = (struct judgement){.verdict = verdict_of(destination, answer)};
    snprintf(judgement->code, sizeof judgement->code, "%ld",
             answer->http_status);
    if (judgement->verdict != VERDICT_ACCEPTED)
        call_words(answer->body, judgement->words, sizeof judgement->words);
}

const struct platform platform_generic = {
    .name = "generic",
    .interfaces = interfaces,
    .interface_count = sizeof interfaces / sizeof *interfaces,
    .prepare = prepare,
    .release = release,
    .make = make,
    .render = render,
    .judge = judge,
};
