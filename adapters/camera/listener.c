#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"
#include "request.h"
#include "text.h"

#define NONCES 4096
#define CONNECTION_BYTES (32 << 10) /* for a head, and to read by */
#define BACKLOG 128

static int64_t now_ms(const struct listener *listener)
{
    return clock_steady_ms(listener->options.clock);
}

/* ---- called by the library ---------------------------------------------- */

static enum MHD_Result access_handler(void *cls,
                                      struct MHD_Connection *connection,
                                      const char *path, const char *method,
                                      const char *version, const char *data,
                                      size_t *size, void **context)
{
    struct request *request = *context;
    struct span bytes = span_of(data, *size);

    (void)version;
    if (request == NULL) {
        request = *context = request_make(cls, connection, method, path);
        if (request == NULL)
            return MHD_NO;
        return request_answers_at_once(connection, request)
                   ? request_answer(connection, request, path)
                   : MHD_YES;
    }
    if (*size > 0) {
        *size = 0;
        return request_take(request, bytes) ? MHD_YES : MHD_NO;
    }
    deadlines_due(request->listener->deadlines, request->deadline, INT64_MAX);
    return request_answer(connection, request, path);
}

static void tell_torn(struct request *request)
{
    struct listener *listener = request->listener;
    unsigned held;

    roster_count(listener->options.roster, TALLY_TORN, 1);
    if (quiet_pass(&listener->torn, now_ms(listener), &held))
        log_at(LOG_WARN, "request_torn", LOG_TEXT("address", request->peer),
               LOG_NUMBER("bytes", request->seen),
               LOG_TEXT("reason", "it ended before it was whole"),
               LOG_NUMBER("not_logged", held));
}

static void completed(void *cls, struct MHD_Connection *connection,
                      void **context, enum MHD_RequestTerminationCode code)
{
    struct listener *listener = cls;
    const struct listen_config *listen = &listener->options.config->listen;
    struct request *request = *context;

    (void)connection;
    (void)code;
    if (request == NULL)
        return;
    if (!request->whole && request->admission.code == 0)
        tell_torn(request);
    deadlines_due(listener->deadlines, request->deadline,
                  now_ms(listener) +
                      (int64_t)(listen->idle_s + listen->request_s) *
                          SECOND_MS);
    request_free(request);
    *context = NULL;
}

static void connection_changed(void *cls, struct MHD_Connection *connection,
                               void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = cls;
    const struct listen_config *listen = &listener->options.config->listen;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        deadlines_remove(listener->deadlines, *context);
        *context = NULL;
        return;
    }
    *context = deadlines_add(
        listener->deadlines,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd,
        now_ms(listener) + (int64_t)listen->request_s * SECOND_MS);
}

/* ---- opening ------------------------------------------------------------ */

static int socket_open(const struct listen_config *config)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)config->port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)config->port)};
    bool is_v6 = inet_pton(AF_INET6, config->address, &v6.sin6_addr) == 1;
    const struct sockaddr *address =
        is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    int fd = socket(address->sa_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    int off = 0;

    if (fd < 0)
        return -1;
    if (!is_v6)
        inet_pton(AF_INET, config->address, &v4.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (is_v6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address, is_v6 ? sizeof v6 : sizeof v4) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static enum status daemon_start(struct listener *listener,
                                char why[static LISTENER_WHY_MAX])
{
    const struct listen_config *config = &listener->options.config->listen;
    bool tls = config->cert.len > 0;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, listener->socket, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)config->threads, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->connections, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT,
         (intptr_t)config->connections_per_address, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)config->idle_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)&completed, listener},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)&connection_changed, listener},
        {MHD_OPTION_DIGEST_AUTH_RANDOM, sizeof listener->random,
         listener->random},
        {MHD_OPTION_NONCE_NC_SIZE, NONCES, NULL},
        /* The last two only with TLS: the list ends before them without. */
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
         (void *)(uintptr_t)bytes_text(&config->cert)},
        {MHD_OPTION_HTTPS_MEM_KEY, 0,
         (void *)(uintptr_t)bytes_text(&config->key)},
        {MHD_OPTION_END, 0, NULL},
    };

    /* Not epoll: by its edges the library (0.9.75) now and then misses that a
     * peer has gone in the middle of a request. */
    listener->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                             (tls ? MHD_USE_TLS : 0U),
                         0, NULL, NULL, access_handler, listener,
                         MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (listener->daemon != NULL)
        return STATUS_OK;
    text_print(why, LISTENER_WHY_MAX, "%s",
               tls ? "the HTTP server did not start: is cert_file a "
                     "certificate, and key_file its key?"
                   : "the HTTP server did not start");
    return tls ? STATUS_INVALID : STATUS_IO;
}

static enum status parts_open(struct listener *listener,
                              char why[static LISTENER_WHY_MAX])
{
    const struct listen_config *config = &listener->options.config->listen;

    text_put(why, LISTENER_WHY_MAX, status_text(STATUS_NOMEM));
    if (deadlines_make(config->connections + config->threads,
                       &listener->deadlines) != STATUS_OK)
        return STATUS_NOMEM;
    if (getrandom(listener->random, sizeof listener->random, 0) !=
        (ssize_t)sizeof listener->random)
        return STATUS_IO;
    listener->socket = socket_open(config);
    if (listener->socket < 0) {
        text_print(why, LISTENER_WHY_MAX, "%s port %u: %s", config->address,
                   config->port, strerror(errno));
        return STATUS_IO;
    }
    return daemon_start(listener, why);
}

enum status listener_open(const struct listener_options *options,
                          char why[static LISTENER_WHY_MAX],
                          struct listener **listener)
{
    struct listener *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = *options;
    made->socket = -1;
    status = parts_open(made, why);
    if (status == STATUS_OK)
        *listener = made;
    else
        listener_close(made);
    return status;
}

void listener_tick(struct listener *listener)
{
    size_t cut = deadlines_cut(listener->deadlines, now_ms(listener));
    unsigned held;

    if (cut > 0 && quiet_pass(&listener->slow, now_ms(listener), &held))
        log_at(LOG_WARN, "connection_cut", LOG_NUMBER("connections", cut),
               LOG_TEXT("reason", "no whole request within request_s"),
               LOG_NUMBER("not_logged", held));
}

/* The library closes the socket that it was given. */
void listener_close(struct listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->daemon != NULL)
        MHD_stop_daemon(listener->daemon);
    else if (listener->socket >= 0)
        close(listener->socket);
    deadlines_free(listener->deadlines);
    free(listener);
}
