/*
 * folder.h - one upload folder: files that an FTP server writes become events.
 *
 *   seen --stands still--> whole --all of its passage--> kept --> removed, or
 *     |                                                           in done/
 *     +--> bad/: fits no pattern, is no JPEG, too large, no regular file
 *
 * A file is whole when the server closed it (folder_closed) or when its size
 * and date have not changed for settle_s; one that does not end as a JPEG must
 * stand still ten times as long.  Files of one passage (the same {key}, else
 * the same plate and time) become one event, join_s after the last of them is
 * whole; one that comes later still becomes an edition.
 *
 * Only what the intake has kept is taken away.  What is to be taken away is
 * first noted in the outbox's folder (stored-ID), so that a kill in between
 * doubles nothing.
 * Names that begin with a dot are the server's own and are left alone.
 *
 * One thread.  Times are passed in.
 */
#ifndef SAMPAN_FOLDER_H
#define SAMPAN_FOLDER_H

#include "intake.h"

struct folder;

struct folder_options {
    const struct cameras_config *config;
    const struct camera_config *camera;
    struct intake *intake;
};

/* Borrows what options name until the close.  NOMEM. */
MUST_CHECK enum status folder_open(const struct folder_options *options,
                                   struct folder **folder);
void folder_close(struct folder *folder);

/* The server has closed the file of this name right below the folder. */
void folder_closed(struct folder *folder, const char *name);

/* Look at all files, do what is due.  steady_ms: for waiting; wall_ms: for the
 * names in bad/ and done/.  How many files wait. */
size_t folder_step(struct folder *folder, int64_t steady_ms, int64_t wall_ms);

#endif
