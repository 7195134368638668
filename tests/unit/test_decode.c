/* Hex text, fault words, and what --decode prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "decode.h"
#include "json_text.h"

/* ---- hex ---------------------------------------------------------------- */

static void assert_hex(const char *text, const char *bytes, size_t len)
{
    struct decode_fault fault;
    struct bytes got = BYTES_EMPTY;

    assert_true(decode_hex(span_text(text), &got, &fault));
    assert_int_equal(got.len, len);
    assert_memory_equal(got.data, bytes, len);
    bytes_free(&got);
}

static void assert_no_hex(const char *text, size_t offset, const char *words)
{
    struct decode_fault fault;
    struct bytes got = BYTES_EMPTY;

    assert_false(decode_hex(span_text(text), &got, &fault));
    assert_int_equal(fault.kind, DECODE_SYNTAX);
    assert_int_equal(fault.offset, offset);
    assert_non_null(strstr(fault.text, words));
    bytes_free(&got);
}

static void hex_is_read_in_any_case_with_any_white_space(void **state)
{
    (void)state;
    assert_hex("68 AA 16", "\x68\xaa\x16", 3);
    assert_hex("68aA16", "\x68\xaa\x16", 3);
    assert_hex("\r\n 68\tAa\n16 \n", "\x68\xaa\x16", 3);
    assert_hex(" \n", "", 0);
}

static void what_is_no_hex_is_told_with_its_place(void **state)
{
    (void)state;
    assert_no_hex("68 6G", 3, "6 stands alone");
    assert_no_hex("68 x1", 3, "78 is no hex digit");
    assert_no_hex("68 A", 3, "A stands alone");
    assert_no_hex("6 8", 0, "6 stands alone");
    assert_no_hex("\xe5\x8a", 0, "E5 is no hex digit");
}

static void bytes_are_printed_as_the_vectors_print_them(void **state)
{
    json_t *json = decode_json_hex(span_of("\x68\xaa\x16", 3));

    (void)state;
    assert_string_equal(json_string_value(json), "68 AA 16");
    json_decref(json);
    json = decode_json_hex(span_text(""));
    assert_string_equal(json_string_value(json), "");
    json_decref(json);
}

/* ---- faults ------------------------------------------------------------- */

static void a_fault_s_text_is_whole_however_long_it_gets(void **state)
{
    struct decode_fault fault;
    char chinese[DECODE_TEXT_MAX * 3 + 1] = "";

    (void)state;
    for (int i = 0; i < DECODE_TEXT_MAX; i++)
        strcat(chinese, "\xe4\xba\x91");
    assert_false(decode_fail(&fault, DECODE_VALUE, 7, "x%s", chinese));
    assert_int_equal(fault.kind, DECODE_VALUE);
    assert_int_equal(fault.offset, 7);
    assert_true(strlen(fault.text) < DECODE_TEXT_MAX);
    assert_int_equal(strlen(fault.text) % 3, 1); /* whole characters */
    assert_null(strchr(fault.text, '?'));
}

static void a_kind_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(decode_fault_word(DECODE_NONE), "none");
    assert_string_equal(decode_fault_word(DECODE_CHECKSUM), "checksum");
    assert_string_equal(decode_fault_word(DECODE_MEMORY), "memory");
}

/* ---- text of JSON ------------------------------------------------------- */

static void assert_text(const char *json, const char *expected)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    struct bytes text = BYTES_EMPTY;

    assert_non_null(value);
    assert_int_equal(json_text(value, &text), STATUS_OK);
    assert_string_equal(bytes_text(&text), expected);
    bytes_free(&text);
    json_decref(value);
}

static void numbers_have_no_more_digits_than_they_need(void **state)
{
    (void)state;
    assert_text("[100.1]", "[100.1]");
    assert_text("{\"b\":{\"c\":[0.1,123456.78]},\"a\":1}",
                "{\"b\":{\"c\":[0.1,123456.78]},\"a\":1}");
    /* 2^-24 + 1: needs 17 digits, or another double comes back */
    assert_text("[1.0000000596046448]", "[1.0000000596046448]");
    assert_text("[230.19999694824219]", "[230.1999969482422]"); /* a float */
    assert_text("4711", "4711");
}

static void text_stays_utf_8(void **state)
{
    (void)state;
    assert_text("[\"\\u4e91A12345\"]", "[\"\xe4\xba\x91"
                                       "A12345\"]");
}

/* ---- --decode ----------------------------------------------------------- */

/* A frame is a byte of which the low bit is clear. */
static bool decode_even(struct span input, const char *content_type,
                        json_t *frames, struct decode_fault *fault)
{
    for (size_t i = 0; i < input.len; i++) {
        if (input.data[i] % 2 != 0)
            return decode_fail(fault, DECODE_VALUE, i, "byte %zu is odd", i);
        json_array_append_new(
            frames, json_pack("{s:i, s:s}", "value", input.data[i], "type",
                              content_type == NULL ? "-" : content_type));
    }
    return true;
}

static const struct decode_protocol protocols[] = {
    {"even", "even bytes", false, decode_even},
    {"even-text", "even characters", true, decode_even},
};

struct outcome {
    int code;
    char out[4096];
};

/* decode_main in a child of its own, with input on its standard input. */
static struct outcome decoded(const char *name, const char *type, bool raw,
                              const void *input, size_t len)
{
    struct outcome outcome = {-1, ""};
    FILE *in = tmpfile();
    FILE *out = tmpfile();
    int status;
    pid_t child;

    assert_non_null(in);
    assert_non_null(out);
    assert_int_equal(fwrite(input, 1, len, in), len);
    rewind(in);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(fileno(in), 0) < 0 || dup2(fileno(out), 1) < 0)
            _exit(99);
        _exit(decode_main(protocols, 2, name, type, raw));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    outcome.code = WEXITSTATUS(status);
    rewind(out);
    outcome.out[fread(outcome.out, 1, sizeof outcome.out - 1, out)] = 0;
    fclose(in);
    fclose(out);
    return outcome;
}

static struct outcome decoded_text(const char *name, const char *text)
{
    return decoded(name, NULL, false, text, strlen(text));
}

static void a_frame_is_one_line(void **state)
{
    struct outcome outcome = decoded_text("even", "02 04\n");

    (void)state;
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.out, "{\"value\":2,\"type\":\"-\"}\n"
                                     "{\"value\":4,\"type\":\"-\"}\n");
}

static void frames_before_a_fault_are_printed_first(void **state)
{
    struct outcome outcome = decoded_text("even", "02 03");

    (void)state;
    assert_int_equal(outcome.code, 1);
    assert_string_equal(outcome.out,
                        "{\"value\":2,\"type\":\"-\"}\n"
                        "{\"error\":{\"kind\":\"value\",\"offset\":1,"
                        "\"text\":\"byte 1 is odd\"}}\n");
}

static void raw_bytes_and_a_content_type_pass_through(void **state)
{
    struct outcome outcome = decoded("even", "text/xml", true, "\0\x02", 2);

    (void)state;
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.out, "{\"value\":0,\"type\":\"text/xml\"}\n"
                                     "{\"value\":2,\"type\":\"text/xml\"}\n");
}

static void a_protocol_of_text_is_not_read_as_hex(void **state)
{
    struct outcome outcome = decoded_text("even-text", "24");

    (void)state;
    assert_string_equal(outcome.out, "{\"value\":50,\"type\":\"-\"}\n"
                                     "{\"value\":52,\"type\":\"-\"}\n");
}

static void no_bytes_at_all_is_a_fault(void **state)
{
    static const char *const empty[] = {"", " \n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct outcome outcome = decoded_text("even", empty[i]);

        assert_int_equal(outcome.code, 1);
        assert_non_null(strstr(outcome.out, "\"kind\":\"empty\""));
    }
}

static void what_is_no_hex_is_a_fault_of_syntax(void **state)
{
    struct outcome outcome = decoded_text("even", "02 zz");

    (void)state;
    assert_int_equal(outcome.code, 1);
    assert_non_null(strstr(outcome.out, "\"kind\":\"syntax\",\"offset\":3"));
}

static void more_than_16_mib_are_not_read(void **state)
{
    static char large[(16 << 20) + 1];
    struct outcome outcome;

    (void)state;
    memset(large, ' ', sizeof large);
    outcome = decoded("even", NULL, false, large, sizeof large);
    assert_int_equal(outcome.code, 1);
    assert_non_null(strstr(outcome.out, "\"kind\":\"limit\""));
    outcome = decoded("even", NULL, false, large, sizeof large - 1);
    assert_non_null(strstr(outcome.out, "\"kind\":\"empty\""));
}

static void an_unknown_protocol_is_a_wrong_option(void **state)
{
    struct outcome outcome = decoded_text("odd", "01");

    (void)state;
    assert_int_equal(outcome.code, 2);
    assert_string_equal(outcome.out, "");
}
