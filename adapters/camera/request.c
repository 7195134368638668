#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "makers.h"
#include "text.h"

#define REALM "sampan-camera"
#define REALM_MAX 96
#define NONCE_S 300
#define BODY_BEGIN ((size_t)16 << 10)
#define READ_AWAY_MAX ((size_t)64 << 20) /* of a body that is refused */
#define RETRY_AFTER_S "5"

static void count(const struct request *request, enum tally tally)
{
    roster_count(request->listener->options.roster, tally, 1);
}

/* ---- the body ----------------------------------------------------------- */

static void body_free(struct request *request)
{
    bytes_free(&request->body);
    atomic_fetch_sub(&request->listener->pending, request->charged);
    request->charged = 0;
}

static void body_refuse(struct request *request, unsigned code, const char *why)
{
    body_free(request);
    request->admission.code = code;
    text_put(request->admission.why, sizeof request->admission.why, why);
}

/* The length that the peer told is not believed: room is made as bytes come,
 * doubled each time, and counted. */
static bool body_room(struct request *request, size_t more)
{
    const struct listen_config *listen =
        &request->listener->options.config->listen;
    size_t need = request->body.len + more;
    size_t room = BODY_BEGIN;
    size_t charge;

    if (need < request->body.capacity)
        return true;
    while (room <= need)
        room *= 2;
    charge = room - request->charged;
    if (atomic_fetch_add(&request->listener->pending, charge) + charge >
        (size_t)listen->pending_mb << 20) {
        atomic_fetch_sub(&request->listener->pending, charge);
        return false;
    }
    request->charged = room;
    return bytes_reserve(&request->body, room - request->body.len - 1) ==
           STATUS_OK;
}

static void body_take(struct request *request, struct span bytes)
{
    size_t limit =
        (size_t)request->listener->options.config->listen.body_limit_kb * 1024;

    if (request->body.len + bytes.len > limit)
        body_refuse(request, 413, "the body is above body_limit_kb");
    else if (!body_room(request, bytes.len) ||
             bytes_append(&request->body, bytes) != STATUS_OK)
        body_refuse(request, 503, "too much is in progress; come again");
}

/* ---- the answer --------------------------------------------------------- */

/*
 * One of its own for each camera.  The library (0.9.75) makes a nonce of time
 * in seconds, path and realm, and takes its first use for a replay when
 * another has used it: two cameras of one gate, which see a vehicle at the
 * same moment, would lock each other out.
 */
static void realm_print(const struct request *request,
                        char realm[static REALM_MAX])
{
    text_print(realm, REALM_MAX, "%s %s", REALM, request->cameras[0]->id);
}

static enum MHD_Result queue_challenge(struct MHD_Connection *connection,
                                       const struct request *request,
                                       struct MHD_Response *response)
{
    char realm[REALM_MAX];

    realm_print(request, realm);
    if (request->cameras[0]->login == LOGIN_BASIC)
        return MHD_queue_basic_auth_fail_response(connection, realm, response);
    return MHD_queue_auth_fail_response2(connection, realm, REALM, response,
                                         request->stale ? MHD_YES : MHD_NO,
                                         MHD_DIGEST_ALG_MD5);
}

static enum MHD_Result queue(struct MHD_Connection *connection,
                             const struct request *request, unsigned code,
                             const char *type, struct span body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    if (body.len > 0)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (code == 503)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
                                RETRY_AFTER_S);
    if (code == 405)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    if (code == 401)
        result = queue_challenge(connection, request, response);
    else
        result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

/* LATER of the listener's own (503), and everything refused by its head. */
static enum MHD_Result answer_refused(struct MHD_Connection *connection,
                                      const struct request *request)
{
    const struct admission *admission = &request->admission;
    struct answer answer = {.code = 503, .type = "text/plain"};
    enum MHD_Result result = MHD_NO;
    enum status status = STATUS_OK;

    if (admission->code == 503) {
        status = maker_answer(admission->maker, request->cameras[0], NULL,
                              OUTCOME_LATER, &answer);
    } else {
        answer.code = admission->code;
        if (admission->why[0] != 0)
            status = bytes_print(&answer.body, "%s\n", admission->why);
    }
    if (status == STATUS_OK)
        result = queue(connection, request, answer.code, answer.type,
                       bytes_view(&answer.body));
    bytes_free(&answer.body);
    return result;
}

static enum MHD_Result answer_message(struct MHD_Connection *connection,
                                      struct request *request, const char *path)
{
    const struct intake_message message = {
        .cameras = request->cameras,
        .camera_count = request->admission.camera_count,
        .path = path,
        .content_type = MHD_lookup_connection_value(
            connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE),
        .body = bytes_view(&request->body),
    };
    const struct camera_config *camera = NULL;
    struct capture capture;
    struct answer answer = {.code = 503, .type = "text/plain"};
    enum MHD_Result result = MHD_NO;
    enum outcome outcome;

    outcome = intake_take(request->listener->options.intake, &message, &camera,
                          &capture);
    body_free(request);
    if (maker_answer(request->admission.maker, camera, &capture, outcome,
                     &answer) == STATUS_OK)
        result = queue(connection, request, answer.code, answer.type,
                       bytes_view(&answer.body));
    bytes_free(&answer.body);
    capture_free(&capture);
    return result;
}

/* ---- the head ----------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Compares all of both, so that time tells nothing of the password. */
static bool secret_same(const char *told, const struct bytes *secret)
{
    size_t len = strlen(told);
    unsigned differs = len != secret->len;

    for (size_t i = 0; i < len; i++)
        differs |=
            (unsigned)(told[i] ^
                       bytes_text(
                           secret)[secret->len == 0 ? 0 : i % secret->len]);
    return differs == 0;
}

static int basic_check(struct MHD_Connection *connection,
                       const struct camera_config *camera)
{
    char *password = NULL;
    char *username =
        MHD_basic_auth_get_username_password(connection, &password);
    bool good = username != NULL && password != NULL &&
                strcmp(username, camera->username) == 0 &&
                secret_same(password, &camera->password);

    MHD_free(username);
    MHD_free(password);
    return good ? MHD_YES : MHD_NO;
}

/* All cameras that may have sent it have the same login (camera_check.c). */
static void login_check(struct MHD_Connection *connection,
                        struct request *request)
{
    const struct camera_config *camera = request->cameras[0];
    char realm[REALM_MAX];
    int result;

    if (camera->username[0] == 0)
        return;
    realm_print(request, realm);
    result = camera->login == LOGIN_BASIC
                 ? basic_check(connection, camera)
                 : MHD_digest_auth_check2(connection, realm, camera->username,
                                          bytes_text(&camera->password),
                                          NONCE_S, MHD_DIGEST_ALG_MD5);
    if (result == MHD_YES)
        return;
    request->admission.code = 401;
    request->stale = result == MHD_INVALID_NONCE;
    /* Nobody logs in with their first request, nor with an old nonce; that is
     * no refusal yet and needs no reason. */
    if (result == MHD_NO && header(connection, "Authorization") != NULL)
        text_put(request->admission.why, sizeof request->admission.why,
                 "the username or password is wrong");
}

static void tell_refused(const struct request *request, const char *path)
{
    struct listener *listener = request->listener;
    unsigned held;

    if (request->admission.why[0] == 0)
        return;
    count(request, TALLY_REFUSED);
    if (quiet_pass(&listener->refused, clock_steady_ms(listener->options.clock),
                   &held))
        log_at(LOG_WARN, "refused", LOG_TEXT("address", request->peer),
               LOG_NUMBER("code", request->admission.code),
               LOG_TEXT("path", path),
               LOG_TEXT("reason", request->admission.why),
               LOG_NUMBER("not_logged", held));
}

struct request *request_make(struct listener *listener,
                             struct MHD_Connection *connection,
                             const char *method, const char *path)
{
    const struct cameras_config *config = listener->options.config;
    struct request_head head = {
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr,
        method, path, header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH)};
    struct request *request = calloc(
        1, sizeof *request + config->camera_count * sizeof request->cameras[0]);

    if (request == NULL)
        return NULL;
    request->listener = listener;
    request->deadline =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
            ->socket_context;
    address_print(head.peer, request->peer);
    admission_check(config, listener->options.roster, &head, request->cameras,
                    &request->admission);
    if (request->admission.code == 0)
        login_check(connection, request);
    if (request->admission.code != 0)
        tell_refused(request, path);
    return request;
}

/*
 * Refused at once: strangers, and who asks first (Expect).  For all others the
 * body is read away before the answer: an answer while the camera still writes
 * is lost with the connection.
 */
bool request_answers_at_once(struct MHD_Connection *connection,
                             const struct request *request)
{
    return request->admission.code == 403 ||
           (request->admission.code != 0 &&
            header(connection, MHD_HTTP_HEADER_EXPECT) != NULL);
}

bool request_take(struct request *request, struct span bytes)
{
    request->seen += bytes.len;
    if (request->admission.code == 0)
        body_take(request, bytes);
    return request->seen <= READ_AWAY_MAX;
}

enum MHD_Result request_answer(struct MHD_Connection *connection,
                               struct request *request, const char *path)
{
    request->whole = true;
    if (request->admission.code == 0)
        return answer_message(connection, request, path);
    if (request->admission.code == 503)
        count(request, TALLY_LATER);
    return answer_refused(connection, request);
}

void request_free(struct request *request)
{
    body_free(request);
    free(request);
}
