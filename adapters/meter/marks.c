#include "marks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "text.h"

#define ID_MAX 64
#define MARKS_MAX 8000 /* METER_BUSES_MAX times METER_STATIONS_MAX */
#define FILE_MAX (MARKS_MAX * (size_t)(ID_MAX + 24))

struct mark {
    int64_t mark_ms;
    char meter[ID_MAX];
};

struct marks {
    pthread_mutex_t lock;
    char *path;
    bool changed;
    struct mark *rows;
    size_t count;
};

/* ---- in memory ----------------------------------------------------------- */

static struct mark *find(const struct marks *marks, const char *meter)
{
    for (size_t i = 0; i < marks->count; i++)
        if (strcmp(marks->rows[i].meter, meter) == 0)
            return &marks->rows[i];
    return NULL;
}

static enum status set(struct marks *marks, const char *meter, int64_t mark_ms)
{
    struct mark *mark = find(marks, meter);

    if (mark == NULL) {
        struct mark *rows;

        if (marks->count == MARKS_MAX)
            return STATUS_FULL;
        rows = realloc(marks->rows, (marks->count + 1) * sizeof *rows);
        if (rows == NULL)
            return STATUS_NOMEM;
        marks->rows = rows;
        mark = &rows[marks->count++];
        text_put(mark->meter, sizeof mark->meter, meter);
    }
    mark->mark_ms = mark_ms;
    return STATUS_OK;
}

/* ---- the file ------------------------------------------------------------ */

static enum status read_line(struct marks *marks, char *line)
{
    char *end = NULL;
    int64_t mark_ms = strtoll(line, &end, 10);

    if (end == line || *end != ' ' || end[1] == 0 || strlen(end + 1) >= ID_MAX)
        return STATUS_OK; /* a line that was never ours */
    return set(marks, end + 1, mark_ms);
}

static enum status read_file(struct marks *marks)
{
    struct bytes text = BYTES_EMPTY;
    char *rest = NULL;
    enum status status = bytes_read_file(&text, marks->path, FILE_MAX);

    if (status == STATUS_OK)
        for (char *line = strtok_r((char *)text.data, "\n", &rest);
             line != NULL && status == STATUS_OK;
             line = strtok_r(NULL, "\n", &rest))
            status = read_line(marks, line);
    bytes_free(&text);
    return status == STATUS_NOMEM ? status : STATUS_OK;
}

enum status marks_open(const char *path, struct marks **marks)
{
    struct marks *made = calloc(1, sizeof *made);

    if (made == NULL)
        return STATUS_NOMEM;
    pthread_mutex_init(&made->lock, NULL);
    made->path = strdup(path);
    if (made->path == NULL || read_file(made) != STATUS_OK) {
        marks_close(made);
        return STATUS_NOMEM;
    }
    *marks = made;
    return STATUS_OK;
}

void marks_close(struct marks *marks)
{
    if (marks == NULL)
        return;
    pthread_mutex_destroy(&marks->lock);
    free(marks->rows);
    free(marks->path);
    free(marks);
}

bool marks_find(struct marks *marks, const char *meter, int64_t *mark_ms)
{
    const struct mark *mark;

    pthread_mutex_lock(&marks->lock);
    mark = find(marks, meter);
    if (mark != NULL)
        *mark_ms = mark->mark_ms;
    pthread_mutex_unlock(&marks->lock);
    return mark != NULL;
}

enum status marks_set(struct marks *marks, const char *meter, int64_t mark_ms)
{
    enum status status;

    pthread_mutex_lock(&marks->lock);
    status = set(marks, meter, mark_ms);
    marks->changed = true;
    pthread_mutex_unlock(&marks->lock);
    return status;
}

static enum status print(const struct marks *marks, struct bytes *text)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < marks->count && status == STATUS_OK; i++)
        status = bytes_print(text, "%" PRId64 " %s\n", marks->rows[i].mark_ms,
                             marks->rows[i].meter);
    return status;
}

enum status marks_save(struct marks *marks)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = STATUS_OK;

    /* Written under the lock: two buses must not overtake each other. */
    pthread_mutex_lock(&marks->lock);
    if (marks->changed) {
        status = print(marks, &text);
        if (status == STATUS_OK)
            status = bytes_write_file(marks->path, bytes_view(&text), 0600);
        if (status == STATUS_OK)
            marks->changed = false;
    }
    pthread_mutex_unlock(&marks->lock);
    bytes_free(&text);
    return status;
}
