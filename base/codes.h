/*
 * codes.h - check characters of codes that stand on papers, plates and cards.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_CODES_H
#define SAMPAN_CODES_H

#include <stdbool.h>

#define USCC_LEN 18
#define USCC_ALPHABET "0123456789ABCDEFGHJKLMNPQRTUWXY" /* no I O S V Z */
#define VIN_LEN 17
#define VIN_CHECK_AT 8
#define VIN_ALPHABET "0123456789ABCDEFGHJKLMNPRSTUVWXYZ" /* no I O Q */

/*
 * The last character that the first 17 of a unified social credit code
 * (GB 32100) ask for; 0: one of them is not of USCC_ALPHABET.  The region
 * inside is not looked at: it is the one of the registration and may long be
 * abolished.
 */
char uscc_check(const char *text);
/* Whether text is one: 18 characters, the last as it must be. */
bool uscc_valid(const char *text);

/* The last character of an organisation code (GB 11714: 9 characters, the
 * credit code's 9th to 17th) that its first 8 ask for; 0: not of 0-9 A-Z. */
char organisation_check(const char *text);

/*
 * The character that the other 16 of a vehicle identification number
 * (GB 16735) ask for in place VIN_CHECK_AT, counted from 0; 0: one of the 17
 * is not of VIN_ALPHABET.  Imported and some special vehicles do not follow
 * it.
 */
char vin_check(const char *text);

/* Whether the digits of text, the last one their check, hold by ISO/IEC 7812-1
 * (Luhn).  Digits only. */
bool luhn_holds(const char *text);

#endif
