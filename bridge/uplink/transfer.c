#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define ANSWER_MAX ((size_t)1 << 20)
#define SLOWEST_BYTES 8192 /* a second: half of what GPRS did */

static size_t answer_write(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    struct span more = span_of(data, size * count);

    if (transfer->body.len + more.len > ANSWER_MAX ||
        bytes_append(&transfer->body, more) != STATUS_OK)
        return 0; /* CURLE_WRITE_ERROR: the attempt failed */
    return more.len;
}

/*
 * The connection stands and the request is about to be written.  When a
 * reused connection dies under it, curl would send it once more by itself: an
 * attempt nobody counts, in an envelope that was used before.
 */
static int request_begins(void *arg, char *to, char *from, int to_port,
                          int from_port)
{
    struct transfer *transfer = arg;
    bool first = !transfer->begun;

    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    transfer->begun = true;
    return first ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static bool is_set(const char *text)
{
    return text != NULL && *text != 0;
}

static void tls_set(CURL *easy, const struct destination_config *to)
{
    if (is_set(to->ca_file))
        curl_easy_setopt(easy, CURLOPT_CAINFO, to->ca_file);
    if (is_set(to->cert_file)) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, to->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, to->key_file);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, to->verify_server ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, to->verify_server ? 2L : 0L);
}

static void easy_set(struct transfer *transfer,
                     const struct destination_config *to)
{
    CURL *easy = transfer->easy;
    const struct uplink_config *limits = &to->uplink;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, request_begins);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sampan/" SAMPAN_VERSION);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     (long)limits->answer_timeout_s);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)limits->connect_timeout_s * 1000L);
    /* An empty proxy also switches the environment's off. */
    curl_easy_setopt(easy, CURLOPT_PROXY, to->proxy == NULL ? "" : to->proxy);
    tls_set(easy, to);
}

/* The cap is shared out among those that may be on their way at once. */
static void speed_set(struct transfer *transfer,
                      const struct uplink_config *limits)
{
    uint64_t share = limits->bandwidth_kbit_s * UINT64_C(125) /
                     (limits->concurrency == 0 ? 1 : limits->concurrency);

    transfer->answer_ms = (long)limits->answer_timeout_s * 1000L;
    transfer->slowest_bytes = SLOWEST_BYTES;
    if (limits->bandwidth_kbit_s == 0)
        return;
    if (share < 2)
        share = 2; /* 0 would be no cap */
    curl_easy_setopt(transfer->easy, CURLOPT_MAX_SEND_SPEED_LARGE,
                     (curl_off_t)share);
    if (share / 2 < transfer->slowest_bytes)
        transfer->slowest_bytes = share / 2;
}

/* A picture over a slow line takes longer than an answer may: the time to send
 * is given on top, or it could never be delivered. */
static void time_set(const struct transfer *transfer)
{
    uint64_t bytes = transfer->request.body.len;

    for (size_t i = 0; i < transfer->request.part_count; i++)
        bytes += transfer->request.parts[i].content.len;
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS,
                     transfer->answer_ms +
                         (long)(bytes * 1000 / transfer->slowest_bytes));
}

enum status transfer_open(const struct destination_config *to,
                          struct transfer **transfer)
{
    struct transfer *fresh = calloc(1, sizeof *fresh);

    if (fresh == NULL)
        return STATUS_NOMEM;
    fresh->easy = curl_easy_init();
    if (fresh->easy == NULL) {
        free(fresh);
        return STATUS_NOMEM;
    }
    easy_set(fresh, to);
    speed_set(fresh, &to->uplink);
    *transfer = fresh;
    return STATUS_OK;
}

void transfer_clear(struct transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(transfer->easy, CURLOPT_MIMEPOST, NULL);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    curl_mime_free(transfer->mime);
    transfer->mime = NULL;
    request_free(&transfer->request);
    bytes_clear(&transfer->body);
    if (transfer->body.capacity > 65536)
        bytes_free(&transfer->body);
    transfer->error[0] = 0;
    transfer->begun = false;
}

void transfer_close(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    transfer_clear(transfer);
    curl_easy_cleanup(transfer->easy);
    bytes_free(&transfer->body);
    free(transfer);
}

static enum status header_add(struct transfer *transfer, const char *header)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, header);

    if (longer == NULL)
        return STATUS_NOMEM;
    transfer->headers = longer;
    return STATUS_OK;
}

static enum status headers_add(struct transfer *transfer)
{
    const struct request *request = &transfer->request;
    char type[160];
    enum status status = header_add(transfer, "Expect:");

    if (status == STATUS_OK && request->content_type != NULL) {
        snprintf(type, sizeof type, "Content-Type: %s", request->content_type);
        status = header_add(transfer, type);
    }
    for (size_t i = 0; i < request->header_count && status == STATUS_OK; i++)
        status = header_add(transfer, bytes_text(&request->headers[i]));
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    return status;
}

static enum status parts_add(struct transfer *transfer)
{
    transfer->mime = curl_mime_init(transfer->easy);
    if (transfer->mime == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < transfer->request.part_count; i++) {
        const struct request_part *part = &transfer->request.parts[i];
        curl_mimepart *mime = curl_mime_addpart(transfer->mime);

        if (mime == NULL || curl_mime_name(mime, part->name) != CURLE_OK ||
            curl_mime_filename(mime, part->file_name) != CURLE_OK ||
            curl_mime_type(mime, part->content_type) != CURLE_OK ||
            curl_mime_data(mime, (const char *)part->content.data,
                           part->content.len) != CURLE_OK)
            return STATUS_NOMEM;
    }
    curl_easy_setopt(transfer->easy, CURLOPT_MIMEPOST, transfer->mime);
    return STATUS_OK;
}

static void body_set(struct transfer *transfer)
{
    const struct bytes *body = &transfer->request.body;

    curl_easy_setopt(transfer->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)body->len);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, bytes_text(body));
}

enum status transfer_load(struct transfer *transfer, struct request *request)
{
    enum status status;

    transfer_clear(transfer);
    transfer->request = *request;
    *request = (struct request){0};
    time_set(transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_ONLY, 0L);
    curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE,
                     transfer->request.close ? 1L : 0L);
    if (curl_easy_setopt(transfer->easy, CURLOPT_URL,
                         bytes_text(&transfer->request.url)) != CURLE_OK)
        return STATUS_NOMEM;
    if ((status = headers_add(transfer)) != STATUS_OK)
        return status;
    if (transfer->request.part_count > 0)
        return parts_add(transfer);
    body_set(transfer);
    return STATUS_OK;
}

enum status transfer_load_connect(struct transfer *transfer, const char *url)
{
    transfer_clear(transfer);
    time_set(transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_ONLY, 1L);
    return curl_easy_setopt(transfer->easy, CURLOPT_URL, url) == CURLE_OK
               ? STATUS_OK
               : STATUS_NOMEM;
}

static int64_t date_of(CURL *easy)
{
    struct curl_header *date = NULL;
    time_t seconds;

    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
        return 0;
    seconds = curl_getdate(date->value, NULL);
    return seconds < 0 ? 0 : (int64_t)seconds * 1000;
}

enum reach transfer_end(struct transfer *transfer, CURLcode code,
                        struct answer *answer, char words[static 256])
{
    char *type = NULL;

    *answer = (struct answer){0};
    words[0] = 0;
    if (code != CURLE_OK) {
        text_put(words, 256,
                 transfer->error[0] != 0 ? transfer->error
                                         : curl_easy_strerror(code));
        return transfer->begun ? REACH_LOST : REACH_UNREACHABLE;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE,
                      &answer->http_status);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    answer->content_type = span_text(type);
    answer->body = bytes_view(&transfer->body);
    answer->date_ms = date_of(transfer->easy);
    return REACH_ANSWERED;
}
