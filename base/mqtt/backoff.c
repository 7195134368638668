#include "backoff.h"

#include "clock.h"

#define FIRST_MS 100
#define LAST_MS (10 * SECOND_MS)
#define HELD_MS (10 * SECOND_MS)

void backoff_up(struct backoff *backoff, int64_t now_ms)
{
    backoff->up_at_ms = now_ms;
}

void backoff_down(struct backoff *backoff, int64_t now_ms, uint32_t chance)
{
    if (backoff->up_at_ms != 0 && now_ms - backoff->up_at_ms >= HELD_MS)
        backoff->delay_ms = 0;
    backoff->up_at_ms = 0;
    backoff->delay_ms =
        backoff->delay_ms == 0 ? FIRST_MS : backoff->delay_ms * 2;
    if (backoff->delay_ms > LAST_MS)
        backoff->delay_ms = LAST_MS;
    backoff->retry_at_ms = now_ms + backoff->delay_ms / 2 +
                           (int64_t)chance % (backoff->delay_ms / 2 + 1);
}
