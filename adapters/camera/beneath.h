/*
 * beneath.h - files below a folder that others may write into.
 *
 * Whoever uploads could put a link where a file or folder was a moment ago.
 * So no link below the folder is ever followed, at any level of a path, and
 * nothing outside it is opened, moved or removed.  The folder itself may be
 * one: it is the operator's word.
 *
 * Any thread.  errno tells why.
 */
#ifndef SAMPAN_BENEATH_H
#define SAMPAN_BENEATH_H

#include <stdbool.h>
#include <stddef.h>

/* To read it, and never waiting (a pipe); -1: it cannot be, or is a link. */
int beneath_open(const char *top, const char *path);
/* True: it is gone, also when it was before. */
bool beneath_remove(const char *top, const char *path);
/* Into the folder below, right in top and made when absent, as name. */
bool beneath_move(const char *top, const char *path, const char *below,
                  const char *name);
/* Leave the newest of keep files there: by name, which begins with the time. */
void beneath_trim(const char *top, const char *below, size_t keep);

#endif
