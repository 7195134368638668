/*
 * henan_side.h - a city destination with a token, and what the tests of
 * platform henan ask of it.
 */
#ifndef SAMPAN_HENAN_SIDE_H
#define SAMPAN_HENAN_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "crypto.h"
#include "platform.h"

/* 2026-11-20 08:30:45 in China */
#define PASSED_MS INT64_C(1795134645000)
#define TOKEN "2688321E7F11B4F902678E2759EDCCFC"
#define PICTURE "/9j/4AAQSkZJRgD/2Q=="
static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a,
                               0x46, 0x49, 0x46, 0x00, 0xff, 0xd9};

struct fixture {
    const struct platform *platform;
    struct destination_config destination;
    struct session session;
    struct making making;
    json_t *taken; /* numbers in use */
    struct lookup lookup;
    const char *pictures[2]; /* what events hold; NULL: gone */
};

static inline bool is_taken(void *self, const char *number)
{
    const struct fixture *f = self;

    return json_object_get(f->taken, number) != NULL;
}

static inline enum status find_picture(void *self, uint64_t event,
                                       const char *pointer, struct span *text)
{
    const struct fixture *f = self;
    const size_t index = event == 4711 ? 0 : 1;

    if (!f->pictures[index])
        return STATUS_NOT_FOUND;
    assert_string_equal(pointer,
                        index == 0 ? "/pictures/0/jpeg" : "/pictures/1/jpeg");
    *text = span_text(f->pictures[index]);
    return STATUS_OK;
}

static inline int side_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->platform = platform_find("henan");
    f->destination.name = "city";
    f->destination.platform = "henan";
    f->destination.base_url = "http://city.example:8080/ysgk";
    f->destination.henan.organ = "4110020001";
    f->destination.henan.username = "test";
    assert_int_equal(bytes_append_text(&f->destination.henan.password, "123"),
                     STATUS_OK);
    f->destination.henan.company_number = "4110020001";
    f->destination.henan.company_name = "许昌某钢铁有限公司";
    f->session.credentials = json_object();
    assert_int_equal(bytes_append_text(&f->session.token, TOKEN), STATUS_OK);
    f->session.token_made_at_ms = PASSED_MS;
    f->session.token_expires_at_ms = PASSED_MS + 2 * HOUR_MS;
    f->taken = json_object();
    f->making = (struct making){PASSED_MS, 1, is_taken, f};
    f->lookup = (struct lookup){find_picture, NULL, f};
    f->pictures[0] = PICTURE;
    f->pictures[1] = "data:image/jpeg;base64," PICTURE;
    *state = f;
    return 0;
}

static inline int side_close(void **state)
{
    struct fixture *f = *state;

    bytes_free(&f->destination.henan.password);
    bytes_free(&f->session.token);
    json_decref(f->session.credentials);
    json_decref(f->taken);
    free(f);
    return 0;
}

/* ---- help -------------------------------------------------------------- */

static inline json_t *load_file(const char *name)
{
    char path[512];
    json_error_t error;
    json_t *file;

    snprintf(path, sizeof path, "%s/%s", TEST_VECTORS, name);
    file = json_load_file(path, 0, &error);
    if (!file)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    assert_true(json_array_size(json_object_get(file, "cases")) > 0);
    return file;
}

static inline const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static inline const struct interface *interface_of(const struct fixture *f,
                                                   const char *name)
{
    const struct interface *interface = platform_interface(f->platform, name);

    assert_non_null(interface);
    return interface;
}

static inline json_t *parse(const struct bytes *bytes)
{
    json_t *value = json_loadb((const char *)bytes->data, bytes->len, 0, NULL);

    assert_non_null(value);
    return value;
}

static inline void assert_json(const json_t *got, const json_t *expected)
{
    char *left = json_dumps(got, JSON_INDENT(1) | JSON_SORT_KEYS);
    char *right = json_dumps(expected, JSON_INDENT(1) | JSON_SORT_KEYS);

    assert_non_null(left);
    assert_non_null(right);
    assert_string_equal(left, right);
    free(left);
    free(right);
}

static inline void make(struct fixture *f, const char *interface,
                        const json_t *record, struct made *made)
{
    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, interface), record,
                                       &f->making, made),
                     STATUS_OK);
}

static inline enum status render(struct fixture *f, const char *interface,
                                 struct span facts, struct request *request)
{
    return f->platform->render(&f->destination, interface_of(f, interface),
                               &f->session, facts, &f->lookup, PASSED_MS,
                               request);
}

static inline void judge(struct fixture *f, const char *interface, long http,
                         const char *body, struct judgement *judgement)
{
    const struct answer answer = {.http_status = http, .body = span_text(body)};

    f->platform->judge(&f->destination, interface_of(f, interface), &f->session,
                       &answer, PASSED_MS, judgement);
}

#endif
