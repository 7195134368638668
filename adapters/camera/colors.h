/*
 * colors.h - the makers' plate colours in the words of docs/topics.md.
 *
 * All results are static: blue yellow white black green yellow_green other;
 * "" when the maker says that it does not know.  A number or word that is not
 * in the maker's table is "other".  Numbers never go further: VZ's and the
 * platforms' overlap and differ by one.
 */
#ifndef SAMPAN_COLORS_H
#define SAMPAN_COLORS_H

#include "bytes.h"

const char *color_of_vz(int64_t number);
const char *color_of_isapi(const char *word); /* case does not matter */
const char *color_of_dahua(const char *word); /* as above, also Chinese */

/*
 * Hikvision puts the colour's character in front of a Chinese plate
 * (U+84DD U+6D59 ...: blue, Zhejiang): its length in bytes, and *color; 0 and
 * "" when there is none.  Black is also a province: it is a colour only in
 * front of another Chinese character.
 */
size_t color_prefix(struct span plate, const char **color);

#endif
