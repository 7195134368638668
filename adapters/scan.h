/*
 * scan.h - what the scanners of framed protocols say of a run of bytes.
 *
 *     ..noise..|frame|..rest..   SCAN_FRAME  drop noise + size bytes, go on
 *     ..noise..|begin            SCAN_MORE   drop noise bytes, read more; when
 *                                            no more come, fault says why not
 *     ..noise..                  SCAN_NONE   drop everything; fault says why
 *
 * A whole frame with a right check wins over an earlier beginning that is not
 * whole, so noise that looks like a start costs no frame.  A scanner keeps no
 * state and looks at each byte a bounded number of times; a beginning never
 * waits for more than the protocol's longest frame.
 */
#ifndef SAMPAN_SCAN_H
#define SAMPAN_SCAN_H

enum scan { SCAN_FRAME, SCAN_MORE, SCAN_NONE };

#endif
