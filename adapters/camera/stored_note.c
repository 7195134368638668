#include "stored_note.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define NAMES_MAX ((size_t)64 << 10)

static bool path_of(const char *folder, const char *id,
                    char path[static PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/stored-%s", folder, id) < PATH_MAX;
}

enum status stored_note_write(const char *folder, const char *id,
                              struct span names)
{
    char path[PATH_MAX];

    return path_of(folder, id, path) ? bytes_write_file(path, names, 0600)
                                     : STATUS_INVALID;
}

enum status stored_note_read(const char *folder, const char *id,
                             struct bytes *names)
{
    char path[PATH_MAX];

    return path_of(folder, id, path) ? bytes_read_file(names, path, NAMES_MAX)
                                     : STATUS_INVALID;
}

void stored_note_remove(const char *folder, const char *id)
{
    char path[PATH_MAX];

    if (path_of(folder, id, path))
        unlink(path);
}
