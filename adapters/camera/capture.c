#include "capture.h"

#include <math.h>
#include <string.h>

#include "text.h"

enum status capture_make(struct capture *capture)
{
    *capture = (struct capture){.kind = CAPTURE_OTHER, .confidence = NAN};
    capture->details = json_object();
    return capture->details == NULL ? STATUS_NOMEM : STATUS_OK;
}

void capture_free(struct capture *capture)
{
    for (size_t i = 0; i < capture->picture_count; i++)
        bytes_free(&capture->pictures[i].jpeg);
    capture->picture_count = 0;
    json_decref(capture->details);
    capture->details = NULL;
}

enum status capture_add_picture(struct capture *capture, enum capture_part part,
                                const char *name, struct span jpeg)
{
    struct capture_picture *picture = capture->pictures;
    enum status status;

    if (capture->picture_count == CAPTURE_PICTURES_MAX || jpeg.len < 2 ||
        jpeg.data[0] != 0xff || jpeg.data[1] != 0xd8)
        return STATUS_INVALID;
    picture += capture->picture_count;
    *picture = (struct capture_picture){.part = part};
    text_put(picture->name, sizeof picture->name, name);
    status = bytes_copy(&picture->jpeg, jpeg);
    if (status == STATUS_OK)
        capture->picture_count++;
    return status;
}
