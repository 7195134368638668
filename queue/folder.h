/*
 * folder.h - the store's folder: its lock, and renaming and removing what is
 * in it so that a crash at any step leaves something that can be finished.
 */
#ifndef SAMPAN_QUEUE_FOLDER_H
#define SAMPAN_QUEUE_FOLDER_H

#include <stdint.h>

#include "bytes.h"

#define FOLDER_PATH_MAX 512

/* "DIR/NAME.SUFFIX"; ".SUFFIX" only when suffix is not "".  INVALID: too
 * long. */
MUST_CHECK enum status folder_path(char path[static FOLDER_PATH_MAX],
                                   const char *folder, const char *name,
                                   const char *suffix);
bool folder_there(const char *path);
/* With its parents, mode 0700.  IO, FULL. */
MUST_CHECK enum status folder_make(const char *path);
/* Make renames in it durable. */
MUST_CHECK enum status folder_sync(const char *path);
/* A folder of files; nothing there is OK. */
MUST_CHECK enum status folder_remove(const char *path);
MUST_CHECK enum status folder_rename(const char *folder, const char *from,
                                     const char *to);
/* Rename path to path.set-aside-TIME; aside gets the new path. */
MUST_CHECK enum status folder_set_aside(const char *folder, const char *path,
                                        int64_t now_ms,
                                        char aside[static FOLDER_PATH_MAX]);
/* Lock DIR/lock; shared for readers, who do not make it.  BUSY, IO,
 * NOT_FOUND. */
MUST_CHECK enum status folder_lock(const char *folder, bool shared, int *fd);

#endif
