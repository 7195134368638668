/* What VZ cameras are answered, and what such answers and the frames for
 * their display boards say. */
#include "vz.h"

#include <string.h>

#include "base64.h"
#include "gbk.h"
#include "json_body.h"
#include "notes.h"

/* ---- the answer of an adapter that records --------------------------------
 */

/* An "ok" fires the barrier's relay; nothing here says it. */
#define INFO_RECORDED "no"
/* Some models resend for ever without it, whatever the HTTP status is. */
#define CONTENT_STOP "retransfer_stop"

/* The number under which the camera keeps the passage; false: it has none. */
static bool offline_number(const struct capture *capture, json_int_t *number)
{
    const json_t *plateid = json_object_get(capture->details, "plateid");

    *number = json_integer_value(plateid);
    return capture->history && json_is_integer(plateid);
}

enum status vz_answer(const struct capture *capture, struct bytes *answer)
{
    enum status status;
    json_int_t number;

    status = bytes_append_text(
        answer, "{\"Response_AlarmInfoPlate\":{\"info\":\"" INFO_RECORDED
                "\",\"content\":\"" CONTENT_STOP "\",\"is_pay\":\"false\"");
    if (status == STATUS_OK && offline_number(capture, &number))
        status = bytes_print(answer,
                             ",\"ContinuePushOffline\":{\"plateid\":%lld,"
                             "\"continue\":1}",
                             (long long)number);
    if (status == STATUS_OK)
        status = bytes_append_text(answer, "}}");
    return status;
}

/* ---- an answer, read ------------------------------------------------------
 */

#define PULSE_MAX_MS 600000

struct reply {
    struct json_body body;
    struct notes notes;
};

/* `name` is a text and says `word`: note that it does what `effect` names. */
static void take_effect(struct reply *reply, const json_t *answer,
                        const char *name, const char *word, const char *effect)
{
    struct span text;

    if (json_body_text(&reply->body, answer, name, &text))
        note_flag(&reply->notes, effect, span_equal_text(text, word));
}

static void take_relay(struct reply *reply, const json_t *relay)
{
    struct json_body *body = &reply->body;
    int64_t io;
    int64_t value = -1;
    int64_t delay = 0;

    if (json_body_integer(body, relay, "io", 0, 255, &io))
        note_integer(&reply->notes, "io", io);
    json_body_integer(body, relay, "delay", 0, PULSE_MAX_MS, &delay);
    json_body_integer(body, relay, "value", 0, 2, &value);
    if (value == 2)
        note_integer(&reply->notes, "pulse_ms", delay);
    else if (value >= 0)
        note_flag(&reply->notes, "switched_on", value == 1);
}

static json_t *serial_line(struct reply *reply, const json_t *line)
{
    struct notes notes = {json_object(), false};
    struct bytes raw = BYTES_EMPTY;
    int64_t port = 0;
    const char *why;

    json_body_integer(&reply->body, line, "serialChannel", 0, 255, &port);
    if (!json_body_base64(&reply->body, line, "data", &raw, &why) && *why != 0)
        json_body_wrong(&reply->body, line, "data", DECODE_SYNTAX, why);
    note_integer(&notes, "port", port);
    note_hex(&notes, "bytes", bytes_view(&raw));
    reply->notes.failed |= notes.failed;
    bytes_free(&raw);
    return notes.to;
}

static void take_serial(struct reply *reply, const json_t *answer)
{
    const json_t *lines = json_object_get(answer, "serialData");
    json_t *list;
    const json_t *line;
    size_t i;

    if (lines == NULL)
        return;
    if (!json_is_array(lines)) {
        json_body_wrong(&reply->body, answer, "serialData", DECODE_VALUE,
                        "this is no list; allowed is one");
        return;
    }
    list = json_array();
    json_array_foreach(
        lines, i,
        line) if (json_array_append_new(list, serial_line(reply, line)) != 0)
        reply->notes.failed = true;
    note(&reply->notes, "serial", list);
}

static void take_offline(struct reply *reply, const json_t *offline)
{
    int64_t number;

    if (json_body_integer(&reply->body, offline, "plateid", 0, UINT32_MAX,
                          &number))
        note_integer(&reply->notes, "offline_plateid", number);
    if (json_body_integer(&reply->body, offline, "continue", 0, 1, &number))
        note_flag(&reply->notes, "offline_continue", number == 1);
}

static void take_answer(struct reply *reply)
{
    struct json_body *body = &reply->body;
    const json_t *answer =
        json_body_object(body, body->root, "Response_AlarmInfoPlate");
    int64_t channel;

    if (answer == NULL) {
        json_body_missing(body, body->root, "Response_AlarmInfoPlate");
        return;
    }
    take_effect(reply, answer, "info", "ok", "opens_barrier");
    take_effect(reply, answer, "content", CONTENT_STOP, "stops_resend");
    take_effect(reply, answer, "is_pay", "true", "paid");
    take_effect(reply, answer, "manualTrigger", "ok", "manual_trigger");
    if (json_body_integer(body, answer, "channelNum", 0, 255, &channel))
        note_integer(&reply->notes, "channel", channel);
    take_relay(reply, json_body_object(body, answer, "ivs_ioctrl"));
    if (json_body_object(body, answer, "TriggerImage") != NULL)
        note_flag(&reply->notes, "takes_picture", true);
    take_serial(reply, answer);
    take_offline(reply, json_body_object(body, answer, "ContinuePushOffline"));
}

bool vz_reply_decode(struct span text, json_t *details,
                     struct decode_fault *fault)
{
    struct reply reply = {.notes = {details, false}};

    if (json_body_read(&reply.body, text, fault))
        take_answer(&reply);
    json_body_free(&reply.body);
    if (reply.notes.failed && fault->kind == DECODE_NONE)
        decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    return fault->kind == DECODE_NONE;
}

/* ---- a frame to a display and voice board ---------------------------------
 */

/*
 *   0        1        2 3        4        5       6 ..          last two
 *   address  version  packet no  command  length  data[length]  CRC, low first
 *
 * The CRC is that of Modbus over all in front of it.  Data of command 30 is
 * one byte of options and a text in GBK.
 */
#define LED_HEAD 6
#define LED_CRC 2
#define LED_SHOW 0x30

static uint16_t crc_of(struct span bytes)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

static void note_gbk(struct notes *notes, struct span text)
{
    struct bytes utf8 = BYTES_EMPTY;

    if (gbk_append_strict(&utf8, text) != STATUS_OK)
        notes->failed = true;
    else
        note(notes, "gbk_text", json_stringn(bytes_text(&utf8), utf8.len));
    bytes_free(&utf8);
}

static bool take_frame(struct span frame, struct notes *notes,
                       struct decode_fault *fault)
{
    uint16_t told;

    if (frame.len < LED_HEAD + LED_CRC)
        return decode_fail(fault, DECODE_TRUNCATED, frame.len,
                           "%zu bytes; a frame has 8 or more", frame.len);
    if (frame.len != (size_t)frame.data[5] + LED_HEAD + LED_CRC)
        return decode_fail(fault, DECODE_LENGTH, 5,
                           "its length byte says %u of data, there are %zu",
                           frame.data[5], frame.len - LED_HEAD - LED_CRC);
    told =
        (uint16_t)(frame.data[frame.len - 1] << 8 | frame.data[frame.len - 2]);
    if (crc_of(span_of(frame.data, frame.len - LED_CRC)) != told)
        return decode_fail(fault, DECODE_CHECKSUM, frame.len - LED_CRC,
                           "the CRC of Modbus over the bytes in front is "
                           "another");
    note_hex(notes, "bytes", frame);
    note_integer(notes, "length", (int64_t)frame.len);
    note_integer(notes, "address", frame.data[0]);
    note_integer(notes, "command", frame.data[4]);
    note_flag(notes, "crc_modbus_ok", true);
    if (frame.data[4] == LED_SHOW && frame.data[5] > 1)
        note_gbk(notes, span_of(frame.data + LED_HEAD + 1, frame.data[5] - 1u));
    return true;
}

static struct span without_end(struct span text)
{
    while (text.len > 0 &&
           memchr("\r\n \t", text.data[text.len - 1], 4) != NULL)
        text.len--;
    return text;
}

bool vz_led_decode(struct span text, json_t *details,
                   struct decode_fault *fault)
{
    struct notes notes = {details, false};
    struct bytes frame = BYTES_EMPTY;
    enum status status = base64_decode(without_end(text), true, &frame);
    bool good = false;

    if (status == STATUS_NOMEM)
        decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    else if (status != STATUS_OK)
        decode_fail(fault, DECODE_SYNTAX, 0, "this is not Base64");
    else
        good = take_frame(bytes_view(&frame), &notes, fault);
    bytes_free(&frame);
    if (good && notes.failed)
        good = decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    return good;
}
