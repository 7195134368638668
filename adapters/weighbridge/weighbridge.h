/*
 * weighbridge.h - sampan-weighbridge as a program: its settings, its scales,
 * its probe.  Apart from main, so that tests link it.
 */
#ifndef SAMPAN_WEIGHBRIDGE_H
#define SAMPAN_WEIGHBRIDGE_H

#include "program.h"

/* Its protocols are known at run time only. */
struct program weighbridge_program(void);

#endif
