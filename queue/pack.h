/*
 * pack.h - msgpack into struct bytes, and arrays of fields out of it.
 */
#ifndef SAMPAN_QUEUE_PACK_H
#define SAMPAN_QUEUE_PACK_H

#include <msgpack.h>

#include "bytes.h"

/* ---- writing: a failure is remembered and told at the end ------------- */

struct packing {
    msgpack_packer packer;
    struct bytes *to;
    bool failed;
};

static inline int packing_append(void *self, const char *data, size_t len)
{
    struct packing *packing = self;

    if (bytes_append(packing->to, span_of(data, len)) != STATUS_OK)
        packing->failed = true;
    return packing->failed ? -1 : 0;
}

static inline void packing_start(struct packing *packing, struct bytes *to,
                                 size_t fields)
{
    packing->to = to;
    packing->failed = false;
    msgpack_packer_init(&packing->packer, packing, packing_append);
    msgpack_pack_array(&packing->packer, fields);
}

static inline void pack_text(struct packing *packing, struct span text)
{
    msgpack_pack_str_with_body(&packing->packer, text.data, text.len);
}

static inline void pack_raw(struct packing *packing, struct span raw)
{
    msgpack_pack_bin_with_body(&packing->packer, raw.data, raw.len);
}

static inline void pack_number(struct packing *packing, uint64_t number)
{
    msgpack_pack_uint64(&packing->packer, number);
}

static inline void pack_signed(struct packing *packing, int64_t number)
{
    msgpack_pack_int64(&packing->packer, number);
}

/* ---- reading ---------------------------------------------------------- */

struct fields {
    const msgpack_object *at;
    const msgpack_object *end;
    bool failed; /* a field was absent or of another type */
};

static inline struct fields fields_of(const msgpack_object *object)
{
    if (object->type != MSGPACK_OBJECT_ARRAY)
        return (struct fields){NULL, NULL, true};
    return (struct fields){object->via.array.ptr,
                           object->via.array.ptr + object->via.array.size,
                           false};
}

static inline const msgpack_object *next_field(struct fields *fields)
{
    static const msgpack_object nothing = {.type = MSGPACK_OBJECT_NIL};

    if (fields->at == fields->end) {
        fields->failed = true;
        return &nothing;
    }
    return fields->at++;
}

static inline uint64_t next_number(struct fields *fields, uint64_t most)
{
    const msgpack_object *field = next_field(fields);

    if (field->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        field->via.u64 > most) {
        fields->failed = true;
        return 0;
    }
    return field->via.u64;
}

static inline int64_t next_signed(struct fields *fields)
{
    const msgpack_object *field = next_field(fields);

    if (field->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return field->via.i64;
    if (field->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
        field->via.u64 <= INT64_MAX)
        return (int64_t)field->via.u64;
    fields->failed = true;
    return 0;
}

static inline struct span next_span(struct fields *fields, size_t most)
{
    const msgpack_object *field = next_field(fields);

    if (field->type == MSGPACK_OBJECT_STR && field->via.str.size <= most)
        return span_of(field->via.str.ptr, field->via.str.size);
    if (field->type == MSGPACK_OBJECT_BIN && field->via.bin.size <= most)
        return span_of(field->via.bin.ptr, field->via.bin.size);
    fields->failed = true;
    return (struct span){NULL, 0};
}

/* Parse one object at the start of bytes; zone is the caller's to destroy
 * when the answer is true. */
static inline bool unpack(struct span bytes, msgpack_zone *zone,
                          msgpack_object *object, size_t *used)
{
    msgpack_unpack_return answer;

    *used = 0;
    if (!msgpack_zone_init(zone, 1024))
        return false;
    answer =
        msgpack_unpack((const char *)bytes.data, bytes.len, used, zone, object);
    if (answer == MSGPACK_UNPACK_SUCCESS ||
        answer == MSGPACK_UNPACK_EXTRA_BYTES)
        return true;
    msgpack_zone_destroy(zone);
    return false;
}

#endif
