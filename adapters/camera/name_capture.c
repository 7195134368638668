#include "name_capture.h"

#include "colors.h"
#include "passage.h"
#include "text.h"

/* A colour of its own goes before the character in front of the plate. */
bool name_capture(const struct name_facts *facts, struct capture *capture)
{
    struct decode_fault fault = {DECODE_NONE, 0, ""};
    struct span text = span_text(facts->plate);
    const char *ahead;
    struct plate plate;
    struct notes notes;
    size_t prefix;

    if (!passage_begin(capture, &notes, &fault))
        return false;
    prefix = color_prefix(text, &ahead);
    passage_plate(
        capture, &notes, span_of(text.data + prefix, text.len - prefix),
        facts->color[0] != 0 ? color_of_dahua(facts->color) : ahead, &plate);
    text_put(capture->key, sizeof capture->key, facts->key);
    text_put(capture->movement, sizeof capture->movement, facts->move);
    capture->lane = facts->lane;
    capture->at_ms = facts->at_ms;
    return passage_end(capture, &notes, &fault);
}
