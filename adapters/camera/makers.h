/*
 * makers.h - what differs between the makers: where they post, what they post,
 * how it is decoded, and what they want to hear.  Pure; any thread.
 */
#ifndef SAMPAN_MAKERS_H
#define SAMPAN_MAKERS_H

#include "intake.h"

/* Does this maker's camera post to path? */
bool maker_has_path(const struct listen_config *listen, int maker,
                    const char *path);
/* Does it send such a Content-Type (NULL: none told)? */
bool maker_has_type(int maker, const char *content_type);
/* The types, for a person: "application/json". */
const char *maker_types(int maker);

/* One event of message from *at on (0 at first), which is moved behind it.
 * False: fault tells why, capture holds nothing. */
bool maker_decode(const struct intake_message *message, size_t *at,
                  struct capture *capture, struct decode_fault *fault);

struct answer {
    unsigned code; /* of HTTP */
    const char *type;
    struct bytes body;
};

/*
 * What the camera is answered.  KEPT, NOTED and BAD: that it is done with, so
 * that it does not send it again.  LATER: 503.  STRANGER: 403.  NOMEM.
 *
 * No answer opens a barrier: whether a vehicle may pass is not asked here
 * (docs/topics.md has rpc/check for that).
 */
MUST_CHECK enum status maker_answer(int maker,
                                    const struct camera_config *camera,
                                    const struct capture *capture,
                                    enum outcome outcome,
                                    struct answer *answer);

#endif
