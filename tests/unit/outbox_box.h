/*
 * outbox_box.h - an outbox in a folder of its own, for tests of it.
 */
#ifndef SAMPAN_TEST_OUTBOX_BOX_H
#define SAMPAN_TEST_OUTBOX_BOX_H

#include "queue_help.h"

#include "outbox.h"

#define DAY(n) (NOON_MS + (n)*DAY_MS)

struct box {
    char folder[64];
    struct outbox_options options;
    struct outbox_opening opening;
    struct outbox *outbox;
    struct bytes buffer;
};

static inline void box_open(struct box *box)
{
    assert_ok(outbox_open(&box->options, &box->opening, &box->outbox));
}

static inline void box_again(struct box *box)
{
    outbox_close(box->outbox);
    box->outbox = NULL;
    box_open(box);
}

static inline int box_make(void **state)
{
    struct box *box = calloc(1, sizeof *box);

    assert_non_null(box);
    snprintf(box->folder, sizeof box->folder, "/tmp/test_outbox.XXXXXX");
    assert_non_null(mkdtemp(box->folder));
    box->options = (struct outbox_options){
        .folder = box->folder,
        .quota_bytes = 64 * MB,
        .dedup_days = 40,
        .now_ms = NOON_MS,
    };
    box_open(box);
    *state = box;
    return 0;
}

static inline int box_remove(void **state)
{
    struct box *box = *state;

    outbox_close(box->outbox);
    remove_tree(box->folder);
    bytes_free(&box->buffer);
    free(box);
    return 0;
}

static inline struct outbox_event event_of(const char *id, const char *content)
{
    return (struct outbox_event){.device = "cam1",
                                 .leaf = "capture",
                                 .event_id = id,
                                 .at_ms = NOON_MS - 1000,
                                 .content = span_text(content)};
}

static inline enum outbox_news put(struct box *box, const char *id,
                                   const char *content)
{
    struct outbox_event event = event_of(id, content);
    enum outbox_news news;

    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
    return news;
}

static inline struct outbox_entry next(struct box *box, uint64_t after)
{
    struct outbox_entry entry;

    assert_ok(outbox_read(box->outbox, after, &entry, &box->buffer));
    return entry;
}

static inline void assert_nothing(struct box *box, uint64_t after)
{
    struct outbox_entry entry;

    assert_int_equal(outbox_read(box->outbox, after, &entry, &box->buffer),
                     STATUS_EMPTY);
}

static inline void end(struct box *box, uint64_t seq, const char *reason)
{
    struct outbox_ending ending = {seq, reason};

    assert_ok(outbox_end(box->outbox, &ending, 1, NOON_MS));
}

static inline struct outbox_figures figures(struct box *box)
{
    struct outbox_figures figures;

    outbox_figures(box->outbox, &figures);
    return figures;
}

struct aside {
    unsigned count;
    bool damaged;
    char reason[OUTBOX_REASON_MAX + 1];
    char event_id[OUTBOX_ID_MAX + 1];
    size_t content;
};

static inline struct aside aside_of(struct box *box)
{
    struct aside aside = {0};
    struct outbox_rejected rejected = {.entry = {.seq = 0}};
    enum status status;

    while ((status = outbox_read_rejected(box->outbox, rejected.entry.seq,
                                          &rejected, &box->buffer)) ==
           STATUS_OK) {
        aside.count++;
        aside.damaged = rejected.damaged;
        aside.content = rejected.entry.content.len;
        snprintf(aside.reason, sizeof aside.reason, "%s", rejected.reason);
        snprintf(aside.event_id, sizeof aside.event_id, "%s",
                 rejected.entry.event_id);
    }
    assert_int_equal(status, STATUS_EMPTY);
    return aside;
}

#endif
