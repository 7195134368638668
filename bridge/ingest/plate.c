#include "plate.h"

#include <stddef.h>
#include <string.h>

const char *const plate_colors[] = {
    "blue", "yellow", "white", "black", "green", "yellow_green", "other", NULL,
};

/* Bytes of the blank or dot that text begins with; 0: it is neither. */
static size_t filler(const char *text)
{
    static const char *const fillers[] = {
        " ",
        "\t",
        "-",
        ".",
        "\xc2\xb7" /* U+00B7 */,
        "\xe2\x80\xa2" /* U+2022 */,
        "\xe3\x80\x80" /* U+3000 */,
    };

    for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers)[0]; i++)
        if (strncmp(text, fillers[i], strlen(fillers[i])) == 0)
            return strlen(fillers[i]);
    return 0;
}

void plate_read(const char *text, char plate[static PLATE_MAX])
{
    size_t at = 0;
    size_t skip;

    while (text != NULL && *text != 0 && at < PLATE_MAX - 1) {
        if ((skip = filler(text)) > 0) {
            text += skip;
            continue;
        }
        plate[at++] =
            (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
        text++;
    }
    plate[at] = 0;
}
