#include "dialog_parts.h"

#include <string.h>

#include "text.h"

static enum dlt645_edition edition_of(const struct dialog *dialog)
{
    return dialog->station->config->protocol == METER_DLT645_1997 ? DLT645_1997
                                                                  : DLT645_2007;
}

static size_t ask(struct dialog *dialog)
{
    const struct dlt645_address *address = &dialog->station->address.dlt645;
    enum dlt645_edition edition = edition_of(dialog);
    uint32_t di = dialog_question(dialog)->di;
    struct dlt645_request request;

    if (dialog->following) {
        dlt645_ask_following(edition, address, di, dialog->gather.next,
                             &request);
    } else {
        dlt645_gather_start(&dialog->gather, edition, address, di);
        dlt645_ask_data(edition, address, di, &request);
    }
    memcpy(dialog->request, request.bytes, request.len);
    return request.len;
}

static void learn(struct dialog *dialog, const struct dlt645_frame *frame)
{
    struct station *station = dialog->station;

    if (station->anybody)
        dlt645_address_print(&frame->address, station->learned);
}

static enum dialog_news read(struct dialog *dialog)
{
    const struct dlt645_gather *gather = &dialog->gather;
    struct decode_fault fault = {.kind = DECODE_NONE};

    if (dlt645_read(gather->edition, gather->di,
                    span_of(gather->payload, gather->len), &dialog->values,
                    &fault))
        return DIALOG_ANSWER;
    dialog_fault(dialog, &fault);
    return DIALOG_REFUSAL;
}

static enum dialog_news refusal(struct dialog *dialog,
                                const struct dlt645_frame *frame)
{
    char why[DECODE_TEXT_MAX];
    bool no_such_data = false;

    if (dlt645_is_refusal(edition_of(dialog), frame, why, &no_such_data))
        text_put(dialog->fault, sizeof dialog->fault, why);
    return no_such_data ? DIALOG_NO_BLOCK : DIALOG_REFUSAL;
}

static enum dialog_news judge(struct dialog *dialog,
                              const struct dlt645_frame *frame)
{
    struct decode_fault fault = {.kind = DECODE_NONE};

    switch (dlt645_gather(&dialog->gather, frame, &fault)) {
    case DLT645_WHOLE:
        learn(dialog, frame);
        return read(dialog);
    case DLT645_MORE:
        dialog->following = true;
        return DIALOG_ONWARD;
    case DLT645_REFUSED:
        return refusal(dialog, frame);
    case DLT645_WRONG:
        dialog_fault(dialog, &fault);
        return DIALOG_REFUSAL;
    case DLT645_IGNORED:
        break;
    }
    return DIALOG_NOTHING;
}

static enum dialog_news hear(struct dialog *dialog)
{
    struct dlt645_frame frame;
    enum dialog_news news = DIALOG_NOTHING;

    while (news == DIALOG_NOTHING) {
        struct decode_fault fault = {.kind = DECODE_NONE};
        enum scan scan = dlt645_scan(dialog_heap(dialog), &frame, &fault);

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

const struct dialog_protocol dialog_dlt645 = {DLT645_FRAME_MAX, ask, hear};
