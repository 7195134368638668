/* Receipts, health and restored counters: the daemon's small parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto.h"
#include "receipts.h"
#include "restore.h"
#include "state.h"

#define NOW "2026-11-20T08:30:45.000+08:00"
#define NOW_MS INT64_C(1795134645000)

/* ---- receipts --------------------------------------------------------- */

static char published[4][512];
static size_t published_count;

static void publish(void *arg, const char *topic, struct span payload)
{
    (void)arg;
    assert_true(published_count < 4);
    snprintf(published[published_count++], sizeof published[0], "%s %.*s",
             topic, (int)payload.len, (const char *)payload.data);
}

static void receive(struct receipts *receipts, enum message_class class,
                    const char *device, const char *event_id,
                    const char *reason)
{
    struct message message = {.class = class};
    struct ingest_result result = {.stored = reason == NULL};

    snprintf(message.device, sizeof message.device, "%s", device);
    snprintf(message.event_id, sizeof message.event_id, "%s", event_id);
    snprintf(result.reason, sizeof result.reason, "%s",
             reason == NULL ? "" : reason);
    receipts_add(receipts, &message, &result);
}

static void receive_edition(struct receipts *receipts, const char *event_id,
                            uint32_t revision)
{
    struct message message = {.class = MESSAGE_CAPTURE, .revision = revision};
    const struct ingest_result result = {.stored = true};

    snprintf(message.device, sizeof message.device, "cam-1");
    snprintf(message.event_id, sizeof message.event_id, "%s", event_id);
    receipts_add(receipts, &message, &result);
}

static void a_receipt_says_which_edition_is_meant(void **state)
{
    struct receipts *receipts;

    (void)state;
    published_count = 0;
    assert_int_equal(receipts_open("plant", publish, NULL, &receipts),
                     STATUS_OK);
    receive_edition(receipts, "a", 0);
    receive_edition(receipts, "b", 2);
    receipts_send(receipts);
    receive_edition(receipts, "c", 0);
    receipts_send(receipts);
    assert_string_equal(published[0],
                        "sampan/v1/plant/receipt/camera/cam-1 "
                        "{\"stored\":[\"a\",\"b\"],\"rejected\":[],"
                        "\"revisions\":{\"b\":2}}");
    assert_string_equal(published[1], "sampan/v1/plant/receipt/camera/cam-1 "
                                      "{\"stored\":[\"c\"],\"rejected\":[]}");
    receive_edition(receipts, "d", 1); /* not sent: freed by the close */
    receipts_close(receipts);
}

static void receipts_are_gathered_per_device(void **state)
{
    struct receipts *receipts;

    (void)state;
    published_count = 0;
    assert_int_equal(receipts_open("plant", publish, NULL, &receipts),
                     STATUS_OK);
    receive(receipts, MESSAGE_CAPTURE, "cam-1", "a", NULL);
    receive(receipts, MESSAGE_CAPTURE, "cam-2", "b", NULL);
    receive(receipts, MESSAGE_CAPTURE, "cam-1", "c", "plate is too long");
    receive(receipts, MESSAGE_CAPTURE, "cam-1", "d", NULL);
    assert_int_equal(published_count, 0);
    receipts_send(receipts);
    assert_int_equal(published_count, 2);
    assert_string_equal(
        published[0],
        "sampan/v1/plant/receipt/camera/cam-1 {\"stored\":[\"a\",\"d\"],"
        "\"rejected\":[{\"id\":\"c\",\"reason\":\"plate is too long\"}]}");
    assert_string_equal(published[1], "sampan/v1/plant/receipt/camera/cam-2 "
                                      "{\"stored\":[\"b\"],\"rejected\":[]}");
    receipts_send(receipts);
    assert_int_equal(published_count, 2);
    receipts_close(receipts);
}

static void a_refusal_that_quotes_bad_bytes_is_told(void **state)
{
    struct receipts *receipts;

    (void)state;
    published_count = 0;
    assert_int_equal(receipts_open("plant", publish, NULL, &receipts),
                     STATUS_OK);
    receive(receipts, MESSAGE_CAPTURE, "cam-1", "a",
            "plate: \xd5\xe3 is not UTF-8: \xe8\xb1");
    receipts_send(receipts);
    assert_int_equal(published_count, 1);
    assert_string_equal(published[0],
                        "sampan/v1/plant/receipt/camera/cam-1 {\"stored\":[],"
                        "\"rejected\":[{\"id\":\"a\",\"reason\":"
                        "\"plate: ?? is not UTF-8: \"}]}");
    receipts_close(receipts);
}

static void what_has_no_id_or_no_device_gets_no_receipt(void **state)
{
    struct receipts *receipts;

    (void)state;
    published_count = 0;
    assert_int_equal(receipts_open("plant", publish, NULL, &receipts),
                     STATUS_OK);
    receive(receipts, MESSAGE_WEIGHT, "scale-1", "", NULL);
    receive(receipts, MESSAGE_ROUTED, "", "x", NULL);
    receipts_send(receipts);
    assert_int_equal(published_count, 0);
    receipts_close(receipts);
}

/* ---- health ------------------------------------------------------------ */

static enum status health(const char *json, const char *expected)
{
    struct bytes words = BYTES_EMPTY;
    enum status status = state_health(span_text(json), NOW_MS, &words);

    assert_non_null(strstr(bytes_text(&words), expected));
    bytes_free(&words);
    return status;
}

static void a_quiet_bridge_is_healthy(void **state)
{
    (void)state;
    assert_int_equal(
        health("{\"time\":\"" NOW "\",\"started\":\"2026-11-20T00:00:00Z\","
               "\"full\":false,\"destinations\":[{\"name\":\"y\","
               "\"waiting\":0,\"parked\":0,\"last_accepted\":null}]}",
               "healthy"),
        STATUS_OK);
}

static void waiting_and_fifteen_silent_minutes_are_unhealthy(void **state)
{
    (void)state;
    assert_int_equal(
        health("{\"time\":\"" NOW "\",\"full\":false,\"destinations\":["
               "{\"name\":\"yunnan\",\"waiting\":0,\"parked\":2,"
               "\"last_accepted\":\"2026-11-20T08:15:45+08:00\"}]}",
               "yunnan accepted nothing for 15 minutes and 2 records wait"),
        STATUS_OFFLINE);
    assert_int_equal(
        health("{\"time\":\"" NOW "\",\"full\":false,\"destinations\":["
               "{\"name\":\"yunnan\",\"waiting\":0,\"parked\":2,"
               "\"last_accepted\":\"2026-11-20T08:15:46+08:00\"}]}",
               "healthy"),
        STATUS_OK);
}

static void a_stale_full_or_broken_state_is_unhealthy(void **state)
{
    (void)state;
    assert_int_equal(health("{\"time\":\"2026-11-20T08:30:14+08:00\"}",
                            "has not written its state"),
                     STATUS_OFFLINE);
    assert_int_equal(
        health("{\"time\":\"" NOW "\",\"full\":true}", "the store is full"),
        STATUS_OFFLINE);
    assert_int_equal(health("{\"time\":\"" NOW
                            "\",\"broker\":false,\"full\":false}",
                            "no connection to the broker"),
                     STATUS_OFFLINE);
    assert_int_equal(health("{\"time\"", "not readable"), STATUS_OFFLINE);
}

/* ---- restored counters ------------------------------------------------ */

static struct queue *store_make(const char *folder)
{
    char path[128];
    struct queue_opening opening;
    struct queue_options options = {
        .folder = path,
        .quota_bytes = 64 << 20,
        .keep_months = 13,
        .dedup_days = 40,
        .now_ms = NOW_MS,
        .digest = crypto_sha256,
    };
    struct queue *queue;

    snprintf(path, sizeof path, "%s/store", folder);
    assert_int_equal(queue_open(&options, &opening, &queue), STATUS_OK);
    return queue;
}

static void counters_leave(const char *folder, const char *json)
{
    char path[128];

    snprintf(path, sizeof path, "%s/counters.json", folder);
    assert_int_equal(bytes_write_file(path, span_text(json), 0600), STATUS_OK);
}

static void serial_is(struct queue *queue, const char *expected)
{
    struct bytes value = BYTES_EMPTY;

    assert_int_equal(
        queue_note_read(queue, "serial", span_text("yunnan"), &value),
        STATUS_OK);
    assert_string_equal(bytes_text(&value), expected);
    bytes_free(&value);
}

static void restored_counters_only_go_up_and_only_once(void **state)
{
    char folder[] = "/tmp/sampan-daemon-XXXXXX";
    char command[64];
    struct queue *queue;

    (void)state;
    assert_non_null(mkdtemp(folder));
    queue = store_make(folder);
    assert_int_equal(restore_counters(queue, folder, NOW_MS), STATUS_OK);
    counters_leave(folder, "{\"yunnan\": 1700}");
    assert_int_equal(restore_counters(queue, folder, NOW_MS), STATUS_OK);
    serial_is(queue, "1700");
    counters_leave(folder, "{\"yunnan\": 900}");
    assert_int_equal(restore_counters(queue, folder, NOW_MS), STATUS_OK);
    serial_is(queue, "1700");
    counters_leave(folder, "{\"yunnan\": \"many\"}");
    assert_int_equal(restore_counters(queue, folder, NOW_MS), STATUS_FORMAT);
    serial_is(queue, "1700");
    queue_close(queue);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}
