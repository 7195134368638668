/*
 * A courier, a real mosquitto, and a bridge that is the test: it hears the
 * events and decides what it says of them.  Without mosquitto the tests are
 * skipped.
 */
#include "mosquitto.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "courier.h"
#include "mqtt.h"
#include "outbox.h"
#include "paho_heap.h"

#define WAIT_S 30
#define NOON_MS INT64_C(1795233600000)
#define HEARD_MAX 4096

static const char state_topic[] = "sampan/v1/plant/bridge/state";

struct heard {
    char topic[96];
    char *payload;
};

struct site {
    char folder[64];
    uint16_t port;
    pid_t broker;
    struct adapter_config config;
    struct courier *courier;
    struct mqtt_control *bridge;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool bridge_up;
    struct heard heard[HEARD_MAX];
    size_t count;
    char told[512]; /* by the courier's receipted */
};

/* ---- what is heard ------------------------------------------------------- */

static void on_arrived(void *arg, const struct mqtt_message *message)
{
    struct site *site = arg;

    pthread_mutex_lock(&site->mutex);
    if (site->count < HEARD_MAX) {
        struct heard *heard = &site->heard[site->count++];

        snprintf(heard->topic, sizeof heard->topic, "%s", message->topic);
        heard->payload =
            strndup((const char *)message->payload.data, message->payload.len);
    }
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->mutex);
}

static void on_linked(void *arg, bool up, const char *why)
{
    struct site *site = arg;

    (void)why;
    pthread_mutex_lock(&site->mutex);
    site->bridge_up = up;
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->mutex);
}

static void on_receipted(void *arg, const char *device, const char *event_id,
                         const char *reason)
{
    struct site *site = arg;
    size_t used;

    pthread_mutex_lock(&site->mutex);
    used = strlen(site->told);
    snprintf(site->told + used, sizeof site->told - used, "%s/%s%s%s ", device,
             event_id, reason == NULL ? "" : "!", reason == NULL ? "" : reason);
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->mutex);
}

/* How many messages on a topic contain text, from the first-th on. */
static size_t count_of(const struct site *site, const char *topic,
                       const char *text, size_t first)
{
    size_t found = 0;

    for (size_t i = first; i < site->count; i++)
        if (strcmp(site->heard[i].topic, topic) == 0 &&
            strstr(site->heard[i].payload, text) != NULL)
            found++;
    return found;
}

struct wanted {
    const char *topic;
    const char *text;
    size_t first;
    size_t count;
};

static bool heard_holds(struct site *site, const void *what)
{
    const struct wanted *wanted = what;

    return count_of(site, wanted->topic, wanted->text, wanted->first) >=
           wanted->count;
}

static bool bridge_holds(struct site *site, const void *what)
{
    (void)what;
    return site->bridge_up;
}

static bool told_holds(struct site *site, const void *what)
{
    return strstr(site->told, what) != NULL;
}

static void wait_until(struct site *site,
                       bool (*holds)(struct site *, const void *),
                       const void *what)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&site->mutex);
    while (!holds(site, what) && error == 0)
        error = pthread_cond_timedwait(&site->changed, &site->mutex, &until);
    pthread_mutex_unlock(&site->mutex);
    if (error != 0)
        fail_msg("waited in vain; heard %zu, told \"%s\"", site->count,
                 site->told);
}

static void wait_for(struct site *site, const char *topic, const char *text,
                     size_t first, size_t count)
{
    const struct wanted wanted = {topic, text, first, count};

    wait_until(site, heard_holds, &wanted);
}

static size_t heard_now(struct site *site)
{
    size_t count;

    pthread_mutex_lock(&site->mutex);
    count = site->count;
    pthread_mutex_unlock(&site->mutex);
    return count;
}

/* ---- what is said -------------------------------------------------------- */

static void say(struct site *site, const char *topic, const char *text,
                bool retained)
{
    assert_int_equal(
        mqtt_control_publish(site->bridge, topic, span_text(text), 1, retained),
        STATUS_OK);
}

static void bridge_says(struct site *site, bool online, bool full)
{
    char text[64];

    snprintf(text, sizeof text, "{\"online\": %s, \"full\": %s}",
             online ? "true" : "false", full ? "true" : "false");
    say(site, state_topic, text, true);
}

static void receipt(struct site *site, const char *text)
{
    say(site, "sampan/v1/plant/receipt/camera/cam-1", text, false);
}

static enum courier_news put(struct site *site, const char *id, int value)
{
    json_t *content = json_pack("{s:i}", "value", value);
    const struct courier_event event = {"cam-1", "capture", id, NOON_MS,
                                        content};
    enum courier_news news = COURIER_REPEAT;

    assert_int_equal(courier_put(site->courier, &event, &news), STATUS_OK);
    json_decref(content);
    return news;
}

static const char capture[] = "sampan/v1/plant/camera/cam-1/capture";

/* ---- the world ----------------------------------------------------------- */

static void courier_begin(struct site *site)
{
    const struct courier_options options = {
        .config = &site->config,
        .class = "camera",
        .clock = clock_system(),
        .receipted = on_receipted,
        .arg = site,
    };

    assert_int_equal(courier_open(&options, &site->courier), STATUS_OK);
}

static void courier_end(struct site *site)
{
    courier_close(site->courier);
    site->courier = NULL;
}

static void bridge_begin(struct site *site)
{
    const struct mqtt_options options = {
        .host = "127.0.0.1",
        .port = site->port,
        .client_id = "bridge",
        .keepalive_s = 10,
        .receive_maximum = 1000,
    };
    const struct mqtt_control_events events = {on_arrived, on_linked, site};
    const char *const filters[] = {"sampan/v1/plant/camera/#"};

    assert_int_equal(
        mqtt_control_open(&options, filters, 1, &events, &site->bridge),
        STATUS_OK);
    wait_until(site, bridge_holds, NULL);
}

static int setup(void **state)
{
    struct site *site = calloc(1, sizeof *site);
    char path[128];
    FILE *conf;

    assert_non_null(site);
    paho_hold();
    pthread_mutex_init(&site->mutex, NULL);
    pthread_cond_init(&site->changed, NULL);
    strcpy(site->folder, "/tmp/test-courier-XXXXXX");
    assert_non_null(mkdtemp(site->folder));
    site->port = free_port();
    snprintf(path, sizeof path, "%s/conf", site->folder);
    conf = fopen(path, "w");
    assert_non_null(conf);
    fprintf(conf, "user root\nlistener %u 127.0.0.1\nallow_anonymous true\n",
            site->port);
    fclose(conf);
    site->config = (struct adapter_config){
        .site = "plant",
        .name = "cameras",
        .broker = {.host = "127.0.0.1",
                   .port = site->port,
                   .client_id = "cameras",
                   .username = "",
                   .ca_file = "",
                   .cert_file = "",
                   .key_file = "",
                   .keepalive_s = 10},
        .outbox = {.folder = site->folder,
                   .quota_mb = 16,
                   .in_flight = 4,
                   .resend_s = 5,
                   .dedup_days = 40},
    };
    *state = site;
    return 0;
}

static int teardown(void **state)
{
    struct site *site = *state;

    courier_close(site->courier);
    mqtt_control_close(site->bridge);
    mosquitto_stop(&site->broker, SIGTERM);
    run("rm -rf %s", site->folder);
    for (size_t i = 0; i < site->count; i++)
        free(site->heard[i].payload);
    pthread_cond_destroy(&site->changed);
    pthread_mutex_destroy(&site->mutex);
    free(site);
    return 0;
}

static void need_mosquitto(struct site *site)
{
    if (run("PATH=$PATH:/usr/sbin command -v mosquitto >/dev/null 2>&1") != 0) {
        print_message("skipped: there is no mosquitto\n");
        skip();
    }
    site->broker = mosquitto_start(site->folder, site->port);
    bridge_begin(site);
}

static void kept_is(struct site *site, uint64_t kept)
{
    const struct timespec moment = {0, 10000000};
    struct courier_stats stats = {.kept = kept + 1};

    for (int i = 0; i < WAIT_S * 100 && stats.kept != kept; i++) {
        courier_stats(site->courier, &stats);
        nanosleep(&moment, NULL);
    }
    assert_int_equal(stats.kept, kept);
}

/* ---- what is shown ------------------------------------------------------- */

static void an_event_is_kept_until_its_receipt(void **state)
{
    struct site *site = *state;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    assert_int_equal(put(site, "a", 1), COURIER_NEW);
    wait_for(site, capture, "{\"event_id\":\"a\",\"time\":\"2026-11-21T", 0, 1);
    wait_for(site, capture, "+08:00\",\"value\":1}", 0, 1);
    kept_is(site, 1);
    receipt(site, "{\"stored\": [\"a\"], \"rejected\": []}");
    wait_until(site, told_holds, "cam-1/a ");
    kept_is(site, 0);
}

static void a_refusal_ends_it_too(void **state)
{
    struct site *site = *state;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    put(site, "a", 1);
    wait_for(site, capture, "\"a\"", 0, 1);
    receipt(site, "{\"stored\": [], \"rejected\": "
                  "[{\"id\": \"a\", \"reason\": \"color: no\"}]}");
    wait_until(site, told_holds, "cam-1/a!color: no ");
    kept_is(site, 0);
}

static atomic_int ends_that_fail;

enum status __real_outbox_end(struct outbox *outbox,
                              const struct outbox_ending *endings, size_t count,
                              int64_t now_ms);
enum status __wrap_outbox_end(struct outbox *outbox,
                              const struct outbox_ending *endings, size_t count,
                              int64_t now_ms);

enum status __wrap_outbox_end(struct outbox *outbox,
                              const struct outbox_ending *endings, size_t count,
                              int64_t now_ms)
{
    if (atomic_load(&ends_that_fail) == 0)
        return __real_outbox_end(outbox, endings, count, now_ms);
    atomic_fetch_sub(&ends_that_fail, 1);
    return STATUS_IO;
}

/* One receipt is enough, and the event is not sent again for it. */
static void a_disk_that_fails_at_the_end_sends_nothing_again(void **state)
{
    struct site *site = *state;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    put(site, "a", 1);
    wait_for(site, capture, "\"a\"", 0, 1);
    atomic_store(&ends_that_fail, 2);
    receipt(site, "{\"stored\": [\"a\"], \"rejected\": []}");
    wait_until(site, told_holds, "cam-1/a ");
    kept_is(site, 0);
    assert_int_equal(count_of(site, capture, "\"a\"", 0), 1);
}

static void nothing_leaves_while_the_bridge_is_away_or_full(void **state)
{
    struct site *site = *state;
    size_t before;

    need_mosquitto(site);
    courier_begin(site);
    put(site, "a", 1);
    bridge_says(site, false, false);
    put(site, "b", 2);
    bridge_says(site, true, true);
    put(site, "c", 3);
    courier_status(site->courier, "cam-1", true, NULL); /* a later message */
    wait_for(site, "sampan/v1/plant/camera/cam-1/status", "\"online\":true", 0,
             1);
    before = heard_now(site);
    assert_int_equal(count_of(site, capture, "", 0), 0);
    bridge_says(site, true, false);
    wait_for(site, capture, "", before, 3);
}

static void no_more_are_out_than_allowed_and_the_oldest_go_first(void **state)
{
    struct site *site = *state;
    char id[16];

    need_mosquitto(site);
    courier_begin(site);
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof id, "e%d", i);
        put(site, id, i);
    }
    bridge_says(site, true, false);
    wait_for(site, capture, "\"e3\"", 0, 1);
    assert_int_equal(count_of(site, capture, "\"e4\"", 0), 0);
    receipt(site, "{\"stored\": [\"e1\"], \"rejected\": []}");
    wait_for(site, capture, "\"e4\"", 0, 1);
    assert_int_equal(count_of(site, capture, "\"e5\"", 0), 0);
}

static void without_a_receipt_the_same_bytes_go_again(void **state)
{
    struct site *site = *state;
    const char *first = NULL;
    const char *second = NULL;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    put(site, "a", 1);
    wait_for(site, capture, "\"a\"", 0, 2); /* after resend_s */
    for (size_t i = 0; i < site->count; i++)
        if (strcmp(site->heard[i].topic, capture) == 0) {
            second = first;
            first = site->heard[i].payload;
        }
    assert_non_null(second);
    assert_string_equal(first, second);
}

static void the_same_again_is_a_repeat_and_more_of_it_an_edition(void **state)
{
    struct site *site = *state;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    assert_int_equal(put(site, "a", 1), COURIER_NEW);
    assert_int_equal(put(site, "a", 1), COURIER_REPEAT);
    assert_int_equal(put(site, "a", 2), COURIER_EDITION);
    wait_for(site, capture, "\"value\":1", 0, 1);
    /* Both are never out together, and 0's receipt does not end 1. */
    assert_int_equal(count_of(site, capture, "\"revision\":1", 0), 0);
    receipt(site, "{\"stored\": [\"a\"], \"rejected\": []}");
    wait_for(site, capture, "\"revision\":1,\"value\":2", 0, 1);
    receipt(site, "{\"stored\": [\"a\"], \"rejected\": []}");
    receipt(site, "{\"stored\": [\"none\"], \"rejected\": []}");
    kept_is(site, 1);
    receipt(site, "{\"stored\": [\"a\"], \"rejected\": [], "
                  "\"revisions\": {\"a\": 1}}");
    kept_is(site, 0);
}

/* A camera that did not hear the answer keeps the passage and tells it later.
 */
static void the_same_told_late_is_a_repeat(void **state)
{
    struct site *site = *state;
    json_t *content = json_pack("{s:i, s:b}", "value", 1, "history", 1);
    const struct courier_event event = {"cam-1", "capture", "a", NOON_MS,
                                        content};
    enum courier_news news;

    courier_begin(site);
    assert_int_equal(put(site, "a", 1), COURIER_NEW);
    assert_int_equal(courier_put(site->courier, &event, &news), STATUS_OK);
    assert_int_equal(news, COURIER_REPEAT);
    json_object_set_new(content, "value", json_integer(2));
    assert_int_equal(courier_put(site->courier, &event, &news), STATUS_OK);
    assert_int_equal(news, COURIER_EDITION);
    json_decref(content);
}

static void a_dead_broker_and_a_restart_lose_nothing(void **state)
{
    struct site *site = *state;
    size_t before;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    put(site, "a", 1);
    wait_for(site, capture, "\"a\"", 0, 1);
    mosquitto_stop(&site->broker, SIGKILL);
    put(site, "b", 2);
    courier_end(site);
    courier_begin(site);
    put(site, "c", 3);
    before = heard_now(site);
    site->broker = mosquitto_start(site->folder, site->port);
    wait_for(site, capture, "\"a\"", before, 1);
    wait_for(site, capture, "\"b\"", before, 1);
    wait_for(site, capture, "\"c\"", before, 1);
    receipt(site, "{\"stored\": [\"a\", \"b\", \"c\"], \"rejected\": []}");
    kept_is(site, 0);
}

static void hostile_receipts_end_nothing(void **state)
{
    static const char *const rows[] = {"",
                                       "{",
                                       "[1]",
                                       "{\"stored\": 1}",
                                       "{\"stored\": [null, {\"a\": 1}]}",
                                       "{\"rejected\": [{\"id\": \"a\"}]}"};
    struct site *site = *state;

    need_mosquitto(site);
    bridge_says(site, true, false);
    courier_begin(site);
    put(site, "a", 1);
    wait_for(site, capture, "\"a\"", 0, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        receipt(site, rows[i]);
    say(site, "sampan/v1/plant/receipt/camera/cam-2",
        "{\"stored\": [\"a\"], \"rejected\": []}", false);
    put(site, "b", 1);
    wait_for(site, capture, "\"b\"", 0, 1);
    receipt(site, "{\"stored\": [\"b\"], \"rejected\": []}");
    wait_until(site, told_holds, "cam-1/b ");
    kept_is(site, 1);
}

static void the_adapter_and_its_devices_are_online_and_then_not(void **state)
{
    static const char own[] = "sampan/v1/plant/camera/cameras/status";
    static const char device[] = "sampan/v1/plant/camera/cam-1/status";
    struct site *site = *state;

    need_mosquitto(site);
    courier_begin(site);
    courier_status(site->courier, "cam-1", true, NULL);
    courier_status(site->courier, "cam-1", true, NULL); /* no news */
    wait_for(site, own, "\"online\":true", 0, 1);
    wait_for(site, device, "\"via\":\"cameras\"", 0, 1);
    courier_status(site->courier, "cam-1", false, "no answer since 10:15");
    wait_for(site, device, "\"why\":\"no answer since 10:15\"", 0, 1);
    courier_status(site->courier, "cam-1", true, NULL);
    wait_for(site, device, "\"online\":true", 0, 2);
    assert_int_equal(count_of(site, device, "", 0), 3);
    courier_end(site);
    wait_for(site, own, "\"online\":false", 0, 1);
    wait_for(site, device, "\"online\":false", 0, 2);
}

static void a_name_that_would_change_the_topic_is_refused(void **state)
{
    static const char *const bad[] = {"", "a/b", "+", "a#"};
    struct site *site = *state;
    json_t *content = json_object();
    enum courier_news news;

    courier_begin(site);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct courier_event event = {bad[i], "capture", "a", NOON_MS, content};

        assert_int_equal(courier_put(site->courier, &event, &news),
                         STATUS_INVALID);
        event.device = "cam-1";
        event.leaf = bad[i];
        assert_int_equal(courier_put(site->courier, &event, &news),
                         STATUS_INVALID);
    }
    json_decref(content);
}
