/*
 * mosquitto.h - a real broker on a free port, for the length of a test.
 */
#ifndef TEST_MOSQUITTO_H
#define TEST_MOSQUITTO_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static uint16_t free_port(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(probe, (struct sockaddr *)&address, size), 0);
    getsockname(probe, (struct sockaddr *)&address, &size);
    close(probe);
    return ntohs(address.sin_port);
}

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *format, ...)
{
    char command[2048];
    va_list list;

    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    return system(command);
}

/* Listening as soon as a connection is taken. */
static void wait_for_port(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    for (int i = 0; i < 500; i++) {
        const struct timespec moment = {0, 20000000};
        int probe = socket(AF_INET, SOCK_STREAM, 0);
        int result =
            connect(probe, (const struct sockaddr *)&address, sizeof address);

        close(probe);
        if (result == 0)
            return;
        nanosleep(&moment, NULL);
    }
    fail_msg("mosquitto does not listen");
}

/* With the settings in folder/conf; its words go to folder/log. */
static pid_t mosquitto_start(const char *folder, uint16_t port)
{
    char path[128];
    pid_t broker;

    snprintf(path, sizeof path, "%s/conf", folder);
    broker = fork();
    if (broker == 0) {
        char log[128];

        snprintf(log, sizeof log, "%s/log", folder);
        if (freopen(log, "a", stdout) == NULL ||
            freopen(log, "a", stderr) == NULL)
            _exit(1);
        execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(1);
    }
    wait_for_port(port);
    return broker;
}

static void mosquitto_stop(pid_t *broker, int signal)
{
    if (*broker <= 0)
        return;
    kill(*broker, signal);
    waitpid(*broker, NULL, 0);
    *broker = 0;
}

#endif
