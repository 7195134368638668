#include "dlt645_data.h"

#include <stdio.h>
#include <string.h>

enum kind {
    NUMBERS,
    DEMAND,      /* a number, and behind it when it was */
    DEMAND_TIME, /* MMDDhhmm */
    DATE,        /* YYMMDDWW */
    TIME,        /* hhmmss */
    DIGITS,      /* an address or a number plate */
    LETTERS,     /* ASCII, last letter first */
};

struct item {
    uint32_t di;    /* of the first */
    uint32_t step;  /* to the next */
    uint32_t block; /* that asks for all of them; DLT645_NO_DI: none */
    uint8_t count;
    enum kind kind;
    uint8_t width;
    uint8_t places;
    bool sign;            /* in the top bit */
    const char *names[4]; /* of registers */
    const char *tariff;   /* and of those behind them, with a number for N */
};

#define NONE DLT645_NO_DI
#define ABC(start, end)                                                        \
    {                                                                          \
        start "_a" end, start "_b" end, start "_c" end                         \
    }
#define TABC(start, end)                                                       \
    {                                                                          \
        start end, start "_a" end, start "_b" end, start "_c" end              \
    }

/* clang-format off */

/* DL/T 645-2007, appendix A. */
static const struct item items_2007[] = {
    /* di         step   block     count kind    wide places sign */
    { 0x00000000, 0x100, 0x0000FF00, 64, NUMBERS,  4, 2, true,
      { "combined_kwh" }, "combined_tariff_N_kwh" },
    { 0x00010000, 0x100, 0x0001FF00, 64, NUMBERS,  4, 2, false,
      { "import_kwh" }, "import_tariff_N_kwh" },
    { 0x00020000, 0x100, 0x0002FF00, 64, NUMBERS,  4, 2, false,
      { "export_kwh" }, "export_tariff_N_kwh" },
    { 0x00030000, 0x100, 0x0003FF00, 64, NUMBERS,  4, 2, true,
      { "reactive_1_kvarh" }, "reactive_1_tariff_N_kvarh" },
    { 0x00040000, 0x100, 0x0004FF00, 64, NUMBERS,  4, 2, true,
      { "reactive_2_kvarh" }, "reactive_2_tariff_N_kvarh" },
    { 0x01010000, 0,     NONE,        1, DEMAND,   3, 4, false,
      { "import_demand_kw" }, NULL },
    { 0x02010100, 0x100, 0x0201FF00,  3, NUMBERS,  2, 1, false,
      ABC("voltage", "_v"), NULL },
    { 0x02020100, 0x100, 0x0202FF00,  3, NUMBERS,  3, 3, true,
      ABC("current", "_a"), NULL },
    { 0x02030000, 0x100, 0x0203FF00,  4, NUMBERS,  3, 4, true,
      TABC("active_power", "_kw"), NULL },
    { 0x02040000, 0x100, 0x0204FF00,  4, NUMBERS,  3, 4, true,
      TABC("reactive_power", "_kvar"), NULL },
    { 0x02050000, 0x100, 0x0205FF00,  4, NUMBERS,  3, 4, false,
      TABC("apparent_power", "_kva"), NULL },
    { 0x02060000, 0x100, 0x0206FF00,  4, NUMBERS,  2, 3, true,
      TABC("power_factor", ""), NULL },
    { 0x02800002, 0,     NONE,        1, NUMBERS,  2, 2, false,
      { "frequency_hz" }, NULL },
    { 0x04000101, 0,     NONE,        1, DATE,     4, 0, false, { NULL }, NULL },
    { 0x04000102, 0,     NONE,        1, TIME,     3, 0, false, { NULL }, NULL },
    { 0x04000401, 1,     NONE,        2, DIGITS,   6, 0, false, { NULL }, NULL },
    { 0x04000404, 0,     NONE,        1, LETTERS,  6, 0, false, { NULL }, NULL },
};

/*
 * DL/T 645-1997, appendix A.  Reactive power is XX.XX there, and XX.XXXX in
 * meters that took it from the later edition: item_of_size.  A current has no
 * sign: 80.00 A of a direct meter has the top bit set.
 */
static const struct item items_1997[] = {
    { 0x9010, 1, 0x901F, 15, NUMBERS,     4, 2, false,
      { "import_kwh" }, "import_tariff_N_kwh" },
    { 0x9020, 1, 0x902F, 15, NUMBERS,     4, 2, false,
      { "export_kwh" }, "export_tariff_N_kwh" },
    { 0x9110, 1, 0x911F, 15, NUMBERS,     4, 2, false,
      { "reactive_1_kvarh" }, "reactive_1_tariff_N_kvarh" },
    { 0x9120, 1, 0x912F, 15, NUMBERS,     4, 2, false,
      { "reactive_2_kvarh" }, "reactive_2_tariff_N_kvarh" },
    { 0xA010, 0, NONE,    1, DEMAND,      3, 4, false,
      { "import_demand_kw" }, NULL },
    { 0xB010, 0, NONE,    1, DEMAND_TIME, 4, 0, false, { NULL }, NULL },
    { 0xB611, 1, 0xB61F,  3, NUMBERS,     2, 0, false,
      ABC("voltage", "_v"), NULL },
    { 0xB621, 1, 0xB62F,  3, NUMBERS,     2, 2, false,
      ABC("current", "_a"), NULL },
    { 0xB630, 1, 0xB63F,  4, NUMBERS,     3, 4, true,
      TABC("active_power", "_kw"), NULL },
    { 0xB640, 1, 0xB64F,  4, NUMBERS,     2, 2, true,
      TABC("reactive_power", "_kvar"), NULL },
    { 0xB650, 1, 0xB65F,  4, NUMBERS,     2, 3, true,
      TABC("power_factor", ""), NULL },
    { 0xC010, 0, NONE,    1, DATE,        4, 0, false, { NULL }, NULL },
    { 0xC011, 0, NONE,    1, TIME,        3, 0, false, { NULL }, NULL },
    { 0xC032, 1, NONE,    2, DIGITS,      6, 0, false, { NULL }, NULL },
};

static const struct items {
    const struct item *items;
    size_t count;
    uint32_t date, time;
} editions[] = {
    [DLT645_2007] = { items_2007, sizeof items_2007 / sizeof items_2007[0],
                      0x04000101, 0x04000102 },
    [DLT645_1997] = { items_1997, sizeof items_1997 / sizeof items_1997[0],
                      0xC010, 0xC011 },
};
/* clang-format on */

/* ---- finding ----------------------------------------------------------- */

/* The item that di is a member or the block of. */
static const struct item *item_find(enum dlt645_edition edition, uint32_t di,
                                    unsigned *index, bool *block)
{
    const struct items *all = &editions[edition];

    for (size_t i = 0; i < all->count; i++) {
        const struct item *item = &all->items[i];
        uint32_t step = item->step == 0 ? 1 : item->step;
        uint32_t distance = di - item->di;

        *block = item->block == di && di != NONE;
        *index = *block ? 0 : distance / step;
        if (*block ||
            (di >= item->di && distance % step == 0 && *index < item->count))
            return item;
    }
    return NULL;
}

/* The register's name of a member, in a buffer; "" when it has none. */
static void name_of(const struct item *item, unsigned index,
                    char name[static REGISTER_NAME_MAX])
{
    name[0] = 0;
    if (index < 4 && item->names[index] != NULL)
        snprintf(name, REGISTER_NAME_MAX, "%s", item->names[index]);
    else if (item->tariff != NULL && index > 0)
        snprintf(name, REGISTER_NAME_MAX, "%.*s%u%s",
                 (int)strcspn(item->tariff, "N"), item->tariff, index,
                 strchr(item->tariff, 'N') + 1);
}

static uint32_t member_di(const struct item *item, unsigned index)
{
    return item->di + index * item->step;
}

static const struct item *item_named(enum dlt645_edition edition,
                                     const char *name, unsigned *index)
{
    const struct items *all = &editions[edition];
    char own[REGISTER_NAME_MAX];

    for (size_t i = 0; i < all->count; i++)
        for (*index = 0; *index < all->items[i].count; ++*index) {
            name_of(&all->items[i], *index, own);
            if (own[0] != 0 && strcmp(own, name) == 0)
                return &all->items[i];
        }
    return NULL;
}

uint32_t dlt645_di_of(enum dlt645_edition edition, const char *name)
{
    unsigned index;
    const struct item *item = item_named(edition, name, &index);

    return item == NULL ? DLT645_NO_DI : member_di(item, index);
}

uint32_t dlt645_di_date(enum dlt645_edition edition)
{
    return editions[edition].date;
}

uint32_t dlt645_di_time(enum dlt645_edition edition)
{
    return editions[edition].time;
}

size_t dlt645_members(enum dlt645_edition edition, uint32_t di,
                      uint32_t members[static DLT645_MEMBERS_MAX])
{
    unsigned index;
    bool block;
    const struct item *item = item_find(edition, di, &index, &block);
    size_t count = 0;

    if (item == NULL || !block)
        return 0;
    for (; count < item->count && count < DLT645_MEMBERS_MAX; count++)
        members[count] = member_di(item, (unsigned)count);
    return count;
}

/* ---- planning ---------------------------------------------------------- */

static bool wants_another(enum dlt645_edition edition, const struct item *item,
                          const char *const *names, size_t count, size_t self)
{
    unsigned index;

    for (size_t i = 0; i < count; i++)
        if (i != self && strcmp(names[i], names[self]) != 0 &&
            item_named(edition, names[i], &index) == item)
            return true;
    return false;
}

static bool plan_add(uint32_t *dis, size_t *count, uint32_t di)
{
    for (size_t i = 0; i < *count; i++)
        if (dis[i] == di)
            return true;
    if (*count == DLT645_PLAN_MAX)
        return false;
    dis[(*count)++] = di;
    return true;
}

bool dlt645_plan(enum dlt645_edition edition, const char *const *names,
                 size_t count, uint32_t dis[static DLT645_PLAN_MAX],
                 size_t *di_count, const char **unknown)
{
    *di_count = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned index;
        const struct item *item = item_named(edition, names[i], &index);

        *unknown = names[i];
        if (item == NULL ||
            !plan_add(dis, di_count,
                      item->block != NONE &&
                              wants_another(edition, item, names, count, i)
                          ? item->block
                          : member_di(item, index)))
            return false;
    }
    *unknown = NULL;
    return true;
}

/* ---- reading ----------------------------------------------------------- */

static uint8_t bcd_of(uint8_t byte)
{
    return (byte >> 4) > 9 || (byte & 15) > 9
               ? UINT8_MAX
               : (uint8_t)((byte >> 4) * 10 + (byte & 15));
}

static bool is_absent(struct span field)
{
    for (size_t i = 0; i < field.len; i++)
        if (field.data[i] != 0xFF)
            return false;
    return true;
}

/* 1997's reactive power in the format of 2007. */
static struct item item_of_size(const struct item *item, size_t len, bool block)
{
    struct item fitting = *item;
    size_t members = block ? item->count : 1;

    if (item->di == 0xB640 && len >= 3 * members) {
        fitting.width = 3;
        fitting.places = 4;
    }
    return fitting;
}

static bool number_take(const struct item *item, unsigned index,
                        struct span payload, size_t offset,
                        struct register_values *values,
                        struct decode_fault *fault)
{
    struct span field = span_of(payload.data + offset, item->width);
    char name[REGISTER_NAME_MAX];
    struct decimal number;
    size_t wrong = 0;

    if (!decimal_from_bcd(field, item->places, item->sign, &number, &wrong))
        return decode_fail(fault, DECODE_VALUE, offset + wrong,
                           "byte %02X is not BCD", field.data[wrong]);
    name_of(item, index, name);
    if (!register_add(values, name, register_find(name)->unit, number))
        return decode_fail(fault, DECODE_LIMIT, offset,
                           "there are more than %d values", REGISTERS_MAX);
    return true;
}

static bool numbers_take(const struct item *item, unsigned index, bool block,
                         struct span payload, struct register_values *values,
                         struct dlt645_taken *taken, struct decode_fault *fault)
{
    unsigned most = block ? item->count : index + 1;

    for (; index < most && payload.len - taken->used >= item->width; index++) {
        struct span field = span_of(payload.data + taken->used, item->width);

        if (!(block && is_absent(field)) &&
            !number_take(item, index, payload, taken->used, values, fault))
            return false;
        taken->used += item->width;
    }
    if (index < most && (taken->used == 0 || payload.len - taken->used > 1))
        return decode_fail(fault, DECODE_LENGTH, payload.len,
                           "a value has %u bytes; there are %zu left",
                           item->width, payload.len - taken->used);
    return true;
}

/* Every byte BCD, and count of them there. */
static bool digits_hold(struct span payload, size_t count,
                        struct decode_fault *fault)
{
    if (payload.len < count)
        return decode_fail(fault, DECODE_LENGTH, payload.len,
                           "it must have %zu bytes; there are %zu", count,
                           payload.len);
    for (size_t i = 0; i < count; i++)
        if (bcd_of(payload.data[i]) == UINT8_MAX)
            return decode_fail(fault, DECODE_VALUE, i, "byte %02X is not BCD",
                               payload.data[i]);
    return true;
}

static bool clock_take(enum kind kind, struct span payload,
                       struct register_clock *clock, struct dlt645_taken *taken,
                       struct decode_fault *fault)
{
    const uint8_t *at = payload.data;
    struct register_clock part = {.has_date = kind == DATE,
                                  .has_time = kind == TIME};

    if (kind == DATE) { /* at[0] is the weekday */
        part.day = bcd_of(at[1]);
        part.month = bcd_of(at[2]);
        part.year = (uint16_t)(2000 + bcd_of(at[3]));
        snprintf(taken->text, sizeof taken->text, "%04u-%02u-%02u", part.year,
                 part.month, part.day);
    } else {
        part.second = bcd_of(at[0]);
        part.minute = bcd_of(at[1]);
        part.hour = bcd_of(at[2]);
        snprintf(taken->text, sizeof taken->text, "%02u:%02u:%02u", part.hour,
                 part.minute, part.second);
    }
    if (!register_clock_valid(&part))
        return decode_fail(fault, DECODE_VALUE, 0, "%s is no %s of a clock",
                           taken->text, kind == DATE ? "date" : "time");
    if (kind == DATE) {
        clock->year = part.year;
        clock->month = part.month;
        clock->day = part.day;
    } else {
        clock->hour = part.hour;
        clock->minute = part.minute;
        clock->second = part.second;
    }
    clock->has_date = clock->has_date || part.has_date;
    clock->has_time = clock->has_time || part.has_time;
    return true;
}

static void text_backwards(const struct item *item, struct span payload,
                           char *text)
{
    size_t len = 0;

    for (size_t i = item->width; i > 0; i--) {
        uint8_t byte = payload.data[i - 1];

        if (item->kind == DIGITS)
            len += (size_t)snprintf(text + len, 3, "%02X", byte);
        else if (byte >= ' ' && byte <= '~')
            text[len++] = (char)byte;
    }
    text[len] = 0;
}

/* The demand, and in 2007 behind it YYMMDDhhmm, low byte first. */
static bool demand_take(enum dlt645_edition edition, const struct item *item,
                        struct span payload, struct register_values *values,
                        struct dlt645_taken *taken, struct decode_fault *fault)
{
    const uint8_t *at = payload.data + item->width;

    if (payload.len < item->width)
        return decode_fail(fault, DECODE_LENGTH, payload.len,
                           "a value has %u bytes; there are %zu", item->width,
                           payload.len);
    if (!number_take(item, 0, payload, 0, values, fault))
        return false;
    taken->used = item->width;
    if (edition == DLT645_2007 && payload.len >= item->width + 5U) {
        snprintf(taken->text, sizeof taken->text, "20%02X-%02X-%02X %02X:%02X",
                 at[4], at[3], at[2], at[1], at[0]);
        taken->used += 5;
    }
    return true;
}

bool dlt645_take(enum dlt645_edition edition, uint32_t di, struct span payload,
                 struct register_values *values, struct dlt645_taken *taken,
                 struct decode_fault *fault)
{
    unsigned index;
    bool block;
    const struct item *found = item_find(edition, di, &index, &block);
    struct item item;

    *fault = (struct decode_fault){.kind = DECODE_NONE};
    memset(taken, 0, sizeof *taken);
    if (found == NULL)
        return decode_fail(fault, DECODE_UNKNOWN, 0,
                           "the identifier %0*X is not known here",
                           edition == DLT645_2007 ? 8 : 4, di);
    item = item_of_size(found, payload.len, block);
    if (item.kind == NUMBERS)
        return numbers_take(&item, index, block, payload, values, taken, fault);
    if (item.kind == DEMAND)
        return demand_take(edition, &item, payload, values, taken, fault);
    if (item.kind != LETTERS && !digits_hold(payload, item.width, fault))
        return false;
    if (payload.len < item.width)
        return decode_fail(fault, DECODE_LENGTH, payload.len,
                           "it must have %u bytes; there are %zu", item.width,
                           payload.len);
    taken->used = item.width;
    if (item.kind == DATE || item.kind == TIME)
        return clock_take(item.kind, payload, &values->clock, taken, fault);
    if (item.kind == DEMAND_TIME)
        snprintf(taken->text, sizeof taken->text, "%02X-%02X %02X:%02X",
                 payload.data[3], payload.data[2], payload.data[1],
                 payload.data[0]);
    else
        text_backwards(&item, payload, taken->text);
    return true;
}

bool dlt645_read(enum dlt645_edition edition, uint32_t di, struct span payload,
                 struct register_values *values, struct decode_fault *fault)
{
    struct register_values before = *values;
    struct dlt645_taken taken;

    if (dlt645_take(edition, di, payload, values, &taken, fault))
        return true;
    *values = before;
    return false;
}
