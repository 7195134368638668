#include <stdio.h>
#include <string.h>

#include "modbus_map.h"

/* ---- requests ---------------------------------------------------------- */

static bool wanted_find(const struct modbus_map *map, const char *name,
                        struct modbus_plan *plan)
{
    for (unsigned i = 0; i < map->register_count; i++)
        if (strcmp(map->registers[i].name, name) == 0) {
            plan->wanted[i] = true;
            return true;
        }
    return false;
}

/* Whether one can be read with the request; if so the request grows. */
static bool request_grow(const struct modbus_map *map,
                         const struct modbus_register *one,
                         struct modbus_request *request)
{
    unsigned end = one->address + modbus_type_words(one->type);
    unsigned old_end = (unsigned)request->start + request->count;

    if (one->function != request->function || one->address > old_end + map->gap)
        return false;
    if (end < old_end)
        end = old_end;
    if (end - request->start > map->block)
        return false;
    request->count = (uint16_t)(end - request->start);
    return true;
}

/* The registers are in the order of their places. */
static void requests_make(const struct modbus_map *map,
                          struct modbus_plan *plan)
{
    for (unsigned i = 0; i < map->register_count; i++) {
        const struct modbus_register *one = &map->registers[i];

        if (!plan->wanted[i] ||
            (plan->count > 0 &&
             request_grow(map, one, &plan->requests[plan->count - 1])))
            continue;
        plan->requests[plan->count++] = (struct modbus_request){
            .function = (uint8_t)one->function,
            .start = one->address,
            .count = (uint16_t)modbus_type_words(one->type)};
    }
}

bool modbus_plan(const struct modbus_map *map, const char *const *names,
                 size_t name_count, struct modbus_plan *plan,
                 const char **unknown)
{
    memset(plan, 0, sizeof *plan);
    *unknown = NULL;
    for (size_t i = 0; i < name_count; i++)
        if (!wanted_find(map, names[i], plan)) {
            *unknown = names[i];
            return false;
        }
    for (unsigned i = 0; name_count == 0 && i < map->register_count; i++)
        plan->wanted[i] = true;
    requests_make(map, plan);
    return true;
}

/* ---- values ------------------------------------------------------------ */

static uint64_t words_read(struct span data, size_t first, unsigned words,
                           int order)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < words; i++) {
        size_t at = order == MODBUS_LITTLE ? words - 1 - i : i;

        value = value << 16 | modbus_word(data, first + at);
    }
    return value;
}

static bool integer_read(int64_t value, struct decimal *number)
{
    /* through decimal_shift, which knows how many digits have room */
    return decimal_shift((struct decimal){value, 0}, 0, number);
}

/* False: it is no number, or too large. */
static bool number_read(int type, uint64_t raw, struct decimal *number)
{
    uint32_t low = (uint32_t)raw;
    double wide;
    float narrow;

    switch ((enum modbus_type)type) {
    case MODBUS_U16:
    case MODBUS_U32:
        return integer_read((int64_t)raw, number);
    case MODBUS_S16:
        return integer_read((int16_t)raw, number);
    case MODBUS_S32:
        return integer_read((int32_t)low, number);
    case MODBUS_U64:
        return raw <= INT64_MAX && integer_read((int64_t)raw, number);
    case MODBUS_S64:
        return integer_read((int64_t)raw, number);
    case MODBUS_FLOAT32:
        memcpy(&narrow, &low, sizeof narrow);
        return decimal_from_float(narrow, number);
    case MODBUS_FLOAT64:
        memcpy(&wide, &raw, sizeof wide);
        return decimal_from_double(wide, number);
    }
    return false;
}

/*
 * Schneider, power factor in four quadrants: between 1 and 2 it leads and is
 * 2 - |raw|; the sign stays.  Exactly 1 is 1 either way.
 */
static bool quadrants_fold(struct decimal *number)
{
    int64_t one = 1;
    int64_t size = number->unscaled < 0 ? -number->unscaled : number->unscaled;

    for (unsigned i = 0; i < number->places; i++)
        one *= 10;
    if (size <= one)
        return true;
    if (size > 2 * one)
        return false;
    size = 2 * one - size;
    number->unscaled = number->unscaled < 0 ? -size : size;
    return true;
}

static bool register_read(const struct modbus_register *one, struct span data,
                          size_t first, struct decimal *number)
{
    uint64_t raw =
        words_read(data, first, modbus_type_words(one->type), one->order);
    struct decimal scale;

    return number_read(one->type, raw, number) &&
           (one->rule != MODBUS_PF_4Q || quadrants_fold(number)) &&
           decimal_from_double(one->scale, &scale) &&
           decimal_multiply(*number, scale, number);
}

static bool covers(const struct modbus_request *request,
                   const struct modbus_register *one)
{
    return one->function == request->function &&
           one->address >= request->start &&
           one->address + modbus_type_words(one->type) <=
               (unsigned)request->start + request->count;
}

bool modbus_extract(const struct modbus_map *map,
                    const struct modbus_plan *plan,
                    const struct modbus_request *request, struct span data,
                    struct register_values *values, struct decode_fault *fault)
{
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (data.len != request->count * 2U)
        return decode_fail(fault, DECODE_LENGTH, data.len,
                           "%u registers were asked for; %zu bytes came",
                           request->count, data.len);
    for (unsigned i = 0; i < map->register_count; i++) {
        const struct modbus_register *one = &map->registers[i];
        size_t first = (size_t)one->address - request->start;
        struct decimal number;

        if (!plan->wanted[i] || !covers(request, one))
            continue;
        if ((!register_read(one, data, first, &number) ||
             !register_add(values, one->name, one->unit, number)) &&
            fault->kind == DECODE_NONE)
            decode_fail(fault, DECODE_VALUE, first * 2,
                        "%s is no number, or it is too large", one->name);
    }
    return true;
}
