/*
 * probe.h - sampan-meter --probe DEVICE: which meters are on a line, at which
 * speed, in which protocol; and a piece of settings that reads them.
 *
 * DEVICE is a serial port or tcp://HOST:PORT.  Questions only: nothing that is
 * sent changes a meter.  Progress goes to standard error, the settings to
 * standard output.  It ends by itself, on a serial port in about two minutes;
 * where many DL/T 645 meters answer at once, in PROBE_QUESTIONS_MAX questions.
 *
 * Register maps are looked for below $SAMPAN_PROFILES, or where the program
 * was installed to.
 */
#ifndef SAMPAN_METER_PROBE_H
#define SAMPAN_METER_PROBE_H

#define PROBE_QUESTIONS_MAX 2000
#define PROBE_UNITS 16 /* Modbus units 1 .. */

/* The exit code: 0 when a meter was found. */
int probe(const char *device);

#endif
