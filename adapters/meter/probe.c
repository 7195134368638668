#include "probe.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "station.h"
#include "text.h"

#define OPEN_TIMEOUT_MS 5000
#define WRITE_TIMEOUT_MS 3000
#define SERIAL_ANSWER_MS 700 /* DL/T 645: at most 500 ms */
#define MODBUS_ANSWER_MS 250
#define TCP_ANSWER_MS 1000 /* a network lies between */
#define BETWEEN_BYTES_MS 120
#define GAP_MS 60
#define FOUND_MAX 256
#define HEAP_MAX 2048
#define PROFILES_MAX 64
#define PROFILE_NAME_MAX 41
#define PROFILES_STANDARD "/usr/share/sampan/profiles"

struct found {
    int protocol; /* enum meter_protocol */
    char address[16];
    char type[3]; /* CJ/T 188 */
    char profile[PROFILE_NAME_MAX];
    char others[3 * PROFILE_NAME_MAX]; /* profiles that fit as well */
};

struct prober {
    struct line_config config;
    struct line *line;
    bool tcp;
    unsigned questions;
    uint8_t heap[HEAP_MAX]; /* what the last question brought */
    size_t heap_len;
    uint16_t transaction;
    bool garbled; /* bytes came at this speed, and no frame */
    struct found found[FOUND_MAX];
    size_t found_count;
};

/* ---- asking -------------------------------------------------------------- */

static bool open_line(struct prober *prober)
{
    char why[LINE_WHY_MAX];

    if (prober->line != NULL)
        return true;
    if (line_open(&prober->config, -1, OPEN_TIMEOUT_MS, why, &prober->line) ==
        STATUS_OK)
        return true;
    prober->line = NULL;
    fprintf(stderr, "%s\n", why);
    return false;
}

/* A serial server may close a connection that it does not understand. */
static void broken(struct prober *prober)
{
    line_close(prober->line);
    prober->line = NULL;
}

/* Send, and collect what comes until the line is silent. */
static struct span ask(struct prober *prober, struct span request,
                       int64_t answer_ms)
{
    int64_t wait_ms =
        prober->tcp ? answer_ms + TCP_ANSWER_MS - MODBUS_ANSWER_MS : answer_ms;
    enum status status = STATUS_OK;

    prober->heap_len = 0;
    if (prober->questions++ >= PROBE_QUESTIONS_MAX || !open_line(prober))
        return span_of(prober->heap, 0);
    /* What came late is no answer to this. */
    status = line_read(prober->line, prober->heap, HEAP_MAX, GAP_MS,
                       &prober->heap_len);
    prober->heap_len = 0;
    line_discard(prober->line);
    if (status == STATUS_OK || status == STATUS_EMPTY)
        status = line_write(prober->line, request, WRITE_TIMEOUT_MS);
    wait_ms += line_duration_ms(&prober->config, request.len);
    while (status == STATUS_OK && prober->heap_len < HEAP_MAX) {
        size_t got = 0;

        status = line_read(prober->line, prober->heap + prober->heap_len,
                           HEAP_MAX - prober->heap_len, wait_ms, &got);
        prober->heap_len += got;
        /* An echo comes at once, the answer after it. */
        wait_ms = prober->heap_len <= request.len ? wait_ms : BETWEEN_BYTES_MS;
    }
    if (status != STATUS_EMPTY && status != STATUS_OK)
        broken(prober);
    return span_of(prober->heap, prober->heap_len);
}

static struct found *add(struct prober *prober, int protocol,
                         const char *address)
{
    struct found *found;

    for (size_t i = 0; i < prober->found_count; i++)
        if (prober->found[i].protocol == protocol &&
            strcmp(prober->found[i].address, address) == 0)
            return &prober->found[i];
    if (prober->found_count == FOUND_MAX)
        return NULL;
    found = &prober->found[prober->found_count++];
    *found = (struct found){.protocol = protocol};
    text_put(found->address, sizeof found->address, address);
    fprintf(stderr, "  %s %s\n", meter_protocol_name(protocol), address);
    return found;
}

/* ---- DL/T 645 ------------------------------------------------------------ */

static bool is_blank(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != 0xFE && bytes.data[i] != 0xFF &&
            bytes.data[i] != 0)
            return false;
    return true;
}

/* Who answered, of what came.  Answers that collide spoil each other from the
 * second's first byte on: what is only in front of an answer is a serial
 * server's registration, or a glitch. */
static enum dlt645_heard dlt645_heard(struct prober *prober, struct span bytes,
                                      struct dlt645_frame *answer)
{
    struct dlt645_frame frame;
    struct decode_fault fault;
    unsigned frames = 0;
    bool front = false;
    bool behind = false;

    for (;;) {
        enum scan scan;

        fault.kind = DECODE_NONE;
        scan = dlt645_scan(bytes, &frame, &fault);
        if (scan != SCAN_FRAME)
            break;
        if (!is_blank(span_of(bytes.data, frame.noise)))
            *(frames == 0 ? &front : &behind) = true;
        bytes = span_of(bytes.data + frame.noise + frame.size,
                        bytes.len - frame.noise - frame.size);
        if (dlt645_is_request(&frame))
            continue;
        *answer = frame;
        frames++;
    }
    behind = behind || !is_blank(bytes);
    if (frames == 1 && !behind)
        return DLT645_ONE;
    if (frames == 0 && !front && !behind)
        return DLT645_SILENCE;
    prober->garbled = prober->garbled || frames == 0;
    return DLT645_GARBLED;
}

static void dlt645_found(struct prober *prober, int protocol,
                         const struct dlt645_frame *answer)
{
    char text[DLT645_ADDRESS_TEXT];

    dlt645_address_print(&answer->address, text);
    add(prober, protocol, text);
}

static enum dlt645_heard dlt645_ask(struct prober *prober, int protocol,
                                    const struct dlt645_request *request)
{
    struct dlt645_frame answer;
    enum dlt645_heard heard = dlt645_heard(
        prober,
        ask(prober, span_of(request->bytes, request->len), SERIAL_ANSWER_MS),
        &answer);

    if (heard == DLT645_ONE)
        dlt645_found(prober, protocol, &answer);
    return heard;
}

/* Meter by meter, when several answer to the wildcard at once. */
static void dlt645_probe(struct prober *prober, int protocol)
{
    enum dlt645_edition edition =
        protocol == METER_DLT645_1997 ? DLT645_1997 : DLT645_2007;
    uint32_t di = dlt645_di_of(edition, "import_kwh");
    struct dlt645_address address;
    struct dlt645_request request;
    struct dlt645_search search;

    dlt645_ask_address(edition, &dlt645_anybody, &request);
    (void)dlt645_ask(prober, protocol, &request);
    if (edition == DLT645_1997 &&
        dlt645_address_read("999999999999", &address)) {
        dlt645_ask_address(edition, &address, &request);
        (void)dlt645_ask(prober, protocol, &request);
    }
    dlt645_search_start(&search);
    while (prober->questions < PROBE_QUESTIONS_MAX &&
           dlt645_search_next(&search, &address)) {
        dlt645_ask_data(edition, &address, di, &request);
        dlt645_search_heard(&search, dlt645_ask(prober, protocol, &request));
    }
}

static void dlt645_2007_probe(struct prober *prober)
{
    dlt645_probe(prober, METER_DLT645_2007);
}

static void dlt645_1997_probe(struct prober *prober)
{
    dlt645_probe(prober, METER_DLT645_1997);
}

/* ---- CJ/T 188 ------------------------------------------------------------ */

static void cjt188_found(struct prober *prober, struct span bytes)
{
    struct cjt188_frame frame;
    struct decode_fault fault = {.kind = DECODE_NONE};

    while (cjt188_scan(bytes, &frame, &fault) == SCAN_FRAME) {
        char text[CJT188_ADDRESS_TEXT];
        struct found *found;

        bytes = span_of(bytes.data + frame.noise + frame.size,
                        bytes.len - frame.noise - frame.size);
        if (cjt188_is_request(&frame))
            continue;
        cjt188_address_print(&frame.address, text);
        found = add(prober, METER_CJT188, text);
        if (found != NULL)
            text_print(found->type, sizeof found->type, "%02X", frame.type);
        return;
    }
    if (!is_blank(bytes))
        prober->garbled = true;
}

static void cjt188_probe(struct prober *prober)
{
    static const uint8_t types[] = {CJT188_ANY_TYPE, 0x10, 0x20, 0x30};
    size_t before = prober->found_count;

    for (size_t i = 0; i < sizeof types && prober->found_count == before; i++) {
        struct cjt188_request request;

        cjt188_ask_address(types[i], &cjt188_anybody, 0, &request);
        cjt188_found(prober, ask(prober, span_of(request.bytes, request.len),
                                 SERIAL_ANSWER_MS));
    }
}

/* ---- Modbus -------------------------------------------------------------- */

/* True: the unit answered, be it with an exception (frame->shape). */
static bool modbus_ask(struct prober *prober, int protocol, uint8_t unit,
                       struct modbus_request wanted, struct modbus_frame *frame)
{
    bool tcp = meter_protocol_is_tcp(protocol);
    const struct modbus_want want = {unit, wanted.function, wanted.count,
                                     ++prober->transaction};
    uint8_t request[MODBUS_ASK_TCP_BYTES];
    struct decode_fault fault = {.kind = DECODE_NONE};
    struct span answer;

    if (tcp)
        modbus_tcp_ask(want.transaction, unit, wanted.function, wanted.start,
                       wanted.count, request);
    else
        modbus_rtu_ask(unit, wanted.function, wanted.start, wanted.count,
                       request);
    answer =
        ask(prober,
            span_of(request, tcp ? MODBUS_ASK_TCP_BYTES : MODBUS_ASK_RTU_BYTES),
            MODBUS_ANSWER_MS);
    if ((tcp ? modbus_tcp_scan : modbus_rtu_scan)(answer, &want, frame,
                                                  &fault) == SCAN_FRAME)
        /* 0A, 0B: a gateway, and nobody behind it */
        return frame->shape != MODBUS_EXCEPTION || frame->exception < 10;
    if (!is_blank(answer))
        prober->garbled = true;
    return false;
}

/* What tells a register map from another: a value that is only right there. */
struct sign {
    const char *name;
    double low, high;
};

static bool shows(struct prober *prober, int protocol, uint8_t unit,
                  const struct modbus_map *map, const struct sign *sign)
{
    struct modbus_plan *plan = calloc(1, sizeof *plan);
    struct register_values *values = calloc(1, sizeof *values);
    struct decode_fault fault = {.kind = DECODE_NONE};
    struct modbus_frame frame;
    const struct register_value *value = NULL;
    const char *unknown;
    bool fits = false;

    if (plan != NULL && values != NULL &&
        modbus_plan(map, &sign->name, 1, plan, &unknown) && plan->count == 1 &&
        modbus_ask(prober, protocol, unit, plan->requests[0], &frame) &&
        frame.shape == MODBUS_DATA &&
        modbus_extract(map, plan, &plan->requests[0], frame.data, values,
                       &fault))
        value = register_value(values, sign->name);
    if (value != NULL) {
        double real = decimal_real(value->number);

        fits = real >= sign->low && real <= sign->high;
    }
    free(values);
    free(plan);
    return fits;
}

static bool map_fits(struct prober *prober, int protocol, uint8_t unit,
                     const struct modbus_map *map)
{
    static const struct sign signs[] = {
        {"frequency_hz", 45, 65},
        {"voltage_a_v", 50, 500},
    };

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (shows(prober, protocol, unit, map, &signs[i]))
            return true;
    return false;
}

static const char *profile_folder(void)
{
    const char *folder = getenv("SAMPAN_PROFILES");

    return folder == NULL ? PROFILES_STANDARD : folder;
}

static int is_profile(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && len < PROFILE_NAME_MAX + 5 &&
           strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static void identify_by(struct prober *prober, struct found *found,
                        uint8_t unit, const char *file)
{
    struct bytes path = BYTES_EMPTY;
    struct bytes words = BYTES_EMPTY;
    struct modbus_map_file *map = NULL;
    char name[PROFILE_NAME_MAX];

    text_print(name, sizeof name, "%.*s", (int)strlen(file) - 5, file);
    if (bytes_print(&path, "%s/%s", profile_folder(), file) == STATUS_OK &&
        modbus_map_open(bytes_text(&path), &words, &map) == STATUS_OK &&
        map_fits(prober, found->protocol, unit, modbus_map_borrow(map))) {
        if (found->profile[0] == 0)
            text_put(found->profile, sizeof found->profile, name);
        else if (strlen(found->others) + strlen(name) + 2 <
                 sizeof found->others)
            text_print(found->others + strlen(found->others),
                       sizeof found->others - strlen(found->others), " %s",
                       name);
    }
    modbus_map_close(map);
    bytes_free(&words);
    bytes_free(&path);
}

static void identify(struct prober *prober, struct found *found, uint8_t unit)
{
    struct dirent **files = NULL;
    int count = scandir(profile_folder(), &files, is_profile, alphasort);

    for (int i = 0; i < count; i++) {
        if (i < PROFILES_MAX)
            identify_by(prober, found, unit, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    if (count <= 0)
        fprintf(stderr, "  no register maps in %s (SAMPAN_PROFILES)\n",
                profile_folder());
}

static void modbus_probe(struct prober *prober, int protocol)
{
    for (uint8_t unit = 1; unit <= PROBE_UNITS; unit++) {
        struct modbus_frame frame;
        struct found *found;
        char text[4];

        if (!modbus_ask(prober, protocol, unit,
                        (struct modbus_request){3, 0, 1}, &frame))
            continue;
        text_print(text, sizeof text, "%u", unit);
        found = add(prober, protocol, text);
        if (found != NULL)
            identify(prober, found, unit);
    }
}

static void modbus_rtu_probe(struct prober *prober)
{
    modbus_probe(prober, METER_MODBUS_RTU);
}

static void modbus_tcp_probe(struct prober *prober)
{
    modbus_probe(prober, METER_MODBUS_TCP);
}

/* ---- speeds -------------------------------------------------------------- */

struct setting {
    uint32_t speed;
    const char *format;
};

/* The usual ones first. */
static const struct setting settings[] = {
    {2400, "8E1"}, {9600, "8N1"},  {9600, "8E1"},   {1200, "8E1"},
    {4800, "8E1"}, {19200, "8N1"}, {19200, "8E1"},  {4800, "8N1"},
    {2400, "8N1"}, {38400, "8N1"}, {115200, "8N1"}, {9600, "8O1"},
    {9600, "8N2"},
};

static void probe_serial(struct prober *prober)
{
    dlt645_2007_probe(prober);
    dlt645_1997_probe(prober);
    cjt188_probe(prober);
    modbus_rtu_probe(prober);
}

/* False: the port cannot be opened at all. */
static bool probe_setting(struct prober *prober, const struct setting *setting)
{
    bool opened;

    prober->config.speed = setting->speed;
    prober->config.format = setting->format;
    prober->garbled = false;
    if (prober->tcp)
        fprintf(stderr, "%s\n", prober->config.port);
    else
        fprintf(stderr, "%u %s\n", setting->speed, setting->format);
    opened = open_line(prober);
    if (opened && prober->tcp) {
        modbus_tcp_probe(prober);
        broken(prober); /* a serial server keeps no half frame of it */
    }
    if (opened && prober->found_count == 0)
        probe_serial(prober);
    broken(prober);
    if (prober->garbled && prober->found_count == 0)
        fprintf(stderr,
                "  something came that is no frame: noise, several meters at "
                "once, another speed or parity, or A and B swapped\n");
    return opened;
}

/* ---- what is told -------------------------------------------------------- */

static void print_meter(const struct found *found)
{
    printf("      - id: meter-%s\n"
           "        protocol: %s\n"
           "        address: \"%s\"\n",
           found->address, meter_protocol_name(found->protocol),
           found->address);
    if (found->protocol == METER_CJT188)
        printf("        type: \"%s\"\n", found->type);
    if (!meter_protocol_is_modbus(found->protocol))
        return;
    if (found->profile[0] == 0)
        printf("        profile: generic # not recognised: write a map for "
               "it\n");
    else
        printf("        profile: %s%s%s\n", found->profile,
               found->others[0] == 0 ? "" : " # or", found->others);
}

static void print_settings(const struct prober *prober)
{
    printf("buses:\n"
           "  - port: %s\n",
           prober->config.port);
    if (!prober->tcp)
        printf("    speed: %u\n"
               "    format: %s\n",
               prober->config.speed, prober->config.format);
    printf("    meters:\n");
    for (size_t i = 0; i < prober->found_count; i++)
        print_meter(&prober->found[i]);
}

int probe(const char *device)
{
    struct prober *prober = calloc(1, sizeof *prober);
    size_t count = sizeof settings / sizeof settings[0];
    bool found;

    if (prober == NULL)
        return EXIT_FAILURE;
    if (!settings_form_holds(&line_form_port, device)) {
        fprintf(stderr, "%s: allowed: %s\n", device, line_form_port.words);
        free(prober);
        return 2;
    }
    prober->config.port = device;
    prober->tcp = strncmp(device, "tcp://", 6) == 0;
    for (size_t i = 0; i < (prober->tcp ? 1 : count); i++)
        if (!probe_setting(prober, &settings[i]) || prober->found_count > 0)
            break;
    found = prober->found_count > 0;
    if (found)
        print_settings(prober);
    else
        fprintf(stderr, "no meter answered\n");
    free(prober);
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}
