/*
 * model.h - the languages of weighing indicators.
 *
 * Each is a row: how a frame is recognised, and how --decode prints it.  Which
 * one an indicator speaks is a setting: `=` and 02 begin several incompatible
 * formats, and what looks like one may be another.
 *
 * Pure: bytes in, values out.
 */
#ifndef SAMPAN_MODEL_H
#define SAMPAN_MODEL_H

#include "decode.h"
#include "scan.h"
#include "weight.h"

/* No frame of any model is longer. */
#define SCALE_FRAME_MAX 48

enum scale_check { CHECK_MAYBE, CHECK_SENT, CHECK_NONE };

/* What the frames themselves do not tell. */
struct scale_options {
    enum scale_check check; /* mt-continuous: a check behind the CR? */
};

enum match {
    MATCH_WHOLE,
    MATCH_MORE, /* it may become a frame; fault says what is missing */
    MATCH_BAD,  /* it never will; fault says why */
};

struct scale_model {
    const char *name; /* of the setting `model`, and for --decode */
    const char *about;
    bool text;    /* its frames are text, and a blank or line end between them
                     is nothing */
    bool checked; /* its frames carry a check; otherwise a frame counts only
                     when it is as long as the one before it */
    bool whole;   /* --decode prints a value without places as an integer */
    /*
     * Is there a frame at the start of bytes (not empty)?  last: no byte will
     * follow.  WHOLE: *size and *weight are set.
     */
    enum match (*match)(struct span bytes, bool last,
                        const struct scale_options *options, size_t *size,
                        struct weight *weight, struct decode_fault *fault);
    /* Add what --decode prints beside the weight; NULL: nothing more.  False:
     * no memory. */
    bool (*describe)(struct span frame, const struct weight *weight,
                     json_t *object);
};

extern const struct scale_model yaohua_continuous, yaohua_command;
extern const struct scale_model yaohua_d2, xk3118t1, yaohua_a12, st_gs,
    slash_index, scale_ascii;
extern const struct scale_model mt_continuous, big_display;

/* The models that the setting may name; NULL: none of them. */
const struct scale_model *scale_model_find(const char *name);
/* By number, for those who try them all; NULL behind the last. */
const struct scale_model *scale_model_at(size_t index);

/* ---- scanning ----------------------------------------------------------- */

struct scale_frame {
    size_t noise; /* bytes in front of it that are no frame */
    size_t size;
    size_t bad_checks; /* frames with a wrong check within the noise */
    struct weight weight;
};

/* As scan.h says.  last: no byte will follow. */
enum scan scale_scan(const struct scale_model *model,
                     const struct scale_options *options, struct span bytes,
                     bool last, struct scale_frame *frame,
                     struct decode_fault *fault);

/* Bytes at the start of text that lie between its frames: blanks, line ends. */
size_t scale_blanks(const struct scale_model *model, struct span bytes);

/* ---- reading a line ----------------------------------------------------- */

/*
 * Frames out of a line that is noisy, torn, doubled or joined in the middle.
 * All zero but model and options is a reader at its beginning.
 */
struct scale_reader {
    const struct scale_model *model;
    struct scale_options options;
    uint8_t buffer[512];
    size_t len;
    size_t last_size;    /* of the frame before, in models without a check */
    uint64_t frames;     /* given out */
    uint64_t noise;      /* bytes that were in no frame */
    uint64_t bad_checks; /* frames that were refused for their check */
    uint64_t odd;        /* whole frames, refused for their length */
    uint8_t raw[SCALE_FRAME_MAX]; /* the frame that was given out last */
    size_t raw_size;
};

/* Copies as much of bytes as there is room for; the number of bytes taken.
 * There is room for all of 256 bytes after scale_reader_next said no. */
size_t scale_reader_put(struct scale_reader *reader, struct span bytes);
/* False: no whole frame is left.  last: the line has been silent for longer
 * than a frame's pause, so what is there is all. */
bool scale_reader_next(struct scale_reader *reader, bool last,
                       struct weight *weight);
/* What came before a break of the line has nothing to do with what comes. */
void scale_reader_forget(struct scale_reader *reader);

#endif
