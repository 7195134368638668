/*
 * rsa.h - what an RSA key is inside this folder.
 */
#ifndef SAMPAN_RSA_H
#define SAMPAN_RSA_H

#include <openssl/evp.h>

#include "crypto.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define RSA_SIZE_MAX (RSA_BITS_MAX / 8)

/* Algorithms are fetched once a key: a fetch takes a lock of the library. */
struct rsa_key {
    EVP_PKEY *pkey;
    EVP_MD *sha256;
    EVP_CIPHER *aes; /* AES-256-ECB */
};

#endif
