/* What an adapter keeps: nothing twice, nothing for ever. */
#include "outbox_box.h"

static int setup(void **state)
{
    return box_make(state);
}

static int teardown(void **state)
{
    return box_remove(state);
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
