/*
 * stored_note.h - which uploaded files are on disk as an event and still to be
 * taken away: noted first, so that a kill in between doubles nothing.
 *
 * One note a camera, FOLDER/stored-ID.  One thread a camera.
 */
#ifndef SAMPAN_STORED_NOTE_H
#define SAMPAN_STORED_NOTE_H

#include "bytes.h"

/* names: paths, each with a NUL behind it.  IO: without the note a kill gives
 * a repeat, or an edition with fewer pictures, which changes nothing. */
MUST_CHECK enum status stored_note_write(const char *folder, const char *id,
                                         struct span names);
/* NOT_FOUND: there is none.  The caller frees names. */
MUST_CHECK enum status stored_note_read(const char *folder, const char *id,
                                        struct bytes *names);
void stored_note_remove(const char *folder, const char *id);

#endif
