#include "program.h"

#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "outbox_show.h"

#define EXIT_USAGE 2 /* wrong options or settings */

struct request {
    const char *settings; /* the file's path */
    const char *protocol; /* of --decode */
    const char *content_type;
    const char *device; /* of --probe */
    bool raw, check, outbox, content, manual, list, version, help;
};

/* ---- what is told of the program ---------------------------------------- */

static int usage_print(const struct program *program, FILE *to, int code)
{
    fprintf(
        to,
        "%s - %s\n\n"
        "usage: %s [-c] FILE [--check-config | --outbox [--content]]\n"
        "       %s --decode PROTOCOL [--raw] [--content-type T]\n"
        "%s%s%s"
        "       %s --list-protocols | --manual | --version | --help\n"
        "\n"
        "  -c FILE            the settings\n"
        "  --check-config     read the settings, say what is wrong, and "
        "stop\n"
        "  --outbox           print what waits for the bridge, and what it "
        "refused; with\n"
        "                     --content all of it\n"
        "  --decode PROTOCOL  bytes on standard input (hex text; with --raw "
        "as they\n"
        "                     are) to one JSON object a frame\n",
        program->name, program->about, program->name, program->name,
        program->probe == NULL ? "" : "       ",
        program->probe == NULL ? "" : program->name,
        program->probe == NULL ? "" : " --probe DEVICE\n", program->name);
    if (program->probe != NULL)
        fputs("  --probe DEVICE     find out how the device speaks, and print "
              "settings\n",
              to);
    fputs("  --list-protocols   what --decode knows\n"
          "  --manual           print the reference of the settings "
          "(Markdown)\n",
          to);
    return code;
}

static int protocols_print(const struct program *program)
{
    for (size_t i = 0; i < program->protocol_count; i++)
        printf("%-22s %s\n", program->protocols[i].name,
               program->protocols[i].about);
    return EXIT_SUCCESS;
}

enum status program_manual(const struct program *program,
                           struct bytes *markdown)
{
    enum status status = bytes_print(
        markdown,
        "# Settings of %s\n"
        "\n"
        "Printed by `%s --manual`; do not edit. The program %s.\n"
        "What is the same in every settings file of Sampan (types, secrets, "
        "what is refused)\nis told at the top of [settings.md](settings.md).\n",
        program->name, program->name, program->about);

    return status == STATUS_OK ? settings_manual(program->settings, markdown)
                               : status;
}

static int manual_print(const struct program *program)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = program_manual(program, &text);

    if (status == STATUS_OK)
        fputs(bytes_text(&text), stdout);
    bytes_free(&text);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- running ------------------------------------------------------------ */

/* Readable for good once one of them came, since nobody reads it. */
static int stop_open(void)
{
    sigset_t stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &stops, SFD_CLOEXEC);
}

static enum status courier_run(const struct program *program,
                               struct program_world *world)
{
    const struct adapter_config *config = world->config;
    const struct courier_options options = {
        .config = config, .class = program->class, .clock = world->clock};
    enum status status = courier_open(&options, &world->courier);

    if (status != STATUS_OK)
        return status;
    log_at(LOG_INFO, "started", LOG_TEXT("site", config->site),
           LOG_TEXT("name", config->name), LOG_TEXT("version", SAMPAN_VERSION));
    status = program->run(world);
    log_at(LOG_INFO, "stopping", LOG_TEXT("site", config->site));
    courier_close(world->courier);
    return status;
}

static int run(const struct program *program, const void *config)
{
    struct program_world world = {.config = config, .clock = clock_system()};
    enum status status = STATUS_IO;

    umask(077);
    /* Events are made in one thread and freed in another: few arenas keep
     * resident memory near what is in use. */
    mallopt(M_ARENA_MAX, 2);
    world.stop_fd = stop_open();
    if (world.stop_fd >= 0)
        status = courier_run(program, &world);
    log_at(status == STATUS_OK ? LOG_INFO : LOG_ERROR, "stopped",
           LOG_TEXT("reason", status_text(status)));
    if (world.stop_fd >= 0)
        close(world.stop_fd);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The settings at path, with all that was derived and checked; words is what
 * is wrong, or only the warnings. */
static enum status settings_load(const struct program *program,
                                 const char *path, void *config,
                                 struct settings **settings,
                                 struct bytes *words)
{
    enum status status =
        settings_open(path, program->settings, config, words, settings);

    if (status != STATUS_OK)
        return status;
    adapter_config_complete(*settings, program->class, config);
    if (program->check != NULL)
        program->check(*settings, config);
    return settings_verdict(*settings, words);
}

static int with_settings(const struct program *program,
                         const struct request *request)
{
    const char *path = request->settings;
    struct bytes words = BYTES_EMPTY;
    struct settings *settings = NULL;
    struct adapter_config *config = calloc(1, program->config_size);
    int code = EXIT_USAGE;
    enum status status = STATUS_NOMEM;

    if (config != NULL)
        status = settings_load(program, path, config, &settings, &words);
    fputs(bytes_text(&words), stderr);
    if (status == STATUS_OK && request->outbox) {
        code = outbox_show(config->outbox.folder, request->content);
    } else if (status == STATUS_OK && request->check) {
        printf("%s: the settings are good\n", path);
        code = EXIT_SUCCESS;
    } else if (status == STATUS_OK) {
        log_set_level_word(config->log_level);
        code = run(program, config);
    }
    settings_close(settings);
    free(config);
    bytes_free(&words);
    return code;
}

/* ---- options ------------------------------------------------------------ */

enum {
    OPTION_RAW = 256,
    OPTION_CHECK,
    OPTION_OUTBOX,
    OPTION_CONTENT,
    OPTION_MANUAL,
    OPTION_LIST,
    OPTION_DECODE,
    OPTION_TYPE,
    OPTION_PROBE,
    OPTION_VERSION
};

static bool request_take(struct request *request, int option)
{
    switch (option) {
    case 'c':
        request->settings = optarg;
        return true;
    case 'h':
        request->help = true;
        return true;
    case OPTION_RAW:
        request->raw = true;
        return true;
    case OPTION_CHECK:
        request->check = true;
        return true;
    case OPTION_OUTBOX:
        request->outbox = true;
        return true;
    case OPTION_CONTENT:
        request->content = true;
        return true;
    case OPTION_MANUAL:
        request->manual = true;
        return true;
    case OPTION_LIST:
        request->list = true;
        return true;
    case OPTION_DECODE:
        request->protocol = optarg;
        return true;
    case OPTION_TYPE:
        request->content_type = optarg;
        return true;
    case OPTION_PROBE:
        request->device = optarg;
        return true;
    case OPTION_VERSION:
        request->version = true;
        return true;
    default:
        return false;
    }
}

static bool request_read(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"raw", no_argument, NULL, OPTION_RAW},
        {"check-config", no_argument, NULL, OPTION_CHECK},
        {"outbox", no_argument, NULL, OPTION_OUTBOX},
        {"content", no_argument, NULL, OPTION_CONTENT},
        {"manual", no_argument, NULL, OPTION_MANUAL},
        {"list-protocols", no_argument, NULL, OPTION_LIST},
        {"decode", required_argument, NULL, OPTION_DECODE},
        {"content-type", required_argument, NULL, OPTION_TYPE},
        {"probe", required_argument, NULL, OPTION_PROBE},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        if (!request_take(request, option))
            return false;
    if (request->settings == NULL && optind < argc) /* --check-config FILE */
        request->settings = argv[optind++];
    return optind == argc;
}

int program_main(const struct program *program, int argc, char **argv)
{
    struct request request = {.settings = NULL};

    if (!request_read(&request, argc, argv))
        return usage_print(program, stderr, EXIT_USAGE);
    if (request.help)
        return usage_print(program, stdout, EXIT_SUCCESS);
    if (request.version)
        return printf("%s " SAMPAN_VERSION "\n", program->name) < 0;
    if (request.manual)
        return manual_print(program);
    if (request.list)
        return protocols_print(program);
    if (request.protocol != NULL)
        return decode_main(program->protocols, program->protocol_count,
                           request.protocol, request.content_type, request.raw);
    if (request.device != NULL && program->probe != NULL)
        return program->probe(request.device);
    if (request.settings == NULL || request.device != NULL)
        return usage_print(program, stderr, EXIT_USAGE);
    return with_settings(program, &request);
}
