/* From a message to an event that is kept, and what the camera is answered. */
#include "camera_world.h"

#include <math.h>

#include "intake.h"
#include "makers.h"

static const char four_cameras[] =
    "cameras:\n"
    "- {id: north, maker: vz, address: [10.0.0.1]}\n"
    "- {id: south, maker: hikvision, address: [10.0.0.2],"
    " identity: \"bc:5e:33:62:2a:5c\"}\n"
    "- {id: west, maker: hikvision, address: [10.0.0.2],"
    " identity: \"44:a6:42:f3:2a:d7\"}\n"
    "- {id: east, maker: dahua, address: [10.0.0.3], answer: OK}\n";

struct world {
    struct loaded loaded;
    struct roster *roster;
    struct intake *intake;
};

static void intake_begin(struct world *world)
{
    const struct intake_options options = {&world->loaded.config, &courier,
                                           &world_clock, world->roster};

    assert_int_equal(intake_open(&options, &world->intake), STATUS_OK);
}

static int setup(void **state)
{
    static struct world world;

    settings_good(&world.loaded, four_cameras);
    assert_int_equal(roster_make(&world.loaded.config, &courier, &world_clock,
                                 &world.roster),
                     STATUS_OK);
    intake_begin(&world);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    intake_close(world->intake);
    roster_free(world->roster);
    settings_unload(&world->loaded);
    courier_forget();
    world_now_ms = NOON_MS;
    return 0;
}

/* What cameras first .. first + count - 1 may have sent; the answer's text. */
static enum outcome push(struct world *world, unsigned first, unsigned count,
                         const char *path, const char *body, char answer[512],
                         unsigned *code)
{
    const struct camera_config *cameras[4];
    const struct camera_config *camera;
    struct intake_message message = {cameras, count, path, NULL,
                                     span_text(body)};
    struct capture capture;
    struct answer made;
    enum outcome outcome;

    for (unsigned i = 0; i < count; i++)
        cameras[i] = &world->loaded.config.cameras[first + i];
    outcome = intake_take(world->intake, &message, &camera, &capture);
    assert_int_equal(
        maker_answer(cameras[0]->maker, camera, &capture, outcome, &made),
        STATUS_OK);
    *code = made.code;
    snprintf(answer, 512, "%s", bytes_text(&made.body));
    bytes_free(&made.body);
    capture_free(&capture);
    return outcome;
}

#define VZ_HEAD                                                                \
    "{\"AlarmInfoPlate\":{\"channel\":0,\"serialno\":\"fe71\",\"result\":{"    \
    "\"PlateResult\":{\"license\":\"粤Z9065澳\",\"colorType\":4,"
#define VZ_AT(sec)                                                             \
    "\"timeStamp\":{\"Timeval\":{\"sec\":" sec ",\"usec\":0}}}}}}"

static const char passage[] =
    VZ_HEAD "\"plateid\":21085,\"isoffline\":0," VZ_AT("1795147199");
static const char heartbeat[] =
    "{\"AlarmInfoPlate\":{\"channel\":0,\"serialno\":\"fe71\","
    "\"heartbeat\":1}}";

static json_t *reply_of(const char *answer)
{
    json_t *json = json_loads(answer, 0, NULL);

    assert_non_null(json);
    return json;
}

static const char *reply_word(const json_t *reply, const char *name)
{
    return json_string_value(json_object_get(
        json_object_get(reply, "Response_AlarmInfoPlate"), name));
}

static void vz_passage_is_kept_and_never_opens_the_barrier(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;
    json_t *reply;

    assert_int_equal(push(world, 0, 1, "/vz", passage, answer, &code),
                     OUTCOME_KEPT);
    assert_int_equal(code, 200);
    reply = reply_of(answer);
    assert_string_equal(reply_word(reply, "info"), "no");
    assert_string_equal(reply_word(reply, "content"), "retransfer_stop");
    json_decref(reply);
    assert_int_equal(courier.put_count, 1);
    assert_string_equal(courier.puts[0].device, "north");
    assert_string_equal(courier.puts[0].id, "fe71-21085");
    assert_int_equal(courier.puts[0].at_ms, INT64_C(1795147199000));
    assert_string_equal(json_string_value(put_member(0, "plate")), "粤Z9065澳");
    assert_string_equal(json_string_value(put_member(0, "color")), "black");
    assert_string_equal(courier.status, "north online ");
}

static void vz_history_asks_for_the_next(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;
    json_t *reply;
    json_t *next;

    push(world, 0, 1, "/vz",
         VZ_HEAD "\"plateid\":7,\"isoffline\":1," VZ_AT("1795100000"), answer,
         &code);
    reply = reply_of(answer);
    next = json_object_get(json_object_get(reply, "Response_AlarmInfoPlate"),
                           "ContinuePushOffline");
    assert_int_equal(json_integer_value(json_object_get(next, "plateid")), 7);
    assert_int_equal(json_integer_value(json_object_get(next, "continue")), 1);
    json_decref(reply);
    assert_true(json_is_true(put_member(0, "history")));
}

static void repeat_is_answered_as_the_first(void **state)
{
    struct world *world = *state;
    char answer[512];
    char again[512];
    unsigned code;

    push(world, 0, 1, "/vz", passage, answer, &code);
    assert_int_equal(push(world, 0, 1, "/vz", passage, again, &code),
                     OUTCOME_KEPT);
    assert_int_equal(code, 200);
    assert_string_equal(answer, again);
    assert_int_equal(courier.put_count, 1);
    assert_int_equal(courier.repeats, 1);
    assert_int_equal(roster_tally(world->roster, TALLY_REPEATS), 1);
}

static void heartbeat_is_heard_and_not_kept(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;

    assert_int_equal(push(world, 0, 1, "/vz", heartbeat, answer, &code),
                     OUTCOME_NOTED);
    assert_int_equal(code, 200);
    assert_int_equal(courier.put_count, 0);
    assert_string_equal(courier.status, "north online ");
}

static void full_outbox_is_503_and_stops_no_resending(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;
    json_t *reply;

    courier.answer = STATUS_FULL;
    assert_int_equal(push(world, 0, 1, "/vz", passage, answer, &code),
                     OUTCOME_LATER);
    assert_int_equal(code, 503);
    reply = reply_of(answer);
    assert_string_equal(reply_word(reply, "info"), "no");
    assert_null(reply_word(reply, "content"));
    json_decref(reply);
    courier.answer = STATUS_OK;
    assert_int_equal(push(world, 0, 1, "/vz", passage, answer, &code),
                     OUTCOME_KEPT);
}

static void what_cannot_be_decoded_is_put_aside_and_done_with(void **state)
{
    struct world *world = *state;
    char answer[512];
    char outbox[128];
    unsigned code;
    json_t *reply;

    assert_int_equal(
        push(world, 0, 1, "/vz", "{\"AlarmInfoPlate\":{", answer, &code),
        OUTCOME_BAD);
    assert_int_equal(code, 200);
    reply = reply_of(answer);
    assert_string_equal(reply_word(reply, "content"), "retransfer_stop");
    json_decref(reply);
    snprintf(outbox, sizeof outbox, "%s/outbox", world->loaded.folder);
    assert_int_equal(file_count(outbox, "bad"), 1);
    assert_int_equal(roster_tally(world->roster, TALLY_BAD), 1);
    assert_int_equal(courier.put_count, 0);
}

/* ---- times that cannot be ----------------------------------------------- */

static void time_of_1970_becomes_that_of_receipt_once(void **state)
{
    static const char clockless[] =
        VZ_HEAD "\"plateid\":3,\"isoffline\":0," VZ_AT("86400");
    struct world *world = *state;
    char answer[512];
    unsigned code;

    push(world, 0, 1, "/vz", clockless, answer, &code);
    assert_int_equal(courier.puts[0].at_ms, NOON_MS);
    world_now_ms += 7000;
    push(world, 0, 1, "/vz", clockless, answer, &code);
    assert_int_equal(courier.put_count, 1);
    assert_int_equal(courier.repeats, 1);
    /* Also behind a restart. */
    intake_close(world->intake);
    intake_begin(world);
    world_now_ms += 7000;
    push(world, 0, 1, "/vz", clockless, answer, &code);
    assert_int_equal(courier.put_count, 1);
    assert_int_equal(courier.repeats, 2);
    /* And when this machine's clock is set back. */
    world_now_ms -= MINUTE_MS;
    push(world, 0, 1, "/vz", clockless, answer, &code);
    assert_int_equal(courier.put_count, 1);
    assert_int_equal(courier.repeats, 3);
}

static void nameless_message_is_another_vehicle_after_two_minutes(void **state)
{
    static const char nameless[] =
        "{\"AlarmInfoPlate\":{\"serialno\":\"fe71\",\"result\":{"
        "\"PlateResult\":{\"license\":\"AB1\"}}}}";
    struct world *world = *state;
    char answer[512];
    unsigned code;

    push(world, 0, 1, "/vz", nameless, answer, &code);
    world_now_ms += 2 * MINUTE_MS;
    push(world, 0, 1, "/vz", nameless, answer, &code);
    assert_int_equal(courier.put_count, 1);
    world_now_ms += 2 * MINUTE_MS + 1;
    push(world, 0, 1, "/vz", nameless, answer, &code);
    assert_int_equal(courier.put_count, 2);
}

/* ---- Hikvision ---------------------------------------------------------- */

#define ISAPI(mac, more)                                                       \
    "<EventNotificationAlert><macAddress>" mac "</macAddress>"                 \
    "<dateTime>2026-11-20T11:59:59+08:00</dateTime>"                           \
    "<eventType>ANPR</eventType><ANPR><licensePlate>KH35192</licensePlate>"    \
    "<direction>forward</direction></ANPR><UUID>u-1</UUID>" more               \
    "</EventNotificationAlert>"

static void identity_tells_cameras_of_one_address_apart(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;

    assert_int_equal(
        push(world, 1, 2, "/", ISAPI("44:a6:42:f3:2a:d7", ""), answer, &code),
        OUTCOME_KEPT);
    assert_int_equal(code, 200);
    assert_string_equal(answer, "");
    assert_string_equal(courier.puts[0].device, "west");
    assert_int_equal(courier.puts[0].at_ms, INT64_C(1795147199000));
}

static void unknown_identity_is_403(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;

    assert_int_equal(
        push(world, 1, 2, "/", ISAPI("00:00:00:00:00:01", ""), answer, &code),
        OUTCOME_STRANGER);
    assert_int_equal(code, 403);
    assert_int_equal(courier.put_count, 0);
    assert_int_equal(roster_tally(world->roster, TALLY_REFUSED), 1);
}

#define PART(xml) "--b\r\nContent-Type: text/xml\r\n\r\n" xml "\r\n"

/* Of three events the first cannot be decoded and the second is of nobody. */
static void one_bad_event_keeps_no_other_out(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;

    assert_int_equal(push(world, 1, 2, "/",
                          PART("<EventNotificationAlert/>")
                              PART(ISAPI("00:00:00:00:00:01", "")) PART(
                                  ISAPI("44:a6:42:f3:2a:d7", "")) "--b--\r\n",
                          answer, &code),
                     OUTCOME_KEPT);
    assert_int_equal(code, 200);
    assert_int_equal(courier.put_count, 1);
    assert_string_equal(courier.puts[0].device, "west");
    assert_int_equal(roster_tally(world->roster, TALLY_BAD), 1);
    assert_int_equal(roster_tally(world->roster, TALLY_REFUSED), 1);
}

static void twenty_events_of_one_message_are_twenty(void **state)
{
    struct world *world = *state;
    struct bytes body = BYTES_EMPTY;
    char answer[512];
    unsigned code;

    for (int i = 0; i < 20; i++)
        assert_int_equal(
            bytes_print(&body,
                        PART("<EventNotificationAlert><macAddress>44:a6:42:f3:"
                             "2a:d7</macAddress><eventType>ANPR</eventType>"
                             "<ANPR/><UUID>u-%d</UUID>"
                             "</EventNotificationAlert>"),
                        i),
            STATUS_OK);
    assert_int_equal(push(world, 1, 2, "/", bytes_text(&body), answer, &code),
                     OUTCOME_KEPT);
    assert_int_equal(roster_tally(world->roster, TALLY_EVENTS), 20);
    bytes_free(&body);
}

/* ---- Dahua -------------------------------------------------------------- */

static const char bare[] =
    "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"ITS123\"},\"SnapInfo\":{"
    "\"DeviceID\":\"d1\",\"AccurateTime\":\"2026-11-20 11:59:59.123\"}}}";
static const char with_picture[] =
    "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"ITS123\"},\"SnapInfo\":{"
    "\"DeviceID\":\"d1\",\"AccurateTime\":\"2026-11-20 11:59:59.123\"},"
    "\"NormalPic\":{\"Content\":\"/9j/2Q==\"}}}";

static void late_pictures_are_an_edition_of_the_passage(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;

    push(world, 3, 1, "/NotificationInfo/TollgateInfo", bare, answer, &code);
    push(world, 3, 1, "/NotificationInfo/TollgateInfo", with_picture, answer,
         &code);
    assert_int_equal(courier.put_count, 2);
    assert_string_equal(courier.puts[0].id, courier.puts[1].id);
    assert_int_equal(courier.puts[0].at_ms, courier.puts[1].at_ms);
    assert_null(put_member(0, "pictures"));
    assert_int_equal(json_array_size(put_member(1, "pictures")), 1);
    assert_int_equal(roster_tally(world->roster, TALLY_EDITIONS), 1);
}

static void two_plates_of_one_whole_second_are_two_vehicles(void **state)
{
    static const char *const plates[] = {"ITS123", "ITS124"};
    struct world *world = *state;
    char answer[512];
    unsigned code;

    for (size_t i = 0; i < 2; i++) {
        char text[256];

        snprintf(text, sizeof text,
                 "{\"Picture\":{\"Plate\":{\"PlateNumber\":\"%s\"},"
                 "\"SnapInfo\":{\"DeviceID\":\"d1\","
                 "\"AccurateTime\":\"2026-11-20 11:59:59.000\"}}}",
                 plates[i]);
        push(world, 3, 1, "/NotificationInfo/TollgateInfo", text, answer,
             &code);
    }
    assert_int_equal(courier.put_count, 2);
    assert_string_not_equal(courier.puts[0].id, courier.puts[1].id);
}

static void dahua_hears_the_answer_of_the_settings(void **state)
{
    struct world *world = *state;
    char answer[512];
    unsigned code;

    push(world, 3, 1, "/NotificationInfo/TollgateInfo", bare, answer, &code);
    assert_int_equal(code, 200);
    assert_string_equal(answer, "OK");
    push(world, 3, 1, "/NotificationInfo/TollgateInfo", "{]", answer, &code);
    assert_int_equal(code, 200);
    assert_string_equal(answer, "OK");
}
