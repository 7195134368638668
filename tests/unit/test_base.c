#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bytes.h"
#include "clock.h"
#include "text.h"

static int64_t read_ok(const char *text)
{
    int64_t ms = -1;

    assert_int_equal(clock_read(span_text(text), &ms), STATUS_OK);
    return ms;
}

/* Expected instants: date -u -d TEXT +%s of GNU coreutils. */
static void clock_reads_zones_and_platform_times(void **state)
{
    (void)state;
    assert_int_equal(read_ok("2026-11-20T08:30:45Z"), 1795163445000);
    assert_int_equal(read_ok("2026-11-20T08:30:45.123+08:00"), 1795134645123);
    assert_int_equal(read_ok("2026-11-20T08:30:45.123456789+0800"),
                     1795134645123);
    assert_int_equal(read_ok("2026-11-20 08:30:45"), 1795134645000);
    assert_int_equal(read_ok("2024-02-29T00:00:00-05:30"), 1709184600000);
}

static void clock_refuses_what_is_no_time(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-20",
        "2026-02-29 00:00:00",
        "2026-13-01 00:00:00",
        "2026-11-20 24:00:00",
        "2026-11-20 08:30:60",
        "2026-11-20T08:30:45.",
        "2026-11-20T08:30:45.1234567890Z",
        "2026-11-20T08:30:45+15:00",
        "2026-11-20T08:30:45Zx",
        "26-11-20 08:30:45",
        "2026/11/20 08:30:45",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(clock_read(span_text(bad[i]), &ms), STATUS_FORMAT);
}

static void china_day_changes_at_sixteen_hours_of_greenwich(void **state)
{
    (void)state;
    assert_int_equal(china_day(read_ok("2026-11-20T15:59:59.999Z")), 20261120);
    assert_int_equal(china_day(read_ok("2026-11-20T16:00:00Z")), 20261121);
}

static void china_time_survives_the_way_back(void **state)
{
    int64_t ms = read_ok("2026-12-31T23:59:59.999+08:00");
    struct china_time time = china_time_of(ms);
    char text[CLOCK_TEXT_MAX];
    int64_t back;

    (void)state;
    assert_int_equal(time.year, 2026);
    assert_int_equal(time.hour, 23);
    assert_int_equal(time.millisecond, 999);
    assert_int_equal(china_time_to_ms(&time, &back), STATUS_OK);
    assert_int_equal(back, ms);
    clock_print_iso(ms, text);
    assert_string_equal(text, "2026-12-31T23:59:59.999+08:00");
    clock_print_china(ms, text);
    assert_string_equal(text, "2026-12-31 23:59:59");
}

static void bytes_grow_and_keep_a_nul_behind(void **state)
{
    struct bytes bytes = BYTES_EMPTY;

    (void)state;
    assert_string_equal(bytes_text(&bytes), "");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(bytes_print(&bytes, "%03d", i), STATUS_OK);
    assert_int_equal(bytes.len, 3000);
    assert_int_equal(strlen(bytes_text(&bytes)), 3000);
    assert_int_equal(bytes_reserve(&bytes, SIZE_MAX - 4), STATUS_NOMEM);
    assert_int_equal(bytes.len, 3000);
    bytes_wipe(&bytes);
    assert_null(bytes.data);
}

static void file_is_replaced_whole_or_not_at_all(void **state)
{
    char folder[] = "/tmp/sampan-base-XXXXXX";
    struct bytes back = BYTES_EMPTY;
    struct bytes path = BYTES_EMPTY;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(bytes_print(&path, "%s/file", folder), STATUS_OK);
    assert_int_equal(bytes_read_file(&back, bytes_text(&path), 10),
                     STATUS_NOT_FOUND);
    assert_int_equal(
        bytes_write_file(bytes_text(&path), span_text("one"), 0600), STATUS_OK);
    assert_int_equal(
        bytes_write_file(bytes_text(&path), span_text("second"), 0600),
        STATUS_OK);
    assert_int_equal(bytes_read_file(&back, bytes_text(&path), 10), STATUS_OK);
    assert_string_equal(bytes_text(&back), "second");
    assert_int_equal(bytes_read_file(&back, bytes_text(&path), 5),
                     STATUS_INVALID);
    unlink(bytes_text(&path));
    rmdir(folder);
    bytes_free(&path);
    bytes_free(&back);
}

/* ---- text ---------------------------------------------------------------- */

/* "豫A" is e8 b1 ab 41, "€" e2 82 ac: RFC 3629 and the Unicode tables. */
static void text_is_cut_between_characters(void **state)
{
    char buffer[6];

    (void)state;
    text_put(buffer, sizeof buffer, "A\xe8\xb1\xab");
    assert_string_equal(buffer, "A\xe8\xb1\xab");
    text_put(buffer, sizeof buffer, "ABC\xe8\xb1\xab");
    assert_string_equal(buffer, "ABC");
    text_put(buffer, sizeof buffer, "ABCD\xe8\xb1\xab");
    assert_string_equal(buffer, "ABCD");
    text_put(buffer, 1, "A");
    assert_string_equal(buffer, "");
    text_print(buffer, sizeof buffer, "%d%s", 42, "\xe8\xb1\xab\xe8");
    assert_string_equal(buffer, "42\xe8\xb1\xab");
}

static void bytes_of_no_character_become_question_marks(void **state)
{
    char buffer[64];

    (void)state;
    text_put(buffer, sizeof buffer,
             "a\xff"
             "b\xc0\xaf"
             "c\xed\xa0\x80.");
    assert_string_equal(buffer, "a?b??c???.");
    text_put(buffer, sizeof buffer,
             "\xb1\xab\xe8\xb1"
             "A\xf4\x90\x80\x80");
    assert_string_equal(buffer, "????A????");
    text_print(buffer, sizeof buffer, "\"%.2s\"", "\xe2\x82\xac");
    assert_string_equal(buffer, "\"??\"");
}
