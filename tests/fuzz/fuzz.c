/*
 * One harness for each family of decoders: what --decode does, on any bytes.
 *
 *   byte 0   which protocol of the family's table
 *   byte 1   which content type
 *   the rest the input, in memory of exactly its size
 *
 * FUZZ_TABLE and FUZZ_COUNT are the family's table (protocols.h).
 */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "protocols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const content_types[] = {
    NULL,
    "multipart/form-data; boundary=b",
    "multipart/mixed; boundary=\"--b\"",
    "application/xml",
    "application/json; charset=GBK",
};
#define CONTENT_TYPES (sizeof content_types / sizeof *content_types)

/* What is said must be JSON that can be written down, or a fault with words
 * at a place in the input. */
static void check(bool good, const json_t *frames,
                  const struct decode_fault *fault, size_t size)
{
    struct bytes text = BYTES_EMPTY;

    if (json_text(frames, &text) != STATUS_OK)
        abort();
    bytes_free(&text);
    if (!good && (fault->kind == DECODE_NONE || fault->offset > size ||
                  strlen(fault->text) == 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct decode_protocol *protocol;
    struct decode_fault fault = {.kind = DECODE_NONE};
    json_t *frames;
    uint8_t *input;
    bool good;

    if (size < 2)
        return 0;
    protocol = &FUZZ_TABLE[data[0] % FUZZ_COUNT];
    input = malloc(size - 2 == 0 ? 1 : size - 2);
    frames = json_array();
    if (input == NULL || frames == NULL)
        abort();
    memcpy(input, data + 2, size - 2);
    good = protocol->decode(span_of(input, size - 2),
                            content_types[data[1] % CONTENT_TYPES], frames,
                            &fault);
    check(good, frames, &fault, size - 2);
    json_decref(frames);
    free(input);
    return 0;
}
