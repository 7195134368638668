/*
 * picture.h - JPEG pictures in records: checked, referred to, written out.
 *
 * In a record a picture is either a string (Base64 of a JPEG, with or without
 * "data:image/jpeg;base64," in front) or a reference to such a string in a
 * stored event: {"$event": 4711, "pointer": "/pictures/0/jpeg"}.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_PICTURE_H
#define SAMPAN_PICTURE_H

#include <jansson.h>

#include "bytes.h"
#include "platform.h"

/* Henan 4.1.5: 1 MB, read as 10^6; the other platforms name no limit. */
#define PICTURE_BYTES_MAX 1000000

enum picture_form {
    PICTURE_DATA_URI, /* data:image/jpeg;base64,... */
    PICTURE_BASE64,   /* ... */
    PICTURE_RAW,      /* the JPEG itself */
};

/* Whether value is a reference; event and pointer (borrowed from value) may
 * be NULL. */
bool picture_reference(const json_t *value, uint64_t *event,
                       const char **pointer);

/* NULL when text is a picture that can be sent, else what is wrong with it
 * ("is not Base64", ...): static. */
const char *picture_fault(struct span text);

/*
 * Append the picture that value is or refers to.  INVALID: it is none or too
 * large; what lookup says; NOMEM.  words: name and reason.
 */
MUST_CHECK enum status picture_append(const char *name, const json_t *value,
                                      const struct lookup *lookup,
                                      enum picture_form form, struct bytes *to,
                                      char words[static 256]);

/*
 * Append record (an object) as compact JSON, its references replaced by the
 * pictures in the given form (not PICTURE_RAW).  Only top-level members are
 * looked at.  Fails as picture_append does.
 */
MUST_CHECK enum status picture_write_record(const json_t *record,
                                            const struct lookup *lookup,
                                            enum picture_form form,
                                            struct bytes *to,
                                            char words[static 256]);

#endif
