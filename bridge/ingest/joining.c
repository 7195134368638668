#include "joining.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "closing.h"
#include "lanes.h"
#include "late.h"
#include "notes.h"
#include "weights.h"

#define TICK_MAX 200 /* passages a tick: a group stays small */

enum status joining_settle(struct joining *joining, uint64_t event,
                           enum queue_fate fate)
{
    enum status status = queue_put_fate(joining->queue, event, fate);

    if (event == joining->event)
        joining->fate = fate;

    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- the open passage -------------------------------------------------- */

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

/* ---- captures ----------------------------------------------------------- */

/* What has changed is kept; what is complete goes out. */
static enum status keep_or_finish(struct joining *joining,
                                  const struct lane_config *lane,
                                  struct passage *passage, bool was_open)
{
    enum status status = weights_look(joining, lane, passage);

    if (status != STATUS_OK)
        return status;
    if (passage_complete(passage, lane))
        return closing_finish(joining, lane, passage);
    return put_open(joining, lane, passage, was_open);
}

/* It is no part of the open passage: then whose is it? */
static enum status place_capture(struct joining *joining,
                                 const struct lane_config *lane,
                                 const struct capture *capture,
                                 struct passage *open)
{
    struct late_news news = {.capture = capture};
    struct passage fresh;
    bool found = false;
    enum status status =
        late_offer(joining, lane, &news, capture->at_ms, &found);

    if (status != STATUS_OK || found)
        return status;
    status = closing_is_echo(joining, lane, capture, &found);
    if (status == STATUS_OK && found)
        return joining_settle(joining, capture->event, FATE_USED);
    if (status == STATUS_OK && open != NULL)
        status = closing_finish(joining, lane, open);
    if (status != STATUS_OK)
        return status;
    fresh = passage_open(lane, capture);
    return keep_or_finish(joining, lane, &fresh, false);
}

enum status joining_capture(struct joining *joining,
                            const struct message *message, uint64_t event)
{
    const struct lane_config *lane = lane_of_capture(joining->config, message);
    struct capture capture = {event, message->device, lane_instant(message),
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
    const struct lane_config *lane = lane_of_capture(joining->config, message);
    struct capture capture = {event, message->device, lane_instant(message),
                              message->json};
    struct late_news news = {.capture = &capture, .known = known};
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
    status = late_offer(joining, lane, &news, capture.at_ms, &found);
    if (status != STATUS_OK || found)
        return status;
    return joining_settle(joining, event, FATE_UNROUTED);
}

/* ---- weights ------------------------------------------------------------ */

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

/* One of the lanes that the scale serves may know the vehicle. */
static enum status offer(struct joining *joining, const struct message *message,
                         const struct weight *weight, bool *taken)
{
    struct late_news news = {.weight = weight};
    const struct lane_config *lane;
    enum status status = STATUS_OK;
    unsigned at = 0;

    while (status == STATUS_OK && !*taken &&
           (lane = lane_of_weight(joining->config, message, &at)) != NULL)
        status = offer_open(joining, lane, weight, taken);
    at = 0;
    while (status == STATUS_OK && !*taken && weight->plate[0] != 0 &&
           (lane = lane_of_weight(joining->config, message, &at)) != NULL)
        status = late_offer(joining, lane, &news, weight->at_ms, taken);
    return status;
}

enum status joining_weight(struct joining *joining,
                           const struct message *message, uint64_t event)
{
    struct weight weight = weights_read(message, event);
    const struct lane_config *lane;
    enum status status;
    int64_t wait_ms = 0;
    bool taken = false;
    bool rocking = false;
    unsigned at = 0;

    status = offer(joining, message, &weight, &taken);
    while (status == STATUS_OK && !taken && !rocking &&
           (lane = lane_of_weight(joining->config, message, &at)) != NULL) {
        uint32_t seconds = weight.plate[0] != 0 ? lane->difference_deadline_s
                                                : lane->deadline_s;

        if (wait_ms < (int64_t)seconds * SECOND_MS)
            wait_ms = (int64_t)seconds * SECOND_MS;
        status = closing_is_rocking(joining, lane, &weight, &rocking);
    }
    if (status != STATUS_OK || taken)
        return status;
    if (rocking || wait_ms == 0)
        return joining_settle(joining, event, FATE_UNROUTED);
    return weights_keep(joining, message, &weight, wait_ms);
}

/* ---- deadlines ---------------------------------------------------------- */

static enum status end_join(struct joining *joining, const char *key,
                            const json_t *json)
{
    const struct lane_config *lane = lane_named(joining->config, key);
    struct passage passage;
    bool good = passage_of_json(json, &passage);
    enum status status = note_put_text(joining->queue, "join", key, "");

    if (status != STATUS_OK || !good)
        return status;
    return lane != NULL ? closing_finish(joining, lane, &passage)
                        : closing_give_up(joining, &passage);
}

static const struct waiting {
    const char *space;
    enum status (*end)(struct joining *joining, const char *key,
                       const json_t *json);
} waiting[] = {
    {"join", end_join},
    {"entry", closing_end_entry},
    {"weight", weights_end},
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
