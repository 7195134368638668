#include "crypto.h"

#include <limits.h>
#include <pthread.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

/* OpenSSL keeps a list of faults for each thread; nobody reads it here. */
static enum status status_of(bool done)
{
    if (done)
        return STATUS_OK;
    ERR_clear_error();
    return STATUS_CRYPTO;
}

/* Fetched once: EVP_sha256 would be looked up at each use, which takes longer
 * than to digest an outcome. */
static EVP_MD *sha256;

static void sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

enum status crypto_sha256(struct span input, uint8_t digest[static SHA256_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, sha256_fetch);
    return status_of(sha256 != NULL && EVP_Digest(input.data, input.len, digest,
                                                  NULL, sha256, NULL));
}

enum status crypto_hmac_sha256(struct span key, struct span input,
                               uint8_t mac[static SHA256_SIZE])
{
    size_t len;

    return status_of(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL,
                               key.len ? key.data : (const uint8_t *)"",
                               key.len, input.data, input.len, mac, SHA256_SIZE,
                               &len) != NULL);
}

enum status crypto_random(uint8_t *to, size_t len)
{
    return status_of(len <= INT_MAX && RAND_bytes(to, (int)len) == 1);
}
