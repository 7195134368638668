#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "lookup.h"
#include "text.h"

#define TCP_PREFIX "tcp://"
#define HOST_MAX 254
#define DRAIN_STEP_MS 5
#define DISCARD_ROUNDS 64 /* of 1 KiB: a flood does not hold us for ever */

struct line {
    int fd;
    int stop_fd; /* -1: none */
    bool tcp;
};

/* ---- what the settings may say ------------------------------------------ */

struct speed {
    uint32_t bits;
    speed_t code;
};

static const struct speed speeds[] = {
    {300, B300},     {600, B600},     {1200, B1200},     {1800, B1800},
    {2400, B2400},   {4800, B4800},   {9600, B9600},     {19200, B19200},
    {38400, B38400}, {57600, B57600}, {115200, B115200},
};

struct format {
    tcflag_t flags;
    unsigned bits; /* of a character, with start, parity and stop */
};

static const struct format formats[] = {
    {CS8, 10},                   /* 8N1 */
    {CS8 | PARENB, 11},          /* 8E1 */
    {CS8 | PARENB | PARODD, 11}, /* 8O1 */
    {CS7 | PARENB, 10},          /* 7E1 */
    {CS7 | PARENB | PARODD, 10}, /* 7O1 */
    {CS8 | CSTOPB, 11},          /* 8N2 */
};

const struct settings_word line_formats[] = {
    {"8N1", 0}, {"8E1", 1}, {"8O1", 2}, {"7E1", 3},
    {"7O1", 4}, {"8N2", 5}, {NULL, 0},
};

static const struct format *format_find(const char *name)
{
    for (const struct settings_word *word = line_formats; word->word; word++)
        if (strcmp(word->word, name) == 0)
            return &formats[word->value];
    return NULL;
}

static const struct speed *speed_find(uint32_t bits)
{
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
        if (speeds[i].bits == bits)
            return &speeds[i];
    return NULL;
}

struct endpoint {
    char host[HOST_MAX];
    uint16_t port;
};

static bool port_read(const char *text, uint16_t *port)
{
    const size_t len = strlen(text);
    unsigned long value;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len ||
        text[0] == '0')
        return false;
    value = strtoul(text, NULL, 10);
    *port = (uint16_t)value;
    return value <= 65535;
}

/* HOST:PORT, where HOST may be [an IPv6 address]. */
static bool endpoint_read(const char *text, struct endpoint *endpoint)
{
    const char *colon = strrchr(text, ':');
    size_t len;

    if (colon == NULL || !port_read(colon + 1, &endpoint->port))
        return false;
    len = (size_t)(colon - text);
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
        if (len != strspn(text, "0123456789abcdefABCDEF:.") ||
            memchr(text, ':', len) == NULL)
            return false;
    } else if (len != strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
                                   "opqrstuvwxyz0123456789-._")) {
        return false;
    }
    if (len == 0 || len >= sizeof endpoint->host || text[0] == '-')
        return false;
    memcpy(endpoint->host, text, len);
    endpoint->host[len] = 0;
    return true;
}

static bool is_tcp(const char *port)
{
    return strncmp(port, TCP_PREFIX, sizeof TCP_PREFIX - 1) == 0;
}

static bool is_port(const char *text)
{
    struct endpoint endpoint;

    if (is_tcp(text))
        return endpoint_read(text + sizeof TCP_PREFIX - 1, &endpoint);
    return text[0] == '/' && text[1] != 0;
}

const struct settings_form line_form_port = {
    .characters = "!-~",
    .least = 2,
    .most = 300,
    .valid = is_port,
    .words = "the path of a serial port (/dev/ttyUSB0), or tcp://HOST:PORT"};

/* ---- waiting ------------------------------------------------------------ */

static int64_t now_ms(void)
{
    return clock_steady_ms(clock_system());
}

/* OK: fd is ready, or has failed.  EMPTY: not by due_at_ms.  CLOSED: stop.
 * fd may be -1: only the time and the stop. */
static enum status wait_for(int fd, short events, int stop_fd,
                            int64_t due_at_ms)
{
    struct pollfd fds[2] = {{fd, events, 0}, {stop_fd, POLLIN, 0}};

    for (;;) {
        const int64_t left_ms = due_at_ms - now_ms();
        const int wait_ms = left_ms < 0         ? 0
                            : left_ms > 3600000 ? 3600000
                                                : (int)left_ms;
        const int ready = poll(fds, 2, wait_ms);

        if (ready < 0 && errno != EINTR)
            return STATUS_IO;
        if (ready > 0 && fds[1].revents != 0)
            return STATUS_CLOSED;
        if (ready > 0)
            return STATUS_OK;
        if (left_ms <= 0)
            return STATUS_EMPTY;
    }
}

/* ---- a serial port ------------------------------------------------------ */

static enum status status_of_open(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return STATUS_DENIED;
    case EBUSY:
        return STATUS_BUSY;
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case ENODEV:
    case EIO:
        return STATUS_OFFLINE;
    default:
        return STATUS_IO;
    }
}

/*
 * Raw, no flow control, no modem lines.  INPCK without PARMRK and IGNPAR: a
 * character with a parity or framing error, and a break, are read as NUL.  A
 * NUL is in no ASCII frame, and what is binary carries a check, so that a bad
 * character spoils its frame instead of becoming data, and no byte has to be
 * escaped.
 */
static bool port_set(int fd, speed_t speed, tcflag_t flags)
{
    struct termios port;

    if (tcgetattr(fd, &port) != 0)
        return false;
    cfmakeraw(&port);
    port.c_iflag &= ~(tcflag_t)(IXOFF | IXANY | IGNPAR | IGNBRK);
    port.c_iflag |= INPCK;
    port.c_cflag &=
        ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS | HUPCL);
    port.c_cflag |= CLOCAL | CREAD | flags;
    port.c_cc[VMIN] = 1;
    port.c_cc[VTIME] = 0;
    if (cfsetispeed(&port, speed) != 0 || cfsetospeed(&port, speed) != 0)
        return false;
    /* tcsetattr is content with any part of it, and with none calls it EINVAL:
     * a virtual port (socat's) keeps no parity, so for one that was set before
     * there is nothing left to change. */
    if (tcsetattr(fd, TCSANOW, &port) != 0 && errno != EINVAL)
        return false;
    return tcgetattr(fd, &port) == 0 && cfgetispeed(&port) == speed &&
           cfgetospeed(&port) == speed;
}

static enum status serial_setup(int fd, const struct line_config *config,
                                char *why)
{
    const struct speed *speed = speed_find(config->speed);
    const struct format *format = format_find(config->format);

    if (!isatty(fd)) {
        text_print(why, LINE_WHY_MAX, "%s is no serial port", config->port);
        return STATUS_INVALID;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || ioctl(fd, TIOCEXCL) != 0) {
        text_print(why, LINE_WHY_MAX, "%s is in use by another program",
                   config->port);
        return STATUS_BUSY;
    }
    if (speed == NULL || format == NULL ||
        !port_set(fd, speed->code, format->flags)) {
        text_print(why, LINE_WHY_MAX, "%s cannot do %u %s", config->port,
                   config->speed, config->format);
        return STATUS_INVALID;
    }
    tcflush(fd, TCIFLUSH);
    return STATUS_OK;
}

static enum status serial_open(const struct line_config *config, char *why,
                               int *fd)
{
    enum status status;

    *fd = open(config->port, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0) {
        status = status_of_open(errno);
        text_print(why, LINE_WHY_MAX, "%s: %s%s", config->port, strerror(errno),
                   status == STATUS_DENIED ? " (is the user in group dialout?)"
                                           : "");
        return status;
    }
    status = serial_setup(*fd, config, why);
    if (status != STATUS_OK)
        close(*fd);
    return status;
}

/* ---- TCP ---------------------------------------------------------------- */

/* A serial server that lost its power is noticed in a minute: a device that
 * only talks would be waited for in vain otherwise. */
static void socket_tune(int fd)
{
    const int on = 1;
    const int idle_s = 30;
    const int interval_s = 10;
    const int probes = 3;
    const unsigned unsent_ms = 30000;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms);
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    return error;
}

/* One address.  OK, CLOSED (stop), or OFFLINE with why in *error. */
static enum status connect_one(const struct addrinfo *to, int stop_fd,
                               int64_t due_at_ms, int *error, int *fd)
{
    enum status status = STATUS_OK;
    int made =
        socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *error = errno;
    if (made < 0)
        return STATUS_OFFLINE;
    socket_tune(made);
    *error = 0;
    if (connect(made, to->ai_addr, to->ai_addrlen) != 0) {
        *error = errno;
        if (errno == EINPROGRESS) {
            status = wait_for(made, POLLOUT, stop_fd, due_at_ms);
            *error = status == STATUS_EMPTY ? ETIMEDOUT : socket_error(made);
        }
    }
    if (status == STATUS_OK && *error == 0) {
        *fd = made;
        return STATUS_OK;
    }
    close(made);
    return status == STATUS_CLOSED ? STATUS_CLOSED : STATUS_OFFLINE;
}

/* Each address gets its share of the time that is left. */
static enum status connect_any(const struct addrinfo *to, int stop_fd,
                               int64_t due_at_ms, int *error, int *fd)
{
    enum status status = STATUS_OFFLINE;
    int64_t left = 0;

    *error = EHOSTUNREACH;
    for (const struct addrinfo *at = to; at != NULL; at = at->ai_next)
        left++;
    for (; to != NULL && status == STATUS_OFFLINE; to = to->ai_next, left--) {
        const int64_t now = now_ms();

        status =
            connect_one(to, stop_fd, now + (due_at_ms - now) / left, error, fd);
    }
    return status;
}

static enum status tcp_open(const char *port, int stop_fd, int64_t due_at_ms,
                            char *why, int *fd)
{
    struct endpoint endpoint;
    struct lookup *lookup = NULL;
    const struct addrinfo *addresses = NULL;
    enum status status;
    int result = EAI_AGAIN;
    int error = 0;

    if (!endpoint_read(port + sizeof TCP_PREFIX - 1, &endpoint)) {
        text_print(why, LINE_WHY_MAX, "%s: allowed: tcp://HOST:PORT", port);
        return STATUS_INVALID;
    }
    status = lookup_open(endpoint.host, endpoint.port, &lookup);
    if (status != STATUS_OK)
        goto out;
    status = wait_for(lookup_fd(lookup), POLLIN, stop_fd, due_at_ms);
    if (status == STATUS_CLOSED || status == STATUS_IO)
        goto out;
    if (status == STATUS_EMPTY || !lookup_done(lookup, &result, &addresses) ||
        result != 0) {
        text_print(why, LINE_WHY_MAX, "%s: %s", endpoint.host,
                   gai_strerror(result));
        status = STATUS_OFFLINE;
        goto out;
    }
    status = connect_any(addresses, stop_fd, due_at_ms, &error, fd);
    if (status == STATUS_OFFLINE)
        text_print(why, LINE_WHY_MAX, "%s: %s", port, strerror(error));
out:
    lookup_close(lookup);
    return status;
}

/* ---- both --------------------------------------------------------------- */

enum status line_open(const struct line_config *config, int stop_fd,
                      int64_t timeout_ms, char why[static LINE_WHY_MAX],
                      struct line **line)
{
    struct line *made = calloc(1, sizeof *made);
    enum status status = STATUS_NOMEM;

    text_put(why, LINE_WHY_MAX, status_text(STATUS_NOMEM));
    if (made == NULL)
        return status;
    made->stop_fd = stop_fd;
    made->tcp = is_tcp(config->port);
    why[0] = 0;
    status = made->tcp ? tcp_open(config->port, stop_fd, now_ms() + timeout_ms,
                                  why, &made->fd)
                       : serial_open(config, why, &made->fd);
    if (status != STATUS_OK) {
        if (why[0] == 0)
            text_put(why, LINE_WHY_MAX, status_text(status));
        free(made);
        return status;
    }
    *line = made;
    return STATUS_OK;
}

/* What a failed read or write means: a port that was pulled out gives EIO or
 * ENXIO, a server that went away gives one of the others. */
static enum status status_of(int error)
{
    switch (error) {
    case EIO:
    case ENXIO:
    case ENODEV:
    case EPIPE:
    case ECONNRESET:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return STATUS_CLOSED;
    default:
        return STATUS_IO;
    }
}

static bool again(int error)
{
    return error == EAGAIN || error == EINTR;
}

enum status line_read(struct line *line, void *data, size_t size,
                      int64_t timeout_ms, size_t *got)
{
    const int64_t due_at_ms = now_ms() + timeout_ms;

    for (;;) {
        const enum status status =
            wait_for(line->fd, POLLIN, line->stop_fd, due_at_ms);
        ssize_t count;

        if (status != STATUS_OK)
            return status;
        count = read(line->fd, data, size);
        if (count > 0) {
            *got = (size_t)count;
            return STATUS_OK;
        }
        if (count == 0)
            return STATUS_CLOSED;
        if (!again(errno))
            return status_of(errno);
    }
}

/* Until the port has sent it.  What tcdrain alone would wait for has no end
 * when a USB port stalls; here only its last characters are left to it. */
static enum status drain(const struct line *line, int64_t due_at_ms)
{
    int unsent = 0;

    while (ioctl(line->fd, TIOCOUTQ, &unsent) == 0 && unsent > 0) {
        int64_t step_at_ms = now_ms() + DRAIN_STEP_MS;
        enum status status;

        if (step_at_ms > due_at_ms)
            step_at_ms = due_at_ms;
        status = wait_for(-1, 0, line->stop_fd, step_at_ms);
        if (status != STATUS_EMPTY)
            return status;
        if (now_ms() >= due_at_ms)
            return STATUS_OFFLINE;
    }
    if (tcdrain(line->fd) != 0 && errno != EINTR)
        return status_of(errno);
    return STATUS_OK;
}

static ssize_t put(const struct line *line, struct span bytes)
{
    return line->tcp ? send(line->fd, bytes.data, bytes.len, MSG_NOSIGNAL)
                     : write(line->fd, bytes.data, bytes.len);
}

enum status line_write(struct line *line, struct span bytes, int64_t timeout_ms)
{
    const int64_t due_at_ms = now_ms() + timeout_ms;

    while (bytes.len > 0) {
        const enum status status =
            wait_for(line->fd, POLLOUT, line->stop_fd, due_at_ms);
        ssize_t count;

        if (status != STATUS_OK)
            return status == STATUS_EMPTY ? STATUS_OFFLINE : status;
        count = put(line, bytes);
        if (count < 0 && !again(errno))
            return status_of(errno);
        if (count > 0)
            bytes = span_of(bytes.data + count, bytes.len - (size_t)count);
    }
    return line->tcp ? STATUS_OK : drain(line, due_at_ms);
}

void line_discard(struct line *line)
{
    uint8_t heap[1024];

    for (int i = 0; i < DISCARD_ROUNDS; i++)
        if (read(line->fd, heap, sizeof heap) <= 0)
            return;
}

int line_fd(const struct line *line)
{
    return line->fd;
}

bool line_speed_holds(uint32_t speed)
{
    return speed_find(speed) != NULL;
}

int64_t line_duration_ms(const struct line_config *config, size_t size)
{
    const struct format *format = format_find(config->format);
    const uint64_t bits =
        (uint64_t)size * (format == NULL ? formats[1].bits : format->bits);

    return (int64_t)((bits * 1000 + config->speed - 1) / config->speed);
}

void line_close(struct line *line)
{
    if (line == NULL)
        return;
    if (!line->tcp)
        ioctl(line->fd, TIOCNXCL);
    close(line->fd);
    free(line);
}
