#include "rsa.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static bool prepare(struct rsa_key *key, bool private_key)
{
    EVP_PKEY_CTX *wrapping = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

    key->wrapping = wrapping;
    key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    key->aes = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    if (!wrapping || !key->sha256 || !key->aes ||
        EVP_PKEY_encrypt_init(wrapping) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(wrapping, RSA_PKCS1_PADDING) != 1)
        return false;
    if (!private_key)
        return true;
    key->signing = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    return key->signing && EVP_PKEY_sign_init(key->signing) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(key->signing, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(key->signing, key->sha256) == 1;
}

/* Takes pkey, also when it fails. */
static enum status key_of(EVP_PKEY *pkey, bool private_key,
                          struct rsa_key **key)
{
    struct rsa_key *made = calloc(1, sizeof *made);

    if (!made) {
        EVP_PKEY_free(pkey);
        return STATUS_NOMEM;
    }
    made->pkey = pkey;
    if (!prepare(made, private_key)) {
        rsa_key_free(made);
        ERR_clear_error();
        return STATUS_CRYPTO;
    }
    *key = made;
    return STATUS_OK;
}

enum status rsa_key_make(struct rsa_key **key)
{
    EVP_PKEY *pkey = EVP_RSA_gen(RSA_BITS_MIN); /* exponent 65537 */

    *key = NULL;
    if (!pkey) {
        ERR_clear_error();
        return STATUS_CRYPTO;
    }
    return key_of(pkey, true, key);
}

void rsa_key_free(struct rsa_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->wrapping);
    EVP_PKEY_CTX_free(key->signing);
    EVP_PKEY_free(key->pkey); /* wipes the private numbers */
    EVP_MD_free(key->sha256);
    EVP_CIPHER_free(key->aes);
    free(key);
}

/* ---- reading ------------------------------------------------------------ */

/* A key behind a password is refused; without this the library would ask on
 * the terminal. */
static int no_password(char *password, int size, int writing, void *self)
{
    (void)password;
    (void)size;
    (void)writing;
    (void)self;
    return -1;
}

/* PEM or DER, whatever structure; *rest: bytes behind it. */
static EVP_PKEY *decode(struct span text, bool private_key, size_t *rest)
{
    const unsigned char *data = text.data;
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *context = OSSL_DECODER_CTX_new_for_pkey(
        &pkey, NULL, NULL, NULL,
        private_key ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, NULL, NULL);

    *rest = text.len;
    if (!context ||
        !OSSL_DECODER_CTX_set_pem_password_cb(context, no_password, NULL) ||
        !OSSL_DECODER_from_data(context, &data, rest)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_DECODER_CTX_free(context);
    return pkey;
}

/* Base64 of DER, with any white space in it. */
static enum status from_base64(struct span text, struct bytes *der)
{
    struct bytes tight = BYTES_EMPTY;
    enum status status = bytes_reserve(&tight, text.len);

    for (size_t i = 0; status == STATUS_OK && i < text.len; i++)
        if (!memchr(" \t\r\n", text.data[i], 4))
            status = bytes_append(&tight, span_of(text.data + i, 1));
    if (status == STATUS_OK)
        status = base64_decode(bytes_view(&tight), false, der);
    bytes_wipe(&tight);
    return status;
}

static bool has_private(const EVP_PKEY *pkey)
{
    BIGNUM *exponent = NULL;
    bool has =
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &exponent) == 1;

    BN_clear_free(exponent);
    return has;
}

static bool usable(EVP_PKEY *pkey, bool private_key)
{
    EVP_PKEY_CTX *context;
    int sound;

    if (!EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN ||
        EVP_PKEY_get_bits(pkey) > RSA_BITS_MAX)
        return false;
    if (private_key && !has_private(pkey))
        return false;
    context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    sound = context && (private_key ? EVP_PKEY_pairwise_check(context)
                                    : EVP_PKEY_public_check_quick(context));
    EVP_PKEY_CTX_free(context);
    return sound == 1;
}

static bool is_pem(struct span text)
{
    return text.len && memmem(text.data, text.len, "-----BEGIN", 10);
}

/* SEQUENCE with a long length: no text begins so. */
static bool is_der(struct span text)
{
    return text.len > 2 && text.data[0] == 0x30 && text.data[1] >= 0x80;
}

enum status rsa_key_read(struct span text, bool private_key,
                         struct rsa_key **key)
{
    const bool pem = is_pem(text);
    struct bytes der = BYTES_EMPTY;
    EVP_PKEY *pkey = NULL;
    enum status status = STATUS_OK;
    size_t rest;

    *key = NULL;
    if (!pem && !is_der(text)) {
        if ((status = from_base64(text, &der)) != STATUS_OK)
            goto out;
        text = bytes_view(&der);
    }
    if (!text.len || !(pkey = decode(text, private_key, &rest)) ||
        (!pem && rest)) {
        status = STATUS_FORMAT;
        goto out;
    }
    if (!usable(pkey, private_key)) {
        status = STATUS_INVALID;
        goto out;
    }
    status = key_of(pkey, private_key, key);
    pkey = NULL;
out:
    ERR_clear_error();
    EVP_PKEY_free(pkey);
    bytes_wipe(&der);
    return status;
}

/* ---- writing ------------------------------------------------------------ */

enum status rsa_key_private_pem(const struct rsa_key *key, struct bytes *pem)
{
    BIO *memory = BIO_new(BIO_s_mem()); /* wiped when freed */
    enum status status = STATUS_CRYPTO;
    char *text;
    long len;

    if (!memory)
        return STATUS_NOMEM;
    if (PEM_write_bio_PKCS8PrivateKey(memory, key->pkey, NULL, NULL, 0, NULL,
                                      NULL) != 1)
        goto out;
    len = BIO_get_mem_data(memory, &text);
    status = bytes_append(pem, span_of(text, (size_t)len));
out:
    BIO_free(memory);
    ERR_clear_error();
    return status;
}

enum status rsa_key_public_base64(const struct rsa_key *key,
                                  struct bytes *base64)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key->pkey, &der);
    enum status status;

    if (len <= 0) {
        ERR_clear_error();
        return STATUS_CRYPTO;
    }
    status = base64_encode(span_of(der, (size_t)len), base64);
    OPENSSL_free(der);
    return status;
}
