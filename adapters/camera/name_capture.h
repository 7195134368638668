/*
 * name_capture.h - a passage from what the names of its files say.  Pure.
 */
#ifndef SAMPAN_NAME_CAPTURE_H
#define SAMPAN_NAME_CAPTURE_H

#include "capture.h"
#include "name_pattern.h"

/* Without pictures.  False: no memory, and there is nothing to free. */
bool name_capture(const struct name_facts *facts, struct capture *capture);

#endif
