/*
 * picture_fit.h - a JPEG made small enough, by libjpeg-turbo.
 *
 * First with less quality, then with fewer pixels, line by line, so that the
 * memory it takes does not grow with the picture.  The bytes come from the
 * network: a damaged file gives what could be read of it, and one that claims
 * to be huge, or makes the decoder gather or work too much, is refused.
 *
 * Pure; any thread, but one at a time keeps memory low.
 */
#ifndef SAMPAN_PICTURE_FIT_H
#define SAMPAN_PICTURE_FIT_H

#include "bytes.h"

#define PICTURE_SIDE_MAX 16384         /* pixels */
#define PICTURE_PIXELS_MAX (40u << 20) /* of a whole picture */
#define PICTURE_MEMORY_MAX (48l << 20) /* what a progressive one may gather */
#define PICTURE_SCANS_MAX 64           /* passes over a progressive one */

/* Does it begin as a JPEG: FF D8 FF? */
bool picture_is_jpeg(struct span jpeg);

/*
 * *fitted gets the picture in at most limit_bytes.
 *
 * FORMAT: it cannot be decoded, or takes too much.  DENIED: more pixels than
 * the limits here.  INVALID: not even the smallest step fits.  NOMEM.
 */
MUST_CHECK enum status picture_fit(struct span jpeg, size_t limit_bytes,
                                   struct bytes *fitted);

#endif
