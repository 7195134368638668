#include "yunnan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

/* 6.2's example; used when an answer names no lifetime that can be read.  A
 * token that dies sooner is renewed by its 401. */
#define TOKEN_LIFE_S 7200
#define TOKEN_LIFE_MAX_S (30 * 24 * 3600)
#define TOKEN_LEN_MAX 8192

#define IMPORT_WORDS                                                           \
    "; /init-auth works only once: ask the platform for apiKey, apiSecret "    \
    "and its public key and import them (api_key_file, api_secret_file, "      \
    "platform_key_file)"

/*
 * The specification has one code for every failure, 500, so its words decide.
 * First match wins; docs/platforms/yunnan.md prints this table.
 */
/* clang-format off */
static const struct call_pattern patterns[] = {
    /* the destination is wrong: our key, our number, our clock */
    { "验签",           VERDICT_FAULT },   /* 4.3: the document's own example */
    { "签名",           VERDICT_FAULT },
    { "signature",      VERDICT_FAULT },
    { "解密",           VERDICT_FAULT },
    { "密钥",           VERDICT_FAULT },
    { "公钥",           VERDICT_FAULT },
    { "decrypt",        VERDICT_FAULT },
    { "X-Client-Id",    VERDICT_FAULT },
    { "apiKey",         VERDICT_FAULT },
    { "appKey",         VERDICT_FAULT },
    { "apiSecret",      VERDICT_FAULT },
    { "客户端",         VERDICT_FAULT },
    { "企业不存在",     VERDICT_FAULT },
    { "企业编号不存在", VERDICT_FAULT },
    { "企业信息不存在", VERDICT_FAULT },
    { "未注册",         VERDICT_FAULT },
    { "未授权",         VERDICT_FAULT },
    { "无权限",         VERDICT_FAULT },
    { "没有权限",       VERDICT_FAULT },
    { "系统时间",       VERDICT_FAULT },
    { "时钟",           VERDICT_FAULT },
    { "时间偏差",       VERDICT_FAULT },
    /* the token, should it be said with another code than 401 */
    { "令牌",           VERDICT_RENEW },
    { "token",          VERDICT_RENEW },
    { "登录",           VERDICT_RENEW },
    /* not now: before "重复", since a form filter says "请勿重复提交，稍后再试" */
    { "稍后",           VERDICT_BUSY },
    { "稍候",           VERDICT_BUSY },
    { "繁忙",           VERDICT_BUSY },
    { "频繁",           VERDICT_BUSY },
    { "频率",           VERDICT_BUSY },
    { "限流",           VERDICT_BUSY },
    { "超时",           VERDICT_BUSY },
    { "timeout",        VERDICT_BUSY },
    { "timed out",      VERDICT_BUSY },
    { "too many",       VERDICT_BUSY },
    /* it has it */
    { "重复",           VERDICT_DUPLICATE },
    { "已存在",         VERDICT_DUPLICATE },
    { "已经存在",       VERDICT_DUPLICATE },
    { "已注册",         VERDICT_DUPLICATE }, /* for /init-auth see below */
    { "已初始化",       VERDICT_DUPLICATE },
    { "duplicate",      VERDICT_DUPLICATE },
    { "already exist",  VERDICT_DUPLICATE },
    /* this record can never be taken */
    { "参数",           VERDICT_REFUSED },
    { "不能为空",       VERDICT_REFUSED },
    { "不可为空",       VERDICT_REFUSED },
    { "不允许为空",     VERDICT_REFUSED },
    { "必填",           VERDICT_REFUSED },
    { "必传",           VERDICT_REFUSED },
    { "缺少",           VERDICT_REFUSED },
    { "格式",           VERDICT_REFUSED },
    { "长度",           VERDICT_REFUSED },
    { "超长",           VERDICT_REFUSED },
    { "过长",           VERDICT_REFUSED },
    { "不存在",         VERDICT_REFUSED },
    { "不合法",         VERDICT_REFUSED },
    { "非法",           VERDICT_REFUSED },
    { "无效",           VERDICT_REFUSED },
    { "不正确",         VERDICT_REFUSED },
    { "校验失败",       VERDICT_REFUSED },
    { "invalid",        VERDICT_REFUSED },
    { "required",       VERDICT_REFUSED },
    { "must not be",    VERDICT_REFUSED },
    { NULL,             VERDICT_UNKNOWN },
};
/* clang-format on */

/* ---- what an answer says ------------------------------------------------ */

struct reading {
    json_t *body;    /* NULL: no JSON object */
    bool has_code;   /* the body has `code` */
    long code;       /* -1: no number */
    const char *key; /* aesKey, NULL when null or absent */
    const json_t *data;
};

/* `code` is a number in every example; a string is tolerated. */
static long code_number(const char *code)
{
    char *end;
    const long number = strtol(code, &end, 10);

    return *code && !*end && number >= 0 ? number : -1;
}

/* A body without code is shown as it is, but not when it may hold a token. */
static void show_body(const struct answer *answer, bool hidden,
                      struct judgement *judgement)
{
    if (!hidden)
        call_words(answer->body, judgement->words, sizeof judgement->words);
    if (!judgement->words[0])
        snprintf(judgement->words, sizeof judgement->words,
                 "HTTP %ld without words", answer->http_status);
}

static void read_answer(const struct answer *answer, enum yunnan_kind kind,
                        struct reading *reading, struct judgement *judgement)
{
    const bool session = kind == YUNNAN_INIT_AUTH || kind == YUNNAN_GET_TOKEN;
    json_t *body = call_json(answer->body);
    const json_t *code = json_object_get(body, "code");
    const json_t *data = json_object_get(body, "data");
    const char *key = json_string_value(json_object_get(body, "aesKey"));

    if (json_is_integer(code) || json_is_string(code)) {
        call_json_words(code, judgement->code, sizeof judgement->code);
        reading->has_code = true;
        reading->code = code_number(judgement->code);
        call_json_words(json_object_get(body, "message"), judgement->words,
                        sizeof judgement->words);
    }
    if (!judgement->words[0])
        show_body(answer, reading->has_code || (session && body), judgement);
    reading->body = body;
    reading->key = key && *key ? key : NULL;
    reading->data = data && !json_is_null(data) &&
                            !(json_is_string(data) && !json_string_length(data))
                        ? data
                        : NULL;
}

/* ---- code and words to a verdict ---------------------------------------- */

static bool is_ok(long http_status)
{
    return http_status >= 200 && http_status < 300;
}

/* Statuses that a proxy or the platform's door sets, whatever the body says. */
static bool door(long http_status, enum verdict *verdict)
{
    if (http_status == 401)
        *verdict = VERDICT_RENEW;
    else if (http_status == 429 || http_status == 503)
        *verdict = VERDICT_BUSY;
    else
        return false;
    return true;
}

static enum verdict verdict_of(const struct destination_config *destination,
                               const struct answer *answer,
                               const struct reading *reading,
                               const struct judgement *judgement)
{
    const long http_status = answer->http_status;
    enum verdict verdict;

    if (reading->has_code && reading->code == 200)
        return is_ok(http_status) ? VERDICT_ACCEPTED : VERDICT_UNKNOWN;
    if (call_match_settings(destination,
                            reading->has_code ? span_text(judgement->words)
                                              : answer->body,
                            &verdict))
        return verdict;
    if (door(http_status, &verdict))
        return verdict;
    if (!reading->has_code) /* a proxy, or not what we took it for */
        return is_ok(http_status) ? VERDICT_UNKNOWN
                                  : call_http_verdict(http_status);
    if (reading->code == 401)
        return VERDICT_RENEW;
    if (call_match(patterns, span_text(judgement->words), &verdict))
        return verdict;
    verdict = call_http_verdict(reading->code);
    /* Success is 200 and nothing else. */
    return verdict == VERDICT_ACCEPTED ? VERDICT_UNKNOWN : verdict;
}

/* ---- sealed and clear content ------------------------------------------- */

/* The content of data: a JSON value, owned, or NULL and words say why.  Clear
 * content is for /init-auth alone. */
static json_t *open_data(const struct destination_config *destination,
                         const struct session *session,
                         const struct reading *reading, bool clear,
                         const char **why)
{
    const struct yunnan_keys *keys = session->keys;
    const char *text = json_string_value(reading->data);
    struct bytes plain = BYTES_EMPTY;
    struct envelope_keys envelope;
    json_t *value = NULL;

    *why = NULL;
    if (clear && !reading->key)
        return text ? call_json(span_text(text))
                    : json_incref((json_t *)reading->data);
    if (!reading->key || !text || !keys) {
        *why = "the answer's data has no aesKey or is not sealed";
        return NULL;
    }
    envelope = yunnan_envelope_keys(destination, keys);
    if (envelope_open(&envelope, span_text(reading->key), span_text(text),
                      &plain) != STATUS_OK)
        *why = "the answer's data cannot be opened with our key";
    else if (!(value = call_json(bytes_view(&plain))))
        *why = "the answer's data is no JSON";
    bytes_wipe(&plain);
    return value;
}

static void add_words(struct judgement *judgement, const char *words)
{
    const size_t used = strlen(judgement->words);

    snprintf(judgement->words + used, sizeof judgement->words - used, "%s%s",
             used ? "; " : "", words);
}

static void fault(struct judgement *judgement, const char *words)
{
    judgement->verdict = VERDICT_FAULT;
    add_words(judgement, words);
}

/* ---- 6.1: what is issued ------------------------------------------------ */

/* Each value is kept even when another is missing: the call succeeds only
 * once, and the operator can add what is not there. */
static void keep_issued(struct session *session, const json_t *data,
                        struct judgement *judgement)
{
    static const struct {
        const char *issued, *kept;
    } rows[] = {{"apiKey", "apiKey"},
                {"apiSecret", "apiSecret"},
                {"publicKey", "platformKey"}};
    bool all = true;

    if (!session->credentials)
        session->credentials = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *value = json_object_get(data, rows[i].issued);

        if (!json_is_string(value) || !json_string_length(value)) {
            all = false;
            continue;
        }
        json_object_set(session->credentials, rows[i].kept, value);
        session->credentials_changed = true;
    }
    if (!all)
        fault(judgement, "the answer lacks apiKey, apiSecret or publicKey");
}

static void judge_init_auth(const struct destination_config *destination,
                            struct session *session,
                            const struct reading *reading,
                            struct judgement *judgement)
{
    const char *why;
    json_t *data;

    if (judgement->verdict == VERDICT_BUSY)
        return;
    if (judgement->verdict != VERDICT_ACCEPTED) {
        /* Refused, done before, or not to be understood: nobody but a person
         * can tell whether the one success has been used up. */
        fault(judgement, "not registered" IMPORT_WORDS);
        return;
    }
    data = open_data(destination, session, reading, true, &why);
    if (json_is_object(data))
        keep_issued(session, data, judgement);
    else
        fault(judgement, why ? why : "the answer has no data");
    if (judgement->verdict == VERDICT_FAULT)
        add_words(judgement,
                  "registered, but not all was received" IMPORT_WORDS);
    json_decref(data);
}

/* ---- 6.2: the token ----------------------------------------------------- */

/* expireTime is a string of seconds; a number is tolerated. */
static int64_t token_life_ms(const json_t *data)
{
    char text[32];
    long seconds;

    call_json_words(json_object_get(data, "expireTime"), text, sizeof text);
    seconds = code_number(text);
    if (seconds <= 0)
        seconds = TOKEN_LIFE_S;
    if (seconds > TOKEN_LIFE_MAX_S)
        seconds = TOKEN_LIFE_MAX_S;
    return seconds * SECOND_MS;
}

/* It goes into a header: letters without blanks and control characters. */
static bool token_good(const char *token)
{
    const size_t len = strlen(token);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)token[i] <= ' ' || (unsigned char)token[i] > '~')
            return false;
    return len && len <= TOKEN_LEN_MAX;
}

static void keep_token(struct session *session, const json_t *data,
                       int64_t now_ms, struct judgement *judgement)
{
    const char *token = fields_text(data, "token");

    if (!token_good(token)) {
        fault(judgement, "the answer holds no token");
        return;
    }
    bytes_wipe(&session->token);
    if (bytes_append_text(&session->token, token) != STATUS_OK) {
        judgement->verdict = VERDICT_BUSY;
        return;
    }
    session->token_made_at_ms = now_ms;
    session->token_expires_at_ms = now_ms + token_life_ms(data);
}

static void judge_get_token(const struct destination_config *destination,
                            struct session *session,
                            const struct reading *reading, int64_t now_ms,
                            struct judgement *judgement)
{
    const char *why;
    json_t *data;

    if (judgement->verdict == VERDICT_RENEW ||
        judgement->verdict == VERDICT_REFUSED ||
        judgement->verdict == VERDICT_DUPLICATE) {
        /* There is nothing to renew a token with but what was refused. */
        fault(judgement, "the platform gives us no token");
        return;
    }
    if (judgement->verdict != VERDICT_ACCEPTED)
        return;
    data = open_data(destination, session, reading, false, &why);
    if (data)
        keep_token(session, data, now_ms, judgement);
    else
        fault(judgement, why);
    json_decref(data); /* the token is nobody else's */
}

/* ---- judge -------------------------------------------------------------- */

/* Code decides: a record that was taken stays taken, whatever its data is. */
static void judge_record(const struct destination_config *destination,
                         const struct session *session,
                         const struct reading *reading,
                         struct judgement *judgement)
{
    const char *why;

    if (judgement->verdict != VERDICT_ACCEPTED || !reading->data)
        return;
    judgement->value = open_data(destination, session, reading, false, &why);
    if (why)
        add_words(judgement, why);
}

void yunnan_judge(const struct destination_config *destination,
                  const struct interface *interface, struct session *session,
                  const struct answer *answer, int64_t now_ms,
                  struct judgement *judgement)
{
    const struct yunnan_detail *detail = interface->detail;
    struct reading reading = {.code = -1};

    *judgement = (struct judgement){.verdict = VERDICT_UNKNOWN};
    read_answer(answer, detail->kind, &reading, judgement);
    judgement->verdict = verdict_of(destination, answer, &reading, judgement);
    switch (detail->kind) {
    case YUNNAN_INIT_AUTH:
        judge_init_auth(destination, session, &reading, judgement);
        break;
    case YUNNAN_GET_TOKEN:
        judge_get_token(destination, session, &reading, now_ms, judgement);
        break;
    default:
        judge_record(destination, session, &reading, judgement);
        break;
    }
    json_decref(reading.body);
}
