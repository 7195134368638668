/*
 * modbus_weight.h - a weight out of a transmitter's registers.  Pure.
 */
#ifndef SAMPAN_MODBUS_WEIGHT_H
#define SAMPAN_MODBUS_WEIGHT_H

#include "config.h"

/* Registers that the weight takes: 1 or 2. */
uint16_t modbus_weight_words(const struct modbus_config *config);

/* data: the weight's registers, as many as that, high byte first.  A float
 * that is no number, or beyond 1E9, is no value. */
void modbus_weight_read(const struct modbus_config *config, struct span data,
                        uint16_t status, struct weight *weight);

#endif
