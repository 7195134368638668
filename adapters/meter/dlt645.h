/*
 * dlt645.h - DL/T 645 electricity meters, editions 2007 and 1997.
 *
 *   [FE ..] 68 A0..A5 68 C L DATA CS 16     every byte of DATA + 33H
 *
 * Pure: requests to bytes, bytes to frames, frames to register_values.  There
 * is no request here that changes a meter: no writing, no time broadcast.
 *
 *   dlt645_ask_* --> line --> dlt645_scan --> dlt645_gather --> dlt645_read
 *                                ^                  |
 *                                +-- ask_following -+  (B1: there is more)
 */
#ifndef SAMPAN_DLT645_H
#define SAMPAN_DLT645_H

#include "decode.h"
#include "registers.h"
#include "scan.h"

enum dlt645_edition { DLT645_2007, DLT645_1997 };

#define DLT645_ADDRESS_BYTES 6
#define DLT645_ADDRESS_TEXT 13
#define DLT645_DATA_MAX 255
#define DLT645_FRAME_MAX (12 + DLT645_DATA_MAX)
#define DLT645_PAYLOAD_MAX 1024 /* of a reply and its following frames */

/* ---- addresses --------------------------------------------------------- */

/* As on the wire, low byte first: 12 90 78 56 34 12 is 123456789012. */
struct dlt645_address {
    uint8_t bytes[DLT645_ADDRESS_BYTES];
};

extern const struct dlt645_address dlt645_anybody; /* AA AA AA AA AA AA */

/* The digits on the label, 1 to 12 of them (zeros in front may be left out);
 * "AAAAAAAAAAAA" too.  False: it is no address. */
bool dlt645_address_read(const char *text, struct dlt645_address *address);
void dlt645_address_print(const struct dlt645_address *address,
                          char text[static DLT645_ADDRESS_TEXT]);
/* Whether a meter of this address answers to asked, where AA stands for any
 * byte and 12 times 9 for anybody. */
bool dlt645_address_fits(const struct dlt645_address *asked,
                         const struct dlt645_address *meter);

/* ---- frames ------------------------------------------------------------ */

struct dlt645_frame {
    size_t noise; /* bytes in front of the 68, FE among them */
    size_t size;  /* from that 68 to 16 */
    struct dlt645_address address;
    uint8_t control;
    uint8_t length;
    uint8_t data[DLT645_DATA_MAX]; /* 33H already taken off */
};

/* The next whole frame with a right check; of either edition.  On SCAN_FRAME
 * a fault other than NONE tells of a damaged frame that was passed over. */
enum scan dlt645_scan(struct span bytes, struct dlt645_frame *frame,
                      struct decode_fault *fault);

/* Nobody answered that: a request, mostly the echo of our own. */
bool dlt645_is_request(const struct dlt645_frame *frame);
/* It refuses: *why gets words ("no such data"), and *no_such_data whether the
 * meter only lacks that identifier. */
bool dlt645_is_refusal(enum dlt645_edition edition,
                       const struct dlt645_frame *frame,
                       char why[static DECODE_TEXT_MAX], bool *no_such_data);

/* ---- requests ---------------------------------------------------------- */

/* With four FE in front. */
struct dlt645_request {
    uint8_t bytes[32];
    size_t len;
};

void dlt645_ask_data(enum dlt645_edition edition,
                     const struct dlt645_address *address, uint32_t di,
                     struct dlt645_request *request);
/* The frame after the one that said "more"; number begins with 1 (2007). */
void dlt645_ask_following(enum dlt645_edition edition,
                          const struct dlt645_address *address, uint32_t di,
                          uint8_t number, struct dlt645_request *request);
/* 2007: control 13; 1997: C032.  To dlt645_anybody only one meter may be on
 * the bus; whoever answers is known by the frame's address. */
void dlt645_ask_address(enum dlt645_edition edition,
                        const struct dlt645_address *address,
                        struct dlt645_request *request);

/* ---- replies ----------------------------------------------------------- */

/* A reply's payload (without the identifier), put together from its frames. */
struct dlt645_gather {
    enum dlt645_edition edition;
    struct dlt645_address asked;
    uint32_t di;
    uint8_t next; /* the number of the following frame that is due */
    uint8_t payload[DLT645_PAYLOAD_MAX];
    size_t len;
};

enum dlt645_news {
    DLT645_WHOLE,   /* payload is complete: dlt645_read */
    DLT645_MORE,    /* ask_following with gather->next */
    DLT645_IGNORED, /* a request, another meter's or another question's */
    DLT645_REFUSED, /* the meter says no; fault has its words */
    DLT645_WRONG,   /* it answers this and cannot be right; fault says why */
};

void dlt645_gather_start(struct dlt645_gather *gather,
                         enum dlt645_edition edition,
                         const struct dlt645_address *asked, uint32_t di);
enum dlt645_news dlt645_gather(struct dlt645_gather *gather,
                               const struct dlt645_frame *frame,
                               struct decode_fault *fault);

/*
 * Add what the payload of di says to values.  A block that stops early gives
 * fewer values; in a block FF FF is a value that the meter does not have.  One
 * surplus byte at the end is left out.  False: it is not BCD, too short, or di
 * is not known here (UNKNOWN); nothing was added.
 */
bool dlt645_read(enum dlt645_edition edition, uint32_t di, struct span payload,
                 struct register_values *values, struct decode_fault *fault);

/* ---- identifiers ------------------------------------------------------- */

#define DLT645_NO_DI UINT32_MAX

/* The identifier that reads the one register name, or DLT645_NO_DI. */
uint32_t dlt645_di_of(enum dlt645_edition edition, const char *name);
/* The identifiers of the clock: 2 of them, date first. */
uint32_t dlt645_di_date(enum dlt645_edition edition);
uint32_t dlt645_di_time(enum dlt645_edition edition);

#define DLT645_PLAN_MAX 32

/*
 * Identifiers that together read all names, fewest first thought of: a block
 * where two of its members are wanted.  False: *unknown is not to be had in
 * this edition (or there are more than DLT645_PLAN_MAX).
 */
bool dlt645_plan(enum dlt645_edition edition, const char *const *names,
                 size_t count, uint32_t dis[static DLT645_PLAN_MAX],
                 size_t *di_count, const char **unknown);
#define DLT645_MEMBERS_MAX 64 /* a total and 63 tariffs */

/* What to ask instead when a meter has not the block di: the identifiers that
 * make it up; 0: di is no block. */
size_t dlt645_members(enum dlt645_edition edition, uint32_t di,
                      uint32_t members[static DLT645_MEMBERS_MAX]);

/* ---- who is on the bus ------------------------------------------------- */

/*
 * Search by abbreviated addresses: low bytes known, AA above.  When several
 * meters answer at once their bytes collide; then one more byte is fixed and
 * its hundred values are asked.  Ask with dlt645_ask_data of import_kwh, for
 * control 13 is meant for one meter only.
 *
 *     dlt645_search_start(&search);
 *     while (dlt645_search_next(&search, &address))
 *         dlt645_search_heard(&search, ask(address));
 */
struct dlt645_search {
    struct dlt645_address at; /* what was asked last */
    uint8_t depth;            /* known bytes of at */
    unsigned asked;
    bool done;
};

/* A line that is never silent would garble every question: no more are asked
 * in one search (about a quarter of an hour at 2400 bit/s). */
#define DLT645_SEARCH_MAX 1500

enum dlt645_heard {
    DLT645_SILENCE,
    DLT645_ONE,     /* a clean frame: its address is a meter */
    DLT645_GARBLED, /* bytes, and no clean frame, or more than one */
};

void dlt645_search_start(struct dlt645_search *search);
bool dlt645_search_next(struct dlt645_search *search,
                        struct dlt645_address *address);
void dlt645_search_heard(struct dlt645_search *search, enum dlt645_heard heard);

#endif
