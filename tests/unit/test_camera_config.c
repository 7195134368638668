/* The settings: what a good file gives, and what is refused with which words.
 */
#include "camera_world.h"

#include "camera.h"

/* The file must be refused, with words in its complaint. */
static void assert_refused(const char *text, const char *words)
{
    struct loaded loaded;

    settings_load(&loaded, text);
    if (loaded.status == STATUS_OK)
        fail_msg("taken: %s", text);
    if (strstr(bytes_text(&loaded.words), words) == NULL)
        fail_msg("no \"%s\" in: %s", words, bytes_text(&loaded.words));
    settings_unload(&loaded);
}

static void smallest_file_has_the_standard_values(void **state)
{
    struct loaded loaded;
    const struct camera_config *camera;

    (void)state;
    settings_good(&loaded,
                  "cameras:\n"
                  "- {id: north-in, maker: vz, address: [10.0.0.1]}\n");
    assert_int_equal(loaded.config.camera_count, 1);
    camera = &loaded.config.cameras[0];
    assert_string_equal(camera->id, "north-in");
    assert_int_equal(camera->maker, MAKER_VZ);
    assert_int_equal(camera->direction, HEADING_NONE);
    assert_int_equal(camera->silent_after_s, 180);
    assert_string_equal(camera->answer,
                        "{\"Result\":true,\"Message\":\"Success\"}");
    assert_int_equal(loaded.config.picture_limit_kb, 976);
    assert_int_equal(loaded.config.listen.body_limit_kb, 8192);
    assert_int_equal(loaded.config.listen.pending_mb, 48);
    assert_false(loaded.config.mqtt_push.enabled);
    settings_unload(&loaded);
}

static void whole_camera_is_read(void **state)
{
    struct loaded loaded;
    const struct camera_config *camera;

    (void)state;
    settings_good(
        &loaded,
        "cameras:\n"
        "- id: yard\n"
        "  maker: hikvision\n"
        "  address: [192.168.1.64, 10.20.0.0/16]\n"
        "  identity: bc:5e:33:62:2a:5c\n"
        "  username: gate\n"
        "  password_file: password\n"
        "  direction: by_movement\n"
        "  in_words: [forward]\n"
        "  out_words: [reverse]\n"
        "  lanes: [A01, A02]\n"
        "  kind: head\n"
        "  folder: %!/up\n"
        "  files:\n"
        "  - {pattern: \"{plate}_{time:%Y%m%d%H%M%S}.jpg\", kind: body}\n");
    camera = &loaded.config.cameras[0];
    assert_int_equal(camera->maker, MAKER_HIKVISION);
    assert_int_equal(camera->address_count, 2);
    assert_int_equal(camera->password.len, 6);
    assert_int_equal(camera->direction, HEADING_BY_MOVEMENT);
    assert_int_equal(camera->lane_count, 2);
    assert_int_equal(camera->kind, PART_HEAD);
    assert_int_equal(camera->files[0].kind, PART_BODY);
    settings_unload(&loaded);
}

static void wrong_values_are_refused_with_what_is_allowed(void **state)
{
    static const char *const files[][2] = {
        {"cameras: []\n", "1 to 200 cameras"},
        {"cameras:\n- {id: a, maker: vz}\n", "must be given for a camera that"},
        {"cameras:\n- {id: a, maker: files}\n", "folder"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.300]}\n",
         "an IP address"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.1/24]}\n",
         "a range whose other bits are 0"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.1], username: u}\n",
         "without password_file"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.1], lane: A,"
         " lanes: [B]}\n",
         "given with lane"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.1],"
         " in_words: [up], out_words: [up]}\n",
         "in out_words too"},
        {"cameras:\n- {id: a, maker: files, folder: /nowhere/at/all,"
         " files: [{pattern: \"{plate}.jpg\"}]}\n",
         "no folder that is there"},
        {"cameras:\n- {id: a, maker: files, folder: \"%!/up\"}\n",
         "a list of patterns"},
        {"cameras:\n- {id: a, maker: files, folder: \"%!/up\","
         " files: [{pattern: \"{plat}.jpg\"}]}\n",
         "{plate} {color}"},
        {"listen: {cert_file: password}\n"
         "cameras:\n- {id: a, maker: vz, address: [10.0.0.1]}\n",
         "key_file"},
        {"listen: {body_limit_kb: 32768, pending_mb: 8}\n"
         "cameras:\n- {id: a, maker: vz, address: [10.0.0.1]}\n",
         "do not hold two requests"},
        {"picture_limit_kb: 4096\n"
         "cameras:\n- {id: a, maker: vz, address: [10.0.0.1]}\n",
         "above payload_limit_kb"},
        {"mqtt_push: {enabled: true}\n"
         "cameras:\n- {id: a, maker: vz, address: [10.0.0.1]}\n",
         "no camera of maker vz has an identity"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_refused(files[i][0], files[i][1]);
}

static void cameras_that_cannot_be_told_apart_are_refused(void **state)
{
    static const char *const files[][2] = {
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.1]}\n"
         "- {id: a, maker: vz, address: [10.0.0.2]}\n",
         "unique ids"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.0/8]}\n"
         "- {id: b, maker: vz, address: [10.0.0.2], identity: x1}\n",
         "overlaps that of cameras[0]"},
        {"cameras:\n- {id: a, maker: vz, address: [10.0.0.1], identity: AB-1}\n"
         "- {id: b, maker: vz, address: [10.0.0.2], identity: ab1}\n",
         "is that of cameras[0] too"},
        {"cameras:\n- {id: a, maker: dahua, address: [10.0.0.1], identity: x}\n"
         "- {id: b, maker: dahua, address: [10.0.0.1], identity: y,"
         " username: u, password_file: password}\n",
         "differs from that of cameras[0]"},
        {"cameras:\n- {id: a, maker: files, folder: \"%!/up\","
         " files: [{pattern: \"{plate}.jpg\"}]}\n"
         "- {id: b, maker: files, folder: \"%!/up\","
         " files: [{pattern: \"{plate}.jpg\"}]}\n",
         "folders apart"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_refused(files[i][0], files[i][1]);
}

static void cameras_of_other_makers_may_share_an_address(void **state)
{
    struct loaded loaded;

    (void)state;
    settings_good(&loaded,
                  "cameras:\n- {id: a, maker: vz, address: [10.0.0.1]}\n"
                  "- {id: b, maker: dahua, address: [10.0.0.1]}\n");
    settings_unload(&loaded);
}

static void camera_without_heartbeat_is_warned_of(void **state)
{
    static const char hikvision[] = "cameras:\n- {id: a, maker: hikvision, "
                                    "address: [10.0.0.1]%s}\n";
    char text[256];
    struct loaded loaded;

    (void)state;
    snprintf(text, sizeof text, hikvision, "");
    settings_good(&loaded, text);
    assert_non_null(strstr(bytes_text(&loaded.words), "no heartbeat"));
    settings_unload(&loaded);
    snprintf(text, sizeof text, hikvision, ", silent_after_s: 0");
    settings_good(&loaded, text);
    assert_int_equal(loaded.words.len, 0);
    settings_unload(&loaded);
}

static void identities_are_compared_by_letters_and_digits(void **state)
{
    (void)state;
    assert_true(identity_same("BC:5E:33:62:2A:5C", "bc5e33622a5c"));
    assert_true(identity_same("fe71e106-57263272", "FE71E10657263272"));
    assert_false(identity_same("bc5e33622a5c", "bc5e33622a5"));
    assert_false(identity_same("a", "b"));
}

static void manual_page_is_what_the_program_prints(void **state)
{
    struct program program;
    struct bytes told = BYTES_EMPTY;
    struct bytes file = BYTES_EMPTY;

    (void)state;
    camera_program(&program);
    assert_int_equal(program_manual(&program, &told), STATUS_OK);
    assert_int_equal(bytes_read_file(&file, SETTINGS_MANUAL, 1 << 20),
                     STATUS_OK);
    assert_string_equal(bytes_text(&told), bytes_text(&file));
    bytes_free(&told);
    bytes_free(&file);
}
