#include "crypto.h"

#include <limits.h>

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

enum status crypto_sha256(struct span input, uint8_t digest[static SHA256_SIZE])
{
    return status_of(
        EVP_Digest(input.data, input.len, digest, NULL, EVP_sha256(), NULL));
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
