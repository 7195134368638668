#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "backoff.h"
#include "clock.h"
#include "connect.h"
#include "text.h"
#include "thread.h"

#define WINDOW_MAX 100 /* messages out at a time */
#define LINGER_MS 1000 /* of a close, for what is to be sent */
#define CLOSE_MS 1000  /* for Paho to say that it has disconnected */
#define REFUSED_WHY "the broker refused a subscription"

#define TOPIC_SHOWN 128

/* A message that is out; without a topic: none. */
struct sending {
    struct session *session;
    char topic[TOPIC_SHOWN];
};

enum state { DOWN, CONNECTING, UP, REFUSED, LEAVING };

struct session {
    struct session_options options;
    struct session_events events;
    struct connect *connect;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all that follows; never held around Paho */
    pthread_cond_t changed;
    enum state state;
    struct backoff backoff;
    bool subscribes; /* UP, and Paho is not yet asked to */
    bool asked;      /* it is, and the broker has not answered */
    bool news;       /* linked is to be called */
    bool poked;
    int window; /* as many may be out at a time */
    int out;
    struct sending sendings[WINDOW_MAX];
    char refused[TOPIC_SHOWN]; /* the last, of this connection */
    bool closing;
    int64_t linger_until_ms;
    bool ended; /* the last disconnect is through */
    bool told_up;
    char told[SESSION_WHY_MAX];
    char why[SESSION_WHY_MAX];
};

static int64_t now(void)
{
    return clock_steady_ms(clock_system());
}

/* ---- what Paho tells, in its threads ------------------------------------- */

static void explain_loss(struct session *session,
                         char text[static SESSION_WHY_MAX])
{
    pthread_mutex_lock(&session->mutex);
    if (session->refused[0] == '\0')
        text_put(text, SESSION_WHY_MAX, "the connection is lost");
    else
        text_print(text, SESSION_WHY_MAX,
                   "the broker hung up: this account may not publish %s",
                   session->refused);
    pthread_mutex_unlock(&session->mutex);
}

static void explain(struct session *session, const char *why)
{
    char text[SESSION_WHY_MAX] = "";

    if (why[0] == '\0' && session->events.explain != NULL)
        session->events.explain(session->events.arg, text);
    if (text[0] == '\0' && why[0] == '\0')
        explain_loss(session, text);
    if (text[0] == '\0')
        snprintf(text, sizeof text, "%s", why);
    pthread_mutex_lock(&session->mutex);
    memcpy(session->why, text, sizeof session->why);
    pthread_mutex_unlock(&session->mutex);
}

static bool is_down(struct session *session)
{
    bool down;

    pthread_mutex_lock(&session->mutex);
    down = session->state == DOWN;
    pthread_mutex_unlock(&session->mutex);
    return down;
}

static void go_down(struct session *session, const char *why)
{
    uint32_t chance = 0;

    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0)
        chance = (uint32_t)now(); /* early at boot: any spread will do */
    if (is_down(session))
        return; /* Paho may say it twice */
    explain(session, why);
    pthread_mutex_lock(&session->mutex);
    session->state = DOWN;
    session->subscribes = false;
    session->asked = false;
    session->news = true;
    backoff_down(&session->backoff, now(), chance);
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

/* One less than the broker takes, so that Paho never waits for it. */
static int window_of(MQTTProperties *connack)
{
    int most = WINDOW_MAX + 1;

    if (MQTTProperties_hasProperty(connack, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM))
        most = MQTTProperties_getNumericValue(
            connack, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM);
    if (most > WINDOW_MAX)
        return WINDOW_MAX;
    return most > 1 ? most - 1 : 1;
}

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
    struct session *session = context;

    pthread_mutex_lock(&session->mutex);
    session->state = UP;
    session->window = window_of(&data->properties);
    session->out = 0;
    /* Paho may still tell the end of one that went with the connection. */
    for (size_t i = 0; i < WINDOW_MAX; i++)
        session->sendings[i].topic[0] = '\0';
    session->refused[0] = '\0';
    session->subscribes = true;
    session->news = true;
    session->poked = true; /* what waited can go */
    session->why[0] = '\0';
    backoff_up(&session->backoff, now());
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

/* The broker's own word if it gave one, else TLS's, else what explain knows. */
static void on_not_connected(void *context, MQTTAsync_failureData5 *data)
{
    struct session *session = context;
    char tls[SESSION_WHY_MAX];
    int code = (int)data->reasonCode;

    if (code < data->code)
        code = data->code;
    connect_take_tls_error(session->connect, tls, sizeof tls);
    if (code >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
        const char *text = MQTTReasonCode_toString((enum MQTTReasonCodes)code);

        go_down(session, text == NULL ? "the broker refuses" : text);
        return;
    }
    /* Paho's own words ("TCP/TLS connect failure") say more than nothing, but
     * of a relay only that it went. */
    if (tls[0] == '\0' && session->events.explain == NULL &&
        data->message != NULL)
        snprintf(tls, sizeof tls, "%s", data->message);
    go_down(session, tls);
}

static void on_lost(void *context, char *cause)
{
    (void)cause; /* never more than that it is lost */
    go_down(context, "");
}

/* The broker's DISCONNECT; after it Paho says no more about a loss. */
static void on_dismissed(void *context, MQTTProperties *properties,
                         enum MQTTReasonCodes code)
{
    const char *text = MQTTReasonCode_toString(code);

    (void)properties;
    go_down(context, text == NULL ? "" : text);
}

static int on_arrived(void *context, char *topic, int topic_len,
                      MQTTAsync_message *message)
{
    struct session *session = context;

    (void)topic_len; /* up to the first NUL, should there be one inside */
    session->events.arrived(session->events.arg, topic, message);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1; /* 0 would make Paho acknowledge all later messages unseen */
}

static void answered(struct session *session)
{
    pthread_mutex_lock(&session->mutex);
    session->asked = false;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

static void refuse(struct session *session)
{
    pthread_mutex_lock(&session->mutex);
    if (session->state == UP)
        session->state = REFUSED;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

/* Anything but the QoS that was asked for is a refusal: QoS 0 would not wait
 * for the disk.  Paho fills the list only when there is more than one. */
static void on_subscribed(void *context, MQTTAsync_successData5 *data)
{
    const struct session *session = context;
    int count = data->alt.sub.reasonCodeCount;

    if (count == 1 && (int)data->reasonCode != session->options.qos)
        refuse(context);
    for (int i = 0; count > 1 && i < count; i++)
        if ((int)data->alt.sub.reasonCodes[i] != session->options.qos)
            refuse(context);
    answered(context);
}

/* Also called when the connection goes first; then it is no longer UP. */
static void on_not_subscribed(void *context, MQTTAsync_failureData5 *data)
{
    if (data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR)
        refuse(context);
    answered(context);
}

/* A message is through, or never will be. */
static void one_less(struct session *session)
{
    pthread_mutex_lock(&session->mutex);
    if (session->out > 0)
        session->out--;
    session->poked = true;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

static void settle(struct sending *sending, bool refused)
{
    struct session *session = sending->session;

    pthread_mutex_lock(&session->mutex);
    if (refused)
        memcpy(session->refused, sending->topic, sizeof session->refused);
    sending->topic[0] = '\0';
    pthread_mutex_unlock(&session->mutex);
    one_less(session);
}

static void on_sent(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    settle(context, false);
}

/* Without a reason of the broker's the connection went first. */
static void on_not_sent(void *context, MQTTAsync_failureData5 *data)
{
    settle(context, data->reasonCode == MQTTREASONCODE_NOT_AUTHORIZED);
}

static void on_left(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    go_down(context, REFUSED_WHY);
}

static void on_not_left(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    go_down(context, REFUSED_WHY);
}

static void end(struct session *session)
{
    pthread_mutex_lock(&session->mutex);
    session->ended = true;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

static void on_ended(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    end(context);
}

static void on_not_ended(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    end(context);
}

/* ---- the thread: one thing at a time, each without the mutex ------------- */

static void do_tell(struct session *session, bool up)
{
    char why[SESSION_WHY_MAX];
    bool same;

    pthread_mutex_lock(&session->mutex);
    memcpy(why, session->why, sizeof why);
    pthread_mutex_unlock(&session->mutex);
    same = up == session->told_up && strcmp(why, session->told) == 0;
    if (same)
        return;
    session->told_up = up;
    memcpy(session->told, why, sizeof session->told);
    session->events.linked(session->events.arg, up, why);
}

static void do_connect(struct session *session)
{
    if (connect_now(session->connect, session, on_connected,
                    on_not_connected) != MQTTASYNC_SUCCESS)
        go_down(session, "the client library does not connect");
}

static void do_subscribe(struct session *session)
{
    if (connect_subscribe(session->connect, session, on_subscribed,
                          on_not_subscribed) != MQTTASYNC_SUCCESS)
        refuse(session);
}

static void do_leave(struct session *session)
{
    if (connect_disconnect(session->connect, session, on_left, on_not_left) !=
        MQTTASYNC_SUCCESS)
        go_down(session, REFUSED_WHY);
}

static void do_idle(struct session *session)
{
    if (session->events.idle != NULL)
        session->events.idle(session->events.arg);
}

/* Closing, but what was to be sent may still become so; and a CONNACK or
 * SUBACK that Paho has read when it is told to disconnect it never frees. */
static bool must_linger(const struct session *session)
{
    bool waits = session->state == CONNECTING ||
                 (session->state == UP && (session->out > 0 || session->asked));

    return waits && now() < session->linger_until_ms;
}

/* The condition's clock differs from the steady one by the time that the
 * machine slept. */
static struct timespec in(int64_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (wait_ms > 0) {
        until.tv_sec += (time_t)(wait_ms / 1000);
        until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    }
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* Wait for a change, or for the time of the next attempt or of the end. */
static void wait_for_change(struct session *session)
{
    int64_t at_ms = session->closing ? session->linger_until_ms
                                     : session->backoff.retry_at_ms;
    struct timespec until = in(at_ms - now());

    if (session->state == DOWN || session->closing)
        pthread_cond_timedwait(&session->changed, &session->mutex, &until);
    else
        pthread_cond_wait(&session->changed, &session->mutex);
}

/* What is to be done now; the mutex is held, and free while it is done.
 * False: nothing. */
static bool act(struct session *session)
{
    bool up = session->state == UP;
    bool news = session->news;

    if (up && session->subscribes && !session->closing) {
        session->subscribes = false;
        session->asked = session->options.filters[0] != NULL;
        pthread_mutex_unlock(&session->mutex);
        do_subscribe(session);
    } else if (news) {
        session->news = false;
        pthread_mutex_unlock(&session->mutex);
        do_tell(session, up);
    } else if (up && session->poked) {
        session->poked = false;
        pthread_mutex_unlock(&session->mutex);
        do_idle(session);
    } else if (session->state == REFUSED) {
        session->state = LEAVING;
        pthread_mutex_unlock(&session->mutex);
        do_leave(session);
    } else if (session->state == DOWN && !session->closing &&
               now() >= session->backoff.retry_at_ms) {
        session->state = CONNECTING;
        pthread_mutex_unlock(&session->mutex);
        do_connect(session);
    } else {
        return false;
    }
    pthread_mutex_lock(&session->mutex);
    return true;
}

static void *session_run(void *arg)
{
    struct session *session = arg;

    thread_begin(session->options.thread_name);
    pthread_mutex_lock(&session->mutex);
    for (;;) {
        if (act(session))
            continue;
        if (session->closing && !must_linger(session))
            break;
        wait_for_change(session);
    }
    pthread_mutex_unlock(&session->mutex);
    return NULL;
}

/* ---- from outside -------------------------------------------------------- */

static void session_free(struct session *session)
{
    connect_free(session->connect);
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->mutex);
    free(session);
}

static void init_waiting(struct session *session)
{
    pthread_condattr_t steady;

    pthread_mutex_init(&session->mutex, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&session->changed, &steady);
    pthread_condattr_destroy(&steady);
}

enum status session_open(const struct session_options *options,
                         const struct session_events *events,
                         struct session **session)
{
    struct session *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = *options;
    made->events = *events;
    init_waiting(made);
    if ((status = connect_make(&made->options, &made->connect)) != STATUS_OK)
        goto failed;
    status = STATUS_IO;
    *session = made; /* before the first event */
    if (MQTTAsync_setCallbacks(connect_client(made->connect), made, on_lost,
                               on_arrived, NULL) != MQTTASYNC_SUCCESS ||
        MQTTAsync_setDisconnected(connect_client(made->connect), made,
                                  on_dismissed) != MQTTASYNC_SUCCESS ||
        pthread_create(&made->thread, NULL, session_run, made) != 0)
        goto failed;
    return STATUS_OK;
failed:
    *session = NULL;
    session_free(made);
    return status;
}

void session_poke(struct session *session)
{
    pthread_mutex_lock(&session->mutex);
    session->poked = true;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
}

bool session_has_room(struct session *session)
{
    bool room;

    pthread_mutex_lock(&session->mutex);
    room = session->state == UP && session->out < session->window;
    pthread_mutex_unlock(&session->mutex);
    return room;
}

/* NULL: as many are out as may be. */
static struct sending *one_more(struct session *session, const char *topic)
{
    struct sending *made = NULL;

    pthread_mutex_lock(&session->mutex);
    for (size_t i = 0; made == NULL && i < WINDOW_MAX; i++)
        if (session->sendings[i].topic[0] == '\0')
            made = &session->sendings[i];
    if (made != NULL) {
        session->out++;
        made->session = session;
        text_put(made->topic, sizeof made->topic, topic);
    }
    pthread_mutex_unlock(&session->mutex);
    return made;
}

enum status session_send(struct session *session, const char *topic,
                         struct span payload, int qos, bool retained)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    struct sending *sending = one_more(session, topic);

    if (sending == NULL)
        return STATUS_OFFLINE;
    options.context = sending;
    options.onSuccess5 = on_sent;
    options.onFailure5 = on_not_sent;
    if (MQTTAsync_send(connect_client(session->connect), topic,
                       (int)payload.len, payload.data, qos, retained,
                       &options) == MQTTASYNC_SUCCESS)
        return STATUS_OK;
    settle(sending, false);
    return STATUS_OFFLINE;
}

static void wait_until_ended(struct session *session)
{
    struct timespec until = in(CLOSE_MS);

    pthread_mutex_lock(&session->mutex);
    while (!session->ended)
        if (pthread_cond_timedwait(&session->changed, &session->mutex,
                                   &until) != 0)
            break;
    pthread_mutex_unlock(&session->mutex);
}

void session_close(struct session *session)
{
    if (session == NULL)
        return;
    pthread_mutex_lock(&session->mutex);
    session->closing = true;
    session->linger_until_ms = now() + LINGER_MS;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->mutex);
    pthread_join(session->thread, NULL);
    if (connect_disconnect(session->connect, session, on_ended, on_not_ended) ==
        MQTTASYNC_SUCCESS)
        wait_until_ended(session);
    session_free(session);
}
