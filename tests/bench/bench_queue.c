/*
 * bench_queue - how fast the store takes records from receipt to delivered.
 *
 *     bench_queue [FOLDER]        the disk that FOLDER is on; default .
 *
 * A record is an event of 1 KB, the delivery made of it (facts of 600 bytes)
 * and its outcome.  Printed: groups and records a second for several sizes of
 * group, beside what fdatasync alone does in the same run; CPU and bytes
 * written for one record; and what a backlog of a million costs against one
 * of a thousand.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"

#define NOON_MS INT64_C(1795147200000)
#define BODY_BYTES 1024
#define FACTS_BYTES 600
#define RUN_SECONDS 2.0

struct bench {
    char folder[256];
    struct queue *queue;
    uint64_t made;
    uint64_t delivered;
    uint64_t done; /* the newest id that is delivered */
    uint8_t body[BODY_BYTES];
    uint8_t facts[FACTS_BYTES];
};

static void check(enum status status, const char *what)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, status_text(status));
    exit(1);
}

static double seconds(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A line of /proc/self/io: "wchar" is what was passed to write(2),
 * "write_bytes" what the page cache took for dirty.  Where it keeps large
 * folios, a page of 4 KB counts for all of its folio there. */
static uint64_t io_bytes(const char *name)
{
    FILE *io = fopen("/proc/self/io", "r");
    char line[128];
    uint64_t bytes = 0;
    size_t len = strlen(name);

    while (io != NULL && fgets(line, sizeof line, io) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            bytes = strtoull(line + len + 1, NULL, 10);
    if (io != NULL)
        fclose(io);
    return bytes;
}

static int remove_entry(const char *path, const struct stat *about, int kind,
                        struct FTW *at)
{
    (void)about;
    (void)kind;
    (void)at;
    return remove(path);
}

static enum status digest(struct span input,
                          uint8_t to[static QUEUE_DIGEST_SIZE])
{
    /* SHA-256 is the crypto folder's to measure. */
    memset(to, (int)(input.len & 0xff), QUEUE_DIGEST_SIZE);
    return STATUS_OK;
}

static void open_queue(struct bench *bench)
{
    struct queue_opening opening;
    struct queue_options options = {
        .folder = bench->folder,
        .quota_bytes = UINT64_C(64) << 30,
        .keep_months = 12,
        .dedup_days = 40,
        .now_ms = NOON_MS,
        .digest = digest,
    };

    check(queue_open(&options, &opening, &bench->queue), "queue_open");
}

static void open_store(struct bench *bench, const char *parent)
{
    snprintf(bench->folder, sizeof bench->folder, "%s/bench_queue.XXXXXX",
             parent);
    if (mkdtemp(bench->folder) == NULL) {
        perror(bench->folder);
        exit(1);
    }
    for (size_t i = 0; i < BODY_BYTES; i++)
        bench->body[i] = (uint8_t)(' ' + i % 90);
    memcpy(bench->facts, bench->body, FACTS_BYTES);
    open_queue(bench);
}

static void close_store(struct bench *bench)
{
    queue_close(bench->queue);
    nftw(bench->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void take_in(struct bench *bench)
{
    char id[32];
    char plate[32];
    struct queue_event event = {
        .kind = "camera/capture",
        .device = "cam1",
        .topic = "sampan/v1/site/camera/cam1/capture",
        .event_id = id,
        .event_at_ms = NOON_MS + (int64_t)bench->made * 7,
        .received_at_ms = NOON_MS + (int64_t)bench->made * 7,
        .fate = FATE_USED,
        .body = span_of(bench->body, BODY_BYTES),
    };
    struct queue_delivery_new made = {
        .destination = "yunnan",
        .interface = "vehicle",
        .number = id,
        .subject = plate,
        .events = &event.id,
        .event_count = 1,
        .facts = span_of(bench->facts, FACTS_BYTES),
        .made_at_ms = NOON_MS + (int64_t)bench->made * 7,
    };
    uint64_t known;
    uint32_t revision;
    bool same;

    snprintf(id, sizeof id, "%020" PRIu64, bench->made);
    snprintf(plate, sizeof plate, "P%05" PRIu64,
             bench->made * UINT64_C(2654435761) % 5000);
    check(queue_find_event(bench->queue, &event, &known, &revision, &same),
          "queue_find_event");
    check(queue_put_event(bench->queue, &event), "queue_put_event");
    check(queue_put_delivery(bench->queue, &made, &known),
          "queue_put_delivery");
    bench->made++;
}

static void deliver(struct bench *bench, uint64_t id)
{
    struct queue_outcome outcome = {
        .delivery = id,
        .state = STATE_DELIVERED,
        .attempts = 1,
        .at_ms = NOON_MS,
        .verb = "delivered",
        .reason = "",
        .answer = span_text("{\"code\":200,\"msg\":\"ok\"}"),
    };

    check(queue_put_outcome(bench->queue, &outcome), "queue_put_outcome");
    bench->done = id;
    bench->delivered++;
}

/* What an uplink reads of each delivery before it sends it. */
static void read_facts(struct bench *bench, uint64_t id)
{
    struct queue_delivery delivery;
    struct bytes facts = BYTES_EMPTY;
    enum status readable;

    check(queue_delivery_load(bench->queue, id, &delivery, &facts, &readable),
          "queue_delivery_load");
    check(readable, "the facts");
    bytes_free(&facts);
}

/* A group: so many received, as many (when there are) delivered. */
static void group(struct bench *bench, size_t received, size_t delivered)
{
    uint64_t ids[1000];
    size_t count = delivered;
    uint64_t until;

    check(queue_lane_read(bench->queue, "yunnan", LANE_FRESH, bench->done, ids,
                          &count, &until),
          "queue_lane_read");
    for (size_t i = 0; i < count; i++)
        read_facts(bench, ids[i]);
    check(queue_begin(bench->queue, NOON_MS), "queue_begin");
    while (received-- > 0)
        take_in(bench);
    for (size_t i = 0; i < count; i++)
        deliver(bench, ids[i]);
    check(queue_commit(bench->queue, NULL, NULL), "queue_commit");
}

static double fdatasync_rate(const char *parent)
{
    char path[256];
    char block[1024] = {0};
    double start;
    double took = 1;
    int count = 0;
    int fd;

    snprintf(path, sizeof path, "%s/bench_sync.XXXXXX", parent);
    if ((fd = mkstemp(path)) < 0)
        return 0;
    unlink(path);
    start = seconds(CLOCK_MONOTONIC);
    do {
        if (pwrite(fd, block, sizeof block, 0) < 0 || fdatasync(fd) != 0)
            break;
        count++;
    } while ((took = seconds(CLOCK_MONOTONIC) - start) < 1.0);
    close(fd);
    return count / took;
}

static void run_groups(const char *parent, size_t size)
{
    struct bench bench = {0};
    double raw = fdatasync_rate(parent);
    double start;
    double cpu;
    double took;
    uint64_t written;
    uint64_t dirtied;
    uint64_t groups = 0;

    open_store(&bench, parent);
    for (int i = 0; i < 3; i++)
        group(&bench, size, size);
    start = seconds(CLOCK_MONOTONIC);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    written = io_bytes("wchar");
    dirtied = io_bytes("write_bytes");
    do {
        group(&bench, size, size);
        groups++;
    } while ((took = seconds(CLOCK_MONOTONIC) - start) < RUN_SECONDS);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    written = io_bytes("wchar") - written;
    dirtied = io_bytes("write_bytes") - dirtied;
    printf("%6zu %10.0f %10.0f %12.0f %8.1f %10.0f %10.0f\n", size, raw,
           (double)groups / took, (double)(groups * size) / took,
           cpu * 1e6 / (double)(groups * size),
           (double)written / (double)(groups * size),
           (double)dirtied / (double)(groups * size));
    close_store(&bench);
}

static void drain(struct bench *bench, uint64_t backlog)
{
    while (bench->made - bench->delivered > backlog)
        group(bench, 0, 1000);
}

/* CPU for a record with this many waiting before it. */
static double cost_at(struct bench *bench, uint64_t backlog)
{
    double cpu;
    uint64_t written;
    const int groups = 200;

    while (bench->made - bench->delivered < backlog)
        group(bench, 1000, 0);
    for (int i = 0; i < 20; i++)
        group(bench, 100, 100);
    written = io_bytes("wchar");
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < groups; i++)
        group(bench, 100, 100);
    cpu = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (groups * 100);
    written = (io_bytes("wchar") - written) / (uint64_t)(groups * 100);
    printf("backlog %" PRIu64 ": %.1f us and %" PRIu64 " bytes a record\n",
           backlog, cpu, written);
    return cpu;
}

/* From the program's start to the first delivery in hand. */
static void restart(struct bench *bench, const char *what)
{
    double start;
    uint64_t id;
    size_t count = 1;
    uint64_t until;

    queue_close(bench->queue);
    start = seconds(CLOCK_MONOTONIC);
    open_queue(bench);
    check(queue_lane_read(bench->queue, "yunnan", LANE_FRESH, 0, &id, &count,
                          &until),
          "queue_lane_read");
    if (count == 1)
        read_facts(bench, id);
    printf("%s: first delivery after %.3f s\n", what,
           seconds(CLOCK_MONOTONIC) - start);
}

static void remove_hot(struct bench *bench)
{
    char hot[300];

    queue_close(bench->queue);
    bench->queue = NULL;
    snprintf(hot, sizeof hot, "%s/hot", bench->folder);
    nftw(hot, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static long resident_kb(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    long kb = 0;

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        sscanf(line, "VmHWM: %ld", &kb);
    if (status != NULL)
        fclose(status);
    return kb;
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1, 10, 100, 1000};
    const char *parent = argc > 1 ? argv[1] : ".";
    struct bench bench = {0};
    double before;
    double large;
    double after;

    printf("%6s %10s %10s %12s %8s %10s %10s\n", "group", "fdatasync", "groups",
           "records", "CPU", "written", "dirtied");
    printf("%6s %10s %10s %12s %8s %10s %10s\n", "", "1/s", "1/s", "1/s", "us",
           "bytes", "bytes");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        run_groups(parent, sizes[i]);
    open_store(&bench, parent);
    before = cost_at(&bench, 1000);
    large = cost_at(&bench, 1000000);
    restart(&bench, "a million waiting");
    remove_hot(&bench);
    restart(&bench, "the same, hot made anew");
    drain(&bench, 1000);
    after = cost_at(&bench, 1000); /* the files are as large as before */
    printf("ratio %.2f and %.2f\n", large / before, large / after);
    printf("resident, at most: %ld kB\n", resident_kb());
    close_store(&bench);
    return 0;
}
