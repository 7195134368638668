#include "quiet.h"

bool quiet_pass(struct quiet *quiet, int64_t steady_ms, unsigned *held)
{
    int64_t open_at_ms = atomic_load(&quiet->open_at_ms);

    if (steady_ms < open_at_ms ||
        !atomic_compare_exchange_strong(&quiet->open_at_ms, &open_at_ms,
                                        steady_ms + QUIET_MS)) {
        atomic_fetch_add(&quiet->held, 1);
        return false;
    }
    *held = atomic_exchange(&quiet->held, 0);
    return true;
}
