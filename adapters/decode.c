#include "decode.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_text.h"
#include "text.h"

#define INPUT_MAX ((size_t)16 << 20)
#define EXIT_USAGE 2

const char *decode_fault_word(enum decode_fault_kind kind)
{
    static const char *const words[] = {
#define X(name, word, text) word,
        DECODE_FAULT_TABLE(X)
#undef X
    };

    return words[kind];
}

bool decode_fail(struct decode_fault *fault, enum decode_fault_kind kind,
                 size_t offset, const char *format, ...)
{
    char whole[4 * DECODE_TEXT_MAX];
    va_list values;

    fault->kind = kind;
    fault->offset = offset;
    va_start(values, format);
    vsnprintf(whole, sizeof whole, format, values);
    va_end(values);
    text_put(fault->text, sizeof fault->text, whole);
    return false;
}

/* ---- hex --------------------------------------------------------------- */

static int digit_of(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20; /* to small letters */
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool decode_hex(struct span text, struct bytes *bytes,
                struct decode_fault *fault)
{
    bytes_clear(bytes);
    if (bytes_reserve(bytes, text.len / 2) != STATUS_OK)
        return decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    for (size_t i = 0; i < text.len; i++) {
        int high = digit_of(text.data[i]);
        int low = i + 1 < text.len ? digit_of(text.data[i + 1]) : -1;

        if (isspace(text.data[i]))
            continue;
        if (high < 0)
            return decode_fail(fault, DECODE_SYNTAX, i,
                               "byte %02X is no hex digit; allowed: pairs of "
                               "0-9 a-f A-F, and white space between them",
                               text.data[i]);
        if (low < 0)
            return decode_fail(fault, DECODE_SYNTAX, i,
                               "the hex digit %c stands alone; allowed: pairs "
                               "of 0-9 a-f A-F, and white space between them",
                               text.data[i]);
        bytes->data[bytes->len++] = (uint8_t)(high << 4 | low);
        i++;
    }
    if (bytes->data != NULL)
        bytes->data[bytes->len] = 0;
    return true;
}

bool decode_room(const json_t *frames, size_t offset,
                 struct decode_fault *fault)
{
    return json_array_size(frames) < DECODE_FRAMES_MAX ||
           decode_fail(fault, DECODE_LIMIT, offset,
                       "there are more than %d frames: give it less at a time",
                       DECODE_FRAMES_MAX);
}

json_t *decode_json_hex(struct span bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = malloc(bytes.len * 3 + 1);
    size_t len = 0;
    json_t *json;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < bytes.len; i++) {
        if (i > 0)
            text[len++] = ' ';
        text[len++] = digits[bytes.data[i] >> 4];
        text[len++] = digits[bytes.data[i] & 15];
    }
    json = json_stringn(text, len);
    free(text);
    return json;
}

/* ---- --decode ---------------------------------------------------------- */

/* All of standard input, or a fault. */
static bool input_read(struct bytes *input, struct decode_fault *fault)
{
    ssize_t got;

    do {
        if (bytes_reserve(input, 65536) != STATUS_OK)
            return decode_fail(fault, DECODE_MEMORY, input->len,
                               "there is no memory left");
        got = read(STDIN_FILENO, input->data + input->len, 65536);
        if (got > 0)
            input->len += (size_t)got;
    } while ((got > 0 || (got < 0 && errno == EINTR)) &&
             input->len <= INPUT_MAX);
    if (got < 0)
        return decode_fail(fault, DECODE_TRUNCATED, input->len,
                           "standard input cannot be read: %s",
                           strerror(errno));
    input->data[input->len] = 0;
    if (input->len > INPUT_MAX)
        return decode_fail(fault, DECODE_LIMIT, INPUT_MAX,
                           "the input is longer than %zu bytes", INPUT_MAX);
    return true;
}

static bool decode(const struct decode_protocol *protocol,
                   const char *content_type, bool raw, json_t *frames,
                   struct decode_fault *fault)
{
    struct bytes input = BYTES_EMPTY;
    struct bytes frame = BYTES_EMPTY;
    bool good = input_read(&input, fault);

    if (good && (raw || protocol->text))
        bytes_move(&frame, &input);
    else if (good)
        good = decode_hex(bytes_view(&input), &frame, fault);
    if (good && frame.len == 0)
        good = decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    if (good)
        good =
            protocol->decode(bytes_view(&frame), content_type, frames, fault);
    bytes_free(&input);
    bytes_free(&frame);
    return good;
}

static bool line_print(const json_t *json)
{
    struct bytes line = BYTES_EMPTY;
    bool good = json != NULL && json_text(json, &line) == STATUS_OK &&
                bytes_append_text(&line, "\n") == STATUS_OK &&
                fwrite(line.data, line.len, 1, stdout) == 1;

    bytes_free(&line);
    return good;
}

static bool fault_print(const struct decode_fault *fault)
{
    json_t *json = json_pack("{s:{s:s, s:I, s:s}}", "error", "kind",
                             decode_fault_word(fault->kind), "offset",
                             (json_int_t)fault->offset, "text", fault->text);
    bool good = line_print(json);

    json_decref(json);
    return good;
}

static int frames_print(const struct decode_protocol *protocol,
                        const char *content_type, bool raw)
{
    struct decode_fault fault = {DECODE_NONE, 0, ""};
    json_t *frames = json_array();
    bool good = frames != NULL;
    bool printed = true;
    const json_t *frame;
    size_t i;

    if (good)
        good = decode(protocol, content_type, raw, frames, &fault);
    else
        decode_fail(&fault, DECODE_MEMORY, 0, "there is no memory left");
    json_array_foreach(frames, i, frame) printed = line_print(frame) && printed;
    if (!good)
        printed = fault_print(&fault) && printed;
    json_decref(frames);
    printed = fflush(stdout) == 0 && printed;
    return good && printed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int decode_main(const struct decode_protocol *protocols, size_t count,
                const char *name, const char *content_type, bool raw)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(protocols[i].name, name) == 0)
            return frames_print(&protocols[i], content_type, raw);
    fprintf(stderr, "\"%s\" is no protocol of this program; known are", name);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", protocols[i].name);
    fputs("\n", stderr);
    return EXIT_USAGE;
}
