#include "henan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "clock.h"

#define TOKEN_LIFE_MS (2 * HOUR_MS) /* 4.1.1 */
#define TOKEN_LEN_MAX 256           /* the table says 32, A.2 says 50 */

/* A.4.  `decided`: whatever the words say. */
/* clang-format off */
static const struct {
    const char *code;
    enum verdict verdict;
    bool decided;
} codes[] = {
    { "200", VERDICT_ACCEPTED, true },
    { "201", VERDICT_ACCEPTED, true },
    { "400", VERDICT_REFUSED,  false },
    { "401", VERDICT_RENEW,    true },
    { "403", VERDICT_FAULT,    false },
    { "404", VERDICT_FAULT,    false }, /* the address is wrong */
    { "500", VERDICT_BUSY,     false },
    { "502", VERDICT_BUSY,     false },
    { "702", VERDICT_UNKNOWN,  false }, /* no file: is `inline` to be set? */
    { "948", VERDICT_REFUSED,  false },
    { "949", VERDICT_REFUSED,  false },
    { "952", VERDICT_REFUSED,  false },
};

/* Words of `status` or `err`, the first that fits; no text lists them. */
static const struct call_pattern patterns[] = {
    { "重复",         VERDICT_DUPLICATE },
    { "已存在",       VERDICT_DUPLICATE },
    { "已经存在",     VERDICT_DUPLICATE },
    { "duplicate",    VERDICT_DUPLICATE },
    { "already exist", VERDICT_DUPLICATE },
    { "企业授权",     VERDICT_REFUSED }, /* companySecretCode of the record */
    { "companySecretCode", VERDICT_REFUSED },
    { "授权码",       VERDICT_RENEW },
    { "票据",         VERDICT_RENEW },
    { "access_token", VERDICT_RENEW },
    { "accessToken",  VERDICT_RENEW },
    { "组织机构",     VERDICT_FAULT },
    { "organ",        VERDICT_FAULT },
    { "企业编号",     VERDICT_FAULT },   /* ours, from the settings */
    { "企业不存在",   VERDICT_FAULT },
    { "用户名",       VERDICT_FAULT },
    { "密码",         VERDICT_FAULT },
    { "签名",         VERDICT_FAULT },
    { "signature",    VERDICT_FAULT },
    { "时钟",         VERDICT_FAULT },
    { "系统时间",     VERDICT_FAULT },
    { "clock",        VERDICT_FAULT },
    { "繁忙",         VERDICT_BUSY },
    { "稍后",         VERDICT_BUSY },
    { "busy",         VERDICT_BUSY },
    { NULL,           VERDICT_UNKNOWN },
};
/* clang-format on */

/* 2.6: codes up to 600 are HTTP's. */
static enum verdict verdict_of_code(const char *code, bool *decided)
{
    enum verdict verdict;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].code, code) == 0) {
            *decided = codes[i].decided;
            return codes[i].verdict;
        }
    *decided = false;
    verdict = call_http_verdict(strtol(code, NULL, 10));
    return verdict == VERDICT_ACCEPTED ? VERDICT_UNKNOWN : verdict;
}

/* The first of two names that the answer has. */
static const json_t *either(const json_t *body, const char *name,
                            const char *other)
{
    const json_t *value = json_object_get(body, name);

    return value && !json_is_null(value) ? value : json_object_get(body, other);
}

/* Both forms on every interface: code/status (2.5), result/err (4.1.2). */
static enum verdict verdict_of_body(const json_t *body)
{
    enum verdict verdict = VERDICT_UNKNOWN;
    enum verdict said;
    bool decided = false;
    char code[32];
    char words[512];

    call_json_words(either(body, "code", "result"), code, sizeof code);
    call_json_words(either(body, "status", "err"), words, sizeof words);
    if (strcmp(code, "success") == 0)
        return VERDICT_ACCEPTED;
    if (strcmp(code, "fail") != 0)
        verdict = verdict_of_code(code, &decided);
    if (!decided && call_match(patterns, span_text(words), &said))
        return said;
    return verdict;
}

/* There is no record to blame: the settings are wrong. */
static enum verdict of_session(enum verdict verdict)
{
    if (verdict == VERDICT_RENEW || verdict == VERDICT_REFUSED)
        return VERDICT_FAULT;
    return verdict == VERDICT_DUPLICATE ? VERDICT_UNKNOWN : verdict;
}

static struct span trimmed(const char *text)
{
    size_t len;

    text += strspn(text, " \t\r\n");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    return span_of(text, len);
}

static const char *answer_text(const json_t *body, const char *name)
{
    static const char *const holders[] = {"data", "value"};
    const char *text = fields_text(body, name);

    for (size_t i = 0; !*text && i < 2; i++)
        text = fields_text(json_object_get(body, holders[i]), name);
    return text;
}

static bool token_valid(struct span token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.data[i] <= 0x20 || token.data[i] > 0x7e)
            return false;
    return token.len > 0 && token.len <= TOKEN_LEN_MAX;
}

/* 4.1.1: the token lives two hours from the `datetime` beside it, the
 * server's own clock; on ours that is two hours from now. */
static void take_token(const json_t *body, struct session *session,
                       int64_t now_ms, struct judgement *judgement)
{
    struct span token = trimmed(answer_text(body, "access_token"));
    struct span time = trimmed(answer_text(body, "datetime"));
    struct bytes fresh = BYTES_EMPTY;

    if (clock_read(time, &judgement->platform_time_ms) != STATUS_OK)
        judgement->platform_time_ms = 0;
    if (!token_valid(token) || bytes_copy(&fresh, token) != STATUS_OK) {
        judgement->verdict = VERDICT_UNKNOWN;
        snprintf(judgement->words, sizeof judgement->words,
                 "the answer holds no usable access_token");
        return;
    }
    bytes_wipe(&session->token);
    bytes_move(&session->token, &fresh);
    session->token_made_at_ms = now_ms;
    session->token_expires_at_ms = now_ms + TOKEN_LIFE_MS;
}

/* 4.1.3 answers in `value`, which some servers send as a string of JSON. */
static json_t *opened_value(const json_t *body)
{
    const json_t *value = either(body, "value", "data");

    if (json_is_string(value))
        return call_json(
            span_of(json_string_value(value), json_string_length(value)));
    return json_is_object(value) ? json_deep_copy(value) : NULL;
}

/* What the platform says of itself; of a token answer nothing else is shown,
 * because the token may stand anywhere in it. */
static void show(const struct interface *interface, const struct answer *answer,
                 const json_t *body, struct judgement *judgement)
{
    call_json_words(either(body, "code", "result"), judgement->code,
                    sizeof judgement->code);
    call_json_words(either(body, "status", "err"), judgement->words,
                    sizeof judgement->words);
    if (!*judgement->code)
        snprintf(judgement->code, sizeof judgement->code, "%ld",
                 answer->http_status);
    if (!*judgement->words && interface->role != ROLE_SESSION)
        call_words(answer->body, judgement->words, sizeof judgement->words);
}

static void open_answer(const struct interface *interface,
                        struct session *session, const json_t *body,
                        int64_t now_ms, struct judgement *judgement)
{
    if (interface->role == ROLE_SESSION)
        take_token(body, session, now_ms, judgement);
    else
        judgement->value = opened_value(body);
}

/* The settings' words come first, but they cannot make a token. */
static bool settings_say(const struct destination_config *destination,
                         const struct interface *interface,
                         const struct answer *answer, enum verdict *verdict)
{
    return call_match_settings(destination, answer->body, verdict) &&
           (interface->role != ROLE_SESSION || *verdict != VERDICT_ACCEPTED);
}

void henan_judge(const struct destination_config *destination,
                 const struct interface *interface, struct session *session,
                 const struct answer *answer, int64_t now_ms,
                 struct judgement *judgement)
{
    enum verdict verdict = call_http_verdict(answer->http_status);
    json_t *body = call_json(answer->body);

    *judgement = (struct judgement){0};
    show(interface, answer, body, judgement);
    if (verdict == VERDICT_ACCEPTED)
        verdict =
            json_is_object(body) ? verdict_of_body(body) : VERDICT_UNKNOWN;
    if (!settings_say(destination, interface, answer, &judgement->verdict))
        judgement->verdict =
            interface->role == ROLE_SESSION ? of_session(verdict) : verdict;
    if (judgement->verdict == VERDICT_ACCEPTED && json_is_object(body))
        open_answer(interface, session, body, now_ms, judgement);
    json_decref(body);
}
