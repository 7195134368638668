/*
 * aside.h - a folder of what could not be used, for a person to look at: the
 * newest few, each cut at a size.
 *
 * Any thread.
 */
#ifndef SAMPAN_ASIDE_H
#define SAMPAN_ASIDE_H

#include <stdint.h>

#include "bytes.h"

#define ASIDE_FILES_MAX 50
#define ASIDE_FILE_MAX ((size_t)8 << 20)

struct aside;

/* The folder is made when absent.  IO, NOMEM. */
MUST_CHECK enum status aside_open(const char *folder, struct aside **aside);
void aside_close(struct aside *aside);

/* Keep content as TIME-WHO.EXTENSION; the oldest above the limit go.  who and
 * extension: letters, digits, _ and -.  name gets the file's.  IO. */
#define ASIDE_NAME_MAX 128
MUST_CHECK enum status aside_put(struct aside *aside, int64_t now_ms,
                                 const char *who, const char *extension,
                                 struct span content,
                                 char name[static ASIDE_NAME_MAX]);

/* Leave the newest of keep files in the open folder: by name, which begins
 * with the time. */
void aside_trim(int folder, size_t keep);

#endif
