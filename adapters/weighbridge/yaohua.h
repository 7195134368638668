/*
 * yaohua.h - asking a Yaohua XK3190 in command mode (tF = 1).
 *
 *   02 address command check check 03      address A .. Z
 *
 * A asks whether it is there, B for the gross weight.  The commands that
 * change something (H sets zero) are never sent by Sampan.
 */
#ifndef SAMPAN_YAOHUA_H
#define SAMPAN_YAOHUA_H

#include <stdint.h>

#define YAOHUA_ASK_BYTES 6
#define YAOHUA_HANDSHAKE 'A'
#define YAOHUA_GROSS 'B'

/* address: 'A' .. 'Z'. */
void yaohua_ask(char address, char command,
                uint8_t out[static YAOHUA_ASK_BYTES]);

#endif
