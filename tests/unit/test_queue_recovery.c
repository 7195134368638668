/* Crashes, damage, versions, locks: nothing acknowledged is lost. */
#include "queue_help.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <lmdb.h>

static int setup(void **state)
{
    *state = store_make();
    return 0;
}

static int teardown(void **state)
{
    store_free(*state);
    return 0;
}

static void die(void *arg)
{
    (void)arg;
    _exit(3);
}

/* A group whose process dies when the log is on disk and hot is not. */
static void die_before_hot(void *arg)
{
    struct store *store = arg;
    struct queue_event event = event_named("e1", "x");
    struct queue_outcome outcome;

    store_open(store);
    begin(store);
    event.fate = FATE_JOINING;
    event.id = put_event(store, event);
    outcome =
        outcome_to(put_delivery(store, delivery_of("yunnan")), STATE_PARKED);
    assert_ok(queue_put_outcome(store->queue, &outcome));
    assert_ok(queue_put_fate(store->queue, event.id, FATE_USED));
    assert_ok(queue_put_repeat(store->queue, "camera/capture", NOON_MS));
    assert_ok(
        queue_put_note(store->queue, "s", span_text("k"), span_text("v")));
    assert_ok(queue_commit(store->queue, die, NULL));
}

static void what_the_log_has_is_applied_after_a_crash(void **state)
{
    struct store *store = *state;
    struct bytes value = BYTES_EMPTY;
    int status = in_child(die_before_hot, store);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    store_open(store);
    assert_int_equal(store->opening.reapplied, 6);
    assert_false(store->opening.rebuilt);
    assert_int_equal(lane_count(store, LANE_PARKED), 1);
    assert_int_equal(read_delivery(store, 2).attempts, 1);
    assert_ok(queue_note_read(store->queue, "s", span_text("k"), &value));
    assert_string_equal(bytes_text(&value), "v");
    assert_sound(store);
    store_reopen_test(store);
    assert_int_equal(store->opening.reapplied, 0);
    bytes_free(&value);
}

static void die_before_durable(void *arg)
{
    struct store *store = arg;

    store_open(store);
    make_delivery(store);
    begin(store);
    put_delivery(store, delivery_of("yunnan"));
    _exit(0);
}

static void an_open_group_is_gone_after_a_crash(void **state)
{
    struct store *store = *state;

    in_child(die_before_durable, store);
    store_open(store);
    assert_int_equal(store->opening.reapplied, 0);
    assert_int_equal(lane_count(store, LANE_FRESH), 1);
    assert_sound(store);
}

/* ---- kill -9 ---------------------------------------------------------- */

struct killing {
    struct store *store;
    uint64_t *acked; /* shared: the newest id that was called durable */
    unsigned seed;
};

static void ack(void *arg)
{
    struct killing *killing = arg;

    __atomic_store_n(killing->acked, killing->acked[1], __ATOMIC_SEQ_CST);
}

static void write_for_ever(void *arg)
{
    struct killing *killing = arg;
    struct store *store = killing->store;
    char name[32];
    char body[3000];
    unsigned random = killing->seed;

    memset(body, 'b', sizeof body);
    store_open(store);
    for (;;) {
        begin(store);
        for (int i = 0; i < 5; i++) {
            struct queue_event event = event_named(name, "");
            struct queue_outcome outcome;

            random = random * 1103515245 + 12345;
            snprintf(name, sizeof name, "%08x", random);
            event.body = span_of(body, random % sizeof body);
            put_event(store, event);
            outcome = outcome_to(put_delivery(store, delivery_of("yunnan")),
                                 random & 64 ? STATE_DELIVERED : STATE_PARKED);
            if (queue_put_outcome(store->queue, &outcome) != STATUS_OK)
                _exit(9);
            killing->acked[1] = outcome.seq;
        }
        if (queue_commit(store->queue, ack, killing) != STATUS_OK)
            _exit(9);
    }
}

/* Until something has been acknowledged since it was before; a minute. */
static void await_ack(const struct killing *killing, uint64_t before)
{
    const struct timespec moment = {0, 1000000};

    for (int i = 0; i < 60000; i++) {
        if (__atomic_load_n(killing->acked, __ATOMIC_SEQ_CST) != before)
            return;
        nanosleep(&moment, NULL);
    }
    fail_msg("nothing was acknowledged");
}

static void kill_after(pid_t pid, unsigned microseconds)
{
    struct timespec pause = {0, (long)microseconds * 1000};
    int status;

    nanosleep(&pause, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void kill_9_at_any_moment_loses_nothing_acknowledged(void **state)
{
    struct killing killing = {.store = *state, .seed = 1};
    struct queue_space space;
    uint64_t before;
    pid_t pid;

    killing.acked = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(killing.acked != MAP_FAILED);
    for (unsigned round = 0; round < 20; round++) {
        killing.seed = round * 7919 + 1;
        before = killing.acked[0];
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            write_for_ever(&killing);
        if (round % 2 == 1) /* the others may die while they open */
            await_ack(&killing, before);
        kill_after(pid, 4000 + round * 3571 % 40000);
        store_open(killing.store);
        assert_string_equal(killing.store->opening.set_aside, "");
        assert_ok(queue_space_read(killing.store->queue, &space));
        assert_true(space.newest_seq >= killing.acked[0]);
        assert_sound(killing.store);
        store_close(killing.store);
    }
    assert_true(killing.acked[0] > 0);
    munmap(killing.acked, 4096);
}

/* ---- damage ----------------------------------------------------------- */

static void write_bytes(struct store *store, const char *name, off_t at,
                        const char *bytes, size_t len)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/%s", store->folder, name);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
    close(fd);
}

/* Some of everything, in two groups. */
static void fill(struct store *store)
{
    struct queue_event event = event_named("e1", "x");
    uint64_t id;

    begin(store);
    event.fate = FATE_JOINING;
    put_event(store, event);
    id = put_delivery(store, delivery_of("yunnan"));
    put_delivery(store, delivery_of("henan"));
    assert_ok(
        queue_put_note(store->queue, "s", span_text("k"), span_text("v")));
    commit(store);
    move_to(store, id, STATE_PARKED);
    move_to(store, id, STATE_DELIVERED);
}

static void assert_filled(struct store *store)
{
    struct bytes value = BYTES_EMPTY;
    uint64_t known;
    uint32_t revision;
    bool same;
    struct queue_event event = event_named("e1", "x");

    assert_int_equal(read_delivery(store, 2).state, STATE_DELIVERED);
    assert_int_equal(read_delivery(store, 2).rounds, 1);
    assert_int_equal(read_delivery(store, 3).state, STATE_WAITING);
    assert_ok(queue_note_read(store->queue, "s", span_text("k"), &value));
    assert_string_equal(bytes_text(&value), "v");
    begin(store);
    assert_ok(queue_find_event(store->queue, &event, &known, &revision, &same));
    assert_int_equal(known, 1);
    assert_true(same);
    queue_abort(store->queue);
    assert_sound(store);
    bytes_free(&value);
}

static void a_lost_hot_environment_is_made_again(void **state)
{
    struct store *store = *state;
    char path[256];

    store_open(store);
    fill(store);
    store_close(store);
    snprintf(path, sizeof path, "%s/hot", store->folder);
    remove_tree(path);
    store_open(store);
    assert_true(store->opening.rebuilt);
    assert_int_equal(store->opening.reapplied, 6);
    assert_filled(store);
}

static void a_damaged_hot_environment_is_set_aside(void **state)
{
    struct store *store = *state;
    char zeros[8192] = {0};

    store_open(store);
    fill(store);
    store_close(store);
    write_bytes(store, "hot/data.mdb", 0, zeros, sizeof zeros);
    store_open(store);
    assert_true(store->opening.rebuilt);
    assert_non_null(
        strstr(store->opening.set_aside, "/hot.set-aside-20261120120000"));
    assert_string_equal(store->opening.reason, "hot is damaged");
    assert_true(there(store, "hot.set-aside-20261120120000"));
    assert_filled(store);
}

static void a_hot_environment_cut_short_is_set_aside(void **state)
{
    struct store *store = *state;
    char path[256];

    store_open(store);
    fill(store);
    store_close(store);
    snprintf(path, sizeof path, "%s/hot/data.mdb", store->folder);
    assert_int_equal(truncate(path, 8192), 0);
    store_open(store);
    assert_true(store->opening.rebuilt);
    assert_filled(store);
}

static void a_damaged_month_is_set_aside_and_told(void **state)
{
    struct store *store = *state;
    char zeros[8192] = {0};
    uint64_t id;

    store_open(store);
    fill(store);
    store_close(store);
    write_bytes(store, "2026-11/data.mdb", 0, zeros, sizeof zeros);
    store_open(store);
    assert_true(there(store, "2026-11.set-aside-20261120120000"));
    assert_non_null(strstr(store->opening.reason, "2026-11 is damaged"));
    assert_int_equal(read_delivery(store, 3).state, STATE_WAITING);
    id = make_delivery(store);
    assert_true(id > 6); /* no number is given twice */
    assert_int_equal(read_delivery(store, id).state, STATE_WAITING);
}

/* Find the needle in a file of the store and change one bit of it. */
static void flip(struct store *store, const char *name, const char *needle)
{
    char path[256];
    struct stat about;
    uint8_t *bytes;
    uint8_t *found;
    int fd;

    snprintf(path, sizeof path, "%s/%s", store->folder, name);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &about) == 0);
    bytes = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE,
                 MAP_SHARED, fd, 0);
    assert_true(bytes != MAP_FAILED);
    found = memmem(bytes, (size_t)about.st_size, needle, strlen(needle));
    assert_non_null(found);
    /* Copy-on-write may have left older copies: change them all. */
    while (found != NULL) {
        found[1] ^= 4;
        found = memmem(found, (size_t)(bytes + about.st_size - found), needle,
                       strlen(needle));
    }
    munmap(bytes, (size_t)about.st_size);
    close(fd);
}

static void a_flipped_bit_is_found_where_it_is_read(void **state)
{
    struct store *store = *state;
    struct bytes facts = BYTES_EMPTY;
    struct bytes buffer = BYTES_EMPTY;
    struct queue_event event;
    struct queue_verdict verdict;
    struct queue_delivery_new made = delivery_of("yunnan");
    uint64_t events[256];
    size_t count;
    uint64_t ids[3];

    made.facts = span_text("NEEDLE-FACTS");
    store_open(store);
    begin(store);
    ids[0] = put_event(store, event_named("e", "NEEDLE-BODY"));
    ids[1] = put_event(store, event_named("f", "sound"));
    ids[2] = put_delivery(store, made);
    commit(store);
    store_close(store);
    flip(store, "2026-11/data.mdb", "NEEDLE-BODY");
    flip(store, "2026-11/data.mdb", "NEEDLE-FACTS");
    store_open(store);
    assert_int_equal(queue_event_read(store->queue, ids[0], &event, &buffer),
                     STATUS_CORRUPT);
    assert_ok(queue_event_read(store->queue, ids[1], &event, &buffer));
    assert_int_equal(
        queue_facts_read(store->queue, ids[2], &facts, events, &count),
        STATUS_CORRUPT);
    verdict = verify(store);
    assert_int_equal(verdict.records, 3);
    assert_int_equal(verdict.bad_crc, 2);
    assert_int_equal(verdict.first_bad_seq, ids[0]);
    bytes_free(&facts);
    bytes_free(&buffer);
}

static void a_damaged_outcome_breaks_the_chain_only(void **state)
{
    struct store *store = *state;
    uint64_t id;
    struct queue_outcome outcome;
    struct queue_verdict verdict;

    store_open(store);
    id = make_delivery(store);
    outcome = outcome_to(id, STATE_PARKED);
    outcome.reason = "NEEDLE-REASON";
    assert_ok(try_outcome(store, outcome));
    store_close(store);
    flip(store, "2026-11/data.mdb", "NEEDLE-REASON");
    store_open(store);
    assert_int_equal(read_delivery(store, id).state, STATE_PARKED);
    assert_non_null(strstr(read_delivery(store, id).reason, "damaged"));
    move_to(store, id, STATE_DELIVERED);
    verdict = verify(store);
    assert_int_equal(verdict.bad_crc, 1);
    assert_int_equal(verdict.bad_links, 1);
}

/* ---- versions and locks ----------------------------------------------- */

/* Put a number of four bytes where a database says its format. */
static void write_format(struct store *store, const char *name, uint8_t format)
{
    char path[256];
    uint8_t bytes[4] = {0, 0, 0, format};
    MDB_val key = {6, (void *)(uintptr_t) "format"};
    MDB_val value = {4, bytes};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    snprintf(path, sizeof path, "%s/%s", store->folder, name);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_newer_store_is_left_as_it_is(void **state)
{
    static const char *const names[] = {"hot", "2026-11"};
    struct store *store = *state;

    for (int i = 0; i < 2; i++) {
        store_open(store);
        fill(store);
        store_close(store);
        write_format(store, names[i], 2);
        assert_int_equal(
            queue_open(&store->options, &store->opening, &store->queue),
            STATUS_VERSION);
        assert_int_equal(queue_open_reader(&store->options, &store->queue),
                         STATUS_VERSION);
        assert_string_equal(store->opening.set_aside, "");
        write_format(store, names[i], 1);
    }
    store_open(store);
    assert_int_equal(store->opening.reapplied, 0);
}

static void a_second_opening_is_refused(void **state)
{
    struct store *store = *state;
    struct queue_opening opening;
    struct queue *second;

    store_open(store);
    assert_int_equal(queue_open(&store->options, &opening, &second),
                     STATUS_BUSY);
    assert_int_equal(queue_open_reader(&store->options, &second), STATUS_BUSY);
    store_reopen_test(store);
}

static void a_reader_looks_at_a_stopped_store(void **state)
{
    struct store *store = *state;
    struct queue *second;

    assert_int_equal(queue_open_reader(&store->options, &store->queue),
                     STATUS_NOT_FOUND);
    store_open(store);
    fill(store);
    store_close(store);
    assert_ok(queue_open_reader(&store->options, &store->queue));
    assert_ok(queue_open_reader(&store->options, &second));
    assert_int_equal(read_delivery(store, 2).state, STATE_DELIVERED);
    assert_sound(store);
    queue_close(second);
}

static bool count_events(void *arg, const struct queue_event *event)
{
    assert_string_equal(event->event_id, "e1");
    ++*(int *)arg;
    return true;
}

static void a_reader_finds_events_that_hot_has_not(void **state)
{
    struct store *store = *state;
    int count = 0;

    in_child(die_before_hot, store);
    assert_ok(queue_open_reader(&store->options, &store->queue));
    assert_int_equal(lane_count(store, LANE_PARKED), 0);
    assert_ok(queue_events_each(store->queue, 0, 0, count_events, &count));
    assert_int_equal(count, 1);
    store_close(store);
    store_open(store);
    assert_int_equal(store->opening.reapplied, 6); /* it wrote nothing */
}

/* ---- no room ---------------------------------------------------------- */

static void a_full_map_undoes_the_group_and_is_enlarged(void **state)
{
    struct store *store = *state;
    struct queue_delivery_new made = delivery_of("yunnan");
    enum status status = STATUS_OK;
    struct queue_space space;
    uint64_t id;
    int tries = 0;

    store->options.hot_map_bytes = 1 * MB;
    store_open(store);
    do {
        status = STATUS_OK;
        begin(store);
        for (int i = 0; i < 60000 && status == STATUS_OK; i++)
            status = queue_put_delivery(store->queue, &made, &id);
        status = queue_commit(store->queue, NULL, NULL);
        assert_true(status == STATUS_OK || status == STATUS_FULL);
        assert_ok(queue_space_read(store->queue, &space));
        assert_int_equal(space.newest_seq, status == STATUS_OK ? 60000 : 0);
        tries++;
    } while (status != STATUS_OK && tries < 5);
    assert_ok(status);
    assert_true(tries > 1);
    assert_sound(store);
}

/* A file size limit stands for a disk that is full or fails. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void must_not_be_called(void *arg)
{
    (void)arg;
    fail();
}

static void a_log_that_cannot_be_written_undoes_the_group(void **state)
{
    struct store *store = *state;
    struct queue_event event = event_named("big", "");
    uint8_t *body = calloc(1, MB);
    uint64_t first;
    enum status status;

    assert_non_null(body);
    event.body = span_of(body, MB);
    signal(SIGXFSZ, SIG_IGN);
    store_open(store);
    first = make_delivery(store);
    begin(store);
    put_event(store, event);
    put_delivery(store, delivery_of("yunnan"));
    limit_files(300000);
    status = queue_commit(store->queue, must_not_be_called, NULL);
    limit_files(RLIM_INFINITY);
    assert_true(status == STATUS_FULL || status == STATUS_IO);
    assert_int_equal(lane_count(store, LANE_FRESH), 1);
    assert_int_equal(make_delivery(store), first + 1);
    assert_int_equal(lane_count(store, LANE_FRESH), 2);
    assert_sound(store);
    store_reopen_test(store);
    assert_int_equal(store->opening.reapplied, 0);
    assert_sound(store);
    free(body);
}

struct failing {
    struct store *store;
    int durable;
};

/* From here on hot, which is larger than the log, cannot be written. */
static void fail_from_here(void *arg)
{
    struct failing *failing = arg;

    failing->durable++;
    limit_files(4096);
}

static void a_group_is_kept_when_only_hot_cannot_be_written(void **state)
{
    struct failing failing = {.store = *state};
    struct store *store = *state;
    struct queue_delivery delivery;
    struct bytes facts = BYTES_EMPTY;
    enum status readable;
    uint64_t id;

    signal(SIGXFSZ, SIG_IGN);
    store_open(store);
    make_delivery(store);
    begin(store);
    id = put_delivery(store, delivery_of("yunnan"));
    assert_ok(queue_commit(store->queue, fail_from_here, &failing));
    limit_files(RLIM_INFINITY);
    assert_int_equal(failing.durable, 1);
    assert_int_equal(lane_count(store, LANE_FRESH), 1); /* not yet seen */
    assert_ok(queue_delivery_load(store->queue, id, &delivery, &facts,
                                  &readable)); /* but can be sent */
    assert_ok(readable);
    assert_int_equal(delivery.state, STATE_WAITING);
    bytes_free(&facts);
    move_to(store, id, STATE_DELIVERED); /* and be answered */
    move_to(store, make_delivery(store), STATE_DELIVERED);
    make_delivery(store);
    make_delivery(store);
    assert_int_equal(lane_count(store, LANE_FRESH), 3);
    assert_sound(store);
}
