#include "tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls {
    SSL_CTX *context;
    SSL *ssl;
    short waits_for;
};

static void say(char why[static TLS_WHY_MAX], const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());

    snprintf(why, TLS_WHY_MAX, "%s%s%s", what, reason == NULL ? "" : ": ",
             reason == NULL ? "" : reason);
    ERR_clear_error();
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

/* Who it must be, and who we are. */
static bool set_identity(struct tls *tls, const struct mqtt_options *options,
                         const char **what)
{
    SSL_CTX *context = tls->context;

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    *what = "the CA file cannot be used";
    if (options->ca_file[0] == '\0'
            ? SSL_CTX_set_default_verify_paths(context) != 1
            : SSL_CTX_load_verify_file(context, options->ca_file) != 1)
        return false;
    if (options->cert_file[0] == '\0')
        return true;
    *what = "the client certificate cannot be used";
    if (SSL_CTX_use_certificate_chain_file(context, options->cert_file) != 1)
        return false;
    *what = "the client key cannot be used";
    return SSL_CTX_use_PrivateKey_file(context, options->key_file,
                                       SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
}

static bool set_host(SSL *ssl, const char *host)
{
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum status tls_open(const struct mqtt_options *options, int socket,
                     char why[static TLS_WHY_MAX], struct tls **tls)
{
    struct tls *made = calloc(1, sizeof *made);
    const char *what = "TLS cannot be set up";

    if (made == NULL)
        return STATUS_NOMEM;
    made->waits_for = POLLIN;
    made->context = SSL_CTX_new(TLS_client_method());
    if (made->context == NULL)
        goto failed;
    SSL_CTX_set_min_proto_version(made->context, TLS1_2_VERSION);
    SSL_CTX_set_options(made->context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(made->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    if (!set_identity(made, options, &what))
        goto failed;
    what = "TLS cannot be set up";
    made->ssl = SSL_new(made->context);
    if (made->ssl == NULL || !set_host(made->ssl, options->host) ||
        SSL_set_fd(made->ssl, socket) != 1)
        goto failed;
    SSL_set_connect_state(made->ssl);
    *tls = made;
    return STATUS_OK;
failed:
    say(why, what);
    tls_close(made);
    return STATUS_IO;
}

/* What a call that returned no success means. */
static enum status outcome(struct tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        tls->waits_for = POLLIN;
        return STATUS_EMPTY;
    case SSL_ERROR_WANT_WRITE:
        tls->waits_for = POLLOUT;
        return STATUS_EMPTY;
    case SSL_ERROR_ZERO_RETURN:
        return STATUS_CLOSED;
    default:
        return STATUS_IO;
    }
}

enum status tls_handshake(struct tls *tls, char why[static TLS_WHY_MAX])
{
    enum status status;
    long verdict;
    int result;

    ERR_clear_error();
    if ((result = SSL_do_handshake(tls->ssl)) == 1)
        return STATUS_OK;
    if ((status = outcome(tls, result)) == STATUS_EMPTY)
        return status;
    verdict = SSL_get_verify_result(tls->ssl);
    if (verdict == X509_V_OK) {
        say(why, "the TLS handshake failed");
        return STATUS_IO;
    }
    snprintf(why, TLS_WHY_MAX, "the broker's certificate is refused: %s",
             X509_verify_cert_error_string(verdict));
    ERR_clear_error();
    return STATUS_IO;
}

enum status tls_read(struct tls *tls, void *data, size_t size, size_t *got)
{
    int result;

    ERR_clear_error();
    result = SSL_read_ex(tls->ssl, data, size, got);
    return result == 1 ? STATUS_OK : outcome(tls, result);
}

enum status tls_write(struct tls *tls, const void *data, size_t size,
                      size_t *put)
{
    int result;

    ERR_clear_error();
    result = SSL_write_ex(tls->ssl, data, size, put);
    return result == 1 ? STATUS_OK : outcome(tls, result);
}

short tls_waits_for(const struct tls *tls)
{
    return tls->waits_for;
}

bool tls_buffered(const struct tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
}

void tls_shutdown(struct tls *tls)
{
    ERR_clear_error();
    if (SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    ERR_clear_error();
    free(tls);
}
