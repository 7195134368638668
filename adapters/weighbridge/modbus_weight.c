#include "modbus_weight.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modbus_frame.h"

#define PLACES 6
#define UNITS_OF_PLACES 1e6
#define LARGEST 1e9

uint16_t modbus_weight_words(const struct modbus_config *config)
{
    return config->type == TYPE_S16 || config->type == TYPE_U16 ? 1 : 2;
}

/* A single float is as exact as its seven digits: 230.2, not 230.199997. */
static double float_of(uint32_t bits)
{
    float single;
    char digits[32];

    memcpy(&single, &bits, sizeof single);
    snprintf(digits, sizeof digits, "%.7g", (double)single);
    return strtod(digits, NULL);
}

static double number_of(const struct modbus_config *config, struct span data)
{
    const uint16_t first = modbus_word(data, 0);
    uint16_t high = first;
    uint16_t low;
    uint32_t both;

    if (config->type == TYPE_U16)
        return first;
    if (config->type == TYPE_S16)
        return (int16_t)first;
    low = modbus_word(data, 1);
    if (config->order == ORDER_LITTLE) {
        high = low;
        low = first;
    }
    both = (uint32_t)high << 16 | low;
    if (config->type == TYPE_FLOAT32)
        return float_of(both);
    return config->type == TYPE_S32 ? (double)(int32_t)both : (double)both;
}

static uint16_t mask_of(const uint32_t *bits, unsigned count)
{
    uint16_t mask = 0;

    for (unsigned i = 0; i < count; i++)
        mask = (uint16_t)(mask | 1u << bits[i]);
    return mask;
}

static enum weight_motion motion_of(const struct modbus_config *config,
                                    uint16_t status)
{
    const uint16_t moving =
        mask_of(config->moving_bits, config->moving_bit_count);
    const uint16_t still = mask_of(config->still_bits, config->still_bit_count);

    if (moving == 0 && still == 0)
        return MOTION_UNSAID;
    return (status & moving) == 0 && (status & still) == still ? MOTION_STILL
                                                               : MOTION_MOVING;
}

void modbus_weight_read(const struct modbus_config *config, struct span data,
                        uint16_t status, struct weight *weight)
{
    double value = number_of(config, data) * config->factor;

    *weight = (struct weight){.places = PLACES};
    if (config->status_register != REGISTER_NONE) {
        if (config->status_places)
            value /= pow(10, status & 7);
        weight->motion = motion_of(config, status);
        weight->overload = (status & mask_of(config->overload_bits,
                                             config->overload_bit_count)) != 0;
    }
    if (!isfinite(value) || fabs(value) >= LARGEST)
        return;
    weight->has_value = true;
    weight->unscaled = llround(value * UNITS_OF_PLACES);
}
