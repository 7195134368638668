/*
 * cjt188.h - CJ/T 188 water, hot water, heat and gas meters.
 *
 *   [FE ..] 68 T A0..A6 C L DI0 DI1 SER DATA CS 16        (nothing is added)
 *
 * Meters want the two bytes of the identifier in either order: ask in one, on
 * silence in the other; replies are taken in both.  Pure; no request here
 * changes a meter (no valve, no address, no clock).
 */
#ifndef SAMPAN_CJT188_H
#define SAMPAN_CJT188_H

#include "decode.h"
#include "registers.h"
#include "scan.h"

#define CJT188_ADDRESS_BYTES 7
#define CJT188_ADDRESS_TEXT 15
#define CJT188_DATA_MAX 255
#define CJT188_FRAME_MAX (13 + CJT188_DATA_MAX)

/* As on the wire, low byte first; the last two are the maker's code. */
struct cjt188_address {
    uint8_t bytes[CJT188_ADDRESS_BYTES];
};

extern const struct cjt188_address cjt188_anybody; /* seven AA */

/* 1 to 14 digits or letters A to F, zeros in front may be left out. */
bool cjt188_address_read(const char *text, struct cjt188_address *address);
void cjt188_address_print(const struct cjt188_address *address,
                          char text[static CJT188_ADDRESS_TEXT]);
bool cjt188_address_fits(const struct cjt188_address *asked,
                         const struct cjt188_address *meter);

enum cjt188_order {
    CJT188_90_1F, /* what many meters want */
    CJT188_1F_90, /* by the standard */
};

#define CJT188_ANY_TYPE 0xAA

struct cjt188_request {
    uint8_t bytes[24];
    size_t len;
};

/* type: 10H cold water, 20H heat, 30H gas ...; serial: any, the reply mostly
 * has the same. */
void cjt188_ask_data(uint8_t type, const struct cjt188_address *address,
                     enum cjt188_order order, uint8_t serial,
                     struct cjt188_request *request);
/* To cjt188_anybody only one meter may be on the bus. */
void cjt188_ask_address(uint8_t type, const struct cjt188_address *address,
                        uint8_t serial, struct cjt188_request *request);

struct cjt188_frame {
    size_t noise; /* bytes in front of the 68 */
    size_t size;  /* from 68 to 16 */
    uint8_t type;
    struct cjt188_address address;
    uint8_t control;
    uint8_t length;
    uint8_t data[CJT188_DATA_MAX];
};

enum scan cjt188_scan(struct span bytes, struct cjt188_frame *frame,
                      struct decode_fault *fault);

/* A request, mostly the echo of our own. */
bool cjt188_is_request(const struct cjt188_frame *frame);
/* "water", "heat", "gas", "other"; static. */
const char *cjt188_class(uint8_t type);

/* Whether cjt188_read knows what meters of this type say. */
bool cjt188_has_fields(uint8_t type);
/* Whether some of them say the register name. */
bool cjt188_says(const char *name);

/*
 * Add what a reply to 901F says to values: volume_m3 and settle_volume_m3 of
 * water and gas, heat_kwh or heat_gj and what belongs to it of heat.  A field
 * of nothing but FF is absent; a clock of zeros or of impossible digits too.
 * False: it refuses, its length, digits or units are wrong, or it answers
 * something else; nothing was added.
 */
bool cjt188_read(const struct cjt188_frame *frame,
                 struct register_values *values, struct decode_fault *fault);

#endif
