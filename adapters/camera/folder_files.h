/*
 * folder_files.h - the files of a folder, as they were found last.
 *
 * At most FILES_MAX are looked at together; more are found when those are gone.
 * One thread.
 */
#ifndef SAMPAN_FOLDER_FILES_H
#define SAMPAN_FOLDER_FILES_H

#include <sys/stat.h>

#include "bytes.h"

#define FILES_MAX 1000
#define FILES_DEPTH_MAX 5 /* folders below the watched one */
#define FILE_PATH_MAX 512 /* below the watched folder */

enum file_state {
    FILE_NEW,   /* not looked at yet */
    FILE_WAITS, /* fits a pattern */
    FILE_KEPT,  /* as an event, and still to be taken away */
    FILE_BAD,   /* of no use, and still to be put into bad/ */
};

struct found_file {
    char path[FILE_PATH_MAX];
    off_t size;
    int64_t changed_ns; /* its date */
    ino_t inode;
    bool regular;
    bool found;       /* in the last scan */
    bool closed;      /* by the server, since it changed last */
    int64_t since_ms; /* it has been so (steady) */
    enum file_state state;
    unsigned pattern; /* of the camera's files; for FILE_WAITS */
    uint64_t passage; /* a hash: the same for all files of a passage */
};

struct found_files {
    struct found_file *all; /* FILES_MAX */
    size_t count;
};

MUST_CHECK enum status files_make(struct found_files *files);
void files_free(struct found_files *files);
/* NULL: it is not known. */
struct found_file *files_find(struct found_files *files, const char *path);
/* Read the folder again: new ones appear, changed ones begin anew, those that
 * are gone go.  bad/ and done/ right below it and names with a dot in front
 * are passed over; folders below it that are named by a date (digits, '-', '_')
 * and have been empty for a day are removed.  IO. */
MUST_CHECK enum status files_scan(struct found_files *files, const char *top,
                                  int64_t steady_ms, int64_t wall_ms);

#endif
