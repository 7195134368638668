#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "config.h"
#include "crypto.h"
#include "platform.h"
#include "platform_side.h"

#define BODY "{\"plate\":\"云A12345\"}"

struct fixture {
    const struct platform *platform;
    struct destination_config destination;
    struct session session;
    json_t *keys; /* crypto.json */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->platform = platform_find("generic");
    assert_non_null(f->platform);
    f->keys = json_load_file(TEST_VECTORS "/crypto.json", 0, NULL);
    assert_non_null(f->keys);
    f->destination.name = "sink";
    f->destination.platform = "generic";
    f->destination.base_url = "http://sink.example/events";
    f->destination.generic.content_type = "text/plain";
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    f->platform->release(&f->session);
    bytes_wipe(&f->destination.generic.own_key);
    bytes_wipe(&f->destination.generic.platform_key);
    bytes_wipe(&f->destination.generic.secret_header);
    json_decref(f->keys);
    free(f);
    return 0;
}

static enum status find_body(void *self, uint64_t event, struct bytes *body)
{
    (void)self;
    return event == 4711 ? bytes_copy(body, span_text(BODY)) : STATUS_NOT_FOUND;
}

static enum status render(struct fixture *f, const char *facts,
                          struct request *request)
{
    const struct lookup lookup = {.body = find_body, .self = f};

    return f->platform->render(
        &f->destination, platform_interface(f->platform, "post"), &f->session,
        span_text(facts), &lookup, 0, request);
}

static void the_facts_are_the_event(void **state)
{
    struct fixture *f = *state;
    const struct making making = {.serial = 1};
    json_t *record = json_pack("{s:i}", "event", 4711);
    struct made made = {0};

    assert_int_equal(f->platform->make(&f->destination,
                                       platform_interface(f->platform, "post"),
                                       record, &making, &made),
                     STATUS_OK);
    assert_int_equal(made.state, MADE_READY);
    assert_string_equal(bytes_text(&made.facts), "{\"event\":4711}");
    assert_string_equal(made.number, "");
    assert_string_equal(made.subject, "");
    made_free(&made);
    json_decref(record);
}

static void what_names_no_event_is_no_record(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[4711]",
        "{\"event\":-1}",
        "{\"event\":\"4711\"}",
        "{\"event\":4711,\"more\":1}",
    };
    struct fixture *f = *state;
    const struct making making = {.serial = 1};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *record = json_loads(bad[i], 0, NULL);
        struct made made = {0};

        assert_int_equal(
            f->platform->make(&f->destination,
                              platform_interface(f->platform, "post"), record,
                              &making, &made),
            STATUS_FORMAT);
        json_decref(record);
    }
}

static void the_message_is_posted_as_it_came(void **state)
{
    static const char *const headers[] = {"X-Site: steel", "X-Empty:"};
    struct fixture *f = *state;
    struct request request = {0};

    f->destination.generic.headers = headers;
    f->destination.generic.header_count = 2;
    assert_int_equal(bytes_append_text(&f->destination.generic.secret_header,
                                       "Authorization:  Bearer abc\r\n"),
                     STATUS_OK);
    assert_int_equal(render(f, "{\"event\":4711}", &request), STATUS_OK);
    assert_string_equal(bytes_text(&request.url), "http://sink.example/events");
    assert_string_equal(request.content_type, "text/plain");
    assert_string_equal(bytes_text(&request.body), BODY);
    assert_int_equal(request.header_count, 3);
    assert_string_equal(bytes_text(&request.headers[0]), "X-Site: steel");
    assert_string_equal(bytes_text(&request.headers[1]), "X-Empty: ");
    assert_string_equal(bytes_text(&request.headers[2]),
                        "Authorization: Bearer abc");
    request_free(&request);
}

static void a_path_of_the_settings_is_below_the_base(void **state)
{
    const struct path_config paths[] = {{"post", "v1/in"}};
    struct fixture *f = *state;
    struct request request = {0};

    f->destination.paths = paths;
    f->destination.path_count = 1;
    assert_int_equal(render(f, "{\"event\":4711}", &request), STATUS_OK);
    assert_string_equal(bytes_text(&request.url),
                        "http://sink.example/events/v1/in");
    request_free(&request);
}

static void facts_that_name_no_event_are_said(void **state)
{
    static const struct {
        const char *facts;
        enum status status;
        const char *words;
    } rows[] = {
        {"{\"event\":4712}", STATUS_NOT_FOUND,
         "event 4712: there is no such thing"},
        {"{\"event\":}", STATUS_FORMAT, "the stored facts name no event"},
        {"{\"event\":4x}", STATUS_FORMAT, "the stored facts name no event"},
        {"{\"event\":4711", STATUS_FORMAT, "the stored facts name no event"},
        {"{\"event\":18446744073709551617}", STATUS_FORMAT,
         "the stored facts name no event"},
        {"", STATUS_FORMAT, "the stored facts name no event"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request request = {0};

        assert_int_equal(render(f, rows[i].facts, &request), rows[i].status);
        assert_string_equal(request.words, rows[i].words);
        request_free(&request);
    }
}

static void headers_that_are_none_are_said(void **state)
{
    static const char *const bad[] = {"no colon", "X: a\nY: b"};
    struct fixture *f = *state;

    f->destination.generic.header_count = 1;
    for (size_t i = 0; i < 2; i++) {
        struct request request = {0};

        f->destination.generic.headers = &bad[i];
        assert_int_equal(render(f, "{\"event\":4711}", &request),
                         STATUS_INVALID);
        assert_memory_equal(request.words, "headers: at most 8", 18);
        request_free(&request);
    }
}

static void a_sealed_message_opens_at_the_receiver(void **state)
{
    static const struct envelope_keys as_default = {.own = NULL};
    struct fixture *f = *state;
    struct generic_config *set = &f->destination.generic;
    struct request request = {0};
    struct bytes plain = BYTES_EMPTY;
    char words[256] = "";

    set->sealed = true;
    assert_int_equal(bytes_append_text(&set->own_key,
                                       text_at(json_object_get(f->keys, "own"),
                                               "private", "pkcs8_pem", NULL)),
                     STATUS_OK);
    assert_int_equal(
        bytes_append_text(&set->platform_key,
                          text_at(json_object_get(f->keys, "platform"),
                                  "public", "spki_pem", NULL)),
        STATUS_OK);
    assert_int_equal(render(f, "{\"event\":4711}", &request), STATUS_MISSING);
    request_free(&request);
    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_OK);
    assert_int_equal(render(f, "{\"event\":4711}", &request), STATUS_OK);
    assert_string_equal(request.content_type, "application/json");
    platform_opens(f->keys, &as_default, bytes_view(&request.body), &plain);
    assert_string_equal(bytes_text(&plain), BODY);
    bytes_free(&plain);
    request_free(&request);
}

static void keys_that_cannot_be_loaded_are_named(void **state)
{
    struct fixture *f = *state;
    char words[256] = "";

    f->destination.generic.sealed = true;
    assert_int_equal(f->platform->prepare(&f->destination, &f->session, words),
                     STATUS_FORMAT);
    assert_non_null(strstr(words, "own_key_file"));
    assert_null(f->session.keys);
}

static void every_status_has_its_verdict(void **state)
{
    static const char *const refused[] = {"418", "404"};
    static const struct pattern_config patterns[] = {
        {"\"ok\":false", VERDICT_REFUSED}, {"Later", VERDICT_BUSY}};
    static const struct {
        long status;
        const char *body;
        enum verdict verdict;
    } rows[] = {
        {200, "", VERDICT_ACCEPTED},
        {204, "", VERDICT_ACCEPTED},
        {200, "{\"ok\":false}", VERDICT_REFUSED},
        {400, "try later", VERDICT_BUSY},
        {409, "", VERDICT_DUPLICATE},
        {401, "", VERDICT_FAULT},
        {403, "", VERDICT_FAULT},
        {404, "", VERDICT_REFUSED}, /* by the setting */
        {405, "", VERDICT_FAULT},
        {418, "", VERDICT_REFUSED}, /* by the setting */
        {400, "", VERDICT_REFUSED},
        {413, "", VERDICT_REFUSED},
        {422, "", VERDICT_REFUSED},
        {408, "", VERDICT_BUSY},
        {425, "", VERDICT_BUSY},
        {429, "", VERDICT_BUSY},
        {500, "", VERDICT_BUSY},
        {503, "", VERDICT_BUSY},
        {301, "", VERDICT_UNKNOWN},
        {402, "", VERDICT_UNKNOWN},
        {600, "", VERDICT_UNKNOWN},
    };
    struct fixture *f = *state;

    f->destination.patterns = patterns;
    f->destination.pattern_count = 2;
    f->destination.generic.refused_status = refused;
    f->destination.generic.refused_status_count = 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct answer answer = {.http_status = rows[i].status,
                                      .body = span_text(rows[i].body)};
        struct judgement judgement;
        char code[16];

        f->platform->judge(&f->destination,
                           platform_interface(f->platform, "post"), &f->session,
                           &answer, 0, &judgement);
        assert_string_equal(verdict_name(judgement.verdict),
                            verdict_name(rows[i].verdict));
        snprintf(code, sizeof code, "%ld", rows[i].status);
        assert_string_equal(judgement.code, code);
        assert_null(judgement.value);
    }
}

static void words_of_an_answer_are_cut_at_a_whole_character(void **state)
{
    struct fixture *f = *state;
    struct judgement judgement;
    struct bytes body = BYTES_EMPTY;
    struct answer answer = {.http_status = 500};

    assert_int_equal(bytes_append_text(&body, "\xff\x01"), STATUS_OK);
    while (body.len < 2000)
        assert_int_equal(bytes_append_text(&body, "云"), STATUS_OK);
    answer.body = bytes_view(&body);
    f->platform->judge(&f->destination, platform_interface(f->platform, "post"),
                       &f->session, &answer, 0, &judgement);
    assert_memory_equal(judgement.words, "? 云", 5);
    assert_int_equal(strlen(judgement.words), 2 + 169 * 3);
    bytes_free(&body);
}
