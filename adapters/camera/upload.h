/*
 * upload.h - all watched folders, in a thread of its own: told by inotify of
 * what happens right below each, and looking by itself every scan_s.
 */
#ifndef SAMPAN_UPLOAD_H
#define SAMPAN_UPLOAD_H

#include "intake.h"

struct upload;

struct upload_options {
    const struct cameras_config *config;
    const struct clock *clock;
    struct intake *intake;
    int stop_fd; /* readable: end */
};

/* *upload stays NULL when no camera has a folder.  IO, NOMEM. */
MUST_CHECK enum status upload_open(const struct upload_options *options,
                                   struct upload **upload);
/* After stop_fd is readable: waits for the passage in hand. */
void upload_close(struct upload *upload);

#endif
