#include "shows.h"

bool show_put(json_t *json, const char *key, json_t *value)
{
    return json_object_set_new(json, key, value) == 0;
}

bool show_text(json_t *json, const char *key, const char *text)
{
    return show_put(json, key, json_string(text));
}

bool show_hex(json_t *json, const char *key, struct span bytes)
{
    return show_put(json, key, decode_json_hex(bytes));
}

bool show_integer(json_t *json, const char *key, int64_t value)
{
    return show_put(json, key, json_integer(value));
}

static bool value_put(json_t *json, const struct register_value *value)
{
    return show_put(json, "value", decimal_json(value->number)) &&
           show_text(json, "unit", value->unit);
}

bool show_values(json_t *json, const struct register_values *values)
{
    json_t *all;
    bool good;

    if (values->count == 0)
        return true;
    if (values->count == 1)
        return show_text(json, "register", values->values[0].name) &&
               value_put(json, &values->values[0]);
    all = json_object();
    good = all != NULL;
    for (unsigned i = 0; good && i < values->count; i++) {
        json_t *one = json_object();

        good = one != NULL && value_put(one, &values->values[i]);
        good = show_put(all, values->values[i].name, one) && good;
    }
    return show_put(json, "values", all) && good;
}

bool show_passed_over(json_t *json, const struct decode_fault *fault)
{
    if (fault->kind == DECODE_NONE)
        return true;
    return show_put(json, "passed_over",
                    json_pack("{s:s, s:I, s:s}", "kind",
                              decode_fault_word(fault->kind), "offset",
                              (json_int_t)fault->offset, "text", fault->text));
}

bool show_all(struct span input, json_t *frames, struct decode_fault *fault,
              bool (*one)(struct span rest, json_t *frames, size_t *taken,
                          const void *arg, struct decode_fault *fault),
              const void *arg)
{
    size_t at = 0;

    while (at == 0 || at < input.len) {
        struct span rest = span_of(input.data + at, input.len - at);
        size_t taken = 0;

        if (!decode_room(frames, at, fault))
            return false;
        if (!one(rest, frames, &taken, arg, fault)) {
            fault->offset += at;
            return at > 0 && fault->kind == DECODE_START;
        }
        at += taken;
    }
    return true;
}
