#include "passage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* A tare is never exact: up to this much below it is an empty vehicle. */
#define TARE_TOLERANCE_T 0.2

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int64_t deadline_ms(const struct lane_config *lane)
{
    return (int64_t)lane->deadline_s * SECOND_MS;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text != NULL ? text : "";
}

/* ---- captures ----------------------------------------------------------- */

enum view { VIEW_HEAD, VIEW_BODY, VIEW_BOTH };

/* What a lane's camera is there to show. */
static enum view view_of(const struct lane_config *lane, const char *device)
{
    bool head = same(lane->head_camera, device);
    bool body = same(lane->body_camera, device);

    if (head && (body || lane->body_camera[0] == 0))
        return VIEW_BOTH;
    return head ? VIEW_HEAD : VIEW_BODY;
}

static void set_picture(struct passage_picture *picture,
                        const struct capture *capture, size_t index)
{
    const json_t *json =
        json_array_get(json_object_get(capture->json, "pictures"), index);

    if (picture->event != 0)
        return;
    *picture = (struct passage_picture){capture->event, (unsigned)index,
                                        capture->at_ms};
    if (clock_read(span_text(text_of(json, "time")), &picture->at_ms) !=
        STATUS_OK)
        picture->at_ms = capture->at_ms;
}

/*
 * Which picture shows what: a picture says so itself, and else its camera's
 * place does.  The cut-out of a plate shows neither.  Of a camera that is
 * there for both, the first scene is the head and the second the body.
 */
static void take_pictures(struct passage *passage,
                          const struct lane_config *lane,
                          const struct capture *capture)
{
    enum view view = view_of(lane, capture->device);
    const json_t *pictures = json_object_get(capture->json, "pictures");
    struct passage_picture *of_view =
        view == VIEW_BODY ? &passage->body : &passage->head;
    const json_t *picture;
    size_t i;

    json_array_foreach(pictures, i, picture)
    {
        const char *kind = text_of(picture, "kind");

        if (same(kind, "head") && view != VIEW_BODY)
            set_picture(&passage->head, capture, i);
        else if (same(kind, "body") || (same(kind, "head")))
            set_picture(&passage->body, capture, i);
        else if (same(kind, "scene") && view == VIEW_BOTH &&
                 passage->head.event != 0)
            set_picture(&passage->body, capture, i);
        else if (same(kind, "scene"))
            set_picture(of_view, capture, i);
    }
}

static void set_text(char *text, size_t size, const char *value)
{
    if (text[0] == 0)
        snprintf(text, size, "%s", value);
}

static const char *direction_of(const struct lane_config *lane,
                                const struct capture *capture)
{
    if (lane->direction == DIRECTION_BY_CAMERA)
        return text_of(capture->json, "direction");
    return lane->direction == DIRECTION_IN ? "in" : "out";
}

struct passage passage_open(const struct lane_config *lane,
                            const struct capture *capture)
{
    struct passage passage = {
        .at_ms = capture->at_ms, .until_ms = capture->at_ms, .cargo_t = -1};

    passage_take(&passage, lane, capture);
    return passage;
}

/* A camera that did not recognise the colour says "other". */
static void take_color(struct passage *passage, const char *color)
{
    if (same(passage->color, "other") && *color != 0)
        passage->color[0] = 0;
    set_text(passage->color, sizeof(passage->color), color);
}

void passage_take(struct passage *passage, const struct lane_config *lane,
                  const struct capture *capture)
{
    char plate[PLATE_MAX];

    plate_read(text_of(capture->json, "plate"), plate);
    set_text(passage->plate, sizeof(passage->plate), plate);
    take_color(passage, text_of(capture->json, "color"));
    set_text(passage->direction, sizeof(passage->direction),
             direction_of(lane, capture));
    if (capture->at_ms < passage->at_ms)
        passage->at_ms = capture->at_ms;
    if (capture->at_ms > passage->until_ms)
        passage->until_ms = capture->at_ms;
    take_pictures(passage, lane, capture);
    passage_add_event(passage, capture->event);
}

void passage_revise(struct passage *passage, const struct lane_config *lane,
                    const struct capture *capture, uint64_t known)
{
    struct passage before = *passage;
    const char *plate = text_of(capture->json, "plate");

    if (*plate != 0)
        passage->plate[0] = 0;
    if (*text_of(capture->json, "color") != 0)
        passage->color[0] = 0;
    if (passage->head.event == known)
        passage->head.event = 0;
    if (passage->body.event == known)
        passage->body.event = 0;
    passage_take(passage, lane, capture);
    if (passage->plate[0] == 0)
        snprintf(passage->plate, sizeof(passage->plate), "%s", before.plate);
    if (passage->head.event == 0)
        passage->head = before.head;
    if (passage->body.event == 0)
        passage->body = before.body;
}

static bool near(int64_t a_ms, int64_t b_ms, int64_t limit_ms)
{
    return a_ms - b_ms <= limit_ms && b_ms - a_ms <= limit_ms;
}

bool passage_fits(const struct passage *passage, const struct lane_config *lane,
                  const struct capture *capture)
{
    struct passage tried = *passage;
    const char *direction = direction_of(lane, capture);
    char plate[PLATE_MAX];

    plate_read(text_of(capture->json, "plate"), plate);
    if (!near(capture->at_ms, passage->at_ms, deadline_ms(lane)))
        return false;
    if (passage->direction[0] != 0 && direction[0] != 0 &&
        !same(passage->direction, direction))
        return false;
    if (passage->plate[0] != 0 && plate[0] != 0)
        return same(passage->plate, plate);
    take_pictures(&tried, lane, capture);
    return tried.head.event != passage->head.event ||
           tried.body.event != passage->body.event;
}

/* ---- weights ------------------------------------------------------------ */

bool passage_weight_fits(const struct passage *passage,
                         const struct lane_config *lane,
                         const struct weight *weight)
{
    int64_t limit_ms = deadline_ms(lane);
    int64_t before_ms = passage->at_ms - weight->at_ms;

    if (weight->plate[0] != 0 && passage->plate[0] != 0 &&
        !same(weight->plate, passage->plate))
        return false;
    if (lane->weighing == WEIGHING_YARD &&
        (weight->plate[0] == 0 || passage->plate[0] == 0))
        return false;
    if (weight->plate[0] != 0 && lane->weighing != WEIGHING_LANE &&
        same(passage->direction, "out") && before_ms > 0)
        limit_ms = (int64_t)lane->difference_deadline_s * SECOND_MS;
    return near(passage->at_ms, weight->at_ms, limit_ms);
}

void passage_weigh(struct passage *passage, const struct weight *weight)
{
    passage->weight_event = weight->event;
    passage->gross_t = weight->gross_t;
    passage->weighed_at_ms = weight->at_ms;
    passage_add_event(passage, weight->event);
}

void passage_add_event(struct passage *passage, uint64_t event)
{
    if (event != 0 && !passage_has_event(passage, event) &&
        passage->event_count < PASSAGE_EVENTS_MAX)
        passage->events[passage->event_count++] = event;
}

bool passage_has_event(const struct passage *passage, uint64_t event)
{
    for (size_t i = 0; i < passage->event_count; i++)
        if (passage->events[i] == event)
            return true;
    return false;
}

void passage_difference(struct passage *entry, struct passage *exit)
{
    double brought_t = entry->gross_t - exit->gross_t;

    entry->cargo_t = brought_t > 0 ? brought_t : 0;
    exit->cargo_t = brought_t < 0 ? -brought_t : 0;
}

/* ---- what is there ------------------------------------------------------ */

bool passage_has_pictures(const struct passage *passage,
                          const struct lane_config *lane)
{
    return (passage->head.event != 0 || lane->head_camera[0] == 0) &&
           passage->body.event != 0;
}

bool passage_complete(const struct passage *passage,
                      const struct lane_config *lane)
{
    if (passage->plate[0] == 0 || !passage_has_pictures(passage, lane))
        return false;
    return lane->weighing == WEIGHING_NONE || passage->weight_event != 0;
}

/* Tonnes without the noise of binary fractions: to the kilogram. */
static double whole_kilograms(double tonnes)
{
    return round(tonnes * 1000.0) / 1000.0;
}

/* The cargo in tonnes, or < 0 and why. */
static double cargo_of(const struct passage *passage,
                       const struct lane_config *lane,
                       const struct vehicle *vehicle, char why[static 256])
{
    double cargo_t;

    if (lane->weighing == WEIGHING_NONE) {
        if (lane->default_weight < 0)
            snprintf(why, 256, "lane %.40s has no scale and no default_weight",
                     lane->name);
        return lane->default_weight;
    }
    if (passage->cargo_t >= 0)
        return passage->cargo_t;
    if (passage->weight_event == 0) {
        snprintf(why, 256, "no weight came from %.63s", lane->weighbridge);
        return -1;
    }
    if (vehicle == NULL || vehicle->tare_t < 0) {
        snprintf(why, 256, "%sthe ledger has no tare for %.63s",
                 lane->weighing == WEIGHING_DIFFERENCE
                     ? "there is no second weight and "
                     : "",
                 passage->plate);
        return -1;
    }
    cargo_t = passage->gross_t - vehicle->tare_t;
    if (cargo_t < -TARE_TOLERANCE_T) {
        snprintf(why, 256,
                 "the gross weight %.3f t is below the ledger's tare %.3f t",
                 passage->gross_t, vehicle->tare_t);
        return -1;
    }
    return cargo_t > 0 ? cargo_t : 0;
}

/* ---- for the platforms -------------------------------------------------- */

static void set(json_t *json, const char *name, const char *text)
{
    if (text != NULL && *text != 0)
        json_object_set_new(json, name, json_string(text));
}

static void set_reference(json_t *json, const char *name,
                          const struct passage_picture *picture)
{
    char pointer[48];

    if (picture->event == 0)
        return;
    snprintf(pointer, sizeof(pointer), "/pictures/%u/jpeg", picture->index);
    json_object_set_new(
        json, name,
        json_pack("{sIsssI}", "$event", (json_int_t)picture->event, "pointer",
                  pointer, "at_ms", (json_int_t)picture->at_ms));
}

json_t *passage_describe(const struct passage *passage,
                         const struct lane_config *lane,
                         const struct vehicle *vehicle, char why[static 256])
{
    json_t *json = json_pack("{sIsIsb}", "at_ms", (json_int_t)passage->at_ms,
                             "until_ms", (json_int_t)passage->until_ms,
                             "barrier_open", (int)lane->barrier_opens);
    double cargo_t;

    why[0] = 0;
    if (json == NULL)
        return NULL;
    cargo_t = cargo_of(passage, lane, vehicle, why);
    set(json, "plate", passage->plate);
    set(json, "color", passage->color);
    set(json, "direction", passage->direction);
    set(json, "lane", lane->name);
    set(json, "entrance", lane->entrance);
    set(json, "gate", lane->gate);
    set(json, "vehicle_id", vehicle != NULL ? vehicle->id : "");
    set(json, "vin", vehicle != NULL ? vehicle->vin : "");
    set(json, "cargo_type", lane->cargo_type);
    set(json, "cargo_unit", lane->cargo_unit);
    if (cargo_t >= 0)
        json_object_set_new(json, "cargo_weight_t",
                            json_real(whole_kilograms(cargo_t)));
    set_reference(json, "head", &passage->head);
    set_reference(json, "body", &passage->body);
    return json;
}

/* ---- as notes ----------------------------------------------------------- */

static json_t *picture_to_json(const struct passage_picture *picture)
{
    return json_pack("[III]", (json_int_t)picture->event,
                     (json_int_t)picture->index, (json_int_t)picture->at_ms);
}

static struct passage_picture picture_of_json(const json_t *json)
{
    return (struct passage_picture){
        (uint64_t)json_integer_value(json_array_get(json, 0)),
        (unsigned)json_integer_value(json_array_get(json, 1)),
        json_integer_value(json_array_get(json, 2)),
    };
}

json_t *passage_to_json(const struct passage *passage)
{
    json_t *events = json_array();
    json_t *json;

    for (size_t i = 0; i < passage->event_count; i++)
        json_array_append_new(events,
                              json_integer((json_int_t)passage->events[i]));
    json = json_pack(
        "{sssssssIsIsososIsfsIsfso}", "plate", passage->plate, "color",
        passage->color, "direction", passage->direction, "at",
        (json_int_t)passage->at_ms, "until", (json_int_t)passage->until_ms,
        "head", picture_to_json(&passage->head), "body",
        picture_to_json(&passage->body), "weight",
        (json_int_t)passage->weight_event, "gross", passage->gross_t,
        "weighed_at", (json_int_t)passage->weighed_at_ms, "cargo",
        passage->cargo_t, "events", events);
    return json;
}

bool passage_of_json(const json_t *json, struct passage *passage)
{
    const json_t *events = json_object_get(json, "events");
    const json_t *event;
    size_t i;

    *passage = (struct passage){
        .at_ms = json_integer_value(json_object_get(json, "at")),
        .until_ms = json_integer_value(json_object_get(json, "until")),
        .head = picture_of_json(json_object_get(json, "head")),
        .body = picture_of_json(json_object_get(json, "body")),
        .weight_event =
            (uint64_t)json_integer_value(json_object_get(json, "weight")),
        .gross_t = json_number_value(json_object_get(json, "gross")),
        .weighed_at_ms =
            json_integer_value(json_object_get(json, "weighed_at")),
        .cargo_t = json_number_value(json_object_get(json, "cargo")),
    };
    set_text(passage->plate, sizeof(passage->plate), text_of(json, "plate"));
    set_text(passage->color, sizeof(passage->color), text_of(json, "color"));
    set_text(passage->direction, sizeof(passage->direction),
             text_of(json, "direction"));
    json_array_foreach(events, i, event)
    {
        passage_add_event(passage, (uint64_t)json_integer_value(event));
    }
    return json_is_object(json) && json_is_array(events);
}

json_t *weight_to_json(const struct weight *weight)
{
    return json_pack("{sIsfsIss}", "event", (json_int_t)weight->event, "gross",
                     weight->gross_t, "at", (json_int_t)weight->at_ms, "plate",
                     weight->plate);
}

bool weight_of_json(const json_t *json, struct weight *weight)
{
    *weight = (struct weight){
        .event = (uint64_t)json_integer_value(json_object_get(json, "event")),
        .gross_t = json_number_value(json_object_get(json, "gross")),
        .at_ms = json_integer_value(json_object_get(json, "at")),
    };
    snprintf(weight->plate, sizeof(weight->plate), "%s",
             text_of(json, "plate"));
    return json_is_object(json);
}
