#include "form.h"

#include <stdio.h>
#include <string.h>

#define STX 0x02
#define ETX 0x03
#define DIGITS_MAX 9

struct kind {
    char letter;
    enum decode_fault_kind fault;
    bool (*fits)(uint8_t byte);
    const char *allowed;
};

static bool is_stx(uint8_t byte)
{
    return byte == STX;
}

static bool is_etx(uint8_t byte)
{
    return byte == ETX;
}

static bool is_sign(uint8_t byte)
{
    return byte == '+' || byte == '-';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_places(uint8_t byte)
{
    return byte >= '0' && byte <= '4';
}

static bool is_nibble(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'A' && byte <= 'F');
}

static bool is_capital(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_command(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'F') || byte == 'H';
}

static const struct kind kinds[] = {
    {'S', DECODE_START, is_stx, "a frame begins with 02"},
    {'E', DECODE_LENGTH, is_etx, "the frame ends here with 03"},
    {'s', DECODE_VALUE, is_sign, "the sign is + or -"},
    {'d', DECODE_VALUE, is_digit, "here stands a digit"},
    {'p', DECODE_VALUE, is_places, "the decimal places are 0 to 4"},
    {'h', DECODE_VALUE, is_nibble, "the check is two of 0-9 A-F"},
    {'A', DECODE_VALUE, is_capital, "the address is A to Z"},
    {'c', DECODE_VALUE, is_command, "the command is A to F or H"},
};

static const struct kind *kind_of(char letter)
{
    const struct kind *kind = kinds;

    while (kind->letter != letter)
        kind++;
    return kind;
}

enum match match_bad(struct decode_fault *fault, enum decode_fault_kind kind,
                     size_t offset, const char *text)
{
    decode_fail(fault, kind, offset, "%s", text);
    return MATCH_BAD;
}

enum match match_more(struct decode_fault *fault, size_t offset,
                      const char *text)
{
    decode_fail(fault, DECODE_TRUNCATED, offset, "%s", text);
    return MATCH_MORE;
}

enum match form_match(struct span bytes, const char *form,
                      struct decode_fault *fault)
{
    for (size_t i = 0; form[i] != 0; i++) {
        const struct kind *kind = kind_of(form[i]);

        if (i == bytes.len) {
            decode_fail(fault, DECODE_TRUNCATED, i,
                        "the frame has %zu of its %zu bytes", i, strlen(form));
            return MATCH_MORE;
        }
        if (!kind->fits(bytes.data[i])) {
            decode_fail(fault, kind->fault, i, "byte %02X: %s", bytes.data[i],
                        kind->allowed);
            return MATCH_BAD;
        }
    }
    return MATCH_WHOLE;
}

uint8_t form_xor(struct span bytes)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < bytes.len; i++)
        sum ^= bytes.data[i];
    return sum;
}

static uint8_t nibble(uint8_t character)
{
    return (uint8_t)(is_digit(character) ? character - '0'
                                         : character - 'A' + 10);
}

uint8_t form_hex(const uint8_t *two)
{
    return (uint8_t)(nibble(two[0]) << 4 | nibble(two[1]));
}

size_t form_number(struct span bytes, bool blanks, bool point,
                   struct weight *weight)
{
    unsigned digits = 0;
    bool pointed = false;
    size_t i = 0;

    weight->unscaled = 0;
    weight->places = 0;
    while (blanks && i < bytes.len && bytes.data[i] == ' ')
        i++;
    for (; i < bytes.len; i++) {
        if (is_digit(bytes.data[i]) && digits < DIGITS_MAX) {
            weight->unscaled = weight->unscaled * 10 + (bytes.data[i] - '0');
            weight->places = (uint8_t)(weight->places + pointed);
            digits++;
        } else if (bytes.data[i] == '.' && point && !pointed && digits > 0) {
            pointed = true;
        } else {
            break;
        }
    }
    /* a tenth digit, or a point at the end, is no number of a scale */
    if (digits == 0 || (i < bytes.len && is_digit(bytes.data[i])) ||
        (pointed && weight->places == 0))
        return 0;
    weight->has_value = true;
    return i;
}

bool describe_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

bool describe_text(json_t *object, const char *key, struct span text)
{
    return describe_set(object, key,
                        json_stringn((const char *)text.data, text.len));
}

bool describe_byte(json_t *object, const char *key, uint8_t byte)
{
    return describe_set(object, key, decode_json_hex(span_of(&byte, 1)));
}
