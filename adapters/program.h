/*
 * program.h - what the three adapters have in common as programs.
 *
 *   sampan-X -c FILE                   run
 *   sampan-X -c FILE --check-config    read the settings, say what is wrong
 *   sampan-X -c FILE --outbox [--content]   what it keeps (outbox_show.h)
 *   sampan-X --manual                  the settings' reference (Markdown)
 *   sampan-X --decode PROTOCOL [--raw] [--content-type T]
 *   sampan-X --list-protocols
 *   sampan-X --probe DEVICE            (where there is something to find out)
 *   sampan-X --version | --help
 *
 * Exit code: 0; 1 it failed; 2 wrong options or settings.
 */
#ifndef SAMPAN_PROGRAM_H
#define SAMPAN_PROGRAM_H

#include "adapter_config.h"
#include "courier.h"
#include "decode.h"

/* What run gets; borrowed until it returns. */
struct program_world {
    const void *config; /* the struct that settings describes */
    struct courier *courier;
    const struct clock *clock;
    int stop_fd; /* readable (POLLIN) for good once SIGTERM or SIGINT came */
};

struct program {
    const char *name;  /* "sampan-camera" */
    const char *class; /* "camera": of its topics */
    const char *about; /* a line for --help */
    const struct decode_protocol *protocols;
    size_t protocol_count;
    const struct settings_group *settings;
    size_t config_size; /* its struct begins with struct adapter_config */
    /* The program's own rules about values (settings_mistake); may be NULL. */
    void (*check)(struct settings *settings, const void *config);
    /* Until world->stop_fd is readable; then everything of its own is ended
     * within three seconds.  Anything but OK is logged and exits with 1. */
    enum status (*run)(const struct program_world *world);
    /* --probe: prints a snippet of settings; the exit code.  NULL: none. */
    int (*probe)(const char *device);
};

/* What --manual prints: for the test that holds docs/settings-X.md to it. */
MUST_CHECK enum status program_manual(const struct program *program,
                                      struct bytes *markdown);

int program_main(const struct program *program, int argc, char **argv);

#endif
