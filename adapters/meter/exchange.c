#include "exchange.h"

#define WRITE_TIMEOUT_MS 2000
/* DL/T 645-2007 5.4.3: at most 500 ms between the bytes of a frame. */
#define BETWEEN_BYTES_MS 500

static enum status quiet(struct line *line, const struct clock *clock,
                         int64_t quiet_ms)
{
    const int64_t due_ms = clock_steady_ms(clock) + quiet_ms;
    int64_t left_ms = quiet_ms;
    uint8_t late[256];
    size_t got;

    while (left_ms > 0) {
        enum status status = line_read(line, late, sizeof late, left_ms, &got);

        if (status != STATUS_OK && status != STATUS_EMPTY)
            return status;
        left_ms = due_ms - clock_steady_ms(clock);
    }
    line_discard(line);
    return STATUS_OK;
}

static int64_t later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

static enum status listen_for(struct line *line, int64_t wire_ms,
                              const struct clock *clock, struct dialog *dialog,
                              int64_t timeout_ms)
{
    int64_t due_ms = clock_steady_ms(clock) + timeout_ms;
    const int64_t limit_ms = due_ms + wire_ms;
    uint8_t bytes[256];

    for (;;) {
        int64_t now_ms = clock_steady_ms(clock);
        size_t got = 0;
        enum status status = STATUS_EMPTY;

        if (now_ms < due_ms)
            status =
                line_read(line, bytes, sizeof bytes, due_ms - now_ms, &got);
        if (status == STATUS_EMPTY) {
            dialog_silence(dialog);
            return STATUS_OK;
        }
        if (status != STATUS_OK)
            return status;
        if (dialog_hear(dialog, span_of(bytes, got)))
            return STATUS_OK;
        /* An answer may have begun: it may end, but noise has an end too. */
        due_ms = later(due_ms, clock_steady_ms(clock) + BETWEEN_BYTES_MS);
        if (due_ms > limit_ms)
            due_ms = limit_ms;
    }
}

enum status exchange(struct line *line, const struct line_config *config,
                     const struct clock *clock, struct dialog *dialog,
                     const struct dialog_send *send)
{
    /* Behind a serial server it is the server's line that is slow. */
    int64_t wire_ms = line_duration_ms(config, send->answer_max);
    enum status status = quiet(line, clock, send->quiet_ms);

    if (status == STATUS_OK)
        status = line_write(line, send->bytes,
                            WRITE_TIMEOUT_MS +
                                line_duration_ms(config, send->bytes.len));
    return status == STATUS_OK
               ? listen_for(line, wire_ms, clock, dialog, send->timeout_ms)
               : status;
}

bool exchange_all(struct line *line, const struct line_config *config,
                  const struct clock *clock, struct dialog *dialog,
                  int64_t *first_at_ms)
{
    struct dialog_send send;

    while (dialog_next(dialog, &send)) {
        bool first = !dialog->answered;
        enum status status = exchange(line, config, clock, dialog, &send);

        if (status != STATUS_OK) {
            dialog_break(dialog, "the line broke");
            return false;
        }
        if (first && dialog->answered)
            *first_at_ms = clock_wall_ms(clock);
    }
    return true;
}
