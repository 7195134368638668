/* What an adapter keeps is not lost: a full disk, damage, a kill. */
#include "outbox_box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static int setup(void **state)
{
    return box_make(state);
}

static int teardown(void **state)
{
    return box_remove(state);
}

/* ---- the disk ----------------------------------------------------------- */

static bool disk_is_full;
int __real_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);

int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
    if (!disk_is_full)
        return __real_fallocate(fd, mode, offset, len);
    errno = ENOSPC;
    return -1;
}

static void on_a_full_disk_nothing_is_taken_and_all_can_end(void **state)
{
    struct box *box = *state;
    char *large = malloc(8 * MB + 1);
    struct outbox_event event;
    enum outbox_news news;

    memset(large, 'x', 8 * MB);
    large[8 * MB] = 0;
    put(box, "a", "{1}");
    disk_is_full = true;
    event = event_of("b", large);
    assert_int_equal(outbox_put(box->outbox, &event, NOON_MS, &news),
                     STATUS_FULL);
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT);
    end(box, next(box, 0).seq, NULL);
    assert_nothing(box, 0);
    disk_is_full = false;
    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
    assert_int_equal(news, OUTBOX_NEW);
    free(large);
}

/* In a child, files may not grow beyond 2 MB: a commit fails halfway. */
static void a_commit_that_fails_is_undone_and_the_next_is_good(void **state)
{
    struct box *box = *state;
    struct rlimit limit = {2 * MB, RLIM_INFINITY};
    struct outbox_event event;
    enum outbox_news news;
    char *large = malloc(4 * MB + 1);
    int status;
    pid_t child;

    memset(large, 'x', 4 * MB);
    large[4 * MB] = 0;
    outbox_close(box->outbox);
    box->outbox = NULL;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        box_open(box);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        event = event_of("large", large);
        if (outbox_put(box->outbox, &event, NOON_MS, &news) == STATUS_OK)
            _exit(2);
        event = event_of("small", "{}");
        if (outbox_put(box->outbox, &event, NOON_MS, &news) != STATUS_OK ||
            news != OUTBOX_NEW)
            _exit(3);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    box_open(box);
    assert_string_equal(next(box, 0).event_id, "small");
    assert_nothing(box, next(box, 0).seq);
    free(large);
}

static void a_second_process_finds_it_busy(void **state)
{
    struct box *box = *state;
    struct outbox_opening opening;
    struct outbox *second;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(outbox_open(&box->options, &opening, &second) == STATUS_BUSY ? 7
                                                                           : 8);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void file_change(struct box *box, const char *from, const char *to,
                        size_t len)
{
    struct bytes file = BYTES_EMPTY;
    char path[128];
    uint8_t *at;

    snprintf(path, sizeof path, "%s/outbox/data.mdb", box->folder);
    assert_ok(bytes_read_file(&file, path, 256 * MB));
    at = memmem(file.data, file.len, from, len);
    assert_non_null(at);
    for (; at != NULL; at = memmem(file.data, file.len, from, len))
        memcpy(at, to, len);
    assert_ok(bytes_write_file(path, bytes_view(&file), 0600));
    bytes_free(&file);
}

/* In a process of its own, as LMDB asks: the ids that are kept, and those that
 * are rejected, or why it could not be looked at. */
static void look(const char *folder, char *seen, size_t size)
{
    struct outbox *outbox;
    struct bytes buffer = BYTES_EMPTY;
    struct outbox_entry entry = {.seq = 0};
    struct outbox_rejected rejected = {.entry = {.seq = 0}};
    enum status status = outbox_look(folder, &outbox);
    size_t len = 0;

    if (status != STATUS_OK) {
        snprintf(seen, size, "%s", status_text(status));
        return;
    }
    while (outbox_read(outbox, entry.seq, &entry, &buffer) == STATUS_OK)
        len += (size_t)snprintf(seen + len, size - len, "%s ", entry.event_id);
    while (outbox_read_rejected(outbox, rejected.entry.seq, &rejected,
                                &buffer) == STATUS_OK)
        len += (size_t)snprintf(seen + len, size - len, "-%s: %s",
                                rejected.entry.event_id, rejected.reason);
    outbox_close(outbox);
    bytes_free(&buffer);
}

static void assert_looks(const char *folder, const char *expected)
{
    char seen[256] = "";
    int ends[2];
    int result;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        look(folder, seen, sizeof seen);
        _exit(write(ends[1], seen, sizeof seen) == sizeof seen ? 0 : 1);
    }
    got = read(ends[0], seen, sizeof seen);
    assert_int_equal(waitpid(child, &result, 0), child);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(got, sizeof seen);
    assert_string_equal(seen, expected);
}

static void it_can_be_looked_at_while_it_is_in_use(void **state)
{
    struct box *box = *state;

    assert_looks(box->folder, "");
    put(box, "a", "{1}");
    put(box, "b", "{2}");
    end(box, next(box, 0).seq, "no such field");
    assert_looks(box->folder, "b -a: no such field");
    put(box, "c", "{3}");
    assert_looks(box->folder, "b c -a: no such field");
}

static void a_look_makes_nothing(void **state)
{
    const struct box *box = *state;
    char nowhere[128];

    snprintf(nowhere, sizeof nowhere, "%s/nowhere", box->folder);
    assert_looks(nowhere, status_text(STATUS_NOT_FOUND));
    assert_int_equal(access(nowhere, F_OK), -1);
}

static void a_damaged_record_is_told_and_blocks_nothing(void **state)
{
    struct box *box = *state;
    struct outbox_entry entry;

    put(box, "a", "the first content");
    put(box, "b", "the second");
    outbox_close(box->outbox);
    file_change(box, "the first", "the f\1rst", 9);
    box_open(box);
    assert_int_equal(outbox_read(box->outbox, 0, &entry, &box->buffer),
                     STATUS_CORRUPT);
    assert_string_equal(next(box, entry.seq).event_id, "b");
    end(box, entry.seq, "its record is damaged");
    assert_string_equal(next(box, 0).event_id, "b");
    assert_true(aside_of(box).damaged);
    assert_true(aside_of(box).content > strlen("the first content"));
    assert_string_equal(aside_of(box).reason, "its record is damaged");
}

static void one_that_does_not_open_is_set_aside(void **state)
{
    struct box *box = *state;
    char path[128];
    int fd;

    put(box, "a", "{1}");
    outbox_close(box->outbox);
    snprintf(path, sizeof path, "%s/outbox/data.mdb", box->folder);
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "no environment at all, but long enough", 38),
                     38);
    close(fd);
    box_open(box);
    assert_non_null(strstr(box->opening.set_aside, "/outbox.set-aside-2026"));
    assert_int_equal(access(box->opening.set_aside, F_OK), 0);
    assert_string_equal(box->opening.reason, "it is damaged");
    assert_nothing(box, 0);
    put(box, "b", "{2}");
}

static void one_that_is_cut_short_is_set_aside(void **state)
{
    struct box *box = *state;
    char path[128];

    put(box, "a", "{1}");
    outbox_close(box->outbox);
    snprintf(path, sizeof path, "%s/outbox/data.mdb", box->folder);
    assert_int_equal(truncate(path, 8192), 0);
    box_open(box);
    assert_true(box->opening.set_aside[0] != 0);
    assert_nothing(box, 0);
}

static void one_of_a_newer_program_is_not_touched(void **state)
{
    struct box *box = *state;
    struct outbox *outbox = NULL;

    outbox_close(box->outbox);
    box->outbox = NULL;
    /* The row of meta, as LMDB stores it: key, then the number. */
    file_change(box, "format\0\0\0\1", "format\0\0\0\2", 10);
    assert_int_equal(outbox_open(&box->options, &box->opening, &outbox),
                     STATUS_VERSION);
    assert_string_equal(box->opening.set_aside, "");
}

/* ---- dying -------------------------------------------------------------- */

/* Puts and ends until it is killed, saying on fd what was durable. */
static void live_until_killed(struct box *box, int fd, unsigned from)
{
    struct outbox_entry entry;

    box_open(box);
    for (unsigned i = from;; i++) {
        char id[16];

        snprintf(id, sizeof id, "%u", i);
        put(box, id, "a content of some length");
        if (write(fd, &i, sizeof i) != sizeof i)
            _exit(1);
        if (i % 3 == 0 &&
            outbox_read(box->outbox, 0, &entry, &box->buffer) == STATUS_OK)
            end(box, entry.seq, i % 6 == 0 ? "no" : NULL);
    }
}

static void killed_at_any_moment_it_has_what_was_put(void **state)
{
    struct box *box = *state;
    unsigned last = 0;

    outbox_close(box->outbox);
    box->outbox = NULL;
    for (int round = 0; round < 20; round++) {
        int pipes[2];
        unsigned said;
        uint64_t seq = 0;
        unsigned found = 0;
        struct outbox_entry entry;
        int status;
        pid_t child;

        assert_int_equal(pipe(pipes), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(pipes[0]);
            live_until_killed(box, pipes[1], last + 1);
        }
        close(pipes[1]);
        /* A few more each round: killed after another number of commits. */
        for (int i = 0; i < 3 + 2 * round &&
                        read(pipes[0], &said, sizeof said) == sizeof said;
             i++)
            last = said;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        while (read(pipes[0], &said, sizeof said) == sizeof said)
            last = said;
        close(pipes[0]);
        box_open(box);
        assert_string_equal(box->opening.set_aside, "");
        while (outbox_read(box->outbox, seq, &entry, &box->buffer) ==
               STATUS_OK) {
            unsigned number = (unsigned)strtoul(entry.event_id, NULL, 10);

            assert_true(found == 0 || number == found + 1);
            found = number;
            seq = entry.seq;
        }
        assert_true(found >= last); /* what was not said yet may be there */
        last = found;
        outbox_close(box->outbox);
        box->outbox = NULL;
    }
    box_open(box);
}
