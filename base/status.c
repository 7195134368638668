#include "status.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
    bool retryable;
} table[] = {
#define X(name, retryable, text) {#name, text, retryable},
    STATUS_TABLE(X)
#undef X
};

const char *status_text(enum status status)
{
    return table[status].text;
}

const char *status_name(enum status status)
{
    return table[status].name;
}

bool status_retryable(enum status status)
{
    return table[status].retryable;
}
