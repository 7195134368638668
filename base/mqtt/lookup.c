#include "lookup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "thread.h"

struct lookup {
    atomic_int owners; /* the caller and the thread */
    int done;          /* eventfd */
    int result;
    struct addrinfo *addresses;
    char port[sizeof "65535"];
    char host[];
};

static void release(struct lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->owners, 1) > 1)
        return;
    if (lookup->addresses != NULL)
        freeaddrinfo(lookup->addresses);
    close(lookup->done);
    free(lookup);
}

static void *lookup_run(void *arg)
{
    struct lookup *lookup = arg;
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };

    thread_begin("lookup");
    lookup->result =
        getaddrinfo(lookup->host, lookup->port, &hints, &lookup->addresses);
    eventfd_write(lookup->done, 1);
    release(lookup);
    return NULL;
}

enum status lookup_open(const char *host, uint16_t port, struct lookup **lookup)
{
    size_t size = strlen(host) + 1;
    struct lookup *made = calloc(1, sizeof *made + size);
    pthread_t thread;

    if (made == NULL)
        return STATUS_NOMEM;
    memcpy(made->host, host, size);
    snprintf(made->port, sizeof made->port, "%u", port);
    atomic_init(&made->owners, 2);
    made->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->done < 0)
        goto failed;
    if (pthread_create(&thread, NULL, lookup_run, made) != 0) {
        close(made->done);
        goto failed;
    }
    pthread_detach(thread);
    *lookup = made;
    return STATUS_OK;
failed:
    free(made);
    return STATUS_IO;
}

int lookup_fd(const struct lookup *lookup)
{
    return lookup->done;
}

bool lookup_done(struct lookup *lookup, int *result,
                 const struct addrinfo **addresses)
{
    eventfd_t value;

    if (eventfd_read(lookup->done, &value) != 0)
        return false;
    *result = lookup->result;
    *addresses = lookup->addresses;
    return true;
}

void lookup_close(struct lookup *lookup)
{
    if (lookup != NULL)
        release(lookup);
}
