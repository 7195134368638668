/* What an adapter keeps: nothing lost, nothing twice, nothing for ever. */
#include "queue_help.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "outbox.h"

#define DAY(n) (NOON_MS + (n)*DAY_MS)

struct box {
    char folder[64];
    struct outbox_options options;
    struct outbox_opening opening;
    struct outbox *outbox;
    struct bytes buffer;
};

static void box_open(struct box *box)
{
    assert_ok(outbox_open(&box->options, &box->opening, &box->outbox));
}

static void box_again(struct box *box)
{
    outbox_close(box->outbox);
    box->outbox = NULL;
    box_open(box);
}

static int setup(void **state)
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

static int teardown(void **state)
{
    struct box *box = *state;

    outbox_close(box->outbox);
    remove_tree(box->folder);
    bytes_free(&box->buffer);
    free(box);
    return 0;
}

static struct outbox_event event_of(const char *id, const char *content)
{
    return (struct outbox_event){.device = "cam1",
                                 .leaf = "capture",
                                 .event_id = id,
                                 .at_ms = NOON_MS - 1000,
                                 .content = span_text(content)};
}

static enum outbox_news put(struct box *box, const char *id,
                            const char *content)
{
    struct outbox_event event = event_of(id, content);
    enum outbox_news news;

    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
    return news;
}

static struct outbox_entry next(struct box *box, uint64_t after)
{
    struct outbox_entry entry;

    assert_ok(outbox_read(box->outbox, after, &entry, &box->buffer));
    return entry;
}

static void assert_nothing(struct box *box, uint64_t after)
{
    struct outbox_entry entry;

    assert_int_equal(outbox_read(box->outbox, after, &entry, &box->buffer),
                     STATUS_EMPTY);
}

static void end(struct box *box, uint64_t seq, const char *reason)
{
    struct outbox_ending ending = {seq, reason};

    assert_ok(outbox_end(box->outbox, &ending, 1, NOON_MS));
}

static struct outbox_figures figures(struct box *box)
{
    struct outbox_figures figures;

    outbox_figures(box->outbox, &figures);
    return figures;
}

/* ---- keeping ------------------------------------------------------------ */

static void what_was_put_is_read_in_order_with_all_it_had(void **state)
{
    struct box *box = *state;
    struct outbox_entry entry;

    assert_int_equal(put(box, "a", "{1}"), OUTBOX_NEW);
    assert_int_equal(put(box, "b", "{2}"), OUTBOX_NEW);
    box_again(box);
    entry = next(box, 0);
    assert_string_equal(entry.device, "cam1");
    assert_string_equal(entry.leaf, "capture");
    assert_string_equal(entry.event_id, "a");
    assert_string_equal(entry.published_id, "a");
    assert_int_equal(entry.at_ms, NOON_MS - 1000);
    assert_int_equal(entry.kept_at_ms, NOON_MS);
    assert_int_equal(entry.revision, 0);
    assert_true(span_equal_text(entry.content, "{1}"));
    entry = next(box, entry.seq);
    assert_string_equal(entry.event_id, "b");
    assert_nothing(box, entry.seq);
    assert_int_equal(figures(box).kept, 2);
    assert_int_equal(figures(box).oldest_at_ms, NOON_MS - 1000);
}

static void what_has_ended_is_gone_and_its_place_is_not_used_again(void **state)
{
    struct box *box = *state;
    uint64_t seq;

    put(box, "a", "{1}");
    seq = next(box, 0).seq;
    end(box, seq, NULL);
    assert_nothing(box, 0);
    end(box, seq, NULL); /* nothing there is no fault */
    box_again(box);
    assert_nothing(box, 0);
    put(box, "b", "{2}");
    assert_true(next(box, 0).seq > seq);
    assert_int_equal(figures(box).kept, 1);
}

static void what_has_ended_gives_its_pages_back(void **state)
{
    struct box *box = *state;
    char path[128];
    struct stat file;
    char *large = malloc(MB + 1);

    memset(large, 'x', MB);
    large[MB] = 0;
    for (int i = 0; i < 200; i++) { /* 200 MB through 64 */
        char id[16];

        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(put(box, id, large), OUTBOX_NEW);
        large[0] = (char)('a' + i % 26);
        end(box, next(box, 0).seq, NULL);
    }
    free(large);
    snprintf(path, sizeof path, "%s/outbox/data.mdb", box->folder);
    assert_int_equal(stat(path, &file), 0);
    assert_true(file.st_size < (off_t)(16 * MB));
    assert_int_equal(figures(box).kept_bytes, 0);
}

/* ---- what is known ------------------------------------------------------ */

static void the_same_again_is_a_repeat_also_after_it_has_ended(void **state)
{
    struct box *box = *state;

    put(box, "a", "{1}");
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT);
    end(box, next(box, 0).seq, NULL);
    box_again(box);
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT);
    assert_nothing(box, 0);
}

static void other_content_is_the_next_edition(void **state)
{
    struct box *box = *state;
    struct outbox_entry entry;

    put(box, "a", "{1}");
    assert_int_equal(put(box, "a", "{2}"), OUTBOX_EDITION);
    assert_int_equal(put(box, "a", "{3}"), OUTBOX_EDITION);
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT); /* sent late */
    entry = next(box, next(box, 0).seq);
    assert_int_equal(entry.revision, 1);
    assert_int_equal(next(box, entry.seq).revision, 2);
    assert_string_equal(entry.published_id, "a");
}

static void of_an_event_the_last_eight_contents_are_known(void **state)
{
    struct box *box = *state;
    char content[16];

    for (int i = 0; i < 9; i++) {
        snprintf(content, sizeof content, "{%d}", i);
        put(box, "a", content);
    }
    assert_int_equal(put(box, "a", "{8}"), OUTBOX_REPEAT);
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT);
    assert_int_equal(put(box, "a", "{0}"), OUTBOX_EDITION);
}

static void what_tells_editions_apart_may_be_less_than_the_content(void **state)
{
    struct box *box = *state;
    struct outbox_event event = event_of("a", "{1,late}");
    enum outbox_news news;

    event.telling = span_text("{1}");
    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
    assert_int_equal(news, OUTBOX_NEW);
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT);
    assert_int_equal(put(box, "a", "{2}"), OUTBOX_EDITION);
    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
    assert_int_equal(news, OUTBOX_REPEAT);
    assert_true(span_equal_text(next(box, 0).content, "{1,late}"));
}

static void an_id_used_for_another_time_is_published_with_its_time(void **state)
{
    struct box *box = *state;
    struct outbox_event later = event_of("17", "{2}");
    struct outbox_event other = event_of("17", "{3}");
    struct outbox_entry entry;
    enum outbox_news news;

    put(box, "17", "{1}");
    later.at_ms = NOON_MS;
    assert_ok(outbox_put(box->outbox, &later, NOON_MS, &news));
    assert_int_equal(news, OUTBOX_NEW);
    other.device = "cam2"; /* its own ids */
    assert_ok(outbox_put(box->outbox, &other, NOON_MS, &news));
    entry = next(box, next(box, 0).seq);
    assert_string_equal(entry.event_id, "17");
    assert_string_equal(entry.published_id, "17-1795147200000");
    assert_string_equal(next(box, entry.seq).published_id, "17");
    later.content = span_text("{4}"); /* an edition keeps the name */
    assert_ok(outbox_put(box->outbox, &later, NOON_MS, &news));
    assert_int_equal(news, OUTBOX_EDITION);
    assert_string_equal(next(box, entry.seq + 1).published_id,
                        "17-1795147200000");
    assert_int_equal(put(box, "17", "{1}"), OUTBOX_REPEAT);
}

static void a_long_published_id_is_cut_between_characters(void **state)
{
    struct box *box = *state;
    char id[OUTBOX_ID_MAX + 1] = "";
    struct outbox_event event;
    enum outbox_news news;
    struct outbox_entry entry;

    for (int i = 0; i < 42; i++)
        strcat(id, "\xe4\xba\x91"); /* 126 bytes */
    put(box, id, "{1}");
    event = event_of(id, "{2}");
    event.at_ms = NOON_MS;
    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
    entry = next(box, next(box, 0).seq);
    assert_string_equal(entry.event_id, id);
    assert_true(strlen(entry.published_id) <= OUTBOX_ID_MAX);
    assert_int_equal(strcspn(entry.published_id, "-") % 3, 0);
    assert_string_equal(strchr(entry.published_id, '-'), "-1795147200000");
}

static enum outbox_news put_on(struct box *box, int day)
{
    struct outbox_event event = event_of("a", "{1}");
    enum outbox_news news;

    assert_ok(outbox_put(box->outbox, &event, DAY(day), &news));
    return news;
}

static void what_was_not_seen_for_dedup_days_is_forgotten(void **state)
{
    struct box *box = *state;
    struct outbox_event other = event_of("b", "{2}");
    enum outbox_news news;

    assert_int_equal(put_on(box, 0), OUTBOX_NEW);
    assert_int_equal(put_on(box, 40), OUTBOX_REPEAT);
    assert_int_equal(put_on(box, 80), OUTBOX_REPEAT);
    other.content = span_text("{1}");
    assert_ok(outbox_put(box->outbox, &other, DAY(120), &news));
    assert_int_equal(figures(box).known, 2);
    other.content = span_text("{2}");
    assert_ok(outbox_put(box->outbox, &other, DAY(121), &news));
    assert_int_equal(figures(box).known, 1);
    assert_int_equal(put_on(box, 121), OUTBOX_NEW);
}

static void what_is_known_takes_a_share_of_the_quota_at_most(void **state)
{
    struct box *box = *state;
    char id[16];

    outbox_close(box->outbox);
    box->options.quota_bytes = MB / 4; /* a quarter of it: 256 are known */
    box_open(box);
    for (int i = 0; i < 400; i++) {
        snprintf(id, sizeof id, "%d", i);
        put(box, id, "{}");
        end(box, next(box, 0).seq, NULL);
    }
    assert_in_range(figures(box).known, 200, 257);
    assert_int_equal(put(box, "399", "{}"), OUTBOX_REPEAT);
}

/* ---- limits ------------------------------------------------------------- */

static void names_and_ids_have_their_lengths(void **state)
{
    struct box *box = *state;
    struct outbox_event event = event_of("", "{}");
    enum outbox_news news;
    char long_id[OUTBOX_ID_MAX + 2];

    assert_int_equal(outbox_put(box->outbox, &event, NOON_MS, &news),
                     STATUS_INVALID);
    memset(long_id, 'x', sizeof long_id);
    long_id[sizeof long_id - 1] = 0;
    event.event_id = long_id;
    assert_int_equal(outbox_put(box->outbox, &event, NOON_MS, &news),
                     STATUS_INVALID);
    long_id[OUTBOX_ID_MAX] = 0;
    assert_ok(outbox_put(box->outbox, &event, NOON_MS, &news));
}

/* Put 1 MB each until FULL; how many went in. */
static unsigned fill(struct box *box, unsigned from)
{
    char *large = malloc(MB + 1);
    unsigned count = from;
    enum status status;

    memset(large, 'x', MB);
    large[MB] = 0;
    do {
        char id[16];
        struct outbox_event event;
        enum outbox_news news;

        snprintf(id, sizeof id, "%u", count);
        event = event_of(id, large);
        status = outbox_put(box->outbox, &event, NOON_MS, &news);
        count += status == STATUS_OK;
    } while (status == STATUS_OK && count < from + 1000);
    assert_int_equal(status, STATUS_FULL);
    free(large);
    return count;
}

static void at_the_quota_it_is_full_and_nothing_is_lost(void **state)
{
    struct box *box = *state;
    unsigned count = fill(box, 0);
    uint64_t seq = 0;
    char id[16];

    assert_in_range(count, 60, 64);
    box_again(box);
    for (unsigned i = 0; i < count; i++) {
        struct outbox_entry entry = next(box, seq);

        snprintf(id, sizeof id, "%u", i);
        assert_string_equal(entry.event_id, id);
        assert_int_equal(entry.content.len, MB);
        seq = entry.seq;
    }
    assert_nothing(box, seq);
    end(box, next(box, 0).seq, NULL);
    assert_int_equal(put(box, "more", "{}"), OUTBOX_NEW);
    assert_int_equal(put(box, "0", "{}"), OUTBOX_EDITION);
    assert_in_range(fill(box, 2000), 2000, 2001);
}

static void at_the_quota_repeats_are_still_answered(void **state)
{
    struct box *box = *state;
    struct outbox_event event = event_of("b", "{2}");
    enum outbox_news news;

    put(box, "a", "{1}");
    fill(box, 0);
    while (outbox_put(box->outbox, &event, NOON_MS, &news) == STATUS_OK)
        event.at_ms++; /* also what is small does not fit any more */
    assert_int_equal(put(box, "a", "{1}"), OUTBOX_REPEAT);
}

static void what_was_kept_aside_makes_way(void **state)
{
    struct box *box = *state;
    unsigned count = fill(box, 0);

    end(box, next(box, 0).seq, "color: purple");
    assert_int_equal(figures(box).rejected, 1);
    assert_int_equal(fill(box, count), count + 1);
    assert_int_equal(figures(box).rejected, 0);
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

struct aside {
    unsigned count;
    bool damaged;
    char reason[OUTBOX_REASON_MAX + 1];
    char event_id[OUTBOX_ID_MAX + 1];
    size_t content;
};

static struct aside aside_of(struct box *box)
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

/* ---- kept aside --------------------------------------------------------- */

static void what_is_rejected_is_kept_aside_with_its_reason(void **state)
{
    struct box *box = *state;

    put(box, "a", "{1}");
    end(box, next(box, 0).seq, "color: \"purple\" is not known");
    assert_nothing(box, 0);
    box_again(box);
    assert_int_equal(aside_of(box).count, 1);
    assert_string_equal(aside_of(box).event_id, "a");
    assert_string_equal(aside_of(box).reason, "color: \"purple\" is not known");
    assert_int_equal(aside_of(box).content, 3);
    assert_false(aside_of(box).damaged);
}

static void of_the_rejected_the_newest_thousand_are_kept(void **state)
{
    struct box *box = *state;
    struct outbox_ending endings[1003];
    struct outbox_entry entry = {.seq = 0};
    char id[16];

    for (int i = 0; i < 1003; i++) {
        snprintf(id, sizeof id, "%d", i);
        put(box, id, "{}");
        entry = next(box, entry.seq);
        endings[i] = (struct outbox_ending){entry.seq, "no"};
    }
    assert_ok(outbox_end(box->outbox, endings, 1003, NOON_MS));
    assert_int_equal(aside_of(box).count, OUTBOX_REJECTED_MAX);
    assert_string_equal(aside_of(box).event_id, "1002");
    assert_int_equal(figures(box).rejected, OUTBOX_REJECTED_MAX);
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

/* ---- many --------------------------------------------------------------- */

#define THREADS 50
#define EACH 2000

struct writer {
    struct box *box;
    int number;
    pthread_t thread;
    unsigned news[3];
};

static void *write_many(void *arg)
{
    struct writer *writer = arg;
    char id[32];
    char content[64];

    for (int i = 0; i < EACH; i++) {
        struct outbox_event event;
        enum outbox_news news;

        /* Two threads say each event: one is the first, whichever. */
        snprintf(id, sizeof id, "%d-%d", writer->number / 2, i);
        snprintf(content, sizeof content, "{\"n\":%d}", i);
        event = event_of(id, content);
        if (outbox_put(writer->box->outbox, &event, NOON_MS, &news) ==
            STATUS_OK)
            writer->news[news]++;
    }
    return NULL;
}

static void a_hundred_thousand_of_many_threads_share_commits(void **state)
{
    struct box *box = *state;
    struct writer writers[THREADS] = {0};
    unsigned fresh = 0;
    unsigned again = 0;
    uint64_t seq = 0;
    struct outbox_entry entry;

    outbox_close(box->outbox);
    box->options.quota_bytes = 1024 * MB;
    box_open(box);
    for (int i = 0; i < THREADS; i++) {
        writers[i].box = box;
        writers[i].number = i;
        pthread_create(&writers[i].thread, NULL, write_many, &writers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
        fresh += writers[i].news[OUTBOX_NEW];
        again += writers[i].news[OUTBOX_REPEAT];
    }
    assert_int_equal(fresh, THREADS * EACH / 2);
    assert_int_equal(again, THREADS * EACH / 2);
    box_again(box);
    assert_int_equal(figures(box).kept, fresh);
    for (unsigned i = 0; i < fresh; i++) {
        entry = next(box, seq);
        seq = entry.seq;
    }
    assert_nothing(box, seq);
}

/* Bytes of files that are resident: what reading through a map leaves. */
static long resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long total;
    long pages;
    long of_files;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld %ld", &total, &pages, &of_files), 3);
    fclose(file);
    return of_files * sysconf(_SC_PAGESIZE);
}

static void reading_a_backlog_takes_no_memory(void **state)
{
    struct box *box = *state;
    uint64_t seq = 0;
    long before;

    outbox_close(box->outbox);
    box->options.quota_bytes = 200 * MB;
    box_open(box);
    fill(box, 0);
    box_again(box);
    seq = next(box, seq).seq;
    before = resident();
    for (int i = 0; i < 150; i++)
        seq = next(box, seq).seq;
    assert_true(resident() - before < (long)(16 * MB));
}
