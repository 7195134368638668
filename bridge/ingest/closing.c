#include "closing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lanes.h"
#include "notes.h"
#include "outgoing.h"

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text != NULL ? text : "";
}

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

enum status closing_finish(struct joining *joining,
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

enum status closing_give_up(struct joining *joining,
                            const struct passage *passage)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < passage->event_count && status == STATUS_OK; i++)
        status = joining_settle(joining, passage->events[i], FATE_UNROUTED);
    return status;
}

enum status closing_end_entry(struct joining *joining, const char *key,
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
                        : closing_give_up(joining, &passage);
}

/* ---- the one before ----------------------------------------------------- */

enum status closing_is_echo(struct joining *joining,
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

enum status closing_is_rocking(struct joining *joining,
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
