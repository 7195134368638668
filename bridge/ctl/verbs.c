#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "offline.h"
#include "print.h"

#define LIST_COLUMNS                                                           \
    "entry destination interface state plate made attempts rounds reason"
#define EVENT_COLUMNS "kind received used joining unrouted invalid repeats"
#define SUM_COLUMNS                                                            \
    "destination interface made delivered waiting parked held rejected "       \
    "discarded"

/* ---- asking ----------------------------------------------------------- */

int complain(const char *text)
{
    fputs("sampanctl: ", stderr);
    print_words(stderr, text == NULL ? "it failed, and nobody said why" : text);
    putc('\n', stderr);
    return EXIT_FAILURE;
}

/* An argument that JSON does not take must not be left out in silence: the
 * request would then mean more than was asked. */
bool text_set(json_t *object, const char *name, const char *text)
{
    if (json_object_set_new(object, name, json_string(text)) == 0)
        return true;
    complain("the arguments must be UTF-8");
    return false;
}

/* The reply, or NULL after saying what is wrong. */
static json_t *ask(struct run *run)
{
    json_t *reply = NULL;
    char words[512];
    enum status status = STATUS_OK;

    if (run->remote == NULL)
        status = remote_open(&run->remote_options, words, &run->remote);
    if (status != STATUS_OK) {
        complain(words);
        return NULL;
    }
    if (remote_ask(run->remote, run->request, &reply) != STATUS_OK) {
        fprintf(stderr,
                "sampanctl: no answer: does the bridge run, is \"%s\" an "
                "operator, and is the site \"%s\"?\n",
                run->remote_options.user, run->remote_options.site);
        return NULL;
    }
    if (!json_is_true(json_object_get(reply, "ok"))) {
        complain(json_string_value(json_object_get(reply, "error")));
        json_decref(reply);
        return NULL;
    }
    json_object_del(reply, "ok");
    json_object_del(reply, "id");
    return reply;
}

static int finish(json_t *reply)
{
    if (reply == NULL)
        return EXIT_FAILURE;
    json_decref(reply);
    return EXIT_SUCCESS;
}

static bool shown_as_json(const struct run *run, const json_t *reply)
{
    if (!run->json || reply == NULL)
        return false;
    json_dumpf(reply, stdout, JSON_INDENT(2));
    putchar('\n');
    return true;
}

static bool argument_needed(struct run *run, const char *name)
{
    if (run->argc == 1)
        return true;
    fprintf(stderr, "sampanctl: exactly one %s is needed\n", name);
    return false;
}

/* ---- looking ---------------------------------------------------------- */

static void books_print(const struct run *run, const json_t *reply)
{
    const json_t *events = json_object_get(reply, "events");
    const json_t *deliveries = json_object_get(reply, "deliveries");

    if (run->csv) {
        print_csv(events, EVENT_COLUMNS);
        print_csv(deliveries, SUM_COLUMNS);
        return;
    }
    print_table(events, EVENT_COLUMNS);
    putchar('\n');
    print_table(deliveries, SUM_COLUMNS);
}

static void troubles_print(const json_t *troubles)
{
    const json_t *trouble;
    size_t i;

    json_array_foreach(troubles, i, trouble)
    {
        if (i == 0)
            putchar('\n');
        printf("! %s\n", json_string_value(trouble));
    }
}

static int run_stats(struct run *run)
{
    json_t *reply = ask(run);

    if (!shown_as_json(run, reply) && reply != NULL) {
        print_table(json_object_get(reply, "uplinks"),
                    "destination condition in_flight resending accepted failed "
                    "last_accepted last_answer reason");
        putchar('\n');
        books_print(run, reply);
        putchar('\n');
        print_object(json_object_get(reply, "store"), 0);
        troubles_print(json_object_get(reply, "troubles"));
    }
    return finish(reply);
}

static int run_report(struct run *run)
{
    json_t *reply;

    if (!argument_needed(run, "day"))
        return EXIT_USAGE;
    if (!text_set(run->request, "day", run->argv[0]))
        return EXIT_USAGE;
    reply = ask(run);
    if (!shown_as_json(run, reply) && reply != NULL)
        books_print(run, reply);
    return finish(reply);
}

/* Pages must get on: a cursor that stands still would be asked for ever. */
static bool goes_up(const json_t *request, const json_t *next)
{
    return json_integer_value(next) >
           json_integer_value(json_object_get(request, "after"));
}

static int run_list(struct run *run)
{
    json_t *all = json_array();
    json_t *next = NULL;
    json_t *reply;

    do {
        if (next != NULL)
            json_object_set(run->request, "after", next);
        json_decref(next);
        reply = ask(run);
        json_array_extend(all, json_object_get(reply, "entries"));
        next = json_incref(json_object_get(reply, "next"));
        json_decref(reply);
    } while (reply != NULL && goes_up(run->request, next) && run->all);
    if (reply != NULL && !shown_as_json(run, all)) {
        if (run->csv)
            print_csv(all, LIST_COLUMNS);
        else
            print_table(all, LIST_COLUMNS);
        if (next != NULL)
            fprintf(stderr, "(more: --after %lld, or --all)\n",
                    (long long)json_integer_value(next));
    }
    json_decref(next);
    json_decref(all);
    return reply == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool entry_set(struct run *run)
{
    char *end;
    long long entry = run->argc < 1 ? 0 : strtoll(run->argv[0], &end, 10);

    if (run->argc < 1 || *end != 0 || entry <= 0) {
        complain("an entry's number is needed");
        return false;
    }
    json_object_set_new(run->request, "entry", json_integer(entry));
    return true;
}

static int run_show(struct run *run)
{
    json_t *reply;

    if (!entry_set(run))
        return EXIT_USAGE;
    reply = ask(run);
    if (!shown_as_json(run, reply) && reply != NULL) {
        json_t *history = json_incref(json_object_get(reply, "history"));
        json_t *events = json_incref(json_object_get(reply, "events"));

        json_object_del(reply, "history");
        json_object_del(reply, "events");
        print_object(reply, 0);
        puts("\nevents:");
        print_table(events, "event kind device event_id at received bytes "
                            "error");
        puts("\nhistory:");
        print_table(history, "at verb state cause actor attempts reason");
        json_decref(history);
        json_decref(events);
    }
    return finish(reply);
}

static int run_verify(struct run *run)
{
    json_t *reply = ask(run);
    bool good = json_is_true(json_object_get(reply, "good"));

    if (!shown_as_json(run, reply) && reply != NULL)
        print_object(reply, 0);
    json_decref(reply);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_audit(struct run *run)
{
    json_t *reply = ask(run);

    if (!shown_as_json(run, reply) && reply != NULL)
        print_table(json_object_get(reply, "entries"),
                    "at user verb destination plate state reason");
    return finish(reply);
}

static int run_test(struct run *run)
{
    json_t *reply;
    bool passed;

    if (!argument_needed(run, "destination"))
        return EXIT_USAGE;
    if (!text_set(run->request, "destination", run->argv[0]))
        return EXIT_USAGE;
    reply = ask(run);
    passed = json_is_true(json_object_get(reply, "passed"));
    if (!shown_as_json(run, reply) && reply != NULL)
        print_words(stdout, json_string_value(json_object_get(reply, "steps")));
    json_decref(reply);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- changing --------------------------------------------------------- */

static bool ids_set(struct run *run)
{
    json_t *ids = json_array();

    for (int i = 0; i < run->argc; i++) {
        char *end;
        long long id = strtoll(run->argv[i], &end, 10);

        if (*end != 0 || id <= 0) {
            fprintf(stderr, "sampanctl: \"%s\" is no entry's number\n",
                    run->argv[i]);
            json_decref(ids);
            return false;
        }
        json_array_append_new(ids, json_integer(id));
    }
    if (run->argc > 0)
        json_object_set(run->request, "ids", ids);
    json_decref(ids);
    return true;
}

static bool person_agrees(const struct run *run, long long count)
{
    char answer[16] = "";

    if (run->yes)
        return true;
    fprintf(stderr, "%lld entries would be changed. Do it? [y/N] ", count);
    return fgets(answer, sizeof answer, stdin) != NULL &&
           (strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0);
}

static int run_change(struct run *run)
{
    json_t *reply;
    json_t *token;

    if (!ids_set(run))
        return EXIT_USAGE;
    reply = ask(run);
    token = json_object_get(reply, "token");
    if (token != NULL) {
        if (!person_agrees(
                run, json_integer_value(json_object_get(reply, "count")))) {
            json_decref(reply);
            return complain("nothing was changed");
        }
        json_object_set(run->request, "token", token);
        json_decref(reply);
        reply = ask(run);
    }
    if (!shown_as_json(run, reply) && reply != NULL)
        print_object(reply, 0);
    return finish(reply);
}

/* NAME=VALUE from the first word on; NULL after saying what is wrong.
 * cargoWeight=12.5 is a number, vin=LBE... a text, and so is vin='"123"'. */
static json_t *fields_read(const struct run *run, int first)
{
    json_t *fields = json_object();

    for (int i = first; i < run->argc; i++) {
        char *equals = strchr(run->argv[i], '=');
        json_t *value;

        if (equals == NULL) {
            json_decref(fields);
            complain("fields are written NAME=VALUE");
            return NULL;
        }
        *equals = 0;
        value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
        json_object_set_new(fields, run->argv[i],
                            value != NULL ? value : json_string(equals + 1));
    }
    return fields;
}

/* complete ENTRY NAME=VALUE ..., or FILTER NAME=VALUE ... for many. */
static int run_complete(struct run *run)
{
    bool one = run->argc > 0 && strchr(run->argv[0], '=') == NULL;
    json_t *fields;

    if (one && !entry_set(run))
        return EXIT_USAGE;
    fields = fields_read(run, one ? 1 : 0);
    if (fields == NULL)
        return EXIT_USAGE;
    json_object_set_new(run->request, "fields", fields);
    run->argc = 0;
    return run_change(run);
}

static int run_destination(struct run *run)
{
    json_t *reply;

    if (!argument_needed(run, "destination"))
        return EXIT_USAGE;
    if (!text_set(run->request, "destination", run->argv[0]))
        return EXIT_USAGE;
    reply = ask(run);
    if (!shown_as_json(run, reply) && reply != NULL)
        print_object(reply, 0);
    return finish(reply);
}

static int run_import(struct run *run)
{
    struct bytes csv = BYTES_EMPTY;
    enum status status;
    json_t *reply;

    if (!argument_needed(run, "file"))
        return EXIT_USAGE;
    status = bytes_read_file(&csv, run->argv[0], (size_t)3 << 20);
    if (status != STATUS_OK) {
        fprintf(stderr, "sampanctl: %s: %s\n", run->argv[0],
                status_text(status));
        return EXIT_FAILURE;
    }
    if (json_object_set_new(run->request, "ledger",
                            json_stringn(bytes_text(&csv), csv.len)) != 0) {
        bytes_free(&csv);
        return complain("the ledger must be UTF-8: save it so, or convert it "
                        "with iconv -f GB18030 -t UTF-8");
    }
    bytes_free(&csv);
    reply = ask(run);
    if (!shown_as_json(run, reply) && reply != NULL) {
        printf("accepted: %lld\n", (long long)json_integer_value(
                                       json_object_get(reply, "accepted")));
        print_words(stdout,
                    json_string_value(json_object_get(reply, "refused")));
    }
    return finish(reply);
}

static int run_backup(struct run *run)
{
    json_t *reply = ask(run);

    if (!shown_as_json(run, reply) && reply != NULL)
        print_object(reply, 0);
    return finish(reply);
}

static int run_dump(struct run *run)
{
    return argument_needed(run, "store folder") ? offline_dump(run->argv[0])
                                                : EXIT_USAGE;
}

static int run_restore(struct run *run)
{
    if (run->argc != 2) {
        complain("restore needs FILE and STATE_FOLDER");
        return EXIT_USAGE;
    }
    return offline_restore(run->argv[0], run->argv[1], run->force);
}

/* ---- the table ---- */

/* clang-format off */
static const struct verb {
    const char *name;
    int (*run)(struct run *run);
    bool remote;
} verbs[] = {
    { "stats",    run_stats,       true },
    { "list",     run_list,        true },
    { "export",   run_list,        true },
    { "show",     run_show,        true },
    { "report",   run_report,      true },
    { "verify",   run_verify,      true },
    { "test",     run_test,        true },
    { "audit",    run_audit,       true },
    { "hold",     run_change,      true },
    { "release",  run_change,      true },
    { "retry",    run_change,      true },
    { "replay",   run_change,      true },
    { "discard",  run_change,      true },
    { "complete", run_complete,    true },
    { "pause",    run_destination, true },
    { "resume",   run_destination, true },
    { "round",    run_destination, true },
    { "import",   run_import,      true },
    { "backup",   run_backup,      true },
    { "restore",  run_restore,     false },
    { "dump",     run_dump,        false },
};
/* clang-format on */

int verb_run(struct run *run, const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        if (verbs[i].remote && (run->remote_options.site == NULL ||
                                run->remote_options.user == NULL)) {
            complain("--site and --user are needed (or SAMPAN_SITE and "
                     "SAMPAN_USER)");
            return EXIT_USAGE;
        }
        if (strcmp(name, "export") == 0)
            run->all = run->csv = true;
        json_object_set_new(
            run->request, "verb",
            json_string(strcmp(name, "export") == 0 ? "list" : name));
        return verbs[i].run(run);
    }
    fprintf(stderr, "sampanctl: there is no verb \"%s\"; --help lists them\n",
            name);
    return EXIT_USAGE;
}
