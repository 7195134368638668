/*
 * bench_envelope [SECONDS] - envelopes of 1 KB a second and thread, next to
 * RSA-2048 signatures in the same run.
 *
 * Both are measured in turns, so that a noisy machine disturbs them alike; the
 * ratio is the median of the turns' ratios.  The bare signature is that of
 * `openssl speed rsa2048`: EVP_PKEY_sign of 36 bytes with PKCS#1 padding on a
 * context that is made once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto.h"

#define TURNS 9
#define BODY_SIZE 1024

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void require(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "bench_envelope: %s failed\n", what);
        exit(1);
    }
}

static double signatures_a_second(EVP_PKEY_CTX *context, double seconds)
{
    const double start = now();
    uint8_t input[36] = {1};
    uint8_t signature[256];
    unsigned count = 0;

    while (now() - start < seconds) {
        size_t len = sizeof signature;

        require(EVP_PKEY_sign(context, signature, &len, input, sizeof input) ==
                    1,
                "EVP_PKEY_sign");
        count++;
    }
    return count / (now() - start);
}

static double envelopes_a_second(const struct envelope_keys *keys,
                                 struct span body, double seconds)
{
    const double start = now();
    struct bytes sealed = BYTES_EMPTY;
    unsigned count = 0;

    while (now() - start < seconds) {
        bytes_clear(&sealed);
        require(envelope_seal(keys, body, &sealed) == STATUS_OK,
                "envelope_seal");
        count++;
    }
    bytes_free(&sealed);
    return count / (now() - start);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double values[TURNS])
{
    qsort(values, TURNS, sizeof *values, compare);
    return values[TURNS / 2];
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 1;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    struct rsa_key *own = NULL;
    struct rsa_key *platform = NULL;
    uint8_t body[BODY_SIZE];
    double bare[TURNS];
    double sealed[TURNS];
    double ratio[TURNS];

    memset(body, 'x', sizeof body);
    require(context && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
            "a signature");
    require(rsa_key_make(&own) == STATUS_OK, "a key");
    require(rsa_key_make(&platform) == STATUS_OK, "a key");
    const struct envelope_keys keys = {
        own, platform, ENVELOPE_OVER_KEY_AND_CONTENT, ENVELOPE_FORM_RAW};
    for (int i = 0; i < TURNS; i++) {
        bare[i] = signatures_a_second(context, seconds / 2);
        sealed[i] =
            envelopes_a_second(&keys, span_of(body, sizeof body), seconds / 2);
        ratio[i] = sealed[i] / bare[i];
    }
    printf("envelopes=%.0f/s signatures=%.0f/s ratio=%.3f\n", median(sealed),
           median(bare), median(ratio));
    rsa_key_free(own);
    rsa_key_free(platform);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pkey);
    return 0;
}
