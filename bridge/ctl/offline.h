/*
 * offline.h - what sampanctl does on the box itself, without the bridge.
 */
#ifndef SAMPAN_OFFLINE_H
#define SAMPAN_OFFLINE_H

#include <stdbool.h>

/* Print every delivery and event of a stopped bridge's store, one JSON object
 * a line.  The exit code. */
int offline_dump(const char *store);

/*
 * Put a backup (of the verb backup) back: credentials and keys into the state
 * folder, counters into counters.json there, which the bridge takes over at
 * its next start, 1000 ahead so that no number comes twice.  Existing files
 * are kept unless force.  The bridge must be stopped.
 */
int offline_restore(const char *backup, const char *state_folder, bool force);

#endif
