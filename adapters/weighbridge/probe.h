/*
 * probe.h - sampan-weighbridge --probe DEVICE: how an indicator speaks, and
 * the settings for it.
 *
 * DEVICE is a serial port or tcp://HOST:PORT.  First it is only listened to,
 * at each usual speed and format; when nothing is understood, a Yaohua
 * handshake and a Modbus read are tried.  Nothing that is sent changes the
 * indicator.  Progress goes to standard error, the settings to standard
 * output.  It ends by itself, on a serial port after a minute at most.
 */
#ifndef SAMPAN_WEIGHBRIDGE_PROBE_H
#define SAMPAN_WEIGHBRIDGE_PROBE_H

/* The exit code: 0 when an indicator was found. */
int probe(const char *device);

#endif
