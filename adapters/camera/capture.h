/*
 * capture.h - what one message of a camera says, whatever its maker.
 *
 * A decoder (vz.h, isapi.h, dahua.h) fills one; the program turns a PASSAGE
 * into an event of docs/topics.md.  Codes of the makers end here: colours are
 * Sampan's words, never numbers (VZ's 1 is Henan's 0).
 */
#ifndef SAMPAN_CAPTURE_H
#define SAMPAN_CAPTURE_H

#include <jansson.h>

#include "decode.h"

enum capture_kind {
    CAPTURE_PASSAGE,      /* a vehicle was seen, with or without a plate */
    CAPTURE_HEARTBEAT,    /* the camera lives */
    CAPTURE_REGISTRATION, /* it introduces itself (may hold a password) */
    CAPTURE_SERIAL,       /* bytes of its RS-485 port */
    CAPTURE_OTHER,        /* an I/O change, a snapshot, another event type */
};

enum capture_part { PART_SCENE, PART_PLATE, PART_HEAD, PART_BODY };

struct capture_picture {
    enum capture_part part;
    char name[32];     /* as its maker calls it: "vehiclePicture.jpg" */
    struct bytes jpeg; /* begins with FF D8; not looked at further */
};

#define CAPTURE_PICTURES_MAX 8

/* Texts are whole UTF-8 and "" when absent. */
struct capture {
    enum capture_kind kind;
    char device[64];   /* serialno, MAC or DeviceID: the camera's identity */
    char key[128];     /* the camera's own id of the event (plateid, UUID ...),
                          the same when it is sent again; "": it has none */
    char plate[32];    /* without a colour's prefix; "": none was read */
    char color[16];    /* "blue" ... as in docs/topics.md; "": not said */
    char movement[16]; /* the maker's word: "forward", "left", "obverse" */
    char trigger[24];  /* "automatic", "io-input" ... */
    double confidence; /* 0 .. 100; NAN: not said */
    unsigned lane;     /* 0: not said */
    int64_t at_ms;     /* by the camera's clock; 0: not said */
    bool history;      /* sent late: never opens a barrier */
    struct capture_picture pictures[CAPTURE_PICTURES_MAX];
    size_t picture_count;
    json_t *details; /* every decoded field, named as in the vectors: what
                        --decode prints, and what support wants to see */
};

/* An empty capture of kind OTHER; details is an empty object. */
MUST_CHECK enum status capture_make(struct capture *capture);
/* Frees the pictures and details; capture may be all zero. */
void capture_free(struct capture *capture);

/*
 * Append a picture (a copy).  INVALID: it does not begin as a JPEG, or there
 * are CAPTURE_PICTURES_MAX already; the passage stands without it.  NOMEM.
 */
MUST_CHECK enum status capture_add_picture(struct capture *capture,
                                           enum capture_part part,
                                           const char *name, struct span jpeg);

#endif
