/* Keeping the rejected aside: for a person to look at, bounded. */
#include "outbox_parts.h"

#include <string.h>

#include "bits.h"
#include "hot.h"

#define SHARE 8 /* of the quota is theirs, at most: one part of these */

enum status outbox_aside_drop(struct outbox_writing *writing)
{
    struct outbox *outbox = writing->outbox;
    struct outbox_standing *standing = &writing->standing;
    struct span stored;
    uint64_t number;
    uint64_t cost;
    uint8_t key[8];
    enum status status = outbox_edge(writing->txn, outbox->rejected, MDB_FIRST,
                                     &number, &stored);

    if (status != STATUS_OK)
        return status;
    cost = outbox_cost(stored.len);
    put_u64(key, number);
    status = hot_remove(writing->txn, outbox->rejected, span_of(key, 8));
    if (status != STATUS_OK)
        return status;
    standing->rejected--;
    standing->rejected_bytes -=
        cost < standing->rejected_bytes ? cost : standing->rejected_bytes;
    return STATUS_OK;
}

static bool too_many(const struct outbox_writing *writing)
{
    const struct outbox_standing *standing = &writing->standing;

    return standing->rejected > OUTBOX_REJECTED_MAX ||
           (standing->rejected > 1 &&
            standing->rejected_bytes >
                writing->outbox->options.quota_bytes / SHARE);
}

enum status outbox_aside(struct outbox_writing *writing, struct span stored,
                         const char *reason)
{
    struct outbox *outbox = writing->outbox;
    struct kept kept = {.damaged = true};
    struct span last;
    uint64_t number = 0;
    size_t record_bytes;
    enum status status = bytes_copy(&outbox->record, stored);

    if (status != STATUS_OK)
        return status;
    if (kept_read(bytes_view(&outbox->record), &kept) != STATUS_OK)
        kept = (struct kept){.damaged = true,
                             .content = bytes_view(&outbox->record)};
    kept.reason = span_text(reason);
    if (kept.reason.len > OUTBOX_REASON_MAX)
        kept.reason.len = OUTBOX_REASON_MAX;
    status =
        outbox_edge(writing->txn, outbox->rejected, MDB_LAST, &number, &last);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (status == STATUS_OK)
        status = outbox_store(writing, outbox->rejected, number + 1, &kept,
                              &record_bytes);
    if (status != STATUS_OK)
        return status;
    writing->standing.rejected++;
    writing->standing.rejected_bytes += outbox_cost(record_bytes);
    while (status == STATUS_OK && too_many(writing))
        status = outbox_aside_drop(writing);
    return status;
}
