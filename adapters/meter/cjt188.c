#include "cjt188_data.h"

#include <stdio.h>
#include <string.h>

#include "sum_frame.h"

#define WILDCARD 0xAA

#define CONTROL_AT 9 /* from 68 */
#define LENGTH_AT 10
#define DATA_AT 11

#define REPLY 0x80
#define READ 0x01
#define READ_ADDRESS 0x03

const struct cjt188_address cjt188_anybody = {
    {WILDCARD, WILDCARD, WILDCARD, WILDCARD, WILDCARD, WILDCARD, WILDCARD}};

/* ---- addresses --------------------------------------------------------- */

static int digit_of(char character)
{
    static const char digits[] = "0123456789ABCDEF0123456789abcdef";
    const char *at = strchr(digits, character);

    return at == NULL || *at == 0 ? -1 : (int)((at - digits) % 16);
}

bool cjt188_address_read(const char *text, struct cjt188_address *address)
{
    size_t len = strlen(text);

    memset(address, 0, sizeof *address);
    if (len < 1 || len > CJT188_ADDRESS_TEXT - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        int digit = digit_of(text[len - 1 - i]);

        if (digit < 0)
            return false;
        address->bytes[i / 2] |= (uint8_t)(digit << (i % 2 * 4));
    }
    return true;
}

void cjt188_address_print(const struct cjt188_address *address,
                          char text[static CJT188_ADDRESS_TEXT])
{
    for (size_t i = 0; i < CJT188_ADDRESS_BYTES; i++)
        snprintf(text + i * 2, 3, "%02X",
                 address->bytes[CJT188_ADDRESS_BYTES - 1 - i]);
}

bool cjt188_address_fits(const struct cjt188_address *asked,
                         const struct cjt188_address *meter)
{
    for (size_t i = 0; i < CJT188_ADDRESS_BYTES; i++)
        if (asked->bytes[i] != WILDCARD && asked->bytes[i] != meter->bytes[i])
            return false;
    return true;
}

/* ---- requests ---------------------------------------------------------- */

static void request_make(uint8_t type, const struct cjt188_address *address,
                         uint8_t control, uint8_t di0, uint8_t di1,
                         uint8_t serial, struct cjt188_request *request)
{
    uint8_t *at = request->bytes + SUM_FRAME_PREAMBLES;

    memset(request->bytes, SUM_FRAME_PREAMBLE, SUM_FRAME_PREAMBLES);
    at[0] = SUM_FRAME_START;
    at[1] = type;
    memcpy(at + 2, address->bytes, CJT188_ADDRESS_BYTES);
    at[CONTROL_AT] = control;
    at[LENGTH_AT] = 3;
    at[DATA_AT] = di0;
    at[DATA_AT + 1] = di1;
    at[DATA_AT + 2] = serial;
    request->len = SUM_FRAME_PREAMBLES + sum_frame_close(at, DATA_AT + 3);
}

void cjt188_ask_data(uint8_t type, const struct cjt188_address *address,
                     enum cjt188_order order, uint8_t serial,
                     struct cjt188_request *request)
{
    bool standard = order == CJT188_1F_90;

    request_make(type, address, READ, standard ? 0x1F : 0x90,
                 standard ? 0x90 : 0x1F, serial, request);
}

void cjt188_ask_address(uint8_t type, const struct cjt188_address *address,
                        uint8_t serial, struct cjt188_request *request)
{
    request_make(type, address, READ_ADDRESS, 0x0A, 0x81, serial, request);
}

/* ---- frames ------------------------------------------------------------ */

/* One 68 alone is little to know a frame by: the type must be one of the
 * standard's (or all of them), and the length at least the identifier's. */
static bool may_begin(struct span rest)
{
    if (rest.len > 1 && rest.data[1] != CJT188_ANY_TYPE &&
        (rest.data[1] < 0x10 || rest.data[1] > 0x49))
        return false;
    return rest.len <= LENGTH_AT || rest.data[LENGTH_AT] >= 2;
}

static void frame_fill(const uint8_t *at, struct cjt188_frame *frame)
{
    frame->type = at[1];
    memcpy(frame->address.bytes, at + 2, CJT188_ADDRESS_BYTES);
    frame->control = at[CONTROL_AT];
    frame->length = at[LENGTH_AT];
    memcpy(frame->data, at + DATA_AT, frame->length);
}

enum scan cjt188_scan(struct span bytes, struct cjt188_frame *frame,
                      struct decode_fault *fault)
{
    static const struct sum_frame_form form = {LENGTH_AT, may_begin,
                                               "68 and a type from 10 to 49"};
    size_t at;
    size_t size;
    enum scan scan = sum_frame_scan(bytes, &form, &at, &size, fault);

    memset(frame, 0, sizeof *frame);
    frame->noise = at;
    if (scan == SCAN_FRAME) {
        frame->size = size;
        frame_fill(bytes.data + at, frame);
    }
    return scan;
}

bool cjt188_is_request(const struct cjt188_frame *frame)
{
    return (frame->control & REPLY) == 0;
}

const char *cjt188_class(uint8_t type)
{
    switch (type >> 4) {
    case 1:
        return "water";
    case 2:
        return "heat";
    case 3:
        return "gas";
    default:
        return "other";
    }
}
