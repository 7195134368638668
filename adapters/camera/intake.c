#include "intake.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aside.h"
#include "event.h"
#include "log.h"
#include "makers.h"
#include "quiet.h"
#include "sightings.h"

#define HEAVY_BYTES ((size_t)2 << 20)
/* Of one message; further ones are as one that is bad. */
#define EVENTS_MAX 64
/* A camera that tells neither time nor number may mean another vehicle when it
 * says the same again; it sends a message again within seconds. */
#define SAME_WITHIN_MS (2 * MINUTE_MS)

struct intake {
    struct intake_options options;
    struct sightings *sightings;
    struct aside *aside;
    pthread_mutex_t heavy;
    struct quiet bad, unknown, stranger, clockless, later, fitted;
};

/* ---- making ------------------------------------------------------------- */

static enum status stores_open(struct intake *intake)
{
    const char *folder = intake->options.config->adapter.outbox.folder;
    char path[PATH_MAX];
    enum status status;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return STATUS_IO;
    if ((size_t)snprintf(path, sizeof path, "%s/sightings", folder) >=
        sizeof path)
        return STATUS_INVALID;
    status = sightings_open(path, &intake->sightings);
    if (status != STATUS_OK)
        return status;
    snprintf(path, sizeof path, "%s/bad", folder);
    return aside_open(path, &intake->aside);
}

enum status intake_open(const struct intake_options *options,
                        struct intake **intake)
{
    struct intake *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = *options;
    pthread_mutex_init(&made->heavy, NULL);
    status = stores_open(made);
    if (status == STATUS_OK)
        *intake = made;
    else
        intake_close(made);
    return status;
}

void intake_close(struct intake *intake)
{
    if (intake == NULL)
        return;
    sightings_close(intake->sightings);
    aside_close(intake->aside);
    pthread_mutex_destroy(&intake->heavy);
    free(intake);
}

static bool may_log(struct intake *intake, struct quiet *quiet, unsigned *held)
{
    return quiet_pass(quiet, clock_steady_ms(intake->options.clock), held);
}

static void count(struct intake *intake, enum tally tally, uint64_t more)
{
    roster_count(intake->options.roster, tally, more);
}

/* ---- what cannot be used ------------------------------------------------ */

/*
 * A fault of kind UNKNOWN may come every few seconds from firmware that sends
 * more than is known here: of those one in ten seconds is put aside.
 */
static enum outcome put_aside(struct intake *intake,
                              const struct intake_message *message,
                              const struct decode_fault *fault)
{
    const struct camera_config *camera = message->cameras[0];
    bool unknown = fault->kind == DECODE_UNKNOWN;
    struct quiet *quiet = unknown ? &intake->unknown : &intake->bad;
    unsigned held = 0;
    bool logs = may_log(intake, quiet, &held);
    char file[ASIDE_NAME_MAX] = "";

    count(intake, TALLY_BAD, 1);
    if ((logs || !unknown) && message->body.len > 0 &&
        aside_put(intake->aside, clock_wall_ms(intake->options.clock),
                  camera->id, maker_word(camera->maker), message->body,
                  file) != STATUS_OK)
        return OUTCOME_LATER;
    if (logs)
        log_at(LOG_WARN, "bad_message", LOG_TEXT("camera", camera->id),
               LOG_TEXT("fault", decode_fault_word(fault->kind)),
               LOG_NUMBER("offset", fault->offset),
               LOG_TEXT("reason", fault->text), LOG_TEXT("file", file),
               LOG_NUMBER("not_logged", held));
    return OUTCOME_BAD;
}

static enum outcome turn_away(struct intake *intake,
                              const struct intake_message *message,
                              const struct capture *capture)
{
    unsigned held;

    count(intake, TALLY_REFUSED, 1);
    if (may_log(intake, &intake->stranger, &held))
        log_at(LOG_WARN, "unknown_camera",
               LOG_TEXT("maker", maker_word(message->cameras[0]->maker)),
               LOG_TEXT("identity", capture->device),
               LOG_TEXT("reason", "no camera at this address has this "
                                  "identity in the settings"),
               LOG_NUMBER("not_logged", held));
    return OUTCOME_STRANGER;
}

/* ---- keeping a passage -------------------------------------------------- */

/*
 * *at_ms: the camera's time, or that of receipt when the camera cannot mean
 * its own; the same each time the event comes again.
 */
static enum status time_of(struct intake *intake,
                           const struct camera_config *camera,
                           const struct capture *capture, const char *id,
                           int64_t *at_ms)
{
    int64_t now_ms = clock_wall_ms(intake->options.clock);
    bool known_again = capture->key[0] != 0 || capture->at_ms != 0;
    unsigned held;
    uint64_t hash;

    *at_ms = capture->at_ms;
    if (event_time_plausible(capture->at_ms, now_ms))
        return STATUS_OK;
    if (capture->at_ms != 0 && may_log(intake, &intake->clockless, &held))
        log_at(LOG_WARN, "camera_clock_wrong", LOG_TEXT("camera", camera->id),
               LOG_NUMBER("told_ms", capture->at_ms),
               LOG_TEXT("reason", "before 2024 or more than a day ahead; the "
                                  "time of receipt is taken"),
               LOG_NUMBER("not_logged", held));
    hash = hash_text(HASH_START, span_text(camera->id));
    hash = hash_text(hash, span_text(id));
    hash = hash_text(hash, span_text(capture->plate));
    hash = hash_text(hash, span_of(&capture->at_ms, sizeof capture->at_ms));
    return sightings_time(intake->sightings, hash, now_ms,
                          known_again ? DAY_MS : SAME_WITHIN_MS, at_ms);
}

static void tell_fit(struct intake *intake, const struct camera_config *camera,
                     const char *id, const struct event_fit *fit)
{
    unsigned held;

    count(intake, TALLY_SMALLER, fit->smaller);
    count(intake, TALLY_LEFT_OUT, fit->left_out);
    if ((fit->smaller > 0 || fit->left_out > 0) &&
        may_log(intake, &intake->fitted, &held))
        log_at(fit->left_out > 0 ? LOG_WARN : LOG_INFO, "pictures_fitted",
               LOG_TEXT("camera", camera->id), LOG_TEXT("id", id),
               LOG_NUMBER("smaller", fit->smaller),
               LOG_NUMBER("left_out", fit->left_out),
               LOG_NUMBER("not_logged", held));
}

static enum outcome told(struct intake *intake,
                         const struct camera_config *camera, const char *id,
                         enum status status, enum courier_news news)
{
    static const struct {
        enum tally tally;
        const char *word;
    } of_news[] = {[COURIER_NEW] = {TALLY_EVENTS, "stored"},
                   [COURIER_EDITION] = {TALLY_EDITIONS, "edition_stored"},
                   [COURIER_REPEAT] = {TALLY_REPEATS, "repeat"}};
    unsigned held;

    if (status == STATUS_OK) {
        count(intake, of_news[news].tally, 1);
        log_at(LOG_DEBUG, of_news[news].word, LOG_TEXT("camera", camera->id),
               LOG_TEXT("id", id));
        return OUTCOME_KEPT;
    }
    count(intake, TALLY_LATER, 1);
    if (may_log(intake, &intake->later, &held))
        log_at(LOG_ERROR, "not_stored", LOG_TEXT("camera", camera->id),
               LOG_TEXT("id", id), LOG_TEXT("reason", status_text(status)),
               LOG_NUMBER("not_logged", held));
    return OUTCOME_LATER;
}

static enum outcome passage_keep(struct intake *intake,
                                 const struct camera_config *camera,
                                 struct capture *capture, struct span message)
{
    struct event_fit fit = {0, 0};
    json_t *content = NULL;
    char id[EVENT_ID_MAX];
    struct courier_event event = {camera->id, "capture", id, 0, NULL};
    enum courier_news news = COURIER_NEW;
    enum status status;

    event_id(camera, capture, message, id);
    status =
        event_content(intake->options.config, camera, capture, &fit, &content);
    if (status == STATUS_OK)
        status = time_of(intake, camera, capture, id, &event.at_ms);
    event.content = content;
    if (status == STATUS_OK)
        status = courier_put(intake->options.courier, &event, &news);
    json_decref(content);
    if (status == STATUS_OK)
        tell_fit(intake, camera, id, &fit);
    return told(intake, camera, id, status, news);
}

static bool is_heavy(const struct intake *intake, const struct capture *capture)
{
    size_t limit = (size_t)intake->options.config->picture_limit_kb * 1024;

    for (size_t i = 0; i < capture->picture_count; i++)
        if (capture->pictures[i].jpeg.len > limit)
            return true;
    return false;
}

static enum outcome capture_keep(struct intake *intake,
                                 const struct camera_config *camera,
                                 struct capture *capture, struct span message)
{
    roster_heard(intake->options.roster, camera);
    if (capture->kind == CAPTURE_PASSAGE)
        return passage_keep(intake, camera, capture, message);
    count(intake, TALLY_NOTES, 1);
    return OUTCOME_NOTED;
}

enum outcome intake_keep(struct intake *intake,
                         const struct camera_config *camera,
                         struct capture *capture, struct span message)
{
    bool heavy = is_heavy(intake, capture);
    enum outcome outcome;

    if (heavy)
        pthread_mutex_lock(&intake->heavy);
    outcome = capture_keep(intake, camera, capture, message);
    if (heavy)
        pthread_mutex_unlock(&intake->heavy);
    return outcome;
}

/* ---- a message ---------------------------------------------------------- */

/* The camera of this identity; else the one that needs none; else, for what
 * tells no identity (a heartbeat), the only one there is. */
static const struct camera_config *
camera_of(const struct intake_message *message, const struct capture *capture)
{
    const struct camera_config *any = NULL;

    for (size_t i = 0; i < message->camera_count; i++) {
        const struct camera_config *camera = message->cameras[i];

        if (camera->identity[0] == 0 ||
            (capture->device[0] == 0 && message->camera_count == 1))
            any = camera;
        else if (capture->device[0] != 0 &&
                 identity_same(camera->identity, capture->device))
            return camera;
    }
    return any;
}

static void pictures_free(struct capture *capture)
{
    for (size_t i = 0; i < capture->picture_count; i++)
        bytes_free(&capture->pictures[i].jpeg);
    capture->picture_count = 0;
}

/* What is answered for a message of several events: it is to come again when
 * one of them is; else what was kept counts. */
static enum outcome outcome_join(enum outcome a, enum outcome b)
{
    static const int rank[] = {[OUTCOME_STRANGER] = 0,
                               [OUTCOME_BAD] = 1,
                               [OUTCOME_NOTED] = 2,
                               [OUTCOME_KEPT] = 3,
                               [OUTCOME_LATER] = 4};

    return rank[a] >= rank[b] ? a : b;
}

static enum outcome one_take(struct intake *intake,
                             const struct intake_message *message, size_t *at,
                             const struct camera_config **camera,
                             struct capture *capture,
                             struct decode_fault *fault)
{
    enum outcome outcome;

    capture_free(capture);
    memset(capture, 0, sizeof *capture);
    if (!maker_decode(message, at, capture, fault)) {
        memset(capture, 0, sizeof *capture);
        capture->kind = CAPTURE_OTHER;
        *camera = message->cameras[0];
        return fault->kind == DECODE_MEMORY ? OUTCOME_LATER : OUTCOME_BAD;
    }
    *camera = camera_of(message, capture);
    if (*camera == NULL)
        outcome = turn_away(intake, message, capture);
    else if (message->body.len > HEAVY_BYTES)
        outcome = capture_keep(intake, *camera, capture, message->body);
    else
        outcome = intake_keep(intake, *camera, capture, message->body);
    pictures_free(capture);
    return outcome;
}

/* All events of a message; *first gets the first fault, or NONE. */
static enum outcome all_take(struct intake *intake,
                             const struct intake_message *message,
                             const struct camera_config **camera,
                             struct capture *capture,
                             struct decode_fault *first)
{
    enum outcome outcome = OUTCOME_STRANGER;
    unsigned events = 0;
    size_t at = 0;

    *first = (struct decode_fault){.kind = DECODE_NONE};
    do {
        struct decode_fault fault = {DECODE_NONE, 0, ""};

        if (events++ == EVENTS_MAX) {
            decode_fail(&fault, DECODE_LIMIT, at, "it has more than %d events",
                        EVENTS_MAX);
            at = message->body.len;
        } else {
            outcome = outcome_join(outcome, one_take(intake, message, &at,
                                                     camera, capture, &fault));
        }
        if (first->kind == DECODE_NONE)
            *first = fault;
    } while (outcome != OUTCOME_LATER && at < message->body.len);
    return outcome;
}

enum outcome intake_take(struct intake *intake,
                         const struct intake_message *message,
                         const struct camera_config **camera,
                         struct capture *capture)
{
    bool heavy = message->body.len > HEAVY_BYTES;
    struct decode_fault fault;
    enum outcome outcome;

    *camera = NULL;
    *capture = (struct capture){.kind = CAPTURE_OTHER};
    count(intake, TALLY_BYTES, message->body.len);
    if (heavy)
        pthread_mutex_lock(&intake->heavy);
    outcome = all_take(intake, message, camera, capture, &fault);
    if (outcome != OUTCOME_LATER && fault.kind != DECODE_NONE)
        outcome = outcome_join(outcome, put_aside(intake, message, &fault));
    if (heavy)
        pthread_mutex_unlock(&intake->heavy);
    return outcome;
}
