/*
 * passage.h - what all makers' passages have in common.
 */
#ifndef SAMPAN_PASSAGE_H
#define SAMPAN_PASSAGE_H

#include "capture.h"
#include "notes.h"
#include "plate.h"

/*
 * A passage whose plate the camera read as text, in a colour of ours ("": not
 * said).  Sets kind, plate and color of capture; notes "plate" (null: none),
 * "color", "plate_shape", "new_energy" and, when a Chinese plate cannot be
 * what was read, "plate_doubt".  plate: what its shape is.
 */
void passage_plate(struct capture *capture, struct notes *notes,
                   struct span text, const char *color, struct plate *plate);

/* "utc" and "local_cst" of capture->at_ms. */
void passage_time(const struct capture *capture, struct notes *notes);

/* A picture that was found; what is wrong with it is noted in
 * "picture_faults" and is no reason to drop the passage. */
void passage_picture(struct capture *capture, struct notes *notes,
                     enum capture_part part, const char *name,
                     struct span jpeg);

/* An empty capture to decode into; false: a fault. */
bool passage_begin(struct capture *capture, struct notes *notes,
                   struct decode_fault *fault);
/* Ends every decoder: frees capture unless nothing is wrong. */
bool passage_end(struct capture *capture, const struct notes *notes,
                 struct decode_fault *fault);

#endif
