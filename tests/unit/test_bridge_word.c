/* Receipts and the bridge's state, as it says them and as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge_word.h"

struct heard {
    char text[512];
};

static void hear(void *arg, const char *id, uint32_t revision,
                 const char *reason)
{
    struct heard *heard = arg;
    size_t used = strlen(heard->text);

    snprintf(heard->text + used, sizeof heard->text - used, "%s/%u%s%s ", id,
             revision, reason == NULL ? "" : "!", reason == NULL ? "" : reason);
}

static void heard_of(const char *receipt, bool good, const char *expected)
{
    struct heard heard = {""};

    assert_int_equal(bridge_word_receipt(span_text(receipt), hear, &heard),
                     good);
    assert_string_equal(heard.text, expected);
}

static void a_receipt_names_what_was_stored_and_what_not(void **state)
{
    (void)state;
    heard_of("{\"stored\": [\"a\", \"b\"], \"rejected\": "
             "[{\"id\": \"c\", \"reason\": \"no\"}]}",
             true, "a/0 b/0 c/0!no ");
}

static void a_revision_belongs_to_its_event(void **state)
{
    (void)state;
    heard_of("{\"stored\": [\"a\", \"b\"], \"rejected\": "
             "[{\"id\": \"c\", \"reason\": \"no\"}], "
             "\"revisions\": {\"b\": 2, \"c\": 4294967295}}",
             true, "a/0 b/2 c/4294967295!no ");
}

static void what_is_no_receipt_says_nothing(void **state)
{
    static const char *const rows[] = {
        "",           "{",    "[]",     "null",
        "\"stored\"", "\xff", "{\"a\"", "{\"stored\":[],\"stored\":[\"a\"]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        heard_of(rows[i], false, "");
}

static void members_of_another_shape_say_nothing(void **state)
{
    (void)state;
    heard_of("{}", true, "");
    heard_of("{\"stored\": \"a\", \"rejected\": {\"id\": \"b\"}}", true, "");
    heard_of("{\"stored\": [1, null, [\"a\"]], \"rejected\": [\"a\", "
             "{\"id\": \"b\"}, {\"reason\": \"c\"}, {\"id\": 1, \"reason\": "
             "\"d\"}]}",
             true, "");
    heard_of("{\"stored\": [\"a\"], \"revisions\": {\"a\": -1}}", true, "a/0 ");
    heard_of("{\"stored\": [\"a\"], \"revisions\": {\"a\": 4294967296}}", true,
             "a/0 ");
    heard_of("{\"stored\": [\"a\"], \"revisions\": {\"a\": \"1\"}}", true,
             "a/0 ");
    heard_of("{\"stored\": [\"a\"], \"revisions\": [1]}", true, "a/0 ");
}

static void above_a_megabyte_nothing_is_read(void **state)
{
    char *text = malloc(BRIDGE_WORD_MAX + 64);
    struct heard heard = {""};

    (void)state;
    assert_non_null(text);
    memset(text, ' ', BRIDGE_WORD_MAX + 1);
    strcpy(text + BRIDGE_WORD_MAX + 1, "{\"stored\": [\"a\"]}");
    assert_false(bridge_word_receipt(span_text(text), hear, &heard));
    free(text);
}

static void the_state_says_online_and_full(void **state)
{
    struct bridge_state said = {false, false};

    (void)state;
    assert_true(bridge_word_state(
        span_text("{\"online\": true, \"full\": false, \"x\": 1}"), &said));
    assert_true(said.online);
    assert_false(said.full);
    assert_true(bridge_word_state(
        span_text("{\"online\": false, \"full\": true}"), &said));
    assert_false(said.online);
    assert_true(said.full);
}

static void what_is_no_state_changes_nothing(void **state)
{
    static const char *const rows[] = {"",
                                       "{}",
                                       "[true, true]",
                                       "{\"online\": true}",
                                       "{\"full\": false}",
                                       "{\"online\": 1, \"full\": 0}"};
    struct bridge_state said = {true, true};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_false(bridge_word_state(span_text(rows[i]), &said));
    assert_true(said.online && said.full);
}
