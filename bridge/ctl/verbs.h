/*
 * verbs.h - what sampanctl can do, one function a verb.
 */
#ifndef SAMPAN_VERBS_H
#define SAMPAN_VERBS_H

#include <stdbool.h>

#include "remote.h"

#define EXIT_USAGE 2

/* The command line, taken apart. */
struct run {
    struct remote_options remote_options;
    struct remote *remote;
    json_t *request; /* from the options */
    bool json, yes, all, csv, force;
    int argc;
    char **argv; /* what stands behind the verb */
};

/* Run the verb of this name; the exit code. */
int verb_run(struct run *run, const char *name);
/* Say what is wrong on standard error: EXIT_FAILURE. */
int complain(const char *text);
/* Set a member to a text; false after complaining that it is not UTF-8. */
bool text_set(json_t *object, const char *name, const char *text);

#endif
