#include "folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aside.h"
#include "beneath.h"
#include "clock.h"
#include "folder_files.h"
#include "gbk.h"
#include "log.h"
#include "name_capture.h"
#include "name_pattern.h"
#include "picture_fit.h"
#include "quiet.h"
#include "sightings.h"
#include "stored_note.h"
#include "text.h"

#define PATTERNS_MAX 8
#define TORN_FACTOR 10 /* times settle_s, for what does not end as a JPEG */

struct folder {
    struct folder_options options;
    struct name_pattern patterns[PATTERNS_MAX];
    struct found_files files;
    unsigned number; /* of the next file in bad/ or done/ */
    bool done_grew;  /* since it was trimmed */
    struct quiet trouble;
};

/* The moment that a step works with. */
struct step {
    int64_t steady_ms;
    int64_t wall_ms;
};

enum status folder_open(const struct folder_options *options,
                        struct folder **folder)
{
    struct folder *made = calloc(1, sizeof *made);
    char why[PATTERN_WHY_MAX];

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = *options;
    for (unsigned i = 0; i < options->camera->file_count; i++)
        if (!name_pattern_read(options->camera->files[i].pattern,
                               &made->patterns[i], why)) {
            folder_close(made);
            return STATUS_INVALID;
        }
    if (files_make(&made->files) != STATUS_OK) {
        folder_close(made);
        return STATUS_NOMEM;
    }
    *folder = made;
    return STATUS_OK;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    files_free(&folder->files);
    free(folder);
}

void folder_closed(struct folder *folder, const char *name)
{
    struct found_file *file = files_find(&folder->files, name);

    if (file != NULL)
        file->closed = true;
}

static const char *top_of(const struct folder *folder)
{
    return folder->options.camera->folder;
}

static void tell(struct folder *folder, const struct step *step,
                 const char *event, const char *path, const char *reason)
{
    char name[FILE_PATH_MAX];
    unsigned held;

    if (!quiet_pass(&folder->trouble, step->steady_ms, &held))
        return;
    gbk_put(name, sizeof name, span_text(path));
    log_at(LOG_WARN, event, LOG_TEXT("camera", folder->options.camera->id),
           LOG_TEXT("file", name), LOG_TEXT("reason", reason),
           LOG_NUMBER("not_logged", held));
}

/* ---- taking away -------------------------------------------------------- */

/* Into below/ (bad, done), with the time in front of its name. */
static bool move_into(struct folder *folder, const struct step *step,
                      const char *path, const char *below)
{
    const char *slash = strrchr(path, '/');
    struct china_time at = china_time_of(step->wall_ms);
    char name[PATH_MAX];

    snprintf(name, sizeof name, "%04d%02d%02dT%02d%02d%02d-%06u-%.200s",
             at.year, at.month, at.day, at.hour, at.minute, at.second,
             folder->number++ % 1000000, slash == NULL ? path : slash + 1);
    return beneath_move(top_of(folder), path, below, name);
}

static bool remove_or_move(struct folder *folder, const struct step *step,
                           const char *path)
{
    return folder->options.config->upload.keep_done > 0
               ? move_into(folder, step, path, "done")
               : beneath_remove(top_of(folder), path);
}

static void put_bad(struct folder *folder, const struct step *step,
                    struct found_file *file, const char *reason)
{
    tell(folder, step, "bad_file", file->path, reason);
    file->state = FILE_BAD;
    move_into(folder, step, file->path, "bad");
    beneath_trim(top_of(folder), "bad", ASIDE_FILES_MAX);
}

/* What could not be taken away at first (no permission, no folder bad/) would
 * stand in the way of new files, once there are FILES_MAX of it. */
static void take_away_again(struct folder *folder, const struct step *step,
                            const struct found_file *file)
{
    if (file->state == FILE_KEPT)
        remove_or_move(folder, step, file->path);
    else if (move_into(folder, step, file->path, "bad"))
        beneath_trim(top_of(folder), "bad", ASIDE_FILES_MAX);
}

/* ---- what was stored and is still there --------------------------------- */

static const char *notes_of(const struct folder *folder)
{
    return folder->options.config->adapter.outbox.folder;
}

static void stored_note(const struct folder *folder,
                        struct found_file *const *members, size_t count)
{
    struct bytes names = BYTES_EMPTY;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = bytes_append(
            &names, span_of(members[i]->path, strlen(members[i]->path) + 1));
    if (status == STATUS_OK)
        status = stored_note_write(notes_of(folder), folder->options.camera->id,
                                   bytes_view(&names));
    if (status != STATUS_OK)
        log_at(LOG_WARN, "not_noted", LOG_TEXT("folder", top_of(folder)),
               LOG_TEXT("reason", status_text(status)));
    bytes_free(&names);
}

/* A kill came between the storing and the taking away. */
static void stored_finish(struct folder *folder, const struct step *step)
{
    const char *id = folder->options.camera->id;
    struct bytes names = BYTES_EMPTY;

    if (stored_note_read(notes_of(folder), id, &names) != STATUS_OK)
        return;
    for (size_t at = 0; at < names.len;
         at += strlen((const char *)names.data + at) + 1)
        remove_or_move(folder, step, (const char *)names.data + at);
    stored_note_remove(notes_of(folder), id);
    bytes_free(&names);
}

/* ---- looking at files --------------------------------------------------- */

/* The end of a file that is whole. */
static bool ends_as_jpeg(const struct folder *folder, const char *path)
{
    uint8_t end[2] = {0, 0};
    int fd = beneath_open(top_of(folder), path);
    off_t size;

    if (fd < 0)
        return false;
    size = lseek(fd, 0, SEEK_END);
    if (size < 2 || pread(fd, end, 2, size - 2) != 2)
        end[0] = 0;
    close(fd);
    return end[0] == 0xff && end[1] == 0xd9;
}

static bool is_whole(const struct folder *folder, const struct step *step,
                     const struct found_file *file)
{
    int64_t settle_ms = folder->options.config->upload.settle_s * SECOND_MS;
    int64_t still_ms = step->steady_ms - file->since_ms;

    if (!file->closed && still_ms < settle_ms)
        return false;
    return still_ms >= settle_ms * TORN_FACTOR ||
           ends_as_jpeg(folder, file->path);
}

static uint64_t passage_of(const struct found_file *file,
                           const struct name_facts *facts)
{
    uint64_t hash = HASH_START;

    if (facts->key[0] != 0)
        return hash_text(hash, span_text(facts->key));
    if (facts->plate[0] == 0 && facts->at_ms == 0)
        return hash_text(hash, span_text(file->path));
    hash = hash_text(hash, span_text(facts->plate));
    return hash_text(hash, span_of(&facts->at_ms, sizeof facts->at_ms));
}

static bool match(const struct folder *folder, const char *path,
                  unsigned *pattern, struct name_facts *facts)
{
    for (unsigned i = 0; i < folder->options.camera->file_count; i++)
        if (name_pattern_match(&folder->patterns[i], path, facts)) {
            *pattern = i;
            return true;
        }
    return false;
}

static void look_at(struct folder *folder, const struct step *step,
                    struct found_file *file)
{
    size_t limit = (size_t)folder->options.config->listen.body_limit_kb * 1024;
    struct name_facts facts;

    if (!file->regular) {
        put_bad(folder, step, file, "it is no regular file");
    } else if (match(folder, file->path, &file->pattern, &facts)) {
        file->passage = passage_of(file, &facts);
        file->state = FILE_WAITS;
    } else if (is_whole(folder, step, file)) {
        put_bad(folder, step, file, "its name fits no pattern");
    }
    if (file->state == FILE_WAITS && (uint64_t)file->size > limit)
        put_bad(folder, step, file, "it is above body_limit_kb");
}

/* ---- a passage ---------------------------------------------------------- */

/* Its members, at most CAPTURE_PICTURES_MAX of them; 0: not all are whole yet,
 * or the last one is too fresh. */
static size_t members_ready(struct folder *folder, const struct step *step,
                            uint64_t passage, struct found_file **members)
{
    int64_t join_ms = folder->options.config->upload.join_s * SECOND_MS;
    size_t count = 0;

    for (size_t i = 0; i < folder->files.count; i++) {
        struct found_file *file = &folder->files.all[i];

        if (file->state != FILE_WAITS || file->passage != passage)
            continue;
        if (!is_whole(folder, step, file) ||
            step->steady_ms - file->since_ms < join_ms)
            return 0;
        if (count < CAPTURE_PICTURES_MAX)
            members[count++] = file;
    }
    return count;
}

static int by_path(const void *a, const void *b)
{
    struct found_file *const *one = a;
    struct found_file *const *other = b;

    return strcmp((*one)->path, (*other)->path);
}

/* Never waits, and follows no link: what was a file may have been replaced. */
static enum status picture_read(const struct folder *folder,
                                const struct found_file *file,
                                struct bytes *jpeg)
{
    size_t limit = (size_t)folder->options.config->listen.body_limit_kb * 1024;
    enum status status = STATUS_FORMAT;
    struct stat info;
    ssize_t got = 1;
    int fd = beneath_open(top_of(folder), file->path);

    if (fd < 0)
        return STATUS_IO;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
        (uint64_t)info.st_size <= limit)
        status = bytes_reserve(jpeg, (size_t)info.st_size);
    while (status == STATUS_OK && got > 0 && jpeg->len < (size_t)info.st_size) {
        got =
            read(fd, jpeg->data + jpeg->len, (size_t)info.st_size - jpeg->len);
        if (got > 0)
            jpeg->len += (size_t)got;
    }
    close(fd);
    return got < 0 ? STATUS_IO : status;
}

/* What the names of all members say together. */
static void facts_join(const struct folder *folder,
                       struct found_file *const *members, size_t count,
                       struct name_facts *all)
{
    *all = (struct name_facts){.at_ms = 0};
    for (size_t i = 0; i < count; i++) {
        struct name_facts one;

        if (name_pattern_match(&folder->patterns[members[i]->pattern],
                               members[i]->path, &one))
            name_facts_join(all, &one);
    }
}

/* One that cannot be read or is no JPEG goes to bad/ and is no member more. */
static size_t pictures_add(struct folder *folder, const struct step *step,
                           struct found_file **members, size_t count,
                           struct capture *capture)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct found_file *file = members[i];
        struct bytes jpeg = BYTES_EMPTY;
        int kind = folder->options.camera->files[file->pattern].kind;

        if (picture_read(folder, file, &jpeg) == STATUS_OK &&
            picture_is_jpeg(bytes_view(&jpeg))) {
            capture->pictures[kept] =
                (struct capture_picture){.part = (enum capture_part)kind};
            bytes_move(&capture->pictures[kept].jpeg, &jpeg);
            members[kept++] = file;
        } else {
            put_bad(folder, step, file, "it is no JPEG");
        }
        bytes_free(&jpeg);
    }
    capture->picture_count = kept;
    return kept;
}

static void members_done(struct folder *folder, const struct step *step,
                         struct found_file **members, size_t count)
{
    stored_note(folder, members, count);
    for (size_t i = 0; i < count; i++) {
        members[i]->state = FILE_KEPT;
        if (!remove_or_move(folder, step, members[i]->path))
            tell(folder, step, "file_stays", members[i]->path, strerror(errno));
    }
    stored_note_remove(notes_of(folder), folder->options.camera->id);
    folder->done_grew = true;
}

/* Once a step: there may be a hundred thousand names to sort. */
static void done_trim(struct folder *folder)
{
    size_t keep = folder->options.config->upload.keep_done;

    if (folder->done_grew && keep > 0)
        beneath_trim(top_of(folder), "done", keep);
    folder->done_grew = false;
}

/* False: the intake cannot keep more now. */
static bool passage_take(struct folder *folder, const struct step *step,
                         struct found_file **members, size_t count)
{
    struct name_facts facts;
    struct capture capture;
    enum outcome outcome;
    char first[FILE_PATH_MAX];

    qsort(members, count, sizeof members[0], by_path);
    facts_join(folder, members, count, &facts);
    text_put(first, sizeof first, members[0]->path);
    if (!name_capture(&facts, &capture))
        return false;
    count = pictures_add(folder, step, members, count, &capture);
    outcome = count == 0
                  ? OUTCOME_BAD
                  : intake_keep(folder->options.intake, folder->options.camera,
                                &capture, span_text(first));
    capture_free(&capture);
    if (outcome == OUTCOME_KEPT)
        members_done(folder, step, members, count);
    return outcome != OUTCOME_LATER;
}

static bool is_done_with(const struct found_file *file)
{
    return file->state == FILE_KEPT || file->state == FILE_BAD;
}

size_t folder_step(struct folder *folder, int64_t steady_ms, int64_t wall_ms)
{
    const struct step step = {steady_ms, wall_ms};
    size_t waiting = 0;
    bool more = true;

    stored_finish(folder, &step);
    if (files_scan(&folder->files, top_of(folder), steady_ms, wall_ms) !=
        STATUS_OK) {
        tell(folder, &step, "folder_unreadable", top_of(folder),
             strerror(errno));
        return 0;
    }
    for (size_t i = 0; i < folder->files.count; i++)
        if (is_done_with(&folder->files.all[i]))
            take_away_again(folder, &step, &folder->files.all[i]);
        else if (folder->files.all[i].state == FILE_NEW)
            look_at(folder, &step, &folder->files.all[i]);
    for (size_t i = 0; i < folder->files.count; i++) {
        struct found_file *members[CAPTURE_PICTURES_MAX];
        struct found_file *file = &folder->files.all[i];
        size_t count = 0;

        if (more && file->state == FILE_WAITS)
            count = members_ready(folder, &step, file->passage, members);
        if (count > 0)
            more = passage_take(folder, &step, members, count);
        waiting += is_done_with(file) ? 0 : 1;
    }
    done_trim(folder);
    return waiting;
}
