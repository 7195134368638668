/*
 * Opening a store: what is there, what is damaged, what a crash left behind.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ROOM_BYTES (UINT64_C(4) << 20)

static unsigned env_flags(const struct queue *queue)
{
    return queue->reader ? MDB_RDONLY | MDB_NOLOCK : 0;
}

/* ---- opening the months ----------------------------------------------- */

static void tell(struct queue_opening *opening, const char *aside,
                 const char *reason)
{
    size_t used = strlen(opening->set_aside);
    size_t words = strlen(opening->reason);

    snprintf(opening->set_aside + used, sizeof opening->set_aside - used,
             "%s%s", used > 0 && aside[0] != 0 ? " " : "", aside);
    snprintf(opening->reason + words, sizeof opening->reason - words, "%s%s",
             words > 0 ? "; " : "", reason);
}

static enum status set_aside(struct queue *queue, const char *name,
                             const char *reason, struct queue_opening *opening)
{
    char path[FOLDER_PATH_MAX];
    char aside[FOLDER_PATH_MAX] = "";
    char words[128];
    enum status status = folder_path(path, queue->folder, name, "");

    if (status == STATUS_OK)
        status =
            folder_set_aside(queue->folder, path, queue->options.now_ms, aside);
    snprintf(words, sizeof words, "%s %s", name, reason);
    if (status == STATUS_OK)
        tell(opening, aside, words);
    return status;
}

/* A month that was never begun holds nothing: a crash left it. */
static enum status remove_blank(struct queue *queue, const char *name)
{
    char path[FOLDER_PATH_MAX];
    enum status status = folder_path(path, queue->folder, name, "");

    return status == STATUS_OK ? folder_remove(path) : status;
}

static enum status take_month(struct queue *queue, uint32_t number, bool repair,
                              struct queue_opening *opening)
{
    struct month *month;
    char name[MONTH_NAME_SIZE];
    enum status status =
        month_open(queue->folder, number, store_month_map(queue),
                   env_flags(queue), 0, &month);

    month_name(number, name);
    if (status == STATUS_OK) {
        status = months_add(&queue->months, month);
        if (status != STATUS_OK)
            month_close(month);
        return status;
    }
    if (!repair && (status == STATUS_CORRUPT || status == STATUS_NOT_FOUND))
        return STATUS_OK; /* later, once nothing is found to be newer */
    if (status == STATUS_NOT_FOUND)
        return remove_blank(queue, name);
    if (status == STATUS_CORRUPT)
        return set_aside(queue, name, "is damaged", opening);
    return status;
}

/* Call visit for the names of DIR; a month's number with it. */
static enum status each_name(struct queue *queue,
                             enum status (*visit)(struct queue *queue,
                                                  const char *name,
                                                  struct queue_opening *),
                             struct queue_opening *opening)
{
    DIR *folder = opendir(queue->folder);
    struct dirent *entry;
    enum status status = STATUS_OK;

    if (folder == NULL)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    while (status == STATUS_OK && (entry = readdir(folder)) != NULL)
        status = visit(queue, entry->d_name, opening);
    closedir(folder);
    return status;
}

static enum status look_at_month(struct queue *queue, const char *name,
                                 struct queue_opening *opening)
{
    uint32_t number;

    if (!month_name_read(name, &number))
        return STATUS_OK;
    return take_month(queue, number, false, opening);
}

static enum status repair_month(struct queue *queue, const char *name,
                                struct queue_opening *opening)
{
    uint32_t number;

    if (!month_name_read(name, &number) ||
        months_find(&queue->months, number) != NULL)
        return STATUS_OK;
    return take_month(queue, number, true, opening);
}

static enum status finish_slimming(struct queue *queue, const char *name,
                                   struct queue_opening *opening)
{
    (void)opening;
    return slim_recover(queue->folder, name);
}

/* ---- opening hot ------------------------------------------------------ */

static enum status open_hot(struct queue *queue, bool make,
                            struct queue_opening *opening)
{
    char path[FOLDER_PATH_MAX];
    enum status status = folder_path(path, queue->folder, STORE_HOT, "");

    if (status == STATUS_OK && make && !folder_there(path)) {
        opening->rebuilt = queue->months.count > 0;
        if ((status = folder_make(path)) == STATUS_OK)
            status = folder_sync(queue->folder);
    }
    if (status == STATUS_OK)
        status =
            hot_open(&queue->hot, path, store_hot_map(queue),
                     queue->reader ? env_flags(queue) : MDB_NOMETASYNC, make);
    return status;
}

static enum status read_standing(struct queue *queue)
{
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(queue->hot.env.mdb, NULL, MDB_RDONLY, &txn));

    if (status != STATUS_OK)
        return status;
    status = standing_read(&queue->hot, txn, &queue->standing);
    if (status == STATUS_OK)
        status = hot_names_read(&queue->hot, txn, &queue->names);
    mdb_txn_abort(txn);
    return status;
}

/* A hot environment that cannot be used is set aside and made from the log. */
static enum status settle_hot(struct queue *queue,
                              struct queue_opening *opening)
{
    enum status status = open_hot(queue, true, opening);

    if (status == STATUS_OK)
        status = read_standing(queue);
    if (status != STATUS_CORRUPT)
        return status;
    env_close(&queue->hot.env);
    names_free(&queue->names);
    status = set_aside(queue, STORE_HOT, "is damaged", opening);
    if (status == STATUS_OK)
        status = open_hot(queue, true, opening);
    if (status == STATUS_OK)
        status = read_standing(queue);
    return status;
}

static void tell_gap(const struct queue *queue, struct queue_opening *opening)
{
    const struct month *newest = months_newest(&queue->months);
    uint64_t last = 0;

    for (size_t i = 0; i < queue->months.count; i++)
        if (queue->months.list[i]->last_seq > last)
            last = queue->months.list[i]->last_seq;
    if (newest != NULL && queue->standing.indexed > last)
        tell(opening, "", "the log ends before what was known of it");
}

static enum status replay_log(struct queue *queue,
                              struct queue_opening *opening)
{
    uint64_t damaged = 0;
    char words[64];
    enum status status;

    tell_gap(queue, opening);
    status = store_replay(queue, &opening->reapplied, &damaged);
    if (damaged > 0) {
        snprintf(words, sizeof words, "%llu records are damaged",
                 (unsigned long long)damaged);
        tell(opening, "", words);
    }
    return status;
}

static enum status apply_log(struct queue *queue, struct queue_opening *opening)
{
    enum status status = replay_log(queue, opening);

    if (status != STATUS_CORRUPT)
        return status;
    /* What hot holds does not hang together. */
    env_close(&queue->hot.env);
    names_free(&queue->names);
    status = set_aside(queue, STORE_HOT, "is damaged inside", opening);
    if (status == STATUS_OK)
        status = settle_hot(queue, opening);
    return status == STATUS_OK ? replay_log(queue, opening) : status;
}

/* ---- public ----------------------------------------------------------- */

static enum status make_queue(const struct queue_options *options, bool reader,
                              struct queue **queue)
{
    struct queue *made = calloc(1, sizeof *made);
    pthread_rwlockattr_t attributes;

    if (made == NULL)
        return STATUS_NOMEM;
    made->lock_fd = -1;
    made->reader = reader;
    made->options = *options;
    made->room_bytes = ROOM_BYTES;
    if (made->options.keep_months < 1)
        made->options.keep_months = 1; /* the running one */
    if (made->options.dedup_days < 0)
        made->options.dedup_days = 0;
    /* Readers come without end; without this the committer could starve. */
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes,
                                  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&made->guard, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    *queue = made;
    if (strlen(options->folder) >= sizeof made->folder)
        return STATUS_INVALID;
    snprintf(made->folder, sizeof made->folder, "%s", options->folder);
    made->options.folder = made->folder;
    return STATUS_OK;
}

/* First only look, so that a newer store is left as it is. */
static enum status open_months(struct queue *queue,
                               struct queue_opening *opening)
{
    char hot[FOLDER_PATH_MAX];
    enum status status = each_name(queue, look_at_month, opening);

    if (status == STATUS_OK)
        status = folder_path(hot, queue->folder, STORE_HOT, "");
    if (status == STATUS_OK && folder_there(hot)) {
        status = open_hot(queue, false, opening);
        env_close(&queue->hot.env);
        if (status == STATUS_CORRUPT || status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    if (status == STATUS_OK)
        status = each_name(queue, finish_slimming, opening);
    if (status == STATUS_OK)
        status = each_name(queue, repair_month, opening);
    return status;
}

enum status queue_open(const struct queue_options *options,
                       struct queue_opening *opening, struct queue **queue)
{
    struct queue *made = NULL;
    enum status status = make_queue(options, false, &made);

    *opening = (struct queue_opening){0};
    if (status != STATUS_OK ||
        (status = folder_make(made->folder)) != STATUS_OK ||
        (status = folder_lock(made->folder, false, &made->lock_fd)) !=
            STATUS_OK ||
        (status = open_months(made, opening)) != STATUS_OK ||
        (status = settle_hot(made, opening)) != STATUS_OK ||
        (status = apply_log(made, opening)) != STATUS_OK ||
        (status = drop_recover(made)) != STATUS_OK) {
        queue_close(made);
        return status;
    }
    *queue = made;
    return STATUS_OK;
}

enum status queue_open_reader(const struct queue_options *options,
                              struct queue **queue)
{
    struct queue_opening opening = {0};
    struct queue *made = NULL;
    enum status status = make_queue(options, true, &made);

    if (status != STATUS_OK ||
        (status = folder_lock(made->folder, true, &made->lock_fd)) !=
            STATUS_OK ||
        (status = each_name(made, look_at_month, &opening)) != STATUS_OK ||
        (status = open_hot(made, false, &opening)) != STATUS_OK ||
        (status = read_standing(made)) != STATUS_OK) {
        queue_close(made);
        return status;
    }
    *queue = made;
    return STATUS_OK;
}

void queue_close(struct queue *queue)
{
    if (queue == NULL)
        return;
    if (queue->group.open)
        queue_abort(queue);
    for (size_t i = 0; i < queue->months.count; i++)
        month_close(queue->months.list[i]);
    env_close(&queue->hot.env);
    names_free(&queue->names);
    tally_free(&queue->tally);
    bytes_free(&queue->fields);
    bytes_free(&queue->chained);
    pthread_rwlock_destroy(&queue->guard);
    if (queue->lock_fd >= 0)
        close(queue->lock_fd);
    free(queue);
}
