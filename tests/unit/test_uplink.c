/*
 * An uplink with the real store and committer, against a small HTTP server in
 * this process.  The body of a record is the server's script for it: the codes
 * of its answers one after another, the last for all that follow; 0: hang up
 * without an answer; a leading '-': answer only after gate_open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>

#include "crypto.h"
#include "uplink.h"

#define NOW_MS INT64_C(1795134645000) /* 2026-11-20 08:30:45 in China */
#define SCRIPTS_MAX 16

struct script {
    char body[64];
    int requests;
    int first; /* which of all requests its first was: 1, 2 ... */
};

struct fixture {
    char folder[64];
    int handles; /* open before the test */
    struct clock clock;
    struct queue *queue;
    struct committer *committer;
    struct config config;
    struct destination_config destination;
    char url[64];
    struct uplink *uplink;
    uint32_t round_s;
    uint32_t answer_timeout_s;
    uint32_t bandwidth_kbit_s;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool deaf;                /* under lock: the uplink is told of nothing */
    const char *durable_wait; /* under lock: durable lasts until it is sent */
    /* the server; what follows the socket is under lock */
    uint16_t port;
    int listener;
    pthread_t server;
    struct script scripts[SCRIPTS_MAX];
    int requests;
    bool gate;
};

/* ---- the server ---------------------------------------------------------- */

static void gate_open(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->gate = true;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

/* The code of this answer. */
static int answer_of(struct fixture *fixture, const char *body)
{
    struct script *script = fixture->scripts;
    const char *at = body + (*body == '-');
    int turn;

    pthread_mutex_lock(&fixture->lock);
    while (script->body[0] != 0 && strcmp(script->body, body) != 0)
        script++;
    assert_true(script < fixture->scripts + SCRIPTS_MAX);
    snprintf(script->body, sizeof script->body, "%s", body);
    turn = script->requests++;
    fixture->requests++;
    if (turn == 0)
        script->first = fixture->requests;
    pthread_cond_broadcast(&fixture->changed);
    while (*body == '-' && !fixture->gate)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
    for (; turn > 0 && strchr(at, ',') != NULL; turn--)
        at = strchr(at, ',') + 1;
    return atoi(at);
}

/* The body of the request; false: the peer went away. */
static bool request_read(int peer, char body[static 64])
{
    static char text[512 * 1024]; /* the server has one thread */
    size_t len = 0;
    const char *end;
    const char *length;

    for (;;) {
        ssize_t count = read(peer, text + len, sizeof text - 1 - len);

        if (count <= 0)
            return false;
        len += (size_t)count;
        text[len] = 0;
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end != NULL && length != NULL &&
            strlen(end + 4) >= strtoul(length + 16, NULL, 10))
            break;
    }
    snprintf(body, 64, "%s", end + 4);
    return true;
}

static void *server_run(void *arg)
{
    struct fixture *fixture = arg;
    int peer;

    while ((peer = accept(fixture->listener, NULL, NULL)) >= 0) {
        char body[64];
        char text[128];
        int code = request_read(peer, body) ? answer_of(fixture, body) : 0;
        int len = snprintf(text, sizeof text,
                           "HTTP/1.1 %d X\r\nContent-Length: 2\r\n"
                           "Connection: close\r\n\r\n{}",
                           code);

        if (code != 0)
            assert_int_equal(send(peer, text, (size_t)len, MSG_NOSIGNAL), len);
        close(peer);
    }
    return NULL;
}

/* At the fixture's port, or at any when it has none yet. */
static int port_take(struct fixture *fixture)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(fixture->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int one = 1;
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(taken >= 0);
    setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&at, &size), 0);
    fixture->port = ntohs(at.sin_port);
    return taken;
}

static void server_start(struct fixture *fixture)
{
    fixture->listener = port_take(fixture);
    assert_int_equal(listen(fixture->listener, 16), 0);
    assert_int_equal(
        pthread_create(&fixture->server, NULL, server_run, fixture), 0);
}

/* ---- the fixture --------------------------------------------------------- */

static int64_t wall_ms(void *self)
{
    (void)self;
    return NOW_MS + clock_steady_ms(clock_system());
}

static int64_t steady_ms(void *self)
{
    (void)self;
    return clock_steady_ms(clock_system());
}

static enum status on_tick(void *arg, struct queue *queue, int64_t now_ms)
{
    (void)arg;
    (void)queue;
    (void)now_ms;
    return STATUS_OK;
}

static bool is_sent(const struct fixture *fixture, const char *body)
{
    for (int i = 0; i < SCRIPTS_MAX; i++)
        if (strcmp(fixture->scripts[i].body, body) == 0)
            return true;
    return false;
}

static void on_durable(void *arg)
{
    struct fixture *fixture = arg;
    struct queue_made made = queue_borrow_made(fixture->queue);

    pthread_mutex_lock(&fixture->lock);
    if (fixture->uplink != NULL && !fixture->deaf)
        uplink_hand_over(fixture->uplink, &made);
    while (fixture->durable_wait != NULL &&
           !is_sent(fixture, fixture->durable_wait))
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    fixture->durable_wait = NULL;
    pthread_mutex_unlock(&fixture->lock);
}

/* After each group, so at least once a second. */
static void on_committed(void *arg)
{
    struct fixture *fixture = arg;

    pthread_mutex_lock(&fixture->lock);
    if (fixture->uplink != NULL && !fixture->deaf)
        uplink_wake(fixture->uplink, UINT64_MAX);
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
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

static int handles_open(void)
{
    DIR *listing = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(listing) != NULL)
        count++;
    closedir(listing);
    return count;
}

static void store_make(struct fixture *fixture)
{
    struct queue_opening opening;
    const struct queue_options options = {
        .folder = fixture->folder,
        .quota_bytes = 64 << 20,
        .keep_months = 13,
        .dedup_days = 40,
        .now_ms = wall_ms(NULL),
        .digest = crypto_sha256,
    };
    const struct committer_events events = {on_tick, on_durable, on_committed,
                                            on_full, on_kept,    fixture};

    assert_int_equal(queue_open(&options, &opening, &fixture->queue),
                     STATUS_OK);
    assert_int_equal(committer_open(fixture->queue, &fixture->clock, &events,
                                    &fixture->committer),
                     STATUS_OK);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    fixture->handles = handles_open();
    fixture->round_s = 1;
    fixture->answer_timeout_s = 20;
    fixture->clock = (struct clock){wall_ms, steady_ms, NULL};
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    strcpy(fixture->folder, "/tmp/sampan-uplink-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    store_make(fixture);
    *state = fixture;
    return 0;
}

static void uplink_start(struct fixture *fixture, uint32_t concurrency)
{
    static const uint32_t at_once[] = {0, 0, 0};
    struct uplink *uplink = NULL;
    const struct uplink_options options = {
        .config = &fixture->config,
        .destination = &fixture->destination,
        .state_folder = fixture->folder,
        .queue = fixture->queue,
        .committer = fixture->committer,
        .clock = &fixture->clock,
    };

    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u",
             fixture->port);
    fixture->destination = (struct destination_config){
        .name = "sink",
        .platform = "generic",
        .base_url = fixture->url,
        .enabled = true,
        .uplink = {.answer_timeout_s = fixture->answer_timeout_s,
                   .bandwidth_kbit_s = fixture->bandwidth_kbit_s,
                   .connect_timeout_s = 5,
                   .resend_after_s = at_once,
                   .resend_after_count = 3,
                   .round_s = fixture->round_s,
                   .round_max_s = 14400,
                   .operator_after_rounds = 10,
                   .concurrency = concurrency},
    };
    assert_int_equal(uplink_open(&options, &uplink), STATUS_OK);
    pthread_mutex_lock(&fixture->lock);
    fixture->uplink = uplink;
    pthread_mutex_unlock(&fixture->lock);
}

static void uplink_end(struct fixture *fixture, int64_t grace_ms)
{
    struct uplink *uplink = fixture->uplink;

    pthread_mutex_lock(&fixture->lock);
    fixture->uplink = NULL;
    pthread_mutex_unlock(&fixture->lock);
    uplink_close(uplink, grace_ms);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    gate_open(fixture);
    uplink_end(fixture, 0);
    committer_close(fixture->committer);
    queue_close(fixture->queue);
    if (fixture->listener > 0) {
        shutdown(fixture->listener, SHUT_RDWR);
        pthread_join(fixture->server, NULL);
        close(fixture->listener);
    }
    assert_int_equal(handles_open(), fixture->handles);
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    pthread_cond_destroy(&fixture->changed);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture);
    return 0;
}

/* ---- records and what becomes of them ------------------------------------ */

struct putting {
    const char *body;
    uint64_t id;
};

static enum status put_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    struct putting *putting = arg;
    char facts[40];
    struct queue_event event = {.kind = "route",
                                .device = "",
                                .topic = "a/b",
                                .event_id = "",
                                .received_at_ms = now_ms,
                                .reason = "",
                                .body = span_text(putting->body)};
    struct queue_delivery_new made = {.destination = "sink",
                                      .interface = "post",
                                      .state = STATE_WAITING,
                                      .reason = "",
                                      .number = "",
                                      .subject = "",
                                      .order_key = "",
                                      .events = &event.id,
                                      .event_count = 1,
                                      .made_at_ms = now_ms};
    enum status status = queue_put_event(queue, &event);

    snprintf(facts, sizeof facts, "{\"event\":%llu}",
             (unsigned long long)event.id);
    made.facts = span_text(facts);
    return status != STATUS_OK ? status
                               : queue_put_delivery(queue, &made, &putting->id);
}

static uint64_t put(struct fixture *fixture, const char *body)
{
    struct putting putting = {body, 0};

    assert_int_equal(committer_run(fixture->committer, put_apply, &putting),
                     STATUS_OK);
    return putting.id;
}

static struct queue_delivery now(struct fixture *fixture, uint64_t id)
{
    struct queue_delivery row;

    assert_int_equal(queue_delivery_read(fixture->queue, id, &row), STATUS_OK);
    return row;
}

/* Attempts it took. */
static unsigned becomes(struct fixture *fixture, uint64_t id,
                        enum queue_state state)
{
    pthread_mutex_lock(&fixture->lock);
    while (now(fixture, id).state != state)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
    return now(fixture, id).attempts;
}

/* What the server knows of a body; {0} when it was not sent yet. */
static struct script script_of(struct fixture *fixture, const char *body)
{
    struct script found = {.requests = 0};

    pthread_mutex_lock(&fixture->lock);
    for (int i = 0; i < SCRIPTS_MAX; i++)
        if (strcmp(fixture->scripts[i].body, body) == 0)
            found = fixture->scripts[i];
    pthread_mutex_unlock(&fixture->lock);
    return found;
}

/* on_committed calls once a second at least. */
static void is_asked(struct fixture *fixture, const char *body)
{
    while (script_of(fixture, body).requests == 0) {
        pthread_mutex_lock(&fixture->lock);
        pthread_cond_wait(&fixture->changed, &fixture->lock);
        pthread_mutex_unlock(&fixture->lock);
    }
}

static void condition_becomes(struct fixture *fixture,
                              enum uplink_condition condition)
{
    struct uplink_status status;

    pthread_mutex_lock(&fixture->lock);
    for (;;) {
        uplink_status(fixture->uplink, &status);
        if (status.condition == condition)
            break;
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    }
    pthread_mutex_unlock(&fixture->lock);
}

/* ---- the facts ----------------------------------------------------------- */

static void an_answer_decides_what_becomes_of_a_record(void **state)
{
    struct fixture *fixture = *state;
    uint64_t good = put(fixture, "200");
    uint64_t known = put(fixture, "409");
    uint64_t bad = put(fixture, "400");

    server_start(fixture);
    uplink_start(fixture, 8);
    assert_int_equal(becomes(fixture, good, STATE_DELIVERED), 1);
    assert_int_equal(becomes(fixture, known, STATE_DELIVERED), 1);
    assert_int_equal(becomes(fixture, bad, STATE_REJECTED), 1);
    assert_string_equal(now(fixture, bad).reason, "{}");
}

static void an_answer_nobody_described_parks_at_once(void **state)
{
    struct fixture *fixture = *state;
    uint64_t odd = put(fixture, "302");

    server_start(fixture);
    uplink_start(fixture, 8);
    assert_int_equal(becomes(fixture, odd, STATE_PARKED), 1);
}

static void three_resends_then_parked_whatever_was_lost(void **state)
{
    struct fixture *fixture = *state;
    uint64_t busy = put(fixture, "503");
    uint64_t lost = put(fixture, "0");
    uint64_t late = put(fixture, "503,0,503,200");

    server_start(fixture);
    uplink_start(fixture, 8);
    assert_int_equal(becomes(fixture, busy, STATE_PARKED), 4);
    assert_int_equal(becomes(fixture, lost, STATE_PARKED), 4);
    assert_int_equal(becomes(fixture, late, STATE_DELIVERED), 4);
}

static void the_parked_are_offered_again_until_they_pass(void **state)
{
    struct fixture *fixture = *state;
    uint64_t late = put(fixture, "503,503,503,503,503,200");

    server_start(fixture);
    uplink_start(fixture, 8);
    assert_int_equal(becomes(fixture, late, STATE_DELIVERED), 6);
    assert_int_equal(now(fixture, late).rounds, 1);
}

static void nobody_there_costs_no_attempt(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "200");

    close(port_take(fixture)); /* a port where nobody listens */
    uplink_start(fixture, 8);
    condition_becomes(fixture, UPLINK_UNREACHABLE);
    assert_int_equal(now(fixture, id).state, STATE_WAITING);
    server_start(fixture);
    assert_int_equal(becomes(fixture, id, STATE_DELIVERED), 1);
}

static void a_slow_line_may_take_longer_than_an_answer(void **state)
{
    struct fixture *fixture = *state;
    char *body = calloc(1, 300 * 1024 + 1);
    uint64_t id;

    memset(body, ' ', 300 * 1024);
    memcpy(body, "200", 3);
    id = put(fixture, body);
    free(body);
    fixture->answer_timeout_s = 1;
    fixture->bandwidth_kbit_s = 800; /* three seconds */
    server_start(fixture);
    uplink_start(fixture, 1);
    assert_int_equal(becomes(fixture, id, STATE_DELIVERED), 1);
}

static void an_answer_that_takes_too_long_is_a_spent_attempt(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "-200");

    fixture->answer_timeout_s = 1;
    server_start(fixture);
    uplink_start(fixture, 1);
    assert_int_equal(becomes(fixture, id, STATE_PARKED), 4);
}

static void after_an_outage_the_new_do_not_wait_behind_the_old(void **state)
{
    struct fixture *fixture = *state;
    uint64_t old[40];
    uint64_t fresh;

    for (int i = 0; i < 40; i++)
        old[i] = put(fixture, i == 0 ? "-200" : "200");
    server_start(fixture);
    uplink_start(fixture, 1);
    is_asked(fixture, "-200"); /* the first of the old is on its way */
    fresh = put(fixture, "201");
    gate_open(fixture);
    becomes(fixture, fresh, STATE_DELIVERED);
    becomes(fixture, old[39], STATE_DELIVERED);
    assert_true(script_of(fixture, "201").first < 30);
}

static void a_wrong_destination_pauses_and_costs_no_attempt(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "401,200");

    fixture->round_s = 900;
    server_start(fixture);
    uplink_start(fixture, 1);
    condition_becomes(fixture, UPLINK_FAULT);
    assert_int_equal(now(fixture, id).state, STATE_WAITING);
    uplink_resume(fixture->uplink);
    assert_int_equal(becomes(fixture, id, STATE_DELIVERED), 1);
}

static void one_record_blamed_alone_does_not_stop_the_others(void **state)
{
    struct fixture *fixture = *state;
    uint64_t poison = put(fixture, "403");
    uint64_t good = put(fixture, "200");
    uint64_t next;

    server_start(fixture);
    uplink_start(fixture, 1);
    assert_int_equal(becomes(fixture, good, STATE_DELIVERED), 1);
    assert_int_equal(becomes(fixture, poison, STATE_PARKED), 4);
    next = put(fixture, "201");
    assert_int_equal(becomes(fixture, next, STATE_DELIVERED), 1);
}

static enum status hold_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    struct queue_outcome outcome = {.delivery = *(uint64_t *)arg,
                                    .state = STATE_HELD,
                                    .cause = CAUSE_OPERATOR,
                                    .at_ms = now_ms,
                                    .actor = "wang",
                                    .verb = "hold",
                                    .reason = ""};

    return queue_put_outcome(queue, &outcome);
}

static void what_is_held_in_flight_and_accepted_is_delivered(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "-200");

    server_start(fixture);
    uplink_start(fixture, 1);
    is_asked(fixture, "-200");
    assert_int_equal(committer_run(fixture->committer, hold_apply, &id),
                     STATUS_OK);
    assert_int_equal(now(fixture, id).state, STATE_HELD);
    gate_open(fixture);
    assert_int_equal(becomes(fixture, id, STATE_DELIVERED), 1);
}

static void what_is_held_between_attempts_is_not_sent_again(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "-503");
    uint64_t other = put(fixture, "200");

    server_start(fixture);
    uplink_start(fixture, 1);
    is_asked(fixture, "-503");
    assert_int_equal(committer_run(fixture->committer, hold_apply, &id),
                     STATUS_OK);
    gate_open(fixture);
    becomes(fixture, other, STATE_DELIVERED);
    assert_int_equal(now(fixture, id).state, STATE_HELD);
    assert_int_equal(script_of(fixture, "-503").requests, 1);
}

static void a_paused_destination_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id;

    server_start(fixture);
    uplink_start(fixture, 1);
    uplink_pause(fixture->uplink, "paused by wang");
    condition_becomes(fixture, UPLINK_PAUSED);
    id = put(fixture, "200");
    put(fixture, "201"); /* a group later */
    assert_int_equal(now(fixture, id).state, STATE_WAITING);
    uplink_resume(fixture->uplink);
    becomes(fixture, id, STATE_DELIVERED);
}

static void closing_waits_for_what_is_in_flight(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "-200");

    server_start(fixture);
    uplink_start(fixture, 1);
    is_asked(fixture, "-200");
    uplink_stop(fixture->uplink, 60000);
    gate_open(fixture);
    uplink_end(fixture, 60000);
    assert_int_equal(now(fixture, id).state, STATE_DELIVERED);
}

static void what_the_grace_cuts_off_waits_for_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id = put(fixture, "-200");

    server_start(fixture);
    uplink_start(fixture, 1);
    is_asked(fixture, "-200");
    uplink_end(fixture, 0);
    assert_int_equal(now(fixture, id).state, STATE_WAITING);
    gate_open(fixture);
    uplink_start(fixture, 1);
    becomes(fixture, id, STATE_DELIVERED);
}

/* ---- handed over ----------------------------------------------------------
 */

static void set_durable_wait(struct fixture *fixture, const char *body)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->durable_wait = body;
    pthread_mutex_unlock(&fixture->lock);
}

static void set_deaf(struct fixture *fixture, bool deaf)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->deaf = deaf;
    pthread_mutex_unlock(&fixture->lock);
}

/* Its group cannot end before it was sent, so no lane can have shown it. */
static void what_is_durable_is_sent_before_the_lanes_show_it(void **state)
{
    struct fixture *fixture = *state;

    server_start(fixture);
    uplink_start(fixture, 1);
    becomes(fixture, put(fixture, "200"), STATE_DELIVERED);
    set_durable_wait(fixture, "201");
    assert_int_equal(becomes(fixture, put(fixture, "201"), STATE_DELIVERED), 1);
    set_durable_wait(fixture, "503,202");
    assert_int_equal(becomes(fixture, put(fixture, "503,202"), STATE_DELIVERED),
                     2);
    assert_int_equal(script_of(fixture, "201").requests, 1);
    assert_int_equal(script_of(fixture, "503,202").requests, 2);
}

static void what_comes_behind_a_gap_waits_for_the_lanes(void **state)
{
    struct fixture *fixture = *state;
    uint64_t missed;
    uint64_t next;

    server_start(fixture);
    uplink_start(fixture, 1);
    becomes(fixture, put(fixture, "200"), STATE_DELIVERED);
    set_deaf(fixture, true);
    missed = put(fixture, "201");
    set_deaf(fixture, false);
    next = put(fixture, "202");
    becomes(fixture, next, STATE_DELIVERED);
    becomes(fixture, missed, STATE_DELIVERED);
    assert_true(script_of(fixture, "201").first <
                script_of(fixture, "202").first);
}

struct crowd {
    struct putting putting;
    uint64_t first;
    int count;
};

static enum status crowd_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    struct crowd *crowd = arg;
    enum status status = STATUS_OK;

    for (int i = 0; i < crowd->count && status == STATUS_OK; i++) {
        status = put_apply(&crowd->putting, queue, now_ms);
        if (i == 0)
            crowd->first = crowd->putting.id;
    }
    return status;
}

/* More than is handed over at once, and than there are candidates. */
static void of_a_crowd_each_is_sent_once(void **state)
{
    struct fixture *fixture = *state;
    struct crowd crowd = {.putting = {"200", 0}, .count = 700};

    server_start(fixture);
    uplink_start(fixture, 4);
    becomes(fixture, put(fixture, "201"), STATE_DELIVERED);
    assert_int_equal(committer_run(fixture->committer, crowd_apply, &crowd),
                     STATUS_OK);
    for (uint64_t id = crowd.first; id <= crowd.putting.id; id += 2)
        assert_int_equal(becomes(fixture, id, STATE_DELIVERED), 1);
    assert_int_equal(script_of(fixture, "200").requests, 700);
}

static void what_is_held_after_it_was_handed_over_is_not_sent(void **state)
{
    struct fixture *fixture = *state;
    uint64_t held;

    server_start(fixture);
    uplink_start(fixture, 1);
    put(fixture, "-200");
    is_asked(fixture, "-200");
    held = put(fixture, "201"); /* behind the one in flight */
    assert_int_equal(committer_run(fixture->committer, hold_apply, &held),
                     STATUS_OK);
    gate_open(fixture);
    becomes(fixture, put(fixture, "202"), STATE_DELIVERED);
    assert_int_equal(now(fixture, held).state, STATE_HELD);
    assert_int_equal(script_of(fixture, "201").requests, 0);
}

static void what_is_durable_while_nobody_is_there_is_sent_later(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id;

    close(port_take(fixture));
    uplink_start(fixture, 1);
    put(fixture, "200");
    condition_becomes(fixture, UPLINK_UNREACHABLE);
    id = put(fixture, "201");
    server_start(fixture);
    assert_int_equal(becomes(fixture, id, STATE_DELIVERED), 1);
    assert_int_equal(script_of(fixture, "201").requests, 1);
}
