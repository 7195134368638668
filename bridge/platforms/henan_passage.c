#include "henan.h"

#include <string.h>

#include "clock.h"

/* Set a member; a NULL text leaves it absent.  false: no memory. */
static bool put(json_t *record, const char *name, const char *text)
{
    return !text || json_object_set_new(record, name, json_string(text)) == 0;
}

static bool put_time(json_t *record, const char *name, const json_t *at_ms)
{
    char text[CLOCK_TEXT_MAX];

    if (!json_is_integer(at_ms))
        return true;
    clock_print_china(json_integer_value(at_ms), text);
    return put(record, name, text);
}

static const char *text_of(const json_t *passage, const char *name)
{
    return json_string_value(json_object_get(passage, name));
}

/* 6.3: the gate's last two characters; too few of them are no number. */
static const char *gate_number(const json_t *passage)
{
    const char *gate = text_of(passage, "gate");
    const size_t len = gate ? strlen(gate) : 0;

    return len >= 2 ? gate + len - 2 : NULL;
}

/* What driving, photo and goods records have in common. */
static json_t *vehicle_record(const json_t *passage)
{
    const char *color = text_of(passage, "color");
    json_t *record = json_object();

    if (record && put(record, "dzbh", gate_number(passage)) &&
        put(record, "cphm", text_of(passage, "plate")) &&
        put(record, "cpys", color ? henan_color_code(color) : NULL))
        return record;
    json_decref(record);
    return NULL;
}

static bool is_direction(const json_t *passage, const char *direction)
{
    const char *text = text_of(passage, "direction");

    return text && strcmp(text, direction) == 0;
}

/* `in` or `out` by the direction, NULL when it is not known. */
static const char *by_direction(const json_t *passage, const char *in,
                                const char *out)
{
    if (is_direction(passage, "in"))
        return in;
    return is_direction(passage, "out") ? out : NULL;
}

/* 1: the bar swung open, 0: it did not (and so, in the province's
 * gateSignal, the other way round). */
static const char *barrier_code(const json_t *passage)
{
    const json_t *open = json_object_get(passage, "barrier_open");

    if (!json_is_boolean(open))
        return NULL;
    return json_is_true(open) ? "1" : "0";
}

static json_t *driving_record(const json_t *passage)
{
    const json_t *from = json_object_get(passage, "at_ms");
    const json_t *until = json_object_get(passage, "until_ms");
    json_t *record = vehicle_record(passage);

    if (record && put_time(record, "tgsjq", from) &&
        put_time(record, "tgsjz", json_is_integer(until) ? until : from) &&
        put(record, "tgzt", by_direction(passage, "1", "2")) &&
        put(record, "bgzt", barrier_code(passage)))
        return record;
    json_decref(record);
    return NULL;
}

static const char *photo_type(const json_t *passage)
{
    if (json_is_true(json_object_get(passage, "forced")))
        return "3";
    return by_direction(passage, "1", "2");
}

/* The picture as the record holds it: a reference without its time. */
static bool put_picture(json_t *record, const json_t *picture)
{
    json_t *copy;

    if (!picture || json_is_null(picture))
        return true;
    copy = json_deep_copy(picture);
    json_object_del(copy, "at_ms");
    return json_object_set_new(record, "base64Image", copy) == 0;
}

static json_t *photo_record(const json_t *passage, const char *member,
                            const char *number)
{
    const json_t *picture = json_object_get(passage, member);
    const json_t *at_ms = json_object_get(picture, "at_ms");
    json_t *record = vehicle_record(passage);

    if (!json_is_integer(at_ms))
        at_ms = json_object_get(passage, "at_ms");
    if (record && put(record, "zpbh", number) &&
        put(record, "zplx", photo_type(passage)) &&
        put_picture(record, picture) && put_time(record, "pzsj", at_ms))
        return record;
    json_decref(record);
    return NULL;
}

static json_t *goods_record(const json_t *passage)
{
    const char *unit = text_of(passage, "cargo_unit");
    json_t *weight = json_object_get(passage, "cargo_weight_t");
    json_t *record = vehicle_record(passage);

    /* 4.1.6 counts in tonnes; pieces or cubic metres must be weighed. */
    if (unit && *unit && strcmp(unit, "T") != 0 && strcmp(unit, "t") != 0)
        weight = NULL;
    if (record && put(record, "hwmc", text_of(passage, "cargo_type")) &&
        (!json_is_number(weight) ||
         json_object_set(record, "ysl", weight) == 0) &&
        put_time(record, "djsj", json_object_get(passage, "at_ms")))
        return record;
    json_decref(record);
    return NULL;
}

/* An empty vehicle moves no goods, and nobody needs to be told. */
static bool carries_goods(const json_t *passage)
{
    const char *type = text_of(passage, "cargo_type");
    const json_t *weight = json_object_get(passage, "cargo_weight_t");

    if (json_is_number(weight))
        return json_number_value(weight) > 0;
    return type && *type;
}

static bool add_record(struct passage_record *records, size_t *count,
                       const char *interface, json_t *record, int follows)
{
    if (!record)
        return false;
    records[(*count)++] =
        (struct passage_record){henan_interface(interface), record, follows};
    return true;
}

enum status henan_passage(const struct destination_config *destination,
                          const json_t *passage, struct passage_record *records,
                          size_t *count)
{
    (void)destination;
    *count = 0;
    if (add_record(records, count, "shareDrivingRecord",
                   driving_record(passage), -1) &&
        add_record(records, count, "sharePhotoInfo",
                   photo_record(passage, "head", "1"), 0) &&
        add_record(records, count, "sharePhotoInfo",
                   photo_record(passage, "body", "2"), 0) &&
        (!carries_goods(passage) ||
         add_record(records, count, "shareGoodsRecord", goods_record(passage),
                    0)))
        return STATUS_OK;
    while (*count > 0)
        json_decref(records[--*count].record);
    return STATUS_NOMEM;
}
