/*
 * crypto.h - keys, envelopes and digests.  No I/O, no clock.
 *
 * Secrets live in struct bytes that are wiped, and in struct rsa_key.
 * Any thread may use one rsa_key at the same time as others do.
 */
#ifndef SAMPAN_CRYPTO_H
#define SAMPAN_CRYPTO_H

#include <stdint.h>

#include "base64.h"
#include "bytes.h"

/* ---- digests, random --------------------------------------------------- */

#define SHA256_SIZE 32
MUST_CHECK enum status crypto_sha256(struct span input,
                                     uint8_t digest[static SHA256_SIZE]);
MUST_CHECK enum status crypto_hmac_sha256(struct span key, struct span input,
                                          uint8_t mac[static SHA256_SIZE]);
MUST_CHECK enum status crypto_random(uint8_t *to, size_t len);

/* ---- RSA keys ----------------------------------------------------------- */

struct rsa_key; /* private with its public half, or public alone */

/* 2048 bits, exponent 65537. */
MUST_CHECK enum status rsa_key_make(struct rsa_key **key);
/*
 * Read a key in any form a platform hands out: PEM (PKCS#1, PKCS#8, X.509
 * SubjectPublicKeyInfo), DER of the same, or Base64 of the DER without
 * header, with or without line breaks.  FORMAT; INVALID: not RSA, or below
 * 2048 bits.
 */
MUST_CHECK enum status rsa_key_read(struct span text, bool private_key,
                                    struct rsa_key **key);
MUST_CHECK enum status rsa_key_private_pem(const struct rsa_key *key,
                                           struct bytes *pem); /* PKCS#8 */
/* Base64 of the DER of SubjectPublicKeyInfo, on one line: Java's
 * getEncoded(), what /init-auth sends. */
MUST_CHECK enum status rsa_key_public_base64(const struct rsa_key *key,
                                             struct bytes *base64);
void rsa_key_free(struct rsa_key *key);

/* ---- the hybrid envelope (Yunnan V1.1 clauses 4.3, 5) -------------------- */

enum envelope_over { ENVELOPE_OVER_KEY_AND_CONTENT, ENVELOPE_OVER_CONTENT };
enum envelope_form { ENVELOPE_FORM_RAW, ENVELOPE_FORM_BASE64 };

struct envelope_keys {              /* borrowed */
    const struct rsa_key *own;      /* private: signs, opens answers */
    const struct rsa_key *platform; /* public: the session key is for it */
    enum envelope_over over;
    enum envelope_form form;
};

/*
 * Seal plain into {"signature","encryptedAesKey","encryptedContent"}, each
 * Base64, appended to sealed as JSON.  A fresh AES-256 key each time.
 * AES/ECB/PKCS5Padding; RSA/ECB/PKCS1Padding; SHA256withRSA over what keys
 * says.  CRYPTO, NOMEM.
 */
MUST_CHECK enum status envelope_seal(const struct envelope_keys *keys,
                                     struct span plain, struct bytes *sealed);
/* Open an answer's `aesKey` and `data` (both Base64).  FORMAT, CRYPTO (not
 * for this key, or altered); one message for all faults of padding. */
MUST_CHECK enum status envelope_open(const struct envelope_keys *keys,
                                     struct span aes_key_base64,
                                     struct span data_base64,
                                     struct bytes *plain);

/* ---- a pool for what costs a signature ---------------------------------- */

struct crypto_pool;
struct crypto_task {
    void (*run)(struct crypto_task *task);
    struct crypto_task *next; /* the pool's */
};
/* threads 0: as many as there are processors.  NOMEM, IO. */
MUST_CHECK enum status crypto_pool_open(unsigned threads,
                                        struct crypto_pool **pool);
/* Runs task->run in one of the pool's threads, oldest first.  Any thread. */
void crypto_pool_add(struct crypto_pool *pool, struct crypto_task *task);
/* Finishes every task that was added. */
void crypto_pool_close(struct crypto_pool *pool);

#endif
