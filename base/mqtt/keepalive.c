#include "keepalive.h"

void keepalive_begin(struct keepalive *keepalive, uint16_t keepalive_s,
                     int64_t now_ms)
{
    *keepalive = (struct keepalive){
        .period_ms = (int64_t)keepalive_s * 1000,
        .sent_ms = now_ms,
        .received_ms = now_ms,
        .resumed_ms = now_ms,
        .reads = true,
    };
}

void keepalive_sent(struct keepalive *keepalive, int64_t now_ms)
{
    keepalive->sent_ms = now_ms;
}

void keepalive_received(struct keepalive *keepalive, bool pong, int64_t now_ms)
{
    keepalive->received_ms = now_ms;
    if (pong)
        keepalive->waits = false;
}

void keepalive_reads(struct keepalive *keepalive, bool reads, int64_t now_ms)
{
    if (reads && !keepalive->reads)
        keepalive->resumed_ms = now_ms;
    keepalive->reads = reads;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A quarter early: the broker counts from when it hears us. */
static int64_t next_ping_ms(const struct keepalive *keepalive)
{
    int64_t silent_ms = keepalive->sent_ms + keepalive->period_ms * 3 / 4;
    int64_t deaf_ms = keepalive->received_ms + keepalive->period_ms;

    if (!keepalive->reads || keepalive->waits || silent_ms < deaf_ms)
        return silent_ms;
    return deaf_ms;
}

/* Only while an answer is waited for, and could be seen. */
static int64_t dead_ms(const struct keepalive *keepalive)
{
    int64_t since_ms = later(keepalive->pinged_ms, keepalive->resumed_ms);

    return later(since_ms, keepalive->received_ms) + keepalive->period_ms;
}

bool keepalive_ping(struct keepalive *keepalive, int64_t now_ms)
{
    if (keepalive->period_ms == 0 || now_ms < next_ping_ms(keepalive))
        return false;
    if (!keepalive->waits)
        keepalive->pinged_ms = now_ms;
    keepalive->waits = true;
    keepalive->sent_ms = now_ms;
    return true;
}

bool keepalive_dead(const struct keepalive *keepalive, int64_t now_ms)
{
    return keepalive->period_ms != 0 && keepalive->reads && keepalive->waits &&
           now_ms >= dead_ms(keepalive);
}

int64_t keepalive_wait_ms(const struct keepalive *keepalive, int64_t now_ms)
{
    int64_t next_ms;

    if (keepalive->period_ms == 0)
        return -1;
    next_ms = next_ping_ms(keepalive);
    if (keepalive->reads && keepalive->waits && dead_ms(keepalive) < next_ms)
        next_ms = dead_ms(keepalive);
    return next_ms > now_ms ? next_ms - now_ms : 0;
}
