/* sampanctl: the operator's command line. */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verbs.h"

static const char usage[] =
    "usage: sampanctl [OPTIONS] VERB [ARGUMENTS]\n"
    "\n"
    "look (nothing changes):\n"
    "  stats                     queue depths, destinations, space\n"
    "  list [FILTER]             deliveries, oldest first; --all, --csv\n"
    "  show ENTRY                one delivery: facts, events, history\n"
    "  report DAY                the books of a day (2026-11-20); --csv\n"
    "  verify                    check every record and the outcome chain\n"
    "  audit                     what operators did, newest last\n"
    "  test DESTINATION          name, connection, TLS, session, heartbeat\n"
    "change deliveries (ENTRY ... or FILTER):\n"
    "  retry                     parked, rejected -> offered again now\n"
    "  replay                    delivered -> sent once more\n"
    "  hold, release             waiting, parked -> held, and back\n"
    "  discard --reason TEXT     given up, with the reason on record\n"
    "  complete [NAME=VALUE ...] fill in what held ones lack, or, without\n"
    "                            fields, make them anew of what is known now\n"
    "change destinations:\n"
    "  pause DESTINATION [--reason TEXT], resume DESTINATION\n"
    "  round DESTINATION         offer everything parked now\n"
    "  import FILE.csv           vehicle ledger: plate,color,vehicleId,vin,"
    "tare_t\n"
    "keep safe:\n"
    "  backup                    keys, credentials, counters into a file on "
    "the box\n"
    "  restore FILE STATE_FOLDER [--force]   bridge stopped\n"
    "  dump STORE_FOLDER         all records as JSON lines; bridge stopped\n"
    "\n"
    "FILTER: --destination D --interface I --state S --plate P\n"
    "        --from TIME --until TIME   (\"2026-11-20 08:30:00\", UTC+8)\n"
    "OPTIONS (environment): --host (SAMPAN_HOST, 127.0.0.1) --port "
    "(SAMPAN_PORT, 1883)\n"
    "        --site (SAMPAN_SITE) --user (SAMPAN_USER)\n"
    "        --password-file (SAMPAN_PASSWORD_FILE) --ca (SAMPAN_CA: TLS)\n"
    "        --timeout SECONDS --json --yes (do not ask before a change)\n";

enum option_key {
    KEY_HOST = 1000,
    KEY_PORT,
    KEY_SITE,
    KEY_USER,
    KEY_PASSWORD,
    KEY_CA,
    KEY_TIMEOUT,
    KEY_JSON,
    KEY_YES,
    KEY_ALL,
    KEY_CSV,
    KEY_FORCE,
    KEY_FILTER,
    KEY_NUMBER,
    KEY_HELP,
    KEY_VERSION,
};

/* clang-format off */
static const struct option options[] = {
    { "host",          required_argument, NULL, KEY_HOST },
    { "port",          required_argument, NULL, KEY_PORT },
    { "site",          required_argument, NULL, KEY_SITE },
    { "user",          required_argument, NULL, KEY_USER },
    { "password-file", required_argument, NULL, KEY_PASSWORD },
    { "ca",            required_argument, NULL, KEY_CA },
    { "timeout",       required_argument, NULL, KEY_TIMEOUT },
    { "json",          no_argument,       NULL, KEY_JSON },
    { "yes",           no_argument,       NULL, KEY_YES },
    { "all",           no_argument,       NULL, KEY_ALL },
    { "csv",           no_argument,       NULL, KEY_CSV },
    { "force",         no_argument,       NULL, KEY_FORCE },
    { "destination",   required_argument, NULL, KEY_FILTER },
    { "interface",     required_argument, NULL, KEY_FILTER },
    { "state",         required_argument, NULL, KEY_FILTER },
    { "plate",         required_argument, NULL, KEY_FILTER },
    { "from",          required_argument, NULL, KEY_FILTER },
    { "until",         required_argument, NULL, KEY_FILTER },
    { "reason",        required_argument, NULL, KEY_FILTER },
    { "after",         required_argument, NULL, KEY_NUMBER },
    { "limit",         required_argument, NULL, KEY_NUMBER },
    { "help",          no_argument,       NULL, KEY_HELP },
    { "version",       no_argument,       NULL, KEY_VERSION },
    { NULL, 0, NULL, 0 },
};
/* clang-format on */

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != 0 ? value : otherwise;
}

static bool number_read(const char *text, unsigned most, unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == 0 || *end != 0 || value == 0 || value > most) {
        fprintf(stderr, "sampanctl: \"%s\" is no number from 1 to %u\n", text,
                most);
        return false;
    }
    *number = (unsigned)value;
    return true;
}

static bool option_take(struct run *run, int key, int index)
{
    struct remote_options *remote = &run->remote_options;

    switch (key) {
    case KEY_HOST:
        remote->host = optarg;
        return true;
    case KEY_PORT:
        return number_read(optarg, 65535, &remote->port);
    case KEY_SITE:
        remote->site = optarg;
        return true;
    case KEY_USER:
        remote->user = optarg;
        return true;
    case KEY_PASSWORD:
        remote->password_file = optarg;
        return true;
    case KEY_CA:
        remote->ca_file = optarg;
        return true;
    case KEY_TIMEOUT:
        return number_read(optarg, 86400, &remote->timeout_s);
    case KEY_JSON:
        return run->json = true;
    case KEY_YES:
        return run->yes = true;
    case KEY_ALL:
        return run->all = true;
    case KEY_CSV:
        return run->csv = true;
    case KEY_FORCE:
        return run->force = true;
    case KEY_FILTER:
        return text_set(run->request, options[index].name, optarg);
    case KEY_NUMBER:
        json_object_set_new(run->request, options[index].name,
                            json_integer(strtoll(optarg, NULL, 10)));
        return true;
    default:
        return false;
    }
}

static bool environment_take(struct run *run)
{
    struct remote_options *remote = &run->remote_options;

    *remote = (struct remote_options){
        .host = environment("SAMPAN_HOST", "127.0.0.1"),
        .site = environment("SAMPAN_SITE", NULL),
        .user = environment("SAMPAN_USER", NULL),
        .password_file = environment("SAMPAN_PASSWORD_FILE", NULL),
        .ca_file = environment("SAMPAN_CA", NULL),
        .timeout_s = 60,
    };
    return number_read(environment("SAMPAN_PORT", "1883"), 65535,
                       &remote->port);
}

int main(int argc, char **argv)
{
    struct run run = {.request = json_object()};
    int index = 0;
    int key;
    int code = EXIT_USAGE;

    setlocale(LC_CTYPE, "");
    if (!environment_take(&run))
        goto out;
    while ((key = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (key == KEY_HELP || key == KEY_VERSION) {
            fputs(key == KEY_HELP ? usage : "sampanctl " SAMPAN_VERSION "\n",
                  stdout);
            code = EXIT_SUCCESS;
            goto out;
        }
        if (!option_take(&run, key, index))
            goto out;
    }
    if (optind == argc) {
        fputs(usage, stderr);
        goto out;
    }
    run.argc = argc - optind - 1;
    run.argv = argv + optind + 1;
    code = verb_run(&run, argv[optind]);
out:
    remote_close(run.remote);
    json_decref(run.request);
    return code;
}
