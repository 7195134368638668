#include "model.h"

#include <string.h>

static const struct scale_model *const models[] = {
    &yaohua_continuous, &yaohua_command, &yaohua_d2,
    &xk3118t1,          &yaohua_a12,     &st_gs,
    &slash_index,       &mt_continuous,  &big_display,
};
#define MODEL_COUNT (sizeof models / sizeof models[0])

const struct scale_model *scale_model_at(size_t index)
{
    return index < MODEL_COUNT ? models[index] : NULL;
}

const struct scale_model *scale_model_find(const char *name)
{
    for (size_t i = 0; i < MODEL_COUNT; i++)
        if (strcmp(models[i]->name, name) == 0)
            return models[i];
    return NULL;
}

/* ---- scanning ----------------------------------------------------------- */

static bool is_blank(const struct scale_model *model, uint8_t byte)
{
    return model->text && (byte == '\r' || byte == '\n' || byte == ' ');
}

size_t scale_blanks(const struct scale_model *model, struct span bytes)
{
    size_t count = 0;

    while (count < bytes.len && is_blank(model, bytes.data[count]))
        count++;
    return count;
}

enum scan scale_scan(const struct scale_model *model,
                     const struct scale_options *options, struct span bytes,
                     bool last, struct scale_frame *frame,
                     struct decode_fault *fault)
{
    struct decode_fault own = {0};
    bool begun = false; /* something that may become a frame, at noise */
    bool failed = false;

    *frame = (struct scale_frame){0};
    for (size_t at = 0; at < bytes.len; at++) {
        size_t size = 0;
        enum match match;

        if (is_blank(model, bytes.data[at]))
            continue;
        match = model->match(span_of(bytes.data + at, bytes.len - at), last,
                             options, &size, &frame->weight, &own);
        own.offset += at;
        if (match == MATCH_WHOLE) {
            frame->noise = at;
            frame->size = size;
            return SCAN_FRAME;
        }
        frame->bad_checks += !begun && own.kind == DECODE_CHECKSUM;
        if (!failed)
            *fault = own;
        failed = true;
        if (match == MATCH_MORE && !begun) {
            begun = true;
            frame->noise = at;
        }
    }
    if (!failed)
        decode_fail(fault, DECODE_EMPTY, 0, "there is no frame");
    if (!begun)
        frame->noise = bytes.len;
    return begun ? SCAN_MORE : SCAN_NONE;
}

/* ---- reading a line ----------------------------------------------------- */

size_t scale_reader_put(struct scale_reader *reader, struct span bytes)
{
    const size_t room = sizeof reader->buffer - reader->len;
    const size_t taken = bytes.len < room ? bytes.len : room;

    if (taken > 0)
        memcpy(reader->buffer + reader->len, bytes.data, taken);
    reader->len += taken;
    return taken;
}

static void drop(struct scale_reader *reader, size_t size)
{
    reader->len -= size;
    memmove(reader->buffer, reader->buffer + size, reader->len);
}

/* Blanks between frames are no noise. */
static void drop_noise(struct scale_reader *reader, size_t size)
{
    for (size_t i = 0; i < size; i++)
        reader->noise += !is_blank(reader->model, reader->buffer[i]);
    drop(reader, size);
}

/* A frame without a check that lost a byte is shorter than its neighbours. */
static bool length_right(struct scale_reader *reader, size_t size)
{
    const bool right = reader->model->checked || reader->last_size == size;

    reader->last_size = size;
    return right;
}

bool scale_reader_next(struct scale_reader *reader, bool last,
                       struct weight *weight)
{
    struct scale_frame frame;
    struct decode_fault fault;
    enum scan scan;

    for (;;) {
        scan = scale_scan(reader->model, &reader->options,
                          span_of(reader->buffer, reader->len), last, &frame,
                          &fault);
        reader->bad_checks += frame.bad_checks;
        drop_noise(reader, frame.noise);
        if (scan != SCAN_FRAME)
            break;
        memcpy(reader->raw, reader->buffer, frame.size);
        reader->raw_size = frame.size;
        drop(reader, frame.size);
        if (length_right(reader, frame.size)) {
            reader->frames++;
            *weight = frame.weight;
            return true;
        }
        reader->odd++;
    }
    /* what never becomes a frame must not fill the buffer */
    if (reader->len > SCALE_FRAME_MAX)
        drop_noise(reader, reader->len - SCALE_FRAME_MAX);
    return false;
}

void scale_reader_forget(struct scale_reader *reader)
{
    reader->len = 0;
    reader->last_size = 0;
}
