#include "report.h"

#include <math.h>
#include <stdio.h>

#include "clock.h"
#include "text.h"

/* A weight to the thousandth of a division: 47.82 t, not 47.81999999. */
static json_t *number(const struct scale_config *config, double value)
{
    double step = config->division / 1000;
    double rounded = round(value / step) * step;

    /* What is whole is told whole. */
    if (fabs(rounded - round(rounded)) < step / 2)
        return json_integer((json_int_t)round(rounded));
    return json_real(round(rounded * 1e6) / 1e6);
}

void report_id(const struct scale_config *config, int64_t at_ms,
               char id[static REPORT_ID_MAX])
{
    const struct china_time time = china_time_of(at_ms);

    text_print(id, REPORT_ID_MAX, "%s-%04d%02d%02dT%02d%02d%02d.%03d",
               config->id, time.year, time.month, time.day, time.hour,
               time.minute, time.second, time.millisecond);
}

json_t *report_content(const struct scale_config *config,
                       const struct stable_report *report, const char *raw)
{
    json_t *content =
        json_pack("{s:o, s:s, s:b, s:o, s:o, s:i, s:s}", "gross",
                  number(config, report->gross), "unit",
                  weight_unit_word((enum weight_unit)config->unit), "stable", 1,
                  "lowest", number(config, report->lowest), "highest",
                  number(config, report->highest), "readings",
                  (int)report->readings, "raw", raw);

    if (content != NULL && config->lane[0] != 0)
        json_object_set_new(content, "lane", json_string(config->lane));
    if (content != NULL && config->direction[0] != 0)
        json_object_set_new(content, "direction",
                            json_string(config->direction));
    return content;
}

json_t *report_live(const struct scale_config *config,
                    const struct stable *stable, bool holds, int64_t at_ms)
{
    static const char *const states[] = {
        [STABLE_EMPTY] = "empty",
        [STABLE_LOADING] = "loading",
        [STABLE_WEIGHED] = "weighed",
        [STABLE_RETURNED] = "weighed",
    };
    char time[CLOCK_TEXT_MAX];
    json_t *live;

    clock_print_iso(at_ms, time);
    live = json_pack("{s:s, s:s, s:b, s:s}", "time", time, "unit",
                     weight_unit_word((enum weight_unit)config->unit), "stable",
                     (int)holds, "state", states[stable->state]);
    if (live != NULL && stable->known && stable->reading == READING_GOOD)
        json_object_set_new(live, "weight", number(config, stable->value));
    return live;
}
