#include "connect.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define CONNECT_S 15      /* above the relay's own limit */
#define DISCONNECT_MS 500 /* for what was sent to be acknowledged */
#define UNSENT_MAX 10000  /* messages that wait in Paho */

struct connect {
    const struct session_options *options;
    MQTTAsync client;
    MQTTAsync_connectOptions paho;
    MQTTAsync_SSLOptions tls;
    MQTTAsync_willOptions will;
    MQTTProperties properties;
    size_t filter_count;
    int *qos;
    MQTTSubscribe_options *subscribe;
    pthread_mutex_t mutex;
    char tls_error[160];
};

static int on_tls_error(const char *text, size_t size, void *context)
{
    struct connect *connect = context;

    pthread_mutex_lock(&connect->mutex);
    snprintf(connect->tls_error, sizeof connect->tls_error, "TLS: %.*s",
             (int)strcspn(text, "\r\n"), text);
    (void)size;
    pthread_mutex_unlock(&connect->mutex);
    return 1;
}

void connect_take_tls_error(struct connect *connect, char *text, size_t size)
{
    pthread_mutex_lock(&connect->mutex);
    snprintf(text, size, "%s", connect->tls_error);
    connect->tls_error[0] = '\0';
    pthread_mutex_unlock(&connect->mutex);
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void set_tls(struct connect *connect)
{
    const struct mqtt_options *mqtt = connect->options->mqtt;

    connect->tls = (MQTTAsync_SSLOptions)MQTTAsync_SSLOptions_initializer;
    connect->tls.trustStore = or_null(mqtt->ca_file);
    connect->tls.keyStore = or_null(mqtt->cert_file);
    connect->tls.privateKey = or_null(mqtt->key_file);
    connect->tls.disableDefaultTrustStore = mqtt->ca_file[0] != '\0';
    connect->tls.enableServerCertAuth = 1;
    connect->tls.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
    connect->tls.verify = 1; /* the host's name, too */
    connect->tls.ssl_error_cb = on_tls_error;
    connect->tls.ssl_error_context = connect;
    connect->paho.ssl = &connect->tls;
}

static void set_will(struct connect *connect)
{
    const struct mqtt_options *mqtt = connect->options->mqtt;

    connect->will = (MQTTAsync_willOptions)MQTTAsync_willOptions_initializer;
    connect->will.topicName = mqtt->will_topic;
    connect->will.retained = 1;
    connect->will.qos = 1;
    connect->will.payload.len = (int)mqtt->will.len;
    connect->will.payload.data = mqtt->will.data;
    connect->paho.will = &connect->will;
}

static bool add_property(struct connect *connect, enum MQTTPropertyCodes code,
                         uint32_t value)
{
    MQTTProperty property = {.identifier = code};

    if (MQTTProperty_getType(code) == MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER)
        property.value.integer2 = (unsigned short)value;
    else
        property.value.integer4 = value;
    return MQTTProperties_add(&connect->properties, &property) == 0;
}

/* Without an expiry above 0 a session ends with its connection (3.1.2.11.2).
 */
static bool set_properties(struct connect *connect)
{
    const struct mqtt_options *mqtt = connect->options->mqtt;
    uint32_t expiry_s = connect->options->clean ? 0 : mqtt->session_expiry_s;

    connect->paho.connectProperties = &connect->properties;
    return add_property(connect, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
                        expiry_s) &&
           add_property(connect, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM,
                        mqtt->receive_maximum) &&
           add_property(connect, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE,
                        STREAM_PACKET_MAX);
}

static void set_connect(struct connect *connect)
{
    const struct mqtt_options *mqtt = connect->options->mqtt;

    connect->paho =
        (MQTTAsync_connectOptions)MQTTAsync_connectOptions_initializer5;
    connect->paho.keepAliveInterval = mqtt->keepalive_s;
    connect->paho.cleanstart = connect->options->clean;
    connect->paho.connectTimeout = CONNECT_S;
    connect->paho.username = or_null(mqtt->username);
    if (mqtt->password.len > 0) {
        connect->paho.binarypwd.len = (int)mqtt->password.len;
        connect->paho.binarypwd.data = mqtt->password.data;
    }
    if (connect->options->tls)
        set_tls(connect);
    if (mqtt->will_topic != NULL)
        set_will(connect);
}

/* QoS 1, the retain flag as it was sent, and retained messages at each
 * subscription: a status that changed while we were away is news. */
static bool set_subscribe(struct connect *connect)
{
    char *const *filters = connect->options->filters;
    size_t count = 0;

    while (filters[count] != NULL)
        count++;
    connect->filter_count = count;
    connect->qos = calloc(count + 1, sizeof *connect->qos);
    connect->subscribe = calloc(count + 1, sizeof *connect->subscribe);
    if (connect->qos == NULL || connect->subscribe == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        connect->qos[i] = connect->options->qos;
        connect->subscribe[i] =
            (MQTTSubscribe_options)MQTTSubscribe_options_initializer;
        connect->subscribe[i].retainAsPublished = 1;
    }
    return true;
}

static enum status create(struct connect *connect)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;

    options.maxBufferedMessages = UNSENT_MAX;
    return MQTTAsync_createWithOptions(&connect->client, connect->options->uri,
                                       connect->options->mqtt->client_id,
                                       MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                       &options) == MQTTASYNC_SUCCESS
               ? STATUS_OK
               : STATUS_INVALID;
}

/* Paho keeps a list of all it allocated that lives from the first client to
 * the last: properties must be made after the client and freed before it. */
enum status connect_make(const struct session_options *options,
                         struct connect **connect)
{
    struct connect *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = options;
    pthread_mutex_init(&made->mutex, NULL);
    set_connect(made);
    if ((status = create(made)) == STATUS_OK &&
        (!set_properties(made) || !set_subscribe(made)))
        status = STATUS_NOMEM;
    if (status != STATUS_OK) {
        connect_free(made);
        return status;
    }
    *connect = made;
    return STATUS_OK;
}

void connect_free(struct connect *connect)
{
    if (connect == NULL)
        return;
    MQTTProperties_free(&connect->properties);
    if (connect->client != NULL)
        MQTTAsync_destroy(&connect->client);
    free(connect->qos);
    free(connect->subscribe);
    pthread_mutex_destroy(&connect->mutex);
    free(connect);
}

MQTTAsync connect_client(const struct connect *connect)
{
    return connect->client;
}

int connect_now(struct connect *connect, void *context,
                MQTTAsync_onSuccess5 *on_success,
                MQTTAsync_onFailure5 *on_failure)
{
    MQTTAsync_connectOptions options = connect->paho;

    options.context = context;
    options.onSuccess5 = on_success;
    options.onFailure5 = on_failure;
    return MQTTAsync_connect(connect->client, &options);
}

int connect_subscribe(const struct connect *connect, void *context,
                      MQTTAsync_onSuccess5 *on_success,
                      MQTTAsync_onFailure5 *on_failure)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    if (connect->filter_count == 0)
        return MQTTASYNC_SUCCESS;
    options.context = context;
    options.onSuccess5 = on_success;
    options.onFailure5 = on_failure;
    options.subscribeOptions = connect->subscribe[0];
    options.subscribeOptionsCount = (int)connect->filter_count;
    options.subscribeOptionsList = connect->subscribe;
    return MQTTAsync_subscribeMany(connect->client, (int)connect->filter_count,
                                   connect->options->filters, connect->qos,
                                   &options);
}

int connect_disconnect(const struct connect *connect, void *context,
                       MQTTAsync_onSuccess5 *on_success,
                       MQTTAsync_onFailure5 *on_failure)
{
    MQTTAsync_disconnectOptions options =
        MQTTAsync_disconnectOptions_initializer5;

    options.timeout = DISCONNECT_MS;
    options.context = context;
    options.onSuccess5 = on_success;
    options.onFailure5 = on_failure;
    return MQTTAsync_disconnect(connect->client, &options);
}
