#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto.h"

/* Opening is held against envelopes of python3-cryptography (crypto.json);
 * sealing against the platform's side of clause 5.1 step 8, written here with
 * OpenSSL alone. */
struct fixture {
    json_t *vectors;
    struct rsa_key *own;
    struct rsa_key *platform;
};

static const char *text_at(json_t *value, const char *a, const char *b,
                           const char *c)
{
    const char *names[] = {a, b, c};

    for (size_t i = 0; i < 3 && names[i]; i++)
        value = json_object_get(value, names[i]);
    assert_true(json_is_string(value));
    return json_string_value(value);
}

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

/* ---- the platform's side ------------------------------------------------ */

static size_t raw_of(const char *base64, uint8_t *raw)
{
    const size_t len = strlen(base64);
    const int decoded =
        EVP_DecodeBlock(raw, (const unsigned char *)base64, (int)len);

    assert_true(decoded >= 0);
    return (size_t)decoded - (base64[len - 1] == '=') -
           (base64[len - 2] == '=');
}

static EVP_PKEY *pem_key(json_t *vectors, const char *whose, bool private_key)
{
    const char *pem = text_at(json_object_get(vectors, whose),
                              private_key ? "private" : "public",
                              private_key ? "pkcs8_pem" : "spki_pem", NULL);
    BIO *memory = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = private_key
                        ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL)
                        : PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);

    BIO_free(memory);
    assert_non_null(key);
    return key;
}

static bool verifies(EVP_PKEY *key, struct span signature, struct span input)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good;

    assert_int_equal(
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    good = EVP_DigestVerify(context, signature.data, signature.len, input.data,
                            input.len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static void unwrap(EVP_PKEY *key, struct span wrapped, uint8_t aes_key[32])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    uint8_t plain[256];
    size_t len = sizeof plain;

    assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING),
                     1);
    assert_int_equal(
        EVP_PKEY_decrypt(context, plain, &len, wrapped.data, wrapped.len), 1);
    assert_int_equal(len, 32);
    memcpy(aes_key, plain, 32);
    EVP_PKEY_CTX_free(context);
}

static void assert_decrypts(const uint8_t aes_key[32], struct span content,
                            struct span plain)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *out = malloc(content.len + 32);
    int len;
    int last;

    assert_non_null(out);
    assert_int_equal(
        EVP_DecryptInit_ex(context, EVP_aes_256_ecb(), NULL, aes_key, NULL), 1);
    assert_int_equal(
        EVP_DecryptUpdate(context, out, &len, content.data, (int)content.len),
        1);
    assert_int_equal(EVP_DecryptFinal_ex(context, out + len, &last), 1);
    assert_int_equal(len + last, plain.len);
    assert_memory_equal(out, plain.data, plain.len);
    free(out);
    EVP_CIPHER_CTX_free(context);
}

/* What a setting of the signature is over. */
static struct bytes signed_text(const struct envelope_keys *keys,
                                const json_t *envelope, struct span wrapped,
                                struct span content)
{
    struct bytes input = BYTES_EMPTY;

    if (keys->form == ENVELOPE_FORM_BASE64) {
        wrapped = span_text(
            json_string_value(json_object_get(envelope, "encryptedAesKey")));
        content = span_text(
            json_string_value(json_object_get(envelope, "encryptedContent")));
    }
    if (keys->over == ENVELOPE_OVER_KEY_AND_CONTENT)
        assert_int_equal(bytes_append(&input, wrapped), STATUS_OK);
    assert_int_equal(bytes_append(&input, content), STATUS_OK);
    return input;
}

static void assert_sealed(struct fixture *f, const struct envelope_keys *keys,
                          struct span sealed, struct span plain)
{
    json_t *envelope =
        json_loadb((const char *)sealed.data, sealed.len, 0, NULL);
    EVP_PKEY *verifier = pem_key(f->vectors, "own", false);
    EVP_PKEY *opener = pem_key(f->vectors, "platform", true);
    uint8_t signature[512];
    uint8_t wrapped[512];
    uint8_t *content = malloc(sealed.len);
    uint8_t aes_key[32];
    struct bytes input;
    size_t signature_len;
    size_t wrapped_len;
    size_t content_len;

    assert_non_null(envelope);
    assert_int_equal(json_object_size(envelope), 3);
    signature_len =
        raw_of(text_at(envelope, "signature", NULL, NULL), signature);
    wrapped_len =
        raw_of(text_at(envelope, "encryptedAesKey", NULL, NULL), wrapped);
    content_len =
        raw_of(text_at(envelope, "encryptedContent", NULL, NULL), content);
    input = signed_text(keys, envelope, span_of(wrapped, wrapped_len),
                        span_of(content, content_len));
    assert_true(verifies(verifier, span_of(signature, signature_len),
                         bytes_view(&input)));
    unwrap(opener, span_of(wrapped, wrapped_len), aes_key);
    assert_decrypts(aes_key, span_of(content, content_len), plain);
    EVP_PKEY_free(verifier);
    EVP_PKEY_free(opener);
    bytes_free(&input);
    free(content);
    json_decref(envelope);
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

            while (plain.len < sizes[i])
                assert_int_equal(bytes_append_text(&plain, "x"), STATUS_OK);
            assert_int_equal(envelope_seal(&keys, bytes_view(&plain), &sealed),
                             STATUS_OK);
            assert_sealed(f, &keys, bytes_view(&sealed), bytes_view(&plain));
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
