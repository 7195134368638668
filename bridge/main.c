/* sampan-bridge: options, settings, and the exit code. */
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "clock.h"
#include "config.h"
#include "log.h"
#include "platform.h"
#include "state.h"

#define EXIT_SETTINGS 2
#define HEALTH_MAX ((size_t)1 << 20)

static const char usage[] =
    "usage: sampan-bridge [-c] FILE [--check-config | --health]\n"
    "       sampan-bridge --manual | --version | --help\n"
    "\n"
    "  -c FILE          the settings; docs/settings.md tells every key\n"
    "  --check-config   read the settings, say what is wrong, and stop\n"
    "  --health         ask how the running bridge is: exit 0 healthy, 1 not\n"
    "  --manual         print the reference of the settings (Markdown)\n";

enum task { TASK_RUN, TASK_CHECK, TASK_HEALTH, TASK_MANUAL };

static int manual_print(void)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = config_manual(&text);

    if (status == STATUS_OK)
        fputs(bytes_text(&text), stdout);
    bytes_free(&text);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int health_print(const struct config *config)
{
    struct bytes json = BYTES_EMPTY;
    struct bytes words = BYTES_EMPTY;
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    enum status status;

    bridge_state_folder(config, folder, sizeof folder);
    snprintf(path, sizeof path, "%s/health.json", folder);
    status = bytes_read_file(&json, path, HEALTH_MAX);
    if (status == STATUS_OK)
        status = state_health(bytes_view(&json), clock_wall_ms(clock_system()),
                              &words);
    else if (bytes_print(&words, "unhealthy: %s: %s", path,
                         status_text(status)) != STATUS_OK)
        status = STATUS_NOMEM;
    puts(bytes_text(&words));
    bytes_free(&json);
    bytes_free(&words);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A path for an interface that the platform does not have is a mistake. */
static bool paths_known(const char *path, const struct config *config)
{
    bool known = true;

    for (unsigned i = 0; i < config->destination_count; i++) {
        const struct destination_config *to = &config->destinations[i];

        for (unsigned j = 0; j < to->path_count; j++)
            if (platform_interface(platform_find(to->platform),
                                   to->paths[j].interface) == NULL) {
                fprintf(stderr,
                        "%s: destinations[%u].paths[%u].interface: %s has no "
                        "interface \"%s\"\n",
                        path, i, j, to->platform, to->paths[j].interface);
                known = false;
            }
    }
    return known;
}

static void signals_block(void)
{
    sigset_t stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int with_settings(const char *path, enum task task)
{
    struct bytes words = BYTES_EMPTY;
    struct config *config = NULL;
    int code = EXIT_FAILURE;

    if (config_load(path, &words, &config) != STATUS_OK) {
        fputs(bytes_text(&words), stderr);
        bytes_free(&words);
        return EXIT_SETTINGS;
    }
    fputs(bytes_text(&words), stderr); /* warnings */
    log_set_level_word(config->log_level);
    if (!paths_known(path, config)) {
        code = EXIT_SETTINGS;
    } else if (task == TASK_CHECK) {
        printf("%s: the settings are good\n", path);
        code = EXIT_SUCCESS;
    } else if (task == TASK_HEALTH) {
        code = health_print(config);
    } else {
        signals_block();
        /* Messages are made in one thread and freed in another: few arenas
         * keep resident memory near what is in use. */
        mallopt(M_ARENA_MAX, 2);
        code = bridge_run(config) == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    config_free(config);
    bytes_free(&words);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"health", no_argument, NULL, 'l'},
        {"manual", no_argument, NULL, 'm'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    enum task task = TASK_RUN;
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            task = TASK_CHECK;
            break;
        case 'l':
            task = TASK_HEALTH;
            break;
        case 'm':
            return manual_print();
        case 'v':
            puts("sampan-bridge " SAMPAN_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            fputs(usage, stderr);
            return EXIT_SETTINGS;
        }
    }
    if (path == NULL && optind < argc) /* --check-config FILE */
        path = argv[optind++];
    if (path == NULL || optind < argc) {
        fputs(usage, stderr);
        return EXIT_SETTINGS;
    }
    return with_settings(path, task);
}
