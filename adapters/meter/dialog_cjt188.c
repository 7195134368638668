#include "dialog_parts.h"

#include <string.h>

/* By turns, until it is known in which order this meter wants them. */
static enum cjt188_order order_of(struct dialog *dialog)
{
    struct station *station = dialog->station;

    if (!station->order_known)
        station->order =
            station->order == CJT188_90_1F ? CJT188_1F_90 : CJT188_90_1F;
    return station->order;
}

static size_t ask(struct dialog *dialog)
{
    struct cjt188_request request;

    cjt188_ask_data(dialog->station->type, &dialog->station->address.cjt188,
                    order_of(dialog), 0, &request);
    memcpy(dialog->request, request.bytes, request.len);
    return request.len;
}

static enum dialog_news judge(struct dialog *dialog,
                              const struct cjt188_frame *frame)
{
    struct station *station = dialog->station;
    struct decode_fault fault = {.kind = DECODE_NONE};

    if (cjt188_is_request(frame) ||
        !cjt188_address_fits(&station->address.cjt188, &frame->address))
        return DIALOG_NOTHING;
    if (cjt188_read(frame, &dialog->values, &fault)) {
        station->order_known = true;
        if (station->anybody)
            cjt188_address_print(&frame->address, station->learned);
        return DIALOG_ANSWER;
    }
    dialog_fault(dialog, &fault);
    /* Some meters do not stay silent when the order is not theirs. */
    if (fault.kind == DECODE_MISSING && !station->order_known)
        return DIALOG_AGAIN;
    /* UNKNOWN: the answer to something that was asked before. */
    return fault.kind == DECODE_UNKNOWN ? DIALOG_NOTHING : DIALOG_REFUSAL;
}

static enum dialog_news hear(struct dialog *dialog)
{
    struct cjt188_frame frame;
    enum dialog_news news = DIALOG_NOTHING;

    while (news == DIALOG_NOTHING) {
        struct decode_fault fault = {.kind = DECODE_NONE};
        enum scan scan = cjt188_scan(dialog_heap(dialog), &frame, &fault);

        dialog_fault(dialog, &fault);
        if (scan != SCAN_FRAME) {
            dialog_drop(dialog,
                        scan == SCAN_MORE ? frame.noise : dialog->heap_len);
            break;
        }
        news = judge(dialog, &frame);
        dialog_drop(dialog, frame.noise + frame.size);
    }
    return news;
}

const struct dialog_protocol dialog_cjt188 = {CJT188_FRAME_MAX, ask, hear};
