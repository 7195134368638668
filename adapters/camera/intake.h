/*
 * intake.h - from what a camera said to an event on disk.
 *
 *   message --decode--> capture --which camera--> event --courier_put--> KEPT
 *
 * Every way in ends here: HTTP pushes, MQTT pushes, uploaded files.  A message
 * that cannot be decoded is put aside (the newest 50, in bad/ below the
 * outbox) and counted: sending it again would cure nothing.
 *
 * Messages above 2 MiB, and pictures to be made smaller, are worked on one at
 * a time, so that memory stays bounded.
 *
 * Any thread may call any function.
 */
#ifndef SAMPAN_INTAKE_H
#define SAMPAN_INTAKE_H

#include "roster.h"

enum outcome {
    OUTCOME_KEPT,     /* on disk, or it was there before */
    OUTCOME_NOTED,    /* nothing to keep: a heartbeat ... */
    OUTCOME_BAD,      /* cannot be decoded; put aside */
    OUTCOME_STRANGER, /* of a camera that is not in the settings */
    OUTCOME_LATER,    /* not kept: full, or the disk failed; ask again */
};

struct intake;

struct intake_options {
    const struct cameras_config *config;
    struct courier *courier;
    const struct clock *clock;
    struct roster *roster;
};

/* What options name is borrowed until the close.  IO, NOMEM. */
MUST_CHECK enum status intake_open(const struct intake_options *options,
                                   struct intake **intake);
void intake_close(struct intake *intake);

/* Who may have sent a message, and how it came. */
struct intake_message {
    const struct camera_config *const *cameras; /* of one maker; 1 and more */
    size_t camera_count;
    const char *path;         /* of HTTP; NULL over MQTT */
    const char *content_type; /* or NULL */
    struct span body;
};

/*
 * Decode and keep all that message holds: one event that cannot be decoded, or
 * of a camera that is not known, keeps none of the others out.  *capture gets
 * the last of it for the answer, without its pictures (empty and of kind OTHER
 * when there was none); *camera who sent it, or NULL.  The caller frees
 * capture.
 */
MUST_CHECK enum outcome intake_take(struct intake *intake,
                                    const struct intake_message *message,
                                    const struct camera_config **camera,
                                    struct capture *capture);

/* Keep a capture that is there already; its pictures are used up. */
MUST_CHECK enum outcome intake_keep(struct intake *intake,
                                    const struct camera_config *camera,
                                    struct capture *capture,
                                    struct span message);

#endif
