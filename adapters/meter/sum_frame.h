/*
 * sum_frame.h - the frame that DL/T 645 and CJ/T 188 share.
 *
 *     [FE ..] 68 .. LENGTH data.. SUM 16
 *
 * SUM is that of all bytes from 68 on, modulo 256; LENGTH counts the data.
 * Pure; any thread.
 */
#ifndef SAMPAN_SUM_FRAME_H
#define SAMPAN_SUM_FRAME_H

#include "decode.h"
#include "scan.h"

#define SUM_FRAME_START 0x68
#define SUM_FRAME_END 0x16
#define SUM_FRAME_PREAMBLE 0xFE
#define SUM_FRAME_PREAMBLES 4 /* in front of what we send */

struct sum_frame_form {
    size_t length_at; /* from 68 */
    /* Whether rest, which begins with 68, may begin a frame, as far as it
     * goes. */
    bool (*may_begin)(struct span rest);
    const char *start; /* how one begins, in words */
};

/* The first whole frame in bytes (scan.h): *at and *size of FRAME, *at of
 * MORE. */
enum scan sum_frame_scan(struct span bytes, const struct sum_frame_form *form,
                         size_t *at, size_t *size, struct decode_fault *fault);

/* Write SUM and 16 behind the first len bytes of a frame; its size then. */
size_t sum_frame_close(uint8_t *frame, size_t len);

#endif
