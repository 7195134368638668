/*
 * bridge.h - the whole daemon: everything opened, introduced to each other,
 * run and closed again.
 */
#ifndef SAMPAN_BRIDGE_H
#define SAMPAN_BRIDGE_H

#include "config.h"

/*
 * Run until SIGTERM or SIGINT, which the caller has blocked in every thread.
 * A graceful stop takes no more from the broker, ends what is in flight
 * within 3 s and commits everything; at most 5 s in all.
 */
MUST_CHECK enum status bridge_run(const struct config *config);

/* Where credentials and health.json live: config->state_folder, or a folder
 * `state` beside the store. */
void bridge_state_folder(const struct config *config, char *path, size_t size);

#endif
