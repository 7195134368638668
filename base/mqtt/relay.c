#include "relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "link.h"
#include "peer.h"
#include "thread.h"

#define CLOSE_MS 1200 /* above what a link takes to leave */

struct relay {
    const struct mqtt_options *options;
    struct tickets *tickets;
    int listener;
    int wake; /* eventfd */
    uint16_t port;
    pthread_t thread;
    atomic_bool woken; /* wake was written and not yet read */
    atomic_bool stopped;
    atomic_bool closing;
    _Atomic(const char *) broken; /* why the connection is to be broken */
    pthread_mutex_t why_mutex;
    char why[RELAY_WHY_MAX];
    struct link *link; /* the thread's; NULL: none */
};

static void set_why(struct relay *relay, const char *why)
{
    pthread_mutex_lock(&relay->why_mutex);
    snprintf(relay->why, sizeof relay->why, "%s", why);
    pthread_mutex_unlock(&relay->why_mutex);
}

void relay_why(struct relay *relay, char why[static RELAY_WHY_MAX])
{
    pthread_mutex_lock(&relay->why_mutex);
    memcpy(why, relay->why, sizeof relay->why);
    pthread_mutex_unlock(&relay->why_mutex);
}

/* ---- the thread ---------------------------------------------------------- */

/* The words are there before Paho can see that the connection is not. */
static void drop(struct relay *relay, const char *why)
{
    set_why(relay, why);
    tickets_unlink(relay->tickets);
    link_close(relay->link);
    relay->link = NULL;
}

static void accept_paho(struct relay *relay)
{
    int paho =
        accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (paho < 0)
        return;
    if (!peer_is_own(paho)) {
        close(paho);
        set_why(relay, "a connection from elsewhere than this program");
        return;
    }
    if (link_open(relay->options, relay->tickets, paho, &relay->link) !=
        STATUS_OK) {
        set_why(relay, "no memory or threads for a connection");
        return; /* Paho sees it closed, and comes again later */
    }
    set_why(relay, "");
    atomic_store(&relay->broken, NULL);
    tickets_link(relay->tickets);
}

static void step(struct relay *relay)
{
    const char *why = atomic_exchange(&relay->broken, NULL);

    if (why == NULL && link_step(relay->link, atomic_load(&relay->stopped),
                                 clock_steady_ms(clock_system())) != STATUS_OK)
        why = link_why(relay->link);
    if (why != NULL)
        drop(relay, why);
}

static void wait_and_step(struct relay *relay, int64_t timeout_ms)
{
    struct pollfd fds[3] = {{relay->wake, POLLIN, 0}};
    nfds_t count = 2;

    if (relay->link == NULL)
        fds[1] = (struct pollfd){relay->listener, POLLIN, 0};
    else
        count += link_poll(relay->link, &fds[1]) - 1;
    if (poll(fds, count, (int)timeout_ms) < 0)
        return;
    if (fds[0].revents != 0) {
        eventfd_t value;

        eventfd_read(relay->wake, &value);
        atomic_store(&relay->woken, false);
    }
    if (relay->link != NULL)
        step(relay);
    else if (fds[1].revents != 0)
        accept_paho(relay);
}

static int64_t timeout_of(const struct relay *relay, int64_t now_ms)
{
    return relay->link == NULL ? -1 : link_timeout_ms(relay->link, now_ms);
}

/* Paho is gone or going: when the link has read its last words it leaves by
 * itself, once all that may go has gone. */
static void finish(struct relay *relay)
{
    int64_t end_ms = clock_steady_ms(clock_system()) + CLOSE_MS;
    int64_t now_ms;

    while (relay->link != NULL &&
           (now_ms = clock_steady_ms(clock_system())) < end_ms)
        wait_and_step(relay, end_ms - now_ms);
    if (relay->link != NULL)
        drop(relay, "closed");
}

static void *relay_run(void *arg)
{
    struct relay *relay = arg;

    thread_begin("relay");
    while (!atomic_load(&relay->closing))
        wait_and_step(relay,
                      timeout_of(relay, clock_steady_ms(clock_system())));
    finish(relay);
    return NULL;
}

/* ---- from outside -------------------------------------------------------- */

void relay_wake(struct relay *relay)
{
    if (!atomic_exchange(&relay->woken, true))
        eventfd_write(relay->wake, 1);
}

void relay_stop(struct relay *relay)
{
    atomic_store(&relay->stopped, true);
    relay_wake(relay);
}

void relay_break(struct relay *relay, const char *why)
{
    atomic_store(&relay->broken, why);
    relay_wake(relay);
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->port;
}

/* A listener on any free port of 127.0.0.1. */
static enum status listen_on_loopback(struct relay *relay)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;

    relay->listener =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (relay->listener < 0 ||
        bind(relay->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(relay->listener, 4) != 0 ||
        getsockname(relay->listener, (struct sockaddr *)&address, &size) != 0)
        return STATUS_IO;
    relay->port = ntohs(address.sin_port);
    return STATUS_OK;
}

static void relay_free(struct relay *relay)
{
    if (relay->listener >= 0)
        close(relay->listener);
    if (relay->wake >= 0)
        close(relay->wake);
    pthread_mutex_destroy(&relay->why_mutex);
    free(relay);
}

enum status relay_open(const struct mqtt_options *options,
                       struct tickets *tickets, struct relay **relay)
{
    struct relay *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = options;
    made->tickets = tickets;
    made->listener = -1;
    pthread_mutex_init(&made->why_mutex, NULL);
    made->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    status = made->wake < 0 ? STATUS_IO : listen_on_loopback(made);
    if (status == STATUS_OK &&
        pthread_create(&made->thread, NULL, relay_run, made) != 0)
        status = STATUS_IO;
    if (status != STATUS_OK) {
        relay_free(made);
        return status;
    }
    *relay = made;
    return STATUS_OK;
}

void relay_close(struct relay *relay)
{
    if (relay == NULL)
        return;
    atomic_store(&relay->closing, true);
    relay_wake(relay);
    pthread_join(relay->thread, NULL);
    relay_free(relay);
}
