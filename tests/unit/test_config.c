/* Loading the bridge's settings: good files, bad files, hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "platform.h"

#define VECTORS TEST_VECTORS "/settings"

/* ---- a folder with the files that full.yaml names ---------------------- */

struct place {
    char folder[64];
    char settings[80]; /* folder/full.yaml */
    struct bytes full; /* its text */
};

static const struct {
    const char *name;
    unsigned mode;
    const char *content;
} files[] = {
    {"secrets/broker-password", 0600, "open sesame\n"},
    {"secrets/bridge.key", 0400, "key\n"},
    {"secrets/henan-password", 0600, "no line break"},
    {"secrets/mes-header", 0600, "Authorization: Bearer abc\r\n"},
    {"tls/ca.pem", 0644, "ca\n"},
    {"tls/bridge.pem", 0644, "certificate\n"},
    {"tls/yunnan-ca.pem", 0644, "ca\n"},
    {"enterprise.json", 0644, "{\"typeCode\": \"159\"}\n"},
    {"ledger.csv", 0644, "plate,color,vehicleId,vin,tare_t\n"},
};

static void path_in(const struct place *place, const char *name,
                    char path[static 160])
{
    snprintf(path, 160, "%s/%.80s", place->folder, name);
}

static void put(const struct place *place, const char *name, const char *text,
                size_t len, unsigned mode)
{
    char path[160];
    FILE *file;

    path_in(place, name, path);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    char path[160];

    assert_non_null(place);
    strcpy(place->folder, "/tmp/test_config.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    path_in(place, "secrets", path);
    assert_int_equal(mkdir(path, 0700), 0);
    path_in(place, "tls", path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        put(place, files[i].name, files[i].content, strlen(files[i].content),
            files[i].mode);
    assert_int_equal(
        bytes_read_file(&place->full, VECTORS "/full.yaml", 1 << 20),
        STATUS_OK);
    snprintf(place->settings, sizeof place->settings, "%s/full.yaml",
             place->folder);
    put(place, "full.yaml", bytes_text(&place->full), place->full.len, 0644);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    static const char *const rest[] = {"full.yaml", "other.yaml",
                                       "secrets/broker-password.real"};
    struct place *place = *state;
    char path[160];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path_in(place, files[i].name, path);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        path_in(place, rest[i], path);
        unlink(path);
    }
    path_in(place, "secrets", path);
    rmdir(path);
    path_in(place, "tls", path);
    rmdir(path);
    assert_int_equal(rmdir(place->folder), 0);
    bytes_free(&place->full);
    free(place);
    return 0;
}

/* Load text as folder/other.yaml. */
static enum status load_text(const struct place *place, const char *text,
                             size_t len, struct bytes *words,
                             struct config **config)
{
    char path[160];

    put(place, "other.yaml", text, len, 0644);
    path_in(place, "other.yaml", path);
    return config_load(path, words, config);
}

static struct config *load_full(const struct place *place)
{
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;

    assert_int_equal(config_load(place->settings, &words, &config), STATUS_OK);
    assert_string_equal(bytes_text(&words), "");
    bytes_free(&words);
    return config;
}

/* full.yaml fails, with a line that begins with FILE and ends as words say. */
static void assert_refused(const struct place *place, enum status status,
                           const char *line)
{
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;

    assert_int_equal(config_load(place->settings, &words, &config), status);
    assert_null(config);
    if (strstr(bytes_text(&words), line) == NULL)
        fail_msg("\"%s\" is not in\n%s", line, bytes_text(&words));
    bytes_free(&words);
}

/* ---- good files -------------------------------------------------------- */

static void values_of_the_top_level_arrive(void **state)
{
    struct place *place = *state;
    struct config *config = load_full(place);
    char path[160];

    assert_string_equal(config->site, "plant-1");
    assert_string_equal(config->log_level, "info");
    path_in(place, "ledger.csv", path);
    assert_string_equal(config->ledger_file, path);
    assert_string_equal(config->broker.link.host, "broker.plant-1.example.com");
    assert_int_equal(config->broker.link.port, 8883);
    assert_true(config->broker.link.tls);
    assert_string_equal(bytes_text(&config->broker.link.password),
                        "open sesame");
    assert_string_equal(config->broker.link.client_id, "sampan-bridge");
    assert_string_equal(config->store.folder, "/var/lib/sampan/store");
    assert_string_equal(config->state_folder, "/var/lib/sampan/state");
    assert_int_equal(config->store.quota_mb, 262144);
    assert_int_equal(config->store.dedup_days, 40);
    assert_int_equal(config->store.when_full, WHEN_FULL_SHED_DELIVERED);
    assert_int_equal(config->destination_count, 4);
    assert_int_equal(config->route_count, 2);
    assert_int_equal(config->lane_count, 4);
    config_free(config);
}

static void a_destination_replaces_single_keys_of_uplink(void **state)
{
    struct config *config = load_full(*state);
    const struct destination_config *gate =
        config_destination(config, "yunnan-gate");
    const struct destination_config *energy =
        config_destination(config, "energy");

    assert_int_equal(gate->uplink.concurrency, 4);
    assert_int_equal(gate->uplink.bandwidth_kbit_s, 2000);
    assert_int_equal(gate->uplink.round_s, 900);
    assert_int_equal(gate->uplink.resend_after_count, 3);
    assert_int_equal(gate->uplink.resend_after_s[2], 120);
    assert_int_equal(energy->uplink.concurrency, 8);
    assert_int_equal(energy->uplink.resend_after_s[0], 10);
    assert_int_equal(energy->uplink.resend_after_s[2], 300);
    assert_null(config_destination(config, "nobody"));
    config_free(config);
}

static void values_of_every_platform_arrive(void **state)
{
    struct config *config = load_full(*state);
    const struct destination_config *destinations = config->destinations;
    const struct energy_config *energy = &destinations[2].energy;

    assert_string_equal(destinations[0].yunnan.enterprise_id,
                        "91110000710934615P001X");
    assert_string_equal(destinations[0].paths[0].path, "carDate");
    assert_int_equal(destinations[0].pattern_count, 2);
    assert_int_equal(destinations[0].patterns[1].verdict, VERDICT_BUSY);
    assert_true(destinations[0].verify_server);
    assert_string_equal(bytes_text(&destinations[1].henan.password),
                        "no line break");
    assert_int_equal(destinations[1].heartbeat_s, 300);
    assert_string_equal(bytes_text(&energy->enterprise),
                        "{\"typeCode\": \"159\"}");
    assert_int_equal(energy->item_count, 2);
    assert_string_equal(energy->items[0].energy_class, "02");
    assert_string_equal(energy->items[0].process, "00");
    assert_string_equal(energy->items[0].reg, "import_kwh");
    assert_true(energy->items[0].factor > 0.1199);
    assert_true(energy->items[0].factor < 0.1201);
    assert_int_equal(energy->items[1].interval_minutes, 60);
    assert_true(energy->items[1].gauge);
    assert_string_equal(bytes_text(&destinations[3].generic.secret_header),
                        "Authorization: Bearer abc");
    assert_int_equal(destinations[3].generic.refused_status_count, 2);
    assert_string_equal(destinations[3].generic.refused_status[1], "422");
    config_free(config);
}

static void values_of_lanes_and_routes_arrive(void **state)
{
    struct config *config = load_full(*state);
    const struct lane_config *lanes = config->lanes;

    assert_string_equal(config->routes[0].event_time, "/at");
    assert_int_equal(config->routes[0].event_time_unit, EVENT_TIME_MS);
    assert_false(config->routes[1].json);
    assert_int_equal(lanes[0].direction, DIRECTION_IN);
    assert_int_equal(lanes[0].weighing, WEIGHING_LANE);
    assert_string_equal(lanes[0].destinations[1], "henan-gate");
    assert_string_equal(lanes[1].body_camera, "");
    assert_int_equal(lanes[2].weighing, WEIGHING_YARD);
    assert_true(lanes[0].default_weight < 0);
    assert_true(lanes[3].default_weight >= 0);
    assert_true(lanes[3].barrier_opens);
    config_free(config);
}

/* ---- bad files --------------------------------------------------------- */

static enum status status_named(const char *name, size_t len)
{
    for (int i = 0; i <= STATUS_CRYPTO; i++)
        if (strlen(status_name((enum status)i)) == len &&
            memcmp(status_name((enum status)i), name, len) == 0)
            return (enum status)i;
    fail_msg("no such status: %.*s", (int)len, name);
    return STATUS_OK;
}

/* bad/NAME.words: the status, then the beginning of each line after FILE:. */
static void check_bad(const char *name)
{
    char yaml[PATH_MAX];
    char expected[PATH_MAX];
    struct bytes words = BYTES_EMPTY;
    struct bytes want = BYTES_EMPTY;
    struct config *config = NULL;
    enum status status;
    const char *got;
    char *line;
    char *rest;

    snprintf(yaml, sizeof yaml, VECTORS "/bad/%s.yaml", name);
    snprintf(expected, sizeof expected, VECTORS "/bad/%s.words", name);
    assert_int_equal(bytes_read_file(&want, expected, 1 << 16), STATUS_OK);
    status = config_load(yaml, &words, &config);
    got = bytes_text(&words);
    line = strtok_r((char *)want.data, "\n", &rest);
    assert_int_equal(status, status_named(line, strlen(line)));
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
        size_t prefix = strlen(yaml) + 1;

        if (strncmp(got, yaml, prefix - 1) != 0 ||
            strncmp(got + prefix, line, strlen(line)) != 0)
            fail_msg("%s: wanted %s\ngot %s", name, line, got);
        got += strcspn(got, "\n");
        got += *got == '\n';
    }
    assert_string_equal(got, "");
    bytes_free(&words);
    bytes_free(&want);
}

static void every_bad_file_is_refused_with_all_its_mistakes(void **state)
{
    DIR *folder = opendir(VECTORS "/bad");
    struct dirent *entry;
    unsigned count = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char name[64];
        const char *dot = strrchr(entry->d_name, '.');

        if (dot == NULL || strcmp(dot, ".yaml") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(dot - entry->d_name),
                 entry->d_name);
        check_bad(name);
        count++;
    }
    closedir(folder);
    assert_true(count >= 18);
}

static void a_password_in_an_address_is_not_repeated(void **state)
{
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;

    (void)state;
    assert_int_equal(
        config_load(VECTORS "/bad/destinations.yaml", &words, &config),
        STATUS_INVALID);
    assert_null(strstr(bytes_text(&words), "secret"));
    bytes_free(&words);
}

static void what_is_allowed_but_risky_is_a_warning(void **state)
{
    static const char text[] = "site: a\n"
                               "broker: {host: b}\n"
                               "store: {folder: c}\n"
                               "destinations:\n"
                               "  - name: d\n"
                               "    platform: generic\n"
                               "    base_url: https://e\n"
                               "    verify_server: false\n";
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;

    assert_int_equal(load_text(*state, text, sizeof text - 1, &words, &config),
                     STATUS_OK);
    assert_non_null(strstr(bytes_text(&words),
                           "other.yaml:8: destinations[0].verify_server: "
                           "warning: "));
    config_free(config);
    bytes_free(&words);
}

static void a_file_that_is_absent_or_too_large_is_refused(void **state)
{
    struct place *place = *state;
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;
    size_t size = (1 << 20) + 1;
    char *large = malloc(size);

    assert_non_null(large);
    memset(large, '#', size);
    assert_int_equal(load_text(place, large, size, &words, &config),
                     STATUS_INVALID);
    assert_non_null(strstr(bytes_text(&words), "1 MiB"));
    free(large);
    bytes_clear(&words);
    assert_int_equal(config_load("/nonexistent.yaml", &words, &config),
                     STATUS_NOT_FOUND);
    assert_string_equal(bytes_text(&words),
                        "/nonexistent.yaml: there is no such file\n");
    bytes_clear(&words);
    assert_int_equal(config_load(place->folder, &words, &config), STATUS_IO);
    bytes_free(&words);
}

static void a_hundred_mistakes_are_enough(void **state)
{
    struct bytes text = BYTES_EMPTY;
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;
    unsigned lines = 0;

    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(bytes_print(&text, "key%u: 1\n", i), STATUS_OK);
    assert_int_equal(
        load_text(*state, bytes_text(&text), text.len, &words, &config),
        STATUS_FORMAT);
    for (const char *at = bytes_text(&words); *at != 0; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 100);
    bytes_free(&text);
    bytes_free(&words);
}

/* ---- secrets ----------------------------------------------------------- */

static void a_secret_that_others_can_read_is_refused(void **state)
{
    static const unsigned modes[] = {0640, 0604, 0660, 0610};
    struct place *place = *state;
    char path[160];

    path_in(place, "secrets/broker-password", path);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, (mode_t)modes[i]), 0);
        assert_refused(place, STATUS_DENIED, "(chmod 600 ");
    }
    assert_refused(place, STATUS_DENIED, "full.yaml:13: broker.password_file");
    assert_int_equal(chmod(path, 0400), 0);
    config_free(load_full(place));
}

static void a_private_key_that_others_can_read_is_refused(void **state)
{
    struct place *place = *state;
    char path[160];

    path_in(place, "secrets/bridge.key", path);
    assert_int_equal(chmod(path, 0440), 0);
    assert_refused(place, STATUS_DENIED, "broker.key_file: ");
}

static void a_secret_that_is_absent_is_refused(void **state)
{
    struct place *place = *state;
    char path[160];

    path_in(place, "secrets/henan-password", path);
    assert_int_equal(unlink(path), 0);
    assert_refused(place, STATUS_MISSING, "henan.password_file: ");
}

static void a_secret_is_a_regular_file_of_1_byte_to_64_kib(void **state)
{
    struct place *place = *state;
    char large[64 * 1024 + 1];
    struct config *config;
    char path[160];

    memset(large, 'x', sizeof large);
    put(place, "secrets/broker-password", large, sizeof large, 0600);
    assert_refused(place, STATUS_INVALID, "is too large");
    put(place, "secrets/broker-password", large, sizeof large - 1, 0600);
    config = load_full(place);
    assert_int_equal(config->broker.link.password.len, sizeof large - 1);
    config_free(config);
    put(place, "secrets/broker-password", "\n", 1, 0600);
    assert_refused(place, STATUS_INVALID, "is empty");
    path_in(place, "secrets/broker-password", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(place, STATUS_INVALID, "is not a regular file");
}

static void only_one_line_break_of_a_secret_is_dropped(void **state)
{
    struct place *place = *state;
    struct config *config;

    put(place, "secrets/broker-password", "two\n\n", 5, 0600);
    config = load_full(place);
    assert_string_equal(bytes_text(&config->broker.link.password), "two\n");
    config_free(config);
}

static void a_secret_may_be_reached_by_a_link(void **state)
{
    struct place *place = *state;
    char path[160];
    char real[160];

    path_in(place, "secrets/broker-password", path);
    path_in(place, "secrets/broker-password.real", real);
    assert_int_equal(rename(path, real), 0);
    assert_int_equal(symlink("broker-password.real", path), 0);
    config_free(load_full(place));
}

/* ---- hostile files ----------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Whatever comes of it, nothing crashes, leaks or says OK without words. */
static void load_any(const struct place *place, const char *text, size_t len)
{
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;
    enum status status = load_text(place, text, len, &words, &config);

    assert_int_equal(status == STATUS_OK, config != NULL);
    if (status != STATUS_OK)
        assert_true(words.len > 0);
    config_free(config);
    bytes_free(&words);
}

static void a_truncated_file_never_crashes(void **state)
{
    struct place *place = *state;

    for (size_t len = 0; len < place->full.len; len += 7)
        load_any(place, bytes_text(&place->full), len);
}

static void a_damaged_file_never_crashes(void **state)
{
    static const char signs[] = ":-[]{},#&*!|>'\"%@`\n\t ?~0\\\x80\xff";
    struct place *place = *state;
    struct bytes text = BYTES_EMPTY;
    uint32_t seed = 4711;

    for (unsigned round = 0; round < 600; round++) {
        unsigned changes = 1 + next_random(&seed) % 4;

        assert_int_equal(bytes_copy(&text, bytes_view(&place->full)),
                         STATUS_OK);
        while (changes-- > 0) {
            size_t at = next_random(&seed) % text.len;

            if (next_random(&seed) % 2 == 0)
                text.data[at] ^= (uint8_t)(1U << next_random(&seed) % 8);
            else
                text.data[at] =
                    (uint8_t)signs[next_random(&seed) % (sizeof signs - 1)];
        }
        load_any(place, bytes_text(&text), text.len);
    }
    bytes_free(&text);
}

/* The linker sends allocations here (--wrap); the nth fails, 0: none. */
static unsigned fail_at;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);

static bool fails_now(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *data, size_t size)
{
    return fails_now() ? NULL : __real_realloc(data, size);
}

static void any_failing_allocation_is_said_and_leaks_nothing(void **state)
{
    struct place *place = *state;
    unsigned failures = 0;

    for (unsigned n = 1;; n++) {
        struct bytes words = BYTES_EMPTY;
        struct config *config = NULL;
        enum status status;
        bool reached;

        fail_at = n;
        status = config_load(place->settings, &words, &config);
        reached = fail_at == 0;
        fail_at = 0;
        bytes_free(&words);
        config_free(config);
        if (!reached)
            break;
        assert_int_equal(status, STATUS_NOMEM);
        failures++;
    }
    assert_true(failures > 100);
}

/* ---- the manual -------------------------------------------------------- */

/* docs/settings.md is what the tables say; SAMPAN_UPDATE=1 rewrites it. */
static void the_manual_is_up_to_date(void **state)
{
    const char *update = getenv("SAMPAN_UPDATE");
    struct bytes manual = BYTES_EMPTY;
    struct bytes written = BYTES_EMPTY;

    (void)state;
    assert_int_equal(config_manual(&manual), STATUS_OK);
    if (update != NULL && strcmp(update, "1") == 0)
        assert_int_equal(
            bytes_write_file(SETTINGS_MANUAL, bytes_view(&manual), 0644),
            STATUS_OK);
    assert_int_equal(bytes_read_file(&written, SETTINGS_MANUAL, 1 << 20),
                     STATUS_OK);
    assert_string_equal(bytes_text(&written), bytes_text(&manual));
    bytes_free(&manual);
    bytes_free(&written);
}

static void the_manual_s_example_loads(void **state)
{
    struct bytes manual = BYTES_EMPTY;
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;
    const char *from;
    const char *to;

    assert_int_equal(config_manual(&manual), STATUS_OK);
    from = strstr(bytes_text(&manual), "```yaml\n");
    assert_non_null(from);
    from += strlen("```yaml\n");
    to = strstr(from, "```");
    assert_non_null(to);
    assert_int_equal(
        load_text(*state, from, (size_t)(to - from), &words, &config),
        STATUS_OK);
    assert_int_equal(words.len, 0);
    assert_string_equal(config->routes[0].destination, "mes");
    config_free(config);
    bytes_free(&manual);
    bytes_free(&words);
}
