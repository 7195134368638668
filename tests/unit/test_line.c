#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "line.h"

/* Long enough for a machine with much to do; what must come is awaited, what
 * must not come is asked for with 0. */
#define PATIENCE_MS 20000

struct fixture {
    int master; /* the device's end of the pseudo-terminal */
    char port[128];
    int stop_fd;
    char why[LINE_WHY_MAX];
    struct line *line;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int slave;

    assert_non_null(f);
    assert_int_equal(openpty(&f->master, &slave, f->port, NULL, NULL), 0);
    close(slave);
    f->stop_fd = eventfd(0, EFD_CLOEXEC);
    assert_true(f->stop_fd >= 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    line_close(f->line);
    if (f->master >= 0)
        close(f->master);
    close(f->stop_fd);
    free(f);
    return 0;
}

static enum status open_port(struct fixture *f, const char *port,
                             uint32_t speed, const char *format)
{
    const struct line_config config = {port, speed, format};

    return line_open(&config, f->stop_fd, PATIENCE_MS, f->why, &f->line);
}

static void open_pty(struct fixture *f)
{
    assert_int_equal(open_port(f, f->port, 9600, "8N1"), STATUS_OK);
}

static void device_says(const struct fixture *f, const void *data, size_t len)
{
    assert_int_equal(write(f->master, data, len), (ssize_t)len);
}

static void read_exactly(struct fixture *f, void *into, size_t len)
{
    size_t have = 0;
    size_t got = 0;

    while (have < len) {
        assert_int_equal(line_read(f->line, (char *)into + have, len - have,
                                   PATIENCE_MS, &got),
                         STATUS_OK);
        have += got;
    }
}

/* ---- settings ----------------------------------------------------------- */

static void a_port_is_a_path_or_a_host_with_a_port(void **state)
{
    static const char *const good[] = {
        "/dev/ttyUSB0",
        "/dev/serial/by-id/usb-FTDI_x-if00-port0",
        "tcp://192.168.1.30:4001",
        "tcp://scale-1.local:1",
        "tcp://[::1]:65535",
        "tcp://[fe80::1]:23"};
    static const char *const bad[] = {"ttyUSB0",
                                      "/",
                                      "tcp://",
                                      "tcp://host",
                                      "tcp://host:",
                                      "tcp://host:0",
                                      "tcp://host:65536",
                                      "tcp://host:080",
                                      "tcp://:4001",
                                      "tcp://::1:4001",
                                      "tcp://[]:4001",
                                      "tcp://[::1:4001",
                                      "tcp://[host]:4001",
                                      "tcp://-host:4001",
                                      "tcp://user@host:4001",
                                      "tcp://host:4001/path",
                                      "udp://host:4001"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(line_form_port.valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(line_form_port.valid(bad[i]));
}

static void a_character_takes_ten_or_eleven_bits(void **state)
{
    const struct line_config n = {"/dev/ttyS0", 9600, "8N1"};
    const struct line_config e = {"/dev/ttyS0", 2400, "8E1"};
    const struct line_config seven = {"/dev/ttyS0", 300, "7E1"};

    (void)state;
    assert_int_equal(line_duration_ms(&n, 0), 0);
    assert_int_equal(line_duration_ms(&n, 12), 13);      /* 12.5 */
    assert_int_equal(line_duration_ms(&e, 240), 1100);   /* exactly */
    assert_int_equal(line_duration_ms(&seven, 18), 600); /* exactly */
    assert_int_equal(line_duration_ms(&n, 1 << 20), 1092267);
}

/* ---- serial ports ------------------------------------------------------- */

static void a_serial_port_is_raw_at_the_speed_of_the_settings(void **state)
{
    struct fixture *f = *state;
    struct termios port;

    assert_int_equal(open_port(f, f->port, 2400, "8E1"), STATUS_OK);
    assert_int_equal(tcgetattr(line_fd(f->line), &port), 0);
    assert_int_equal(cfgetispeed(&port), B2400);
    assert_int_equal(cfgetospeed(&port), B2400);
    assert_int_equal(port.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(port.c_oflag & OPOST, 0);
    /* XON and XOFF are data; a bad character is a NUL, not marked */
    assert_int_equal(port.c_iflag & (IXON | IXOFF | ICRNL | PARMRK | IGNPAR),
                     0);
    assert_int_equal(port.c_iflag & INPCK, INPCK);
    assert_int_equal(port.c_cflag & (CRTSCTS | CLOCAL | CREAD), CLOCAL | CREAD);
}

/* It keeps no parity bit, and is set as it was before. */
static void a_virtual_port_with_parity_opens_again(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_port(f, f->port, 2400, "8E1"), STATUS_OK);
        line_close(f->line);
        f->line = NULL;
    }
}

static void every_byte_passes_both_ways_as_it_is(void **state)
{
    struct fixture *f = *state;
    uint8_t all[256];
    uint8_t back[256];
    size_t have = 0;

    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    open_pty(f);
    device_says(f, all, sizeof all);
    read_exactly(f, back, sizeof back);
    assert_memory_equal(back, all, sizeof all);
    assert_int_equal(line_write(f->line, span_of(all, sizeof all), PATIENCE_MS),
                     STATUS_OK);
    while (have < sizeof back) {
        const ssize_t count = read(f->master, back + have, sizeof back - have);

        assert_true(count > 0);
        have += (size_t)count;
    }
    assert_memory_equal(back, all, sizeof all);
}

static void a_torn_write_arrives_in_pieces(void **state)
{
    struct fixture *f = *state;
    char into[8] = "";
    size_t got = 0;

    open_pty(f);
    device_says(f, "\x02+00", 4);
    read_exactly(f, into, 4);
    assert_int_equal(line_read(f->line, into, sizeof into, 0, &got),
                     STATUS_EMPTY);
    device_says(f, "0000", 4);
    read_exactly(f, into + 4, 4);
    assert_memory_equal(into, "\x02+000000", 8);
}

static void nothing_is_read_that_was_discarded(void **state)
{
    struct fixture *f = *state;
    char into[8];
    size_t got = 0;
    struct pollfd ready;

    open_pty(f);
    device_says(f, "old", 3);
    ready = (struct pollfd){line_fd(f->line), POLLIN, 0};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    line_discard(f->line);
    assert_int_equal(line_read(f->line, into, sizeof into, 0, &got),
                     STATUS_EMPTY);
    device_says(f, "new", 3);
    read_exactly(f, into, 3);
    assert_memory_equal(into, "new", 3);
}

static void a_port_that_is_pulled_out_is_closed(void **state)
{
    struct fixture *f = *state;
    char into[8];
    size_t got = 0;

    open_pty(f);
    close(f->master);
    f->master = -1;
    assert_int_equal(line_read(f->line, into, sizeof into, PATIENCE_MS, &got),
                     STATUS_CLOSED);
    assert_int_equal(line_write(f->line, span_text("x"), PATIENCE_MS),
                     STATUS_CLOSED);
}

static void a_port_serves_one_program(void **state)
{
    struct fixture *f = *state;
    const struct line_config config = {f->port, 9600, "8N1"};
    struct line *second = NULL;
    int other;

    open_pty(f);
    assert_true(line_open(&config, f->stop_fd, 0, f->why, &second) ==
                STATUS_BUSY);
    assert_null(second);
    assert_non_null(strstr(f->why, f->port));
    line_close(f->line);
    f->line = NULL;
    /* and is free again afterwards */
    open_pty(f);
    line_close(f->line);
    f->line = NULL;
    /* a lock of another program that knows flock */
    other = open(f->port, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(open_port(f, f->port, 9600, "8N1"), STATUS_BUSY);
    close(other);
}

static void a_wrong_port_says_what_is_wrong(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_port(f, "/dev/no-such-port", 9600, "8N1"),
                     STATUS_OFFLINE);
    assert_non_null(strstr(f->why, "/dev/no-such-port"));
    assert_int_equal(open_port(f, "/dev/null", 9600, "8N1"), STATUS_INVALID);
    assert_non_null(strstr(f->why, "no serial port"));
    assert_int_equal(open_port(f, f->port, 1234, "8N1"), STATUS_INVALID);
    assert_non_null(strstr(f->why, "1234"));
    assert_int_equal(open_port(f, f->port, 9600, "9N1"), STATUS_INVALID);
    assert_null(f->line);
}

static void stop_ends_a_read_and_a_write(void **state)
{
    struct fixture *f = *state;
    char into[8];
    size_t got = 0;
    static uint8_t much[1 << 20];

    open_pty(f);
    assert_int_equal(eventfd_write(f->stop_fd, 1), 0);
    assert_int_equal(line_read(f->line, into, sizeof into, PATIENCE_MS, &got),
                     STATUS_CLOSED);
    assert_int_equal(
        line_write(f->line, span_of(much, sizeof much), PATIENCE_MS),
        STATUS_CLOSED);
}

static void a_write_that_nobody_takes_ends_in_time(void **state)
{
    struct fixture *f = *state;
    static uint8_t much[1 << 20];

    open_pty(f);
    assert_int_equal(line_write(f->line, span_of(much, sizeof much), 50),
                     STATUS_OFFLINE);
}

/* ---- TCP ---------------------------------------------------------------- */

static int listen_on(int family, unsigned *port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address =
        family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    socklen_t size = family == AF_INET ? sizeof four : sizeof six;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, address, size) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, address, &size), 0);
    *port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
    return fd;
}

static void a_server_speaks_and_goes(void **state)
{
    struct fixture *f = *state;
    char port[64];
    char into[8];
    size_t got = 0;
    unsigned number = 0;
    int server = listen_on(AF_INET, &number);
    int peer;

    snprintf(port, sizeof port, "tcp://localhost:%u", number);
    assert_int_equal(open_port(f, port, 9600, "8N1"), STATUS_OK);
    peer = accept(server, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(write(peer, "\x02+0", 3), 3);
    read_exactly(f, into, 3);
    assert_memory_equal(into, "\x02+0", 3);
    assert_int_equal(line_write(f->line, span_text("ask"), PATIENCE_MS),
                     STATUS_OK);
    assert_int_equal(read(peer, into, 3), 3);
    assert_memory_equal(into, "ask", 3);
    assert_int_equal(line_read(f->line, into, sizeof into, 0, &got),
                     STATUS_EMPTY);
    close(peer);
    assert_int_equal(line_read(f->line, into, sizeof into, PATIENCE_MS, &got),
                     STATUS_CLOSED);
    close(server);
}

static void a_server_may_have_an_ipv6_address(void **state)
{
    struct fixture *f = *state;
    char port[64];
    unsigned number = 0;
    int server = listen_on(AF_INET6, &number);

    if (server < 0)
        skip(); /* a machine without IPv6 */
    snprintf(port, sizeof port, "tcp://[::1]:%u", number);
    assert_int_equal(open_port(f, port, 9600, "8N1"), STATUS_OK);
    close(server);
}

static void a_server_that_is_not_there_is_offline(void **state)
{
    struct fixture *f = *state;
    char port[64];
    unsigned number = 0;
    int server = listen_on(AF_INET, &number);

    close(server); /* now nobody listens there */
    snprintf(port, sizeof port, "tcp://127.0.0.1:%u", number);
    assert_int_equal(open_port(f, port, 9600, "8N1"), STATUS_OFFLINE);
    assert_non_null(strstr(f->why, "refused"));
    assert_int_equal(open_port(f, "tcp://nowhere.invalid:4001", 9600, "8N1"),
                     STATUS_OFFLINE);
    assert_non_null(strstr(f->why, "nowhere.invalid"));
    assert_int_equal(open_port(f, "tcp://nowhere", 9600, "8N1"),
                     STATUS_INVALID);
}

/* The queue of a listener that accepts nobody is full: the next connection
 * gets no answer at all. */
static void a_server_that_does_not_answer_is_given_up_in_time(void **state)
{
    struct fixture *f = *state;
    struct line_config config = {NULL, 9600, "8N1"};
    struct line *lines[64] = {NULL};
    char port[64];
    unsigned number = 0;
    int server = listen_on(AF_INET, &number);
    enum status status = STATUS_OK;
    size_t count = 0;

    snprintf(port, sizeof port, "tcp://127.0.0.1:%u", number);
    config.port = port;
    while (status == STATUS_OK && count < sizeof lines / sizeof lines[0]) {
        status = line_open(&config, -1, 100, f->why, &lines[count]);
        count += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_OFFLINE);
    assert_non_null(strstr(f->why, "timed out"));
    assert_int_equal(eventfd_write(f->stop_fd, 1), 0);
    assert_int_equal(open_port(f, port, 9600, "8N1"), STATUS_CLOSED);
    while (count > 0)
        line_close(lines[--count]);
    close(server);
}
