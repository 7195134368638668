/*
 * thread.h - how each thread of this folder begins.
 */
#ifndef SAMPAN_MQTT_THREAD_H
#define SAMPAN_MQTT_THREAD_H

#include <pthread.h>
#include <signal.h>

/* Its name, and no signals: those are the program's, and OpenSSL writes to
 * sockets in a way that raises SIGPIPE. */
static inline void thread_begin(const char *name)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_setname_np(pthread_self(), name);
}

#endif
