#include "codes.h"

#include <string.h>

#define USCC_LEN 18
#define USCC_MODULUS 31

bool uscc_valid(const char *text)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    unsigned weight = 1; /* 3^i mod 31 */
    unsigned sum = 0;

    if (strlen(text) != USCC_LEN || strspn(text, alphabet) != USCC_LEN)
        return false;
    for (size_t i = 0; i < USCC_LEN - 1; i++) {
        sum += (unsigned)(strchr(alphabet, text[i]) - alphabet) * weight;
        weight = weight * 3 % USCC_MODULUS;
    }
    return text[USCC_LEN - 1] ==
           alphabet[(USCC_MODULUS - sum % USCC_MODULUS) % USCC_MODULUS];
}
