#include "outbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bits.h"
#include "folder.h"
#include "hot.h"

#define NAME "outbox"
#define FORMAT 1
#define PAGE 4096
#define TREE_BYTES (UINT64_C(256) << 10)    /* paths that a group rewrites */
#define RESERVE_BYTES (UINT64_C(2) << 20)   /* of the disk, for endings */
#define ALLOCATE_BYTES (UINT64_C(1) << 20)  /* at a time */
#define HEADROOM_BYTES (UINT64_C(64) << 20) /* of the map beyond the quota */
#define TRIM_BYTES (UINT64_C(4) << 20)      /* read through the map */

/* ---- opening ------------------------------------------------------------ */

static enum status format_check(struct outbox *outbox, MDB_txn *txn)
{
    struct span value;
    enum status status =
        hot_get(txn, outbox->meta, span_text("format"), &value);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    if (value.len != 4)
        return STATUS_CORRUPT;
    return get_u32(value.data) > FORMAT ? STATUS_VERSION : STATUS_OK;
}

static enum status databases_open(struct outbox *outbox, MDB_txn *txn,
                                  unsigned flags)
{
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } databases[] = {
        {"events", &outbox->events},
        {"known", &outbox->known},
        {"seen", &outbox->seen},
        {"rejected", &outbox->rejected},
    };
    int answer = 0;

    for (size_t i = 0; answer == 0 && i < 4; i++)
        answer = mdb_dbi_open(txn, databases[i].name, flags, databases[i].dbi);
    return env_status(answer);
}

static enum status standing_load(struct outbox *outbox, MDB_txn *txn)
{
    struct span value;
    enum status status =
        hot_get(txn, outbox->meta, span_text("standing"), &value);

    if (status == STATUS_OK)
        status = outbox_standing_read(value, &outbox->standing);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

static enum status standing_store(struct outbox *outbox, MDB_txn *txn,
                                  const struct outbox_standing *standing)
{
    uint8_t row[STANDING_SIZE];

    outbox_standing_write(standing, row);
    return hot_put(txn, outbox->meta, span_text("standing"),
                   span_of(row, sizeof row));
}

static enum status blank_fill(struct outbox *outbox, MDB_txn *txn)
{
    uint8_t format[4];
    enum status status =
        env_status(mdb_dbi_open(txn, "meta", MDB_CREATE, &outbox->meta));

    put_u32(format, FORMAT);
    if (status == STATUS_OK)
        status = hot_put(txn, outbox->meta, span_text("format"),
                         span_of(format, sizeof format));
    if (status == STATUS_OK)
        status = databases_open(outbox, txn, MDB_CREATE);
    if (status == STATUS_OK)
        status = standing_store(outbox, txn, &(struct outbox_standing){0});
    return status;
}

/* A newer format may have other databases: meta is looked at first. */
static enum status databases_find(struct outbox *outbox)
{
    const unsigned looks = outbox->env.flags & MDB_RDONLY;
    MDB_txn *txn;
    enum status status =
        env_status(mdb_txn_begin(outbox->env.mdb, NULL, looks, &txn));

    if (status != STATUS_OK)
        return status;
    status = env_status(mdb_dbi_open(txn, "meta", 0, &outbox->meta));
    if (status == STATUS_NOT_FOUND) { /* a crash at its making left it blank */
        if (!looks)
            status = blank_fill(outbox, txn);
    } else if (status == STATUS_OK) {
        status = format_check(outbox, txn);
        if (status == STATUS_OK &&
            (status = databases_open(outbox, txn, 0)) == STATUS_NOT_FOUND)
            status = STATUS_CORRUPT;
    }
    if (status == STATUS_OK)
        status = standing_load(outbox, txn);
    if (status == STATUS_OK)
        return env_status(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return status;
}

static enum status environment_open(struct outbox *outbox)
{
    uint64_t map = outbox->options.quota_bytes +
                   outbox->options.quota_bytes / 4 + HEADROOM_BYTES;
    enum status status = STATUS_OK;

    if (!folder_there(outbox->path) &&
        (status = folder_make(outbox->path)) == STATUS_OK)
        status = folder_sync(outbox->folder);
    if (status == STATUS_OK)
        status = env_open(&outbox->env, outbox->path, map, 0);
    if (status == STATUS_OK)
        status = databases_find(outbox);
    outbox->allocated_bytes = 0;
    return status;
}

/* What cannot be used makes way for a clean one. */
static enum status environment_settle(struct outbox *outbox,
                                      struct outbox_opening *opening)
{
    enum status status = environment_open(outbox);

    if (status != STATUS_CORRUPT)
        return status;
    env_close(&outbox->env);
    snprintf(opening->reason, sizeof opening->reason, "it is damaged");
    status = folder_set_aside(outbox->folder, outbox->path,
                              outbox->options.now_ms, opening->set_aside);
    return status == STATUS_OK ? environment_open(outbox) : status;
}

static struct outbox *outbox_make(const struct outbox_options *options)
{
    struct outbox *made = calloc(1, sizeof *made);

    if (made == NULL)
        return NULL;
    made->options = *options;
    made->lock_fd = -1;
    made->waiting_end = &made->waiting;
    pthread_rwlock_init(&made->guard, NULL);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    return made;
}

static enum status paths_write(struct outbox *outbox)
{
    const char *folder = outbox->options.folder;

    if (strlen(folder) >= sizeof outbox->folder)
        return STATUS_INVALID;
    snprintf(outbox->folder, sizeof outbox->folder, "%s", folder);
    return folder_path(outbox->path, outbox->folder, NAME, "");
}

enum status outbox_open(const struct outbox_options *options,
                        struct outbox_opening *opening, struct outbox **outbox)
{
    struct outbox *made = outbox_make(options);
    enum status status;

    *opening = (struct outbox_opening){{0}, {0}};
    if (made == NULL)
        return STATUS_NOMEM;
    if ((status = paths_write(made)) != STATUS_OK ||
        (status = folder_make(made->folder)) != STATUS_OK ||
        (status = folder_lock(made->folder, false, &made->lock_fd)) !=
            STATUS_OK ||
        (status = environment_settle(made, opening)) != STATUS_OK) {
        outbox_close(made);
        return status;
    }
    *outbox = made;
    return STATUS_OK;
}

enum status outbox_look(const char *folder, struct outbox **outbox)
{
    struct outbox *made =
        outbox_make(&(const struct outbox_options){.folder = folder});
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    if ((status = paths_write(made)) != STATUS_OK ||
        (status = env_open(&made->env, made->path, 0, MDB_RDONLY)) !=
            STATUS_OK ||
        (status = databases_find(made)) != STATUS_OK) {
        outbox_close(made);
        return status;
    }
    *outbox = made;
    return STATUS_OK;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    env_close(&outbox->env);
    pthread_rwlock_destroy(&outbox->guard);
    pthread_mutex_destroy(&outbox->mutex);
    pthread_cond_destroy(&outbox->changed);
    bytes_free(&outbox->fields);
    bytes_free(&outbox->record);
    if (outbox->lock_fd >= 0)
        close(outbox->lock_fd);
    free(outbox);
}

/* ---- writing ------------------------------------------------------------ */

void outbox_turn_take(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    while (outbox->taken)
        pthread_cond_wait(&outbox->changed, &outbox->mutex);
    outbox->taken = true;
    pthread_mutex_unlock(&outbox->mutex);
}

void outbox_turn_give(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->taken = false;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
}

/* After a commit that failed: what is on disk decides. */
static enum status open_anew(struct outbox *outbox)
{
    enum status status;

    pthread_mutex_lock(&outbox->mutex);
    pthread_rwlock_wrlock(&outbox->guard);
    env_close(&outbox->env);
    status = environment_open(outbox);
    if (status != STATUS_OK)
        env_close(&outbox->env);
    pthread_rwlock_unlock(&outbox->guard);
    pthread_mutex_unlock(&outbox->mutex);
    outbox->broken = status != STATUS_OK;
    return status;
}

enum status outbox_ready(struct outbox *outbox)
{
    return outbox->broken ? open_anew(outbox) : STATUS_OK;
}

enum status outbox_writing_begin(struct outbox *outbox,
                                 struct outbox_writing *writing)
{
    enum status status = outbox_ready(outbox);

    if (status == STATUS_OK)
        status =
            env_status(mdb_txn_begin(outbox->env.mdb, NULL, 0, &writing->txn));
    writing->outbox = outbox;
    writing->standing = outbox->standing;
    return status;
}

enum status outbox_writing_commit(struct outbox_writing *writing)
{
    struct outbox *outbox = writing->outbox;
    enum status status =
        standing_store(outbox, writing->txn, &writing->standing);

    if (status != STATUS_OK) {
        mdb_txn_abort(writing->txn);
        return status;
    }
    status = env_status(mdb_txn_commit(writing->txn));
    if (status != STATUS_OK) {
        outbox->broken = true;
        return status;
    }
    pthread_mutex_lock(&outbox->mutex);
    outbox->standing = writing->standing;
    pthread_mutex_unlock(&outbox->mutex);
    return STATUS_OK;
}

void outbox_writing_abort(struct outbox_writing *writing)
{
    mdb_txn_abort(writing->txn);
}

uint64_t outbox_cost(size_t record_bytes)
{
    return ((uint64_t)record_bytes + 2 * PAGE - 1) / PAGE * PAGE;
}

uint64_t outbox_used(const struct outbox_standing *standing)
{
    return standing->kept_bytes + standing->rejected_bytes +
           standing->known * OUTBOX_KNOWN_COST;
}

/* Where the file system cannot, the quota is all there is. */
enum status outbox_allocate(struct outbox *outbox, uint64_t more)
{
    uint64_t used = env_used_bytes(&outbox->env);
    uint64_t need = used + more + TREE_BYTES + RESERVE_BYTES;
    int fd;

    if (need <= outbox->allocated_bytes)
        return STATUS_OK;
    need += ALLOCATE_BYTES;
    if (mdb_env_get_fd(outbox->env.mdb, &fd) != 0)
        return STATUS_IO;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)used, (off_t)(need - used)) !=
            0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return STATUS_FULL;
    outbox->allocated_bytes = need;
    return STATUS_OK;
}

enum status outbox_store(struct outbox_writing *writing, MDB_dbi dbi,
                         uint64_t number, const struct kept *kept,
                         size_t *record_bytes)
{
    struct outbox *outbox = writing->outbox;
    uint8_t key[8];
    MDB_val k = {sizeof key, key};
    MDB_val v = {0, NULL};
    enum status status = kept_fields(kept, &outbox->fields);
    struct span fields = bytes_view(&outbox->fields);

    if (status != STATUS_OK)
        return status;
    put_u64(key, number);
    v.mv_size = *record_bytes = kept_size(kept, fields);
    status = env_status(
        mdb_put(writing->txn, dbi, &k, &v, MDB_RESERVE | MDB_APPEND));
    if (status == STATUS_OK)
        kept_write(kept, fields, v.mv_data);
    return status;
}

/* ---- reading ------------------------------------------------------------ */

enum status outbox_edge(MDB_txn *txn, MDB_dbi dbi, MDB_cursor_op op,
                        uint64_t *number, struct span *stored)
{
    MDB_cursor *cursor;
    MDB_val key = {0, NULL};
    MDB_val value = {0, NULL};
    int answer = mdb_cursor_open(txn, dbi, &cursor);

    if (answer != 0)
        return env_status(answer);
    answer = mdb_cursor_get(cursor, &key, &value, op);
    mdb_cursor_close(cursor);
    if (answer != 0)
        return env_status(answer);
    if (key.mv_size != 8)
        return STATUS_CORRUPT;
    *number = get_u64(key.mv_data);
    *stored = value_span(value);
    return STATUS_OK;
}

/* The first of dbi behind number; stored is good until txn ends. */
static enum status find_after(MDB_txn *txn, MDB_dbi dbi, uint64_t after,
                              uint64_t *number, struct span *stored)
{
    MDB_cursor *cursor;
    uint8_t from[8];
    MDB_val key = {sizeof from, from};
    MDB_val value = {0, NULL};
    int answer = mdb_cursor_open(txn, dbi, &cursor);

    if (answer != 0)
        return env_status(answer);
    put_u64(from, after + 1);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    mdb_cursor_close(cursor);
    if (answer != 0)
        return env_status(answer);
    if (key.mv_size != 8)
        return STATUS_CORRUPT;
    *number = get_u64(key.mv_data);
    *stored = value_span(value);
    return STATUS_OK;
}

static enum status read_after(struct outbox *outbox, MDB_txn *txn,
                              uint64_t after, struct outbox_entry *entry,
                              struct bytes *buffer)
{
    struct kept kept;
    struct span stored;
    enum status status =
        find_after(txn, outbox->events, after, &entry->seq, &stored);

    if (status == STATUS_NOT_FOUND)
        return STATUS_EMPTY;
    if (status != STATUS_OK) /* no seq to end */
        return status == STATUS_CORRUPT ? STATUS_IO : status;
    if ((status = kept_read(stored, &kept)) != STATUS_OK)
        return status;
    kept_entry(&kept, entry->seq, entry);
    bytes_clear(buffer); /* and keep its storage */
    status = bytes_append(buffer, kept.content);
    entry->content = bytes_view(buffer);
    outbox->read_bytes += stored.len;
    return status;
}

/* Without this all that was ever read would stay resident. */
static void trim(struct outbox *outbox)
{
    if (outbox->read_bytes < TRIM_BYTES)
        return;
    outbox->read_bytes = 0;
    env_trim(&outbox->env);
}

static enum status reading_begin(struct outbox *outbox, MDB_txn **txn)
{
    enum status status = STATUS_IO;

    pthread_rwlock_rdlock(&outbox->guard);
    if (outbox->env.mdb != NULL)
        status =
            env_status(mdb_txn_begin(outbox->env.mdb, NULL, MDB_RDONLY, txn));
    if (status != STATUS_OK)
        pthread_rwlock_unlock(&outbox->guard);
    return status;
}

static void reading_end(struct outbox *outbox, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    trim(outbox);
    pthread_rwlock_unlock(&outbox->guard);
}

enum status outbox_read(struct outbox *outbox, uint64_t after,
                        struct outbox_entry *entry, struct bytes *buffer)
{
    MDB_txn *txn;
    enum status status = reading_begin(outbox, &txn);

    if (status != STATUS_OK)
        return status;
    status = read_after(outbox, txn, after, entry, buffer);
    reading_end(outbox, txn);
    return status;
}

/* Damaged twice: there is nothing to show. */
static enum status rejected_after(struct outbox *outbox, MDB_txn *txn,
                                  uint64_t after, uint64_t *number,
                                  struct kept *kept)
{
    struct span stored;
    enum status status;

    *number = after;
    do
        status = find_after(txn, outbox->rejected, *number, number, &stored);
    while (status == STATUS_OK && kept_read(stored, kept) != STATUS_OK);
    if (status == STATUS_OK)
        outbox->read_bytes += stored.len;
    return status == STATUS_NOT_FOUND ? STATUS_EMPTY : status;
}

enum status outbox_read_rejected(struct outbox *outbox, uint64_t after,
                                 struct outbox_rejected *rejected,
                                 struct bytes *buffer)
{
    struct kept kept;
    uint64_t number;
    MDB_txn *txn;
    enum status status = reading_begin(outbox, &txn);

    if (status != STATUS_OK)
        return status;
    status = rejected_after(outbox, txn, after, &number, &kept);
    if (status == STATUS_OK) {
        kept_entry(&kept, number, &rejected->entry);
        rejected->damaged = kept.damaged;
        snprintf(rejected->reason, sizeof rejected->reason, "%.*s",
                 (int)kept.reason.len, (const char *)kept.reason.data);
        status = bytes_copy(buffer, kept.content);
        rejected->entry.content = bytes_view(buffer);
    }
    reading_end(outbox, txn);
    return status;
}

/* The time of the first; looked up when the first is another. */
static void oldest_find(struct outbox *outbox)
{
    struct span stored;
    struct kept kept;
    uint64_t seq;
    MDB_txn *txn;

    if (reading_begin(outbox, &txn) != STATUS_OK)
        return;
    if (outbox_edge(txn, outbox->events, MDB_FIRST, &seq, &stored) ==
            STATUS_OK &&
        seq != outbox->oldest_seq) {
        outbox->oldest_seq = seq;
        outbox->oldest_at_ms =
            kept_read(stored, &kept) == STATUS_OK ? kept.at_ms : 0;
    }
    reading_end(outbox, txn);
}

void outbox_figures(struct outbox *outbox, struct outbox_figures *figures)
{
    const struct outbox_standing *standing = &outbox->standing;

    pthread_mutex_lock(&outbox->mutex);
    *figures = (struct outbox_figures){
        .kept = standing->kept,
        .kept_bytes = standing->kept_bytes,
        .known = standing->known,
        .rejected = standing->rejected,
        .used_bytes = outbox_used(standing),
    };
    if (standing->kept > 0) {
        oldest_find(outbox);
        figures->oldest_at_ms = outbox->oldest_at_ms;
    }
    pthread_mutex_unlock(&outbox->mutex);
}

/* ---- ending ------------------------------------------------------------- */

static enum status end_one(struct outbox_writing *writing,
                           const struct outbox_ending *ending, bool keep_aside)
{
    struct outbox *outbox = writing->outbox;
    struct outbox_standing *standing = &writing->standing;
    uint8_t key[8];
    struct span stored;
    uint64_t cost;
    enum status status;

    put_u64(key, ending->seq);
    status = hot_get(writing->txn, outbox->events, span_of(key, 8), &stored);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    cost = outbox_cost(stored.len);
    if (ending->reason != NULL && keep_aside)
        status = outbox_aside(writing, stored, ending->reason);
    if (status == STATUS_OK)
        status = hot_remove(writing->txn, outbox->events, span_of(key, 8));
    if (status != STATUS_OK)
        return status;
    standing->kept--;
    standing->kept_bytes -=
        cost < standing->kept_bytes ? cost : standing->kept_bytes;
    return STATUS_OK;
}

static enum status end_all(struct outbox *outbox,
                           const struct outbox_ending *endings, size_t count,
                           int64_t now_ms, bool keep_aside)
{
    struct outbox_writing writing;
    enum status status = outbox_writing_begin(outbox, &writing);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = end_one(&writing, &endings[i], keep_aside);
    if (status == STATUS_OK)
        status = outbox_expire(&writing, now_ms);
    if (status == STATUS_OK)
        return outbox_writing_commit(&writing);
    outbox_writing_abort(&writing);
    return status;
}

/* Removing needs a few pages as well; when the map has none, it grows. */
static enum status make_room(struct outbox *outbox)
{
    enum status status;

    pthread_rwlock_wrlock(&outbox->guard);
    status = env_make_room(&outbox->env, HEADROOM_BYTES);
    pthread_rwlock_unlock(&outbox->guard);
    return status;
}

enum status outbox_end(struct outbox *outbox,
                       const struct outbox_ending *endings, size_t count,
                       int64_t now_ms)
{
    enum status status;

    outbox_turn_take(outbox);
    status = end_all(outbox, endings, count, now_ms, true);
    if (status == STATUS_FULL)
        status = end_all(outbox, endings, count, now_ms, false);
    if (status == STATUS_FULL && !outbox->broken &&
        (status = make_room(outbox)) == STATUS_OK)
        status = end_all(outbox, endings, count, now_ms, false);
    outbox_turn_give(outbox);
    return status;
}
