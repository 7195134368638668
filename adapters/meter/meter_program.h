/*
 * meter_program.h - sampan-meter as a program: its settings, its buses, its
 * probe.  Apart from main, so that tests link it.
 */
#ifndef SAMPAN_METER_PROGRAM_H
#define SAMPAN_METER_PROGRAM_H

#include "program.h"

extern const struct program meter_program;

#endif
