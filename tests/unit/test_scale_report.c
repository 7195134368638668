/* What is told of a scale, and what it still knows after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "report.h"

/* 2026-11-20 08:30:52.123 in China; date -d ... +%s. */
#define MOMENT_MS INT64_C(1795134652123)

static struct scale_config config_of(double division, int unit)
{
    return (struct scale_config){.id = "scale-1",
                                 .lane = "",
                                 .direction = "",
                                 .division = division,
                                 .unit = unit};
}

static void content_is(const struct scale_config *config, double gross,
                       double lowest, double highest, const char *expected)
{
    const struct stable_report report = {
        .gross = gross, .lowest = lowest, .highest = highest, .readings = 7};
    json_t *content = report_content(config, &report, "02 2B");
    json_t *wanted = json_loads(expected, 0, NULL);

    assert_non_null(content);
    assert_non_null(wanted);
    if (!json_equal(content, wanted))
        fail_msg("%s", json_dumps(content, 0));
    json_decref(wanted);
    json_decref(content);
}

static void an_event_has_what_the_topic_wants(void **state)
{
    struct scale_config config = config_of(20, UNIT_KG);

    (void)state;
    content_is(&config, 47820, 47800, 47820,
               "{\"gross\": 47820, \"unit\": \"kg\", \"stable\": true, "
               "\"lowest\": 47800, \"highest\": 47820, \"readings\": 7, "
               "\"raw\": \"02 2B\"}");
    config.lane = "north";
    config.direction = "in";
    content_is(&config, 47820, 47820, 47820,
               "{\"gross\": 47820, \"unit\": \"kg\", \"stable\": true, "
               "\"lowest\": 47820, \"highest\": 47820, \"readings\": 7, "
               "\"raw\": \"02 2B\", \"lane\": \"north\", "
               "\"direction\": \"in\"}");
}

static void tonnes_keep_their_places_and_no_more(void **state)
{
    const struct scale_config config = config_of(0.02, UNIT_T);

    (void)state;
    content_is(&config, 47.81999999999999, 47.8, 3 * 15.94,
               "{\"gross\": 47.82, \"unit\": \"t\", \"stable\": true, "
               "\"lowest\": 47.8, \"highest\": 47.82, \"readings\": 7, "
               "\"raw\": \"02 2B\"}");
}

static void an_id_names_the_scale_and_the_moment(void **state)
{
    const struct scale_config config = config_of(20, UNIT_KG);
    char id[REPORT_ID_MAX];

    (void)state;
    report_id(&config, MOMENT_MS, id);
    assert_string_equal(id, "scale-1-20261120T083052.123");
}

static void a_live_weight_is_absent_when_it_is_of_no_use(void **state)
{
    const struct scale_config config = config_of(20, UNIT_KG);
    struct stable stable = {.state = STABLE_LOADING,
                            .known = true,
                            .value = 12340,
                            .reading = READING_GOOD};
    json_t *live = report_live(&config, &stable, false, MOMENT_MS);

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(live, "weight")),
                     12340);
    assert_string_equal(json_string_value(json_object_get(live, "state")),
                        "loading");
    assert_string_equal(json_string_value(json_object_get(live, "time")),
                        "2026-11-20T08:30:52.123+08:00");
    assert_true(json_is_false(json_object_get(live, "stable")));
    json_decref(live);
    stable.reading = READING_OVERLOAD;
    live = report_live(&config, &stable, false, MOMENT_MS);
    assert_null(json_object_get(live, "weight"));
    json_decref(live);
}

/* ---- memory ----------------------------------------------------------------
 */

static int setup(void **state)
{
    char *folder = strdup("/tmp/test-scale-XXXXXX");

    assert_non_null(mkdtemp(folder));
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s", (char *)*state);
    assert_int_equal(system(command), 0);
    free(*state);
    return 0;
}

static struct memory memory_at(const char *folder)
{
    struct memory memory;
    bool damaged;

    assert_int_equal(memory_open(&memory, folder, "s1", &damaged), STATUS_OK);
    assert_false(damaged);
    return memory;
}

static void weigh(struct memory *memory, const char *id, double gross)
{
    json_t *content = json_pack("{s:f}", "gross", gross);

    assert_int_equal(memory_weighed(memory, gross, id, MOMENT_MS, content),
                     STATUS_OK);
    json_decref(content);
}

static void a_report_outlives_a_crash_until_the_courier_has_it(void **state)
{
    struct memory memory = memory_at(*state);
    const char *id;
    const json_t *content;
    int64_t at_ms;

    assert_false(memory_oldest(&memory, &id, &at_ms, &content));
    weigh(&memory, "a", 47820);
    memory_close(&memory); /* as a crash would leave it */
    memory = memory_at(*state);
    assert_true(memory.weighed);
    assert_true(memory.gross > 47819 && memory.gross < 47821);
    assert_true(memory_oldest(&memory, &id, &at_ms, &content));
    assert_string_equal(id, "a");
    assert_int_equal(at_ms, MOMENT_MS);
    assert_true(json_number_value(json_object_get(content, "gross")) > 47819);
    memory_taken(&memory);
    assert_false(memory_oldest(&memory, &id, &at_ms, &content));
    assert_int_equal(memory_left(&memory), STATUS_OK);
    memory_close(&memory);
    memory = memory_at(*state);
    assert_false(memory.weighed);
    assert_false(memory_oldest(&memory, &id, &at_ms, &content));
    memory_close(&memory);
}

static void the_oldest_waits_first_and_no_more_than_64_do(void **state)
{
    struct memory memory = memory_at(*state);
    json_t *content = json_object();
    const json_t *oldest;
    const char *id;
    char name[16];
    int64_t at_ms;

    for (int i = 0; i < MEMORY_EVENTS_MAX; i++) {
        snprintf(name, sizeof name, "e%d", i);
        weigh(&memory, name, i);
    }
    assert_int_equal(memory_weighed(&memory, 1, "more", MOMENT_MS, content),
                     STATUS_FULL);
    assert_true(memory_oldest(&memory, &id, &at_ms, &oldest));
    assert_string_equal(id, "e0");
    json_decref(content);
    memory_close(&memory);
}

static void a_damaged_file_is_an_empty_memory_and_told(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"events\": 1}",
        "{\"events\": [{}]}",
        "{\"events\": [{\"event_id\": \"\", \"at_ms\": 1, \"content\": {}}]}",
        "{\"events\": [], \"weighed\": {\"gross\": \"x\", \"at_ms\": 1}}"};
    char path[128];

    snprintf(path, sizeof path, "%s/scale-s1.json", (char *)*state);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct memory memory;
        bool damaged = false;

        assert_int_equal(bytes_write_file(path, span_text(texts[i]), 0600),
                         STATUS_OK);
        assert_int_equal(memory_open(&memory, *state, "s1", &damaged),
                         STATUS_OK);
        if (!damaged)
            fail_msg("taken: %s", texts[i]);
        assert_false(memory.weighed);
        memory_close(&memory);
    }
}
