#include "names.h"

#include <stdlib.h>
#include <string.h>

enum status names_find(const struct names *names, struct span name,
                       uint16_t *number)
{
    uint32_t count = atomic_load_explicit(&names->count, memory_order_acquire);

    for (uint32_t i = 0; i < count; i++)
        if (span_equal_text(name, names->list[i])) {
            *number = (uint16_t)i;
            return STATUS_OK;
        }
    return STATUS_NOT_FOUND;
}

enum status names_number(struct names *names, struct span name,
                         uint16_t *number)
{
    uint32_t count = atomic_load_explicit(&names->count, memory_order_relaxed);

    if (names_find(names, name, number) == STATUS_OK)
        return STATUS_OK;
    if (count == NAMES_MAX)
        return STATUS_FULL;
    names->list[count] =
        name.len == 0 ? strdup("") : strndup((const char *)name.data, name.len);
    if (names->list[count] == NULL)
        return STATUS_NOMEM;
    *number = (uint16_t)count;
    atomic_store_explicit(&names->count, count + 1, memory_order_release);
    return STATUS_OK;
}

const char *names_text(const struct names *names, uint16_t number)
{
    uint32_t count = atomic_load_explicit(&names->count, memory_order_acquire);

    return number < count ? names->list[number] : "";
}

void names_free(struct names *names)
{
    uint32_t count = atomic_load_explicit(&names->count, memory_order_relaxed);

    for (uint32_t i = 0; i < count; i++)
        free(names->list[i]);
    atomic_store(&names->count, 0);
    names->stored = 0;
}
