/*
 * device_vectors.h - frames of known meaning, against a row of --decode.
 *
 * tests/vectors/devices.json: frames as they were seen in public places;
 * meter_frames.json: frames made by make_device_vectors.py.  Each frame that
 * is valid has to give one object with at least the members of "decoded",
 * each of the same value (or one for each of a list); each other one
 * a fault.
 */
#ifndef SAMPAN_TEST_DEVICE_VECTORS_H
#define SAMPAN_TEST_DEVICE_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "decode.h"

static json_t *vectors_load(const char *file)
{
    char path[512];
    json_error_t error;
    json_t *json;

    snprintf(path, sizeof path, "%s/%s", TEST_VECTORS, file);
    json = json_load_file(path, 0, &error);
    if (json == NULL)
        fail_msg("%s: %s", path, error.text);
    return json;
}

static const char *vector_text(const json_t *vector, const char *key)
{
    const char *text = json_string_value(json_object_get(vector, key));

    assert_non_null(text);
    return text;
}

/* The vector's bytes in memory of exactly their size, so that a sanitizer
 * sees one byte too many; the caller frees it. */
static uint8_t *vector_bytes(const json_t *vector, size_t *len)
{
    struct bytes bytes = BYTES_EMPTY;
    struct decode_fault fault;
    uint8_t *exact;

    if (json_object_get(vector, "hex") == NULL)
        assert_int_equal(bytes_append_text(&bytes, vector_text(vector, "text")),
                         STATUS_OK);
    else
        assert_true(
            decode_hex(span_text(vector_text(vector, "hex")), &bytes, &fault));
    *len = bytes.len;
    exact = malloc(bytes.len == 0 ? 1 : bytes.len);
    assert_non_null(exact);
    if (bytes.len > 0)
        memcpy(exact, bytes.data, bytes.len);
    bytes_free(&bytes);
    return exact;
}

/* JSON has one kind of number: 10 is 10.0. */
static bool vector_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static void vector_members(const json_t *vector, json_t *decoded,
                           const json_t *frame)
{
    const char *key;
    json_t *value;

    json_object_foreach(decoded, key, value)
    {
        if (!vector_equal(value, json_object_get(frame, key)))
            fail_msg(
                "%s: %s is %s, it must be %s", vector_text(vector, "id"), key,
                json_dumps(json_object_get(frame, key),
                           JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)),
                json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)));
    }
}

static void vector_frames(const json_t *vector, const json_t *frames)
{
    json_t *decoded = json_object_get(vector, "decoded");
    json_t *one;
    size_t i;

    if (json_is_object(decoded)) {
        assert_int_equal(json_array_size(frames), 1);
        vector_members(vector, decoded, json_array_get(frames, 0));
        return;
    }
    assert_true(json_array_size(decoded) > 0);
    assert_int_equal(json_array_size(frames), json_array_size(decoded));
    json_array_foreach(decoded, i, one)
        vector_members(vector, one, json_array_get(frames, i));
}

/* fault_word: which fault it must give when it is not valid. */
static void vector_check(const json_t *vector,
                         const struct decode_protocol *protocol,
                         const char *fault_word)
{
    struct decode_fault fault = {DECODE_NONE, 0, ""};
    json_t *frames = json_array();
    size_t len;
    uint8_t *bytes = vector_bytes(vector, &len);
    bool good = protocol->decode(span_of(bytes, len), NULL, frames, &fault);

    if (json_is_true(json_object_get(vector, "valid"))) {
        if (!good)
            fail_msg("%s: %s", vector_text(vector, "id"), fault.text);
        vector_frames(vector, frames);
    } else {
        if (good)
            fail_msg("%s was taken", vector_text(vector, "id"));
        if (strcmp(decode_fault_word(fault.kind), fault_word) != 0)
            fail_msg("%s is %s, it must be %s: %s", vector_text(vector, "id"),
                     decode_fault_word(fault.kind), fault_word, fault.text);
        assert_true(fault.offset <= len);
        assert_true(strlen(fault.text) > 0);
    }
    json_decref(frames);
    free(bytes);
}

/* All vectors of the protocol in the file; how many there were. */
static unsigned vectors_check(const char *file,
                              const struct decode_protocol *protocol,
                              const char *(*fault_of)(const json_t *vector))
{
    json_t *all = vectors_load(file);
    json_t *vector;
    unsigned count = 0;
    size_t i;

    json_array_foreach(json_object_get(all, "vectors"), i, vector)
    {
        if (strcmp(vector_text(vector, "protocol"), protocol->name) != 0)
            continue;
        vector_check(vector, protocol, fault_of(vector));
        count++;
    }
    json_decref(all);
    return count;
}

/* What the vector itself says. */
static inline const char *vector_fault(const json_t *vector)
{
    const char *word = json_string_value(json_object_get(vector, "fault"));

    return word == NULL ? "none" : word;
}

#endif
