#include "passage.h"

#include <stdio.h>
#include <string.h>

#include "gbk.h"
#include "text.h"

static void raise_letters(char *text)
{
    for (; *text != 0; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
}

void passage_plate(struct capture *capture, struct notes *notes,
                   struct span text, const char *color, struct plate *plate)
{
    bool none = plate_is_none(text);

    capture->kind = CAPTURE_PASSAGE;
    if (!none)
        gbk_put(capture->plate, sizeof capture->plate, text);
    raise_letters(capture->plate);
    plate_read(span_text(capture->plate), plate);
    text_put(capture->color, sizeof capture->color,
             plate_settle_color(plate, color));
    note_text(notes, "kind", "passage");
    note_flag(notes, "capture", true);
    note_word(notes, "plate", capture->plate);
    note_word(notes, "color", capture->color);
    if (strcmp(color, capture->color) != 0)
        note_word(notes, "color_read", color);
    if (none)
        return;
    note_text(notes, "plate_shape", plate_kind_word(plate->kind));
    note_flag(notes, "new_energy",
              plate->kind == PLATE_ENERGY_SMALL ||
                  plate->kind == PLATE_ENERGY_LARGE ||
                  strcmp(capture->color, "green") == 0 ||
                  strcmp(capture->color, "yellow_green") == 0);
    if (plate->kind == PLATE_INVALID)
        note_text(notes, "plate_doubt", plate->fault.text);
}

void passage_time(const struct capture *capture, struct notes *notes)
{
    note_utc(notes, "utc", capture->at_ms);
    note_china(notes, "local_cst", capture->at_ms);
}

void passage_picture(struct capture *capture, struct notes *notes,
                     enum capture_part part, const char *name, struct span jpeg)
{
    enum status status = capture_add_picture(capture, part, name, jpeg);

    if (status == STATUS_NOMEM)
        notes->failed = true;
    else if (status != STATUS_OK)
        note_line(notes, "picture_faults", "%s: %s", name,
                  capture->picture_count == CAPTURE_PICTURES_MAX
                      ? "there are 8 already"
                      : "does not begin as a JPEG (FF D8)");
}

bool passage_begin(struct capture *capture, struct notes *notes,
                   struct decode_fault *fault)
{
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    *notes = (struct notes){0};
    if (capture_make(capture) != STATUS_OK)
        return decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    notes->to = capture->details;
    return true;
}

bool passage_end(struct capture *capture, const struct notes *notes,
                 struct decode_fault *fault)
{
    if (notes->failed && fault->kind == DECODE_NONE)
        decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    if (fault->kind == DECODE_NONE)
        return true;
    capture_free(capture);
    return false;
}
