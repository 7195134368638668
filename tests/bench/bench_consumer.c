/*
 * bench_consumer PORT COUNT [URL] - a Paho consumer that stores nothing.
 *
 * The limit beside which the bridge is measured: it subscribes to
 * gate/+/record with QoS 1 as the bridge does (MQTT 5, Receive Maximum 1000)
 * and lets each message go.  With URL it posts the bytes of each with libcurl,
 * 8 at a time, as the bridge's uplink does, and keeps nothing either.
 *
 * Prints "ready" when it is subscribed and, after COUNT messages,
 * {"messages": N, "last_ns": T, "cpu_us": T}: the CPU is from the first
 * message on.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <MQTTAsync.h>
#include <curl/curl.h>

#include "instrument.h"

#define POSTS 8
#define RECEIVE_MAXIMUM 1000

struct message {
    struct message *next;
    size_t len;
    char bytes[];
};

struct consumer {
    MQTTAsync client;
    const char *url; /* or NULL */
    CURLM *multi;
    uint64_t wanted;
    uint64_t cpu_before_us;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct message *first; /* under lock, as all below */
    struct message **last;
    bool ready;
    uint64_t arrived;
    uint64_t last_ns;
};

/* ---- in Paho's threads -------------------------------------------------- */

static int on_arrived(void *context, char *topic, int topic_len,
                      MQTTAsync_message *message)
{
    struct consumer *consumer = context;
    struct message *copy = NULL;
    size_t len = (size_t)message->payloadlen;
    bool first;

    (void)topic_len;
    if (consumer->url != NULL) {
        copy = malloc(sizeof *copy + len);
        if (copy == NULL)
            give_up("malloc");
        copy->next = NULL;
        copy->len = len;
        memcpy(copy->bytes, message->payload, len);
    }
    pthread_mutex_lock(&consumer->lock);
    if (consumer->arrived++ == 0)
        consumer->cpu_before_us = cpu_us();
    first = consumer->first == NULL;
    if (copy != NULL) {
        *consumer->last = copy;
        consumer->last = &copy->next;
    } else if (consumer->arrived == consumer->wanted) {
        consumer->last_ns = wall_ns();
        pthread_cond_signal(&consumer->changed);
    }
    pthread_mutex_unlock(&consumer->lock);
    if (copy != NULL && first)
        curl_multi_wakeup(consumer->multi);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_failed(void *context, MQTTAsync_failureData5 *data)
{
    (void)context;
    fprintf(stderr, "bench_consumer: the broker said %d\n", data->code);
    exit(1);
}

static void on_subscribed(void *context, MQTTAsync_successData5 *data)
{
    struct consumer *consumer = context;

    (void)data;
    pthread_mutex_lock(&consumer->lock);
    consumer->ready = true;
    pthread_cond_signal(&consumer->changed);
    pthread_mutex_unlock(&consumer->lock);
}

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
    struct consumer *consumer = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    (void)data;
    options.onSuccess5 = on_subscribed;
    options.onFailure5 = on_failed;
    options.context = consumer;
    MQTTAsync_subscribe(consumer->client, "gate/+/record", 1, &options);
}

static void consumer_connect(struct consumer *consumer, const char *port)
{
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty most = {.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM,
                         .value.integer2 = RECEIVE_MAXIMUM};
    char uri[64];

    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
    MQTTProperties_add(&properties, &most);
    connect.cleanstart = 1;
    connect.connectProperties = &properties;
    connect.onSuccess5 = on_connected;
    connect.onFailure5 = on_failed;
    connect.context = consumer;
    if (MQTTAsync_createWithOptions(&consumer->client, uri, "bench-consumer",
                                    MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                    &create) != MQTTASYNC_SUCCESS ||
        MQTTAsync_setCallbacks(consumer->client, consumer, NULL, on_arrived,
                               NULL) != MQTTASYNC_SUCCESS ||
        MQTTAsync_connect(consumer->client, &connect) != MQTTASYNC_SUCCESS)
        give_up("MQTTAsync");
    MQTTProperties_free(&properties);
}

/* ---- in main's thread --------------------------------------------------- */

static struct message *take(struct consumer *consumer)
{
    struct message *message;

    pthread_mutex_lock(&consumer->lock);
    message = consumer->first;
    if (message != NULL)
        consumer->first = message->next;
    if (consumer->first == NULL)
        consumer->last = &consumer->first;
    pthread_mutex_unlock(&consumer->lock);
    return message;
}

static size_t swallow(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static CURL *poster_make(const char *url, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL)
        give_up("curl");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    return easy;
}

static void post(struct consumer *consumer, CURL *easy, struct message *message)
{
    const char *bytes = message->bytes;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, message);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)message->len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bytes);
    curl_multi_add_handle(consumer->multi, easy);
}

/* Those that are through; each one's handle is idle again. */
static uint64_t posted(struct consumer *consumer, CURL **idle,
                       size_t *idle_count)
{
    uint64_t count = 0;
    CURLMsg *event;
    int left;

    while ((event = curl_multi_info_read(consumer->multi, &left)) != NULL) {
        CURL *easy = event->easy_handle;
        char *message;

        if (event->data.result != CURLE_OK)
            give_up(curl_easy_strerror(event->data.result));
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &message);
        free(message);
        curl_multi_remove_handle(consumer->multi, easy);
        idle[(*idle_count)++] = easy;
        count++;
    }
    return count;
}

static void post_all(struct consumer *consumer)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    CURL *idle[POSTS];
    size_t idle_count = 0;
    uint64_t done = 0;

    while (idle_count < POSTS)
        idle[idle_count++] = poster_make(consumer->url, headers);
    while (done < consumer->wanted) {
        struct message *message;
        uint64_t through;
        int running;

        while (idle_count > 0 && (message = take(consumer)) != NULL)
            post(consumer, idle[--idle_count], message);
        curl_multi_perform(consumer->multi, &running);
        through = posted(consumer, idle, &idle_count);
        done += through;
        if (through == 0) /* an arrival wakes it too */
            curl_multi_poll(consumer->multi, NULL, 0, 1000, NULL);
    }
    consumer->last_ns = wall_ns();
    while (idle_count > 0)
        curl_easy_cleanup(idle[--idle_count]);
    curl_slist_free_all(headers);
}

static void wait_ready(struct consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    while (!consumer->ready)
        pthread_cond_wait(&consumer->changed, &consumer->lock);
    pthread_mutex_unlock(&consumer->lock);
    puts("ready");
    fflush(stdout);
}

static void wait_all(struct consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    while (consumer->arrived < consumer->wanted)
        pthread_cond_wait(&consumer->changed, &consumer->lock);
    pthread_mutex_unlock(&consumer->lock);
}

int main(int argc, char **argv)
{
    struct consumer consumer = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };

    if (argc < 3) {
        fprintf(stderr, "bench_consumer PORT COUNT [URL]\n");
        return 2;
    }
    consumer.wanted = strtoull(argv[2], NULL, 10);
    consumer.url = argc > 3 ? argv[3] : NULL;
    consumer.last = &consumer.first;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    consumer.multi = curl_multi_init();
    consumer_connect(&consumer, argv[1]);
    wait_ready(&consumer);
    if (consumer.url != NULL)
        post_all(&consumer);
    else
        wait_all(&consumer);
    printf("{\"messages\": %" PRIu64 ", \"last_ns\": %" PRIu64
           ", \"cpu_us\": %" PRIu64 "}\n",
           consumer.arrived, consumer.last_ns,
           cpu_us() - consumer.cpu_before_us);
    fflush(stdout);
    MQTTAsync_disconnect(consumer.client, NULL);
    MQTTAsync_destroy(&consumer.client);
    curl_multi_cleanup(consumer.multi);
    return 0;
}
