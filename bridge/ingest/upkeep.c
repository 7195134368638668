#include "upkeep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "late.h"
#include "ledger.h"
#include "metering.h"
#include "notes.h"

#define KEEP_DAYS LATE_KEEP_DAYS /* of numbers and held records */
#define SWEEP_DAYS_MAX 400       /* a day each tick, after a long pause */

enum status upkeep_ledger(struct queue *queue, struct span content,
                          const char *digest)
{
    struct bytes words = BYTES_EMPTY; /* ingest_open has told them */
    char applied[40] = "";
    unsigned count;
    enum status status;

    status = note_read_text(queue, "ledger_file", "digest", applied,
                            sizeof(applied));
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (strcmp(applied, digest) == 0)
        return STATUS_OK;
    status = ledger_import(queue, content, &count, &words);
    if (status == STATUS_OK)
        status = note_put_text(queue, "ledger_file", "digest", digest);
    bytes_free(&words);
    return status;
}

static bool is_old(void *arg, struct span key, struct span value)
{
    char text[16] = "";

    (void)key;
    memcpy(text, value.data, value.len < 15 ? value.len : 15);
    return strtoll(text, NULL, 10) < *(const int64_t *)arg;
}

/* Once a day: what is of no use after 40 days. */
static enum status sweep_day(const struct config *config, struct queue *queue,
                             int64_t before_ms)
{
    enum status status = late_sweep(queue, config, china_day(before_ms));

    if (status == STATUS_OK)
        status = note_sweep(queue, "number", 20000, is_old, &before_ms);
    if (status == STATUS_OK)
        status = note_sweep(queue, "record", 20000, is_old, &before_ms);
    if (status == STATUS_OK)
        status = metering_sweep(queue, before_ms);
    return status;
}

enum status upkeep_sweep(struct queue *queue, const struct config *config,
                         int64_t now_ms)
{
    int64_t before_ms = now_ms - KEEP_DAYS * DAY_MS;
    int64_t swept_ms = 0;
    char text[32] = "";
    enum status status;

    status = note_read_text(queue, "swept", "day", text, sizeof(text));
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (before_ms <= 0 ||
        (uint32_t)strtoul(text, NULL, 10) >= china_day(before_ms))
        return STATUS_OK;
    if (china_day_start_ms((uint32_t)strtoul(text, NULL, 10), &swept_ms) !=
            STATUS_OK ||
        before_ms - swept_ms > SWEEP_DAYS_MAX * DAY_MS)
        swept_ms = before_ms - DAY_MS;
    swept_ms += DAY_MS;
    snprintf(text, sizeof(text), "%u", china_day(swept_ms));
    status = note_put_text(queue, "swept", "day", text);
    return status == STATUS_OK ? sweep_day(config, queue, swept_ms) : status;
}
