#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto.h"
#include "platform_side.h"

/* Opening is held against envelopes of python3-cryptography (crypto.json);
 * sealing against platform_side.h. */
struct fixture {
    json_t *vectors;
    struct rsa_key *own;
    struct rsa_key *platform;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    json_error_t error;

    assert_non_null(f);
    f->vectors = json_load_file(TEST_VECTORS "/crypto.json", 0, &error);
    assert_non_null(f->vectors);
    assert_int_equal(
        rsa_key_read(span_text(text_at(json_object_get(f->vectors, "own"),
                                       "private", "pkcs8_pem", NULL)),
                     true, &f->own),
        STATUS_OK);
    assert_int_equal(
        rsa_key_read(span_text(text_at(json_object_get(f->vectors, "platform"),
                                       "public", "spki_der_base64", NULL)),
                     false, &f->platform),
        STATUS_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    json_decref(f->vectors);
    rsa_key_free(f->own);
    rsa_key_free(f->platform);
    free(f);
    return 0;
}

static void what_is_sealed_the_platform_verifies_and_opens(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 1024, 400000};
    struct fixture *f = *state;

    for (int setting = 0; setting < 4; setting++) {
        const struct envelope_keys keys = {f->own, f->platform,
                                           (enum envelope_over)(setting & 1),
                                           (enum envelope_form)(setting >> 1)};

        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct bytes plain = BYTES_EMPTY;
            struct bytes sealed = BYTES_EMPTY;
            struct bytes opened = BYTES_EMPTY;

            while (plain.len < sizes[i])
                assert_int_equal(bytes_append_text(&plain, "x"), STATUS_OK);
            assert_int_equal(envelope_seal(&keys, bytes_view(&plain), &sealed),
                             STATUS_OK);
            platform_opens(f->vectors, &keys, bytes_view(&sealed), &opened);
            assert_true(span_equal(bytes_view(&opened), bytes_view(&plain)));
            bytes_free(&opened);
            bytes_free(&plain);
            bytes_free(&sealed);
        }
    }
}

static void every_seal_has_its_own_key_and_is_appended(void **state)
{
    struct fixture *f = *state;
    const struct envelope_keys keys = {
        f->own, f->platform, ENVELOPE_OVER_KEY_AND_CONTENT, ENVELOPE_FORM_RAW};
    struct bytes first = BYTES_EMPTY;
    struct bytes second = BYTES_EMPTY;

    assert_int_equal(bytes_append_text(&second, "before"), STATUS_OK);
    assert_int_equal(envelope_seal(&keys, span_text("{}"), &first), STATUS_OK);
    assert_int_equal(envelope_seal(&keys, span_text("{}"), &second), STATUS_OK);
    assert_memory_equal(second.data, "before{\"signature\":\"", 19);
    assert_int_equal(first.len + 6, second.len);
    assert_memory_not_equal(first.data, second.data + 6, first.len);
    bytes_free(&first);
    bytes_free(&second);
}

/* ---- our side ----------------------------------------------------------- */

static void envelopes_of_another_tool_are_opened(void **state)
{
    struct fixture *f = *state;
    const struct envelope_keys keys = {.own = f->own};
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->vectors, "opened"), i, row)
    {
        struct bytes plain = BYTES_EMPTY;

        assert_int_equal(
            envelope_open(&keys, span_text(text_at(row, "aesKey", NULL, NULL)),
                          span_text(text_at(row, "data", NULL, NULL)), &plain),
            STATUS_OK);
        assert_string_equal(bytes_text(&plain),
                            text_at(row, "plain", NULL, NULL));
        bytes_free(&plain);
    }
    assert_int_equal(i, 5);
}

static void every_fault_of_padding_has_one_answer(void **state)
{
    struct fixture *f = *state;
    const struct envelope_keys keys = {.own = f->own};
    struct bytes plain = BYTES_EMPTY;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->vectors, "not_opened"), i, row)
    {
        assert_int_equal(
            envelope_open(&keys, span_text(text_at(row, "aesKey", NULL, NULL)),
                          span_text(text_at(row, "data", NULL, NULL)), &plain),
            STATUS_CRYPTO);
        assert_int_equal(plain.len, 0);
    }
    assert_int_equal(i, 7);
}

static void an_envelope_that_is_no_base64_is_no_envelope(void **state)
{
    struct fixture *f = *state;
    const struct envelope_keys keys = {.own = f->own};
    json_t *good = json_array_get(json_object_get(f->vectors, "opened"), 0);
    struct span key = span_text(text_at(good, "aesKey", NULL, NULL));
    struct span data = span_text(text_at(good, "data", NULL, NULL));
    struct bytes plain = BYTES_EMPTY;

    assert_int_equal(envelope_open(&keys, span_text("*****"), data, &plain),
                     STATUS_FORMAT);
    assert_int_equal(envelope_open(&keys, key, span_text("*****"), &plain),
                     STATUS_FORMAT);
    assert_int_equal(plain.len, 0);
}
