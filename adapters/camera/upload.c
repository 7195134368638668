#include "upload.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "folder.h"
#include "log.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO)
#define SETTLING_MS 500 /* look this often while files wait */

struct watch {
    struct folder *folder;
    const char *path;
    int number; /* of inotify; -1: it has none, looking must do */
};

struct upload {
    struct upload_options options;
    struct watch *watches;
    size_t count;
    int inotify;
    pthread_t thread;
    bool running;
};

/* ---- the thread --------------------------------------------------------- */

static size_t look(struct upload *upload)
{
    const struct clock *clock = upload->options.clock;
    size_t waiting = 0;

    for (size_t i = 0; i < upload->count; i++)
        waiting += folder_step(upload->watches[i].folder,
                               clock_steady_ms(clock), clock_wall_ms(clock));
    return waiting;
}

static struct watch *watch_of(struct upload *upload, int number)
{
    for (size_t i = 0; i < upload->count; i++)
        if (upload->watches[i].number == number)
            return &upload->watches[i];
    return NULL;
}

/* Which files were closed.  An overflow of inotify's queue is nothing worse
 * than waiting for settle_s. */
static void hear(struct upload *upload)
{
    _Alignas(struct inotify_event) char buffer[16 * 1024];
    ssize_t got = read(upload->inotify, buffer, sizeof buffer);

    if (got > 0)
        look(upload); /* so that all names of the events are known */
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event =
            (const struct inotify_event *)(const void *)(buffer + at);
        struct watch *watch = watch_of(upload, event->wd);

        if (watch != NULL && event->len > 0)
            folder_closed(watch->folder, event->name);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

static void *work(void *arg)
{
    struct upload *upload = arg;
    struct pollfd fds[2] = {
        {.fd = upload->options.stop_fd, .events = POLLIN},
        {.fd = upload->inotify, .events = POLLIN},
    };

    while (fds[0].revents == 0) {
        size_t waiting = look(upload);
        int wait_ms = waiting > 0
                          ? SETTLING_MS
                          : (int)upload->options.config->upload.scan_s * 1000;

        if (poll(fds, 2, wait_ms) > 0 && fds[1].revents != 0)
            hear(upload);
    }
    return NULL;
}

/* ---- opening ------------------------------------------------------------ */

static enum status watch_open(struct upload *upload,
                              const struct camera_config *camera)
{
    struct watch *watch = &upload->watches[upload->count];
    const struct folder_options options = {upload->options.config, camera,
                                           upload->options.intake};
    enum status status = folder_open(&options, &watch->folder);

    if (status != STATUS_OK)
        return status;
    upload->count++;
    watch->path = camera->folder;
    watch->number = inotify_add_watch(upload->inotify, camera->folder, EVENTS);
    if (watch->number < 0)
        log_at(LOG_WARN, "not_watched", LOG_TEXT("folder", camera->folder),
               LOG_TEXT("reason", "inotify refused; it is read every scan_s"));
    return STATUS_OK;
}

static enum status watches_open(struct upload *upload)
{
    const struct cameras_config *config = upload->options.config;
    enum status status = STATUS_OK;

    upload->watches = calloc(config->camera_count, sizeof *upload->watches);
    if (upload->watches == NULL)
        return STATUS_NOMEM;
    upload->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (upload->inotify < 0)
        return STATUS_IO;
    for (unsigned i = 0; i < config->camera_count && status == STATUS_OK; i++)
        if (config->cameras[i].folder[0] != 0)
            status = watch_open(upload, &config->cameras[i]);
    return status;
}

enum status upload_open(const struct upload_options *options,
                        struct upload **upload)
{
    struct upload *made = calloc(1, sizeof *made);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    made->options = *options;
    made->inotify = -1;
    status = watches_open(made);
    if (status == STATUS_OK && made->count > 0) {
        made->running = pthread_create(&made->thread, NULL, work, made) == 0;
        status = made->running ? STATUS_OK : STATUS_IO;
    }
    if (made->running)
        *upload = made;
    else
        upload_close(made);
    return status;
}

void upload_close(struct upload *upload)
{
    if (upload == NULL)
        return;
    if (upload->running)
        pthread_join(upload->thread, NULL);
    for (size_t i = 0; i < upload->count; i++)
        folder_close(upload->watches[i].folder);
    if (upload->inotify >= 0)
        close(upload->inotify);
    free(upload->watches);
    free(upload);
}
