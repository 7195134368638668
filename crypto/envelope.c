#include "crypto.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "rsa.h"

#define KEY_SIZE 32 /* AES-256, clause 5.2 */
#define BLOCK_SIZE 16

/* ---- AES/ECB/PKCS5Padding (clause 5.2) ----------------------------------- */

/* Room for len bytes and a block of padding; to is empty. */
static enum status aes_run(const EVP_CIPHER *aes, bool encrypt,
                           const uint8_t key[static KEY_SIZE], struct span from,
                           struct bytes *to)
{
    EVP_CIPHER_CTX *context = NULL;
    enum status status = STATUS_CRYPTO;
    int len = 0;
    int last = 0;

    if (from.len > INT_MAX - 2 * BLOCK_SIZE)
        return STATUS_NOMEM;
    if ((status = bytes_reserve(to, from.len + BLOCK_SIZE)) != STATUS_OK)
        return status;
    status = STATUS_CRYPTO;
    if (!(context = EVP_CIPHER_CTX_new()))
        return STATUS_NOMEM;
    if (EVP_CipherInit_ex2(context, aes, key, NULL, encrypt, NULL) == 1 &&
        EVP_CipherUpdate(context, to->data, &len, from.data, (int)from.len) ==
            1 &&
        EVP_CipherFinal_ex(context, to->data + len, &last) == 1)
        status = STATUS_OK;
    if (status == STATUS_OK)
        to->len = (size_t)len + (size_t)last;
    to->data[to->len] = '\0';
    EVP_CIPHER_CTX_free(context); /* wipes the key schedule */
    return status;
}

/* ---- RSA (clauses 5.2, 5.3) ---------------------------------------------- */

struct block {
    uint8_t data[RSA_SIZE_MAX];
    size_t len;
};

static bool wrap_key(const struct rsa_key *platform,
                     const uint8_t key[static KEY_SIZE], struct block *wrapped)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(platform->wrapping);
    bool done;

    wrapped->len = sizeof wrapped->data;
    done = context && EVP_PKEY_encrypt(context, wrapped->data, &wrapped->len,
                                       key, KEY_SIZE) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

/*
 * The session key of an answer.  Whoever can have us open what they like and
 * learns whether the padding was right can read keys (Bleichenbacher 1998), so
 * a key that is not to be had is replaced by a random one, and the fault comes
 * out only after the content has been tried too.
 */
static bool unwrap_key(const struct rsa_key *own, struct span wrapped,
                       uint8_t key[static KEY_SIZE])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own->pkey, NULL);
    struct block plain = {.len = sizeof plain.data};
    bool done;

    done = RAND_priv_bytes(key, KEY_SIZE) == 1 && context &&
           EVP_PKEY_decrypt_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_decrypt(context, plain.data, &plain.len, wrapped.data,
                            wrapped.len) == 1 &&
           plain.len == KEY_SIZE;
    if (done)
        memcpy(key, plain.data, KEY_SIZE);
    OPENSSL_cleanse(&plain, sizeof plain);
    EVP_PKEY_CTX_free(context);
    return done;
}

static bool digest_of(const EVP_MD *sha256, struct span a, struct span b,
                      uint8_t digest[static SHA256_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex2(context, sha256, NULL) == 1 &&
                EVP_DigestUpdate(context, a.data, a.len) == 1 &&
                EVP_DigestUpdate(context, b.data, b.len) == 1 &&
                EVP_DigestFinal_ex(context, digest, NULL) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

/* SHA256withRSA of a followed by b. */
static bool sign(const struct rsa_key *own, struct span a, struct span b,
                 struct block *signature)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(own->signing);
    uint8_t digest[SHA256_SIZE];
    bool done;

    signature->len = sizeof signature->data;
    done = context && digest_of(own->sha256, a, b, digest) &&
           EVP_PKEY_sign(context, signature->data, &signature->len, digest,
                         sizeof digest) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

/* ---- the envelope -------------------------------------------------------- */

struct texts { /* Base64 */
    struct bytes key, content, signature;
};

/* Signs what the keys' settings say: 5.1 step 6 signs key and content, table
 * 5.3 the content; before Base64 or after is not said by either. */
static bool sign_as_set(const struct envelope_keys *keys, struct span key,
                        struct span content, const struct texts *texts,
                        struct block *signature)
{
    if (keys->form == ENVELOPE_FORM_BASE64) {
        key = bytes_view(&texts->key);
        content = bytes_view(&texts->content);
    }
    if (keys->over == ENVELOPE_OVER_CONTENT)
        key = span_of("", 0);
    return sign(keys->own, key, content, signature);
}

/* Base64 needs no escaping.  Room is made once, so that nothing is moved. */
static enum status write_json(const struct texts *texts, struct bytes *sealed)
{
    const struct {
        const char *text;
        const struct bytes *base64;
    } parts[] = {
        {"{\"signature\":\"", &texts->signature},
        {"\",\"encryptedAesKey\":\"", &texts->key},
        {"\",\"encryptedContent\":\"", &texts->content},
        {"\"}", &(const struct bytes){NULL, 0, 0}},
    };
    const size_t before = sealed->len;
    enum status status =
        bytes_reserve(sealed, texts->signature.len + texts->key.len +
                                  texts->content.len + 64);

    for (size_t i = 0; status == STATUS_OK && i < 4; i++)
        if ((status = bytes_append_text(sealed, parts[i].text)) == STATUS_OK)
            status = bytes_append(sealed, bytes_view(parts[i].base64));
    if (status != STATUS_OK && sealed->data) {
        sealed->len = before;
        sealed->data[before] = '\0';
    }
    return status;
}

enum status envelope_seal(const struct envelope_keys *keys, struct span plain,
                          struct bytes *sealed)
{
    struct texts texts = {BYTES_EMPTY, BYTES_EMPTY, BYTES_EMPTY};
    struct bytes content = BYTES_EMPTY;
    struct block wrapped;
    struct block signature;
    uint8_t key[KEY_SIZE];
    enum status status = STATUS_CRYPTO;

    if (RAND_priv_bytes(key, sizeof key) != 1)
        goto out;
    if ((status = aes_run(keys->own->aes, true, key, plain, &content)) !=
        STATUS_OK)
        goto out;
    status = STATUS_CRYPTO;
    if (!wrap_key(keys->platform, key, &wrapped))
        goto out;
    status = base64_encode(span_of(wrapped.data, wrapped.len), &texts.key);
    if (status != STATUS_OK)
        goto out;
    status = base64_encode(bytes_view(&content), &texts.content);
    if (status != STATUS_OK)
        goto out;
    status = STATUS_CRYPTO;
    if (!sign_as_set(keys, span_of(wrapped.data, wrapped.len),
                     bytes_view(&content), &texts, &signature))
        goto out;
    status =
        base64_encode(span_of(signature.data, signature.len), &texts.signature);
    if (status != STATUS_OK)
        goto out;
    status = write_json(&texts, sealed);
out:
    if (status == STATUS_CRYPTO)
        ERR_clear_error();
    OPENSSL_cleanse(key, sizeof key);
    bytes_free(&content);
    bytes_free(&texts.key);
    bytes_free(&texts.content);
    bytes_free(&texts.signature);
    return status;
}

enum status envelope_open(const struct envelope_keys *keys,
                          struct span aes_key_base64, struct span data_base64,
                          struct bytes *plain)
{
    struct bytes wrapped = BYTES_EMPTY;
    struct bytes content = BYTES_EMPTY;
    struct bytes opened = BYTES_EMPTY;
    uint8_t key[KEY_SIZE];
    bool unwrapped;
    enum status status;

    /* The specification's examples are broken into lines. */
    if ((status = base64_decode(aes_key_base64, true, &wrapped)) != STATUS_OK)
        goto out;
    if ((status = base64_decode(data_base64, true, &content)) != STATUS_OK)
        goto out;
    unwrapped = unwrap_key(keys->own, bytes_view(&wrapped), key);
    status = aes_run(keys->own->aes, false, key, bytes_view(&content), &opened);
    if (status == STATUS_OK && !unwrapped)
        status = STATUS_CRYPTO;
    if (status == STATUS_OK)
        status = bytes_append(plain, bytes_view(&opened));
out:
    ERR_clear_error();
    OPENSSL_cleanse(key, sizeof key);
    bytes_wipe(&opened);
    bytes_free(&content);
    bytes_free(&wrapped);
    return status;
}
