/*
 * platform_side.h - the platform's side of the Yunnan envelope (V1.1 clause
 * 5.1 step 8), written with OpenSSL alone, and the test keys of crypto.json.
 */
#ifndef SAMPAN_PLATFORM_SIDE_H
#define SAMPAN_PLATFORM_SIDE_H

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto.h"

static inline const char *text_at(json_t *value, const char *a, const char *b,
                                  const char *c)
{
    const char *names[] = {a, b, c};

    for (size_t i = 0; i < 3 && names[i]; i++)
        value = json_object_get(value, names[i]);
    assert_true(json_is_string(value));
    return json_string_value(value);
}

static inline size_t raw_of(const char *base64, uint8_t *raw)
{
    const size_t len = strlen(base64);
    const int decoded =
        EVP_DecodeBlock(raw, (const unsigned char *)base64, (int)len);

    assert_true(decoded >= 0);
    return (size_t)decoded - (base64[len - 1] == '=') -
           (base64[len - 2] == '=');
}

static inline EVP_PKEY *pem_key(json_t *vectors, const char *whose,
                                bool private_key)
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

static inline bool verifies(EVP_PKEY *key, struct span signature,
                            struct span input)
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

static inline void unwrap(EVP_PKEY *key, struct span wrapped,
                          uint8_t aes_key[32])
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

static inline void decrypt(const uint8_t aes_key[32], struct span content,
                           struct bytes *plain)
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
    assert_int_equal(bytes_append(plain, span_of(out, (size_t)(len + last))),
                     STATUS_OK);
    free(out);
    EVP_CIPHER_CTX_free(context);
}

/* What a setting of the signature is over. */
static inline struct bytes signed_text(const struct envelope_keys *keys,
                                       const json_t *envelope,
                                       struct span wrapped, struct span content)
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

/*
 * Verify and open sealed as a platform does that holds the keys of vectors and
 * expects the signature that keys says.  *plain is appended to.
 */
static inline void platform_opens(json_t *vectors,
                                  const struct envelope_keys *keys,
                                  struct span sealed, struct bytes *plain)
{
    json_t *envelope =
        json_loadb((const char *)sealed.data, sealed.len, 0, NULL);
    EVP_PKEY *verifier = pem_key(vectors, "own", false);
    EVP_PKEY *opener = pem_key(vectors, "platform", true);
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
    decrypt(aes_key, span_of(content, content_len), plain);
    EVP_PKEY_free(verifier);
    EVP_PKEY_free(opener);
    bytes_free(&input);
    free(content);
    json_decref(envelope);
}

#endif
