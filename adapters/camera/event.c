#include "event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "clock.h"
#include "picture_fit.h"
#include "sightings.h"
#include "text.h"

#define EARLIEST_MS INT64_C(1704038400000) /* 2024-01-01 in China */
#define MEMBERS_KB 32                      /* all but the pictures */

/* ---- identity ----------------------------------------------------------- */

/* Letters, digits and -._: + only; what a person can type and search for. */
static bool is_plain(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789-._:+") == strlen(text);
}

static uint64_t hash_of(const struct capture *capture)
{
    uint64_t hash = hash_text(HASH_START, span_text(capture->device));

    hash = hash_text(hash, span_text(capture->key));
    hash = hash_text(hash, span_text(capture->plate));
    return hash_text(hash, span_of(&capture->at_ms, sizeof capture->at_ms));
}

void event_id(const struct camera_config *camera, const struct capture *capture,
              struct span message, char id[static EVENT_ID_MAX])
{
    char lane[16] = "";

    /* Two lanes may see two vehicles at the same instant. */
    if (camera->maker == MAKER_DAHUA && capture->lane > 0)
        snprintf(lane, sizeof lane, "-%u", capture->lane);
    if (capture->key[0] == 0 && capture->at_ms == 0)
        snprintf(id, EVENT_ID_MAX, "message-%016" PRIx64,
                 hash_text(HASH_START, message));
    else if (capture->key[0] == 0)
        snprintf(id, EVENT_ID_MAX, "plate-%016" PRIx64, hash_of(capture));
    else if (strlen(capture->device) + strlen(capture->key) <= 100 &&
             is_plain(capture->device) && is_plain(capture->key))
        text_print(id, EVENT_ID_MAX, "%s%s%s%s", capture->device,
                   capture->device[0] == 0 ? "" : "-", capture->key, lane);
    else
        snprintf(id, EVENT_ID_MAX, "key-%016" PRIx64 "%s",
                 hash_text(hash_text(HASH_START, span_text(capture->device)),
                           span_text(capture->key)),
                 lane);
}

bool event_time_plausible(int64_t at_ms, int64_t now_ms)
{
    return at_ms >= EARLIEST_MS &&
           (at_ms <= now_ms + DAY_MS || now_ms < EARLIEST_MS);
}

/* ---- pictures ----------------------------------------------------------- */

struct fitting {
    struct capture *capture;
    size_t original[CAPTURE_PICTURES_MAX]; /* bytes; 0: as it came */
    struct event_fit *fit;
};

static void picture_drop(struct fitting *fitting, size_t index)
{
    bytes_free(&fitting->capture->pictures[index].jpeg);
    fitting->fit->left_out++;
}

/* One that cannot be made smaller is left out; one that is no JPEG too. */
static void picture_limit(struct fitting *fitting, size_t index,
                          size_t limit_bytes)
{
    struct bytes *jpeg = &fitting->capture->pictures[index].jpeg;
    struct bytes smaller = BYTES_EMPTY;
    size_t size = jpeg->len;

    if (size == 0)
        return;
    if (!picture_is_jpeg(bytes_view(jpeg))) {
        picture_drop(fitting, index);
        return;
    }
    if (size <= limit_bytes)
        return;
    if (picture_fit(bytes_view(jpeg), limit_bytes, &smaller) != STATUS_OK) {
        picture_drop(fitting, index);
        return;
    }
    if (fitting->original[index] == 0) {
        fitting->original[index] = size;
        fitting->fit->smaller++;
    }
    bytes_free(jpeg);
    bytes_move(jpeg, &smaller);
}

static void pictures_limit(struct fitting *fitting, size_t limit_bytes)
{
    for (size_t i = 0; i < fitting->capture->picture_count; i++)
        picture_limit(fitting, i, limit_bytes);
}

static size_t pictures_size(const struct capture *capture, size_t *count)
{
    size_t size = 0;

    *count = 0;
    for (size_t i = 0; i < capture->picture_count; i++) {
        size += capture->pictures[i].jpeg.len;
        *count += capture->pictures[i].jpeg.len > 0 ? 1 : 0;
    }
    return size;
}

static enum capture_part part_of(const struct camera_config *camera,
                                 const struct capture_picture *picture)
{
    return picture->part == PART_SCENE ? (enum capture_part)camera->kind
                                       : picture->part;
}

static void pictures_drop(struct fitting *fitting,
                          const struct camera_config *camera, size_t all_bytes)
{
    static const enum capture_part order[] = {PART_PLATE, PART_SCENE, PART_BODY,
                                              PART_HEAD};
    struct capture *capture = fitting->capture;
    size_t count;

    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        for (size_t i = 0; i < capture->picture_count; i++)
            if (pictures_size(capture, &count) > all_bytes &&
                capture->pictures[i].jpeg.len > 0 &&
                part_of(camera, &capture->pictures[i]) == order[k])
                picture_drop(fitting, i);
}

static void pictures_fit(struct fitting *fitting,
                         const struct cameras_config *config,
                         const struct camera_config *camera)
{
    size_t all_bytes =
        ((size_t)config->payload_limit_kb - MEMBERS_KB) * 1024 / 4 * 3;
    size_t count;

    pictures_limit(fitting, (size_t)config->picture_limit_kb * 1024);
    if (pictures_size(fitting->capture, &count) > all_bytes)
        pictures_limit(fitting, all_bytes / count);
    pictures_drop(fitting, camera, all_bytes);
}

/* ---- members ------------------------------------------------------------ */

#define PLATE_CHARACTERS_MAX 20 /* docs/topics.md; a longer one is no plate */

static bool plate_is_one(const char *plate)
{
    size_t characters = 0;

    for (; *plate != 0; plate++)
        characters += ((unsigned char)*plate & 0xc0) != 0x80 ? 1 : 0;
    return characters <= PLATE_CHARACTERS_MAX;
}

static bool put(json_t *object, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(object, key, value) == 0;
}

/* The picture's own bytes go as soon as its text is there. */
static json_t *picture_json(const struct camera_config *camera,
                            struct capture_picture *picture, size_t original)
{
    static const char *const words[] = {[PART_SCENE] = "scene",
                                        [PART_PLATE] = "plate",
                                        [PART_HEAD] = "head",
                                        [PART_BODY] = "body"};
    struct bytes text = BYTES_EMPTY;
    json_t *json = json_object();
    bool done =
        json != NULL &&
        put(json, "kind", json_string(words[part_of(camera, picture)])) &&
        base64_encode(bytes_view(&picture->jpeg), &text) == STATUS_OK;

    bytes_free(&picture->jpeg);
    done = done &&
           put(json, "jpeg", json_stringn_nocheck(bytes_text(&text), text.len));
    bytes_free(&text);
    if (done && original > 0)
        done = put(json, "reencoded", json_true()) &&
               put(json, "original_bytes", json_integer((json_int_t)original));
    if (done)
        return json;
    json_decref(json);
    return NULL;
}

static bool put_pictures(json_t *content, const struct camera_config *camera,
                         const struct fitting *fitting)
{
    struct capture *capture = fitting->capture;
    json_t *list = json_array();
    bool done = list != NULL;

    for (size_t i = 0; done && i < capture->picture_count; i++)
        if (capture->pictures[i].jpeg.len > 0)
            done = json_array_append_new(
                       list, picture_json(camera, &capture->pictures[i],
                                          fitting->original[i])) == 0;
    if (done && json_array_size(list) > 0)
        done = json_object_set(content, "pictures", list) == 0;
    json_decref(list);
    if (done && fitting->fit->left_out > 0)
        done = put(content, "pictures_left_out",
                   json_integer(fitting->fit->left_out));
    return done;
}

static bool has_word(const char *const *words, unsigned count, const char *word)
{
    for (unsigned i = 0; i < count; i++)
        if (strcasecmp(words[i], word) == 0)
            return true;
    return false;
}

static const char *direction_of(const struct camera_config *camera,
                                const struct capture *capture)
{
    switch ((enum heading)camera->direction) {
    case HEADING_IN:
        return "in";
    case HEADING_OUT:
        return "out";
    case HEADING_BY_MOVEMENT:
        if (has_word(camera->in_words, camera->in_word_count,
                     capture->movement))
            return "in";
        if (has_word(camera->out_words, camera->out_word_count,
                     capture->movement))
            return "out";
        return NULL;
    case HEADING_NONE:
        break;
    }
    return NULL;
}

static const char *lane_of(const struct camera_config *camera,
                           const struct capture *capture)
{
    if (capture->lane >= 1 && capture->lane <= camera->lane_count)
        return camera->lanes[capture->lane - 1];
    return camera->lane;
}

/* What support wants to see of an event later; numbers, words and no more. */
static bool put_vendor(json_t *content, const struct camera_config *camera,
                       const struct capture *capture)
{
    static const char *const shown[] = {
        "plate_kind",   "type_raw",       "plateid",          "uuid",
        "vehicle_type", "vehicle_color",  "vehicle_type_gat", "speed",
        "brand",        "confidence_raw", "picture_faults",   "doubts"};
    json_t *vendor = json_object();
    bool done =
        vendor != NULL && json_object_set_new(content, "vendor", vendor) == 0;

    done = done && put(vendor, "maker", json_string(maker_word(camera->maker)));
    if (capture->device[0] != 0)
        done = done && put(vendor, "device", json_string(capture->device));
    if (!plate_is_one(capture->plate))
        done = done && put(vendor, "plate_read", json_string(capture->plate));
    if (capture->movement[0] != 0)
        done = done && put(vendor, "movement", json_string(capture->movement));
    if (capture->trigger[0] != 0)
        done = done && put(vendor, "trigger", json_string(capture->trigger));
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        json_t *value = json_object_get(capture->details, shown[i]);

        if (value != NULL && !json_is_null(value))
            done = done && json_object_set(vendor, shown[i], value) == 0;
    }
    return done;
}

static bool put_facts(json_t *content, const struct camera_config *camera,
                      const struct capture *capture)
{
    const char *direction = direction_of(camera, capture);
    const char *lane = lane_of(camera, capture);
    const char *plate = plate_is_one(capture->plate) ? capture->plate : "";
    bool done = put(content, "plate", json_string(plate));

    if (capture->color[0] != 0)
        done = done && put(content, "color", json_string(capture->color));
    if (direction != NULL)
        done = done && put(content, "direction", json_string(direction));
    if (isfinite(capture->confidence))
        done =
            done && put(content, "confidence", json_real(capture->confidence));
    if (lane[0] != 0)
        done = done && put(content, "lane", json_string(lane));
    if (capture->history)
        done = done && put(content, "history", json_true());
    return done;
}

enum status event_content(const struct cameras_config *config,
                          const struct camera_config *camera,
                          struct capture *capture, struct event_fit *fit,
                          json_t **content)
{
    struct fitting fitting = {.capture = capture, .fit = fit};
    json_t *made = json_object();

    *fit = (struct event_fit){0, 0};
    pictures_fit(&fitting, config, camera);
    if (made == NULL || !put_facts(made, camera, capture) ||
        !put_pictures(made, camera, &fitting) ||
        !put_vendor(made, camera, capture)) {
        json_decref(made);
        return STATUS_NOMEM;
    }
    *content = made;
    return STATUS_OK;
}
