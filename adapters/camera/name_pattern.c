#include "name_pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "gbk.h"
#include "text.h"

#define NAME_MAX_BYTES 1024 /* of a path below the folder, as UTF-8 */
#define STEPS_MAX 50000     /* names are hostile: a match is given up */

static const struct {
    const char *name;
    enum pattern_field field;
} fields[] = {
    {"plate", FIELD_PLATE}, {"color", FIELD_COLOR}, {"key", FIELD_KEY},
    {"move", FIELD_MOVE},   {"lane", FIELD_LANE},   {"*", FIELD_ANY},
};

/* ---- reading a pattern -------------------------------------------------- */

static bool field_read(struct span inner, struct pattern_item *item)
{
    if (inner.len > 5 && memcmp(inner.data, "time:", 5) == 0) {
        *item = (struct pattern_item){FIELD_TIME,
                                      span_of(inner.data + 5, inner.len - 5)};
        return true;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (span_equal_text(inner, fields[i].name)) {
            *item = (struct pattern_item){fields[i].field, {NULL, 0}};
            return true;
        }
    return false;
}

static bool format_good(struct span format)
{
    for (size_t i = 0; i < format.len; i++)
        if (format.data[i] == '%' &&
            (++i == format.len || strchr("YymdHMS3s%", format.data[i]) == NULL))
            return false;
    return true;
}

/* NULL, or what is wrong with the item behind those that were read. */
static const char *item_fault(const struct name_pattern *pattern,
                              const struct pattern_item *item)
{
    if (pattern->count == PATTERN_ITEMS_MAX)
        return "has too many fields; allowed: 16";
    if (item->field != FIELD_TEXT && pattern->count > 0 &&
        pattern->items[pattern->count - 1].field != FIELD_TEXT)
        return "has two fields in a row; allowed: text between them";
    if (item->field == FIELD_TIME && !format_good(item->text))
        return "has an unknown % in a time; allowed: %Y %y %m %d %H %M %S %3 "
               "%s %%";
    return NULL;
}

static bool refuse(char why[static PATTERN_WHY_MAX], const char *text)
{
    text_put(why, PATTERN_WHY_MAX, text);
    return false;
}

bool name_pattern_read(const char *pattern, struct name_pattern *into,
                       char why[static PATTERN_WHY_MAX])
{
    const char *at = pattern;
    const char *fault;

    *into = (struct name_pattern){.whole_path = strchr(pattern, '/') != NULL};
    while (*at != 0) {
        size_t len = strcspn(at, "{");
        struct pattern_item item = {FIELD_TEXT, span_of(at, len)};

        if (len == 0) {
            len = strcspn(at, "}");
            if (at[len] == 0)
                return refuse(why, "has a { without its }");
            if (!field_read(span_of(at + 1, len - 1), &item))
                return refuse(why, "has an unknown field; allowed: {plate} "
                                   "{color} {time:%Y%m%d%H%M%S} {key} {move} "
                                   "{lane} {*}");
            len++;
        }
        if ((fault = item_fault(into, &item)) != NULL)
            return refuse(why, fault);
        into->items[into->count++] = item;
        at += len;
    }
    return into->count > 0 || refuse(why, "is empty");
}

/* ---- matching ----------------------------------------------------------- */

struct matching {
    const struct name_pattern *pattern;
    struct span found[PATTERN_ITEMS_MAX];
    unsigned steps;
};

static size_t format_width(struct span format)
{
    size_t width = 0;

    for (size_t i = 0; i < format.len; i++) {
        char next = 0;

        if (format.data[i] == '%')
            next = (char)format.data[++i];
        width += next == 'Y' ? 4 : next == '3' ? 3 : next == 's' ? 10 : 1;
        width += next != 0 && strchr("ymdHMS", next) != NULL ? 1 : 0;
    }
    return width;
}

static bool digits(const uint8_t *at, size_t count, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit(at[i]))
            return false;
        *number = *number * 10 + (at[i] - '0');
    }
    return true;
}

struct moment {
    struct china_time time;
    int64_t epoch_s; /* of %s; 0: none */
};

/* One conversion; false: the digits are not there. */
static bool conversion_read(char kind, const uint8_t *at, size_t width,
                            struct moment *moment)
{
    struct china_time *time = &moment->time;
    int64_t number;

    if (!digits(at, width, &number))
        return false;
    switch (kind) {
    case 'Y':
        time->year = (int)number;
        break;
    case 'y':
        time->year = 2000 + (int)number;
        break;
    case 'm':
        time->month = (int)number;
        break;
    case 'd':
        time->day = (int)number;
        break;
    case 'H':
        time->hour = (int)number;
        break;
    case 'M':
        time->minute = (int)number;
        break;
    case 'S':
        time->second = (int)number;
        break;
    case '3':
        time->millisecond = (int)number;
        break;
    default:
        moment->epoch_s = number;
    }
    return true;
}

static bool moment_read(struct span format, struct span text,
                        struct moment *moment)
{
    size_t at = 0;

    for (size_t i = 0; i < format.len; i++) {
        struct span one = span_of(format.data + i, 1);
        size_t width;

        if (*one.data != '%' || one.data[1] == '%') {
            i += *one.data == '%';
            if (text.data[at++] != *one.data)
                return false;
            continue;
        }
        one.len = 2;
        width = format_width(one);
        if (!conversion_read((char)one.data[1], text.data + at, width, moment))
            return false;
        at += width;
        i++;
    }
    return true;
}

static bool text_same(struct span a, const uint8_t *b)
{
    for (size_t i = 0; i < a.len; i++)
        if (tolower(a.data[i]) != tolower(b[i]))
            return false;
    return true;
}

/* May field end behind len bytes of rest, and may it be longer? */
static bool may_end(enum pattern_field field, size_t len)
{
    return len > 0 || field == FIELD_ANY || field == FIELD_COLOR;
}

static bool may_hold(enum pattern_field field, uint8_t byte)
{
    if (field == FIELD_LANE)
        return isdigit(byte) != 0;
    return field == FIELD_ANY || byte != '/';
}

static bool match_from(struct matching *matching, size_t index,
                       struct span rest);

static bool match_fixed(struct matching *matching, size_t index,
                        struct span rest)
{
    const struct pattern_item *item = &matching->pattern->items[index];
    struct moment scratch = {{0, 0, 0, 0, 0, 0, 0}, 0};
    bool is_time = item->field == FIELD_TIME;
    size_t width = is_time ? format_width(item->text) : item->text.len;

    if (rest.len < width)
        return false;
    if (is_time ? !moment_read(item->text, rest, &scratch)
                : !text_same(item->text, rest.data))
        return false;
    matching->found[index] = span_of(rest.data, width);
    return match_from(matching, index + 1,
                      span_of(rest.data + width, rest.len - width));
}

static bool match_from(struct matching *matching, size_t index,
                       struct span rest)
{
    enum pattern_field field;

    if (index == matching->pattern->count)
        return rest.len == 0;
    field = matching->pattern->items[index].field;
    if (field == FIELD_TEXT || field == FIELD_TIME)
        return match_fixed(matching, index, rest);
    for (size_t len = 0; matching->steps++ < STEPS_MAX; len++) {
        matching->found[index] = span_of(rest.data, len);
        if (may_end(field, len) &&
            match_from(matching, index + 1,
                       span_of(rest.data + len, rest.len - len)))
            return true;
        if (len == rest.len || !may_hold(field, rest.data[len]))
            return false;
    }
    return false;
}

/* ---- what was found ----------------------------------------------------- */

static void put(char *to, size_t size, struct span text)
{
    char copy[NAME_MAX_BYTES];

    memcpy(copy, text.data, text.len); /* part of a name of this size */
    copy[text.len] = 0;
    text_put(to, size, copy);
}

static bool time_of(const struct moment *moment, int64_t *at_ms)
{
    if (moment->epoch_s != 0) {
        *at_ms = moment->epoch_s * 1000 + moment->time.millisecond;
        return true;
    }
    if (moment->time.year == 0)
        return true; /* the pattern has no date */
    return china_time_to_ms(&moment->time, at_ms) == STATUS_OK;
}

static bool facts_read(const struct matching *matching,
                       struct name_facts *facts)
{
    struct moment moment = {{0, 1, 1, 0, 0, 0, 0}, 0};

    for (size_t i = 0; i < matching->pattern->count; i++) {
        const struct pattern_item *item = &matching->pattern->items[i];
        struct span found = matching->found[i];

        switch (item->field) {
        case FIELD_PLATE:
            put(facts->plate, sizeof facts->plate, found);
            break;
        case FIELD_COLOR:
            put(facts->color, sizeof facts->color, found);
            break;
        case FIELD_KEY:
            put(facts->key, sizeof facts->key, found);
            break;
        case FIELD_MOVE:
            put(facts->move, sizeof facts->move, found);
            break;
        case FIELD_LANE:
            facts->lane = (unsigned)strtoul((const char *)found.data, NULL, 10);
            break;
        case FIELD_TIME:
            if (!moment_read(item->text, found, &moment))
                return false;
            break;
        case FIELD_TEXT:
        case FIELD_ANY:
            break;
        }
    }
    return time_of(&moment, &facts->at_ms);
}

bool name_pattern_match(const struct name_pattern *pattern, const char *path,
                        struct name_facts *facts)
{
    const char *slash = strrchr(path, '/');
    const char *name = pattern->whole_path || slash == NULL ? path : slash + 1;
    char text[NAME_MAX_BYTES];
    struct matching matching = {.pattern = pattern};

    *facts = (struct name_facts){.at_ms = 0};
    if (strlen(name) >= sizeof text / 3)
        return false; /* three bytes of UTF-8 a byte, at most */
    gbk_put(text, sizeof text, span_text(name));
    return match_from(&matching, 0, span_text(text)) &&
           facts_read(&matching, facts);
}

static void fact_join(char *to, size_t size, const char *from)
{
    if (to[0] == 0)
        text_put(to, size, from);
}

void name_facts_join(struct name_facts *all, const struct name_facts *one)
{
    fact_join(all->plate, sizeof all->plate, one->plate);
    fact_join(all->color, sizeof all->color, one->color);
    fact_join(all->key, sizeof all->key, one->key);
    fact_join(all->move, sizeof all->move, one->move);
    if (all->lane == 0)
        all->lane = one->lane;
    if (all->at_ms == 0)
        all->at_ms = one->at_ms;
}
