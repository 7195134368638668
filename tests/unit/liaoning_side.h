/*
 * liaoning_side.h - a registered energy destination, and what the tests of
 * platform liaoning ask of it.
 */
#ifndef SAMPAN_LIAONING_SIDE_H
#define SAMPAN_LIAONING_SIDE_H

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
#include "platform.h"

/* 2026-11-21 01:05:00 in China */
#define ATTEMPT_MS INT64_C(1795194300000)
#define DEVICE "0ef6ecea08bf84c7b639c3e9b84ed546"
#define ENTERPRISE "91330000573973053F"

static const struct energy_item_config items[] = {
    {.name = "全厂-二次能源-电力-购进已消费",
     .process = "00",
     .process_unit = "00",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "02",
     .energy_type = "3300",
     .usage = "11",
     .interval_minutes = 15,
     .input_type = 4,
     .scope = 1,
     .monthly = true,
     .value_min = 0,
     .value_max = 300000},
    {.name = "产量",
     .process = "04",
     .process_unit = "01",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "04",
     .energy_type = "0200",
     .usage = "30",
     .interval_minutes = 15,
     .input_type = 5,
     .scope = 2},
    {.name = "每小时",
     .process = "00",
     .process_unit = "00",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "02",
     .energy_type = "3300",
     .usage = "20",
     .interval_minutes = 60,
     .input_type = 4,
     .scope = 1},
    {.name = "坏编码",
     .process = "00",
     .process_unit = "00",
     .equipment = "00",
     .equipment_unit = "00",
     .energy_class = "02",
     .energy_type = "33",
     .usage = "20",
     .interval_minutes = 15,
     .input_type = 4,
     .scope = 1},
};

struct fixture {
    const struct platform *platform;
    struct destination_config destination;
    struct session session;
    struct making making;
    json_t *taken;
};

static inline bool is_taken(void *self, const char *number)
{
    const struct fixture *f = self;

    return json_object_get(f->taken, number) != NULL;
}

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

static inline void set_enterprise(struct fixture *f, const json_t *content)
{
    char *text = json_dumps(content, JSON_ENCODE_ANY);

    assert_non_null(text);
    bytes_clear(&f->destination.energy.enterprise);
    assert_int_equal(bytes_append_text(&f->destination.energy.enterprise, text),
                     STATUS_OK);
    free(text);
}

static inline void prepare(struct fixture *f)
{
    char words[256] = "";

    if (f->platform->prepare(&f->destination, &f->session, words) != STATUS_OK)
        fail_msg("%s", words);
}

static inline int side_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    json_t *file = load_file("liaoning_calls.json");
    json_t *enterprise = json_object_get(file, "enterprise");
    struct energy_config *energy = &f->destination.energy;

    f->platform = platform_find("liaoning");
    f->destination.name = "province";
    f->destination.platform = "liaoning";
    f->destination.base_url = "https://energy.example";
    energy->enterprise_code = ENTERPRISE;
    energy->enterprise_name = "示例钢铁有限责任公司";
    energy->region = "210101";
    energy->region_name = "市辖区";
    energy->collect_system_name = "能源采集系统";
    energy->items = items;
    energy->item_count = 4;
    json_object_update(enterprise, json_object_get(file, "beside"));
    set_enterprise(f, enterprise);
    f->session.credentials =
        json_pack("{ssssss}", "deviceId", DEVICE, "enterpriseCode", ENTERPRISE,
                  "registeredAt", "https://energy.example");
    f->taken = json_object();
    f->making = (struct making){ATTEMPT_MS, 1, is_taken, f};
    prepare(f);
    json_decref(file);
    *state = f;
    return 0;
}

static inline int side_close(void **state)
{
    struct fixture *f = *state;

    f->platform->release(&f->session);
    assert_null(f->session.keys);
    json_decref(f->session.credentials);
    json_decref(f->taken);
    bytes_free(&f->destination.energy.enterprise);
    free(f);
    return 0;
}

/* ---- help -------------------------------------------------------------- */

static inline const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static inline const char *credential(const struct fixture *f, const char *name)
{
    return text_of(f->session.credentials, name);
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
    const size_t flags =
        JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15);
    char *left = json_dumps(got, flags);
    char *right = json_dumps(expected, flags);

    assert_non_null(left);
    assert_non_null(right);
    assert_string_equal(left, right);
    free(left);
    free(right);
}

static inline void make(struct fixture *f, const json_t *record,
                        struct made *made)
{
    assert_int_equal(f->platform->make(&f->destination,
                                       interface_of(f, "uploadEnergyData"),
                                       record, &f->making, made),
                     STATUS_OK);
}

static inline enum status render(struct fixture *f, const char *interface,
                                 struct span facts, struct request *request)
{
    return f->platform->render(&f->destination, interface_of(f, interface),
                               &f->session, facts, NULL, ATTEMPT_MS, request);
}

static inline enum verdict judge(struct fixture *f, const char *interface,
                                 long http, const char *body,
                                 struct judgement *judgement)
{
    const struct answer answer = {.http_status = http, .body = span_text(body)};

    f->platform->judge(&f->destination, interface_of(f, interface), &f->session,
                       &answer, ATTEMPT_MS, judgement);
    return judgement->verdict;
}

static inline const char *due(struct fixture *f, bool *blocks)
{
    const struct interface *interface =
        f->platform->due(&f->destination, &f->session, ATTEMPT_MS, blocks);

    return interface ? interface->name : "";
}

static inline void assert_url(struct fixture *f, const char *interface,
                              const char *url)
{
    struct request request = {0};

    assert_int_equal(render(f, interface, span_text("{\"data\":[]}"), &request),
                     STATUS_OK);
    assert_string_equal(bytes_text(&request.url), url);
    request_free(&request);
}

/* A.1, with its addresses that have no scheme. */
static const char registered[] =
    "{\"responseCode\":\"0\",\"responseMessage\":\"RECEIVE SUCCESS\","
    "\"deviceId\":\"" DEVICE "\","
    "\"loadConfigURL\":\"192.168.1.2:81/downloadBaseData\","
    "\"loadDicVersionURL\":\"192.168.1.3:81/versionCheck\","
    "\"centerInfoURL\":\"http://192.168.1.4:81/uploadConfigData\","
    "\"centerDataURL\":\"HTTPS://192.168.1.5:81/uploadEnergyData\","
    "\"centerInfoDownloadURL\":\"192.168.1.7:81/downloadConfigData\","
    "\"centerDataDownloadURL\":\"192.168.1.8:81/downloadEnergyData\","
    "\"uploadTime\":\"01:05:00\"}";

static inline void answer_registration(struct fixture *f)
{
    struct judgement judgement;

    assert_int_equal(judge(f, "register", 200, registered, &judgement),
                     VERDICT_ACCEPTED);
}

#endif
