#include "ingest_world.h"

static int setup(void **state)
{
    *state = world_make();
    return 0;
}

static int teardown(void **state)
{
    world_drop(*state);
    return 0;
}

/* ---- two cameras and a scale --------------------------------------------- */

static void two_cameras_and_a_weight_make_one_passage(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    assert_int_equal(world->result.fate, FATE_JOINING);
    assert_true(world->result.stored);
    wait_s(world, 2);
    capture(world, "cam2", "b1", PLATE, "body", "");
    wait_s(world, 3);
    assert_int_equal(find(world, "yn", NULL).count, 0);
    assert_books(world, 0, 2, 0, 0, 0);
    weigh(world, "w1", "g1", 47800, "");
    assert_int_equal(world->result.deliveries, 5);

    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_string_equal(found.all[0].subject, PLATE);
    assert_fact(world, found.all[0].id, "licensePlate", PLATE);
    assert_fact(world, found.all[0].id, "plateColor", "1");
    assert_fact(world, found.all[0].id, "vehicleId", "VCL1");
    assert_fact(world, found.all[0].id, "vin", "LBEXDAEB0XZ123456");
    assert_fact(world, found.all[0].id, "accessType", "0");
    assert_fact(world, found.all[0].id, "accessTime", "2026-11-20 12:00:00");
    assert_fact(world, found.all[0].id, "gateId", "A01");
    assert_fact(world, found.all[0].id, "cargoWeight", "32.6");
    assert_books(world, 3, 0, 0, 0, 0);
}

static void a_colour_that_was_recognised_counts_more(void **state)
{
    struct world *world = *state;
    struct found found;

    arrive_text(world, SITE "camera/cam2/capture",
                "{\"event_id\":\"b1\",\"time\":\"2026-11-20T12:00:00+08:00\","
                "\"color\":\"other\",\"pictures\":[{\"kind\":\"body\","
                "\"jpeg\":\"" JPEG "\"}]}");
    capture(world, "cam1", "h1", PLATE, "head", "");
    wait_s(world, 60);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_fact(world, found.all[0].id, "plateColor", "1");
}

static void henans_photos_follow_their_driving_record(void **state)
{
    struct world *world = *state;
    struct found driving, photos, goods;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    driving = find(world, "hn", "shareDrivingRecord");
    photos = find(world, "hn", "sharePhotoInfo");
    goods = find(world, "hn", "shareGoodsRecord");
    assert_int_equal(driving.count, 1);
    assert_int_equal(photos.count, 2);
    assert_int_equal(goods.count, 1);
    /* 6.4: company, gate 01, A in, yyMMddHHmmss */
    assert_string_equal(driving.all[0].number, "411002000101A261120120000");
    assert_int_equal(driving.all[0].state, STATE_WAITING);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(photos.all[i].follows, driving.all[0].id);
        assert_int_equal(photos.all[i].lane, LANE_BLOCKED);
        assert_fact(world, photos.all[i].id, "lsh",
                    "411002000101A261120120000");
    }
    assert_fact(world, goods.all[0].id, "ysl", "32.6");
}

static void two_vehicles_in_one_second_get_two_numbers(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    know_vehicle(world, OTHER_PLATE ",,VCL2,LBEXDAEB0XZ123457,15");
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam1", "h2", OTHER_PLATE, "head", "");
    world_restart(world);
    wait_s(world, 61);
    found = find(world, "hn", "shareDrivingRecord");
    assert_int_equal(found.count, 2);
    assert_string_equal(found.all[0].number, "411002000101A261120120000");
    assert_string_equal(found.all[1].number, "411002000101A261120120001");
}

static void a_number_that_was_undone_is_given_again(void **state)
{
    struct world *world = *state;
    struct message message;
    struct found found;
    const char *topic = SITE "camera/cam4/capture";
    const char *payload =
        "{\"event_id\":\"x\",\"time\":\"2026-11-20T12:00:00+08:00\",\"plate\":"
        "\"" PLATE "\",\"color\":\"yellow\",\"direction\":\"in\",\"pictures\":"
        "[{\"kind\":\"head\",\"jpeg\":\"" JPEG "\"},{\"kind\":\"body\","
        "\"jpeg\":\"" JPEG "\"}]}";

    know_vehicle(world, KNOWN);
    for (int i = 0; i < 2; i++) {
        assert_ok(message_read(&world->config, topic, span_text(payload),
                               world->now_ms, &message));
        world_begin(world);
        assert_ok(ingest_store(world->ingest, world->store->queue, &message,
                               world->now_ms, &world->result));
        assert_int_equal(world->result.deliveries, 1);
        if (i == 0)
            queue_abort(world->store->queue);
        else
            world_commit(world);
        message_free(&message);
    }
    found = find(world, "yn", NULL);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.all[0].number,
                        "202611201200000000" YUNNAN_ID "000001");
    assert_books(world, 1, 0, 0, 0, 0);
}

static void a_weight_before_its_vehicle_waits_for_it(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    weigh(world, "w1", "g1", 20000, "");
    assert_int_equal(world->result.fate, FATE_JOINING);
    wait_s(world, 20);
    capture(world, "cam2", "b1", "", "body", "");
    capture(world, "cam1", "h1", PLATE, "head", "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "cargoWeight", "4.8");
    assert_books(world, 3, 0, 0, 0, 0);
}

static void a_weight_without_a_vehicle_is_kept_and_shown(void **state)
{
    struct world *world = *state;

    weigh(world, "w1", "g1", 20000, "");
    wait_s(world, 59);
    assert_books(world, 0, 1, 0, 0, 0);
    wait_s(world, 1);
    assert_books(world, 0, 0, 1, 0, 0);
    assert_int_equal(find(world, NULL, NULL).count, 0);
}

static void a_truck_that_rocks_does_not_weigh_the_next_one(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    know_vehicle(world, OTHER_PLATE ",,VCL2,LBEXDAEB0XZ123457,15");
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    wait_s(world, 5);
    weigh(world, "w1", "g2", 47820, "");
    assert_books(world, 3, 0, 1, 0, 0);
    wait_s(world, 20);
    capture(world, "cam1", "h2", OTHER_PLATE, "head", "");
    capture(world, "cam2", "b2", OTHER_PLATE, "body", "");
    weigh(world, "w1", "g3", 16000, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 2);
    assert_fact(world, found.all[1].id, "cargoWeight", "1");
}

/* ---- deadlines ----------------------------------------------------------- */

static void what_is_absent_at_the_deadline_holds_the_record(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    wait_s(world, 59);
    assert_int_equal(find(world, "yn", NULL).count, 0);
    wait_s(world, 1);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_HELD);
    assert_non_null(strstr(found.all[0].reason, "carImg"));
    assert_non_null(strstr(found.all[0].reason, "cargoWeight"));
    assert_non_null(strstr(found.all[0].reason, "no weight came from w1"));
    assert_books(world, 1, 0, 0, 0, 0);
}

static void joining_goes_on_after_a_restart(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    world_restart(world);
    capture(world, "cam2", "b1", PLATE, "body", "");
    world_restart(world);
    weigh(world, "w1", "g1", 47800, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_books(world, 3, 0, 0, 0, 0);
}

static void a_clock_set_back_holds_no_passage_for_ever(void **state)
{
    struct world *world = *state;

    capture(world, "cam1", "h1", PLATE, "head", "");
    world->now_ms -= 400 * DAY_MS;
    tick(world);
    assert_int_equal(find(world, "yn", NULL).count, 1);
}

static void a_second_vehicle_closes_the_first_passage(void **state)
{
    struct world *world = *state;
    struct found found;

    capture(world, "cam1", "h1", PLATE, "head", "");
    wait_s(world, 3);
    capture(world, "cam1", "h2", OTHER_PLATE, "head", "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_string_equal(found.all[0].subject, PLATE);
    assert_int_equal(found.all[0].state, STATE_HELD);
    assert_books(world, 1, 1, 0, 0, 0);
    wait_s(world, 61);
    assert_int_equal(find(world, "yn", "vehicleAccess").count, 2);
    assert_books(world, 2, 0, 0, 0, 0);
}

static void the_same_vehicle_triggered_twice_is_one_passage(void **state)
{
    struct world *world = *state;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam1", "h2", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    wait_s(world, 4);
    capture(world, "cam1", "h3", PLATE, "head", "");
    wait_s(world, 100);
    assert_int_equal(find(world, "yn", "vehicleAccess").count, 1);
    assert_books(world, 5, 0, 0, 0, 0);
}

static void a_vehicle_without_a_plate_is_held(void **state)
{
    struct world *world = *state;
    struct found found;

    capture(world, "cam1", "h1", "", "head", "");
    capture(world, "cam2", "b1", "", "body", "");
    weigh(world, "w1", "g1", 47800, "");
    wait_s(world, 61);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_HELD);
    assert_non_null(strstr(found.all[0].reason, "licensePlate"));
    assert_books(world, 3, 0, 0, 0, 0);
}

static void in_and_out_by_one_camera_are_two_passages(void **state)
{
    struct world *world = *state;
    struct found found;
    const char *in = ",\"direction\":\"in\"";
    const char *out = ",\"direction\":\"out\"";

    know_vehicle(world, KNOWN);
    capture(world, "cam4", "1", PLATE, "scene", in);
    capture(world, "cam4", "2", PLATE, "scene", in);
    wait_s(world, 20);
    capture(world, "cam4", "3", PLATE, "scene", out);
    capture(world, "cam4", "4", PLATE, "scene", out);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 2);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "accessType", "0");
    assert_fact(world, found.all[1].id, "accessType", "1");
    assert_fact(world, found.all[1].id, "cargoWeight", "0");
    assert_books(world, 4, 0, 0, 0, 0);
}

static void a_camera_of_no_lane_is_unrouted(void **state)
{
    struct world *world = *state;

    capture(world, "cam8", "1", PLATE, "head", "");
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    assert_true(world->result.stored);
    weigh(world, "w9", "2", 1000, "");
    assert_books(world, 0, 0, 2, 0, 0);
}

static void a_camera_whose_clock_was_never_set_is_given_ours(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    arrive_text(world, SITE "camera/cam4/capture",
                "{\"event_id\":\"1\",\"time\":\"1970-01-02T00:00:00+08:00\","
                "\"plate\":\"" PLATE "\",\"color\":\"yellow\",\"direction\":"
                "\"in\",\"pictures\":[{\"kind\":\"head\",\"jpeg\":\"" JPEG
                "\"},{\"kind\":\"body\",\"jpeg\":\"" JPEG "\"}]}");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_fact(world, found.all[0].id, "accessTime", "2026-11-20 12:00:00");
}

/* ---- the ledger's part --------------------------------------------------- */

static void a_vehicle_that_is_not_in_the_ledger_is_held(void **state)
{
    struct world *world = *state;
    struct found found;

    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);
    assert_non_null(strstr(found.all[0].reason, "vin"));
    assert_non_null(strstr(found.all[0].reason, "the ledger has no tare"));
}

static void a_gross_below_the_tare_is_no_weight(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 14900, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);
    assert_non_null(strstr(found.all[0].reason,
                           "14.900 t is below the ledger's tare 15.200 t"));
    wait_s(world, 100);
    capture(world, "cam1", "h2", PLATE, "head", "");
    capture(world, "cam2", "b2", PLATE, "body", "");
    weigh(world, "w1", "g2", 15100, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[1].state, STATE_WAITING);
    assert_fact(world, found.all[1].id, "cargoWeight", "0");
}

static void plates_are_found_however_they_are_written(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, "\xe4\xba\x91 a\xc2\xb7"
                        "12345,yellow,VCL1,LBEXDAEB0XZ123456,15.2");
    capture(world, "cam1", "h1",
            "\xe4\xba\x91"
            "A-12345",
            "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "licensePlate", PLATE);
}

/* ---- the yard ------------------------------------------------------------ */

static void a_yard_scale_joins_by_plate(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    weigh(world, "yard", "g1", 40200, ",\"plate\":\"" PLATE "\"");
    weigh(world, "yard", "g2", 50000, ",\"plate\":\"" OTHER_PLATE "\"");
    wait_s(world, 1200);
    capture(world, "cam3", "1", PLATE, "scene", "");
    capture(world, "cam3", "2", PLATE, "scene", "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "cargoWeight", "25");
    assert_books(world, 3, 1, 0, 0, 0);
    wait_s(world, 2400);
    assert_books(world, 3, 0, 1, 0, 0);
}

static void a_yard_weight_that_comes_late_completes_what_is_held(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    capture(world, "cam3", "1", PLATE, "head", "");
    capture(world, "cam3", "2", PLATE, "body", "");
    wait_s(world, 60);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);
    /* the scale was offline: its message says when it weighed */
    world->now_ms -= 30 * SECOND_MS;
    weigh(world, "yard", "g1", 40200, ",\"plate\":\"" PLATE "\"");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "cargoWeight", "25");
    assert_books(world, 3, 0, 0, 0, 0);
}

/* ---- difference ---------------------------------------------------------- */

static void drive(struct world *world, const char *camera, const char *id,
                  double gross_kg)
{
    char name[32];

    snprintf(name, sizeof(name), "%s-h", id);
    capture(world, camera, name, PLATE, "head", "");
    snprintf(name, sizeof(name), "%s-b", id);
    capture(world, camera, name, PLATE, "body", "");
    snprintf(name, sizeof(name), "%s-w", id);
    weigh(world, "w5", name, gross_kg, "");
}

static void an_entry_waits_for_its_exits_weight(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, PLATE ",yellow,VCL1,LBEXDAEB0XZ123456,");
    drive(world, "cam5", "e", 48000);
    assert_int_equal(find(world, "yn", NULL).count, 0);
    wait_s(world, 1800);
    world_restart(world);
    assert_books(world, 0, 3, 0, 0, 0);
    drive(world, "cam6", "x", 15500);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 2);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "accessType", "0");
    assert_fact(world, found.all[0].id, "accessTime", "2026-11-20 12:00:00");
    assert_fact(world, found.all[0].id, "cargoWeight", "32.5");
    /* it left empty: nothing was carried out */
    assert_fact(world, found.all[1].id, "accessType", "1");
    assert_fact(world, found.all[1].id, "cargoWeight", "0");
    assert_books(world, 6, 0, 0, 0, 0);
}

static void an_entry_without_an_exit_goes_out_at_its_deadline(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, PLATE ",yellow,VCL1,LBEXDAEB0XZ123456,");
    drive(world, "cam5", "e", 48000);
    world->now_ms += 7200 * SECOND_MS - 1;
    tick(world);
    assert_int_equal(find(world, "yn", NULL).count, 0);
    world->now_ms += 1;
    tick(world);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_HELD);
    assert_non_null(strstr(found.all[0].reason, "there is no second weight"));
    assert_books(world, 3, 0, 0, 0, 0);
}

static void a_tare_stands_in_for_the_second_weight(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    drive(world, "cam5", "e", 48000);
    wait_s(world, 100);
    drive(world, "cam5", "f", 48200); /* its exit was never seen */
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_fact(world, found.all[0].id, "cargoWeight", "32.8");
    assert_books(world, 3, 3, 0, 0, 0);
}

/* ---- late pictures ------------------------------------------------------- */

static void a_late_camera_completes_a_held_passage(void **state)
{
    struct world *world = *state;
    struct found found, photos;

    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    weigh(world, "w1", "g1", 47800, "");
    wait_s(world, 60);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);
    photos = find(world, "hn", "sharePhotoInfo");
    assert_int_equal(photos.count, 2);
    assert_int_equal(photos.all[1].state, STATE_HELD);
    world_restart(world);
    world->now_ms += HOUR_MS;
    /* cam2 was offline; its capture says when it was taken */
    arrive_text(world, SITE "camera/cam2/capture",
                "{\"event_id\":\"b1\",\"time\":\"2026-11-20T12:00:02+08:00\","
                "\"plate\":\"" PLATE "\",\"pictures\":[{\"kind\":\"body\","
                "\"jpeg\":\"" JPEG "\"}]}");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    photos = find(world, "hn", "sharePhotoInfo");
    assert_int_equal(photos.count, 2);
    assert_int_equal(photos.all[0].state, STATE_WAITING);
    assert_int_equal(photos.all[1].state, STATE_WAITING);
    assert_books(world, 3, 0, 0, 0, 0);
}

/* Dahua: the passage first, and again with pictures. */
static void a_later_edition_completes_a_held_passage(void **state)
{
    struct world *world = *state;
    struct found found;
    char number[128];

    know_vehicle(world, KNOWN);
    arrive_text(world, SITE "camera/cam4/capture",
                "{\"event_id\":\"d1\",\"time\":\"2026-11-20T12:00:02+08:00\","
                "\"plate\":\"" PLATE "\",\"color\":\"yellow\",\"direction\":"
                "\"in\"}");
    wait_s(world, 60);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);
    strcpy(number, found.all[0].number);
    arrive_text(world, SITE "camera/cam4/capture",
                "{\"event_id\":\"d1\",\"time\":\"2026-11-20T12:00:02+08:00\","
                "\"plate\":\"" PLATE "\",\"color\":\"yellow\",\"direction\":"
                "\"in\",\"revision\":1,\"pictures\":[{\"kind\":\"scene\","
                "\"jpeg\":\"" JPEG "\"},{\"kind\":\"scene\",\"jpeg\":\"" JPEG
                "\"}]}");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_string_equal(found.all[0].number, number);
    assert_fact(world, found.all[0].id, "recordId", number);
    assert_books(world, 2, 0, 0, 0, 0);
}

static void a_later_edition_joins_an_open_passage(void **state)
{
    struct world *world = *state;
    struct found found;

    know_vehicle(world, KNOWN);
    arrive_text(world, SITE "camera/cam4/capture",
                "{\"event_id\":\"d1\",\"time\":\"2026-11-20T12:00:02+08:00\","
                "\"color\":\"yellow\",\"direction\":\"in\"}");
    arrive_text(world, SITE "camera/cam4/capture",
                "{\"event_id\":\"d1\",\"time\":\"2026-11-20T12:00:02+08:00\","
                "\"plate\":\"" PLATE "\",\"color\":\"yellow\",\"direction\":"
                "\"in\",\"pictures\":[{\"kind\":\"scene\",\"jpeg\":\"" JPEG
                "\"},{\"kind\":\"scene\",\"jpeg\":\"" JPEG "\"}]}");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_books(world, 2, 0, 0, 0, 0);
}

static void a_later_edition_of_what_went_out_is_kept_and_shown(void **state)
{
    struct world *world = *state;
    const char *more = ",\"direction\":\"in\"";

    know_vehicle(world, KNOWN);
    capture(world, "cam4", "1", PLATE, "head", more);
    capture(world, "cam4", "2", PLATE, "body", more);
    capture(world, "cam4", "2", PLATE, "body",
            ",\"direction\":\"in\",\"revision\":2");
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    assert_true(world->result.stored);
    assert_int_equal(find(world, "yn", NULL).count, 1);
    assert_books(world, 2, 0, 1, 0, 0);
}

/* ---- operators ----------------------------------------------------------- */

static void an_operator_completes_what_is_held(void **state)
{
    struct world *world = *state;
    struct bytes words = BYTES_EMPTY;
    struct found found;
    json_t *fields = json_pack("{ss}", "vin", "LBEXDAEB0XZ123456");
    enum status status;

    know_vehicle(world, PLATE ",yellow,,,15.2");
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);

    world_begin(world);
    status =
        ingest_complete(world->ingest, world->store->queue, found.all[0].id,
                        fields, "li", world->now_ms, &words);
    world_commit(world);
    assert_int_equal(status, STATUS_MISSING);
    assert_non_null(strstr(bytes_text(&words), "vehicleId"));
    assert_null(strstr(bytes_text(&words), "vin"));

    json_object_set_new(fields, "vehicleId", json_string("VCL1"));
    world_begin(world);
    bytes_clear(&words);
    assert_ok(ingest_complete(world->ingest, world->store->queue,
                              found.all[0].id, fields, "li", world->now_ms,
                              &words));
    world_commit(world);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "recordId", found.all[0].number);

    world_begin(world);
    assert_int_equal(ingest_complete(world->ingest, world->store->queue,
                                     found.all[0].id, fields, "li",
                                     world->now_ms, &words),
                     STATUS_DENIED);
    assert_int_equal(ingest_complete(world->ingest, world->store->queue, 99999,
                                     fields, "li", world->now_ms, &words),
                     STATUS_NOT_FOUND);
    world_commit(world);
    bytes_free(&words);
    json_decref(fields);
}

/* Who brought the last outcome about. */
static void last_actor(void *arg, const struct queue_outcome *outcome)
{
    snprintf(arg, 64, "%d %s", (int)outcome->cause, outcome->actor);
}

static void a_ledger_that_comes_late_completes_by_asking(void **state)
{
    struct world *world = *state;
    struct bytes words = BYTES_EMPTY;
    json_t *nothing = json_object();
    struct found found, goods;
    char actor[64] = "";

    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.all[0].state, STATE_HELD);
    world_begin(world);
    assert_int_equal(ingest_complete(world->ingest, world->store->queue,
                                     found.all[0].id, nothing, "li",
                                     world->now_ms, &words),
                     STATUS_MISSING);
    world_commit(world);
    know_vehicle(world, KNOWN);
    world->now_ms += 3 * DAY_MS;
    world_begin(world);
    assert_ok(ingest_complete(world->ingest, world->store->queue,
                              found.all[0].id, nothing, "li", world->now_ms,
                              &words));
    world_commit(world);
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "cargoWeight", "32.6");
    assert_ok(
        queue_history(world->store->queue, found.all[0].id, last_actor, actor));
    assert_int_equal(atoi(actor), CAUSE_OPERATOR);
    assert_string_equal(strchr(actor, ' '), " li");
    goods = find(world, "hn", "shareGoodsRecord");
    assert_int_equal(goods.count, 1);
    assert_int_equal(goods.all[0].state, STATE_WAITING);
    assert_int_equal(find(world, NULL, NULL).count, 5);
    bytes_free(&words);
    json_decref(nothing);
}

static void a_record_that_joins_late_is_made_once(void **state)
{
    struct world *world = *state;

    /* no weight: Henan gets no goods record until it comes */
    know_vehicle(world, KNOWN);
    capture(world, "cam1", "h1", PLATE, "head", "");
    wait_s(world, 60);
    weigh(world, "w1", "g1", 47800, ",\"plate\":\"" PLATE "\"");
    assert_int_equal(find(world, "hn", "shareGoodsRecord").count, 1);
    world->now_ms -= 10 * SECOND_MS;
    capture(world, "cam2", "b1", PLATE, "body", "");
    assert_int_equal(find(world, "hn", "shareDrivingRecord").count, 1);
    assert_int_equal(find(world, "hn", "sharePhotoInfo").count, 2);
    assert_int_equal(find(world, "hn", "shareGoodsRecord").count, 1);
    assert_int_equal(find(world, "yn", NULL).count, 1);
    assert_int_equal(find(world, "yn", NULL).all[0].state, STATE_WAITING);
    assert_books(world, 3, 0, 0, 0, 0);
}

static void our_own_clock_unset_leaves_the_devices_time(void **state)
{
    struct world *world = *state;
    struct found found;

    world->now_ms = 5 * DAY_MS;
    arrive_text(world, SITE "camera/cam4/capture",
                "{\"event_id\":\"1\",\"time\":\"2026-11-20T12:00:00+08:00\","
                "\"plate\":\"" PLATE "\",\"color\":\"yellow\",\"direction\":"
                "\"in\",\"pictures\":[{\"kind\":\"head\",\"jpeg\":\"" JPEG
                "\"},{\"kind\":\"body\",\"jpeg\":\"" JPEG "\"}]}");
    found = find(world, "yn", "vehicleAccess");
    assert_int_equal(found.count, 1);
    assert_fact(world, found.all[0].id, "accessTime", "2026-11-20 12:00:00");
}

static void an_impossible_fact_does_not_get_in(void **state)
{
    struct world *world = *state;
    struct bytes words = BYTES_EMPTY;
    json_t *fields = json_pack("{ss}", "plateColor", "77");
    struct found found;

    capture(world, "cam1", "h1", PLATE, "head", "");
    wait_s(world, 60);
    found = find(world, "yn", "vehicleAccess");
    world_begin(world);
    assert_int_equal(ingest_complete(world->ingest, world->store->queue,
                                     found.all[0].id, fields, "li",
                                     world->now_ms, &words),
                     STATUS_INVALID);
    world_commit(world);
    assert_non_null(strstr(bytes_text(&words), "plateColor"));
    assert_fact(world, found.all[0].id, "plateColor", "1");
    bytes_free(&words);
    json_decref(fields);
}
