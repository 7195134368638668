#include "liaoning.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "call.h"

#define ID_LEN_MAX 64 /* 6.3.1.2 says 32 */
#define URL_LEN_MAX 400

/* ---- verdict ----------------------------------------------------------- */

/* clang-format off */
/* Table 1. */
static const struct {
    const char *code;
    enum verdict verdict;
} codes[] = {
    { "0",     VERDICT_ACCEPTED },
    { "E1001", VERDICT_BUSY },
    { "E1002", VERDICT_BUSY },
    { "E2001", VERDICT_REFUSED },
    { "E2002", VERDICT_REFUSED },
};

/* Words of responseMessage, the first that fits; no text lists them.  A
 * platform that does not know our GUID wants a new registration (RENEW). */
static const struct call_pattern patterns[] = {
    { "重复",         VERDICT_DUPLICATE },
    { "已存在",       VERDICT_DUPLICATE },
    { "已上传",       VERDICT_DUPLICATE },
    { "duplicate",    VERDICT_DUPLICATE },
    { "already exist", VERDICT_DUPLICATE },
    { "未注册",       VERDICT_RENEW },
    { "设备不存在",   VERDICT_RENEW },
    { "设备序列号",   VERDICT_RENEW },
    { "GUID",         VERDICT_RENEW },
    { "deviceId",     VERDICT_RENEW },
    { "provinceId",   VERDICT_RENEW },
    { "not registered", VERDICT_RENEW },
    { "unknown device", VERDICT_RENEW },
    { "企业不存在",   VERDICT_FAULT },
    { "信用代码",     VERDICT_FAULT }, /* enterpriseCode, from the settings */
    { "enterpriseCode", VERDICT_FAULT },
    { "证书",         VERDICT_FAULT },
    { "certificate",  VERDICT_FAULT },
    { "未授权",       VERDICT_FAULT },
    { "unauthorized", VERDICT_FAULT },
    { NULL,           VERDICT_UNKNOWN },
};
/* clang-format on */

static enum verdict verdict_of_body(const struct judgement *judgement)
{
    enum verdict verdict = VERDICT_UNKNOWN;
    enum verdict said;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].code, judgement->code) == 0)
            verdict = codes[i].verdict;
    if (verdict == VERDICT_ACCEPTED)
        return verdict;
    return call_match(patterns, span_text(judgement->words), &said) ? said
                                                                    : verdict;
}

static void show(const struct answer *answer, const json_t *body,
                 struct judgement *judgement)
{
    call_json_words(json_object_get(body, "responseCode"), judgement->code,
                    sizeof judgement->code);
    call_json_words(json_object_get(body, "responseMessage"), judgement->words,
                    sizeof judgement->words);
    if (!*judgement->code)
        snprintf(judgement->code, sizeof judgement->code, "%ld",
                 answer->http_status);
    if (!*judgement->words)
        call_words(answer->body, judgement->words, sizeof judgement->words);
}

/* There is no token here: a 401 means that the certificate is not accepted. */
static enum verdict verdict_of_http(long http_status)
{
    enum verdict verdict = call_http_verdict(http_status);

    return verdict == VERDICT_RENEW ? VERDICT_FAULT : verdict;
}

static enum verdict verdict_of(const struct destination_config *destination,
                               const struct answer *answer, const json_t *body,
                               const struct judgement *judgement)
{
    enum verdict verdict;

    if (call_match_settings(destination, answer->body, &verdict))
        return verdict;
    verdict = verdict_of_http(answer->http_status);
    if (verdict != VERDICT_ACCEPTED)
        return verdict;
    return json_object_get(body, "responseCode") ? verdict_of_body(judgement)
                                                 : VERDICT_UNKNOWN;
}

/* ---- what an accepted call leaves in the credentials ------------------- */

static void remember(struct session *session, const char *name,
                     const char *text)
{
    json_object_set_new(session->credentials, name, json_string(text));
    session->credentials_changed = true;
}

static void forget(struct session *session, const char *name)
{
    if (json_object_del(session->credentials, name) == 0)
        session->credentials_changed = true;
}

static bool printable(const char *text, size_t len_max)
{
    const size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= 0x20 || text[i] > 0x7e || strchr("\"<>\\", text[i]))
            return false;
    return len > 0 && len <= len_max;
}

/* Addresses come with or without a scheme (A.1); any other than HTTP's is
 * none of ours, and what is unusable leaves the address below base_url. */
static void remember_url(const struct destination_config *destination,
                         struct session *session, const char *name,
                         const char *given)
{
    const char *scheme =
        destination->energy.plain_http ? "http://" : "https://";
    char url[URL_LEN_MAX + 16];

    if (!printable(given, URL_LEN_MAX)) {
        forget(session, name);
        return;
    }
    if (strncasecmp(given, "http://", 7) == 0 ||
        strncasecmp(given, "https://", 8) == 0)
        scheme = "";
    else if (strstr(given, "://")) {
        forget(session, name);
        return;
    }
    snprintf(url, sizeof url, "%s%s", scheme, given);
    remember(session, name, url);
}

static void remember_urls(const struct destination_config *destination,
                          struct session *session, const json_t *body)
{
    static const char *const names[] = {
        "loadConfigURL", "loadDicVersionURL",     "centerInfoURL",
        "centerDataURL", "centerInfoDownloadURL", "centerDataDownloadURL"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remember_url(destination, session, names[i],
                     fields_text(body, names[i]));
}

/* A.1 */
static void registered(const struct destination_config *destination,
                       const struct energy_family *family,
                       struct session *session, const json_t *body,
                       struct judgement *judgement)
{
    const char *id = fields_text(body, family->id_name);
    const char *time = fields_text(body, "uploadTime");
    const char *seen = fields_text(session->credentials, "regVersionSeen");

    if (!printable(id, ID_LEN_MAX)) {
        judgement->verdict = VERDICT_UNKNOWN;
        snprintf(judgement->words, sizeof judgement->words,
                 "the answer holds no usable %s", family->id_name);
        return;
    }
    remember(session, family->id_name, id);
    remember_urls(destination, session, body);
    if (fields_date_valid(time, "HH:mm:ss"))
        remember(session, "uploadTime", time);
    else
        forget(session, "uploadTime");
    remember(session, "enterpriseCode", destination->energy.enterprise_code);
    remember(session, "registeredAt", destination->base_url);
    if (*seen)
        remember(session, "regVersion", seen);
    /* The configuration is owed anew, but data need not wait for it. */
    if (json_object_get(session->credentials, "configDigest"))
        remember(session, "configDigest", "");
    forget(session, "configRefused");
    session->redo = false;
}

/* A.3: versions are compared as they are written, "125" or 125. */
static void version_told(struct session *session, const json_t *body,
                         int64_t now_ms)
{
    char reg[64];
    char dic[64];

    call_json_words(json_object_get(body, "regVersion"), reg, sizeof reg);
    call_json_words(json_object_get(body, "dicVersion"), dic, sizeof dic);
    session->checked_at_ms = now_ms;
    forget(session, "configRefused"); /* once a day it is offered again */
    if (*dic && strcmp(dic, fields_text(session->credentials, "dicVersion")))
        remember(session, "dicVersion", dic);
    if (!*reg)
        return;
    if (strcmp(reg, fields_text(session->credentials, "regVersionSeen")) != 0)
        remember(session, "regVersionSeen", reg);
    if (!*fields_text(session->credentials, "regVersion"))
        remember(session, "regVersion", reg); /* of the first check */
    if (strcmp(reg, fields_text(session->credentials, "regVersion")) != 0)
        session->redo = true;
}

static void configured(struct session *session, const char *name)
{
    const struct energy_keys *keys = session->keys;

    if (keys)
        remember(session, name, keys->digest);
}

/* ---- calls of the session ---------------------------------------------- */

/* There is no record to blame when a session call is refused: the settings
 * are wrong.  Only a configuration that follows an accepted one may fail
 * alone, for the readings go on under the old one. */
static enum verdict of_session(const struct energy_detail *detail,
                               struct session *session, enum verdict verdict)
{
    if (detail->call == ENERGY_CONFIG && verdict == VERDICT_REFUSED &&
        json_object_get(session->credentials, "configDigest")) {
        configured(session, "configRefused");
        return VERDICT_REFUSED;
    }
    if (detail->call == ENERGY_CONFIG && verdict == VERDICT_DUPLICATE)
        return VERDICT_ACCEPTED;
    if (detail->call == ENERGY_REGISTER && verdict == VERDICT_RENEW)
        return VERDICT_FAULT;
    if (detail->call == ENERGY_VERSION && verdict == VERDICT_REFUSED)
        return VERDICT_UNKNOWN; /* nothing depends on it */
    if (verdict == VERDICT_REFUSED)
        return VERDICT_FAULT;
    return verdict == VERDICT_DUPLICATE ? VERDICT_UNKNOWN : verdict;
}

static void accepted(const struct destination_config *destination,
                     const struct energy_detail *detail,
                     struct session *session, const json_t *body,
                     int64_t now_ms, struct judgement *judgement)
{
    switch (detail->call) {
    case ENERGY_REGISTER:
        registered(destination, detail->family, session, body, judgement);
        break;
    case ENERGY_VERSION:
        version_told(session, body, now_ms);
        break;
    case ENERGY_CONFIG:
        configured(session, "configDigest");
        break;
    case ENERGY_DATA:
        break;
    }
}

void energy_judge(const struct destination_config *destination,
                  const struct interface *interface, struct session *session,
                  const struct answer *answer, int64_t now_ms,
                  struct judgement *judgement)
{
    const struct energy_detail *detail = interface->detail;
    json_t *body = call_json(answer->body);

    *judgement = (struct judgement){0};
    if (!session->credentials)
        session->credentials = json_object();
    show(answer, body, judgement);
    judgement->verdict = verdict_of(destination, answer, body, judgement);
    if (interface->role == ROLE_SESSION)
        judgement->verdict = of_session(detail, session, judgement->verdict);
    if (judgement->verdict == VERDICT_RENEW)
        session->redo = true;
    if (judgement->verdict == VERDICT_ACCEPTED)
        accepted(destination, detail, session, body, now_ms, judgement);
    json_decref(body);
}
