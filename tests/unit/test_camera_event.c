/* What a camera said as an event: identity, members, pictures that must fit. */
#include "camera_world.h"

#include <math.h>

#include "base64.h"
#include "event.h"

#define AT_MS (NOON_MS - INT64_C(9999))

static struct loaded loaded;

static int setup(void **state)
{
    (void)state;
    loaded = (struct loaded){.settings = NULL};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    settings_unload(&loaded);
    return 0;
}

/* One camera with these settings more. */
static const struct camera_config *camera_of(const char *more)
{
    char text[1024];

    snprintf(text, sizeof text,
             "cameras:\n- id: north\n  address: [10.0.0.1]\n%s", more);
    settings_good(&loaded, text);
    return &loaded.config.cameras[0];
}

static void capture_begin(struct capture *capture)
{
    assert_int_equal(capture_make(capture), STATUS_OK);
    capture->kind = CAPTURE_PASSAGE;
    capture->confidence = NAN;
    capture->at_ms = AT_MS;
}

static void say(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text);
}
#define SAY(field, text) say(field, sizeof field, text)

static void picture_add(struct capture *capture, enum capture_part part,
                        const struct bytes *jpeg)
{
    assert_int_equal(
        capture_add_picture(capture, part, "x.jpg", bytes_view(jpeg)),
        STATUS_OK);
}

static json_t *content_of(const struct camera_config *camera,
                          struct capture *capture, struct event_fit *fit)
{
    json_t *content = NULL;

    assert_int_equal(
        event_content(&loaded.config, camera, capture, fit, &content),
        STATUS_OK);
    return content;
}

static const char *text_of(const json_t *content, const char *name)
{
    return json_string_value(json_object_get(content, name));
}

/* ---- identity ----------------------------------------------------------- */

static void id_is_the_cameras_own_behind_its_serial(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct capture capture;
    char id[EVENT_ID_MAX];

    (void)state;
    capture_begin(&capture);
    SAY(capture.device, "fe71e106-57263272");
    SAY(capture.key, "21085");
    event_id(camera, &capture, span_text("message"), id);
    assert_string_equal(id, "fe71e106-57263272-21085");
    capture_free(&capture);
}

static void id_of_strange_characters_is_a_hash_of_them(void **state)
{
    const struct camera_config *camera = camera_of("  maker: dahua\n");
    struct capture capture;
    char one[EVENT_ID_MAX];
    char other[EVENT_ID_MAX];

    (void)state;
    capture_begin(&capture);
    SAY(capture.device, "门口");
    SAY(capture.key, "2026-10-02 13:24:56.123");
    event_id(camera, &capture, span_text("a"), one);
    event_id(camera, &capture, span_text("b"), other);
    assert_string_equal(one, other);
    assert_memory_equal(one, "key-", 4);
    SAY(capture.key, "2026-10-02 13:24:56.124");
    event_id(camera, &capture, span_text("a"), other);
    assert_string_not_equal(one, other);
    capture_free(&capture);
}

static void two_lanes_at_one_instant_are_two_events(void **state)
{
    const struct camera_config *camera = camera_of("  maker: dahua\n");
    struct capture capture;
    char one[EVENT_ID_MAX];
    char other[EVENT_ID_MAX];

    (void)state;
    capture_begin(&capture);
    SAY(capture.key, "20261002132456.123");
    capture.lane = 1;
    event_id(camera, &capture, span_text("a"), one);
    capture.lane = 2;
    event_id(camera, &capture, span_text("a"), other);
    assert_string_equal(one, "20261002132456.123-1");
    assert_string_equal(other, "20261002132456.123-2");
    capture_free(&capture);
}

static void id_without_a_key_is_of_plate_and_time(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct capture capture;
    char one[EVENT_ID_MAX];
    char other[EVENT_ID_MAX];

    (void)state;
    capture_begin(&capture);
    SAY(capture.plate, "AB1");
    event_id(camera, &capture, span_text("a"), one);
    event_id(camera, &capture, span_text("b"), other);
    assert_string_equal(one, other);
    SAY(capture.plate, "AB2");
    event_id(camera, &capture, span_text("a"), other);
    assert_string_not_equal(one, other);
    /* Nothing to know it by: the message itself. */
    capture.at_ms = 0;
    event_id(camera, &capture, span_text("a"), one);
    event_id(camera, &capture, span_text("b"), other);
    assert_memory_equal(one, "message-", 8);
    assert_string_not_equal(one, other);
    capture_free(&capture);
}

static void time_is_believed_from_2024_to_a_day_ahead(void **state)
{
    (void)state;
    camera_of("  maker: vz\n");
    assert_false(event_time_plausible(0, NOON_MS));
    assert_false(event_time_plausible(INT64_C(1704038399999), NOON_MS));
    assert_true(event_time_plausible(INT64_C(1704038400000), NOON_MS));
    assert_true(event_time_plausible(NOON_MS + DAY_MS, NOON_MS));
    assert_false(event_time_plausible(NOON_MS + DAY_MS + 1, NOON_MS));
    /* This machine thinks that it is 1970. */
    assert_true(event_time_plausible(NOON_MS, 5000));
}

/* ---- members ------------------------------------------------------------ */

static void facts_become_members(void **state)
{
    const struct camera_config *camera =
        camera_of("  maker: vz\n  direction: in\n  lanes: [A01, A02]\n");
    struct event_fit fit;
    struct capture capture;
    json_t *content;
    json_t *vendor;

    (void)state;
    capture_begin(&capture);
    SAY(capture.device, "fe71");
    SAY(capture.plate, "云A12345");
    SAY(capture.color, "yellow");
    SAY(capture.movement, "down");
    SAY(capture.trigger, "io-input");
    capture.confidence = 96;
    capture.lane = 2;
    capture.history = true;
    json_object_set_new(capture.details, "type_raw", json_integer(3));
    json_object_set_new(capture.details, "password", json_string("secret"));
    content = content_of(camera, &capture, &fit);
    assert_string_equal(text_of(content, "plate"), "云A12345");
    assert_string_equal(text_of(content, "color"), "yellow");
    assert_string_equal(text_of(content, "direction"), "in");
    assert_string_equal(text_of(content, "lane"), "A02");
    assert_true(json_is_true(json_object_get(content, "history")));
    assert_true(json_number_value(json_object_get(content, "confidence")) ==
                96);
    vendor = json_object_get(content, "vendor");
    assert_string_equal(text_of(vendor, "maker"), "vz");
    assert_string_equal(text_of(vendor, "device"), "fe71");
    assert_string_equal(text_of(vendor, "movement"), "down");
    assert_string_equal(text_of(vendor, "trigger"), "io-input");
    assert_int_equal(json_integer_value(json_object_get(vendor, "type_raw")),
                     3);
    assert_null(json_object_get(vendor, "password"));
    json_decref(content);
    capture_free(&capture);
}

static void what_was_not_said_is_absent_but_the_plate(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct event_fit fit;
    struct capture capture;
    json_t *content;

    (void)state;
    capture_begin(&capture);
    content = content_of(camera, &capture, &fit);
    assert_string_equal(text_of(content, "plate"), "");
    assert_int_equal(json_object_size(content), 2); /* and vendor */
    json_decref(content);
    capture_free(&capture);
}

/* The bridge would refuse the whole event. */
static void what_is_too_long_for_a_plate_is_kept_beside_it(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct event_fit fit;
    struct capture capture;
    json_t *content;

    (void)state;
    capture_begin(&capture);
    SAY(capture.plate, "ABCDEFGHIJKLMNOPQRSTU");
    content = content_of(camera, &capture, &fit);
    assert_string_equal(text_of(content, "plate"), "");
    assert_string_equal(
        text_of(json_object_get(content, "vendor"), "plate_read"),
        "ABCDEFGHIJKLMNOPQRSTU");
    json_decref(content);
    SAY(capture.plate, "ABCDEFGHIJKLMNOPQRST");
    content = content_of(camera, &capture, &fit);
    assert_string_equal(text_of(content, "plate"), "ABCDEFGHIJKLMNOPQRST");
    json_decref(content);
    capture_free(&capture);
}

static void direction_follows_the_cameras_words(void **state)
{
    static const struct {
        const char *movement, *direction;
    } words[] = {{"forward", "in"},
                 {"Obverse", "in"},
                 {"reverse", "out"},
                 {"left", NULL},
                 {"", NULL}};
    const struct camera_config *camera =
        camera_of("  maker: hikvision\n  direction: by_movement\n");
    struct event_fit fit;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct capture capture;
        json_t *content;
        const char *told;

        capture_begin(&capture);
        SAY(capture.movement, words[i].movement);
        content = content_of(camera, &capture, &fit);
        told = text_of(content, "direction");
        if (words[i].direction == NULL)
            assert_null(told);
        else
            assert_string_equal(told, words[i].direction);
        json_decref(content);
        capture_free(&capture);
    }
}

/* ---- pictures ----------------------------------------------------------- */

static json_t *picture_at(const json_t *content, size_t index)
{
    return json_array_get(json_object_get(content, "pictures"), index);
}

static size_t size_at(const json_t *content, size_t index, uint8_t head[2])
{
    const char *text = text_of(picture_at(content, index), "jpeg");
    struct bytes jpeg = BYTES_EMPTY;
    size_t size;

    assert_non_null(text);
    assert_int_equal(base64_decode(span_text(text), false, &jpeg), STATUS_OK);
    memcpy(head, jpeg.data, 2);
    size = jpeg.len;
    bytes_free(&jpeg);
    return size;
}

static void whole_picture_is_of_the_cameras_kind(void **state)
{
    const struct camera_config *camera =
        camera_of("  maker: vz\n  kind: body\n");
    struct bytes jpeg = picture_of(16, 16, 90, false);
    struct event_fit fit;
    struct capture capture;
    json_t *content;

    (void)state;
    capture_begin(&capture);
    picture_add(&capture, PART_SCENE, &jpeg);
    picture_add(&capture, PART_PLATE, &jpeg);
    content = content_of(camera, &capture, &fit);
    assert_string_equal(text_of(picture_at(content, 0), "kind"), "body");
    assert_string_equal(text_of(picture_at(content, 1), "kind"), "plate");
    assert_null(json_object_get(picture_at(content, 0), "reencoded"));
    assert_int_equal(fit.smaller + fit.left_out, 0);
    json_decref(content);
    bytes_free(&jpeg);
    capture_free(&capture);
}

static void large_picture_is_made_smaller_and_says_so(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct bytes jpeg = picture_of(1400, 1000, 95, false);
    struct event_fit fit;
    struct capture capture;
    json_t *content;
    uint8_t head[2];

    (void)state;
    assert_true(jpeg.len > 976 * 1024);
    capture_begin(&capture);
    picture_add(&capture, PART_SCENE, &jpeg);
    content = content_of(camera, &capture, &fit);
    assert_true(size_at(content, 0, head) <= 976 * 1024);
    assert_memory_equal(head, "\xff\xd8", 2);
    assert_true(
        json_is_true(json_object_get(picture_at(content, 0), "reencoded")));
    assert_int_equal(json_integer_value(json_object_get(picture_at(content, 0),
                                                        "original_bytes")),
                     (json_int_t)jpeg.len);
    assert_int_equal(fit.smaller, 1);
    json_decref(content);
    bytes_free(&jpeg);
    capture_free(&capture);
}

static void picture_that_cannot_be_made_smaller_is_left_out(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct bytes jpeg = BYTES_EMPTY;
    struct event_fit fit;
    struct capture capture;
    json_t *content;

    (void)state;
    assert_int_equal(bytes_reserve(&jpeg, 1 << 20), STATUS_OK);
    memset(jpeg.data, 'x', 1 << 20);
    memcpy(jpeg.data, "\xff\xd8\xff\xe0", 4);
    jpeg.len = 1 << 20;
    capture_begin(&capture);
    picture_add(&capture, PART_SCENE, &jpeg);
    content = content_of(camera, &capture, &fit);
    assert_null(json_object_get(content, "pictures"));
    assert_int_equal(
        json_integer_value(json_object_get(content, "pictures_left_out")), 1);
    assert_int_equal(fit.left_out, 1);
    json_decref(content);
    bytes_free(&jpeg);
    capture_free(&capture);
}

/* Eight of 900 KB are within the limit of one, but not together. */
static void all_pictures_fit_into_one_payload(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct bytes jpeg = picture_of(1100, 900, 92, false);
    struct event_fit fit;
    struct capture capture;
    json_t *content;
    char *text;

    (void)state;
    assert_in_range(jpeg.len, 600 * 1024, 976 * 1024);
    capture_begin(&capture);
    for (int i = 0; i < CAPTURE_PICTURES_MAX; i++)
        picture_add(&capture, PART_SCENE, &jpeg);
    content = content_of(camera, &capture, &fit);
    text = json_dumps(content, 0);
    assert_true(strlen(text) <= (4096 - 16) * 1024);
    assert_int_equal(json_array_size(json_object_get(content, "pictures")),
                     CAPTURE_PICTURES_MAX);
    assert_int_equal(fit.smaller, CAPTURE_PICTURES_MAX);
    free(text);
    json_decref(content);
    bytes_free(&jpeg);
    capture_free(&capture);
}

static void same_pictures_give_the_same_members_again(void **state)
{
    const struct camera_config *camera = camera_of("  maker: vz\n");
    struct bytes jpeg = picture_of(1400, 1000, 95, false);
    struct event_fit fit;
    json_t *contents[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct capture capture;

        capture_begin(&capture);
        picture_add(&capture, PART_SCENE, &jpeg);
        contents[i] = content_of(camera, &capture, &fit);
        capture_free(&capture);
    }
    assert_true(json_equal(contents[0], contents[1]));
    json_decref(contents[0]);
    json_decref(contents[1]);
    bytes_free(&jpeg);
}
