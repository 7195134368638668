/*
 * credentials.h - what a platform issued to us, on disk.
 *
 *   DIR/NAME.json     issued credentials (deviceId, apiKey, uploadTime ...)
 *   DIR/NAME.key.pem  our own RSA key, when the bridge made it
 *
 * Both have mode 0600 and are replaced in one durable step.  They are not in
 * the store, so that a copy of the store holds no secret.
 */
#ifndef SAMPAN_CREDENTIALS_H
#define SAMPAN_CREDENTIALS_H

#include "platform.h"

/* Read both; what is not there is left empty.  FORMAT: the JSON is damaged
 * (the file is kept), IO. */
MUST_CHECK enum status credentials_load(const char *folder, const char *name,
                                        struct session *session);
MUST_CHECK enum status credentials_save(const char *folder, const char *name,
                                        const struct session *session);
/* Make an RSA key and keep it; nothing when there is one. */
MUST_CHECK enum status credentials_key_make(const char *folder,
                                            const char *name,
                                            struct session *session);
void credentials_forget(struct session *session); /* memory only, wiped */

#endif
