#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "committer.h"
#include "crypto.h"

struct fixture {
    char folder[64];
    struct queue *queue;
    struct committer *committer;
    atomic_int durable_groups;
    atomic_int full_told;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done;           /* under lock */
    enum status last;   /* under lock */
    atomic_bool refuse; /* apply answers FULL */
    atomic_bool tick_is_full;
    char order[64]; /* what apply saw, in the committer's thread */
};

struct note_work {
    struct work work;
    struct fixture *fixture;
    char name;
    bool was_durable;
};

static enum status on_tick(void *arg, struct queue *queue, int64_t now_ms)
{
    struct fixture *fixture = arg;

    (void)queue;
    (void)now_ms;
    return atomic_load(&fixture->tick_is_full) ? STATUS_FULL : STATUS_OK;
}

static void on_durable(void *arg)
{
    atomic_fetch_add(&((struct fixture *)arg)->durable_groups, 1);
}

static void on_committed(void *arg)
{
    (void)arg;
}

static void on_full(void *arg, bool full, const char *why)
{
    struct fixture *fixture = arg;

    (void)why;
    pthread_mutex_lock(&fixture->lock);
    atomic_store(&fixture->full_told, full);
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

static void on_kept(void *arg, enum queue_kept kept, const char *month)
{
    (void)arg;
    (void)kept;
    (void)month;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct queue_opening opening;
    struct queue_options options = {
        .quota_bytes = 64 << 20,
        .keep_months = 13,
        .dedup_days = 40,
        .now_ms = clock_wall_ms(clock_system()),
        .digest = crypto_sha256,
    };
    const struct committer_events events = {on_tick, on_durable, on_committed,
                                            on_full, on_kept,    fixture};

    strcpy(fixture->folder, "/tmp/sampan-committer-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    options.folder = fixture->folder;
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    assert_int_equal(queue_open(&options, &opening, &fixture->queue),
                     STATUS_OK);
    assert_int_equal(committer_open(fixture->queue, clock_system(), &events,
                                    &fixture->committer),
                     STATUS_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    committer_close(fixture->committer);
    queue_close(fixture->queue);
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static enum status note_apply(struct work *work, struct queue *queue,
                              int64_t now_ms)
{
    struct note_work *note = (struct note_work *)work;
    struct fixture *fixture = note->fixture;
    char key[2] = {note->name, 0};

    (void)now_ms;
    if (work->stallable && atomic_load(&fixture->refuse))
        return STATUS_FULL;
    strncat(fixture->order, key, 1);
    return queue_put_note(queue, "test", span_text(key), span_text("x"));
}

static void note_durable(struct work *work)
{
    ((struct note_work *)work)->was_durable = true;
}

static void note_done(struct work *work, enum status status)
{
    struct note_work *note = (struct note_work *)work;
    struct fixture *fixture = note->fixture;

    assert_int_equal(note->was_durable, status == STATUS_OK);
    pthread_mutex_lock(&fixture->lock);
    fixture->done++;
    fixture->last = status;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
    free(note);
}

static void submit(struct fixture *fixture, char name, bool stallable)
{
    struct note_work *note = calloc(1, sizeof *note);

    note->work = (struct work){.apply = note_apply,
                               .durable = note_durable,
                               .done = note_done,
                               .stallable = stallable};
    note->fixture = fixture;
    note->name = name;
    committer_submit(fixture->committer, &note->work);
}

static void wait_for(struct fixture *fixture, int done)
{
    pthread_mutex_lock(&fixture->lock);
    while (fixture->done < done)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

static void wait_until_full(struct fixture *fixture, bool full)
{
    pthread_mutex_lock(&fixture->lock);
    while (atomic_load(&fixture->full_told) != full)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

static void work_is_applied_in_order_and_durable_before_done(void **state)
{
    struct fixture *fixture = *state;
    struct bytes value = BYTES_EMPTY;

    for (char name = 'a'; name <= 'z'; name++)
        submit(fixture, name, name % 2 == 0);
    wait_for(fixture, 26);
    assert_string_equal(fixture->order, "abcdefghijklmnopqrstuvwxyz");
    assert_true(atomic_load(&fixture->durable_groups) > 0);
    assert_int_equal(
        queue_note_read(fixture->queue, "test", span_text("z"), &value),
        STATUS_OK);
    bytes_free(&value);
}

static void a_full_store_stalls_events_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;

    atomic_store(&fixture->refuse, true);
    submit(fixture, 'a', true);
    submit(fixture, 'b', true);
    submit(fixture, 'c', false);
    wait_for(fixture, 1);
    assert_string_equal(fixture->order, "c");
    assert_true(atomic_load(&fixture->full_told));
    atomic_store(&fixture->refuse, false);
    wait_for(fixture, 3); /* tried again within a second, by itself */
    assert_string_equal(fixture->order, "cab");
}

static enum status run_apply(void *arg, struct queue *queue, int64_t now_ms)
{
    (void)now_ms;
    *(int *)arg += 1;
    return queue_put_note(queue, "test", span_text("run"), span_text("y"));
}

static void run_waits_until_it_is_committed(void **state)
{
    struct fixture *fixture = *state;
    struct bytes value = BYTES_EMPTY;
    int times = 0;

    assert_int_equal(committer_run(fixture->committer, run_apply, &times),
                     STATUS_OK);
    assert_int_equal(times, 1);
    assert_int_equal(
        queue_note_read(fixture->queue, "test", span_text("run"), &value),
        STATUS_OK);
    assert_string_equal(bytes_text(&value), "y");
    bytes_free(&value);
}

static void closing_ends_stalled_work_as_closed(void **state)
{
    struct fixture *fixture = *state;

    atomic_store(&fixture->refuse, true);
    submit(fixture, 'a', true);
    submit(fixture, 'b', false);
    committer_close(fixture->committer);
    fixture->committer = NULL;
    assert_int_equal(fixture->done, 2);
    assert_string_equal(fixture->order, "b");
    assert_int_equal(fixture->last, STATUS_CLOSED);
}

static void outcomes_do_not_say_room_while_deadlines_find_none(void **state)
{
    struct fixture *fixture = *state;

    atomic_store(&fixture->tick_is_full, true);
    wait_until_full(fixture, true);
    submit(fixture, 'a', false);
    wait_for(fixture, 1);
    submit(fixture, 'b', false); /* a's group is over now, told and all */
    wait_for(fixture, 2);
    assert_true(atomic_load(&fixture->full_told));
    atomic_store(&fixture->tick_is_full, false);
    wait_until_full(fixture, false); /* by itself: nobody sends while full */
}
