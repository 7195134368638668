#include "dialog_parts.h"

#include <string.h>

#include "text.h"

static const struct dialog_protocol *const protocols[] = {
    [METER_DLT645_2007] = &dialog_dlt645,
    [METER_DLT645_1997] = &dialog_dlt645,
    [METER_CJT188] = &dialog_cjt188,
    [METER_MODBUS_RTU] = &dialog_modbus_rtu,
    [METER_MODBUS_TCP] = &dialog_modbus_tcp,
};

#define SILENT_MAX 2 /* questions in a row */

static const struct dialog_protocol *protocol_of(const struct dialog *dialog)
{
    return protocols[dialog->station->config->protocol];
}

/* ---- the heap ------------------------------------------------------------ */

struct span dialog_heap(const struct dialog *dialog)
{
    return span_of(dialog->heap, dialog->heap_len);
}

void dialog_drop(struct dialog *dialog, size_t size)
{
    if (size > dialog->heap_len)
        size = dialog->heap_len;
    dialog->heap_len -= size;
    memmove(dialog->heap, dialog->heap + size, dialog->heap_len);
}

/* The scanners keep no more than a frame, so there is always room; bytes that
 * come faster than that are noise, and the oldest go. */
static void heap_add(struct dialog *dialog, struct span bytes)
{
    if (bytes.len > DIALOG_HEAP_MAX)
        bytes =
            span_of(bytes.data + bytes.len - DIALOG_HEAP_MAX, DIALOG_HEAP_MAX);
    if (dialog->heap_len + bytes.len > DIALOG_HEAP_MAX)
        dialog_drop(dialog, dialog->heap_len + bytes.len - DIALOG_HEAP_MAX);
    memcpy(dialog->heap + dialog->heap_len, bytes.data, bytes.len);
    dialog->heap_len += bytes.len;
}

void dialog_fault(struct dialog *dialog, const struct decode_fault *fault)
{
    if (fault->kind != DECODE_NONE)
        text_put(dialog->fault, sizeof dialog->fault, fault->text);
}

/* ---- one question -------------------------------------------------------- */

void dialog_start(struct dialog *dialog, struct station *station,
                  const struct dialog_options *options)
{
    uint16_t transaction = dialog->transaction;

    memset(dialog, 0, sizeof *dialog);
    dialog->station = station;
    dialog->options = *options;
    dialog->transaction = transaction;
}

/* Midnight may have passed between the date and the time: the date that
 * belongs to a time just after it is the one that is read now, and without it
 * there is none. */
static bool needs_date_again(struct dialog *dialog)
{
    struct register_clock *clock = &dialog->values.clock;
    const struct station *station = dialog->station;

    if (dialog->date_again || !clock->has_date || !clock->has_time ||
        clock->hour != 0 || clock->minute != 0)
        return false;
    for (unsigned i = 0; i < station->question_count; i++)
        if (station->questions[i].topic == STATION_DATE) {
            dialog->date_again = true;
            clock->has_date = false;
            dialog->at = i;
            return true;
        }
    return false;
}

bool dialog_next(struct dialog *dialog, struct dialog_send *send)
{
    const struct dialog_protocol *protocol = protocol_of(dialog);

    if (dialog->gave_up || (dialog->at >= dialog->station->question_count &&
                            !needs_date_again(dialog)))
        return false;
    *send = (struct dialog_send){
        .bytes = span_of(dialog->request, protocol->ask(dialog)),
        .quiet_ms = dialog->late ? dialog->options.answer_timeout_ms
                                 : dialog->options.gap_ms,
        .timeout_ms = dialog->options.answer_timeout_ms,
        .answer_max = protocol->answer_max,
    };
    if (send->quiet_ms < dialog->options.gap_ms)
        send->quiet_ms = dialog->options.gap_ms;
    dialog->late = false;
    dialog->heap_len = 0;
    dialog->heard = 0;
    dialog->fault[0] = 0;
    return true;
}

static void next_question(struct dialog *dialog)
{
    /* Behind the date that was read again nothing is left. */
    dialog->at =
        dialog->date_again ? dialog->station->question_count : dialog->at + 1;
    dialog->attempt = 0;
    dialog->following = false;
}

static void fail(struct dialog *dialog)
{
    text_put(dialog->reasons[dialog->at], DIALOG_REASON_MAX, dialog->fault);
    next_question(dialog);
}

/* It has no such block: piece by piece from now on.  It has no clock: it is
 * not asked for it again. */
static void refused(struct dialog *dialog, bool no_block)
{
    if (no_block && station_split(dialog->station, dialog->at)) {
        dialog->attempt = 0;
        dialog->following = false;
        return;
    }
    if (dialog_question(dialog)->topic != STATION_DATA && no_block &&
        !dialog->date_again) {
        station_drop(dialog->station, dialog->at);
        dialog->attempt = 0;
        return;
    }
    fail(dialog);
}

/* The following frames of 1997 have no number: when one is lost the meter may
 * send it again or go on with the next, so the whole reply is asked again. */
static bool is_numbered(const struct dialog *dialog)
{
    return dialog->station->config->protocol != METER_DLT645_1997;
}

static bool settle(struct dialog *dialog, enum dialog_news news)
{
    if (news == DIALOG_NOTHING)
        return false;
    if (news == DIALOG_AGAIN) {
        dialog_silence(dialog);
        return true;
    }
    dialog->answered = true;
    dialog->silent = 0;
    /* It may have been the answer to the first asking: one more comes. */
    dialog->late =
        dialog->attempt > 0 && protocol_of(dialog) == &dialog_modbus_rtu;
    if (news == DIALOG_ANSWER)
        next_question(dialog);
    else if (news == DIALOG_ONWARD)
        dialog->attempt = is_numbered(dialog) ? 0 : dialog->attempt;
    else
        refused(dialog, news == DIALOG_NO_BLOCK);
    return true;
}

bool dialog_hear(struct dialog *dialog, struct span bytes)
{
    dialog->heard += bytes.len;
    heap_add(dialog, bytes);
    return settle(dialog, protocol_of(dialog)->hear(dialog));
}

/* ---- none came ----------------------------------------------------------- */

static void reason_of_silence(struct dialog *dialog)
{
    if (dialog->heard == 0)
        text_put(dialog->fault, sizeof dialog->fault, "no answer");
    else if (dialog->fault[0] == 0)
        text_print(dialog->fault, sizeof dialog->fault,
                   "%zu bytes came, and no answer in them", dialog->heard);
}

static void give_up(struct dialog *dialog)
{
    for (unsigned i = dialog->at; i < dialog->station->question_count; i++)
        text_put(dialog->reasons[i], DIALOG_REASON_MAX,
                 "not asked: it stopped answering");
    dialog->gave_up = true;
    if (!dialog->answered)
        dialog->station->order_known = false;
}

void dialog_silence(struct dialog *dialog)
{
    reason_of_silence(dialog);
    dialog->following = dialog->following && is_numbered(dialog);
    if (dialog->attempt++ < dialog->options.retries)
        return;
    fail(dialog);
    dialog->late = protocol_of(dialog) == &dialog_modbus_rtu;
    dialog->silent++;
    if (!dialog->answered || dialog->silent >= SILENT_MAX)
        give_up(dialog);
}

void dialog_break(struct dialog *dialog, const char *why)
{
    for (unsigned i = dialog->at; i < dialog->station->question_count; i++)
        text_put(dialog->reasons[i], DIALOG_REASON_MAX, why);
    dialog->gave_up = true;
}

const char *dialog_reason(const struct dialog *dialog, const char *name)
{
    for (unsigned i = 0; i < dialog->station->question_count; i++)
        if (dialog->reasons[i][0] != 0 &&
            station_covers(dialog->station, i, name))
            return dialog->reasons[i];
    return "the meter did not say it";
}
