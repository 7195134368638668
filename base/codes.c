#include "codes.h"

#include <string.h>

#define USCC_MODULUS 31
#define ORGANISATION_LEN 9

/* The place of c in alphabet, or -1. */
static int place(const char *alphabet, char c)
{
    const char *at = c == 0 ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

char uscc_check(const char *text)
{
    int weight = 1; /* 3^i mod 31 */
    int sum = 0;

    for (int i = 0; i < USCC_LEN - 1; i++) {
        int value = place(USCC_ALPHABET, text[i]);

        if (value < 0)
            return 0;
        sum += value * weight;
        weight = weight * 3 % USCC_MODULUS;
    }
    return USCC_ALPHABET[(USCC_MODULUS - sum % USCC_MODULUS) % USCC_MODULUS];
}

bool uscc_valid(const char *text)
{
    char check = uscc_check(text);

    return check != 0 && text[USCC_LEN - 1] == check && text[USCC_LEN] == 0;
}

char organisation_check(const char *text)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char checks[] = "0X987654321"; /* of sum mod 11 */
    static const int weights[ORGANISATION_LEN - 1] = {3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;

    for (int i = 0; i < ORGANISATION_LEN - 1; i++) {
        int value = place(alphabet, text[i]);

        if (value < 0)
            return 0;
        sum += value * weights[i];
    }
    return checks[sum % 11];
}

char vin_check(const char *text)
{
    /* Of VIN_ALPHABET, place by place. */
    static const char values[] = "012345678912345678123457923456789";
    static const int weights[VIN_LEN] = {8, 7, 6, 5, 4, 3, 2, 10, 0,
                                         9, 8, 7, 6, 5, 4, 3, 2};
    static const char checks[] = "0123456789X";
    int sum = 0;

    for (int i = 0; i < VIN_LEN; i++) {
        int at = place(VIN_ALPHABET, text[i]);

        if (at < 0)
            return 0;
        sum += (values[at] - '0') * weights[i];
    }
    return checks[sum % 11];
}

bool luhn_holds(const char *text)
{
    size_t len = strlen(text);
    int sum = 0;

    for (size_t i = 0; i < len; i++) {
        int digit = text[len - 1 - i] - '0';

        if (i % 2 == 1)
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}
