/*
 * A source and a control client against a real mosquitto, started for the
 * test on a free port; without mosquitto the tests are skipped.  Certificates
 * are made by openssl(1) at test time and thrown away.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mosquitto.h"
#include "mqtt.h"
#include "paho_heap.h"

#define WAIT_S 30
#define MESSAGES 5000

struct site {
    char folder[64];
    uint16_t port;
    pid_t broker;
    struct mqtt_options options;
    struct mqtt_source *source;
    struct mqtt_control *control;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t tickets[4 * MESSAGES];
    size_t arrived; /* of the source */
    size_t repeated;
    bool seen[MESSAGES];
    size_t distinct;
    size_t disorder; /* a first arrival behind a later one */
    unsigned last;
    bool source_up;
    bool control_up;
    char why[200];
    char heard[200]; /* of the control client: topic=payload */
    size_t heard_count;
};

/* ---- events -------------------------------------------------------------- */

static void note(struct site *site, const struct mqtt_message *message)
{
    unsigned number = 0;
    char text[16] = "";

    memcpy(text, message->payload.data,
           message->payload.len < 15 ? message->payload.len : 15);
    number = (unsigned)strtoul(text, NULL, 10);
    if (site->arrived < 4 * MESSAGES)
        site->tickets[site->arrived++] = message->ticket;
    site->repeated += message->repeated;
    if (number >= MESSAGES || site->seen[number])
        return;
    site->seen[number] = true;
    site->disorder += site->distinct > 0 && number < site->last;
    site->last = number;
    site->distinct++;
}

static void source_arrived(void *arg, const struct mqtt_message *message)
{
    struct site *site = arg;

    pthread_mutex_lock(&site->mutex);
    note(site, message);
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->mutex);
}

static void linked(struct site *site, bool *place, bool up, const char *why)
{
    pthread_mutex_lock(&site->mutex);
    *place = up;
    if (!up)
        snprintf(site->why, sizeof site->why, "%s", why);
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->mutex);
}

static void source_linked(void *arg, bool up, const char *why)
{
    struct site *site = arg;

    linked(site, &site->source_up, up, why);
}

static void control_linked(void *arg, bool up, const char *why)
{
    struct site *site = arg;

    linked(site, &site->control_up, up, why);
}

static void control_arrived(void *arg, const struct mqtt_message *message)
{
    struct site *site = arg;

    pthread_mutex_lock(&site->mutex);
    snprintf(site->heard, sizeof site->heard, "%s=%.*s%s", message->topic,
             (int)message->payload.len, (const char *)message->payload.data,
             message->retained ? " retained" : "");
    site->heard_count++;
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->mutex);
}

static bool is_true(struct site *site, const void *what)
{
    (void)site;
    return *(const bool *)what;
}

static bool came(struct site *site, const void *what)
{
    return site->arrived >= *(const size_t *)what;
}

static bool all_came(struct site *site, const void *what)
{
    (void)what;
    return site->distinct == MESSAGES;
}

static bool why_has(struct site *site, const void *what)
{
    return strstr(site->why, what) != NULL;
}

static bool heard_is(struct site *site, const void *what)
{
    return strcmp(site->heard, what) == 0;
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
        fail_msg("waited in vain; why=%s heard=%s distinct=%zu", site->why,
                 site->heard, site->distinct);
}

/* ---- mosquitto ----------------------------------------------------------- */

static void broker_start(struct site *site)
{
    site->broker = mosquitto_start(site->folder, site->port);
}

static void broker_stop(struct site *site)
{
    mosquitto_stop(&site->broker, SIGTERM);
}

/* more: further lines of its configuration, with %s for the folder. */
static void broker_configure(struct site *site, const char *more)
{
    char path[128];
    char lines[2048] = "";
    FILE *conf;

    for (const char *from = more; *from != '\0'; from++) {
        size_t used = strlen(lines);

        if (from[0] == '@')
            snprintf(lines + used, sizeof lines - used, "%s", site->folder);
        else
            snprintf(lines + used, sizeof lines - used, "%c", *from);
    }
    snprintf(path, sizeof path, "%s/conf", site->folder);
    conf = fopen(path, "w");
    assert_non_null(conf);
    fprintf(conf,
            "user root\nlistener %u 127.0.0.1\nmax_queued_messages 0\n"
            "persistence true\npersistence_location %s/\n%s",
            site->port, site->folder, lines);
    fclose(conf);
    broker_start(site);
}

static int setup(void **state)
{
    struct site *site = calloc(1, sizeof *site);

    assert_non_null(site);
    paho_hold();
    pthread_mutex_init(&site->mutex, NULL);
    pthread_cond_init(&site->changed, NULL);
    strcpy(site->folder, "/tmp/test-mqtt-XXXXXX");
    assert_non_null(mkdtemp(site->folder));
    site->port = free_port();
    site->options = (struct mqtt_options){
        .host = "127.0.0.1",
        .port = site->port,
        .client_id = "sampan",
        .keepalive_s = 10,
        .receive_maximum = 1000,
        .session_expiry_s = 3600,
        .limit_bytes = 256 << 10,
    };
    *state = site;
    return 0;
}

static int teardown(void **state)
{
    struct site *site = *state;

    mqtt_source_close(site->source);
    mqtt_control_close(site->control);
    broker_stop(site);
    run("rm -rf %s", site->folder);
    pthread_cond_destroy(&site->changed);
    pthread_mutex_destroy(&site->mutex);
    free(site);
    return 0;
}

static void need_mosquitto(void)
{
    if (run("PATH=$PATH:/usr/sbin command -v mosquitto openssl "
            ">/dev/null 2>&1") == 0)
        return;
    print_message("skipped: there is no mosquitto, or no openssl\n");
    skip();
}

static void open_source(struct site *site)
{
    const char *const filters[] = {"load/#"};
    const struct mqtt_source_events events = {source_arrived, source_linked,
                                              site};

    assert_int_equal(
        mqtt_source_open(&site->options, filters, 1, &events, &site->source),
        STATUS_OK);
}

static void open_control(struct site *site, const struct mqtt_options *options)
{
    const char *const filters[] = {"echo/#"};
    const struct mqtt_control_events events = {control_arrived, control_linked,
                                               site};

    assert_int_equal(
        mqtt_control_open(options, filters, 1, &events, &site->control),
        STATUS_OK);
}

static struct mqtt_options other_client(const struct site *site)
{
    struct mqtt_options options = site->options;

    options.client_id = "sampan-control";
    return options;
}

/* ---- a load -------------------------------------------------------------- */

/* Messages "0" .. "4999", each of about a kilobyte. */
static void publish_load(struct site *site)
{
    char payload[1024];

    memset(payload, ' ', sizeof payload);
    for (unsigned i = 0; i < MESSAGES; i++) {
        enum status status;

        snprintf(payload, 16, "%u", i);
        do
            status = mqtt_control_publish(site->control, "load/1",
                                          span_of(payload, sizeof payload), 1,
                                          false);
        while (status == STATUS_NOMEM && usleep(1000) == 0);
        assert_int_equal(status, STATUS_OK);
    }
}

/* Settles what arrived in batches of random size and order, to the end. */
static void *settle_in_batches(void *arg)
{
    struct site *site = arg;
    unsigned seed = 1;
    size_t done = 0;
    bool all = false;

    while (!all) {
        uint64_t batch[64];
        size_t count = 0;
        size_t most = 1 + (size_t)rand_r(&seed) % 64;

        pthread_mutex_lock(&site->mutex);
        while (site->arrived == done && site->distinct < MESSAGES)
            pthread_cond_wait(&site->changed, &site->mutex);
        while (done < site->arrived && count < most)
            batch[count++] = site->tickets[done++];
        all = site->distinct == MESSAGES && done == site->arrived;
        pthread_mutex_unlock(&site->mutex);
        for (size_t i = count; i > 1; i--) {
            size_t j = (size_t)rand_r(&seed) % i;
            uint64_t swap = batch[i - 1];

            batch[i - 1] = batch[j];
            batch[j] = swap;
        }
        mqtt_source_settle(site->source, batch, count);
    }
    return NULL;
}

static void carry_a_load(struct site *site)
{
    const struct mqtt_options options = other_client(site);
    pthread_t settler;

    open_source(site);
    wait_until(site, is_true, &site->source_up);
    open_control(site, &options);
    wait_until(site, is_true, &site->control_up);
    pthread_create(&settler, NULL, settle_in_batches, site);
    publish_load(site);
    wait_until(site, all_came, NULL);
    pthread_join(settler, NULL);
    assert_string_equal(site->why, ""); /* the connection held */
    assert_int_equal(site->repeated, 0);
    assert_int_equal(site->disorder, 0);
    assert_int_equal(mqtt_source_pending(site->source), 0);
}

/* The session holds nothing: all was acknowledged. */
static void nothing_comes_again(struct site *site)
{
    mqtt_source_close(site->source);
    site->arrived = site->repeated = 0;
    open_source(site);
    wait_until(site, is_true, &site->source_up);
    assert_int_equal(mqtt_control_publish(site->control, "load/1",
                                          span_text("end"), 1, false),
                     STATUS_OK);
    wait_until(site, came, &(size_t){1});
    assert_int_equal(site->arrived, 1);
    assert_int_equal(site->repeated, 0);
}

static void a_load_arrives_and_is_acknowledged(void **state)
{
    struct site *site = *state;

    need_mosquitto();
    broker_configure(site, "allow_anonymous true\n");
    carry_a_load(site);
    nothing_comes_again(site);
}

static void unsettled_messages_survive_a_broker_restart(void **state)
{
    struct site *site = *state;
    const struct mqtt_options options = other_client(site);

    need_mosquitto();
    broker_configure(site, "allow_anonymous true\n");
    open_source(site);
    wait_until(site, is_true, &site->source_up);
    open_control(site, &options);
    wait_until(site, is_true, &site->control_up);
    for (unsigned i = 0; i < 10; i++) {
        char text[16];

        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(mqtt_control_publish(site->control, "load/1",
                                              span_text(text), 1, false),
                         STATUS_OK);
    }
    wait_until(site, came, &(size_t){10});
    mqtt_source_settle(site->source, site->tickets, 4);
    mqtt_source_close(site->source); /* the four PUBACKs are sent */
    site->arrived = 0;
    broker_stop(site);
    broker_start(site);
    open_source(site);
    wait_until(site, came, &(size_t){6});
    assert_int_equal(site->arrived, 6);
}

/* ---- TLS and passwords --------------------------------------------------- */

static void make_certificates(struct site *site)
{
    assert_int_equal(
        run("cd %s && exec >/dev/null 2>&1 && "
            "for ca in ca other; do openssl req -x509 -newkey rsa:2048 -nodes "
            "-days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem || exit 1; "
            "done; for who in localhost client; do "
            "openssl req -newkey rsa:2048 -nodes -subj /CN=$who "
            "-keyout $who.key -out $who.csr && "
            "printf 'subjectAltName=DNS:%%s' $who > $who.ext && "
            "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key "
            "-CAcreateserial -days 2 -extfile $who.ext -out $who.pem "
            "|| exit 1; done; chmod 644 *.key",
            site->folder),
        0);
}

static const char *in_folder(const struct site *site, const char *name,
                             char path[static 128])
{
    snprintf(path, 128, "%s/%s", site->folder, name);
    return path;
}

#define TLS_LINES                                                              \
    "allow_anonymous true\ncafile @/ca.pem\ncertfile @/localhost.pem\n"        \
    "keyfile @/localhost.key\nrequire_certificate true\n"

static void tls_with_a_client_certificate_carries_a_load(void **state)
{
    struct site *site = *state;
    char ca[128];
    char cert[128];
    char key[128];

    need_mosquitto();
    make_certificates(site);
    broker_configure(site, TLS_LINES);
    site->options.host = "localhost";
    site->options.tls = true;
    site->options.ca_file = in_folder(site, "ca.pem", ca);
    site->options.cert_file = in_folder(site, "client.pem", cert);
    site->options.key_file = in_folder(site, "client.key", key);
    carry_a_load(site);
    nothing_comes_again(site);
}

static void a_broker_that_cannot_prove_who_it_is_is_refused(void **state)
{
    struct site *site = *state;
    struct mqtt_options other;
    char ca[128];
    char cert[128];
    char key[128];

    need_mosquitto();
    make_certificates(site);
    broker_configure(site, TLS_LINES);
    site->options.host = "localhost";
    site->options.tls = true;
    site->options.ca_file = in_folder(site, "other.pem", ca);
    site->options.cert_file = in_folder(site, "client.pem", cert);
    site->options.key_file = in_folder(site, "client.key", key);
    open_source(site); /* the wrong CA */
    wait_until(site, why_has, "certificate is refused");
    mqtt_source_close(site->source);
    site->why[0] = '\0';
    site->options.ca_file = in_folder(site, "ca.pem", ca);
    site->options.host = "127.0.0.1"; /* the wrong name */
    open_source(site);
    wait_until(site, why_has, "IP address mismatch");
    mqtt_source_close(site->source);
    site->source = NULL;
    site->why[0] = '\0';
    other = other_client(site);
    open_control(site, &other);
    wait_until(site, why_has, "TLS");
    mqtt_control_close(site->control);
    site->why[0] = '\0';
    other.host = "localhost";
    other.ca_file = in_folder(site, "other.pem", ca);
    open_control(site, &other);
    wait_until(site, why_has, "TLS");
    assert_false(site->control_up);
    assert_false(site->source_up);
}

static void a_password_is_sent_and_a_wrong_one_refused(void **state)
{
    struct site *site = *state;
    struct mqtt_options options;

    need_mosquitto();
    if (run("mosquitto_passwd -c -b %s/passwords bridge secret >/dev/null 2>&1"
            " && chmod 644 %s/passwords && chmod 755 %s",
            site->folder, site->folder, site->folder) != 0) {
        print_message("skipped: there is no mosquitto_passwd\n");
        skip();
    }
    broker_configure(site,
                     "allow_anonymous false\npassword_file @/passwords\n");
    site->options.username = "bridge";
    site->options.password = span_text("wrong");
    open_source(site);
    wait_until(site, why_has, "uthorized");
    mqtt_source_close(site->source);
    site->options.password = span_text("secret");
    open_source(site);
    wait_until(site, is_true, &site->source_up);
    options = other_client(site);
    open_control(site, &options);
    wait_until(site, is_true, &site->control_up);
}

/* ---- the control client -------------------------------------------------- */

static void retained_messages_are_there_after_each_connection(void **state)
{
    struct site *site = *state;
    struct mqtt_options options = other_client(site);

    need_mosquitto();
    open_control(site, &options); /* nobody listens yet */
    assert_int_equal(mqtt_control_publish(site->control, "echo/state",
                                          span_text("one"), 1, true),
                     STATUS_OK);
    assert_int_equal(mqtt_control_publish(site->control, "echo/state",
                                          span_text("two"), 1, true),
                     STATUS_OK);
    assert_int_equal(mqtt_control_publish(site->control, "echo/x",
                                          span_text("lost"), 1, false),
                     STATUS_OFFLINE);
    broker_configure(site, "allow_anonymous true\npersistence false\n");
    wait_until(site, heard_is, "echo/state=two retained");
    broker_stop(site); /* it forgets */
    wait_until(site, why_has, "");
    snprintf(site->heard, sizeof site->heard, "nothing");
    broker_start(site);
    wait_until(site, heard_is, "echo/state=two retained");
}

static void a_topic_that_the_broker_forbids_is_named(void **state)
{
    struct site *site = *state;
    const struct mqtt_options options = other_client(site);

    need_mosquitto();
    assert_int_equal(
        run("echo 'topic readwrite echo/mine' >%s/acl", site->folder), 0);
    broker_configure(site, "allow_anonymous true\nacl_file @/acl\n");
    open_control(site, &options);
    wait_until(site, is_true, &site->control_up);
    assert_int_equal(mqtt_control_publish(site->control, "echo/mine",
                                          span_text("one"), 1, false),
                     STATUS_OK);
    wait_until(site, heard_is, "echo/mine=one");
    assert_int_equal(mqtt_control_publish(site->control, "echo/of-another",
                                          span_text("two"), 1, false),
                     STATUS_OK);
    wait_until(site, why_has, "may not publish echo/of-another");
}

static void a_last_will_speaks_when_the_client_cannot(void **state)
{
    struct site *site = *state;
    const struct mqtt_options watcher = other_client(site);
    struct mqtt_control *ill;
    struct mqtt_control *rival;
    const struct mqtt_control_events events = {control_arrived, source_linked,
                                               site};

    need_mosquitto();
    broker_configure(site, "allow_anonymous true\n");
    open_control(site, &watcher);
    wait_until(site, is_true, &site->control_up);
    site->options.will_topic = "echo/will";
    site->options.will = span_text("gone");
    assert_int_equal(mqtt_control_open(&site->options, NULL, 0, &events, &ill),
                     STATUS_OK);
    wait_until(site, is_true, &site->source_up);
    /* The same client id again: the broker ends the first without a goodbye. */
    assert_int_equal(
        mqtt_control_open(&site->options, NULL, 0, &events, &rival), STATUS_OK);
    wait_until(site, heard_is, "echo/will=gone retained");
    mqtt_control_close(rival);
    mqtt_control_close(ill);
}
