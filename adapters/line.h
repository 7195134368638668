/*
 * line.h - bytes to and from a device: a serial port, or a TCP connection to
 * a serial server (or to an indicator or gateway that speaks TCP itself).
 *
 *     /dev/ttyUSB0            with speed and format ("9600 8N1")
 *     tcp://192.168.1.30:4001 speed and format are the server's business
 *
 * A line that breaks is opened again by line_open; one thread uses a line.
 * Nothing blocks longer than the time it is given, and a stop_fd that becomes
 * readable ends every wait at once (CLOSED).
 */
#ifndef SAMPAN_LINE_H
#define SAMPAN_LINE_H

#include "bytes.h"
#include "settings.h"

struct line;

struct line_config {
    const char *port;   /* "/dev/ttyS1" or "tcp://HOST:PORT" */
    uint32_t speed;     /* 300 .. 115200 */
    const char *format; /* "8N1" "8E1" "8O1" "7E1" "7O1" "8N2" */
};

/* The rows port, speed and format, for a table whose struct has a struct
 * line_config named line; standard values differ by device. */
#define LINE_CONFIG_ROWS(standard_speed, standard_format)                      \
    {.key = "port",                                                            \
     .type = SETTINGS_TEXT,                                                    \
     .initial = NULL,                                                          \
     .offset = SETTINGS_AT(const char *, line.port),                           \
     .form = &line_form_port,                                                  \
     .help = "serial port (/dev/ttyUSB0) or serial server (tcp://HOST:PORT)"}, \
        {.key = "speed",                                                       \
         .type = SETTINGS_UNSIGNED,                                            \
         .initial = standard_speed,                                            \
         .offset = SETTINGS_AT(uint32_t, line.speed),                          \
         .min = 300,                                                           \
         .max = 115200,                                                        \
         .help = "bits per second of a serial port"},                          \
    {                                                                          \
        .key = "format", .type = SETTINGS_TEXT, .initial = standard_format,    \
        .offset = SETTINGS_AT(const char *, line.format),                      \
        .words = line_formats,                                                 \
        .help = "data bits, parity and stop bits of a serial port"             \
    }

extern const struct settings_form line_form_port;
extern const struct settings_word line_formats[];

#define LINE_WHY_MAX 160

/* config is borrowed for the call; why gets a text when it fails.  stop_fd:
 * -1, or see above.  OFFLINE: no such port, nobody listens.  DENIED: no right
 * to open it.  BUSY: another process has it locked (serial ports are).  IO,
 * INVALID: a speed that the port cannot do.  CLOSED. */
MUST_CHECK enum status line_open(const struct line_config *config, int stop_fd,
                                 int64_t timeout_ms,
                                 char why[static LINE_WHY_MAX],
                                 struct line **line);
/* At least one byte, or EMPTY after timeout_ms.  CLOSED: it is gone for good,
 * or stop_fd.  IO. */
MUST_CHECK enum status line_read(struct line *line, void *data, size_t size,
                                 int64_t timeout_ms, size_t *got);
/* All of bytes, and out of the port (tcdrain).  OFFLINE: it did not go within
 * timeout_ms.  CLOSED, IO. */
MUST_CHECK enum status line_write(struct line *line, struct span bytes,
                                  int64_t timeout_ms);
/* Forget what came and was not read. */
void line_discard(struct line *line);
/* The port itself, for a look at it; borrowed. */
int line_fd(const struct line *line);
/* A speed that a serial port can be set to; LINE_SPEEDS for the words. */
bool line_speed_holds(uint32_t speed);
#define LINE_SPEEDS "300 600 1200 1800 2400 4800 9600 19200 38400 57600 115200"
/* How long size bytes take on the wire, in milliseconds, rounded up. */
int64_t line_duration_ms(const struct line_config *config, size_t size);
void line_close(struct line *line);

#endif
