/*
 * dialog_parts.h - what dialog.c and the protocols' own files share.
 */
#ifndef SAMPAN_METER_DIALOG_PARTS_H
#define SAMPAN_METER_DIALOG_PARTS_H

#include "dialog.h"

enum dialog_news {
    DIALOG_NOTHING,  /* no answer yet: read on */
    DIALOG_ANSWER,   /* values were added */
    DIALOG_ONWARD,   /* the same question goes on with its next frame */
    DIALOG_REFUSAL,  /* the meter says no; fault has its words */
    DIALOG_NO_BLOCK, /* it has no such data; asking piecewise may help */
    DIALOG_AGAIN,    /* busy, or nobody behind the gateway: as silence */
};

/* What is asked and how an answer is found, of one protocol. */
struct dialog_protocol {
    size_t answer_max;
    /* The question that is due, into dialog->request; its length. */
    size_t (*ask)(struct dialog *dialog);
    /* Look at the heap, dropping what was looked at. */
    enum dialog_news (*hear)(struct dialog *dialog);
};

extern const struct dialog_protocol dialog_dlt645;
extern const struct dialog_protocol dialog_cjt188;
extern const struct dialog_protocol dialog_modbus_rtu;
extern const struct dialog_protocol dialog_modbus_tcp;

static inline const struct station_question *
dialog_question(const struct dialog *dialog)
{
    return &dialog->station->questions[dialog->at];
}

struct span dialog_heap(const struct dialog *dialog);
/* Forget the first size bytes of the heap. */
void dialog_drop(struct dialog *dialog, size_t size);
/* Keep what a decoder said, for the reason if nothing better comes. */
void dialog_fault(struct dialog *dialog, const struct decode_fault *fault);

#endif
