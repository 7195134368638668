/*
 * lanes.h - which lane of the settings a message is about, and when.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_LANES_H
#define SAMPAN_LANES_H

#include "config.h"
#include "message.h"

/* NULL when there is none. */
const struct lane_config *lane_named(const struct config *config,
                                     const char *name);
const struct lane_config *lane_of_capture(const struct config *config,
                                          const struct message *message);
/* The next lane, from *at on, that the weight may belong to. */
const struct lane_config *lane_of_weight(const struct config *config,
                                         const struct message *message,
                                         unsigned *at);
/* Does any lane want what this device says?  Otherwise it is UNROUTED. */
bool lane_wants(const struct config *config, const struct message *message);

/* The device's time, or that of receipt when it cannot be. */
int64_t lane_instant(const struct message *message);

#endif
