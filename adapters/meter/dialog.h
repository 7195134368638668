/*
 * dialog.h - reads one meter once: what is sent next, and what the bytes that
 * come back mean.
 *
 *     dialog_start
 *         |
 *         v            true: send, listen for send.timeout_ms
 *     dialog_next -----------------------> dialog_hear (bytes) --> false: more
 *         ^    |                                |
 *         |    | false: it is over              | true: this one is settled
 *         |    v                                |
 *         |  values, reasons                    |
 *         +------ dialog_silence (time is up) --+
 *
 * A question without a good answer is asked again `retries` times; a meter
 * that let two questions in a row unanswered, or its first, is not asked the
 * rest.  So the time a meter can take is bounded.
 *
 * Only the answer to what was asked counts: an echo of the question, another
 * meter's answer, a late answer to the question before and noise are passed
 * over.  A Modbus RTU answer does not say which registers it holds, so after
 * a question that had to be repeated dialog_next demands a silence in which a
 * second, late answer can come and go, before it asks something else.
 *
 * Modbus is framed here too (modbus_frame.h) and not by libmodbus: over a
 * descriptor that is given, libmodbus takes the first byte for the unit, so
 * the glitch bytes that RS-485 lines add in front of replies (devices do that
 * on most lines without bias) make it fail, its waits do not end when the
 * program is to stop, and its RTU backend flushes with tcflush, which a
 * serial server's socket is not.
 *
 * Pure: no clock, no line.
 */
#ifndef SAMPAN_METER_DIALOG_H
#define SAMPAN_METER_DIALOG_H

#include "station.h"

#define DIALOG_HEAP_MAX 1024
#define DIALOG_REASON_MAX 120
#define DIALOG_REQUEST_MAX 40

struct dialog_options {
    unsigned retries;
    int64_t answer_timeout_ms;
    int64_t gap_ms;
};

struct dialog_send {
    struct span bytes;  /* borrowed until the next call */
    int64_t quiet_ms;   /* listen to nobody for so long before it */
    int64_t timeout_ms; /* for the answer's first byte */
    size_t answer_max;  /* bytes; what they take on the wire is added */
};

struct dialog {
    struct station *station;
    struct dialog_options options;
    unsigned at;      /* the question that is due */
    unsigned attempt; /* of it */
    unsigned silent;  /* questions in a row without any answer */
    bool answered;    /* anything, since the start */
    bool gave_up;
    bool late;            /* an answer of before may still come */
    bool date_again;      /* midnight passed between date and time */
    uint16_t transaction; /* Modbus TCP */
    struct dlt645_gather gather;
    bool following; /* of a reply in several frames */
    uint8_t request[DIALOG_REQUEST_MAX];
    uint8_t heap[DIALOG_HEAP_MAX];
    size_t heap_len;
    size_t heard;                  /* bytes since the question was sent */
    char fault[DIALOG_REASON_MAX]; /* why what was heard is no answer */
    struct register_values values; /* as the meter sent them */
    char reasons[STATION_QUESTIONS_MAX][DIALOG_REASON_MAX]; /* "": answered */
};

/* dialog is the caller's, about 50 KiB; station and it learn together. */
void dialog_start(struct dialog *dialog, struct station *station,
                  const struct dialog_options *options);

/* False: it is over.  Answered or not is dialog->answered. */
bool dialog_next(struct dialog *dialog, struct dialog_send *send);
/* What came in.  True: the question is settled, well or badly. */
bool dialog_hear(struct dialog *dialog, struct span bytes);
/* No (good) answer came in time. */
void dialog_silence(struct dialog *dialog);
/* The line broke: nothing more will be asked. */
void dialog_break(struct dialog *dialog, const char *why);

/* Why the register name has no value: the first reason of a question that
 * would have read it; never NULL. */
const char *dialog_reason(const struct dialog *dialog, const char *name);

#endif
