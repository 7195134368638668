/*
 * camera.h - the program sampan-camera, for main and for tests.
 */
#ifndef SAMPAN_CAMERA_H
#define SAMPAN_CAMERA_H

#include "program.h"

/* Fills program; its tables are static. */
void camera_program(struct program *program);

#endif
