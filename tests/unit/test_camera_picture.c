/* Pictures made to fit, and pictures made to hurt. */
#include "camera_world.h"

#include "picture_fit.h"

/* Width and height as libjpeg reads them. */
static void size_of(const struct bytes *jpeg, unsigned *width, unsigned *height)
{
    struct jpeg_decompress_struct in;
    struct jpeg_error_mgr error;

    in.err = jpeg_std_error(&error);
    jpeg_create_decompress(&in);
    jpeg_mem_src(&in, jpeg->data, jpeg->len);
    jpeg_read_header(&in, TRUE);
    *width = in.image_width;
    *height = in.image_height;
    jpeg_destroy_decompress(&in);
}

static void large_picture_keeps_its_pixels_when_it_can(void **state)
{
    struct bytes jpeg = picture_of(1200, 800, 95, false);
    struct bytes fitted = BYTES_EMPTY;
    unsigned width, height;

    (void)state;
    assert_int_equal(picture_fit(bytes_view(&jpeg), jpeg.len * 3 / 4, &fitted),
                     STATUS_OK);
    assert_in_range(fitted.len, 1, jpeg.len * 3 / 4);
    size_of(&fitted, &width, &height);
    assert_int_equal(width, 1200);
    assert_int_equal(height, 800);
    bytes_free(&jpeg);
    bytes_free(&fitted);
}

static void much_too_large_picture_loses_pixels(void **state)
{
    struct bytes jpeg = picture_of(1200, 800, 95, true);
    struct bytes fitted = BYTES_EMPTY;
    unsigned width, height;

    (void)state;
    assert_int_equal(picture_fit(bytes_view(&jpeg), jpeg.len / 20, &fitted),
                     STATUS_OK);
    assert_in_range(fitted.len, 1, jpeg.len / 20);
    size_of(&fitted, &width, &height);
    assert_in_range(width, 150, 1199);
    assert_in_range(height, 100, 799);
    bytes_free(&jpeg);
    bytes_free(&fitted);
}

static void limit_below_the_smallest_step_is_refused(void **state)
{
    struct bytes jpeg = picture_of(800, 600, 95, false);
    struct bytes fitted = BYTES_EMPTY;

    (void)state;
    assert_int_equal(picture_fit(bytes_view(&jpeg), 300, &fitted),
                     STATUS_INVALID);
    assert_null(fitted.data);
    bytes_free(&jpeg);
}

static void torn_picture_gives_what_could_be_read(void **state)
{
    struct bytes jpeg = picture_of(800, 600, 95, false);
    struct bytes fitted = BYTES_EMPTY;

    (void)state;
    assert_int_equal(
        picture_fit(span_of(jpeg.data, jpeg.len / 2), jpeg.len / 3, &fitted),
        STATUS_OK);
    bytes_free(&jpeg);
    bytes_free(&fitted);
}

static void every_head_cut_anywhere_ends_in_a_status(void **state)
{
    struct bytes jpeg = picture_of(64, 64, 95, true);

    (void)state;
    for (size_t len = 0; len < jpeg.len; len += 3) {
        struct bytes fitted = BYTES_EMPTY;
        enum status status =
            picture_fit(span_of(jpeg.data, len), 100000, &fitted);

        assert_true(status == STATUS_OK || status == STATUS_FORMAT);
        bytes_free(&fitted);
    }
    bytes_free(&jpeg);
}

static void every_damaged_byte_ends_in_a_status(void **state)
{
    struct bytes jpeg = picture_of(48, 48, 90, true);

    (void)state;
    for (size_t at = 2; at < jpeg.len && at < 900; at++) {
        struct bytes fitted = BYTES_EMPTY;
        uint8_t before = jpeg.data[at];
        enum status status;

        jpeg.data[at] = (uint8_t)~before;
        status = picture_fit(bytes_view(&jpeg), 100000, &fitted);
        assert_true(status == STATUS_OK || status == STATUS_FORMAT ||
                    status == STATUS_DENIED || status == STATUS_INVALID);
        jpeg.data[at] = before;
        bytes_free(&fitted);
    }
    bytes_free(&jpeg);
}

/* Where the SOF segment has height and width (ITU T.81, B.2.2). */
static uint8_t *frame_of(const struct bytes *jpeg)
{
    for (size_t i = 2; i + 9 < jpeg->len;
         i += 2 + (size_t)(jpeg->data[i + 2] << 8 | jpeg->data[i + 3]))
        if (jpeg->data[i + 1] == 0xc0 || jpeg->data[i + 1] == 0xc2)
            return &jpeg->data[i + 5];
    fail_msg("no SOF");
    return NULL;
}

static void picture_that_claims_65000_by_65000_is_denied(void **state)
{
    struct bytes jpeg = picture_of(64, 64, 90, false);
    struct bytes fitted = BYTES_EMPTY;

    (void)state;
    memcpy(frame_of(&jpeg), "\xfd\xe8\xfd\xe8", 4);
    assert_int_equal(picture_fit(bytes_view(&jpeg), 100000, &fitted),
                     STATUS_DENIED);
    bytes_free(&jpeg);
}

/* 6000 x 6000 coefficients of a progressive picture are above the limit. */
static void progressive_picture_that_gathers_too_much_is_refused(void **state)
{
    struct bytes jpeg = picture_of(64, 64, 90, true);
    struct bytes fitted = BYTES_EMPTY;

    (void)state;
    memcpy(frame_of(&jpeg), "\x17\x70\x17\x70", 4);
    assert_int_equal(picture_fit(bytes_view(&jpeg), 100000, &fitted),
                     STATUS_FORMAT);
    bytes_free(&jpeg);
}

/* The scans of a progressive picture once more and once more. */
static void progressive_picture_of_too_many_scans_is_refused(void **state)
{
    struct bytes jpeg = picture_of(64, 64, 90, true);
    struct bytes bomb = BYTES_EMPTY;
    struct bytes fitted = BYTES_EMPTY;
    const uint8_t *scan = memmem(jpeg.data, jpeg.len, "\xff\xda", 2);
    size_t scans = jpeg.len - 2 - (size_t)(scan - jpeg.data);

    (void)state;
    assert_int_equal(
        bytes_append(&bomb, span_of(jpeg.data, (size_t)(scan - jpeg.data))),
        STATUS_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(bytes_append(&bomb, span_of(scan, scans)), STATUS_OK);
    assert_int_equal(bytes_append(&bomb, span_of("\xff\xd9", 2)), STATUS_OK);
    assert_int_equal(picture_fit(bytes_view(&bomb), 100000, &fitted),
                     STATUS_FORMAT);
    bytes_free(&bomb);
    bytes_free(&jpeg);
}

static void text_is_no_picture(void **state)
{
    struct bytes fitted = BYTES_EMPTY;

    (void)state;
    assert_false(picture_is_jpeg(span_text("GIF89a")));
    assert_false(picture_is_jpeg(span_of("\xff\xd8\xff", 3)));
    assert_true(picture_is_jpeg(span_of("\xff\xd8\xff\xd9", 4)));
    assert_int_equal(picture_fit(span_text("GIF89a"), 1000, &fitted),
                     STATUS_FORMAT);
}
