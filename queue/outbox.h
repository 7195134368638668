/*
 * outbox.h - what an adapter keeps until somebody else has it, on disk.
 *
 *   outbox_put --> KEPT --outbox_end--> gone, or REJECTED (kept aside)
 *
 * One LMDB environment, DIR/outbox.  Other than the queue's log it gives back
 * the pages of what has ended, so it is as large as what is kept.  Beside the
 * events it holds what is known of earlier ones: device, time and id, with
 * the contents seen, so that a device may say the same again at any time.
 *
 * What outbox_put took survives a power cut.  An outbox_end may be undone by
 * one: the event is then sent again, and the receiver knows it.
 *
 * An event's published id is the device's own, or, when the device used that
 * id before for another time, the id with the time behind it: whoever answers
 * with ids alone cannot mean the wrong one.  It never changes for an event.
 *
 * Any thread may call any function.  Times are Unix milliseconds and are
 * passed in.
 */
#ifndef SAMPAN_OUTBOX_H
#define SAMPAN_OUTBOX_H

#include <stdint.h>

#include "bytes.h"

struct outbox;

#define OUTBOX_DEVICE_MAX 63
#define OUTBOX_LEAF_MAX 31
#define OUTBOX_ID_MAX 127 /* also of a published id */
#define OUTBOX_REASON_MAX 511
#define OUTBOX_CONTENT_MAX ((size_t)64 << 20)
#define OUTBOX_REJECTED_MAX 1000 /* kept aside; the oldest go first */

struct outbox_options {
    const char *folder;   /* made when absent, mode 0700 */
    uint64_t quota_bytes; /* of what is kept, known and kept aside */
    int dedup_days;
    int64_t now_ms;
};

/* What outbox_open found and did. */
struct outbox_opening {
    char set_aside[512]; /* "" or the folder renamed out of the way */
    char reason[64];     /* and why */
};

/*
 * Open or make the outbox below options->folder, locked against a second
 * process.  One that does not open is renamed outbox.set-aside-TIME, told in
 * *opening, and a clean one takes its place; nothing is deleted.
 *
 * VERSION: a newer program wrote it, nothing was touched.  BUSY: another
 * process has it open.  IO, NOMEM, FULL.
 */
MUST_CHECK enum status outbox_open(const struct outbox_options *options,
                                   struct outbox_opening *opening,
                                   struct outbox **outbox);
/*
 * The same for reading alone, also while another process has it open; no put
 * and no end may follow.  Nothing is made, renamed or locked.  NOT_FOUND:
 * nothing was ever kept there.  CORRUPT, VERSION, IO, NOMEM.
 */
MUST_CHECK enum status outbox_look(const char *folder, struct outbox **outbox);
void outbox_close(struct outbox *outbox);

/* ---- putting ------------------------------------------------------------ */

struct outbox_event {
    const char *device;
    const char *leaf; /* of its topic; not part of its identity */
    const char *event_id;
    int64_t at_ms;
    struct span content;
    struct span telling; /* what tells editions apart; empty: content */
};

enum outbox_news { OUTBOX_NEW, OUTBOX_EDITION, OUTBOX_REPEAT };

/*
 * Keep an event.  The same device, event_id and at_ms with a content (or
 * telling) that was seen (of the last eight) is a REPEAT and is not stored;
 * with another, the next EDITION.  Puts of several threads share one commit.
 *
 * FULL: the quota or the disk; nothing was stored.  INVALID: empty or too
 * long.  IO: whether it is stored is not known.  NOMEM.
 */
MUST_CHECK enum status outbox_put(struct outbox *outbox,
                                  const struct outbox_event *event,
                                  int64_t now_ms, enum outbox_news *news);

/* ---- reading and ending ------------------------------------------------- */

struct outbox_entry {
    uint64_t seq; /* its place; never used again */
    char device[OUTBOX_DEVICE_MAX + 1];
    char leaf[OUTBOX_LEAF_MAX + 1];
    char event_id[OUTBOX_ID_MAX + 1];     /* the device's own */
    char published_id[OUTBOX_ID_MAX + 1]; /* see above */
    int64_t at_ms;
    int64_t kept_at_ms;
    uint32_t revision; /* 0: the first edition */
    struct span content;
};

/*
 * The first that is kept behind place after; its content is copied to buffer.
 * EMPTY: there is none.  CORRUPT: its bytes are damaged; entry->seq is set and
 * it is to be ended with a reason.  IO, NOMEM.
 */
MUST_CHECK enum status outbox_read(struct outbox *outbox, uint64_t after,
                                   struct outbox_entry *entry,
                                   struct bytes *buffer);

struct outbox_ending {
    uint64_t seq;       /* nothing there is OK */
    const char *reason; /* NULL: it has arrived; otherwise it is kept aside */
};

/* End these, in one commit.  On a disk so full that it cannot be kept aside,
 * a rejected event goes without.  IO, NOMEM: all are still there, or gone. */
MUST_CHECK enum status outbox_end(struct outbox *outbox,
                                  const struct outbox_ending *endings,
                                  size_t count, int64_t now_ms);

struct outbox_rejected {
    struct outbox_entry entry; /* its seq is a place among the rejected */
    char reason[OUTBOX_REASON_MAX + 1];
    bool damaged; /* only content is of use: the raw bytes */
};

/* The first that was kept aside behind place after; its content is copied to
 * buffer.  EMPTY: there is none.  IO, NOMEM. */
MUST_CHECK enum status outbox_read_rejected(struct outbox *outbox,
                                            uint64_t after,
                                            struct outbox_rejected *rejected,
                                            struct bytes *buffer);

struct outbox_figures {
    uint64_t kept;
    uint64_t kept_bytes;
    uint64_t known;
    uint64_t rejected;    /* kept aside */
    uint64_t used_bytes;  /* of the quota */
    int64_t oldest_at_ms; /* of the kept; 0: none */
};
void outbox_figures(struct outbox *outbox, struct outbox_figures *figures);

#endif
