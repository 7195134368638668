/*
 * codes.h - check digits of codes that several platforms ask for.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_CODES_H
#define SAMPAN_CODES_H

#include <stdbool.h>

/*
 * Whether text is a unified social credit code of GB 32100: 18 characters of
 * its alphabet (no I, O, S, V, Z; capitals only) with a correct last one.
 * The region inside is not looked at: it is the one of the registration and
 * may long be abolished.
 */
bool uscc_valid(const char *text);

#endif
