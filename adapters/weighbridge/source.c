#include "source.h"

#include <stdio.h>
#include <string.h>

#include "modbus_frame.h"
#include "modbus_weight.h"
#include "text.h"
#include "yaohua.h"

#define CONNECT_MS 5000
#define WRITE_MS 1000
#define PIECE 256
/* Longer than any pause inside a frame, also behind a serial server that
 * gathers bytes. */
#define QUIET_MS 250
#define GAP_CHARACTERS 4 /* between two Modbus requests; 3.5 are demanded */

void source_open(struct source *source, const struct scale_config *config,
                 const struct clock *clock, int stop_fd)
{
    *source =
        (struct source){.config = config, .clock = clock, .stop_fd = stop_fd};
    source->reader.model = scale_model_find(config->model); /* Modbus: NULL */
    source->reader.options.check = (enum scale_check)config->check;
}

static int64_t now_ms(const struct source *source)
{
    return clock_steady_ms(source->clock);
}

enum status source_connect(struct source *source, char why[static LINE_WHY_MAX])
{
    const enum status status = line_open(&source->config->line, source->stop_fd,
                                         CONNECT_MS, why, &source->line);

    if (status != STATUS_OK)
        return status;
    scale_reader_forget(&source->reader);
    source->bytes = 0;
    source->refusal[0] = 0;
    source->heard_at_ms = source->ask_at_ms = now_ms(source);
    return STATUS_OK;
}

void source_disconnect(struct source *source)
{
    line_close(source->line);
    source->line = NULL;
}

/* At least one byte, or EMPTY. */
static enum status hear(struct source *source, uint8_t *piece, size_t size,
                        int64_t wait_ms, size_t *got)
{
    const enum status status =
        line_read(source->line, piece, size, wait_ms < 0 ? 0 : wait_ms, got);

    if (status == STATUS_OK) {
        source->bytes += *got;
        source->heard_at_ms = now_ms(source);
    }
    return status;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- frames that come --------------------------------------------------- */

static void raw_keep(struct source *source, struct span frame, bool text)
{
    size_t at = 0;

    source->raw[0] = 0;
    for (size_t i = 0; i < frame.len && at + 4 < sizeof source->raw; i++)
        at += (size_t)snprintf(source->raw + at, sizeof source->raw - at,
                               text    ? "%c"
                               : i > 0 ? " %02X"
                                       : "%02X",
                               frame.data[i]);
    if (text)
        text_mend(source->raw);
}

/* In command mode only the answer to our question counts: an echo of it, and
 * the answers of other addresses, do not. */
static bool is_wanted(const struct source *source)
{
    const struct scale_reader *reader = &source->reader;

    return reader->model != &yaohua_command ||
           (reader->raw[1] == (uint8_t)source->config->address[0] &&
            reader->raw[2] == YAOHUA_GROSS &&
            reader->raw_size > YAOHUA_ASK_BYTES);
}

static bool frame_next(struct source *source, bool quiet, struct weight *weight)
{
    struct scale_reader *reader = &source->reader;

    while (scale_reader_next(reader, quiet, weight))
        if (is_wanted(source)) {
            raw_keep(source, span_of(reader->raw, reader->raw_size),
                     reader->model->text);
            return true;
        }
    return false;
}

/* When the next question is due; listening only: never. */
static int64_t ask_due_ms(const struct source *source)
{
    return source->reader.model == &yaohua_command ? source->ask_at_ms
                                                   : INT64_MAX;
}

static enum status ask_yaohua(struct source *source)
{
    uint8_t question[YAOHUA_ASK_BYTES];

    source->ask_at_ms = now_ms(source) + source->config->poll_ms;
    yaohua_ask(source->config->address[0], YAOHUA_GROSS, question);
    return line_write(source->line, span_of(question, sizeof question),
                      WRITE_MS);
}

static enum status listen_next(struct source *source, int64_t wait_ms,
                               struct weight *weight)
{
    const int64_t due_ms = now_ms(source) + wait_ms;
    enum status status = STATUS_EMPTY;
    uint8_t piece[PIECE];
    size_t got = 0;

    for (;;) {
        const int64_t now = now_ms(source);
        const bool quiet = now - source->heard_at_ms >= QUIET_MS;

        if (frame_next(source, quiet, weight))
            return STATUS_OK;
        if (now >= due_ms)
            return STATUS_EMPTY;
        if (now >= ask_due_ms(source) &&
            (status = ask_yaohua(source)) != STATUS_OK)
            return status;
        status = hear(
            source, piece, sizeof piece,
            sooner(sooner(due_ms, ask_due_ms(source)) - now, QUIET_MS), &got);
        if (status == STATUS_OK)
            scale_reader_put(&source->reader, span_of(piece, got));
        else if (status != STATUS_EMPTY)
            return status;
    }
}

/* ---- Modbus ------------------------------------------------------------- */

static bool is_tcp_framed(const struct source *source)
{
    return strcmp(source->config->model, "modbus-tcp") == 0;
}

/* Whether the answer to one question could be one to the other. */
static bool answers_look_alike(const struct source *source)
{
    const struct modbus_config *modbus = &source->config->modbus;

    return !is_tcp_framed(source) && modbus->status_register != REGISTER_NONE &&
           modbus_weight_words(modbus) == 1;
}

/* A pause between frames; what comes in it is noise. */
static enum status modbus_gap(struct source *source)
{
    const bool late = source->late && answers_look_alike(source);
    const int64_t gap_ms =
        late ? source->config->reply_ms
             : line_duration_ms(&source->config->line, GAP_CHARACTERS) + 1;
    const int64_t due_ms = now_ms(source) + gap_ms;
    uint8_t heap[PIECE];
    size_t got = 0;
    enum status status;

    if (is_tcp_framed(source))
        return STATUS_OK;
    source->late = false;
    line_discard(source->line);
    do
        status = hear(source, heap, sizeof heap, due_ms - now_ms(source), &got);
    while (status == STATUS_OK && late && now_ms(source) < due_ms);
    return status == STATUS_EMPTY ? STATUS_OK : status;
}

static enum status modbus_ask(struct source *source,
                              const struct modbus_want *want, uint16_t start)
{
    uint8_t rtu[MODBUS_ASK_RTU_BYTES];
    uint8_t tcp[MODBUS_ASK_TCP_BYTES];

    if (is_tcp_framed(source)) {
        modbus_tcp_ask(want->transaction, want->unit, want->function, start,
                       want->count, tcp);
        return line_write(source->line, span_of(tcp, sizeof tcp), WRITE_MS);
    }
    modbus_rtu_ask(want->unit, want->function, start, want->count, rtu);
    return line_write(source->line, span_of(rtu, sizeof rtu), WRITE_MS);
}

/* What an answer says.  EMPTY: an exception, or not what was asked for. */
static enum status modbus_take(struct source *source,
                               const struct modbus_frame *frame,
                               const struct modbus_want *want, uint8_t *data)
{
    if (frame->shape == MODBUS_EXCEPTION) {
        text_put(source->refusal, sizeof source->refusal,
                 modbus_exception_text(frame->exception));
        return STATUS_EMPTY;
    }
    if (frame->shape != MODBUS_DATA || frame->data.len != want->count * 2u)
        return STATUS_EMPTY;
    source->refusal[0] = 0;
    memcpy(data, frame->data.data, frame->data.len);
    raw_keep(source, frame->data, false);
    return STATUS_OK;
}

/* Wait for the answer.  EMPTY: none came in time. */
static enum status modbus_answer(struct source *source,
                                 const struct modbus_want *want, uint8_t *data)
{
    const int64_t due_ms = now_ms(source) + source->config->reply_ms;
    uint8_t buffer[2 * MODBUS_TCP_MAX];
    size_t len = 0;

    for (;;) {
        struct modbus_frame frame;
        struct decode_fault fault;
        const struct span there = span_of(buffer, len);
        const enum scan scan =
            is_tcp_framed(source)
                ? modbus_tcp_scan(there, want, &frame, &fault)
                : modbus_rtu_scan(there, want, &frame, &fault);
        enum status status;
        size_t got = 0;

        if (scan == SCAN_FRAME)
            return modbus_take(source, &frame, want, data);
        if (scan == SCAN_NONE && is_tcp_framed(source) && len > 0)
            return STATUS_CLOSED; /* not Modbus TCP: begin anew */
        len -= frame.noise;
        memmove(buffer, buffer + frame.noise, len);
        if (len == sizeof buffer)
            len = 0;
        status = hear(source, buffer + len, sizeof buffer - len,
                      due_ms - now_ms(source), &got);
        source->late = status == STATUS_EMPTY;
        if (status != STATUS_OK)
            return status;
        len += got;
    }
}

static enum status modbus_fetch(struct source *source, uint16_t start,
                                uint16_t count, uint8_t *data)
{
    const struct modbus_config *modbus = &source->config->modbus;
    const struct modbus_want want = {(uint8_t)modbus->unit,
                                     (uint8_t)modbus->function, count,
                                     ++source->transaction};
    enum status status = modbus_gap(source);

    if (status == STATUS_OK)
        status = modbus_ask(source, &want, start);
    return status == STATUS_OK ? modbus_answer(source, &want, data) : status;
}

static enum status modbus_weigh(struct source *source, struct weight *weight)
{
    const struct modbus_config *modbus = &source->config->modbus;
    const uint16_t words = modbus_weight_words(modbus);
    uint8_t status_data[2] = {0, 0};
    uint8_t data[4];
    enum status status = STATUS_OK;

    if (modbus->status_register != REGISTER_NONE)
        status = modbus_fetch(source, (uint16_t)modbus->status_register, 1,
                              status_data);
    if (status == STATUS_OK)
        status = modbus_fetch(source, (uint16_t)modbus->weight_register, words,
                              data);
    if (status == STATUS_OK)
        modbus_weight_read(modbus, span_of(data, words * 2u),
                           modbus_word(span_of(status_data, 2), 0), weight);
    return status;
}

static enum status modbus_next(struct source *source, int64_t wait_ms,
                               struct weight *weight)
{
    const int64_t now = now_ms(source);
    const int64_t due_ms = sooner(now + wait_ms, source->ask_at_ms);
    uint8_t heap[PIECE];
    size_t got = 0;

    while (now_ms(source) < due_ms) {
        const enum status status =
            hear(source, heap, sizeof heap, due_ms - now_ms(source), &got);

        if (status != STATUS_OK && status != STATUS_EMPTY)
            return status;
    }
    if (now_ms(source) < source->ask_at_ms)
        return STATUS_EMPTY;
    source->ask_at_ms = now_ms(source) + source->config->poll_ms;
    return modbus_weigh(source, weight);
}

enum status source_next(struct source *source, int64_t wait_ms,
                        struct weight *weight)
{
    const enum status status = scale_is_modbus(source->config)
                                   ? modbus_next(source, wait_ms, weight)
                                   : listen_next(source, wait_ms, weight);

    if (status == STATUS_OK)
        source->bytes = 0;
    return status;
}
