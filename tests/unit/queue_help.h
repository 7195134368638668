/*
 * queue_help.h - a store in a folder of its own, for the tests of the queue.
 */
#ifndef SAMPAN_TESTS_QUEUE_HELP_H
#define SAMPAN_TESTS_QUEUE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"

#define NOON_MS INT64_C(1795147200000) /* 2026-11-20 12:00 in China */
#define TODAY 20261120
#define MB (UINT64_C(1) << 20)

#define assert_ok(call) assert_int_equal((call), STATUS_OK)

struct store {
    char folder[64];
    struct queue_options options;
    struct queue_opening opening;
    struct queue *queue;
};

/* Not SHA-256: the store must not care.  Depends on every byte. */
static inline enum status test_digest(struct span input,
                                      uint8_t digest[static QUEUE_DIGEST_SIZE])
{
    uint64_t sum = 14695981039346656037u;

    for (int i = 0; i < QUEUE_DIGEST_SIZE; i++) {
        for (size_t at = 0; i % 8 == 0 && at < input.len; at++)
            sum = (sum ^ input.data[at]) * 1099511628211u + (uint64_t)i;
        digest[i] = (uint8_t)(sum >> (i % 8 * 8));
    }
    return STATUS_OK;
}

static inline int remove_entry(const char *path, const struct stat *about,
                               int kind, struct FTW *at)
{
    (void)about;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void store_open(struct store *store)
{
    assert_ok(queue_open(&store->options, &store->opening, &store->queue));
}

static inline void store_close(struct store *store)
{
    queue_close(store->queue);
    store->queue = NULL;
}

static inline void store_reopen_test(struct store *store)
{
    store_close(store);
    store_open(store);
}

static inline struct store *store_make(void)
{
    struct store *store = calloc(1, sizeof *store);

    assert_non_null(store);
    snprintf(store->folder, sizeof store->folder, "/tmp/test_queue.XXXXXX");
    assert_non_null(mkdtemp(store->folder));
    store->options = (struct queue_options){
        .folder = store->folder,
        .quota_bytes = 256 * MB,
        .hot_map_bytes = 64 * MB,
        .keep_months = 12,
        .dedup_days = 40,
        .now_ms = NOON_MS,
        .digest = test_digest,
    };
    return store;
}

static inline void store_free(struct store *store)
{
    queue_close(store->queue);
    remove_tree(store->folder);
    free(store);
}

static inline void begin(struct store *store)
{
    assert_ok(queue_begin(store->queue, store->options.now_ms));
}

static inline void commit(struct store *store)
{
    assert_ok(queue_commit(store->queue, NULL, NULL));
}

/* An event of a camera, named by its id; body is text. */
static inline struct queue_event event_named(const char *event_id,
                                             const char *body)
{
    return (struct queue_event){
        .kind = "camera/capture",
        .device = "cam1",
        .topic = "sampan/v1/s/camera/cam1/capture",
        .event_id = event_id,
        .event_at_ms = NOON_MS - 1000,
        .received_at_ms = NOON_MS,
        .fate = FATE_USED,
        .reason = "",
        .body = span_text(body),
    };
}

static inline uint64_t put_event(struct store *store, struct queue_event event)
{
    assert_ok(queue_put_event(store->queue, &event));
    return event.id;
}

static inline struct queue_delivery_new delivery_of(const char *destination)
{
    return (struct queue_delivery_new){
        .destination = destination,
        .interface = "vehicle",
        .state = STATE_WAITING,
        .reason = "",
        .number = "R1",
        .subject = "A12345",
        .order_key = "",
        .facts = span_text("{\"n\":1}"),
        .made_at_ms = NOON_MS,
    };
}

static inline uint64_t put_delivery(struct store *store,
                                    struct queue_delivery_new made)
{
    uint64_t id;

    assert_ok(queue_put_delivery(store->queue, &made, &id));
    return id;
}

/* A group with one WAITING delivery. */
static inline uint64_t make_delivery(struct store *store)
{
    uint64_t id;

    begin(store);
    id = put_delivery(store, delivery_of("yunnan"));
    commit(store);
    return id;
}

static inline struct queue_outcome outcome_to(uint64_t id,
                                              enum queue_state state)
{
    return (struct queue_outcome){
        .delivery = id,
        .state = state,
        .replay = state == STATE_WAITING,
        .attempts = 1,
        .cause = CAUSE_ANSWER,
        .at_ms = NOON_MS + 5000,
        .actor = "",
        .verb = "test",
        .reason = "",
    };
}

static inline enum status try_outcome(struct store *store,
                                      struct queue_outcome outcome)
{
    enum status status;

    begin(store);
    status = queue_put_outcome(store->queue, &outcome);
    commit(store);
    return status;
}

static inline void move_to(struct store *store, uint64_t id,
                           enum queue_state state)
{
    assert_ok(try_outcome(store, outcome_to(id, state)));
}

static inline struct queue_delivery read_delivery(struct store *store,
                                                  uint64_t id)
{
    struct queue_delivery delivery;

    assert_ok(queue_delivery_read(store->queue, id, &delivery));
    return delivery;
}

static inline size_t lane_count(struct store *store, enum queue_lane lane)
{
    uint64_t ids[64];
    size_t count = 64;
    uint64_t until;

    assert_ok(
        queue_lane_read(store->queue, "yunnan", lane, 0, ids, &count, &until));
    return count;
}

static inline struct queue_verdict verify(struct store *store)
{
    struct queue_verdict verdict;

    assert_ok(queue_verify(store->queue, &verdict));
    return verdict;
}

static inline void assert_sound(struct store *store)
{
    struct queue_verdict verdict = verify(store);

    assert_int_equal(verdict.bad_crc, 0);
    assert_int_equal(verdict.bad_links, 0);
    assert_int_equal(verdict.bad_sums, 0);
}

static inline bool there(struct store *store, const char *name)
{
    char path[256];
    struct stat about;

    snprintf(path, sizeof path, "%s/%s", store->folder, name);
    return stat(path, &about) == 0;
}

/* Run child in another process; it ends itself, with _exit or a signal. */
static inline int in_child(void (*child)(void *arg), void *arg)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        child(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
