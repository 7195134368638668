#include "colors.h"

#include <strings.h>

static const char *const vz_colors[] = {
    "", "blue", "yellow", "white", "black", "green", "yellow_green"};

struct word {
    const char *maker;
    const char *ours;
};

/* clang-format off */
/* Green of civil aviation is not the green of new energy: other. */
static const struct word isapi_colors[] = {
    { "unknown",              "" },
    { "blue",                 "blue" },
    { "yellow",               "yellow" },
    { "white",                "white" },
    { "black",                "black" },
    { "civilAviationBlack",   "black" },
    { "green",                "green" },
    { "newEnergyGreen",       "green" },
    { "newEnergyYellowGreen", "yellow_green" },
};

static const struct word dahua_colors[] = {
    { "",            "" },
    { "Unknown",     "" },
    { "Blue",        "blue" },
    { "Yellow",      "yellow" },
    { "White",       "white" },
    { "Black",       "black" },
    { "Green",       "green" },
    { "YellowGreen", "yellow_green" },
    { "蓝",          "blue" },
    { "黄",          "yellow" },
    { "白",          "white" },
    { "黑",          "black" },
    { "绿",          "green" },
    { "黄绿",        "yellow_green" },
    { "蓝色",        "blue" },
    { "黄色",        "yellow" },
    { "白色",        "white" },
    { "黑色",        "black" },
    { "绿色",        "green" },
    { "黄绿色",      "yellow_green" },
};

/* The longer first. */
static const struct word prefixes[] = {
    { "黄绿", "yellow_green" },
    { "蓝",   "blue" },
    { "黄",   "yellow" },
    { "白",   "white" },
    { "黑",   "black" },
    { "绿",   "green" },
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof *(table))

const char *color_of_vz(int64_t number)
{
    return number >= 0 && number < (int64_t)COUNT(vz_colors) ? vz_colors[number]
                                                             : "other";
}

static const char *look_up(const struct word *words, size_t count,
                           const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(words[i].maker, word) == 0)
            return words[i].ours;
    return "other";
}

const char *color_of_isapi(const char *word)
{
    return look_up(isapi_colors, COUNT(isapi_colors), word);
}

const char *color_of_dahua(const char *word)
{
    return look_up(dahua_colors, COUNT(dahua_colors), word);
}

size_t color_prefix(struct span plate, const char **color)
{
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        struct span head = span_text(prefixes[i].maker);

        if (plate.len <= head.len ||
            !span_equal(span_of(plate.data, head.len), head))
            continue;
        /* Heilongjiang's own character in front of its letter. */
        if (span_equal_text(head, "黑") && plate.data[head.len] < 0x80)
            continue;
        *color = prefixes[i].ours;
        return head.len;
    }
    *color = "";
    return 0;
}
