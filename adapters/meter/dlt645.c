#include "dlt645.h"

#include <stdio.h>
#include <string.h>

#include "sum_frame.h"

#define WILDCARD 0xAA
#define OFFSET 0x33

#define SECOND_START_AT 7 /* from the first 68 */
#define CONTROL_AT 8
#define LENGTH_AT 9
#define DATA_AT 10

/* Bits of the control byte. */
#define REPLY 0x80
#define REFUSAL 0x40
#define MORE 0x20
#define FUNCTION 0x1F

#define READ_2007 0x11
#define FOLLOWING_2007 0x12
#define ADDRESS_2007 0x13
#define READ_1997 0x01
#define FOLLOWING_1997 0x02
#define NUMBER_1997 0xC032 /* the meter's number */

#define IMPOSSIBLE_DIGIT 0xF

const struct dlt645_address dlt645_anybody = {
    {WILDCARD, WILDCARD, WILDCARD, WILDCARD, WILDCARD, WILDCARD}};

/* ---- addresses --------------------------------------------------------- */

static uint8_t digit_of(char character)
{
    if (character >= '0' && character <= '9')
        return (uint8_t)(character - '0');
    return character == 'A' || character == 'a' ? 0xA : IMPOSSIBLE_DIGIT;
}

bool dlt645_address_read(const char *text, struct dlt645_address *address)
{
    size_t len = strlen(text);

    memset(address, 0, sizeof *address);
    if (len < 1 || len > DLT645_ADDRESS_TEXT - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t digit = digit_of(text[len - 1 - i]);

        if (digit == IMPOSSIBLE_DIGIT)
            return false;
        address->bytes[i / 2] |= (uint8_t)(digit << (i % 2 * 4));
    }
    /* an A is half of a wildcard, which is a whole byte */
    for (size_t i = 0; i < DLT645_ADDRESS_BYTES; i++)
        if (address->bytes[i] != WILDCARD &&
            ((address->bytes[i] >> 4) > 9 || (address->bytes[i] & 15) > 9))
            return false;
    return true;
}

void dlt645_address_print(const struct dlt645_address *address,
                          char text[static DLT645_ADDRESS_TEXT])
{
    for (size_t i = 0; i < DLT645_ADDRESS_BYTES; i++)
        snprintf(text + i * 2, 3, "%02X",
                 address->bytes[DLT645_ADDRESS_BYTES - 1 - i]);
}

static bool is_broadcast(const struct dlt645_address *address)
{
    for (size_t i = 0; i < DLT645_ADDRESS_BYTES; i++)
        if (address->bytes[i] != 0x99)
            return false;
    return true;
}

bool dlt645_address_fits(const struct dlt645_address *asked,
                         const struct dlt645_address *meter)
{
    if (is_broadcast(asked))
        return true;
    for (size_t i = 0; i < DLT645_ADDRESS_BYTES; i++)
        if (asked->bytes[i] != WILDCARD && asked->bytes[i] != meter->bytes[i])
            return false;
    return true;
}

/* ---- frames ------------------------------------------------------------ */

static bool may_begin(struct span rest)
{
    return rest.len <= SECOND_START_AT ||
           rest.data[SECOND_START_AT] == SUM_FRAME_START;
}

static void frame_fill(const uint8_t *at, struct dlt645_frame *frame)
{
    memcpy(frame->address.bytes, at + 1, DLT645_ADDRESS_BYTES);
    frame->control = at[CONTROL_AT];
    frame->length = at[LENGTH_AT];
    for (size_t i = 0; i < frame->length; i++)
        frame->data[i] = (uint8_t)(at[DATA_AT + i] - OFFSET);
}

enum scan dlt645_scan(struct span bytes, struct dlt645_frame *frame,
                      struct decode_fault *fault)
{
    static const struct sum_frame_form form = {LENGTH_AT, may_begin,
                                               "68, six bytes, 68"};
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

bool dlt645_is_request(const struct dlt645_frame *frame)
{
    return (frame->control & REPLY) == 0;
}

/* Bit by bit; 1997 numbers the first three otherwise. */
static const char *const refusals[][8] = {
    [DLT645_2007] = {"another error", "no such data",
                     "wrong password or not authorised",
                     "the speed cannot be changed", "too many year zones",
                     "too many day periods", "too many tariffs", "bit 7"},
    [DLT645_1997] = {"a value is not allowed", "no such data", "wrong password",
                     "bit 3", "too many year zones", "too many day periods",
                     "too many tariffs", "bit 7"},
};

bool dlt645_is_refusal(enum dlt645_edition edition,
                       const struct dlt645_frame *frame,
                       char why[static DECODE_TEXT_MAX], bool *no_such_data)
{
    uint8_t bits = frame->length > 0 ? frame->data[0] : 0;
    size_t len = 0;

    *no_such_data = false;
    if ((frame->control & REPLY) == 0 || (frame->control & REFUSAL) == 0)
        return false;
    *no_such_data = bits == 2;
    snprintf(why, DECODE_TEXT_MAX, "no reason given");
    for (unsigned bit = 0; bit < 8; bit++)
        if ((bits >> bit & 1) != 0)
            len +=
                (size_t)snprintf(why + len, DECODE_TEXT_MAX - len, "%s%s",
                                 len == 0 ? "" : ", ", refusals[edition][bit]);
    return true;
}

/* ---- requests ---------------------------------------------------------- */

static void request_make(const struct dlt645_address *address, uint8_t control,
                         struct span data, struct dlt645_request *request)
{
    uint8_t *at = request->bytes + SUM_FRAME_PREAMBLES;

    memset(request->bytes, SUM_FRAME_PREAMBLE, SUM_FRAME_PREAMBLES);
    at[0] = SUM_FRAME_START;
    memcpy(at + 1, address->bytes, DLT645_ADDRESS_BYTES);
    at[SECOND_START_AT] = SUM_FRAME_START;
    at[8] = control;
    at[LENGTH_AT] = (uint8_t)data.len;
    for (size_t i = 0; i < data.len; i++)
        at[DATA_AT + i] = (uint8_t)(data.data[i] + OFFSET);
    request->len =
        SUM_FRAME_PREAMBLES + sum_frame_close(at, DATA_AT + data.len);
}

static size_t di_bytes(enum dlt645_edition edition)
{
    return edition == DLT645_2007 ? 4 : 2;
}

static void di_put(enum dlt645_edition edition, uint32_t di, uint8_t *to)
{
    for (size_t i = 0; i < di_bytes(edition); i++)
        to[i] = (uint8_t)(di >> (i * 8));
}

static uint32_t di_of(enum dlt645_edition edition, const uint8_t *from)
{
    uint32_t di = 0;

    for (size_t i = 0; i < di_bytes(edition); i++)
        di |= (uint32_t)from[i] << (i * 8);
    return di;
}

void dlt645_ask_data(enum dlt645_edition edition,
                     const struct dlt645_address *address, uint32_t di,
                     struct dlt645_request *request)
{
    uint8_t data[4];

    di_put(edition, di, data);
    request_make(address, edition == DLT645_2007 ? READ_2007 : READ_1997,
                 span_of(data, di_bytes(edition)), request);
}

/* 1997 has no frame number: each further request continues. */
void dlt645_ask_following(enum dlt645_edition edition,
                          const struct dlt645_address *address, uint32_t di,
                          uint8_t number, struct dlt645_request *request)
{
    uint8_t data[5];

    di_put(edition, di, data);
    data[4] = number;
    if (edition == DLT645_2007)
        request_make(address, FOLLOWING_2007, span_of(data, 5), request);
    else
        request_make(address, FOLLOWING_1997, span_of(data, 2), request);
}

void dlt645_ask_address(enum dlt645_edition edition,
                        const struct dlt645_address *address,
                        struct dlt645_request *request)
{
    if (edition == DLT645_2007)
        request_make(address, ADDRESS_2007, span_of(NULL, 0), request);
    else
        dlt645_ask_data(edition, address, NUMBER_1997, request);
}

/* ---- replies ----------------------------------------------------------- */

void dlt645_gather_start(struct dlt645_gather *gather,
                         enum dlt645_edition edition,
                         const struct dlt645_address *asked, uint32_t di)
{
    memset(gather, 0, sizeof *gather);
    gather->edition = edition;
    gather->asked = *asked;
    gather->di = di;
}

static uint8_t function_due(const struct dlt645_gather *gather)
{
    if (gather->edition == DLT645_2007)
        return gather->next == 0 ? READ_2007 : FOLLOWING_2007;
    return gather->next == 0 ? READ_1997 : FOLLOWING_1997;
}

/* The piece's own bytes: between the identifier and the frame number. */
static enum dlt645_news piece_take(const struct dlt645_gather *gather,
                                   const struct dlt645_frame *frame,
                                   struct span *piece,
                                   struct decode_fault *fault)
{
    size_t front = di_bytes(gather->edition);
    bool numbered = gather->edition == DLT645_2007 && gather->next > 0;
    size_t least = front + numbered;
    uint8_t number;

    if (frame->length < least || (numbered && frame->length == least)) {
        decode_fail(fault, DECODE_LENGTH, LENGTH_AT,
                    "the reply has %u bytes of data; it must have %zu or more",
                    frame->length, least + numbered);
        return DLT645_WRONG;
    }
    if (di_of(gather->edition, frame->data) != gather->di)
        return DLT645_IGNORED;
    number = frame->data[frame->length - 1];
    if (numbered && number == (uint8_t)(gather->next - 1))
        return DLT645_IGNORED;
    if (numbered && number != gather->next) {
        decode_fail(fault, DECODE_VALUE, DATA_AT + frame->length - 1U,
                    "the following frame is number %u; %u is due", number,
                    gather->next);
        return DLT645_WRONG;
    }
    *piece = span_of(frame->data + front, frame->length - least);
    return DLT645_WHOLE;
}

static enum dlt645_news piece_add(struct dlt645_gather *gather,
                                  struct span piece, bool more,
                                  struct decode_fault *fault)
{
    if (piece.len > sizeof gather->payload - gather->len ||
        (more && gather->next == UINT8_MAX)) {
        decode_fail(fault, DECODE_LIMIT, DATA_AT,
                    "the reply and its following frames have more than %d "
                    "bytes",
                    DLT645_PAYLOAD_MAX);
        return DLT645_WRONG;
    }
    if (more && piece.len == 0) {
        decode_fail(fault, DECODE_LENGTH, LENGTH_AT,
                    "the reply has no data and says that more follows");
        return DLT645_WRONG;
    }
    memcpy(gather->payload + gather->len, piece.data, piece.len);
    gather->len += piece.len;
    gather->next = (uint8_t)(gather->next + more);
    return more ? DLT645_MORE : DLT645_WHOLE;
}

enum dlt645_news dlt645_gather(struct dlt645_gather *gather,
                               const struct dlt645_frame *frame,
                               struct decode_fault *fault)
{
    struct span piece = span_of(NULL, 0);
    char why[DECODE_TEXT_MAX];
    bool no_such_data;
    enum dlt645_news news;

    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (dlt645_is_request(frame) ||
        (frame->control & FUNCTION) != function_due(gather) ||
        !dlt645_address_fits(&gather->asked, &frame->address))
        return DLT645_IGNORED;
    if (dlt645_is_refusal(gather->edition, frame, why, &no_such_data)) {
        decode_fail(fault, DECODE_MISSING, DATA_AT, "the meter refuses: %.150s",
                    why);
        return DLT645_REFUSED;
    }
    news = piece_take(gather, frame, &piece, fault);
    if (news != DLT645_WHOLE)
        return news;
    gather->asked = frame->address; /* whoever began goes on */
    return piece_add(gather, piece, (frame->control & MORE) != 0, fault);
}

/* ---- who is on the bus ------------------------------------------------- */

void dlt645_search_start(struct dlt645_search *search)
{
    *search = (struct dlt645_search){.at = dlt645_anybody};
}

bool dlt645_search_next(struct dlt645_search *search,
                        struct dlt645_address *address)
{
    if (search->done || search->asked >= DLT645_SEARCH_MAX)
        return false;
    search->asked++;
    *address = search->at;
    return true;
}

static uint8_t bcd_next(uint8_t bcd)
{
    return (uint8_t)((bcd & 15) == 9 ? bcd + 7 : bcd + 1);
}

/* On to the next of the hundred, or back to where its byte was unknown. */
static void search_on(struct dlt645_search *search)
{
    while (search->depth > 0) {
        uint8_t *last = &search->at.bytes[search->depth - 1];

        if (*last != 0x99) {
            *last = bcd_next(*last);
            return;
        }
        *last = WILDCARD;
        search->depth--;
    }
    search->done = true;
}

void dlt645_search_heard(struct dlt645_search *search, enum dlt645_heard heard)
{
    if (heard == DLT645_GARBLED && search->depth < DLT645_ADDRESS_BYTES)
        search->at.bytes[search->depth++] = 0;
    else
        search_on(search);
}
