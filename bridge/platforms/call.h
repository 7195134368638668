/*
 * call.h - what the platforms' calls share: the address of an interface, the
 * words of an answer, and the tables that turn both into a verdict.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_CALL_H
#define SAMPAN_CALL_H

#include <jansson.h>

#include "config.h"
#include "platform.h"

/* The interface's path: the destination's `paths` setting, else its own. */
const char *call_path(const struct destination_config *destination,
                      const struct interface *interface);
/* base_url + "/" + path, appended to url. */
MUST_CHECK enum status call_url(const struct destination_config *destination,
                                const struct interface *interface,
                                struct bytes *url);
/* Add the header "name: value".  INVALID: a control character in value. */
MUST_CHECK enum status call_header(struct request *request, const char *name,
                                   struct span value);

/* A row of a platform's table of words. */
struct call_pattern {
    const char *contains; /* NULL ends the table; ASCII in any case */
    enum verdict verdict;
};
/* The first row that text contains; false when none does. */
bool call_match(const struct call_pattern *patterns, struct span text,
                enum verdict *verdict);
/* The same over the destination's `patterns` setting. */
bool call_match_settings(const struct destination_config *destination,
                         struct span text, enum verdict *verdict);

/*
 * What an HTTP status alone says: 2xx ACCEPTED, 401 RENEW, 400 413 422
 * REFUSED, 408 425 429 5xx BUSY, 403 404 405 FAULT, 409 DUPLICATE, others
 * UNKNOWN.
 */
enum verdict call_http_verdict(long http_status);

/* Text from outside as printable UTF-8: control characters become blanks, bad
 * bytes '?', cut at a whole character. */
void call_words(struct span text, char *words, size_t size);
/* The same for a JSON value of any kind: a string's text, else its dump. */
void call_json_words(const json_t *value, char *words, size_t size);

/* The answer's body as JSON, NULL when it is none. */
json_t *call_json(struct span body);

#endif
