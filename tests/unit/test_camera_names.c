/* File names by patterns, addresses by ranges. */
#include "camera_world.h"

#include <arpa/inet.h>

#include "address.h"
#include "clock.h"
#include "name_pattern.h"

static bool match(const char *text, const char *path, struct name_facts *facts)
{
    struct name_pattern pattern;
    char why[PATTERN_WHY_MAX];

    if (!name_pattern_read(text, &pattern, why))
        fail_msg("%s: %s", text, why);
    return name_pattern_match(&pattern, path, facts);
}

static void assert_time(int64_t at_ms, const char *expected)
{
    char text[CLOCK_TEXT_MAX];

    clock_print_iso(at_ms, text);
    assert_string_equal(text, expected);
}

static void plate_colour_and_time_are_read(void **state)
{
    struct name_facts facts;

    (void)state;
    assert_true(match("{plate}_{color}_{time:%Y%m%d%H%M%S%3}_{*}.jpg",
                      "云A12345_蓝_20261120083045250_7.JPG", &facts));
    assert_string_equal(facts.plate, "云A12345");
    assert_string_equal(facts.color, "蓝");
    assert_time(facts.at_ms, "2026-11-20T08:30:45.250+08:00");
}

static void name_in_gbk_is_read(void **state)
{
    struct name_facts facts;

    (void)state; /* 云A12345 and 蓝 in GBK */
    assert_true(match("{plate}_{color}_{time:%Y%m%d%H%M%S}.jpg",
                      "\xd4\xc6\x41\x31\x32\x33\x34\x35_\xc0\xb6_"
                      "20261120083045.jpg",
                      &facts));
    assert_string_equal(facts.plate, "云A12345");
    assert_string_equal(facts.color, "蓝");
}

static void date_and_time_of_day_may_stand_apart(void **state)
{
    struct name_facts facts;

    (void)state;
    assert_true(match("{*}/{time:%Y-%m-%d}/{key}_{time:%H.%M.%S}[{plate}].jpg",
                      "3F0A/2026-11-20/p17_08.30.45[AB-1].jpg", &facts));
    assert_string_equal(facts.plate, "AB-1");
    assert_string_equal(facts.key, "p17");
    assert_time(facts.at_ms, "2026-11-20T08:30:45.000+08:00");
}

static void seconds_since_1970_are_utc(void **state)
{
    struct name_facts facts;

    (void)state;
    assert_true(match("{time:%s}.jpg", "1686299994.jpg", &facts));
    assert_time(facts.at_ms, "2023-06-09T16:39:54.000+08:00");
}

static void pattern_without_slash_is_for_the_name_alone(void **state)
{
    struct name_facts facts;

    (void)state;
    assert_true(match("{plate}.jpg", "2026/11/20/AB1.jpg", &facts));
    assert_string_equal(facts.plate, "AB1");
    assert_false(match("x/{plate}.jpg", "y/AB1.jpg", &facts));
}

static void field_crosses_no_slash(void **state)
{
    struct name_facts facts;

    (void)state;
    assert_false(match("a/{plate}.jpg", "a/b/c.jpg", &facts));
    assert_true(match("a/{*}.jpg", "a/b/c.jpg", &facts));
}

static void other_names_do_not_match(void **state)
{
    static const char *const names[] = {
        "",
        "AB1_20261120083045.png",
        "_20261120083045.jpg",
        "AB1_.jpg",
        "AB1_2026112008304x.jpg",
        "AB1_20261320083045.jpg",
        "AB1_20261120253045.jpg",
        "AB1_20261120083045.jpg.part",
    };
    struct name_facts facts;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(
            match("{plate}_{time:%Y%m%d%H%M%S}.jpg", names[i], &facts));
}

static void lane_is_digits_and_movement_a_word(void **state)
{
    struct name_facts facts;

    (void)state;
    assert_true(
        match("{lane}-{move}-{plate}.jpg", "2-forward-AB1.jpg", &facts));
    assert_int_equal(facts.lane, 2);
    assert_string_equal(facts.move, "forward");
    assert_false(match("{lane}-{plate}.jpg", "x-AB1.jpg", &facts));
}

static void hostile_name_is_given_up_soon(void **state)
{
    char name[300];
    struct name_facts facts;

    (void)state;
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    assert_false(match("{*}a{*}a{*}a{*}a{*}a{*}a{*}a{*}a{*}b", name, &facts));
}

static void wrong_pattern_says_what_is_wrong(void **state)
{
    static const char *const patterns[][2] = {
        {"", "is empty"},
        {"{plate", "without its }"},
        {"{plat}.jpg", "unknown field"},
        {"{plate}{color}.jpg", "two fields"},
        {"{time:%Q}.jpg", "unknown %"},
        {"{time:%Y%}.jpg", "unknown %"},
    };
    struct name_pattern pattern;
    char why[PATTERN_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        assert_false(name_pattern_read(patterns[i][0], &pattern, why));
        assert_non_null(strstr(why, patterns[i][1]));
    }
}

/* ---- addresses ---------------------------------------------------------- */

static bool has(const char *range_text, const char *address)
{
    struct address_range range;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    assert_true(address_range_read(range_text, &range));
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return address_range_has(&range, (struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return address_range_has(&range, (struct sockaddr *)&v6);
}

static void range_holds_what_its_prefix_says(void **state)
{
    (void)state;
    assert_true(has("192.168.1.64", "192.168.1.64"));
    assert_false(has("192.168.1.64", "192.168.1.65"));
    assert_true(has("10.20.0.0/16", "10.20.255.1"));
    assert_false(has("10.20.0.0/16", "10.21.0.1"));
    assert_true(has("10.20.4.0/22", "10.20.7.255"));
    assert_false(has("10.20.4.0/22", "10.20.8.0"));
    assert_true(has("0.0.0.0/0", "8.8.8.8"));
    assert_false(has("0.0.0.0/0", "fd00::1"));
    assert_true(has("fd00::/8", "fd12::1"));
}

static void ipv4_in_ipv6_clothes_is_ipv4(void **state)
{
    (void)state;
    assert_true(has("192.168.1.0/24", "::ffff:192.168.1.64"));
    assert_true(has("::ffff:192.168.1.64", "192.168.1.64"));
}

static void what_is_no_range_is_refused(void **state)
{
    static const char *const texts[] = {
        "",         "cam",        "192.168.1",      "192.168.1.0/33",
        "1.2.3.4/", "1.2.3.4/x",  "192.168.1.1/24", "fd00::1/64",
        "::/129",   "1.2.3.4/-1", "1.2.3.4/0024",
    };
    struct address_range range;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(address_range_read(texts[i], &range));
}

static void ranges_meet_when_one_lies_in_the_other(void **state)
{
    struct address_range a, b, c;

    (void)state;
    assert_true(address_range_read("10.0.0.0/8", &a));
    assert_true(address_range_read("10.1.2.3", &b));
    assert_true(address_range_read("10.1.2.4", &c));
    assert_true(address_ranges_meet(&a, &b));
    assert_true(address_ranges_meet(&b, &a));
    assert_false(address_ranges_meet(&b, &c));
}
