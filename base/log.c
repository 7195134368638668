#include "log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define LINE_MAX_BYTES 2048

/* The one thing at file scope: a program has one log. */
static _Atomic int threshold = LOG_INFO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

void log_set_level_word(const char *word)
{
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
        if (strcmp(word, level_names[level]) == 0)
            log_set_level((enum log_level)level);
}

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void put(struct line *line, const char *text, size_t len)
{
    size_t room = sizeof line->text - 1 - line->len; /* 1: the newline */

    if (len > room)
        len = room;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static bool needs_quotes(const char *text)
{
    if (*text == 0)
        return true;
    for (; *text != 0; text++)
        if ((unsigned char)*text <= ' ' || *text == '"' || *text == '=' ||
            *text == '\\' || *text == 0x7f)
            return true;
    return false;
}

static void put_quoted(struct line *line, const char *text)
{
    char escaped[8];

    put(line, "\"", 1);
    for (; *text != 0 && line->len < sizeof line->text - 16; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            put(line, "\\", 1);
            put(line, text, 1);
        } else if (c < ' ' || c == 0x7f) {
            put(line, escaped,
                (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", c));
        } else {
            put(line, text, 1);
        }
    }
    put(line, "\"", 1);
}

static void put_text(struct line *line, const char *text)
{
    if (needs_quotes(text))
        put_quoted(line, text);
    else
        put(line, text, strlen(text));
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[24];

    put(line, " ", 1);
    put(line, field->key, strlen(field->key));
    put(line, "=", 1);
    if (field->text != NULL)
        put_text(line, field->text);
    else
        put(line, number,
            (size_t)snprintf(number, sizeof number, "%lld",
                             (long long)field->number));
}

void log_write(enum log_level level, const char *event,
               const struct log_field *fields)
{
    struct line line = {.len = 0};
    char now[CLOCK_TEXT_MAX];
    ssize_t written;

    if ((int)level > atomic_load(&threshold))
        return;
    clock_print_iso(clock_wall_ms(clock_system()), now);
    put_field(&line, &LOG_TEXT("ts", now));
    put_field(&line, &LOG_TEXT("level", level_names[level]));
    put_field(&line, &LOG_TEXT("event", event));
    for (; fields->key != NULL; fields++)
        put_field(&line, fields);
    line.text[line.len++] = '\n';
    written = write(STDERR_FILENO, line.text + 1, line.len - 1);
    (void)written; /* a log that cannot be written must not stop the bridge */
}
