/*
 * outbox_show.h - what an adapter's outbox holds, for people:
 *
 *     sampan-camera -c camera.yaml --outbox [--content]
 *
 * prints one JSON object a line, first what waits for the bridge, then what
 * the bridge refused (the newest 1000), each oldest first:
 *
 *     state      "kept" or "rejected"
 *     device leaf event_id time revision    as in the message to the bridge
 *     kept_at    when it came
 *     bytes      of its content
 *     reason     of a rejected one
 *     damaged    true: its record is not what was written; then there are only
 *                state, bytes and reason
 *     content    with --content: its members, or the raw bytes as hex
 *
 * The adapter may be running; nothing is changed.
 */
#ifndef SAMPAN_OUTBOX_SHOW_H
#define SAMPAN_OUTBOX_SHOW_H

#include <stdbool.h>

/* The exit code: 0 also when nothing was ever kept in folder. */
int outbox_show(const char *folder, bool content);

#endif
