/*
 * What comes on a line, in pieces of any size: the readers that keep what is
 * not whole yet.
 *
 *   byte 0   which model of scale, or which scanner of meters' frames
 *   then     pieces: a length, and so many bytes
 */
#include <stdlib.h>
#include <string.h>

#include "cjt188.h"
#include "dlt645.h"
#include "modbus_frame.h"
#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BUFFER 512

static void read_scale(const struct scale_model *model, const uint8_t *data,
                       size_t size)
{
    struct scale_reader reader = {.model = model};
    struct weight weight;

    while (size > 0) {
        size_t piece = data[0] < size - 1 ? data[0] : size - 1;
        size_t taken = scale_reader_put(&reader, span_of(data + 1, piece));

        if (taken != piece)
            abort(); /* there is room for all of 255 */
        while (scale_reader_next(&reader, false, &weight))
            if (reader.raw_size == 0)
                abort();
        data += 1 + piece;
        size -= 1 + piece;
    }
    while (scale_reader_next(&reader, true, &weight))
        ;
}

/* True: a whole frame; *used: bytes that are done with. */
static bool scan_one(unsigned which, struct span there, size_t *used)
{
    struct decode_fault fault = {.kind = DECODE_NONE};
    struct dlt645_frame dlt645;
    struct cjt188_frame cjt188;
    struct modbus_frame modbus;
    enum scan scan;

    switch (which) {
    case 0:
        scan = dlt645_scan(there, &dlt645, &fault);
        *used = dlt645.noise + (scan == SCAN_FRAME ? dlt645.size : 0);
        break;
    case 1:
        scan = cjt188_scan(there, &cjt188, &fault);
        *used = cjt188.noise + (scan == SCAN_FRAME ? cjt188.size : 0);
        break;
    default:
        scan = modbus_rtu_scan(there, NULL, &modbus, &fault);
        *used = modbus.noise + (scan == SCAN_FRAME ? modbus.size : 0);
        break;
    }
    if (scan == SCAN_NONE)
        *used = there.len;
    if (*used > there.len || (scan == SCAN_FRAME && *used == 0))
        abort();
    return scan == SCAN_FRAME;
}

static void read_meter(unsigned which, const uint8_t *data, size_t size)
{
    uint8_t buffer[BUFFER];
    size_t len = 0;

    while (size > 0) {
        size_t piece = data[0] < size - 1 ? data[0] : size - 1;
        size_t used = 0;

        if (len + piece > BUFFER)
            len = 0;
        memcpy(buffer + len, data + 1, piece);
        len += piece;
        while (len > 0 && scan_one(which, span_of(buffer, len), &used)) {
            len -= used;
            memmove(buffer, buffer + used, len);
        }
        len -= len > 0 ? used : 0;
        memmove(buffer, buffer + used, len);
        data += 1 + piece;
        size -= 1 + piece;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct scale_model *model;
    unsigned which;

    if (size < 2)
        return 0;
    which = data[0] % 16;
    model = which < 3 ? NULL : scale_model_at(which - 3);
    if (which < 3)
        read_meter(which, data + 1, size - 1);
    else if (model != NULL)
        read_scale(model, data + 1, size - 1);
    return 0;
}
