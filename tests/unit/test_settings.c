/* The settings loader, with a table of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings.h"

/* ---- a program's settings ---------------------------------------------- */

struct limits {
    uint32_t high;
    const uint32_t *waits_s;
    unsigned wait_count;
};

struct port {
    const char *name;
    double factor;
};

struct example {
    const char *title;
    const char *link;
    const char *url;
    const char *log;
    int mode;
    bool quiet;
    uint32_t period_s;
    const char *const *tags;
    unsigned tag_count;
    struct limits limits;
    struct limits more;
    const struct port *ports;
    unsigned port_count;
};

static const struct settings_word modes[] = {
    {"slow", 7}, {"fast", 9}, {NULL, 0}};

/* clang-format off */
#define SETTINGS_STRUCT struct limits
static const struct settings_row limit_rows[] = {
    SETTINGS_UNSIGNED_ROW(high, "100", 1, 1000, "the most"),
    SETTINGS_UNSIGNEDS_ROW(waits_s, wait_count, "1, 2", 2, 1, 60, "two waits"),
};
static const struct settings_group limits = SETTINGS_GROUP_OF(limit_rows, "Limits.");
#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct port
static const struct settings_row port_rows[] = {
    SETTINGS_TEXT_ROW(name, NULL, &settings_form_device, "its name"),
    SETTINGS_REAL_ROW(factor, "1", -10, 10, "its factor"),
};
static const struct settings_group port = SETTINGS_GROUP_OF(port_rows, "A port.");
#undef SETTINGS_STRUCT
#define SETTINGS_STRUCT struct example
static const struct settings_row rows[] = {
    SETTINGS_TEXT_ROW(title, NULL, NULL, "any text"),
    SETTINGS_TEXT_ROW(link, "", &settings_form_host, "a host"),
    SETTINGS_TEXT_ROW(url, "", &settings_form_url, "an address"),
    SETTINGS_FILE_ROW(log, "", SETTINGS_FILE_ANY, "a path"),
    SETTINGS_WORD_ROW(mode, "slow", modes, "how"),
    SETTINGS_BOOL_ROW(quiet, "false", "say less"),
    SETTINGS_UNSIGNED_ROW(period_s, "0", 10, 20, "how often; 0: never"),
    SETTINGS_TEXTS_ROW(tags, tag_count, "", 0, 3, NULL, "marks"),
    SETTINGS_GROUP_ROW(limits, &limits, "what holds for all"),
    SETTINGS_GROUP_ROW(more, &limits, "what replaces it"),
    SETTINGS_GROUPS_ROW(ports, port_count, 4, &port, "the ports"),
};
static const struct settings_group root = SETTINGS_GROUP_OF(rows, "An example.");
/* clang-format on */

struct loading {
    char path[64];
    struct example example;
    struct settings *settings;
    struct bytes words;
};

static int setup(void **state)
{
    struct loading *loading = calloc(1, sizeof *loading);
    int fd;

    assert_non_null(loading);
    strcpy(loading->path, "/tmp/test_settings.XXXXXX");
    fd = mkstemp(loading->path);
    assert_true(fd >= 0);
    close(fd);
    *state = loading;
    return 0;
}

static int teardown(void **state)
{
    struct loading *loading = *state;

    settings_close(loading->settings);
    bytes_free(&loading->words);
    unlink(loading->path);
    free(loading);
    return 0;
}

/* Loads text; the verdict, or what opening said. */
static enum status load_bytes(struct loading *loading, const char *text,
                              size_t len)
{
    FILE *file = fopen(loading->path, "wb");
    enum status status;

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    settings_close(loading->settings);
    bytes_clear(&loading->words);
    status = settings_open(loading->path, &root, &loading->example,
                           &loading->words, &loading->settings);
    if (status != STATUS_OK) {
        assert_null(loading->settings);
        return status;
    }
    return settings_verdict(loading->settings, &loading->words);
}

static enum status load(struct loading *loading, const char *text)
{
    return load_bytes(loading, text, strlen(text));
}

/* The only line of words is "FILE:" and this. */
static void assert_words(const struct loading *loading, const char *words)
{
    const char *got = bytes_text(&loading->words);
    size_t prefix = strlen(loading->path) + 1;

    assert_true(loading->words.len > prefix);
    assert_string_equal(got + prefix, words);
}

/* ---- values ------------------------------------------------------------ */

static void what_is_not_given_has_its_default(void **state)
{
    struct loading *loading = *state;
    struct example *example = &loading->example;

    assert_int_equal(load(loading, "title: a"), STATUS_OK);
    assert_string_equal(example->title, "a");
    assert_string_equal(example->link, "");
    assert_int_equal(example->mode, 7);
    assert_false(example->quiet);
    assert_int_equal(example->period_s, 0);
    assert_int_equal(example->tag_count, 0);
    assert_int_equal(example->limits.high, 100);
    assert_int_equal(example->limits.wait_count, 2);
    assert_int_equal(example->limits.waits_s[1], 2);
    assert_int_equal(example->port_count, 0);
    assert_null(example->ports);
}

static void what_is_given_arrives_in_its_type(void **state)
{
    struct loading *loading = *state;
    struct example *example = &loading->example;

    assert_int_equal(load(loading, "title: \"2026: a # b\"\n"
                                   "link: 192.0.2.1\n"
                                   "mode: fast\n"
                                   "quiet: true\n"
                                   "period_s: 20\n"
                                   "tags: [a, '', 007]\n"
                                   "limits: {high: 5, waits_s: [3, 4]}\n"
                                   "ports:\n"
                                   "- name: one\n"
                                   "- {name: two, factor: -2.5e-1}\n"),
                     STATUS_OK);
    assert_string_equal(example->title, "2026: a # b");
    assert_int_equal(example->mode, 9);
    assert_true(example->quiet);
    assert_int_equal(example->period_s, 20);
    assert_int_equal(example->tag_count, 3);
    assert_string_equal(example->tags[1], "");
    assert_string_equal(example->tags[2], "007");
    assert_int_equal(example->limits.waits_s[0], 3);
    assert_int_equal(example->more.high, 100);
    assert_int_equal(example->port_count, 2);
    assert_true(example->ports[0].factor == 1);
    assert_true(example->ports[1].factor == -0.25);
}

static void a_default_outside_the_bounds_may_be_written(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "{title: a, period_s: 0}"), STATUS_OK);
    assert_int_equal(load(loading, "{title: a, period_s: 9}"), STATUS_INVALID);
    assert_words(loading, "1: period_s: \"9\" is out of bounds; allowed: 10 "
                          "to 20, or 0\n");
}

static void a_relative_path_is_joined_to_the_files_folder(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "{title: a, log: logs/a}"), STATUS_OK);
    assert_string_equal(loading->example.log, "/tmp/logs/a");
    assert_int_equal(load(loading, "{title: a, log: /logs/a}"), STATUS_OK);
    assert_string_equal(loading->example.log, "/logs/a");
}

static void keys_that_are_not_given_are_inherited(void **state)
{
    struct loading *loading = *state;
    struct example *example = &loading->example;

    assert_int_equal(load(loading, "title: a\n"
                                   "limits: {high: 5, waits_s: [3, 4]}\n"
                                   "more: {high: 100}\n"),
                     STATUS_OK);
    assert_true(settings_given(loading->settings, "more", "high"));
    assert_false(settings_given(loading->settings, "more", "waits_s"));
    settings_inherit(loading->settings, &limits, "more", &example->more,
                     &example->limits);
    assert_int_equal(example->more.high, 100);
    assert_int_equal(example->more.wait_count, 2);
    assert_int_equal(example->more.waits_s[1], 4);
}

/* ---- mistakes ---------------------------------------------------------- */

static void a_misspelt_key_is_answered_with_the_nearest(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "title: a\nlimits:\n  hihg: 5\n"),
                     STATUS_FORMAT);
    assert_words(loading, "3: limits.hihg: there is no such key; did you mean "
                          "high?; allowed: high, waits_s\n");
    assert_int_equal(load(loading, "title: a\nlimits:\n  volume: 5\n"),
                     STATUS_FORMAT);
    assert_words(loading, "3: limits.volume: there is no such key; allowed: "
                          "high, waits_s\n");
}

static void mistakes_come_in_the_order_of_lines(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "ports:\n"
                                   "- name: a b\n"
                                   "mode: medium\n"
                                   "title: ''\n"),
                     STATUS_INVALID);
    assert_int_equal(load(loading, "ports:\n"
                                   "- factor: 11\n"
                                   "mode: medium\n"),
                     STATUS_INVALID);
    const char *first = strstr(bytes_text(&loading->words), "ports[0].factor");
    const char *second = strstr(bytes_text(&loading->words), "mode: ");
    const char *absent = strstr(bytes_text(&loading->words), ":1: title: must");

    assert_non_null(absent);
    assert_non_null(first);
    assert_non_null(second);
    assert_true(absent < first);
    assert_true(first < second);
}

static void a_program_s_own_mistake_has_its_line(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "title: a\nports:\n- name: a\n- name: b\n"),
                     STATUS_OK);
    settings_warn(loading->settings, "ports[1]", "factor", "is %s", "risky");
    assert_int_equal(settings_verdict(loading->settings, &loading->words),
                     STATUS_OK);
    assert_words(loading, "4: ports[1].factor: warning: is risky\n");
    assert_int_equal(load(loading, "title: a\nports:\n- name: a\n- name: b\n"),
                     STATUS_OK);
    settings_mistake(loading->settings, STATUS_DENIED, "ports[0]", "name",
                     "is %s", "wrong");
    assert_int_equal(settings_verdict(loading->settings, &loading->words),
                     STATUS_DENIED);
    assert_words(loading, "3: ports[0].name: is wrong\n");
}

static void the_gravest_mistake_names_the_status(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "title: a"), STATUS_OK);
    settings_mistake(loading->settings, STATUS_DENIED, "", "log", "x");
    settings_mistake(loading->settings, STATUS_MISSING, "", "log", "x");
    assert_int_equal(settings_verdict(loading->settings, &loading->words),
                     STATUS_MISSING);
    settings_mistake(loading->settings, STATUS_FORMAT, "", "log", "x");
    settings_mistake(loading->settings, STATUS_INVALID, "", "log", "x");
    assert_int_equal(settings_verdict(loading->settings, &loading->words),
                     STATUS_FORMAT);
}

static void a_list_has_as_many_entries_as_allowed(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "{title: a, tags: [a, b, c, d]}"),
                     STATUS_INVALID);
    assert_words(loading, "1: tags: has 4 entries; allowed: 0 to 3\n");
    assert_int_equal(load(loading, "{title: a, limits: {waits_s: []}}"),
                     STATUS_INVALID);
    assert_words(loading,
                 "1: limits.waits_s: has 0 entries; allowed: exactly 2\n");
    assert_int_equal(load(loading, "{title: a, tags: [], ports: []}"),
                     STATUS_OK);
}

static void what_yaml_would_convert_is_refused(void **state)
{
    static const char *const values[] = {
        "period_s: 0x0F",
        "period_s: 1e1",
        "period_s: 010",
        "period_s: +12",
        "period_s: ' 12'",
        "period_s: 12.0",
        "period_s: 4294967306",
        "quiet: yes",
        "quiet: True",
        "quiet: 1",
        "ports: [{name: a, factor: .inf}]",
        "ports: [{name: a, factor: 0x1p1}]",
        "ports: [{name: a, factor: 1e999}]",
        "ports: [{name: a, factor: 1.2.3}]",
        "mode: 7",
        "mode: Fast",
        "title: null",
        "title: ~",
        "title: \"a\\0b\"",
        "title: \"a\\nb\"",
        "title: ''",
        "? [title]\n: a",
        "title: !!binary [a]",
    };
    struct loading *loading = *state;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[128];

        snprintf(text, sizeof text, "%s%s\n",
                 strstr(values[i], "title") == NULL ? "title: a\n" : "",
                 values[i]);
        if (load(loading, text) == STATUS_OK)
            fail_msg("taken: %s", values[i]);
    }
}

static void what_is_not_utf8_is_refused(void **state)
{
    struct loading *loading = *state;

    assert_int_equal(load(loading, "title: \xff\xfe"), STATUS_FORMAT);
    assert_int_equal(load(loading, "title: \xc0\xaf"), STATUS_FORMAT);
    assert_int_equal(load(loading, "title: \xe4\xba\x91"), STATUS_OK);
    assert_int_equal(load_bytes(loading, "title: a\0b", 10), STATUS_FORMAT);
}

/* A billion laughs, deep nesting and very many keys end quickly. */
static void a_bomb_is_refused(void **state)
{
    struct loading *loading = *state;
    struct bytes text = BYTES_EMPTY;

    assert_int_equal(load(loading, "tags: &a [x, x]\n"
                                   "title: &b [*a, *a]\n"),
                     STATUS_FORMAT);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(bytes_append_text(&text, "["), STATUS_OK);
    assert_int_equal(load(loading, bytes_text(&text)), STATUS_FORMAT);
    bytes_clear(&text);
    assert_int_equal(bytes_append_text(&text, "tags: ["), STATUS_OK);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(bytes_append_text(&text, "a,"), STATUS_OK);
    assert_int_equal(bytes_append_text(&text, "]"), STATUS_OK);
    assert_int_equal(load(loading, bytes_text(&text)), STATUS_FORMAT);
    assert_words(loading, "1: tags[49999]: too many values\n");
    bytes_free(&text);
}

/* ---- forms ------------------------------------------------------------- */

static bool loads(struct loading *loading, const char *key, const char *value)
{
    char text[200];

    snprintf(text, sizeof text, "title: a\n%s: '%s'\n", key, value);
    return load(loading, text) == STATUS_OK;
}

static void addresses_are_checked(void **state)
{
    static const char *const good[] = {
        "http://a",           "https://a.example.com:8443/x/y",
        "http://192.0.2.1:1", "https://[2001:db8::1]:443/p",
        "http://a_b.local",
    };
    static const char *const bad[] = {
        "http://",        "a.example.com",       "ftp://a",    "http://a/",
        "http://a/b?c=d", "http://a#b",          "http://u@a", "http://u:p@a",
        "http://a:0",     "http://a:65536",      "http://a:",  "http://a b",
        "http://[::1",    "http://[]",           "HTTP://a",   "http://:80",
        "http://a\\b",    "http://-a",           "http:///a",  "http://a:80:80",
        "http://[::1]x",  "http://\xe4\xba\x91",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!loads(*state, "url", good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (loads(*state, "url", bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void hosts_are_checked(void **state)
{
    static const char *const good[] = {"a", "a-b.example.com", "192.0.2.1",
                                       "::1", "2001:db8::1"};
    static const char *const bad[] = {"a b", "a/b",   "a:1883", "-a",
                                      ".a",  "[::1]", "a@b"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!loads(*state, "link", good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (loads(*state, "link", bad[i]))
            fail_msg("taken: %s", bad[i]);
}

/* ---- the manual -------------------------------------------------------- */

static void the_manual_has_one_table_a_group(void **state)
{
    struct bytes manual = BYTES_EMPTY;

    (void)state;
    assert_int_equal(settings_manual(&root, &manual), STATUS_OK);
    assert_string_equal(
        bytes_text(&manual),
        "\n## Top level\n\nAn example.\n\n"
        "| key | default | allowed | what it is |\n"
        "| --- | --- | --- | --- |\n"
        "| `title` | must be given | any text of at most 256 bytes in one "
        "line | any text |\n"
        "| `link` | none | a host name or an IP address | a host |\n"
        "| `url` | none | http(s)://host[:port][/prefix], without user, ?, # "
        "and final / | an address |\n"
        "| `log` | none | a path | a path |\n"
        "| `mode` | `slow` | slow, fast | how |\n"
        "| `quiet` | `false` | true, false | say less |\n"
        "| `period_s` | `0` | 10 to 20, or 0 | how often; 0: never |\n"
        "| `tags` | none | a list of 0 to 3: any text of at most 256 bytes in "
        "one line | marks |\n"
        "| `limits` | | see *limits* | what holds for all |\n"
        "| `more` | | see *limits* | what replaces it |\n"
        "| `ports` | | a list of up to 4, see *ports[]* | the ports |\n"
        "\n## limits\n\nLimits.\n\n"
        "| key | default | allowed | what it is |\n"
        "| --- | --- | --- | --- |\n"
        "| `high` | `100` | 1 to 1000 | the most |\n"
        "| `waits_s` | `1, 2` | a list of 2: 1 to 60 | two waits |\n"
        "\n## ports[]\n\nA port.\n\n"
        "| key | default | allowed | what it is |\n"
        "| --- | --- | --- | --- |\n"
        "| `name` | must be given | 1 to 63 letters, digits, _ and - | its "
        "name |\n"
        "| `factor` | `1` | -10 to 10 | its factor |\n");
    bytes_free(&manual);
}
