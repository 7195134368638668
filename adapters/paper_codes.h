/*
 * paper_codes.h - codes of papers and cards as rows of --decode.
 *
 * They come from people and registers, not from devices: support is asked
 * whether one is right and what its parts are.  The input is one code; white
 * space around it does not count.  Rules: GB 32100, GB 16735, ITU-T E.118,
 * ISO/IEC 7812-1,
 * GB/T 37947.1.
 */
#ifndef SAMPAN_PAPER_CODES_H
#define SAMPAN_PAPER_CODES_H

#include "decode.h"

/* check_expected, valid, region, org_code, org_check_ok.  CHECKSUM: the last
 * character is not the one that the others ask for. */
bool uscc_decode(struct span input, const char *content_type, json_t *frames,
                 struct decode_fault *fault);

/* check_expected, valid.  CHECKSUM as above; imported and some special
 * vehicles have numbers without a check. */
bool vin_decode(struct span input, const char *content_type, json_t *frames,
                struct decode_fault *fault);

/* length, issuer (of Chinese cards), operator, luhn_ok; of one with
 * hexadecimal letters has_hex and a luhn_ok of null.  Real cards break Luhn,
 * so that it breaks is no fault. */
bool iccid_decode(struct span input, const char *content_type, json_t *frames,
                  struct decode_fault *fault);

/* process, unit, equipment_type, equipment_no, object_class, item, usage and
 * compact, the 16 digits; object_class_means and usage_means where known.
 * Taken: "0401000004020030", "04-01-0000-040200-30",
 * "04-01-00-00-040200-30". */
bool data_code_decode(struct span input, const char *content_type,
                      json_t *frames, struct decode_fault *fault);

#endif
