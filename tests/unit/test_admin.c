/* What operators ask, and that whatever they ask is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>
#include <pthread.h>

#include "admin.h"
#include "crypto.h"

#define LONG_PLATE                                                             \
    "\xe8\xb1\xab\xe8\xb1\xab\xe8\xb1\xab\xe8\xb1\xab\xe8\xb1\xab"

struct fixture {
    char folder[64];
    struct queue *queue;
    struct committer *committer;
    struct config config;
    struct uplink *uplinks[1];
    struct admin *admin;
    uint64_t ids[3];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    json_t *reply; /* under lock */
};

static enum status on_tick(void *arg, struct queue *queue, int64_t now_ms)
{
    (void)arg;
    (void)queue;
    (void)now_ms;
    return STATUS_OK;
}

static void on_group(void *arg)
{
    (void)arg;
}

static void on_full(void *arg, bool full, const char *why)
{
    (void)arg;
    (void)full;
    (void)why;
}

static void on_kept(void *arg, enum queue_kept kept, const char *month)
{
    (void)arg;
    (void)kept;
    (void)month;
}

static void on_reply(void *arg, const char *user, struct span json)
{
    struct fixture *fixture = arg;
    json_t *reply = json_loadb((const char *)json.data, json.len, 0, NULL);

    assert_string_equal(user, "wang");
    assert_non_null(reply);
    pthread_mutex_lock(&fixture->lock);
    fixture->reply = reply;
    pthread_cond_signal(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

/* Three that are held, for a reason that ends inside a character. */
static enum status deliveries_apply(void *arg, struct queue *queue,
                                    int64_t now_ms)
{
    struct fixture *fixture = arg;
    const struct queue_delivery_new made = {.destination = "sink",
                                            .interface = "post",
                                            .state = STATE_HELD,
                                            .reason = "vin: \xe8\xb1",
                                            .number = "n-\xe8",
                                            .subject = "\xb1"
                                                       "A1",
                                            .order_key = "",
                                            .facts = span_text("{}"),
                                            .made_at_ms = now_ms};
    enum status status = STATUS_OK;

    for (int i = 0; i < 3 && status == STATUS_OK; i++)
        status = queue_put_delivery(queue, &made, &fixture->ids[i]);
    return status;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct committer_events events = {on_tick, on_group, on_group,
                                            on_full, on_kept,  fixture};
    struct queue_opening opening;
    const struct queue_options options = {
        .folder = fixture->folder,
        .quota_bytes = 64 << 20,
        .keep_months = 13,
        .dedup_days = 40,
        .now_ms = clock_wall_ms(clock_system()),
        .digest = crypto_sha256,
    };
    struct admin_options admin = {
        .config = &fixture->config,
        .state_folder = fixture->folder,
        .clock = clock_system(),
        .uplinks = fixture->uplinks,
        .reply = on_reply,
        .arg = fixture,
    };

    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    strcpy(fixture->folder, "/tmp/sampan-admin-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(queue_open(&options, &opening, &fixture->queue),
                     STATUS_OK);
    assert_int_equal(committer_open(fixture->queue, clock_system(), &events,
                                    &fixture->committer),
                     STATUS_OK);
    assert_int_equal(
        committer_run(fixture->committer, deliveries_apply, fixture),
        STATUS_OK);
    admin.queue = fixture->queue;
    admin.committer = fixture->committer;
    assert_int_equal(admin_open(&admin, &fixture->admin), STATUS_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    admin_close(fixture->admin);
    committer_close(fixture->committer);
    queue_close(fixture->queue);
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    pthread_cond_destroy(&fixture->changed);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture);
    return 0;
}

static json_t *ask(struct fixture *fixture, const char *request)
{
    json_t *reply;

    admin_request(fixture->admin, "wang", span_text(request));
    pthread_mutex_lock(&fixture->lock);
    while (fixture->reply == NULL)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    reply = fixture->reply;
    fixture->reply = NULL;
    pthread_mutex_unlock(&fixture->lock);
    return reply;
}

static void is_refused(struct fixture *fixture, const char *request,
                       const char *why)
{
    json_t *reply = ask(fixture, request);
    const char *error = json_string_value(json_object_get(reply, "error"));

    assert_true(json_is_false(json_object_get(reply, "ok")));
    assert_non_null(error);
    assert_non_null(strstr(error, why));
    json_decref(reply);
}

static void whatever_is_wrong_is_answered(void **state)
{
    struct fixture *fixture = *state;

    is_refused(fixture, "", "not a JSON object");
    is_refused(fixture, "[1]", "another type");
    is_refused(fixture, "{\"verb\":\"\xff\"}", "not a JSON object");
    is_refused(fixture, "{\"verb\":7}", "there is no verb \"\"");
    is_refused(fixture, "{\"verb\":\"pause\",\"destination\":\"x\"}",
               "no enabled destination");
    is_refused(fixture, "{\"verb\":\"discard\",\"ids\":[1]}", "reason");
}

static void what_is_quoted_and_cut_is_answered_too(void **state)
{
    struct fixture *fixture = *state;

    /* 45 bytes, of which 40 are quoted: 13 characters and a third. */
    is_refused(fixture, "{\"verb\":\"" LONG_PLATE LONG_PLATE LONG_PLATE "\"}",
               LONG_PLATE LONG_PLATE);
    is_refused(fixture,
               "{\"verb\":\"list\",\"" LONG_PLATE LONG_PLATE LONG_PLATE "\":1}",
               "is no argument of list");
}

static void a_record_with_torn_words_is_listed_and_shown(void **state)
{
    struct fixture *fixture = *state;
    json_t *reply = ask(fixture, "{\"id\":\"7\",\"verb\":\"list\"}");
    char request[64];

    assert_true(json_is_true(json_object_get(reply, "ok")));
    assert_string_equal(json_string_value(json_object_get(reply, "id")), "7");
    assert_int_equal(json_array_size(json_object_get(reply, "entries")), 3);
    json_decref(reply);
    snprintf(request, sizeof request, "{\"verb\":\"show\",\"entry\":%llu}",
             (unsigned long long)fixture->ids[0]);
    reply = ask(fixture, request);
    assert_true(json_is_true(json_object_get(reply, "ok")));
    assert_true(json_is_string(json_object_get(reply, "reason")));
    json_decref(reply);
}

static void many_are_changed_only_with_the_token(void **state)
{
    struct fixture *fixture = *state;
    json_t *reply = ask(fixture, "{\"verb\":\"discard\",\"state\":\"held\","
                                 "\"reason\":\"test\"}");
    char request[256];

    assert_int_equal(json_integer_value(json_object_get(reply, "count")), 3);
    snprintf(request, sizeof request,
             "{\"verb\":\"discard\",\"state\":\"held\",\"reason\":\"%%s\","
             "\"token\":\"%s\"}",
             json_string_value(json_object_get(reply, "token")));
    json_decref(reply);
    is_refused(fixture, request, "not (or no longer) good"); /* another one */
    memcpy(strstr(request, "%s"), "no", 2);
    is_refused(fixture, request, "not (or no longer) good");
}

static void the_token_does_it_once(void **state)
{
    struct fixture *fixture = *state;
    const char *asked = "{\"verb\":\"discard\",\"state\":\"held\","
                        "\"reason\":\"test\"}";
    json_t *reply = ask(fixture, asked);
    char request[256];

    snprintf(request, sizeof request,
             "{\"verb\":\"discard\",\"state\":\"held\",\"reason\":\"test\","
             "\"token\":\"%s\"}",
             json_string_value(json_object_get(reply, "token")));
    json_decref(reply);
    reply = ask(fixture, request);
    assert_int_equal(json_integer_value(json_object_get(reply, "changed")), 3);
    json_decref(reply);
    is_refused(fixture, request, "not (or no longer) good");
}
