#include "modbus_map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct modbus_map_file {
    struct modbus_map map;
    struct settings *settings;
};

/* ---- the table --------------------------------------------------------- */

/* 0 to 65535, or 0x0000 to 0xFFFF. */
static bool address_read(const char *text, unsigned long *address)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";

    if (digits[0] == 0 || strspn(digits, allowed) != strlen(digits))
        return false;
    *address = strtoul(digits, NULL, hex ? 16 : 10);
    return *address <= UINT16_MAX;
}

static bool is_address(const char *text)
{
    unsigned long address;

    return address_read(text, &address);
}

static const struct settings_form form_name = {
    .characters = "a-z0-9_",
    .least = 1,
    .most = REGISTER_NAME_MAX - 1,
    .words = "1 to 31 small letters, digits and _"};
static const struct settings_form form_unit = {
    .characters = "!-~",
    .least = 1,
    .most = REGISTER_UNIT_MAX - 1,
    .words = "1 to 11 visible ASCII characters"};
static const struct settings_form form_address = {
    .least = 1,
    .most = 6,
    .valid = is_address,
    .words = "an address on the wire, 0 to 65535 or 0x0000 to 0xFFFF"};
static const struct settings_form form_title = {
    .least = 1, .most = 64, .words = "1 to 64 bytes of text"};
static const struct settings_form form_note = {
    .most = 400, .words = "at most 400 bytes of text"};

/* clang-format off */
static const struct settings_word types[] = {
    { "u16", MODBUS_U16 }, { "s16", MODBUS_S16 },
    { "u32", MODBUS_U32 }, { "s32", MODBUS_S32 },
    { "u64", MODBUS_U64 }, { "s64", MODBUS_S64 },
    { "float32", MODBUS_FLOAT32 }, { "float64", MODBUS_FLOAT64 },
    { NULL, 0 },
};
static const struct settings_word map_orders[] = {
    { "big", MODBUS_BIG }, { "little", MODBUS_LITTLE }, { NULL, 0 },
};
static const struct settings_word register_orders[] = {
    { "map", MODBUS_ORDER_OF_MAP }, { "big", MODBUS_BIG },
    { "little", MODBUS_LITTLE }, { NULL, 0 },
};
static const struct settings_word rules[] = {
    { "plain", MODBUS_PLAIN }, { "pf_4q", MODBUS_PF_4Q }, { NULL, 0 },
};
static const struct settings_word formats[] = {
    { "8N1", 0 }, { "8E1", 0 }, { "8O1", 0 }, { "8N2", 0 }, { "7E1", 0 },
    { "7O1", 0 }, { NULL, 0 },
};

#define SETTINGS_STRUCT struct modbus_register
static const struct settings_row register_rows[] = {
    SETTINGS_TEXT_ROW(name, NULL, &form_name,
        "the quantity, of docs/devices/registers.md, or a name of your own"),
    SETTINGS_TEXT_ROW(unit, "", &form_unit,
        "needed with a name of your own"),
    { .key = "address", .type = SETTINGS_TEXT, .initial = NULL,
      .offset = SETTINGS_AT(const char *, address_text),
      .form = &form_address,
      .help = "of its first word, on the wire (printed numbers of 4xxxx are "
              "one higher)" },
    SETTINGS_WORD_ROW(type, NULL, types,
        "what it is; u32, s32 and float32 take 2 words, the 64s take 4"),
    SETTINGS_WORD_ROW(order, "map", register_orders,
        "which word is first: big (the high one), little, or as the map says"),
    SETTINGS_REAL_ROW(scale, "1", -1e9, 1e9,
        "what one of it is in its unit: 0.01"),
    SETTINGS_WORD_ROW(rule, "plain", rules,
        "pf_4q: Schneider's power factor in four quadrants"),
    SETTINGS_UNSIGNED_ROW(function, "0", 3, 4,
        "3 (holding) or 4 (input registers), where it is not the map's"),
};
static const struct settings_group register_group = SETTINGS_GROUP_OF(
    register_rows, "One quantity.");
#undef SETTINGS_STRUCT

#define SETTINGS_STRUCT struct modbus_map
static const struct settings_row map_rows[] = {
    SETTINGS_TEXT_ROW(name, NULL, &form_title, "the meter"),
    SETTINGS_TEXT_ROW(maker, "", &form_title, "its maker"),
    SETTINGS_TEXT_ROW(note, "", &form_note, "what to know before using it"),
    { .key = "modbus_unit", .type = SETTINGS_UNSIGNED, .initial = "1",
      .offset = SETTINGS_AT(uint32_t, unit), .min = 1, .max = 247,
      .help = "its address when it was never changed" },
    SETTINGS_UNSIGNED_ROW(speed, "9600", 300, 115200,
        "its speed when it was never changed"),
    SETTINGS_CHOICE_ROW(format, "8N1", formats,
        "its data bits, parity and stop bits when they were never changed"),
    SETTINGS_UNSIGNED_ROW(function, "3", 3, 4,
        "3: holding registers, 4: input registers"),
    SETTINGS_WORD_ROW(order, "big", map_orders,
        "which word of a value is first: big (the high one) or little"),
    SETTINGS_UNSIGNED_ROW(block, "100", 1, MODBUS_WORDS_MAX,
        "words in one request, at most"),
    SETTINGS_UNSIGNED_ROW(gap, "0", 0, 100,
        "unused words that a request may read over"),
    SETTINGS_GROUPS_ROW(registers, register_count, REGISTERS_MAX,
        &register_group, "the quantities"),
};
const struct settings_group modbus_map_group = SETTINGS_GROUP_OF(
    map_rows, "A map of a Modbus meter's registers.");
#undef SETTINGS_STRUCT
/* clang-format on */

/* ---- rules ------------------------------------------------------------- */

unsigned modbus_type_words(int type)
{
    static const uint8_t words[] = {
        [MODBUS_U16] = 1,     [MODBUS_S16] = 1,     [MODBUS_U32] = 2,
        [MODBUS_S32] = 2,     [MODBUS_U64] = 4,     [MODBUS_S64] = 4,
        [MODBUS_FLOAT32] = 2, [MODBUS_FLOAT64] = 4,
    };

    return words[type];
}

static void name_check(struct settings *settings, const struct modbus_map *map,
                       unsigned index, const char *path)
{
    const struct modbus_register *one = &map->registers[index];
    const struct register_name *name = register_find(one->name);

    for (unsigned i = 0; i < index; i++)
        if (strcmp(map->registers[i].name, one->name) == 0)
            settings_mistake(settings, STATUS_INVALID, path, "name",
                             "\"%s\" is there twice; allowed: each name once",
                             one->name);
    if (name == NULL && one->unit[0] == 0)
        settings_mistake(settings, STATUS_MISSING, path, "unit",
                         "must be given because %s is not one of "
                         "docs/devices/registers.md; allowed: %s",
                         one->name, form_unit.words);
    if (name != NULL && one->unit[0] != 0 && strcmp(name->unit, one->unit) != 0)
        settings_mistake(settings, STATUS_INVALID, path, "unit",
                         "\"%s\" is not the unit of %s; allowed: %s%s",
                         one->unit, one->name, name->unit,
                         name->unit[0] == 0 ? "none" : "");
}

static void register_check(struct settings *settings,
                           const struct modbus_map *map, unsigned index)
{
    const struct modbus_register *one = &map->registers[index];
    unsigned words = modbus_type_words(one->type);
    char path[32];

    snprintf(path, sizeof path, "registers[%u]", index);
    name_check(settings, map, index, path);
    if (one->address + words > UINT16_MAX + 1U)
        settings_mistake(settings, STATUS_INVALID, path, "address",
                         "%u words from %s on go beyond 65535; allowed: %s",
                         words, one->address_text, form_address.words);
    if (words > map->block)
        settings_mistake(settings, STATUS_INVALID, path, "type",
                         "it takes %u words and block is %u; allowed: types "
                         "of at most block words",
                         words, map->block);
    if (one->scale == 0 || !isfinite(one->scale))
        settings_mistake(settings, STATUS_INVALID, path, "scale",
                         "is 0; allowed: another number");
    if (one->rule == MODBUS_PF_4Q && one->type != MODBUS_FLOAT32 &&
        one->type != MODBUS_FLOAT64)
        settings_mistake(settings, STATUS_INVALID, path, "rule",
                         "pf_4q is for floats; allowed: float32 and float64");
}

/* What the file leaves to the map. */
static void register_complete(const struct modbus_map *map,
                              struct modbus_register *one)
{
    unsigned long address = 0;

    if (one->order == MODBUS_ORDER_OF_MAP)
        one->order = map->order;
    if (one->function == 0)
        one->function = map->function;
    if (address_read(one->address_text, &address))
        one->address = (uint16_t)address;
}

static int by_place(const void *left, const void *right)
{
    const struct modbus_register *a = left;
    const struct modbus_register *b = right;

    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    return a->address < b->address ? -1 : a->address > b->address;
}

/* ---- opening ----------------------------------------------------------- */

/* The list is in memory that settings holds and only this file may write. */
static void map_complete(struct modbus_map_file *file)
{
    struct modbus_map *map = &file->map;
    struct modbus_register *registers =
        (struct modbus_register *)map->registers;

    if (map->register_count == 0)
        settings_mistake(file->settings, STATUS_MISSING, "", "registers",
                         "is empty; allowed: 1 to %d quantities",
                         REGISTERS_MAX);
    for (unsigned i = 0; i < map->register_count; i++) {
        const struct register_name *name = register_find(registers[i].name);

        register_complete(map, &registers[i]);
        register_check(file->settings, map, i);
        if (registers[i].unit[0] == 0 && name != NULL)
            registers[i].unit = name->unit;
    }
    if (map->register_count > 0)
        qsort(registers, map->register_count, sizeof *registers, by_place);
}

enum status modbus_map_open(const char *path, struct bytes *words,
                            struct modbus_map_file **file)
{
    struct modbus_map_file *opened = calloc(1, sizeof *opened);
    enum status status = STATUS_NOMEM;

    *file = NULL;
    if (opened == NULL)
        goto out;
    status = settings_open(path, &modbus_map_group, &opened->map, words,
                           &opened->settings);
    if (status != STATUS_OK)
        goto out;
    map_complete(opened);
    status = settings_verdict(opened->settings, words);
    if (status != STATUS_OK)
        goto out;
    *file = opened; /* the only line that gives it away */
    opened = NULL;
out:
    modbus_map_close(opened);
    return status;
}

const struct modbus_map *modbus_map_borrow(const struct modbus_map_file *file)
{
    return &file->map;
}

void modbus_map_close(struct modbus_map_file *file)
{
    if (file == NULL)
        return;
    settings_close(file->settings);
    free(file);
}
