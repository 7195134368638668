/*
 * admission.h - may this request be read, and who may have sent it?  Decided
 * from its head, before a byte of the body is kept.
 *
 *   address of no camera          403      too large, as it says    413
 *   not POST                      405      login wrong or absent    401
 *   no camera there posts to it   404      (the listener's own: 503)
 *   not a type of that maker      415
 *
 * Any thread.
 */
#ifndef SAMPAN_ADMISSION_H
#define SAMPAN_ADMISSION_H

#include "roster.h"

struct request_head {
    const struct sockaddr *peer;
    const char *method;
    const char *path;
    const char *content_type;   /* or NULL */
    const char *content_length; /* or NULL; as the peer says, not believed */
};

#define ADMISSION_WHY_MAX 200

struct admission {
    unsigned code; /* 0: read it */
    char why[ADMISSION_WHY_MAX];
    int maker;
    size_t camera_count; /* of those that may have sent it */
};

/* cameras has room for all cameras of the settings. */
void admission_check(const struct cameras_config *config,
                     const struct roster *roster,
                     const struct request_head *head,
                     const struct camera_config **cameras,
                     struct admission *admission);

#endif
