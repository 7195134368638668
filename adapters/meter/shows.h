/*
 * shows.h - what the --decode rows of the meters share.
 */
#ifndef SAMPAN_METER_SHOWS_H
#define SAMPAN_METER_SHOWS_H

#include "decode.h"
#include "registers.h"

/* Each takes over value (as jansson's _new does); false: no memory. */
bool show_put(json_t *json, const char *key, json_t *value);
bool show_text(json_t *json, const char *key, const char *text);
bool show_hex(json_t *json, const char *key, struct span bytes);
bool show_integer(json_t *json, const char *key, int64_t value);

/* One value as "register", "value" and "unit"; more as "values", an object of
 * such objects by register; none: nothing. */
bool show_values(json_t *json, const struct register_values *values);

/* A damaged frame that was passed over in front of this one. */
bool show_passed_over(json_t *json, const struct decode_fault *fault);

/*
 * Walk over input: one finds, shows and measures the frame at its start.
 *
 * one: appends a frame of rest to frames and sets *taken to noise + size;
 * false: a fault, its offset within rest.  Bytes behind the last frame that
 * begin none (fault START) are noise.
 */
bool show_all(struct span input, json_t *frames, struct decode_fault *fault,
              bool (*one)(struct span rest, json_t *frames, size_t *taken,
                          const void *arg, struct decode_fault *fault),
              const void *arg);

/* Rows' functions (decode.h). */
bool dlt645_2007_decode(struct span input, const char *content_type,
                        json_t *frames, struct decode_fault *fault);
bool dlt645_1997_decode(struct span input, const char *content_type,
                        json_t *frames, struct decode_fault *fault);
bool cjt188_decode(struct span input, const char *content_type, json_t *frames,
                   struct decode_fault *fault);

#endif
