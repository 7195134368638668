/*
 * log.h - one line an event on standard error, in logfmt.
 *
 *     ts=2026-11-20T08:30:45.123+08:00 level=info event=put_back
 *     uplink=nantong entry=4711 reason="did not answer in time"
 *     (one line in fact)
 *
 * Only programs log; in base, queue, crypto and bridge/platforms a status
 * travels up.  Never a key, a token, a password or a payload.  Values are
 * quoted where needed and control characters escaped, so hostile text cannot
 * forge a line.  Any thread may call; a line is written by one write(2).
 */
#ifndef SAMPAN_LOG_H
#define SAMPAN_LOG_H

#include <stdint.h>

enum log_level {
    LOG_ERROR, /* somebody must act */
    LOG_WARN,  /* late or refused, we carry on */
    LOG_INFO,  /* an entry or a destination changed state */
    LOG_DEBUG, /* the wire */
};

struct log_field {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: number holds the value */
    int64_t number;
};

#define LOG_TEXT(key, value) ((struct log_field){(key), (value), 0})
#define LOG_NUMBER(key, value)                                                 \
    ((struct log_field){(key), NULL, (int64_t)(value)})

/* Lines above this level are dropped; LOG_INFO until it is called. */
void log_set_level(enum log_level level);
/* By its word in a settings file: "warn".  Any other word changes nothing. */
void log_set_level_word(const char *word);

void log_write(enum log_level level, const char *event,
               const struct log_field *fields);

/* log_at(LOG_INFO, "parked", LOG_NUMBER("entry", id), LOG_TEXT("why", why)); */
#define log_at(level, event, ...)                                              \
    log_write((level), (event),                                                \
              (const struct log_field[]){__VA_ARGS__, {NULL, NULL, 0}})

#endif
