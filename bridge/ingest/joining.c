#include "joining.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "notes.h"
#include "outgoing.h"

#define TICK_MAX 200 /* passages a tick: a group stays small */
#define POUND_T 0.00045359237

/* A device whose clock was never set (2024-01-01), or runs ahead. */
#define PLAUSIBLE_FROM_MS (INT64_C(1704067200) * SECOND_MS)

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text != NULL ? text : "";
}

/* The device's time, or that of receipt when it cannot be. */
static int64_t instant_of(const struct message *message)
{
    if (message->event_at_ms < PLAUSIBLE_FROM_MS ||
        message->event_at_ms > message->received_at_ms + DAY_MS)
        return message->received_at_ms;
    return message->event_at_ms;
}

/* ---- which lane --------------------------------------------------------- */

static const struct lane_config *lane_named(const struct config *config,
                                            const char *name)
{
    for (unsigned i = 0; i < config->lane_count; i++)
        if (same(config->lanes[i].name, name))
            return &config->lanes[i];
    return NULL;
}

static bool lane_has_camera(const struct lane_config *lane, const char *device)
{
    return same(lane->head_camera, device) || same(lane->body_camera, device);
}

/* May the lane be meant?  A device that names a lane means that one. */
static bool lane_meant(const struct lane_config *lane,
                       const struct config *config, const json_t *json)
{
    const char *named = text_of(json, "lane");

    return same(lane->name, named) || lane_named(config, named) == NULL;
}

static const struct lane_config *capture_lane(const struct config *config,
                                              const struct message *message)
{
    for (unsigned i = 0; i < config->lane_count; i++)
        if (lane_has_camera(&config->lanes[i], message->device) &&
            lane_meant(&config->lanes[i], config, message->json))
            return &config->lanes[i];
    return NULL;
}

/* The next lane, from *at on, that the weight may belong to. */
static const struct lane_config *weight_lane(const struct config *config,
                                             const struct message *message,
                                             unsigned *at)
{
    while (*at < config->lane_count) {
        const struct lane_config *lane = &config->lanes[(*at)++];

        if (lane->weighing != WEIGHING_NONE &&
            same(lane->weighbridge, message->device) &&
            lane_meant(lane, config, message->json))
            return lane;
    }
    return NULL;
}

bool joining_wants(const struct config *config, const struct message *message)
{
    unsigned at = 0;

    if (message->class == MESSAGE_CAPTURE)
        return capture_lane(config, message) != NULL;
    return weight_lane(config, message, &at) != NULL;
}

/* ---- notes of passages -------------------------------------------------- */

enum status joining_settle(struct joining *joining, uint64_t event,
                           enum queue_fate fate)
{
    enum status status = queue_put_fate(joining->queue, event, fate);

    if (event == joining->event)
        joining->fate = fate;

    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The lane's open passage.  *open: there is one. */
static enum status read_open(struct joining *joining,
                             const struct lane_config *lane,
                             struct passage *passage, bool *open)
{
    json_t *json = NULL;
    enum status status =
        note_read_due(joining->queue, "join", lane->name, &json);

    *open = status == STATUS_OK && passage_of_json(json, passage);
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A passage's deadline counts from its first event, by our own clock. */
static enum status put_open(struct joining *joining,
                            const struct lane_config *lane,
                            const struct passage *passage, bool was_open)
{
    int64_t opened_ms = joining->now_ms;
    char head[32];
    struct bytes old = BYTES_EMPTY;
    json_t *json = passage_to_json(passage);
    enum status status = json == NULL ? STATUS_NOMEM : STATUS_OK;

    if (status == STATUS_OK && was_open)
        status = queue_note_read(joining->queue, "join", span_text(lane->name),
                                 &old);
    if (status == STATUS_OK && was_open) {
        snprintf(head, sizeof(head), "%.13s", bytes_text(&old));
        opened_ms = strtoll(head, NULL, 10);
    }
    if (status == STATUS_OK)
        status = note_put_due(joining->queue, "join", lane->name, opened_ms,
                              opened_ms + (int64_t)lane->deadline_s * SECOND_MS,
                              json);
    bytes_free(&old);
    json_decref(json);
    return status;
}

/* ---- a passage is over -------------------------------------------------- */

static enum status put_last(struct joining *joining,
                            const struct lane_config *lane,
                            const struct passage *passage)
{
    json_t *json = passage_to_json(passage);
    enum status status =
        json == NULL ? STATUS_NOMEM
                     : note_put_json(joining->queue, "last", lane->name, json);

    json_decref(json);
    return status;
}

/* The entry of this plate that waits for its exit. *lane NULL: none. */
static enum status take_entry(struct joining *joining, const char *plate,
                              struct passage *entry,
                              const struct lane_config **lane)
{
    json_t *json = NULL;
    enum status status = note_read_due(joining->queue, "entry", plate, &json);

    *lane = NULL;
    if (status == STATUS_OK) {
        if (passage_of_json(json_object_get(json, "passage"), entry))
            *lane = lane_named(joining->config, text_of(json, "lane"));
        status = note_put_text(joining->queue, "entry", plate, "");
    }
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status put_entry(struct joining *joining,
                             const struct lane_config *lane,
                             const struct passage *passage)
{
    json_t *json = json_pack("{ssso}", "lane", lane->name, "passage",
                             passage_to_json(passage));
    enum status status = STATUS_NOMEM;

    if (json != NULL)
        status = note_put_due(
            joining->queue, "entry", passage->plate, joining->now_ms,
            joining->now_ms + (int64_t)lane->difference_deadline_s * SECOND_MS,
            json);
    json_decref(json);
    return status;
}

/* An entry of the same vehicle ends its waiting: by its exit, or because it
 * enters once more and its exit was never seen. */
static enum status end_entry(struct joining *joining,
                             const struct lane_config *lane,
                             struct passage *passage)
{
    const struct lane_config *entry_lane;
    struct passage entry;
    enum status status =
        take_entry(joining, passage->plate, &entry, &entry_lane);

    if (status != STATUS_OK || entry_lane == NULL)
        return status;
    if (same(passage->direction, "out") && passage->weight_event != 0 &&
        lane->weighing == WEIGHING_DIFFERENCE)
        passage_difference(&entry, passage);
    return outgoing_send(joining, entry_lane, &entry);
}

/* The lane's passage is over: out it goes, or it waits for its exit. */
static enum status finish(struct joining *joining,
                          const struct lane_config *lane,
                          struct passage *passage)
{
    enum status status = note_put_text(joining->queue, "join", lane->name, "");

    if (status == STATUS_OK && passage->plate[0] != 0)
        status = end_entry(joining, lane, passage);
    if (status == STATUS_OK)
        status = put_last(joining, lane, passage);
    if (status != STATUS_OK)
        return status;
    if (lane->weighing == WEIGHING_DIFFERENCE && passage->plate[0] != 0 &&
        same(passage->direction, "in") && passage->weight_event != 0)
        return put_entry(joining, lane, passage);
    return outgoing_send(joining, lane, passage);
}

/* ---- weights that wait -------------------------------------------------- */

static void weight_key(const char *plate, const char *scale,
                       char key[static 160])
{
    if (plate[0] != 0)
        snprintf(key, 160, "plate/%.95s", plate);
    else
        snprintf(key, 160, "scale/%.63s", scale);
}

static enum status read_weight(struct joining *joining, const char *key,
                               struct weight *weight, bool *there)
{
    json_t *json = NULL;
    enum status status = note_read_due(joining->queue, "weight", key, &json);

    *there = status == STATUS_OK && weight_of_json(json, weight);
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_weight(struct joining *joining,
                               const struct lane_config *lane, const char *key,
                               struct passage *passage)
{
    struct weight weight;
    bool there = false;
    enum status status = read_weight(joining, key, &weight, &there);

    if (status != STATUS_OK || !there ||
        !passage_weight_fits(passage, lane, &weight))
        return status;
    passage_weigh(passage, &weight);
    return note_put_text(joining->queue, "weight", key, "");
}

/* A weight that came before its vehicle was seen. */
static enum status look_for_weight(struct joining *joining,
                                   const struct lane_config *lane,
                                   struct passage *passage)
{
    char key[160];
    enum status status = STATUS_OK;

    if (lane->weighing == WEIGHING_NONE || passage->weight_event != 0)
        return STATUS_OK;
    if (passage->plate[0] != 0) {
        weight_key(passage->plate, "", key);
        status = take_weight(joining, lane, key, passage);
    }
    if (status == STATUS_OK && passage->weight_event == 0) {
        weight_key("", lane->weighbridge, key);
        status = take_weight(joining, lane, key, passage);
    }
    return status;
}

/* ---- captures ----------------------------------------------------------- */

/* What has changed is kept; what is complete goes out. */
static enum status keep_or_finish(struct joining *joining,
                                  const struct lane_config *lane,
                                  struct passage *passage, bool was_open)
{
    enum status status = look_for_weight(joining, lane, passage);

    if (status != STATUS_OK)
        return status;
    if (passage_complete(passage, lane))
        return finish(joining, lane, passage);
    return put_open(joining, lane, passage, was_open);
}

/* Is it the vehicle that has just gone out, triggered once more? */
static enum status is_echo(struct joining *joining,
                           const struct lane_config *lane,
                           const struct capture *capture, bool *echo)
{
    json_t *json = NULL;
    struct passage last;
    char plate[PLATE_MAX];
    enum status status =
        note_read_json(joining->queue, "last", lane->name, &json);

    plate_read(text_of(capture->json, "plate"), plate);
    *echo = status == STATUS_OK && passage_of_json(json, &last) &&
            plate[0] != 0 && same(plate, last.plate) &&
            passage_fits(&last, lane, capture);
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* It is no part of the open passage: then whose is it? */
static enum status place_capture(struct joining *joining,
                                 const struct lane_config *lane,
                                 const struct capture *capture,
                                 struct passage *open)
{
    struct outgoing_news news = {.capture = capture};
    struct passage fresh;
    bool found = false;
    enum status status = outgoing_late(joining, lane, &news, &found);

    if (status != STATUS_OK || found)
        return status;
    status = is_echo(joining, lane, capture, &found);
    if (status == STATUS_OK && found)
        return joining_settle(joining, capture->event, FATE_USED);
    if (status == STATUS_OK && open != NULL)
        status = finish(joining, lane, open);
    if (status != STATUS_OK)
        return status;
    fresh = passage_open(lane, capture);
    return keep_or_finish(joining, lane, &fresh, false);
}

enum status joining_capture(struct joining *joining,
                            const struct message *message, uint64_t event)
{
    const struct lane_config *lane = capture_lane(joining->config, message);
    struct capture capture = {event, message->device, instant_of(message),
                              message->json};
    struct passage passage;
    bool open = false;
    enum status status;

    if (lane == NULL)
        return joining_settle(joining, event, FATE_UNROUTED);
    status = read_open(joining, lane, &passage, &open);
    if (status != STATUS_OK)
        return status;
    if (!open || !passage_fits(&passage, lane, &capture))
        return place_capture(joining, lane, &capture, open ? &passage : NULL);
    passage_take(&passage, lane, &capture);
    return keep_or_finish(joining, lane, &passage, true);
}

enum status joining_revision(struct joining *joining,
                             const struct message *message, uint64_t event,
                             uint64_t known)
{
    const struct lane_config *lane = capture_lane(joining->config, message);
    struct capture capture = {event, message->device, instant_of(message),
                              message->json};
    struct outgoing_news news = {.capture = &capture, .known = known};
    struct passage passage;
    bool open = false;
    bool found = false;
    enum status status;

    if (lane == NULL)
        return joining_settle(joining, event, FATE_UNROUTED);
    status = read_open(joining, lane, &passage, &open);
    if (status != STATUS_OK)
        return status;
    if (open && passage_has_event(&passage, known)) {
        passage_revise(&passage, lane, &capture, known);
        return keep_or_finish(joining, lane, &passage, true);
    }
    status = outgoing_late(joining, lane, &news, &found);
    if (status != STATUS_OK || found)
        return status;
    return joining_settle(joining, event, FATE_UNROUTED);
}

/* ---- weights ------------------------------------------------------------ */

static struct weight weight_of(const struct message *message, uint64_t event)
{
    const char *unit = text_of(message->json, "unit");
    double gross = json_number_value(json_object_get(message->json, "gross"));
    struct weight weight = {.event = event, .at_ms = instant_of(message)};

    weight.gross_t = same(unit, "t")    ? gross
                     : same(unit, "lb") ? gross * POUND_T
                                        : gross / 1000.0;
    plate_read(text_of(message->json, "plate"), weight.plate);
    return weight;
}

/* The open passage of the lane takes the weight, if it is its own. */
static enum status offer_open(struct joining *joining,
                              const struct lane_config *lane,
                              const struct weight *weight, bool *taken)
{
    struct passage passage;
    bool open = false;
    enum status status = read_open(joining, lane, &passage, &open);

    if (status != STATUS_OK || !open ||
        !passage_weight_fits(&passage, lane, weight))
        return status;
    *taken = true;
    passage_weigh(&passage, weight); /* the later weighing counts */
    return keep_or_finish(joining, lane, &passage, true);
}

/* Is it the truck that has just been weighed, rocking on the scale? */
static enum status is_rocking(struct joining *joining,
                              const struct lane_config *lane,
                              const struct weight *weight, bool *rocking)
{
    json_t *json = NULL;
    struct passage last;
    enum status status =
        note_read_json(joining->queue, "last", lane->name, &json);

    *rocking =
        status == STATUS_OK && passage_of_json(json, &last) &&
        last.weight_event != 0 && passage_weight_fits(&last, lane, weight) &&
        llabs(weight->at_ms - last.weighed_at_ms) <=
            (long long)lane->deadline_s * SECOND_MS &&
        fabs(weight->gross_t - last.gross_t) <= 0.1 + last.gross_t / 100.0;
    json_decref(json);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Nobody takes it yet: it waits for its vehicle; the one of the same plate
 * or scale that waited before it has missed its own. */
static enum status put_weight(struct joining *joining,
                              const struct message *message,
                              const struct weight *weight, int64_t wait_ms)
{
    struct weight older;
    bool there = false;
    char key[160];
    json_t *json = NULL;
    enum status status;

    weight_key(weight->plate, message->device, key);
    status = read_weight(joining, key, &older, &there);
    if (status == STATUS_OK && there)
        status = joining_settle(joining, older.event, FATE_UNROUTED);
    if (status == STATUS_OK && (json = weight_to_json(weight)) == NULL)
        status = STATUS_NOMEM;
    if (status == STATUS_OK)
        status = note_put_due(joining->queue, "weight", key, joining->now_ms,
                              joining->now_ms + wait_ms, json);
    json_decref(json);
    return status;
}

/* One of the lanes that the scale serves may know the vehicle. */
static enum status offer(struct joining *joining, const struct message *message,
                         const struct weight *weight, bool *taken)
{
    struct outgoing_news news = {.weight = weight};
    const struct lane_config *lane;
    enum status status = STATUS_OK;
    unsigned at = 0;

    while (status == STATUS_OK && !*taken &&
           (lane = weight_lane(joining->config, message, &at)) != NULL)
        status = offer_open(joining, lane, weight, taken);
    at = 0;
    while (status == STATUS_OK && !*taken && weight->plate[0] != 0 &&
           (lane = weight_lane(joining->config, message, &at)) != NULL)
        status = outgoing_late(joining, lane, &news, taken);
    return status;
}

enum status joining_weight(struct joining *joining,
                           const struct message *message, uint64_t event)
{
    struct weight weight = weight_of(message, event);
    const struct lane_config *lane;
    enum status status;
    int64_t wait_ms = 0;
    bool taken = false;
    bool rocking = false;
    unsigned at = 0;

    status = offer(joining, message, &weight, &taken);
    while (status == STATUS_OK && !taken && !rocking &&
           (lane = weight_lane(joining->config, message, &at)) != NULL) {
        uint32_t seconds = weight.plate[0] != 0 ? lane->difference_deadline_s
                                                : lane->deadline_s;

        if (wait_ms < (int64_t)seconds * SECOND_MS)
            wait_ms = (int64_t)seconds * SECOND_MS;
        status = is_rocking(joining, lane, &weight, &rocking);
    }
    if (status != STATUS_OK || taken)
        return status;
    if (rocking || wait_ms == 0)
        return joining_settle(joining, event, FATE_UNROUTED);
    return put_weight(joining, message, &weight, wait_ms);
}

/* ---- deadlines ---------------------------------------------------------- */

/* A note of a lane that is not in the settings any more. */
static enum status give_up(struct joining *joining,
                           const struct passage *passage)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < passage->event_count && status == STATUS_OK; i++)
        status = joining_settle(joining, passage->events[i], FATE_UNROUTED);
    return status;
}

static enum status end_join(struct joining *joining, const char *key,
                            const json_t *json)
{
    const struct lane_config *lane = lane_named(joining->config, key);
    struct passage passage;
    bool good = passage_of_json(json, &passage);
    enum status status = note_put_text(joining->queue, "join", key, "");

    if (status != STATUS_OK || !good)
        return status;
    return lane != NULL ? finish(joining, lane, &passage)
                        : give_up(joining, &passage);
}

static enum status end_waiting_entry(struct joining *joining, const char *key,
                                     const json_t *json)
{
    const struct lane_config *lane =
        lane_named(joining->config, text_of(json, "lane"));
    struct passage passage;
    bool good = passage_of_json(json_object_get(json, "passage"), &passage);
    enum status status = note_put_text(joining->queue, "entry", key, "");

    if (status != STATUS_OK || !good)
        return status;
    return lane != NULL ? outgoing_send(joining, lane, &passage)
                        : give_up(joining, &passage);
}

static enum status end_weight(struct joining *joining, const char *key,
                              const json_t *json)
{
    struct weight weight;
    bool good = weight_of_json(json, &weight);
    enum status status = note_put_text(joining->queue, "weight", key, "");

    if (status != STATUS_OK || !good)
        return status;
    return joining_settle(joining, weight.event, FATE_UNROUTED);
}

static const struct waiting {
    const char *space;
    enum status (*end)(struct joining *joining, const char *key,
                       const json_t *json);
} waiting[] = {
    {"join", end_join},
    {"entry", end_waiting_entry},
    {"weight", end_weight},
};

static enum status end_due(struct joining *joining, const struct waiting *kind)
{
    enum status status = STATUS_OK;

    for (int i = 0; i < TICK_MAX && status == STATUS_OK; i++) {
        struct bytes key = BYTES_EMPTY;
        json_t *json = NULL;

        status = note_find_due(joining->queue, kind->space, joining->now_ms,
                               &key, &json);
        if (status == STATUS_OK)
            status = kind->end(joining, bytes_text(&key), json);
        json_decref(json);
        bytes_free(&key);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status joining_tick(struct joining *joining)
{
    enum status status = STATUS_OK;

    for (size_t i = 0;
         i < sizeof(waiting) / sizeof(waiting)[0] && status == STATUS_OK; i++)
        status = end_due(joining, &waiting[i]);
    return status;
}
