/* Files that an FTP server writes, and what becomes of them. */
#include "camera_world.h"

#include "folder.h"

#define SETTLE_MS 5000 /* the settings' standard values */
#define JOIN_MS 3000

static const char one_camera[] =
    "cameras:\n"
    "- id: yard\n"
    "  maker: files\n"
    "  folder: \"%!/up\"\n"
    "  files:\n"
    "  - {pattern: \"{plate}_{color}_{time:%Y%m%d%H%M%S}_cut.jpg\","
    " kind: plate}\n"
    "  - {pattern: \"{plate}_{color}_{time:%Y%m%d%H%M%S}.jpg\", kind: head}\n";

#define HEAD "云A12345_黄_20261120115959.jpg"
#define CUT "云A12345_黄_20261120115959_cut.jpg"

struct world {
    struct loaded loaded;
    struct roster *roster;
    struct intake *intake;
    struct folder *folder;
    int64_t steady_ms;
    struct bytes jpeg;
};

static void folder_begin(struct world *world)
{
    const struct intake_options options = {&world->loaded.config, &courier,
                                           &world_clock, world->roster};
    struct folder_options of_folder = {.config = &world->loaded.config};

    assert_int_equal(intake_open(&options, &world->intake), STATUS_OK);
    of_folder.camera = &world->loaded.config.cameras[0];
    of_folder.intake = world->intake;
    assert_int_equal(folder_open(&of_folder, &world->folder), STATUS_OK);
}

static void folder_end(struct world *world)
{
    folder_close(world->folder);
    intake_close(world->intake);
}

static void begin(struct world *world, const char *text)
{
    *world = (struct world){.steady_ms = 1000};
    settings_good(&world->loaded, text);
    assert_int_equal(roster_make(&world->loaded.config, &courier, &world_clock,
                                 &world->roster),
                     STATUS_OK);
    folder_begin(world);
    world->jpeg = picture_of(32, 32, 90, false);
}

static void end(struct world *world)
{
    folder_end(world);
    roster_free(world->roster);
    bytes_free(&world->jpeg);
    settings_unload(&world->loaded);
    courier_forget();
}

static int setup(void **state)
{
    static struct world world;

    begin(&world, one_camera);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    end(*state);
    return 0;
}

static void path_of(const struct world *world, const char *name, char path[512])
{
    snprintf(path, 512, "%s/up/%s", world->loaded.folder, name);
}

static void upload(struct world *world, const char *name)
{
    char up[128];

    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    file_put(up, name, world->jpeg.data, world->jpeg.len);
}

static bool is_there(const struct world *world, const char *name)
{
    char path[512];
    struct stat info;

    path_of(world, name, path);
    return lstat(path, &info) == 0;
}

static size_t step(struct world *world, int64_t more_ms)
{
    world->steady_ms += more_ms;
    return folder_step(world->folder, world->steady_ms,
                       NOON_MS + world->steady_ms);
}

/* ---- when a file is whole ----------------------------------------------- */

static void file_that_stands_still_becomes_an_event_and_goes(void **state)
{
    struct world *world = *state;

    upload(world, HEAD);
    assert_int_equal(step(world, 0), 1);
    step(world, SETTLE_MS - 1);
    assert_int_equal(courier.put_count, 0);
    step(world, 1);
    assert_int_equal(courier.put_count, 1);
    assert_string_equal(courier.puts[0].device, "yard");
    assert_int_equal(courier.puts[0].at_ms, INT64_C(1795147199000));
    assert_string_equal(json_string_value(put_member(0, "plate")), "云A12345");
    assert_string_equal(json_string_value(put_member(0, "color")), "yellow");
    assert_int_equal(json_array_size(put_member(0, "pictures")), 1);
    assert_false(is_there(world, HEAD));
    assert_int_equal(step(world, 1), 0);
}

static void closed_file_waits_for_the_others_only(void **state)
{
    struct world *world = *state;

    upload(world, HEAD);
    step(world, 0);
    folder_closed(world->folder, HEAD);
    step(world, JOIN_MS - 1);
    assert_int_equal(courier.put_count, 0);
    step(world, 1);
    assert_int_equal(courier.put_count, 1);
}

static void growing_file_begins_to_wait_anew(void **state)
{
    struct world *world = *state;
    char up[128];

    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    file_put(up, HEAD, world->jpeg.data, 200);
    step(world, 0);
    step(world, SETTLE_MS - 1);
    upload(world, HEAD);
    step(world, 1);
    step(world, SETTLE_MS - 1);
    assert_int_equal(courier.put_count, 0);
    step(world, 1);
    assert_int_equal(courier.put_count, 1);
}

static void torn_file_waits_ten_times_as_long(void **state)
{
    struct world *world = *state;
    char up[128];

    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    file_put(up, HEAD, world->jpeg.data, world->jpeg.len - 2);
    step(world, 0);
    step(world, SETTLE_MS * 10 - 1);
    assert_int_equal(courier.put_count, 0);
    step(world, 1);
    assert_int_equal(courier.put_count, 1);
}

/* ---- passages ----------------------------------------------------------- */

static void files_of_one_passage_are_one_event(void **state)
{
    struct world *world = *state;
    json_t *first;

    upload(world, HEAD);
    upload(world, CUT);
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 1);
    assert_int_equal(json_array_size(put_member(0, "pictures")), 2);
    first = json_array_get(put_member(0, "pictures"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "kind")),
                        "head");
    assert_false(is_there(world, HEAD));
    assert_false(is_there(world, CUT));
}

static void file_that_comes_later_is_an_edition(void **state)
{
    struct world *world = *state;

    upload(world, HEAD);
    step(world, 0);
    step(world, SETTLE_MS);
    upload(world, CUT);
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 2);
    assert_string_equal(courier.puts[0].id, courier.puts[1].id);
    assert_int_equal(courier.puts[0].at_ms, courier.puts[1].at_ms);
}

static void name_in_gbk_is_a_passage(void **state)
{
    struct world *world = *state;

    upload(world, "\xd4\xc6\x41\x31\x32\x33\x34\x35_\xbb\xc6_"
                  "20261120115959.jpg");
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 1);
    assert_string_equal(json_string_value(put_member(0, "plate")), "云A12345");
    assert_string_equal(json_string_value(put_member(0, "color")), "yellow");
}

static void file_stays_while_it_cannot_be_kept(void **state)
{
    struct world *world = *state;

    courier.answer = STATUS_FULL;
    upload(world, HEAD);
    step(world, 0);
    assert_int_equal(step(world, SETTLE_MS), 1);
    assert_true(is_there(world, HEAD));
    courier.answer = STATUS_OK;
    step(world, 1);
    assert_int_equal(courier.put_count, 1);
    assert_false(is_there(world, HEAD));
}

/* A file where the folder bad/ is to be. */
static void bad_file_goes_as_soon_as_it_can(void **state)
{
    struct world *world = *state;
    char path[512];

    upload(world, "bad");
    upload(world, "notes.txt");
    step(world, 0);
    assert_int_equal(step(world, SETTLE_MS), 0);
    assert_true(is_there(world, "notes.txt"));
    path_of(world, "bad", path);
    assert_int_equal(unlink(path), 0);
    step(world, 1);
    assert_false(is_there(world, "notes.txt"));
    assert_int_equal(courier.put_count, 0);
}

static void restart_doubles_nothing(void **state)
{
    struct world *world = *state;

    upload(world, HEAD);
    step(world, 0);
    folder_end(world);
    folder_begin(world);
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 1);
    upload(world, HEAD); /* the camera says it again */
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 1);
    assert_int_equal(courier.repeats, 1);
    assert_false(is_there(world, HEAD));
}

/* A kill between the storing and the taking away: the note says what to do. */
static void noted_files_go_without_becoming_events(void **state)
{
    struct world *world = *state;
    char outbox[128];

    upload(world, HEAD);
    upload(world, CUT);
    snprintf(outbox, sizeof outbox, "%s/outbox", world->loaded.folder);
    file_put(outbox, "stored-yard", HEAD "\0" CUT, sizeof HEAD + sizeof CUT);
    step(world, 0);
    assert_false(is_there(world, HEAD));
    assert_false(is_there(world, CUT));
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 0);
}

/* ---- what is no passage ------------------------------------------------- */

/* A camera that cannot make its folder again must find it. */
static void empty_folder_of_a_past_day_goes_and_another_stays(void **state)
{
    struct world *world = *state;
    struct timespec past[2] = {{.tv_sec = NOON_MS / 1000 - 2 * 86400},
                               {.tv_sec = NOON_MS / 1000 - 2 * 86400}};
    static const char *const names[] = {"2026-11-18", "gate-2"};

    for (size_t i = 0; i < 2; i++) {
        char path[512];

        path_of(world, names[i], path);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
    }
    step(world, 0);
    assert_false(is_there(world, "2026-11-18"));
    assert_true(is_there(world, "gate-2"));
}

static void name_without_pattern_goes_to_bad(void **state)
{
    struct world *world = *state;
    char up[128];

    upload(world, "readme.txt");
    step(world, 0);
    assert_true(is_there(world, "readme.txt"));
    step(world, SETTLE_MS);
    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    assert_false(is_there(world, "readme.txt"));
    assert_int_equal(file_count(up, "bad"), 1);
    assert_int_equal(courier.put_count, 0);
}

static void text_with_a_pictures_name_goes_to_bad(void **state)
{
    struct world *world = *state;
    char up[128];

    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    file_put(up, HEAD, "GIF89a", 6);
    step(world, 0);
    step(world, SETTLE_MS * 10);
    assert_int_equal(file_count(up, "bad"), 1);
    assert_int_equal(courier.put_count, 0);
}

static void links_and_pipes_are_never_opened(void **state)
{
    struct world *world = *state;
    char path[512];
    char up[128];

    path_of(world, HEAD, path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    path_of(world, CUT, path);
    assert_int_equal(mkfifo(path, 0600), 0);
    step(world, 0);
    step(world, SETTLE_MS * 10);
    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    assert_int_equal(file_count(up, "bad"), 2);
    assert_int_equal(courier.put_count, 0);
}

static void linked_folder_is_not_entered(void **state)
{
    struct world *world = *state;
    char path[512];
    char outside[128];

    snprintf(outside, sizeof outside, "%s/outside", world->loaded.folder);
    assert_int_equal(mkdir(outside, 0700), 0);
    file_put(outside, HEAD, world->jpeg.data, world->jpeg.len);
    path_of(world, "in", path);
    assert_int_equal(symlink(outside, path), 0);
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 0);
    assert_int_equal(file_count(world->loaded.folder, "outside"), 1);
}

/* Whoever uploads may not choose where things are moved and removed. */
static void bad_that_is_a_link_is_not_followed(void **state)
{
    struct world *world = *state;
    char outside[128];
    char path[512];
    char name[16];

    snprintf(outside, sizeof outside, "%s/outside", world->loaded.folder);
    assert_int_equal(mkdir(outside, 0700), 0);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%d", i);
        file_put(outside, name, "", 0);
    }
    path_of(world, "bad", path);
    assert_int_equal(symlink(outside, path), 0);
    upload(world, "readme.txt");
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(file_count(world->loaded.folder, "outside"), 60);
    assert_true(is_there(world, "readme.txt"));
}

static void name_with_a_dot_in_front_is_the_servers_own(void **state)
{
    struct world *world = *state;

    upload(world, ".in." HEAD);
    assert_int_equal(step(world, 0), 0);
    step(world, SETTLE_MS * 10);
    assert_true(is_there(world, ".in." HEAD));
}

static void folders_below_are_read(void **state)
{
    struct world *world = *state;
    char path[512];

    path_of(world, "2026", path);
    assert_int_equal(mkdir(path, 0700), 0);
    upload(world, "2026/" HEAD);
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 1);
    assert_false(is_there(world, "2026/" HEAD));
    assert_true(is_there(world, "2026"));
}

static void done_keeps_the_newest(void **state)
{
    struct world *world = *state;
    char up[128];
    char text[1024];

    end(world);
    snprintf(text, sizeof text, "upload: {keep_done: 2}\n%s", one_camera);
    begin(world, text);
    upload(world, "AB1_黄_20261120115951.jpg");
    upload(world, "AB2_黄_20261120115952.jpg");
    upload(world, "AB3_黄_20261120115953.jpg");
    step(world, 0);
    step(world, SETTLE_MS);
    assert_int_equal(courier.put_count, 3);
    snprintf(up, sizeof up, "%s/up", world->loaded.folder);
    assert_int_equal(file_count(up, "done"), 2);
    assert_int_equal(step(world, SETTLE_MS), 0);
    assert_int_equal(courier.put_count, 3);
}
