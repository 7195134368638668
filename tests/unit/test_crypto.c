#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto.h"

/* crypto.json: make_crypto_vectors.py wrote it with python3-cryptography. */
static int setup(void **state)
{
    json_error_t error;

    *state = json_load_file(TEST_VECTORS "/crypto.json", 0, &error);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    json_decref(*state);
    return 0;
}

static const char *text_at(json_t *value, const char *a, const char *b,
                           const char *c)
{
    const char *names[] = {a, b, c};

    for (size_t i = 0; i < 3 && names[i]; i++)
        value = json_object_get(value, names[i]);
    assert_true(json_is_string(value));
    return json_string_value(value);
}

static struct rsa_key *key_at(json_t *vectors, const char *whose,
                              const char *half, const char *form)
{
    struct rsa_key *key = NULL;

    assert_int_equal(
        rsa_key_read(span_text(text_at(vectors, whose, half, form)),
                     strcmp(half, "private") == 0, &key),
        STATUS_OK);
    return key;
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    char text[2 * 64 + 1];

    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, hex);
}

static void digests_are_those_of_hashlib(void **state)
{
    uint8_t digest[SHA256_SIZE];
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(*state, "sha256"), i, row)
    {
        assert_int_equal(
            crypto_sha256(span_text(text_at(row, "input", NULL, NULL)), digest),
            STATUS_OK);
        assert_hex(digest, sizeof digest, text_at(row, "sha256", NULL, NULL));
    }
    json_array_foreach(json_object_get(*state, "hmac"), i, row)
    {
        assert_int_equal(
            crypto_hmac_sha256(span_text(text_at(row, "key", NULL, NULL)),
                               span_text(text_at(row, "input", NULL, NULL)),
                               digest),
            STATUS_OK);
        assert_hex(digest, sizeof digest, text_at(row, "hmac", NULL, NULL));
    }
}

static void random_bytes_differ(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};

    (void)state;
    assert_int_equal(crypto_random(a, sizeof a), STATUS_OK);
    assert_int_equal(crypto_random(b, sizeof b), STATUS_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

static void base64_goes_both_ways(void **state)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(*state, "base64"), i, row)
    {
        struct bytes raw = BYTES_EMPTY;
        struct bytes text = BYTES_EMPTY;
        const char *hex = text_at(row, "raw_hex", NULL, NULL);
        const char *expected = text_at(row, "text", NULL, NULL);

        assert_int_equal(base64_decode(span_text(expected), false, &raw),
                         STATUS_OK);
        assert_int_equal(2 * raw.len, strlen(hex));
        for (size_t at = 0; at < raw.len; at++) {
            char two[3] = {hex[2 * at], hex[2 * at + 1], '\0'};

            assert_int_equal(raw.data[at], strtoul(two, NULL, 16));
        }
        assert_int_equal(base64_encode(bytes_view(&raw), &text), STATUS_OK);
        assert_string_equal(bytes_text(&text), expected);
        bytes_free(&raw);
        bytes_free(&text);
    }
}

static void base64_refuses_what_rfc_4648_refuses(void **state)
{
    static const char *const bad[] = {
        "A",           "AA",     "AAA",      "AA=",   "AAA==",    "A===",
        "====",        "=",      "AB==",     "AAB=",  "AA==A",    "AA=A",
        "A A=",        "AA==\n", "QU\nJD",   "QUJD=", "QUJD====", "QU-_",
        "QU\xc3\xa9=", "AAAAA",  "AA==AA==",
    };
    struct bytes raw = BYTES_EMPTY;

    (void)state;
    assert_int_equal(bytes_append_text(&raw, "kept"), STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(base64_decode(span_text(bad[i]), false, &raw),
                         STATUS_FORMAT);
    assert_string_equal(bytes_text(&raw), "kept");
    bytes_free(&raw);
}

static void base64_skips_line_breaks_when_lenient(void **state)
{
    static const char *const good[] = {"QUJD\r\nREVG\r\n", "Q\nU\nJ\nD\nREVG",
                                       "\nQUJDREVG", "QUJDRE\nVG\n\n"};
    static const char *const bad[] = {"QUJD REVG", "QUJD\tREVG", "QUJD\nREV",
                                      "QUJDREVG\n=\n"};
    struct bytes raw = BYTES_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bytes_clear(&raw);
        assert_int_equal(base64_decode(span_text(good[i]), true, &raw),
                         STATUS_OK);
        assert_string_equal(bytes_text(&raw), "ABCDEF");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(base64_decode(span_text(bad[i]), true, &raw),
                         STATUS_FORMAT);
    bytes_clear(&raw);
    assert_int_equal(base64_decode(span_text("QQ=\n=\n"), true, &raw),
                     STATUS_OK);
    assert_string_equal(bytes_text(&raw), "A");
    bytes_free(&raw);
}

/* ---- keys --------------------------------------------------------------- */

static void assert_public(const struct rsa_key *key, const char *expected)
{
    struct bytes text = BYTES_EMPTY;

    assert_int_equal(rsa_key_public_base64(key, &text), STATUS_OK);
    assert_string_equal(bytes_text(&text), expected);
    bytes_free(&text);
}

static void keys_are_read_in_every_form(void **state)
{
    static const char *const halves[] = {"private", "public"};
    const char *expected = text_at(json_object_get(*state, "own"), "public",
                                   "spki_der_base64", NULL);

    for (size_t i = 0; i < 2; i++) {
        json_t *forms =
            json_object_get(json_object_get(*state, "own"), halves[i]);
        const char *form;
        json_t *value;

        json_object_foreach(forms, form, value)
        {
            struct rsa_key *key = key_at(*state, "own", halves[i], form);

            (void)value;
            assert_public(key, expected);
            rsa_key_free(key);
        }
    }
}

static void keys_are_read_as_der(void **state)
{
    static const struct {
        const char *half, *form;
    } rows[] = {{"private", "pkcs8_der_base64"},
                {"private", "pkcs1_der_base64"},
                {"public", "spki_der_base64"},
                {"public", "pkcs1_der_base64"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes der = BYTES_EMPTY;
        struct rsa_key *key = NULL;

        assert_int_equal(
            base64_decode(span_text(text_at(json_object_get(*state, "own"),
                                            rows[i].half, rows[i].form, NULL)),
                          false, &der),
            STATUS_OK);
        assert_int_equal(rsa_key_read(bytes_view(&der), i < 2, &key),
                         STATUS_OK);
        rsa_key_free(key);
        assert_int_equal(bytes_append_text(&der, "x"), STATUS_OK);
        assert_int_equal(rsa_key_read(bytes_view(&der), i < 2, &key),
                         STATUS_FORMAT);
        der.len /= 2;
        assert_int_equal(rsa_key_read(bytes_view(&der), i < 2, &key),
                         STATUS_FORMAT);
        bytes_free(&der);
    }
}

static void keys_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *name;
        bool private_key;
        enum status status;
    } rows[] = {
        {"small_private", true, STATUS_INVALID},
        {"small_public", false, STATUS_INVALID},
        {"curve_private", true, STATUS_INVALID},
        {"curve_public", false, STATUS_INVALID},
        {"locked_private", true, STATUS_FORMAT}, /* never asks */
    };
    static const char *const garbage[] = {"",
                                          "0",
                                          "x",
                                          "MIIB",
                                          "====",
                                          "-----BEGIN PUBLIC KEY-----\n",
                                          "TpcOurNnCKiDaoCTptWSju8LDhkA56wZ"};
    struct rsa_key *key = NULL;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span text =
            span_text(text_at(*state, "refused", rows[i].name, NULL));

        assert_int_equal(rsa_key_read(text, rows[i].private_key, &key),
                         rows[i].status);
        assert_null(key);
    }
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        assert_int_equal(rsa_key_read(span_text(garbage[i]), false, &key),
                         STATUS_FORMAT);
        assert_int_equal(rsa_key_read(span_text(garbage[i]), true, &key),
                         STATUS_FORMAT);
    }
}

static void a_public_key_is_no_private_one(void **state)
{
    const char *text =
        text_at(json_object_get(*state, "own"), "public", "spki_pem", NULL);
    struct rsa_key *key = NULL;

    assert_int_not_equal(rsa_key_read(span_text(text), true, &key), STATUS_OK);
    assert_null(key);
}

static void a_made_key_survives_its_pem(void **state)
{
    struct bytes pem = BYTES_EMPTY;
    struct bytes public_text = BYTES_EMPTY;
    struct rsa_key *key = NULL;
    struct rsa_key *back = NULL;

    (void)state;
    assert_int_equal(rsa_key_make(&key), STATUS_OK);
    assert_int_equal(rsa_key_private_pem(key, &pem), STATUS_OK);
    assert_memory_equal(pem.data, "-----BEGIN PRIVATE KEY-----\n", 28);
    assert_int_equal(rsa_key_read(bytes_view(&pem), true, &back), STATUS_OK);
    assert_int_equal(rsa_key_public_base64(key, &public_text), STATUS_OK);
    assert_public(back, bytes_text(&public_text));
    rsa_key_free(key);
    rsa_key_free(back);
    bytes_wipe(&pem);
    bytes_free(&public_text);
}

/* ---- the pool ----------------------------------------------------------- */

struct counted {
    struct crypto_task task;
    int *slot;
};

static void count(struct crypto_task *task)
{
    struct counted *counted = (struct counted *)task;

    ++*counted->slot;
    free(counted);
}

static void pool_ends_every_task_before_it_closes(void **state)
{
    struct crypto_pool *pool;
    int slots[1000] = {0};

    (void)state;
    for (unsigned threads = 0; threads < 4; threads++) {
        assert_int_equal(crypto_pool_open(threads, &pool), STATUS_OK);
        for (size_t i = 0; i < 1000; i++) {
            struct counted *counted = calloc(1, sizeof *counted);

            assert_non_null(counted);
            counted->task.run = count;
            counted->slot = &slots[i];
            crypto_pool_add(pool, &counted->task);
        }
        crypto_pool_close(pool);
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(slots[i], threads + 1);
    }
    crypto_pool_close(NULL);
}
