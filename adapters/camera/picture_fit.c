#include "picture_fit.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

/* Tried in this order until one fits; scale in eighths. */
static const struct step {
    int quality;
    unsigned scale;
} steps[] = {
    {85, 8}, {75, 8}, {65, 8}, {75, 6}, {65, 5},
    {60, 4}, {55, 3}, {50, 2}, {40, 1},
};

/* Both libjpeg objects, and where their errors go.  One error manager a
 * picture: libjpeg tells of trouble by calling error_exit, which must not
 * return. */
struct transcoder {
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    struct jpeg_decompress_struct in;
    struct jpeg_compress_struct out;
    struct jpeg_destination_mgr to;
    JSAMPROW row;
    struct bytes *made; /* has room for the limit */
    size_t limit_bytes;
};

/* Why decoding or encoding was left, as longjmp carries it; 0: it was not. */
enum { LEFT_DAMAGED = 1, LEFT_HUGE, LEFT_MEMORY, LEFT_FULL };

bool picture_is_jpeg(struct span jpeg)
{
    return jpeg.len >= 4 && jpeg.data[0] == 0xff && jpeg.data[1] == 0xd8 &&
           jpeg.data[2] == 0xff;
}

static void fail(j_common_ptr common)
{
    struct transcoder *of = common->client_data;

    longjmp(of->failed, LEFT_DAMAGED);
}

/* Damage that libjpeg carries on after; the status tells enough. */
static void ignore_message(j_common_ptr common, int level)
{
    (void)common;
    (void)level;
}

static void ignore_output(j_common_ptr common)
{
    (void)common;
}

/* A progressive file of a few bytes may ask for thousands of passes. */
static void watch_scans(j_common_ptr common)
{
    const struct jpeg_decompress_struct *in = (j_decompress_ptr)common;

    if (common->is_decompressor && in->input_scan_number > PICTURE_SCANS_MAX)
        fail(common);
}

static bool size_allowed(const struct jpeg_decompress_struct *in)
{
    return in->image_width <= PICTURE_SIDE_MAX &&
           in->image_height <= PICTURE_SIDE_MAX &&
           (uint64_t)in->image_width * in->image_height <= PICTURE_PIXELS_MAX;
}

/* ---- what is written goes into made, and no further than the limit ------ */

static void to_begin(j_compress_ptr out)
{
    struct transcoder *of = out->client_data;

    of->to.next_output_byte = of->made->data;
    of->to.free_in_buffer = of->limit_bytes;
}

static boolean to_full(j_compress_ptr out)
{
    struct transcoder *of = out->client_data;

    longjmp(of->failed, LEFT_FULL);
}

static void to_end(j_compress_ptr out)
{
    struct transcoder *of = out->client_data;

    of->made->len = of->limit_bytes - of->to.free_in_buffer;
}

/* ---- one step ----------------------------------------------------------- */

static void transcoder_make(struct transcoder *of, size_t limit_bytes,
                            struct bytes *made)
{
    jpeg_std_error(&of->error);
    of->error.error_exit = fail;
    of->error.emit_message = ignore_message;
    of->error.output_message = ignore_output;
    of->progress.progress_monitor = watch_scans;
    of->in.err = of->out.err = &of->error;
    of->in.client_data = of->out.client_data = of;
    of->to.init_destination = to_begin;
    of->to.empty_output_buffer = to_full;
    of->to.term_destination = to_end;
    of->limit_bytes = limit_bytes;
    of->made = made;
}

static void transcoder_free(struct transcoder *of)
{
    jpeg_destroy_decompress(&of->in);
    jpeg_destroy_compress(&of->out);
    free(of->row);
    free(of);
}

/* One component stays one (a night camera's grey); all else becomes YCbCr. */
static void input_begin(struct transcoder *of, struct span jpeg,
                        const struct step *step)
{
    jpeg_mem_src(&of->in, jpeg.data, (unsigned long)jpeg.len);
    jpeg_read_header(&of->in, TRUE);
    if (!size_allowed(&of->in))
        longjmp(of->failed, LEFT_HUGE);
    of->in.out_color_space =
        of->in.num_components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
    of->in.scale_num = step->scale;
    of->in.scale_denom = 8;
    of->in.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&of->in);
}

static void output_begin(struct transcoder *of, const struct step *step)
{
    of->out.image_width = of->in.output_width;
    of->out.image_height = of->in.output_height;
    of->out.input_components = of->in.output_components;
    of->out.in_color_space = of->in.out_color_space;
    jpeg_set_defaults(&of->out);
    jpeg_set_quality(&of->out, step->quality, TRUE);
    of->out.dest = &of->to;
    jpeg_start_compress(&of->out, TRUE);
}

static void lines_pass(struct transcoder *of)
{
    of->row =
        malloc((size_t)of->in.output_width * (size_t)of->in.output_components);
    if (of->row == NULL)
        longjmp(of->failed, LEFT_MEMORY);
    while (of->in.output_scanline < of->in.output_height) {
        jpeg_read_scanlines(&of->in, &of->row, 1);
        jpeg_write_scanlines(&of->out, &of->row, 1);
    }
    jpeg_finish_compress(&of->out);
    jpeg_finish_decompress(&of->in);
}

/* Made gets it; INVALID: it is larger than the limit. */
static enum status transcode(struct span jpeg, const struct step *step,
                             size_t limit_bytes, struct bytes *made)
{
    static const enum status of_jump[] = {
        [0] = STATUS_OK,
        [LEFT_DAMAGED] = STATUS_FORMAT,
        [LEFT_HUGE] = STATUS_DENIED,
        [LEFT_MEMORY] = STATUS_NOMEM,
        [LEFT_FULL] = STATUS_INVALID,
    };
    struct transcoder *of = calloc(1, sizeof *of);
    int jump;

    if (of == NULL)
        return STATUS_NOMEM;
    transcoder_make(of, limit_bytes, made);
    jump = setjmp(of->failed);
    if (jump == 0) {
        jpeg_create_decompress(&of->in);
        jpeg_create_compress(&of->out);
        of->in.mem->max_memory_to_use = PICTURE_MEMORY_MAX;
        of->in.progress = &of->progress;
        input_begin(of, jpeg, step);
        output_begin(of, step);
        lines_pass(of);
    }
    transcoder_free(of);
    return of_jump[jump];
}

enum status picture_fit(struct span jpeg, size_t limit_bytes,
                        struct bytes *fitted)
{
    struct bytes made = BYTES_EMPTY;
    enum status status = bytes_reserve(&made, limit_bytes);

    if (status == STATUS_OK)
        status = STATUS_INVALID;
    for (size_t i = 0;
         i < sizeof steps / sizeof steps[0] && status == STATUS_INVALID; i++)
        status = transcode(jpeg, &steps[i], limit_bytes, &made);
    if (status == STATUS_OK)
        bytes_move(fitted, &made);
    bytes_free(&made);
    return status;
}
