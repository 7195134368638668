/* uplink_test: one destination, step by step, without touching a record. */
#include "uplink.h"

#include <stdio.h>
#include <string.h>

#include "credentials.h"
#include "text.h"
#include "transfer.h"

struct check {
    const struct uplink_options *options;
    const struct platform *platform;
    struct session session;
    struct transfer *transfer;
    struct bytes *words;
    enum status status;
};

static void step(struct check *check, const char *name, bool passed,
                 const char *what)
{
    if (bytes_print(check->words, "%-10s %-6s %s\n", name,
                    passed ? "ok" : "FAILED", what) != STATUS_OK)
        check->status = STATUS_NOMEM;
    if (!passed && check->status == STATUS_OK)
        check->status = STATUS_OFFLINE;
}

static void check_connection(struct check *check)
{
    const struct destination_config *to = check->options->destination;
    struct answer answer;
    char words[256];
    char text[128];
    double name_s = 0;
    double connect_s = 0;
    CURLcode code;

    if (transfer_load_connect(check->transfer, to->base_url) != STATUS_OK) {
        step(check, "settings", false, "base_url is not an address");
        return;
    }
    code = curl_easy_perform(check->transfer->easy);
    transfer_end(check->transfer, code, &answer, words);
    curl_easy_getinfo(check->transfer->easy, CURLINFO_NAMELOOKUP_TIME, &name_s);
    curl_easy_getinfo(check->transfer->easy, CURLINFO_CONNECT_TIME, &connect_s);
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        step(check, "name", false, words);
        return;
    }
    snprintf(text, sizeof text, "resolved in %.0f ms", name_s * 1000);
    step(check, "name", true, text);
    if (code != CURLE_OK) {
        step(check, connect_s > 0 ? "tls" : "connect", false, words);
        return;
    }
    snprintf(text, sizeof text, "%s in %.0f ms",
             strncmp(to->base_url, "https:", 6) == 0
                 ? "connected, certificate verified,"
                 : "connected (plain HTTP)",
             connect_s * 1000);
    step(check, "connect", true, text);
}

static void check_call(struct check *check, const char *name,
                       const struct interface *interface)
{
    const struct destination_config *to = check->options->destination;
    int64_t now_ms = clock_wall_ms(check->options->clock);
    struct request request = {0};
    struct judgement judgement = {0};
    struct answer answer;
    char words[256];
    char text[640];

    if (check->platform->render(to, interface, &check->session, span_text(""),
                                NULL, now_ms, &request) != STATUS_OK) {
        step(check, name, false, request.words);
    } else if (transfer_load(check->transfer, &request) != STATUS_OK) {
        step(check, name, false, status_text(STATUS_NOMEM));
    } else if (transfer_end(check->transfer,
                            curl_easy_perform(check->transfer->easy), &answer,
                            words) != REACH_ANSWERED) {
        step(check, name, false, words);
    } else {
        check->platform->judge(to, interface, &check->session, &answer, now_ms,
                               &judgement);
        text_print(text, sizeof text, "%s: HTTP %ld, %s %s %s", interface->name,
                   answer.http_status, judgement.code,
                   verdict_name(judgement.verdict), judgement.words);
        step(check, name,
             judgement.verdict == VERDICT_ACCEPTED ||
                 judgement.verdict == VERDICT_DUPLICATE,
             text);
        json_decref(judgement.value);
    }
    request_free(&request);
}

static void check_session(struct check *check)
{
    const struct destination_config *to = check->options->destination;
    bool blocks = false;
    const struct interface *due;

    if (check->platform->due == NULL)
        return;
    due = check->platform->due(to, &check->session,
                               clock_wall_ms(check->options->clock), &blocks);
    if (due != NULL && due->once_only) {
        step(check, "session", false,
             "not registered yet, and the registration works only once: it is "
             "left to the uplink");
        return;
    }
    if (due != NULL)
        check_call(check, "session", due);
    else
        step(check, "session", true, "nothing is due");
}

static void check_heartbeat(struct check *check)
{
    for (size_t i = 0; i < check->platform->interface_count; i++)
        if (check->platform->interfaces[i].role == ROLE_HEARTBEAT)
            check_call(check, "heartbeat", &check->platform->interfaces[i]);
}

static void check_steps(struct check *check)
{
    char words[256] = "";
    enum status status;

    status =
        credentials_load(check->options->state_folder,
                         check->options->destination->name, &check->session);
    if (status != STATUS_OK) {
        step(check, "state", false, status_text(status));
        return;
    }
    if (check->platform->prepare != NULL)
        status = check->platform->prepare(check->options->destination,
                                          &check->session, words);
    if (status != STATUS_OK && status != STATUS_MISSING)
        step(check, "keys", false, words);
    check_connection(check);
    if (check->status == STATUS_OK)
        check_session(check);
    if (check->status == STATUS_OK)
        check_heartbeat(check);
}

enum status uplink_test(const struct uplink_options *options,
                        struct bytes *words)
{
    struct check check = {
        .options = options,
        .platform = platform_find(options->destination->platform),
        .words = words,
    };
    enum status status = transfer_open(options->destination, &check.transfer);

    if (status != STATUS_OK)
        return status;
    check_steps(&check);
    transfer_close(check.transfer);
    if (check.platform->release != NULL)
        check.platform->release(&check.session);
    credentials_forget(&check.session);
    return check.status;
}
