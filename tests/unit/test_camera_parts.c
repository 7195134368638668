/* The small parts: first sightings, what is put aside, log lines kept back,
 * connections' deadlines, who posts and who is silent, what a head may ask. */
#include "camera_world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "admission.h"
#include "aside.h"
#include "deadlines.h"
#include "quiet.h"
#include "roster.h"
#include "sightings.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/camera-parts-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    remove_tree(folder);
    courier_forget();
    world_now_ms = NOON_MS;
    return 0;
}

/* ---- sightings ---------------------------------------------------------- */

static struct sightings *sightings_at(void)
{
    char path[128];
    struct sightings *sightings = NULL;

    snprintf(path, sizeof path, "%s/sightings", folder);
    assert_int_equal(sightings_open(path, &sightings), STATUS_OK);
    return sightings;
}

static int64_t sighting(struct sightings *sightings, uint64_t hash,
                        int64_t now_ms)
{
    int64_t at_ms = 0;

    assert_int_equal(sightings_time(sightings, hash, now_ms, MINUTE_MS, &at_ms),
                     STATUS_OK);
    return at_ms;
}

static void first_sighting_is_kept_within_its_window(void **state)
{
    struct sightings *sightings = sightings_at();

    (void)state;
    assert_int_equal(sighting(sightings, 1, NOON_MS), NOON_MS);
    assert_int_equal(sighting(sightings, 1, NOON_MS + MINUTE_MS), NOON_MS);
    /* Each time counts anew. */
    assert_int_equal(sighting(sightings, 1, NOON_MS + 2 * MINUTE_MS), NOON_MS);
    assert_int_equal(sighting(sightings, 1, NOON_MS + 3 * MINUTE_MS + 1),
                     NOON_MS + 3 * MINUTE_MS + 1);
    assert_int_equal(sighting(sightings, 2, NOON_MS + 5), NOON_MS + 5);
    sightings_close(sightings);
}

static void first_sighting_survives_the_process(void **state)
{
    struct sightings *sightings = sightings_at();

    (void)state;
    sighting(sightings, 7, NOON_MS);
    sightings_close(sightings);
    sightings = sightings_at();
    assert_int_equal(sighting(sightings, 7, NOON_MS + 10), NOON_MS);
    sightings_close(sightings);
}

static void damaged_sighting_is_forgotten_alone(void **state)
{
    struct sightings *sightings = sightings_at();
    char path[128];
    int fd;

    (void)state;
    sighting(sightings, 7, NOON_MS);
    sighting(sightings, 8, NOON_MS);
    sightings_close(sightings);
    snprintf(path, sizeof path, "%s/sightings", folder);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 9), 1); /* in the first one's time */
    close(fd);
    sightings = sightings_at();
    assert_int_equal(sighting(sightings, 7, NOON_MS + 10), NOON_MS + 10);
    assert_int_equal(sighting(sightings, 8, NOON_MS + 10), NOON_MS);
    sightings_close(sightings);
}

static void oldest_sighting_makes_room(void **state)
{
    struct sightings *sightings = sightings_at();

    (void)state;
    for (int i = 0; i < 4097; i++)
        sighting(sightings, 100 + (uint64_t)i, NOON_MS + i);
    assert_int_equal(sighting(sightings, 4196, NOON_MS + 5000), NOON_MS + 4096);
    assert_int_equal(sighting(sightings, 101, NOON_MS + 5000), NOON_MS + 1);
    assert_int_equal(sighting(sightings, 100, NOON_MS + 5000), NOON_MS + 5000);
    sightings_close(sightings);
}

static void hash_tells_where_texts_end(void **state)
{
    (void)state;
    assert_true(
        hash_text(hash_text(HASH_START, span_text("ab")), span_text("c")) !=
        hash_text(hash_text(HASH_START, span_text("a")), span_text("bc")));
}

/* ---- aside -------------------------------------------------------------- */

static void newest_fifty_are_kept_aside(void **state)
{
    struct aside *aside = NULL;
    char path[256];
    char name[ASIDE_NAME_MAX];
    char first[ASIDE_NAME_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s/bad", folder);
    assert_int_equal(aside_open(path, &aside), STATUS_OK);
    for (int i = 0; i < 53; i++) {
        assert_int_equal(aside_put(aside, NOON_MS + i / 3, "cam", "vz",
                                   span_text("what was said"), name),
                         STATUS_OK);
        if (i == 0)
            snprintf(first, sizeof first, "%s", name);
    }
    assert_int_equal(file_count(folder, "bad"), 50);
    assert_string_equal(first, "20261120T120000.000-000000-cam.vz");
    snprintf(path, sizeof path, "%s/bad/%s", folder, first);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/bad/%s", folder, name);
    assert_int_equal(access(path, F_OK), 0);
    aside_close(aside);
}

/* ---- quiet -------------------------------------------------------------- */

static void second_line_waits_and_is_counted(void **state)
{
    struct quiet quiet = {0, 0};
    unsigned held = 99;

    (void)state;
    assert_true(quiet_pass(&quiet, 1000, &held));
    assert_int_equal(held, 0);
    assert_false(quiet_pass(&quiet, 1001, &held));
    assert_false(quiet_pass(&quiet, 10999, &held));
    assert_true(quiet_pass(&quiet, 11000, &held));
    assert_int_equal(held, 2);
}

/* ---- deadlines ---------------------------------------------------------- */

static void connection_is_cut_when_its_time_has_come(void **state)
{
    struct deadlines *deadlines = NULL;
    struct deadline *late;
    struct deadline *never;
    int pair[2];
    int other[2];
    char byte;

    (void)state;
    assert_int_equal(deadlines_make(2, &deadlines), STATUS_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    late = deadlines_add(deadlines, pair[0], 1000);
    never = deadlines_add(deadlines, other[0], 1000);
    assert_null(deadlines_add(deadlines, 99, 1000));
    deadlines_due(deadlines, never, INT64_MAX);
    assert_int_equal(deadlines_cut(deadlines, 999), 0);
    assert_int_equal(deadlines_cut(deadlines, 1000), 1);
    assert_int_equal(deadlines_cut(deadlines, 2000), 0);
    assert_int_equal(read(pair[1], &byte, 1), 0);
    assert_int_equal(send(other[1], "x", 1, MSG_DONTWAIT), 1);
    deadlines_remove(deadlines, late);
    deadlines_remove(deadlines, NULL);
    assert_non_null(deadlines_add(deadlines, pair[0], 1000));
    deadlines_free(deadlines);
    close(pair[0]);
    close(pair[1]);
    close(other[0]);
    close(other[1]);
}

/* ---- roster ------------------------------------------------------------- */

static struct sockaddr_in peer_of(const char *address)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};

    assert_int_equal(inet_pton(AF_INET, address, &peer.sin_addr), 1);
    return peer;
}

static void camera_is_online_until_it_is_silent(void **state)
{
    struct loaded loaded;
    struct roster *roster = NULL;

    (void)state;
    settings_good(&loaded, "cameras:\n- {id: north, maker: vz, "
                           "address: [10.0.0.1], silent_after_s: 60}\n");
    assert_int_equal(
        roster_make(&loaded.config, &courier, &world_clock, &roster),
        STATUS_OK);
    roster_tick(roster);
    assert_string_equal(courier.status, "");
    roster_heard(roster, &loaded.config.cameras[0]);
    assert_string_equal(courier.status, "north online ");
    world_now_ms += 59999;
    courier.status[0] = 0;
    roster_tick(roster);
    assert_string_equal(courier.status, "");
    world_now_ms += 1;
    roster_tick(roster);
    assert_non_null(
        strstr(courier.status, "north offline nothing heard since"));
    assert_non_null(strstr(courier.status, "12:00:00"));
    courier.status[0] = 0;
    roster_tick(roster);
    assert_string_equal(courier.status, ""); /* told once */
    roster_heard(roster, &loaded.config.cameras[0]);
    assert_string_equal(courier.status, "north online ");
    roster_free(roster);
    settings_unload(&loaded);
}

static void camera_never_heard_is_told_as_such(void **state)
{
    struct loaded loaded;
    struct roster *roster = NULL;

    (void)state;
    settings_good(&loaded, "cameras:\n- {id: north, maker: vz, "
                           "address: [10.0.0.1]}\n");
    assert_int_equal(
        roster_make(&loaded.config, &courier, &world_clock, &roster),
        STATUS_OK);
    world_now_ms += 180 * 1000;
    roster_tick(roster);
    assert_string_equal(courier.status, "north offline nothing heard yet");
    roster_free(roster);
    settings_unload(&loaded);
}

/* ---- admission ---------------------------------------------------------- */

static const char three_cameras[] =
    "listen: {body_limit_kb: 64}\n"
    "cameras:\n"
    "- {id: a, maker: vz, address: [10.0.0.1]}\n"
    "- {id: b, maker: dahua, address: [10.0.0.1, 10.0.0.2]}\n"
    "- {id: c, maker: hikvision, address: [10.0.0.3]}\n";

static void heads_are_answered_by_what_is_wrong_with_them(void **state)
{
    static const struct {
        const char *peer, *method, *path, *type, *length;
        unsigned code;
        int maker;
    } heads[] = {
        {"10.0.0.1", "POST", "/vz", "application/json", "10", 0, MAKER_VZ},
        {"10.0.0.1", "POST", "/vz/x", NULL, NULL, 0, MAKER_VZ},
        {"10.0.0.1", "POST", "/NotificationInfo/KeepAlive",
         "application/json;charset=UTF-8", "10", 0, MAKER_DAHUA},
        {"10.0.0.3", "POST", "/", "multipart/form-data; boundary=x", NULL, 0,
         MAKER_HIKVISION},
        {"10.0.0.3", "POST", "/vz", "text/xml", NULL, 0, MAKER_HIKVISION},
        {"10.0.0.9", "POST", "/vz", "application/json", "10", 403, 0},
        {"10.0.0.9", "GET", "/", NULL, NULL, 403, 0},
        {"10.0.0.1", "GET", "/vz", NULL, NULL, 405, 0},
        {"10.0.0.1", "POST", "/vzx", "application/json", "10", 404, 0},
        {"10.0.0.2", "POST", "/vz", "application/json", "10", 404, 0},
        {"10.0.0.1", "POST", "/vz", "image/png", "10", 415, MAKER_VZ},
        {"10.0.0.3", "POST", "/x", "application/json", "10", 415,
         MAKER_HIKVISION},
        {"10.0.0.3", "POST", "/x", "application/x-www-form-urlencoded", "10", 0,
         MAKER_HIKVISION},
        {"10.0.0.3", "POST", "/x", "application/octet-stream", "10", 0,
         MAKER_HIKVISION},
        {"10.0.0.1", "POST", "/vz", NULL, "65536", 0, MAKER_VZ},
        {"10.0.0.1", "POST", "/vz", NULL, "65537", 413, MAKER_VZ},
        {"10.0.0.1", "POST", "/vz", NULL, "99999999999999999999", 413,
         MAKER_VZ},
    };
    struct loaded loaded;
    struct roster *roster = NULL;
    const struct camera_config *cameras[3];

    (void)state;
    settings_good(&loaded, three_cameras);
    assert_int_equal(
        roster_make(&loaded.config, &courier, &world_clock, &roster),
        STATUS_OK);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct sockaddr_in peer = peer_of(heads[i].peer);
        const struct request_head head = {(const struct sockaddr *)&peer,
                                          heads[i].method, heads[i].path,
                                          heads[i].type, heads[i].length};
        struct admission admission;

        admission_check(&loaded.config, roster, &head, cameras, &admission);
        if (admission.code != heads[i].code)
            fail_msg("%s %s: %u %s", heads[i].method, heads[i].path,
                     admission.code, admission.why);
        assert_int_equal(admission.code == 0, admission.why[0] == 0);
        if (admission.code == 0)
            assert_int_equal(cameras[0]->maker, heads[i].maker);
    }
    roster_free(roster);
    settings_unload(&loaded);
}
