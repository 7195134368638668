/*
 * modbus_frame.h - Modbus frames, on a serial line (RTU) and in TCP.
 *
 * Functions 01 to 06, 0F and 10, their replies and exceptions.  On RS-485
 * lines without bias each reply comes between glitch bytes (mostly 00), so a
 * reply is searched by unit and function and proven by its CRC; silence alone
 * is not relied upon.
 *
 * Pure: bytes in, values out.
 */
#ifndef SAMPAN_MODBUS_FRAME_H
#define SAMPAN_MODBUS_FRAME_H

#include "decode.h"
#include "scan.h"

enum modbus_shape {
    MODBUS_ASK,       /* 01 .. 04 request: start, count */
    MODBUS_DATA,      /* 01 .. 04 reply: data */
    MODBUS_SET,       /* 05, 06, request and reply: start, data (2 bytes) */
    MODBUS_SET_MANY,  /* 0F, 10 request: start, count, data */
    MODBUS_SET_DONE,  /* 0F, 10 reply: start, count */
    MODBUS_EXCEPTION, /* function + 80: exception */
};

#define MODBUS_RTU_MAX 256
#define MODBUS_TCP_MAX 260
#define MODBUS_WORDS_MAX 125 /* registers in one reply */

struct modbus_frame {
    size_t noise;         /* bytes in front of it */
    size_t size;          /* of the frame, with its check or header */
    uint16_t transaction; /* TCP only */
    uint8_t unit;
    uint8_t function; /* as sent: 83H in an exception to 03 */
    enum modbus_shape shape;
    uint16_t start, count;
    uint8_t exception;
    struct span data; /* within the scanned bytes; registers high byte first */
};

/* What is waited for. */
struct modbus_want {
    uint8_t unit;
    uint8_t function;     /* 03; its exception 83 is taken too */
    uint16_t count;       /* registers or coils that were asked for */
    uint16_t transaction; /* TCP only */
};

/* CRC-16/MODBUS (A001 reflected, FFFF); it goes out low byte first. */
uint16_t modbus_crc(struct span bytes);

/*
 * Find the next RTU frame.  want: NULL, any frame (a request too), or the one
 * reply that is waited for; an echo of the request is noise then.
 */
enum scan modbus_rtu_scan(struct span bytes, const struct modbus_want *want,
                          struct modbus_frame *frame,
                          struct decode_fault *fault);

/* The same behind an MBAP header.  In TCP nothing is ever lost in front, so
 * bytes that are no header are SCAN_NONE: close the connection.  A frame of
 * another transaction (an answer that came too late) is noise. */
enum scan modbus_tcp_scan(struct span bytes, const struct modbus_want *want,
                          struct modbus_frame *frame,
                          struct decode_fault *fault);

#define MODBUS_ASK_RTU_BYTES 8
#define MODBUS_ASK_TCP_BYTES 12

/* Requests to read (01 .. 04). */
void modbus_rtu_ask(uint8_t unit, uint8_t function, uint16_t start,
                    uint16_t count, uint8_t out[static MODBUS_ASK_RTU_BYTES]);
void modbus_tcp_ask(uint16_t transaction, uint8_t unit, uint8_t function,
                    uint16_t start, uint16_t count,
                    uint8_t out[static MODBUS_ASK_TCP_BYTES]);

/* Register index of data; the caller has checked data.len. */
uint16_t modbus_word(struct span data, size_t index);

/* "no such register (illegal data address)"; never NULL, static. */
const char *modbus_exception_text(uint8_t exception);

/* Rows for a program's --decode table. */
extern const struct decode_protocol modbus_rtu_protocol;
extern const struct decode_protocol modbus_tcp_protocol;

#endif
