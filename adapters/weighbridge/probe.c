#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "line.h"
#include "modbus_frame.h"
#include "model.h"
#include "yaohua.h"

#define OPEN_MS 5000
#define LISTEN_MS 1500
#define ANSWER_MS 300
#define WRITE_MS 1000
#define HEAP 2048
#define FRAMES_LEAST 2 /* of a model that is proposed */
#define UNITS 4        /* Modbus units 1 .. */
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* In the order of how often they are met. */
static const uint32_t speeds[] = {9600, 4800, 2400, 1200, 19200, 600};
static const char *const formats[] = {"8N1", "8E1", "7E1"};

struct heard {
    uint8_t bytes[HEAP];
    size_t len;
};

struct prober {
    struct line_config config;
    bool tcp;
    size_t most; /* bytes that came at once, and were not understood */
    struct line_config most_at;
};

/* ---- listening ------------------------------------------------------------
 */

/* All that comes until wait_ms have gone. */
static void listen_for(struct line *line, int64_t wait_ms, struct heard *heard)
{
    const struct clock *clock = clock_system();
    const int64_t until_ms = clock_steady_ms(clock) + wait_ms;

    heard->len = 0;
    while (heard->len < HEAP) {
        int64_t left_ms = until_ms - clock_steady_ms(clock);
        size_t got = 0;
        enum status status;

        if (left_ms <= 0)
            return;
        status = line_read(line, heard->bytes + heard->len, HEAP - heard->len,
                           left_ms, &got);
        if (status != STATUS_OK)
            return;
        heard->len += got;
    }
}

/* Whole frames of a model in what was heard, and the bytes in none. */
static unsigned frames_in(const struct scale_model *model,
                          const struct heard *heard, size_t *noise,
                          struct scale_frame *last)
{
    const struct scale_options options = {CHECK_MAYBE};
    struct span rest = span_of(heard->bytes, heard->len);
    unsigned count = 0;

    *noise = 0;
    while (rest.len > 0) {
        struct scale_frame frame;
        struct decode_fault fault;
        size_t used;

        if (scale_scan(model, &options, rest, false, &frame, &fault) !=
            SCAN_FRAME)
            break;
        *last = frame;
        used = frame.noise + frame.size;
        *noise +=
            frame.noise - scale_blanks(model, span_of(rest.data, frame.noise));
        count++;
        rest = span_of(rest.data + used, rest.len - used);
    }
    return count;
}

struct found {
    const struct scale_model *model;
    unsigned frames;
    size_t noise;
    struct scale_frame last;
};

/* The model whose frames leave the fewest bytes over; false: none fits. */
static bool understand(const struct heard *heard, struct found *best)
{
    *best = (struct found){.model = NULL};
    for (size_t i = 0; scale_model_at(i) != NULL; i++) {
        struct found one = {.model = scale_model_at(i)};

        one.frames = frames_in(one.model, heard, &one.noise, &one.last);
        if (one.frames < FRAMES_LEAST || one.noise * 4 > heard->len)
            continue;
        if (best->model == NULL || one.noise < best->noise ||
            (one.noise == best->noise && one.model->checked &&
             !best->model->checked))
            *best = one;
    }
    return best->model != NULL;
}

/* ---- asking ----------------------------------------------------------------
 */

static bool asks_yaohua(struct line *line, struct found *found)
{
    uint8_t question[YAOHUA_ASK_BYTES];
    struct heard heard;
    size_t noise;

    yaohua_ask('A', YAOHUA_GROSS, question);
    line_discard(line);
    if (line_write(line, span_of(question, sizeof question), WRITE_MS) !=
        STATUS_OK)
        return false;
    listen_for(line, ANSWER_MS, &heard);
    found->model = &yaohua_command;
    found->frames = frames_in(&yaohua_command, &heard, &noise, &found->last);
    /* An echo of the question is a frame without a weight. */
    return found->frames > 0 && found->last.weight.has_value;
}

/* Any answer of that unit tells, also that it has no such register. */
static bool asks_modbus(struct line *line, bool tcp, uint8_t unit)
{
    const struct modbus_want want = {unit, 3, 1, 1};
    uint8_t rtu[MODBUS_ASK_RTU_BYTES];
    uint8_t mbap[MODBUS_ASK_TCP_BYTES];
    struct modbus_frame frame;
    struct decode_fault fault;
    struct heard heard;
    struct span there;

    modbus_rtu_ask(unit, 3, 0, 1, rtu);
    modbus_tcp_ask(1, unit, 3, 0, 1, mbap);
    line_discard(line);
    if (line_write(line,
                   tcp ? span_of(mbap, sizeof mbap) : span_of(rtu, sizeof rtu),
                   WRITE_MS) != STATUS_OK)
        return false;
    listen_for(line, ANSWER_MS, &heard);
    there = span_of(heard.bytes, heard.len);
    return (tcp ? modbus_tcp_scan(there, &want, &frame, &fault)
                : modbus_rtu_scan(there, &want, &frame, &fault)) == SCAN_FRAME;
}

/* ---- what is printed -------------------------------------------------------
 */

static void snippet(const struct prober *prober, const char *model)
{
    printf("scales:\n"
           "  - id: scale-1\n"
           "    model: %s\n"
           "    port: %s\n",
           model, prober->config.port);
    if (!prober->tcp)
        printf("    speed: %u\n    format: %s\n", prober->config.speed,
               prober->config.format);
    printf("    division: 20  # the step between two weights that it shows\n");
    if (strcmp(model, "mt-continuous") == 0)
        printf("    fixed_zeros: unsaid  # division of 10 or more: sent or "
               "left_out, as the display agrees\n");
}

static void snippet_modbus(const struct prober *prober, const char *model,
                           uint8_t unit)
{
    snippet(prober, model);
    printf("    modbus:\n"
           "      unit: %u\n"
           "      weight_register: 80  # makers do not agree: see its manual\n"
           "      type: s32\n",
           unit);
}

static void tell_found(const struct found *found, const struct heard *heard)
{
    char value[32] = "no weight";

    if (found->last.weight.has_value)
        snprintf(value, sizeof value, "%.*f", found->last.weight.places,
                 weight_value(&found->last.weight));
    fprintf(stderr, "  %s (%s): %u frames in %zu bytes; the last says %s\n",
            found->model->name, found->model->about, found->frames, heard->len,
            value);
    if (!found->model->checked)
        fprintf(stderr, "  its frames carry no check: compare with the "
                        "display before you trust it\n");
}

/* ---- the search ------------------------------------------------------------
 */

static struct line *open_line(const struct prober *prober)
{
    char why[LINE_WHY_MAX];
    struct line *line = NULL;

    if (line_open(&prober->config, -1, OPEN_MS, why, &line) == STATUS_OK)
        return line;
    fprintf(stderr, "%s: %s\n", prober->config.port, why);
    return NULL;
}

enum step { STEP_FOUND, STEP_NOTHING, STEP_BROKEN };

static enum step try_listening(struct prober *prober)
{
    struct line *line = open_line(prober);
    struct heard heard;
    struct found found;

    if (line == NULL)
        return STEP_BROKEN;
    if (!prober->tcp)
        fprintf(stderr, "listening at %u %s\n", prober->config.speed,
                prober->config.format);
    listen_for(line, LISTEN_MS, &heard);
    line_close(line);
    if (understand(&heard, &found)) {
        tell_found(&found, &heard);
        snippet(prober, found.model->name);
        return STEP_FOUND;
    }
    if (heard.len > prober->most) {
        prober->most = heard.len;
        prober->most_at = prober->config;
    }
    return STEP_NOTHING;
}

static enum step try_asking(struct prober *prober)
{
    struct line *line = open_line(prober);
    struct found found = {.model = NULL};
    enum step step = STEP_NOTHING;

    if (line == NULL)
        return STEP_BROKEN;
    if (!prober->tcp)
        fprintf(stderr, "asking at %u %s\n", prober->config.speed,
                prober->config.format);
    if (asks_yaohua(line, &found)) {
        snippet(prober, yaohua_command.name);
        step = STEP_FOUND;
    }
    for (uint8_t unit = 1; unit <= UNITS && step == STEP_NOTHING; unit++)
        if (asks_modbus(line, false, unit)) {
            snippet_modbus(prober, "modbus-rtu", unit);
            step = STEP_FOUND;
        }
    line_close(line);
    for (uint8_t unit = 1; prober->tcp && unit <= UNITS && step == STEP_NOTHING;
         unit++) {
        line = open_line(prober); /* what it did not like may have closed it */
        if (line == NULL)
            return STEP_BROKEN;
        if (asks_modbus(line, true, unit)) {
            snippet_modbus(prober, "modbus-tcp", unit);
            step = STEP_FOUND;
        }
        line_close(line);
    }
    return step;
}

/* Every usual speed with every format; over TCP they are the server's. */
static enum step try_all(struct prober *prober,
                         enum step (*step)(struct prober *prober),
                         size_t format_count)
{
    for (size_t f = 0; f < format_count; f++)
        for (size_t s = 0; s < COUNT(speeds); s++) {
            enum step came;

            prober->config.speed = speeds[s];
            prober->config.format = formats[f];
            came = step(prober);
            if (came != STEP_NOTHING || prober->tcp)
                return came;
        }
    return STEP_NOTHING;
}

static void tell_nothing(const struct prober *prober)
{
    if (prober->most == 0)
        fprintf(stderr,
                "nothing came from %s: is the indicator on, set to send, and "
                "are receive and transmit crossed?\n",
                prober->config.port);
    else if (prober->tcp)
        fprintf(stderr,
                "%zu bytes came and no known frame is in them: look at speed "
                "and format of the serial server\n",
                prober->most);
    else
        fprintf(stderr,
                "most came at %u %s (%zu bytes), and no known frame is in "
                "them; garbage at the right speed is mostly a wrong parity\n",
                prober->most_at.speed, prober->most_at.format, prober->most);
}

int probe(const char *device)
{
    struct prober prober = {
        .config = {.port = device, .speed = speeds[0], .format = formats[0]},
        .tcp = strncmp(device, "tcp://", 6) == 0};
    enum step step;

    if (!settings_form_holds(&line_form_port, device)) {
        fprintf(stderr, "%s: allowed: %s\n", device, line_form_port.words);
        return 2;
    }
    step = try_all(&prober, try_listening, COUNT(formats));
    if (step == STEP_NOTHING)
        step = try_all(&prober, try_asking, 2);
    if (step == STEP_NOTHING)
        tell_nothing(&prober);
    return step == STEP_FOUND ? EXIT_SUCCESS : EXIT_FAILURE;
}
