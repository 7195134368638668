/*
 * source.h - weights from an indicator on a line, whichever way it speaks.
 *
 *   closed --source_connect--> open --source_next...--> (the line breaks)
 *     ^                                                      |
 *     +------------------- source_disconnect ----------------+
 *
 * An indicator that sends by itself is listened to; one in command mode and a
 * Modbus transmitter are asked every poll_ms.  Modbus goes through
 * modbus_frame.h and not libmodbus, which takes the first bytes that come for
 * the answer: on lines without bias each answer lies between glitch bytes, and
 * a half-duplex adapter gives the request back first.  An RTU answer does not
 * say which register it holds: where the status and the weight have one word
 * each, a question without an answer is followed by a silence in which a late
 * one can come and go.
 *
 * One thread.
 */
#ifndef SAMPAN_SOURCE_H
#define SAMPAN_SOURCE_H

#include "clock.h"
#include "config.h"

#define SOURCE_RAW_MAX (3 * SCALE_FRAME_MAX + 1)

struct source {
    const struct scale_config *config;
    const struct clock *clock;
    int stop_fd;
    struct line *line; /* NULL: closed */
    struct scale_reader reader;
    int64_t ask_at_ms;        /* when to ask next */
    int64_t heard_at_ms;      /* the last byte, or when it was opened */
    uint64_t bytes;           /* heard since the last weight */
    uint16_t transaction;     /* Modbus TCP */
    bool late;                /* an answer may still come */
    char raw[SOURCE_RAW_MAX]; /* the frame of the last weight */
    char refusal[64]; /* the last thing a Modbus transmitter refused, or "" */
};

void source_open(struct source *source, const struct scale_config *config,
                 const struct clock *clock, int stop_fd);

/* As line_open. */
MUST_CHECK enum status source_connect(struct source *source,
                                      char why[static LINE_WHY_MAX]);
void source_disconnect(struct source *source);

/* The next weight, or EMPTY after wait_ms or a little more (the wait for an
 * answer is never cut short).  Anything else: the line is broken, or stop. */
MUST_CHECK enum status source_next(struct source *source, int64_t wait_ms,
                                   struct weight *weight);

#endif
