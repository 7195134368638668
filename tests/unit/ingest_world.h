/*
 * ingest_world.h - a plant for the tests of ingest: two lanes, an exit with a
 * yard scale, meters, and the real platforms above a real store.
 */
#ifndef SAMPAN_TESTS_INGEST_WORLD_H
#define SAMPAN_TESTS_INGEST_WORLD_H

#include "queue_help.h"

#include "ingest.h"
#include "platform.h"

#define YUNNAN_ID "91530100MA6K12345X001P"
#define SITE "sampan/v1/steel/"

static const char *const both[] = {"yn", "hn"};
static const char *const yunnan_only[] = {"yn"};

/* clang-format off */
static const struct lane_config world_lanes[] = {
    { .name = "in1", .entrance = "A", .gate = "A01", .direction = DIRECTION_IN,
      .head_camera = "cam1", .body_camera = "cam2", .weighbridge = "w1",
      .weighing = WEIGHING_LANE, .cargo_type = "ore", .cargo_unit = "T",
      .default_weight = -1, .deadline_s = 60, .difference_deadline_s = 86400,
      .barrier_opens = true, .destinations = both, .destination_count = 2 },
    { .name = "out1", .entrance = "A", .gate = "A02",
      .direction = DIRECTION_OUT, .head_camera = "cam3", .body_camera = "",
      .weighbridge = "yard", .weighing = WEIGHING_YARD, .cargo_type = "steel",
      .cargo_unit = "T", .default_weight = -1, .deadline_s = 60,
      .difference_deadline_s = 3600, .barrier_opens = true,
      .destinations = yunnan_only, .destination_count = 1 },
    { .name = "free", .entrance = "B", .gate = "B01",
      .direction = DIRECTION_BY_CAMERA, .head_camera = "cam4",
      .body_camera = "cam4", .weighbridge = "", .weighing = WEIGHING_NONE,
      .cargo_type = "none", .cargo_unit = "T", .default_weight = 0,
      .deadline_s = 60, .difference_deadline_s = 86400, .barrier_opens = true,
      .destinations = yunnan_only, .destination_count = 1 },
    { .name = "dif_in", .entrance = "C", .gate = "C01",
      .direction = DIRECTION_IN, .head_camera = "cam5", .body_camera = "cam5",
      .weighbridge = "w5", .weighing = WEIGHING_DIFFERENCE,
      .cargo_type = "coal", .cargo_unit = "T", .default_weight = -1,
      .deadline_s = 60, .difference_deadline_s = 7200, .barrier_opens = true,
      .destinations = yunnan_only, .destination_count = 1 },
    { .name = "dif_out", .entrance = "C", .gate = "C02",
      .direction = DIRECTION_OUT, .head_camera = "cam6", .body_camera = "cam6",
      .weighbridge = "w5", .weighing = WEIGHING_DIFFERENCE,
      .cargo_type = "coal", .cargo_unit = "T", .default_weight = -1,
      .deadline_s = 60, .difference_deadline_s = 7200, .barrier_opens = true,
      .destinations = yunnan_only, .destination_count = 1 },
};

static const struct energy_item_config world_items[] = {
    { .name = "power", .process = "00", .process_unit = "00",
      .equipment = "00", .equipment_unit = "00", .energy_class = "02",
      .energy_type = "3300", .usage = "11", .meter = "m1", .reg = "total",
      .factor = 40, .interval_minutes = 15, .input_type = 1, .scope = 1,
      .monthly = true },
    { .name = "water", .process = "00", .process_unit = "00",
      .equipment = "00", .equipment_unit = "00", .energy_class = "02",
      .energy_type = "3400", .usage = "11", .meter = "m2", .reg = "volume",
      .factor = 1, .rollover = 1000, .interval_minutes = 60, .input_type = 1,
      .scope = 1 },
};

static const struct destination_config world_destinations[] = {
    { .name = "yn", .platform = "yunnan", .base_url = "http://localhost",
      .enabled = true, .yunnan = { .enterprise_id = YUNNAN_ID } },
    { .name = "hn", .platform = "henan", .base_url = "http://localhost",
      .enabled = true, .henan = { .organ = "4110020001",
      .company_number = "4110020001", .company_name = "Steel" } },
    { .name = "ln", .platform = "liaoning", .base_url = "http://localhost",
      .enabled = true, .energy = { .enterprise_code = "9121000123456789XX",
      .items = world_items, .item_count = 2 } },
    { .name = "sink", .platform = "generic", .base_url = "http://localhost",
      .enabled = true },
    { .name = "off", .platform = "generic", .base_url = "http://localhost",
      .enabled = false },
};

static const struct route_config world_routes[] = {
    { "plant/#", "sink", "/id", "/t", EVENT_TIME_MS, true },
    { "plant/two/#", "sink", "", "", EVENT_TIME_MS, false },
    { "dark/#", "off", "", "", EVENT_TIME_MS, false },
    { SITE "camera/cam9/#", "sink", "", "", EVENT_TIME_MS, false },
};
/* clang-format on */

struct world {
    struct store *store;
    struct ingest *ingest;
    struct config config;
    struct ingest_result result;
    int64_t now_ms;
    char ledger_path[96];
};

static inline void world_open(struct world *world)
{
    struct bytes words = BYTES_EMPTY;

    store_open(world->store);
    assert_ok(ingest_open(&world->config, &words, &world->ingest));
    bytes_free(&words);
}

/* The bridge dies and comes back. */
static inline void world_restart(struct world *world)
{
    ingest_close(world->ingest);
    store_close(world->store);
    world_open(world);
}

static inline struct world *world_make(void)
{
    struct world *world = calloc(1, sizeof(*world));

    world->store = store_make();
    world->now_ms = NOON_MS;
    world->config = (struct config){
        .site = "steel",
        .ledger_file = "",
        .payload_limit_kb = 1024,
        .picture_limit_kb = 976,
        .destinations = world_destinations,
        .destination_count = 5,
        .routes = world_routes,
        .route_count = 4,
        .lanes = world_lanes,
        .lane_count = 5,
    };
    world_open(world);
    return world;
}

static inline void world_drop(struct world *world)
{
    ingest_close(world->ingest);
    store_free(world->store);
    free(world);
}

static inline void world_begin(struct world *world)
{
    assert_ok(queue_begin(world->store->queue, world->now_ms));
}

static inline void world_commit(struct world *world)
{
    assert_ok(queue_commit(world->store->queue, NULL, NULL));
}

/* A message arrives and is committed. */
static inline void arrive(struct world *world, const char *topic,
                          struct span payload)
{
    struct message message;

    assert_ok(
        message_read(&world->config, topic, payload, world->now_ms, &message));
    world_begin(world);
    assert_ok(ingest_store(world->ingest, world->store->queue, &message,
                           world->now_ms, &world->result));
    world_commit(world);
    message_free(&message);
}

static inline void arrive_text(struct world *world, const char *topic,
                               const char *payload)
{
    arrive(world, topic, span_text(payload));
}

static inline void tick(struct world *world)
{
    world_begin(world);
    assert_ok(ingest_tick(world->ingest, world->store->queue, world->now_ms));
    world_commit(world);
}

/* Time passes, a tick a second. */
static inline void wait_s(struct world *world, int seconds)
{
    for (; seconds > 0; seconds--) {
        world->now_ms += SECOND_MS;
        tick(world);
    }
}

/* ---- what devices say --------------------------------------------------- */

#define JPEG "/9j/4AAQSkZJRg=="
#define PLATE                                                                  \
    "\xe4\xba\x91"                                                             \
    "A12345"
#define OTHER_PLATE                                                            \
    "\xe4\xba\x91"                                                             \
    "B99999"

/* A capture now; more: further members, ",..." or "". */
static inline void capture(struct world *world, const char *camera,
                           const char *event_id, const char *plate,
                           const char *kind, const char *more)
{
    char topic[128], time[CLOCK_TEXT_MAX], payload[1024];

    clock_print_iso(world->now_ms, time);
    snprintf(topic, sizeof(topic), SITE "camera/%s/capture", camera);
    snprintf(payload, sizeof(payload),
             "{\"event_id\":\"%s\",\"time\":\"%s\",\"plate\":\"%s\","
             "\"color\":\"yellow\",\"pictures\":[{\"kind\":\"%s\",\"jpeg\":"
             "\"" JPEG "\"}]%s}",
             event_id, time, plate, kind, more);
    arrive_text(world, topic, payload);
}

static inline void weigh(struct world *world, const char *scale,
                         const char *event_id, double gross_kg,
                         const char *more)
{
    char topic[128], time[CLOCK_TEXT_MAX], payload[512];

    clock_print_iso(world->now_ms, time);
    snprintf(topic, sizeof(topic), SITE "weighbridge/%s/weight", scale);
    snprintf(payload, sizeof(payload),
             "{\"event_id\":\"%s\",\"time\":\"%s\",\"gross\":%.1f,\"unit\":"
             "\"kg\",\"stable\":true%s}",
             event_id, time, gross_kg, more);
    arrive_text(world, topic, payload);
}

static inline void know_vehicle(struct world *world, const char *row)
{
    struct bytes words = BYTES_EMPTY;
    char csv[256];
    unsigned count = 0;

    snprintf(csv, sizeof(csv), "plate,color,vehicleId,vin,tare_t\n%s\n", row);
    world_begin(world);
    assert_ok(ingest_ledger(world->ingest, world->store->queue, span_text(csv),
                            &count, &words));
    world_commit(world);
    assert_int_equal(count, 1);
    bytes_free(&words);
}

#define KNOWN PLATE ",yellow,VCL1,LBEXDAEB0XZ123456,15.2"

/* ---- what became of it -------------------------------------------------- */

struct found {
    const char *destination;
    const char *interface;
    struct queue_delivery all[64];
    size_t count;
};

static inline bool visit_found(void *arg, const struct queue_delivery *delivery)
{
    struct found *found = arg;

    if (found->count < 64)
        found->all[found->count++] = *delivery;
    return true;
}

/* The deliveries of an interface, oldest first. */
static inline struct found find(struct world *world, const char *destination,
                                const char *interface)
{
    struct found found = {destination, interface, {{0}}, 0};
    struct queue_filter filter = {
        .destination = destination, .interface = interface, .state = -1};

    assert_ok(queue_list(world->store->queue, &filter, visit_found, &found));
    return found;
}

static inline json_t *facts_of(struct world *world, uint64_t id)
{
    struct bytes facts = BYTES_EMPTY;
    uint64_t events[256];
    size_t count = 256;
    json_t *json;

    assert_ok(
        queue_facts_read(world->store->queue, id, &facts, events, &count));
    json = json_loadb(bytes_text(&facts), facts.len, 0, NULL);
    assert_non_null(json);
    bytes_free(&facts);
    return json;
}

static inline void assert_fact(struct world *world, uint64_t id,
                               const char *name, const char *text)
{
    json_t *facts = facts_of(world, id);
    const json_t *fact = json_object_get(facts, name);
    char number[32];

    if (text == NULL)
        assert_null(fact);
    else if (json_is_string(fact))
        assert_string_equal(json_string_value(fact), text);
    else {
        snprintf(number, sizeof(number), "%.9g", json_number_value(fact));
        assert_string_equal(number, text);
    }
    json_decref(facts);
}

static inline void add_sums(void *arg, const char *kind,
                            const struct queue_event_sums *sums)
{
    struct queue_event_sums *all = arg;
    uint64_t fates = 0;

    (void)kind;
    all->received += sums->received;
    for (int i = 0; i < QUEUE_FATES; i++) {
        all->fates[i] += sums->fates[i];
        fates += sums->fates[i];
    }
    assert_int_equal(sums->received, fates);
}

/* Promise 7, for all time: used, joining, unrouted, invalid, repeats. */
static inline void assert_books(struct world *world, unsigned used,
                                unsigned joining, unsigned unrouted,
                                unsigned invalid, unsigned repeats)
{
    struct queue_event_sums all = {0};

    assert_ok(queue_day_events(world->store->queue, 0, add_sums, &all));
    assert_int_equal(all.fates[FATE_USED], used);
    assert_int_equal(all.fates[FATE_JOINING], joining);
    assert_int_equal(all.fates[FATE_UNROUTED], unrouted);
    assert_int_equal(all.fates[FATE_INVALID], invalid);
    assert_int_equal(all.fates[FATE_REPEAT], repeats);
    assert_int_equal(all.received,
                     used + joining + unrouted + invalid + repeats);
    assert_sound(world->store);
}

#endif
