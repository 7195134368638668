#include "dialog_parts.h"

#include <string.h>

#include "text.h"

static size_t ask_rtu(struct dialog *dialog)
{
    const struct modbus_request *request = &dialog_question(dialog)->modbus;

    modbus_rtu_ask(dialog->station->address.unit, request->function,
                   request->start, request->count, dialog->request);
    return MODBUS_ASK_RTU_BYTES;
}

static size_t ask_tcp(struct dialog *dialog)
{
    const struct modbus_request *request = &dialog_question(dialog)->modbus;

    modbus_tcp_ask(++dialog->transaction, dialog->station->address.unit,
                   request->function, request->start, request->count,
                   dialog->request);
    return MODBUS_ASK_TCP_BYTES;
}

/* Modbus Application Protocol V1.1b3, section 7.  The ones that only say "not
 * now" are as good as no answer. */
static enum dialog_news exception(struct dialog *dialog, uint8_t code)
{
    text_put(dialog->fault, sizeof dialog->fault, modbus_exception_text(code));
    switch (code) {
    case 2: /* illegal data address: it may lack words that were read over */
    case 3: /* illegal data value: so many words at once */
        return DIALOG_NO_BLOCK;
    case 5:  /* acknowledge: later */
    case 6:  /* busy */
    case 10: /* gateway: no path */
    case 11: /* gateway: the meter behind it does not answer */
        return DIALOG_AGAIN;
    default:
        return DIALOG_REFUSAL;
    }
}

static enum dialog_news judge(struct dialog *dialog,
                              const struct modbus_frame *frame)
{
    const struct station *station = dialog->station;
    struct decode_fault fault = {.kind = DECODE_NONE};

    if (frame->shape == MODBUS_EXCEPTION)
        return exception(dialog, frame->exception);
    if (modbus_extract(station->map, &station->plan,
                       &dialog_question(dialog)->modbus, frame->data,
                       &dialog->values, &fault)) {
        if (fault.kind != DECODE_NONE) /* one of them is no number */
            text_put(dialog->reasons[dialog->at], DIALOG_REASON_MAX,
                     fault.text);
        return DIALOG_ANSWER;
    }
    dialog_fault(dialog, &fault);
    return DIALOG_REFUSAL;
}

typedef enum scan scan_function(struct span, const struct modbus_want *,
                                struct modbus_frame *, struct decode_fault *);

static enum dialog_news hear(struct dialog *dialog, scan_function *find)
{
    const struct modbus_request *request = &dialog_question(dialog)->modbus;
    const struct modbus_want want = {dialog->station->address.unit,
                                     request->function, request->count,
                                     dialog->transaction};
    struct modbus_frame frame = {.noise = 0};
    struct decode_fault fault = {.kind = DECODE_NONE};
    enum scan scan = find(dialog_heap(dialog), &want, &frame, &fault);

    if (scan == SCAN_FRAME)
        return judge(dialog, &frame);
    dialog_fault(dialog, &fault);
    dialog_drop(dialog, scan == SCAN_MORE ? frame.noise : dialog->heap_len);
    return DIALOG_NOTHING;
}

static enum dialog_news hear_rtu(struct dialog *dialog)
{
    return hear(dialog, modbus_rtu_scan);
}

static enum dialog_news hear_tcp(struct dialog *dialog)
{
    return hear(dialog, modbus_tcp_scan);
}

const struct dialog_protocol dialog_modbus_rtu = {MODBUS_RTU_MAX, ask_rtu,
                                                  hear_rtu};
const struct dialog_protocol dialog_modbus_tcp = {MODBUS_TCP_MAX, ask_tcp,
                                                  hear_tcp};
