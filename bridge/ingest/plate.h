/*
 * plate.h - number plates as they are compared: without blanks and middle
 * dots, Latin letters in capitals.  Cameras and clerks write them in all
 * these ways.
 */
#ifndef SAMPAN_PLATE_H
#define SAMPAN_PLATE_H

#define PLATE_MAX 96 /* 20 characters of at most 4 bytes, and the NUL */

/* text may be NULL: an empty plate. */
void plate_read(const char *text, char plate[static PLATE_MAX]);

/* The colours a plate can have; NULL ends the list. */
extern const char *const plate_colors[];

#endif
