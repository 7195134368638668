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

#define AT "\"time\":\"2026-11-20T12:00:00+08:00\""
#define BIG_JPEG_GROUPS 1000

/* ---- repeats and revisions ----------------------------------------------- */

static void the_same_bytes_again_are_a_repeat(void **state)
{
    struct world *world = *state;

    capture(world, "cam1", "e1", PLATE, "head", "");
    for (int i = 0; i < 3; i++) {
        capture(world, "cam1", "e1", PLATE, "head", "");
        assert_int_equal(world->result.fate, FATE_REPEAT);
        assert_true(world->result.stored);
    }
    world_restart(world);
    capture(world, "cam1", "e1", PLATE, "head", "");
    assert_int_equal(world->result.fate, FATE_REPEAT);
    assert_books(world, 0, 1, 0, 0, 4);
}

static void an_older_edition_is_a_repeat(void **state)
{
    struct world *world = *state;

    capture(world, "cam1", "e1", PLATE, "head", ",\"revision\":2");
    capture(world, "cam1", "e1", PLATE, "head", ",\"revision\":1");
    assert_int_equal(world->result.fate, FATE_REPEAT);
    assert_books(world, 0, 1, 0, 0, 1);
}

static void the_same_id_of_another_device_is_another_event(void **state)
{
    struct world *world = *state;

    capture(world, "cam8", "e1", PLATE, "head", "");
    capture(world, "cam7", "e1", PLATE, "head", "");
    assert_books(world, 0, 0, 2, 0, 0);
}

static void an_invalid_message_is_kept_with_its_reason(void **state)
{
    struct world *world = *state;
    struct bytes buffer = BYTES_EMPTY;
    struct queue_event event;
    struct queue_space space;

    capture(world, "cam1", "e1", PLATE, "tail", "");
    assert_int_equal(world->result.fate, FATE_INVALID);
    assert_false(world->result.stored);
    assert_non_null(strstr(world->result.reason, "pictures[0].kind"));
    assert_ok(queue_space_read(world->store->queue, &space));
    assert_ok(queue_event_read(world->store->queue, space.newest_seq, &event,
                               &buffer));
    assert_string_equal(event.reason, world->result.reason);
    assert_string_equal(event.event_id, "e1");
    bytes_free(&buffer);
    assert_books(world, 0, 0, 0, 1, 0);
}

static void a_refused_message_is_answered_again(void **state)
{
    struct world *world = *state;

    capture(world, "cam1", "e1", PLATE, "tail", "");
    capture(world, "cam1", "e1", PLATE, "tail", "");
    assert_int_equal(world->result.fate, FATE_REPEAT);
    assert_false(world->result.stored);
    assert_non_null(strstr(world->result.reason, "pictures[0].kind"));
    assert_books(world, 0, 0, 0, 1, 1);
}

static void a_refused_message_may_come_again_put_right(void **state)
{
    struct world *world = *state;

    capture(world, "cam1", "e1", PLATE, "tail", "");
    capture(world, "cam1", "e1", PLATE, "head", "");
    assert_int_equal(world->result.fate, FATE_JOINING);
    assert_books(world, 0, 1, 0, 1, 0);
}

static void a_strangers_topic_is_an_invalid_event(void **state)
{
    struct world *world = *state;
    char topic[2000] = SITE;

    arrive_text(world, "sampan/v1/other/camera/c/capture", "{}");
    assert_int_equal(world->result.fate, FATE_INVALID);
    memset(topic + strlen(topic), 'x', sizeof(topic) - strlen(topic) - 1);
    topic[sizeof(topic) - 1] = 0;
    arrive_text(world, topic, "");
    assert_int_equal(world->result.fate, FATE_INVALID);
    assert_books(world, 0, 0, 0, 2, 0);
}

static void a_status_is_no_event(void **state)
{
    struct world *world = *state;

    arrive_text(world, SITE "camera/cam1/status", "{\"online\":true}");
    assert_true(world->result.stored);
    assert_books(world, 0, 0, 0, 0, 0);
}

/* ---- records ------------------------------------------------------------- */

#define RECORD_HEAD "{\"event_id\":\"r1\"," AT ",\"record\":"

static void a_ready_record_is_delivered(void **state)
{
    struct world *world = *state;
    struct found found;

    arrive_text(world, SITE "up/hn/shareDrivingRecord",
                RECORD_HEAD
                "{\"dzbh\":\"01\",\"cphm\":\"" PLATE "\",\"cpys\":\"1\","
                "\"tgsjq\":\"2026-11-20 12:00:00\",\"tgsjz\":"
                "\"2026-11-20 12:00:05\",\"tgzt\":\"1\",\"bgzt\":\"1\"}}");
    assert_int_equal(world->result.fate, FATE_USED);
    assert_int_equal(world->result.deliveries, 1);
    found = find(world, "hn", "shareDrivingRecord");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_string_equal(found.all[0].number, "411002000101A261120120000");
    assert_books(world, 1, 0, 0, 0, 0);
}

static void large_strings_of_a_record_become_references(void **state)
{
    struct world *world = *state;
    struct bytes payload = BYTES_EMPTY;
    struct found found;
    json_t *facts;
    const json_t *image;
    const char *pointer;
    uint64_t events[256];
    struct bytes unused = BYTES_EMPTY;
    size_t count = 256;

    assert_ok(bytes_append_text(
        &payload, RECORD_HEAD
        "{\"lsh\":\"411002000101A261120120000\",\"dzbh\":\"01\",\"cphm\":"
        "\"" PLATE "\",\"cpys\":\"1\",\"zpbh\":\"1\",\"zplx\":\"1\",\"pzsj\":"
        "\"2026-11-20 12:00:00\",\"base64Image\":\"/9j/"));
    for (int i = 0; i < BIG_JPEG_GROUPS; i++)
        assert_ok(bytes_append_text(&payload, "AAAA"));
    assert_ok(bytes_append_text(&payload, "\"}}"));
    arrive(world, SITE "up/hn/sharePhotoInfo", bytes_view(&payload));
    assert_int_equal(world->result.fate, FATE_USED);
    found = find(world, "hn", "sharePhotoInfo");
    assert_int_equal(found.count, 1);
    assert_string_equal(found.all[0].reason, "");
    assert_int_equal(found.all[0].state, STATE_WAITING);
    facts = facts_of(world, found.all[0].id);
    image = json_object_get(facts, "base64Image");
    pointer = json_string_value(json_object_get(image, "pointer"));
    assert_string_equal(pointer, "/record/base64Image");
    assert_ok(queue_facts_read(world->store->queue, found.all[0].id, &unused,
                               events, &count));
    assert_int_equal(count, 1);
    assert_int_equal(json_integer_value(json_object_get(image, "$event")),
                     events[0]);
    json_decref(facts);
    bytes_free(&unused);
    bytes_free(&payload);
}

static void a_record_for_no_interface_says_which_there_are(void **state)
{
    struct world *world = *state;

    arrive_text(world, SITE "up/hn/nothing", RECORD_HEAD "{}}");
    assert_int_equal(world->result.fate, FATE_INVALID);
    assert_non_null(strstr(world->result.reason, "shareDrivingRecord"));
    arrive_text(world, SITE "up/ln/register", RECORD_HEAD "{}}");
    assert_int_equal(world->result.fate, FATE_INVALID);
    arrive_text(world, SITE "up/off/post", RECORD_HEAD "{}}");
    assert_non_null(strstr(world->result.reason, "switched off"));
    arrive_text(world, SITE "up/nobody/x", RECORD_HEAD "{}}");
    assert_int_equal(world->result.fate, FATE_INVALID);
    assert_books(world, 0, 0, 0, 4, 0);
}

static void a_later_edition_completes_a_held_record(void **state)
{
    struct world *world = *state;
    struct found found;

    arrive_text(world, SITE "up/hn/shareGoodsRecord",
                RECORD_HEAD "{\"lsh\":\"411002000101A261120120000\",\"dzbh\":"
                            "\"01\",\"cphm\":\"" PLATE "\",\"cpys\":\"1\","
                            "\"hwmc\":\"ore\",\"djsj\":"
                            "\"2026-11-20 12:00:00\"}}");
    found = find(world, "hn", "shareGoodsRecord");
    assert_int_equal(found.all[0].state, STATE_HELD);
    arrive_text(world, SITE "up/hn/shareGoodsRecord",
                "{\"event_id\":\"r1\",\"revision\":1," AT
                ",\"record\":{\"ysl\":\"12.5\"}}");
    assert_int_equal(world->result.fate, FATE_USED);
    found = find(world, "hn", "shareGoodsRecord");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "ysl", "12.5");
    arrive_text(world, SITE "up/hn/shareGoodsRecord",
                "{\"event_id\":\"r1\",\"revision\":2," AT
                ",\"record\":{\"ysl\":\"13\"}}");
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    assert_books(world, 2, 0, 1, 0, 0);
}

static void an_impossible_record_is_rejected_with_its_faults(void **state)
{
    struct world *world = *state;
    struct found found;

    arrive_text(world, SITE "up/hn/shareGoodsRecord",
                RECORD_HEAD "{\"cpys\":\"99\",\"made_up\":1}}");
    found = find(world, "hn", "shareGoodsRecord");
    assert_int_equal(found.all[0].state, STATE_REJECTED);
    assert_non_null(strstr(found.all[0].reason, "cpys"));
    assert_non_null(strstr(found.all[0].reason, "made_up"));
    assert_true(world->result.stored);
}

/* ---- routes -------------------------------------------------------------- */

static void a_routed_message_is_posted_as_it_is(void **state)
{
    struct world *world = *state;
    struct found found;
    struct bytes value = BYTES_EMPTY;

    arrive_text(world, "plant/one", "{\"id\":1,\"t\":1795147200000}");
    assert_int_equal(world->result.fate, FATE_USED);
    assert_int_equal(world->result.deliveries, 1);
    found = find(world, "sink", NULL);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_fact(world, found.all[0].id, "event", "1");
    /* no note is written for it */
    assert_int_equal(queue_note_read(world->store->queue, "serial",
                                     span_text("sink"), &value),
                     STATUS_NOT_FOUND);
    bytes_free(&value);
    assert_books(world, 1, 0, 0, 0, 0);
}

static void each_route_that_matches_makes_a_delivery(void **state)
{
    struct world *world = *state;

    arrive_text(world, "plant/two/x", "{\"id\":1,\"t\":1795147200000}");
    assert_int_equal(world->result.deliveries, 2);
    assert_int_equal(find(world, "sink", NULL).count, 2);
}

static void routed_repeats_are_told_from_other_messages(void **state)
{
    struct world *world = *state;

    arrive_text(world, "plant/one", "{\"id\":1,\"t\":1795147200000}");
    arrive_text(world, "plant/one", "{\"id\":1,\"t\":1795147200000}");
    assert_int_equal(world->result.fate, FATE_REPEAT);
    arrive_text(world, "plant/one", "{\"id\":1,\"t\":1795147200000,\"v\":2}");
    assert_int_equal(world->result.deliveries, 1);
    arrive_text(world, "plant/other", "{\"id\":1,\"t\":1795147200000}");
    assert_int_equal(world->result.deliveries, 1);
    assert_books(world, 3, 0, 0, 0, 1);
}

static void a_route_that_is_switched_off_leaves_it_unrouted(void **state)
{
    struct world *world = *state;

    arrive_text(world, "dark/x", "bytes");
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    assert_true(world->result.stored);
    assert_books(world, 0, 0, 1, 0, 0);
}

static void a_device_of_ours_may_be_routed_too(void **state)
{
    struct world *world = *state;

    capture(world, "cam9", "e1", PLATE, "head", "");
    assert_int_equal(world->result.fate, FATE_USED);
    assert_int_equal(find(world, "sink", NULL).count, 1);
    assert_books(world, 1, 0, 0, 0, 0);
}

/* ---- a full store -------------------------------------------------------- */

static void a_full_store_takes_nothing_half(void **state)
{
    struct world *world = *state;
    struct message message;

    ingest_close(world->ingest);
    store_close(world->store);
    world->store->options.quota_bytes = 1;
    world->store->options.when_full = QUEUE_STOP;
    world_open(world);
    assert_ok(message_read(&world->config, "plant/one",
                           span_text("{\"id\":1,\"t\":1795147200000}"),
                           world->now_ms, &message));
    world_begin(world);
    assert_int_equal(ingest_store(world->ingest, world->store->queue, &message,
                                  world->now_ms, &world->result),
                     STATUS_FULL);
    world_commit(world);
    message_free(&message);
    assert_int_equal(find(world, NULL, NULL).count, 0);
    assert_books(world, 0, 0, 0, 0, 0);
}

/* ---- the ledger ---------------------------------------------------------- */

static unsigned import(struct world *world, const char *csv,
                       enum status expected, struct bytes *words)
{
    unsigned count = 99;

    bytes_clear(words);
    world_begin(world);
    assert_int_equal(ingest_ledger(world->ingest, world->store->queue,
                                   span_text(csv), &count, words),
                     expected);
    world_commit(world);
    return count;
}

static void ledger_rows_are_taken_or_refused_with_their_line(void **state)
{
    struct world *world = *state;
    struct bytes words = BYTES_EMPTY;

    assert_int_equal(import(world,
                            "\xef\xbb\xbf" /* BOM */
                            "vin,\"note\",plate,tare_t,color,vehicleId\r\n"
                            "LBEXDAEB0XZ123456,\"a, \"\"b\"\"\nc\"," PLATE
                            ",15,yellow,V1\r\n"
                            ",,A1,,,\r\n"
                            "\r\n"
                            "BAD,,A2,,,\n"
                            ",,A3,x,,\n"
                            ",,A4,,mauve,\n"
                            ",,,1,,\n"
                            ",,A5,101,,\n"
                            ",,A6,-1,,\n"
                            ",,A7,1,blue,V7",
                            STATUS_OK, &words),
                     3);
    assert_string_equal(
        bytes_text(&words),
        "ledger line 6: vin is not one; allowed are 17 of A-Z 0-9 without I, "
        "O, Q\n"
        "ledger line 7: tare_t is not allowed; allowed is 0 to 100 (tonnes)\n"
        "ledger line 8: color is not known; allowed are blue yellow white "
        "black green yellow_green other\n"
        "ledger line 9: plate is absent or longer than 20 characters\n"
        "ledger line 10: tare_t is not allowed; allowed is 0 to 100 (tonnes)\n"
        "ledger line 11: tare_t is not allowed; allowed is 0 to 100 "
        "(tonnes)\n");
    bytes_free(&words);
}

static void a_ledger_without_a_header_changes_nothing(void **state)
{
    struct world *world = *state;
    struct bytes words = BYTES_EMPTY;

    assert_int_equal(import(world, "", STATUS_INVALID, &words), 0);
    assert_int_equal(import(world, PLATE ",yellow\n", STATUS_INVALID, &words),
                     0);
    assert_non_null(strstr(bytes_text(&words), "ledger line 1"));
    assert_int_equal(import(world, "plate\n\"abc", STATUS_OK, &words), 0);
    assert_non_null(strstr(bytes_text(&words), "a quote is not closed"));
    assert_int_equal(import(world, "plate\n\xff\xfe", STATUS_OK, &words), 0);
    assert_non_null(strstr(bytes_text(&words), "UTF-8"));
    bytes_free(&words);
}

static void write_ledger(struct world *world, const char *csv)
{
    snprintf(world->ledger_path, sizeof(world->ledger_path), "%s/ledger.csv",
             world->store->folder);
    world->config.ledger_file = world->ledger_path;
    assert_ok(bytes_write_file(world->ledger_path, span_text(csv), 0600));
    world_restart(world);
    tick(world);
}

static void the_ledger_file_is_applied_when_it_changes(void **state)
{
    struct world *world = *state;
    struct found found;
    struct queue_space before, after;

    write_ledger(world, "plate,vin,vehicleId,tare_t\n" PLATE
                        ",LBEXDAEB0XZ123456,V1,15.2\n");
    capture(world, "cam1", "h1", PLATE, "head", "");
    capture(world, "cam2", "b1", PLATE, "body", "");
    weigh(world, "w1", "g1", 47800, "");
    found = find(world, "yn", NULL);
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_ok(queue_space_read(world->store->queue, &before));
    tick(world);
    world_restart(world);
    tick(world);
    assert_ok(queue_space_read(world->store->queue, &after));
    assert_int_equal(before.newest_seq, after.newest_seq);

    write_ledger(world, "plate,vin,vehicleId,tare_t\n" PLATE
                        ",LBEXDAEB0XZ123456,V2,15.2\n");
    wait_s(world, 100);
    capture(world, "cam1", "h2", PLATE, "head", "");
    capture(world, "cam2", "b2", PLATE, "body", "");
    weigh(world, "w1", "g2", 47800, "");
    found = find(world, "yn", NULL);
    assert_fact(world, found.all[1].id, "vehicleId", "V2");
}

static void a_ledger_file_that_is_not_there_is_said(void **state)
{
    struct world *world = *state;
    struct bytes words = BYTES_EMPTY;
    struct ingest *ingest = NULL;

    world->config.ledger_file = "/nonexistent/ledger.csv";
    assert_int_equal(ingest_open(&world->config, &words, &ingest),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(bytes_text(&words), "/nonexistent/ledger.csv"));
    assert_null(ingest);
    bytes_free(&words);
}

/* ---- meters -------------------------------------------------------------- */

static void read_meter(struct world *world, const char *meter, const char *name,
                       int64_t at_ms, double value)
{
    char topic[96], time[CLOCK_TEXT_MAX], payload[256];

    clock_print_iso(at_ms, time);
    snprintf(topic, sizeof(topic), SITE "meter/%s/reading", meter);
    snprintf(payload, sizeof(payload),
             "{\"event_id\":\"%s-%lld\",\"time\":\"%s\",\"registers\":{\"%s\":"
             "{\"value\":%.10g,\"unit\":\"kWh\"}}}",
             meter, (long long)at_ms, time, name, value);
    arrive_text(world, topic, payload);
}

static void register_upload_time(struct world *world, const char *time)
{
    world_begin(world);
    assert_ok(queue_put_note(world->store->queue, "upload_time",
                             span_text("ln"), span_text(time)));
    world_commit(world);
    tick(world);
}

/* The member of a batch's data with this code and label; NULL: none. */
static const json_t *member(const json_t *facts, const char *code,
                            const char *date, int stat_type)
{
    const json_t *data = json_object_get(facts, "data");
    const json_t *item;
    size_t i;

    json_array_foreach(data, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "dataCode")),
                   code) == 0 &&
            strcmp(json_string_value(json_object_get(item, "statDate")),
                   date) == 0 &&
            json_integer_value(json_object_get(item, "statType")) == stat_type)
            return item;
    }
    return NULL;
}

#define POWER "00-00-0000-023300-11"
#define WATER "00-00-0000-023400-11"

static void a_batch_is_made_at_the_upload_time(void **state)
{
    struct world *world = *state;
    struct found found;
    const json_t *item;
    json_t *facts;

    register_upload_time(world, "01:05:00");
    /* the evening from 22:00 in quarters of an hour, 1.5 kWh each */
    world->now_ms = NOON_MS + 10 * HOUR_MS;
    for (int i = 0; i <= 13; i++) {
        read_meter(world, "m1", "total", world->now_ms, 100 + 1.5 * i);
        assert_int_equal(world->result.fate, FATE_USED);
        tick(world);
        world->now_ms += 15 * MINUTE_MS;
    }
    assert_int_equal(find(world, "ln", NULL).count, 1); /* at 01:15's tick */
    found = find(world, "ln", "uploadEnergyData");
    assert_int_equal(found.all[0].state, STATE_WAITING);
    assert_string_equal(found.all[0].number, "9121000123456789XX/20261121");
    facts = facts_of(world, found.all[0].id);
    item = member(facts, POWER, "2026-11-20 22:15:00", 0);
    assert_non_null(item);
    assert_true(json_number_value(json_object_get(item, "dataValue")) == 60);
    assert_true(json_is_true(json_object_get(item, "valid")));
    assert_non_null(member(facts, POWER, "2026-11-21 00:00:00", 0));
    assert_non_null(member(facts, POWER, "2026-11-21 01:00:00", 0));
    assert_null(member(facts, POWER, "2026-11-21 01:15:00", 0));
    item = member(facts, POWER, "2026-11-20 00:00:00", 1);
    assert_non_null(item);
    assert_true(json_number_value(json_object_get(item, "dataValue")) == 480);
    assert_true(json_is_false(json_object_get(item, "valid")));
    assert_int_equal(json_array_size(json_object_get(facts, "data")), 13);
    json_decref(facts);
    assert_books(world, 14, 0, 0, 0, 0);
}

static void a_batch_follows_the_one_before(void **state)
{
    struct world *world = *state;
    struct found found;

    register_upload_time(world, "13:00:00");
    for (int day = 0; day < 2; day++) {
        for (int i = 0; i <= 5; i++) {
            read_meter(world, "m1", "total", world->now_ms, 100 * day + i);
            world->now_ms += 15 * MINUTE_MS;
            tick(world);
        }
        world_restart(world);
        world->now_ms += DAY_MS - 90 * MINUTE_MS;
    }
    found = find(world, "ln", "uploadEnergyData");
    assert_int_equal(found.count, 2);
    assert_int_equal(found.all[0].follows, 0);
    assert_int_equal(found.all[0].lane, LANE_FRESH);
    assert_int_equal(found.all[1].follows, found.all[0].id);
    assert_int_equal(found.all[1].lane, LANE_BLOCKED);
}

static void a_meter_that_was_offline_fills_its_marks(void **state)
{
    struct world *world = *state;
    struct found found;
    const json_t *item;
    json_t *facts;

    register_upload_time(world, "14:00:00");
    read_meter(world, "m1", "total", NOON_MS, 0);
    world->now_ms = NOON_MS + 90 * MINUTE_MS;
    read_meter(world, "m1", "total", world->now_ms, 60);
    /* then what it buffered, newest first */
    for (int i = 5; i > 0; i--)
        read_meter(world, "m1", "total", NOON_MS + i * 15 * MINUTE_MS, i * i);
    world->now_ms = NOON_MS + 2 * HOUR_MS;
    tick(world);
    found = find(world, "ln", NULL);
    assert_int_equal(found.count, 1);
    facts = facts_of(world, found.all[0].id);
    item = member(facts, POWER, "2026-11-20 12:45:00", 0);
    assert_true(json_number_value(json_object_get(item, "dataValue")) ==
                (9 - 4) * 40);
    assert_true(json_is_true(json_object_get(item, "valid")));
    json_decref(facts);
    /* what has been reported is not reported again */
    read_meter(world, "m1", "total", NOON_MS + 20 * MINUTE_MS, 2);
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    assert_books(world, 7, 0, 1, 0, 0);
}

static void a_box_that_was_off_reports_when_it_is_back(void **state)
{
    struct world *world = *state;
    struct found found;
    json_t *facts;
    const json_t *item;

    register_upload_time(world, "13:30:00");
    read_meter(world, "m2", "volume", NOON_MS, 10);
    world->now_ms = NOON_MS + HOUR_MS;
    read_meter(world, "m2", "volume", world->now_ms, 12);
    world->now_ms = NOON_MS + 3 * DAY_MS;
    world_restart(world);
    tick(world);
    assert_int_equal(find(world, "ln", NULL).count, 1);
    read_meter(world, "m2", "volume", world->now_ms, 83);
    world->now_ms += 2 * HOUR_MS;
    tick(world);
    found = find(world, "ln", NULL);
    assert_int_equal(found.count, 2);
    facts = facts_of(world, found.all[1].id);
    /* 71 hours of silence, 71 used: spread, and said to be so */
    item = member(facts, WATER, "2026-11-22 03:00:00", 0);
    assert_true(json_number_value(json_object_get(item, "dataValue")) == 1);
    assert_true(json_is_false(json_object_get(item, "valid")));
    item = member(facts, WATER, "2026-11-21 00:00:00", 1);
    assert_true(json_number_value(json_object_get(item, "dataValue")) == 24);
    json_decref(facts);
    assert_books(world, 3, 0, 0, 0, 0);
}

static void nothing_to_report_makes_no_batch(void **state)
{
    struct world *world = *state;

    register_upload_time(world, "12:30:00");
    world->now_ms = NOON_MS + 3 * DAY_MS;
    tick(world);
    assert_int_equal(find(world, "ln", NULL).count, 0);
}

static void readings_nobody_wants_are_unrouted(void **state)
{
    struct world *world = *state;

    read_meter(world, "m9", "total", NOON_MS, 1);
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    read_meter(world, "m1", "other", NOON_MS, 1);
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    read_meter(world, "m1", "total", NOON_MS + HOUR_MS, 1); /* the future */
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    arrive_text(world, SITE "meter/m1/reading",
                "{\"event_id\":\"x\"," AT ",\"valid\":false,\"registers\":"
                "{\"total\":{\"value\":1}}}");
    assert_int_equal(world->result.fate, FATE_UNROUTED);
    assert_books(world, 0, 0, 4, 0, 0);
}

static void a_batch_of_too_many_items_is_followed_by_more(void **state)
{
    struct world *world = *state;
    struct found found;
    size_t items = 0;
    json_t *facts;

    /* 39 days of 96 marks: below one batch; a second item's are hours */
    register_upload_time(world, "13:00:00");
    read_meter(world, "m1", "total", NOON_MS, 0);
    for (int part = 1; part <= 3; part++) {
        world->now_ms = NOON_MS + part * 39 * DAY_MS;
        read_meter(world, "m1", "total", world->now_ms, part * 39 * 96);
    }
    world->now_ms += HOUR_MS;
    for (int i = 0; i < 4; i++)
        tick(world);
    found = find(world, "ln", NULL);
    assert_int_equal(found.count, 2);
    for (size_t i = 0; i < found.count; i++) {
        facts = facts_of(world, found.all[i].id);
        items += json_array_size(json_object_get(facts, "data"));
        assert_true(json_array_size(json_object_get(facts, "data")) <= 10000);
        json_decref(facts);
    }
    /* 117 days of marks, their daily items (the first is half a day), and
     * November, December, January, February */
    assert_int_equal(items, 117 * 96 + 117 + 4);
    assert_string_not_equal(found.all[0].number, found.all[1].number);
}

static bool count_note(void *arg, struct span key, struct span value)
{
    (void)key, (void)value;
    ++*(unsigned *)arg;
    return true;
}

static void a_full_store_keeps_no_reading_either(void **state)
{
    struct world *world = *state;
    struct message message;
    unsigned count = 0;

    ingest_close(world->ingest);
    store_close(world->store);
    world->store->options.quota_bytes = 1;
    world->store->options.when_full = QUEUE_STOP;
    world_open(world);
    assert_ok(message_read(&world->config, SITE "meter/m1/reading",
                           span_text("{\"event_id\":\"x\"," AT
                                     ",\"registers\":{\"total\":{\"value\":"
                                     "1}}}"),
                           world->now_ms, &message));
    assert_true(message.valid);
    world_begin(world);
    assert_int_equal(ingest_store(world->ingest, world->store->queue, &message,
                                  world->now_ms, &world->result),
                     STATUS_FULL);
    assert_ok(
        queue_note_each(world->store->queue, "reading", count_note, &count));
    world_commit(world);
    message_free(&message);
    assert_int_equal(count, 0);
}

/* ---- forgetting ---------------------------------------------------------- */

static unsigned notes_in(struct world *world, const char *space)
{
    unsigned count = 0;

    assert_ok(queue_note_each(world->store->queue, space, count_note, &count));
    return count;
}

static void old_notes_are_swept(void **state)
{
    struct world *world = *state;

    tick(world);
    capture(world, "cam1", "h1", PLATE, "head", "");
    read_meter(world, "m1", "total", world->now_ms, 1);
    wait_s(world, 60);
    assert_int_equal(notes_in(world, "number"), 1);
    assert_int_equal(notes_in(world, "late-in1-20261120"), 1);
    assert_int_equal(notes_in(world, "reading"), 1);
    for (int day = 0; day < 42; day++) {
        world->now_ms += DAY_MS;
        tick(world);
    }
    assert_int_equal(notes_in(world, "number"), 0);
    assert_int_equal(notes_in(world, "late-in1-20261120"), 0);
    assert_int_equal(notes_in(world, "reading"), 0);
    assert_int_equal(notes_in(world, "join"), 0);
}
